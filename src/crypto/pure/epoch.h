// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The keys of sessions and codes, one set an epoch. Epochs follow each other by the clock: epoch n
// begins at n × period. A session id carries n modulo 4 in the clear, a code's record carries n.
//
// Invariant: of four neighbouring epochs all have different marks, so {now − 2, now − 1, now,
// now + 1} covers whatever can still verify as long as period ≥ half the longest session and code
// life together; the key file's loader checks that. (now + 1 serves a node whose clock is ahead.)

#include "crypto/pure/permute.h"

#define EPOCHS_HELD 4U
#define EPOCHS_BEHIND 2U // of them older than the present one; the first epoch that can be

// What the short tags of a session are for.
enum epoch_tag {
    EPOCH_TAG_BRAND,
    EPOCH_TAG_IDENTIFIER,
    EPOCH_TAG_DEVICE,
    EPOCH_TAG_ADDRESS,
    EPOCH_TAG_SESSION, // names a session in a record
    EPOCH_TAG_BINDING, // all that it is bound to
    EPOCH_TAG_COUNT_,
};

struct epoch {
    uint32_t number;
    struct permute_key session;              // the session cipher
    struct short_key tags[EPOCH_TAG_COUNT_]; // the short tags inside it
    struct key code;                         // codes
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
