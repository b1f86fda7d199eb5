// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "store/entry_queue.h"

#include "base/assert.h"
#include "store/entry.h"

#include <stdlib.h>

#define ROOM_FIRST 1024U
#define NO_SLOT UINT32_MAX

// Fills the free list with the slots from `from` on.
static void chain_free(struct entry_queue *queue, size_t from)
{
    for (size_t i = from; i < queue->room; i++) {
        queue->slots[i].generation = 1;
        queue->slots[i].next_free = i + 1 < queue->room ? (uint32_t)(i + 1) : queue->first_free;
    }
    queue->first_free = (uint32_t)from;
}

static bool resize(struct entry_queue *queue, size_t room)
{
    struct queue_slot *slots = realloc(queue->slots, room * sizeof *slots);
    if (slots == NULL)
        return false;
    queue->slots = slots;
    for (size_t i = 0; i < ENTRY_HEAPS; i++) {
        uint32_t *numbers = realloc(queue->heaps[i].slots, room * sizeof *numbers);
        if (numbers == NULL)
            return false;
        queue->heaps[i].slots = numbers;
    }
    size_t from = queue->room;
    queue->room = room;
    chain_free(queue, from);
    return true;
}

bool entry_queue_init(struct entry_queue *queue, size_t held_max)
{
    *queue = (struct entry_queue){.held_max = held_max, .first_free = NO_SLOT};
    return resize(queue, ROOM_FIRST);
}

void entry_queue_fini(struct entry_queue *queue)
{
    free(queue->slots);
    for (size_t i = 0; i < ENTRY_HEAPS; i++)
        free(queue->heaps[i].slots);
    *queue = (struct entry_queue){0};
}

static struct entry_heap *heap_of(struct entry_queue *queue, const struct queue_slot *slot)
{
    uint8_t channel = slot->entry.channel;
    return &queue->heaps[channel < ENTRY_HEAPS ? channel : ENTRY_HEAPS - 1];
}

static int64_t key_at(const struct entry_queue *queue, const struct entry_heap *heap, size_t at)
{
    return queue->slots[heap->slots[at]].claimable_at_ms;
}

static void heap_swap(struct entry_queue *queue, struct entry_heap *heap, size_t a, size_t b)
{
    uint32_t slot = heap->slots[a];
    heap->slots[a] = heap->slots[b];
    heap->slots[b] = slot;
    queue->slots[heap->slots[a]].heap_at = (uint32_t)a;
    queue->slots[heap->slots[b]].heap_at = (uint32_t)b;
}

