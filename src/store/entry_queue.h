// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Outbox entries that are not settled: slots, and for each channel a heap of them by the time at
// which each may be claimed (again): its due time while it waits, the end of its lease while
// somebody has it. What waits for one channel is never looked through for another.

#include "store/store.h"

// Entries of a channel that nobody knows share the last heap.
#define ENTRY_HEAPS 8U

struct queue_slot {
    struct outbox_entry entry;
    uint64_t sequence; // the owner's name for it
    int64_t claimable_at_ms;
    uint32_t generation; // of the slot: the upper half of a claim's token
    uint32_t heap_at;
    uint32_t next_free;
    bool is_leased;
};

struct entry_heap {
    uint32_t *slots; // their numbers
    size_t held;
};

struct entry_queue {
    struct queue_slot *slots;
    struct entry_heap heaps[ENTRY_HEAPS];
    size_t room; // of slots, and of each heap
    size_t held;
    size_t held_max;
    uint32_t first_free;
};

MUST_CHECK bool entry_queue_init(struct entry_queue *queue, size_t held_max);
void entry_queue_fini(struct entry_queue *queue);

// How many more may be added.
static inline size_t entry_queue_room(const struct entry_queue *queue)
{
    return queue->held < queue->held_max ? queue->held_max - queue->held : 0;
}

// Memory for `count` more, so that adding them cannot fail.
MUST_CHECK bool entry_queue_reserve(struct entry_queue *queue, size_t count);

// Above held_max too: what was promised before the limit was lowered is kept. False: no memory.
MUST_CHECK bool entry_queue_add(struct entry_queue *queue, const struct outbox_entry *entry,
                                uint64_t sequence);

size_t entry_queue_claim(struct entry_queue *queue, int64_t now_ms, const struct store_claim *claim,
                         struct claimed_entry *out, size_t max);

// What a settlement did, for an owner that keeps the entries elsewhere too.
struct entry_change {
    uint64_t sequence;
    int64_t due_at_ms; // again
    uint8_t tries;
    bool is_over; // and gone from the queue
};

// False, and without effect, when the token is not the one of the last claim.
bool entry_queue_settle(struct entry_queue *queue, const struct settlement *settlement,
                        struct entry_change *change_out);

// `busy` as in a claim. INT64_MAX when there is none.
int64_t entry_queue_next_ms(const struct entry_queue *queue, uint32_t busy);
