// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A hash of payload encryption is taken once. Those of one person that were taken are remembered in
// a record of their own (RECORD_OF_HASHES), by the time that they carry and a tag.
//
//   forgotten ──── floor ──── remembered, 32 at most ────────────▶ time that a hash carries
//    refused                  each refused again, others taken
//
// What is forgotten is refused, so that nothing that is ever forgotten can be taken again: not by a
// setting that changes, a clock that steps, or a record that is at its end. The floor rises to the
// oldest one when there is no more room, and is never more than a day behind T. Whether a hash is
// too old for its brand is another matter, and for the edge: it compares with a clock that the
// person's device knows too.

#include "core/record.h"

struct hash_mark {
    int64_t made_at_ms; // the time that it carries
    uint32_t tag;
};

enum hash_use {
    HASH_USE_FIRST,     // it is taken
    HASH_USE_AGAIN,     // it was before
    HASH_USE_FORGOTTEN, // nobody knows
    HASH_USE_AHEAD,     // it carries a time more than a day after T
};

// The tag of a cipher text.
uint32_t used_hash_tag(const struct key *index_key, struct span cipher);

// The record has changed when the answer is HASH_USE_FIRST. `now_ms` is the store's time T.
enum hash_use used_hash_take(struct record *record, const struct hash_mark *mark, int64_t now_ms);
