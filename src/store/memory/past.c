// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "store/memory/past.h"

#include "base/assert.h"
#include "store/entry.h"

#include <stdlib.h>

bool past_init(struct past *past)
{
    *past = (struct past){0};
    past->entries = calloc(PAST_ENTRIES, sizeof *past->entries);
    past->refs = calloc(PAST_REFS, sizeof *past->refs);
    past->buckets = calloc(PAST_REFS, sizeof *past->buckets);
    return past->entries != NULL && past->refs != NULL && past->buckets != NULL;
}

void past_fini(struct past *past)
{
    free(past->entries);
    free(past->refs);
    free(past->buckets);
    *past = (struct past){0};
}

static struct past_entry *place_of(const struct past *past, uint64_t handle)
{
    return &past->entries[handle % PAST_ENTRIES];
}

void past_put(struct past *past, uint64_t handle, const struct outbox_entry *entry,
              const struct delivery *delivery)
{
    struct past_entry *place = place_of(past, handle);
    if (place->handle > handle)
        return;
    place->handle = handle;
    outbox_entry_copy(&place->entry, entry);
    past_change(place, delivery);
}

void past_change(struct past_entry *place, const struct delivery *delivery)
{
    ASSERT(delivery_is_over(delivery));
    place->delivery = *delivery;
    if (delivery_needs_no_address(delivery))
        place->entry.address.len = 0;
}

static void look_at(struct past_entry *place, int64_t now_ms)
{
    if (now_ms >= place->entry.deadline_at_ms)
        place->entry.address.len = 0;
    if (now_ms >= place->entry.created_at_ms + STORE_HISTORY_MS)
        place->handle = 0;
}

struct past_entry *past_find(struct past *past, uint64_t handle, int64_t now_ms)
{
    struct past_entry *place = place_of(past, handle);
    look_at(place, now_ms);
    return handle != 0 && place->handle == handle ? place : NULL;
}

void past_remove(struct past *past, uint64_t handle)
{
    ASSERT(place_of(past, handle)->handle == handle);
    place_of(past, handle)->handle = 0;
}

// Tags are keyed hashes: their lower bits serve as they are.
static uint32_t *bucket_of(const struct past *past, uint64_t tag)
{
    return &past->buckets[tag % PAST_REFS];
}

// The oldest of all is the last of its bucket.
static void forget_oldest_ref(struct past *past, uint32_t number)
{
    const struct past_ref *ref = &past->refs[number];
    if (ref->tag == 0)
        return;
    uint32_t *at = bucket_of(past, ref->tag);
    while (*at != number + 1)
        at = &past->refs[*at - 1].next;
    *at = 0;
}

void past_put_ref(struct past *past, uint64_t tag, uint64_t handle)
{
    uint32_t number = (uint32_t)past->next_ref;
    past->next_ref = (past->next_ref + 1) % PAST_REFS;
    forget_oldest_ref(past, number);
    past->refs[number] = (struct past_ref){tag, handle, *bucket_of(past, tag)};
    *bucket_of(past, tag) = number + 1;
}

uint64_t past_find_ref(const struct past *past, uint64_t tag)
{
    uint32_t at = *bucket_of(past, tag);
    while (at != 0 && past->refs[at - 1].tag != tag)
        at = past->refs[at - 1].next;
    return at != 0 ? past->refs[at - 1].handle : 0;
}

void past_sweep(struct past *past, int64_t now_ms, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        look_at(&past->entries[past->sweep_at], now_ms);
        past->sweep_at = (past->sweep_at + 1) % PAST_ENTRIES;
    }
}
