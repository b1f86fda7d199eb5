// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The keys of sessions and codes, one set an epoch. Epochs follow each other by the clock: epoch n
// begins at n × period. A session id carries n modulo 4 in the clear, a code's record carries n.
//
// Invariant: of four neighbouring epochs all have different marks, so {now − 2, now − 1, now,
// now + 1} covers whatever can still verify as long as period ≥ half the longest session and code
// life together; the key file's loader checks that. (now + 1 serves a node whose clock is ahead.)

#include "crypto/pure/mac.h"

#define EPOCHS_HELD 4U

struct epoch {
    uint32_t number;
    struct key session; // the session cipher
    struct key tag;     // the short tags inside it
    struct key code;    // codes
};

struct epoch_set {
    uint32_t current;
    struct epoch slots[EPOCHS_HELD]; // slot i holds the epoch with number % 4 == i
};

// All four epochs around `number` (≥ 2), from the root key.
void epoch_set_derive(const struct key *root, uint32_t number, struct epoch_set *out);

const struct epoch *epoch_current(const struct epoch_set *set);

// The epoch with that number, or NULL when its keys are gone.
const struct epoch *epoch_find(const struct epoch_set *set, uint32_t number);

// The held epoch with number % 4 == mark; never NULL.
const struct epoch *epoch_by_mark(const struct epoch_set *set, uint8_t mark);
