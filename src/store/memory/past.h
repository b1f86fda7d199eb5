// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the store in memory remembers of entries that are over, and by which references entries can
// be found: the latest of both, in rings. An entry's place is its handle's, so that of those made
// PAST_ENTRIES apart the one that is newer stays.

#include "store/store.h"

#define PAST_ENTRIES 4096U
#define PAST_REFS 16384U

struct past_entry {
    uint64_t handle; // 0: none
    struct outbox_entry entry;
    struct delivery delivery;
};

struct past_ref {
    uint64_t tag; // 0: none
    uint64_t handle;
    uint32_t next; // in its bucket, + 1; 0: none
};

struct past {
    struct past_entry *entries;
    struct past_ref *refs;
    uint32_t *buckets; // of references, + 1; 0: empty
    size_t next_ref;
    size_t sweep_at;
};

MUST_CHECK bool past_init(struct past *past);
void past_fini(struct past *past);

// An entry that is over, in the place of what is there if that is older.
void past_put(struct past *past, uint64_t handle, const struct outbox_entry *entry,
              const struct delivery *delivery);

// What has become of one that is there; it is still over.
void past_change(struct past_entry *place, const struct delivery *delivery);

// NULL: it is forgotten, or was never there.
struct past_entry *past_find(struct past *past, uint64_t handle, int64_t now_ms);

// It is open again.
void past_remove(struct past *past, uint64_t handle);

// The latest use of a tag counts.
void past_put_ref(struct past *past, uint64_t tag, uint64_t handle);

// 0: nobody has it.
uint64_t past_find_ref(const struct past *past, uint64_t tag);

// Looks at the next `count` entries in turn: erases addresses whose code has ended, and forgets
// what is older than STORE_HISTORY_MS.
void past_sweep(struct past *past, int64_t now_ms, size_t count);