static void heap_up(struct entry_queue *queue, struct entry_heap *heap, size_t at)
{
    while (at > 0 && key_at(queue, heap, at) < key_at(queue, heap, (at - 1) / 2)) {
        heap_swap(queue, heap, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

static void heap_down(struct entry_queue *queue, struct entry_heap *heap, size_t at)
{
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < heap->held; child++) {
            if (key_at(queue, heap, child) < key_at(queue, heap, least))
                least = child;
        }
        if (least == at)
            return;
        heap_swap(queue, heap, at, least);
        at = least;
    }
}

static void set_claimable(struct entry_queue *queue, struct queue_slot *slot, int64_t at_ms)
{
    struct entry_heap *heap = heap_of(queue, slot);
    slot->claimable_at_ms = at_ms;
    heap_up(queue, heap, slot->heap_at);
    heap_down(queue, heap, slot->heap_at);
}

// The heap whose first entry may be claimed first, of those that are not busy. NULL: all are empty.
static const struct entry_heap *first_heap(const struct entry_queue *queue, uint32_t busy)
{
    const struct entry_heap *first = NULL;
    for (size_t i = 0; i < ENTRY_HEAPS; i++) {
        const struct entry_heap *heap = &queue->heaps[i];
        if (heap->held == 0 || (busy >> i & 1U) != 0)
            continue;
        if (first == NULL || key_at(queue, heap, 0) < key_at(queue, first, 0))
            first = heap;
    }
    return first;
}

bool entry_queue_reserve(struct entry_queue *queue, size_t count)
{
    if (queue->held + count <= queue->room)
        return true;
    size_t room = queue->room * 2;
    return resize(queue, room < queue->held + count ? queue->held + count : room);
}

bool entry_queue_add(struct entry_queue *queue, const struct outbox_entry *entry, uint64_t sequence)
{
    if (!entry_queue_reserve(queue, 1))
        return false;
    ASSERT(queue->first_free != NO_SLOT);
    uint32_t number = queue->first_free;
    struct queue_slot *slot = &queue->slots[number];
    queue->first_free = slot->next_free;
    outbox_entry_copy(&slot->entry, entry);
    slot->sequence = sequence;
    slot->is_leased = false;
    struct entry_heap *heap = heap_of(queue, slot);
    slot->heap_at = (uint32_t)heap->held;
    heap->slots[heap->held++] = number;
    queue->held++;
    set_claimable(queue, slot, entry->due_at_ms);
    return true;
}

static void slot_free(struct entry_queue *queue, struct queue_slot *slot)
{
    struct entry_heap *heap = heap_of(queue, slot);
    uint32_t at = slot->heap_at;
    uint32_t number = heap->slots[at];
    queue->held--;
    heap->held--;
    if (at != heap->held) {
        struct queue_slot *moved = &queue->slots[heap->slots[heap->held]];
        heap_swap(queue, heap, at, heap->held);
        set_claimable(queue, moved, moved->claimable_at_ms);
    }
    slot->is_leased = false;
    slot->generation++;
    slot->next_free = queue->first_free;
    queue->first_free = number;
}

size_t entry_queue_claim(struct entry_queue *queue, int64_t now_ms, const struct store_claim *claim,
                         struct claimed_entry *out, size_t max)
{
    size_t count = 0;
    while (count < max) {
        const struct entry_heap *heap = first_heap(queue, claim->busy);
        if (heap == NULL || key_at(queue, heap, 0) > now_ms)
            break;
        uint32_t number = heap->slots[0];
        struct queue_slot *slot = &queue->slots[number];
        slot->is_leased = true;
        slot->generation++;
        outbox_entry_copy(&out[count].entry, &slot->entry);
        out[count].token = (uint64_t)slot->generation << 32 | number;
        count++;
        set_claimable(queue, slot, now_ms + claim->lease_ms);
    }
    return count;
}

static struct queue_slot *claimed_slot(struct entry_queue *queue,
                                       const struct settlement *settlement)
{
    size_t number = (size_t)(settlement->token & UINT32_MAX);
    if (number >= queue->room)
        return NULL;
    struct queue_slot *slot = &queue->slots[number];
    bool is_current = slot->is_leased && slot->generation == settlement->token >> 32 &&
                      slot->entry.id == settlement->id;
    return is_current ? slot : NULL;
}

bool entry_queue_settle(struct entry_queue *queue, const struct settlement *settlement,
                        struct entry_change *change_out)
{
    struct queue_slot *slot = claimed_slot(queue, settlement);
    if (slot == NULL)
        return false;
    *change_out = (struct entry_change){.sequence = slot->sequence, .is_over = true};
    if (settlement->state != DELIVERY_QUEUED) {
        slot_free(queue, slot);
        return true;
    }
    slot->is_leased = false;
    slot->generation++;
    if (slot->entry.tries < UINT8_MAX)
        slot->entry.tries++;
    slot->entry.due_at_ms = settlement->due_at_ms;
    *change_out = (struct entry_change){
        .sequence = slot->sequence, .due_at_ms = settlement->due_at_ms, .tries = slot->entry.tries};
    set_claimable(queue, slot, settlement->due_at_ms);
    return true;
}

int64_t entry_queue_next_ms(const struct entry_queue *queue, uint32_t busy)
{
    const struct entry_heap *heap = first_heap(queue, busy);
    return heap != NULL ? key_at(queue, heap, 0) : INT64_MAX;
}
