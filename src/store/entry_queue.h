// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Outbox entries that are open: slots, found by their handle, and for each provider a heap of them
// by the time at which each may be claimed (again): its due time while it waits, the end of its
// lease while somebody has it. What waits for one provider is never looked through for another.
//
// An entry that nobody has looked at yet is found by its code and channel too (promise 8 of the
// port). A claim, or any change, ends that.

#include "store/store.h"

// Of providers that have open entries. What the others have shares one heap more, which counts as
// busy when the provider of its first entry is.
#define ENTRY_HEAPS 32U

#define ENTRY_NO_SLOT UINT32_MAX

// Places of a slot in a list of its own kind: numbers of slots, or ENTRY_NO_SLOT.
struct queue_links {
    uint32_t child; // of a heap: the first of those that come after it
    uint32_t next;  // sibling
    uint32_t back;  // the sibling before, or the parent of the first
    uint32_t same_handle;
    uint32_t same_promise;
};

struct queue_slot {
    uint64_t handle; // 0: free
    uint64_t token;  // of the claim in force; 0: none
    int64_t claimable_at_ms;
    struct queue_links links; // of a free slot, `next` alone
    uint8_t heap;
    bool is_untouched;
    struct delivery delivery;
    struct outbox_entry entry;
};

struct entry_heap {
    provider_tag provider;
    uint32_t first;
    size_t held;
};

struct entry_queue {
    struct queue_slot *slots;
    uint32_t *by_handle;  // first slot of each bucket
    uint32_t *by_promise; // of those that are untouched
    size_t buckets;       // of each; a power of two
    struct entry_heap heaps[ENTRY_HEAPS + 1];
    size_t room;
    size_t held;
    size_t held_max;
    uint64_t claims;
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

// One that is open and whose handle is not there. Above held_max too: what was promised before the
// limit was lowered is kept. False: no memory.
MUST_CHECK bool entry_queue_add(struct entry_queue *queue, uint64_t handle,
                                const struct outbox_entry *entry, const struct delivery *delivery);

// NULL: it is not open. Good until the next change of the queue.
const struct queue_slot *entry_queue_find(const struct entry_queue *queue, uint64_t handle);

// What has become of one that is there: it moves to where it belongs, or out when it is over. The
// claim in force ends.
void entry_queue_change(struct entry_queue *queue, uint64_t handle,
                        const struct delivery *delivery);

// It may be claimed at once, whatever it is due at.
void entry_queue_hasten(struct entry_queue *queue, uint64_t handle);

// Whether `token` is that of the claim in force.
bool entry_queue_is_claim(const struct entry_queue *queue, uint64_t handle, uint64_t token);

// Whether the same message (record, session, salt and channel) waits and nobody has looked at it.
// Gives its handle, or 0.
uint64_t entry_queue_find_same(const struct entry_queue *queue, const struct outbox_entry *entry);

// As store_claim.
size_t entry_queue_claim(struct entry_queue *queue, int64_t now_ms, const struct store_claim *claim,
                         struct claimed_entry *out, size_t max);

// As store_next_due_ms.
int64_t entry_queue_next_ms(const struct entry_queue *queue, const struct store_claim *claim);
