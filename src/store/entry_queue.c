// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The heaps are pairing heaps (Fredman, Sedgewick, Sleator and Tarjan, 1986) whose links are in the
// slots: an entry can move from one to another without memory, so that nothing that was committed
// can fail to be entered here. All links are numbers, as slots move when there are more of them.
//
//   of a slot:  child ─▶ its first follower;  next ─▶ its sibling;  back ─▶ the sibling before it,
//               or the parent when it is the first
#include "store/entry_queue.h"

#include "base/assert.h"
#include "store/entry.h"

#include <stdlib.h>

#define ROOM_FIRST 1024U
#define NONE ENTRY_NO_SLOT

static struct queue_slot *slot_at(const struct entry_queue *queue, uint32_t number)
{
    ASSERT(number < queue->room);
    return &queue->slots[number];
}

// --- heaps ---

static bool is_before(const struct queue_slot *a, const struct queue_slot *b)
{
    if (a->claimable_at_ms != b->claimable_at_ms)
        return a->claimable_at_ms < b->claimable_at_ms;
    return a->handle < b->handle;
}

// Two heaps, or NONE, become one; the first of it. Neither has siblings.
static uint32_t meld(struct entry_queue *queue, uint32_t a, uint32_t b)
{
    if (a == NONE || b == NONE)
        return a == NONE ? b : a;
    bool is_ordered = is_before(slot_at(queue, a), slot_at(queue, b));
    uint32_t parent = is_ordered ? a : b, child = is_ordered ? b : a;
    struct queue_links *above = &slot_at(queue, parent)->links;
    struct queue_links *below = &slot_at(queue, child)->links;
    below->back = parent;
    below->next = above->child;
    if (above->child != NONE)
        slot_at(queue, above->child)->links.back = child;
    above->child = child;
    return parent;
}

// Takes the first of a list of siblings out of it.
static uint32_t pop_sibling(struct entry_queue *queue, uint32_t *list)
{
    uint32_t number = *list;
    if (number == NONE)
        return NONE;
    struct queue_links *links = &slot_at(queue, number)->links;
    *list = links->next;
    links->next = links->back = NONE;
    return number;
}

// In pairs from the left, then all of those from the right.
static uint32_t meld_siblings(struct entry_queue *queue, uint32_t list)
{
    uint32_t pairs = NONE, whole = NONE;
    while (list != NONE) {
        uint32_t first = pop_sibling(queue, &list);
        uint32_t pair = meld(queue, first, pop_sibling(queue, &list));
        slot_at(queue, pair)->links.next = pairs;
        pairs = pair;
    }
    while (pairs != NONE)
        whole = meld(queue, whole, pop_sibling(queue, &pairs));
    return whole;
}

// Takes a slot that is not the first of its heap, with what is below it, off the others.
static void cut(struct entry_queue *queue, uint32_t number)
{
    struct queue_links *links = &slot_at(queue, number)->links;
    struct queue_links *before = &slot_at(queue, links->back)->links;
    if (before->child == number)
        before->child = links->next;
    else
        before->next = links->next;
    if (links->next != NONE)
        slot_at(queue, links->next)->links.back = links->back;
    links->next = links->back = NONE;
}

static void heap_remove(struct entry_queue *queue, uint32_t number)
{
    struct queue_slot *slot = slot_at(queue, number);
    struct entry_heap *heap = &queue->heaps[slot->heap];
    bool is_first = heap->first == number;
    if (!is_first)
        cut(queue, number);
    uint32_t below = meld_siblings(queue, slot->links.child);
    slot->links.child = NONE;
    heap->first = is_first ? below : meld(queue, heap->first, below);
    heap->held--;
}

// The provider's heap; a free one that becomes it; or the shared one.
static uint8_t heap_for(struct entry_queue *queue, provider_tag provider)
{
    uint8_t found = ENTRY_HEAPS;
    for (uint8_t i = 0; i < ENTRY_HEAPS; i++) {
        struct entry_heap *heap = &queue->heaps[i];
        if (heap->held > 0 && heap->provider == provider)
            return i;
        if (heap->held == 0 && found == ENTRY_HEAPS)
            found = i;
    }
    queue->heaps[found].provider = provider; // of the shared one it says nothing
    return found;
}

static void heap_insert(struct entry_queue *queue, uint32_t number, int64_t claimable_at_ms)
{
    struct queue_slot *slot = slot_at(queue, number);
    slot->heap = heap_for(queue, slot->delivery.provider);
    slot->claimable_at_ms = claimable_at_ms;
    slot->links.child = slot->links.next = slot->links.back = NONE;
    struct entry_heap *heap = &queue->heaps[slot->heap];
    heap->first = meld(queue, heap->first, number);
    heap->held++;
}

static bool is_busy(const struct store_claim *claim, provider_tag provider)
{
    for (size_t i = 0; i < claim->busy_count; i++) {
        if (claim->busy[i] == provider)
            return true;
    }
    return false;
}

// The slot that may be claimed first, of providers that are not busy. NONE: there is none.
static uint32_t first_slot(const struct entry_queue *queue, const struct store_claim *claim)
{
    uint32_t first = NONE;
    for (size_t i = 0; i <= ENTRY_HEAPS; i++) {
        uint32_t number = queue->heaps[i].first;
        if (number == NONE)
            continue;
        const struct queue_slot *slot = slot_at(queue, number);
        if (first != NONE && !is_before(slot, slot_at(queue, first)))
            continue;
        if (!is_busy(claim, slot->delivery.provider))
            first = number;
    }
    return first;
}

// --- buckets ---

static uint64_t mix(uint64_t value)
{
    value *= UINT64_C(0x9E3779B97F4A7C15);
    return value ^ value >> 32;
}

static uint32_t *handle_bucket(const struct entry_queue *queue, uint64_t handle)
{
    return &queue->by_handle[mix(handle) & (queue->buckets - 1)];
}

static uint32_t *promise_bucket(const struct entry_queue *queue, const struct outbox_entry *entry)
{
    return &queue->by_promise[mix(entry->salt ^ mix(entry->session.id)) & (queue->buckets - 1)];
}

static void list_by_handle(struct entry_queue *queue, uint32_t number)
{
    struct queue_slot *slot = slot_at(queue, number);
    uint32_t *bucket = handle_bucket(queue, slot->handle);
    slot->links.same_handle = *bucket;
    *bucket = number;
}

static void list_by_promise(struct entry_queue *queue, uint32_t number)
{
    struct queue_slot *slot = slot_at(queue, number);
    if (!slot->is_untouched)
        return;
    uint32_t *bucket = promise_bucket(queue, &slot->entry);
    slot->links.same_promise = *bucket;
    *bucket = number;
}

static void forget_handle(struct entry_queue *queue, uint32_t number)
{
    const struct queue_slot *slot = slot_at(queue, number);
    uint32_t *at = handle_bucket(queue, slot->handle);
    while (*at != number)
        at = &slot_at(queue, *at)->links.same_handle;
    *at = slot->links.same_handle;
}

static void touch(struct entry_queue *queue, uint32_t number)
{
    struct queue_slot *slot = slot_at(queue, number);
    if (!slot->is_untouched)
        return;
    uint32_t *at = promise_bucket(queue, &slot->entry);
    while (*at != number)
        at = &slot_at(queue, *at)->links.same_promise;
    *at = slot->links.same_promise;
    slot->is_untouched = false;
}

uint64_t entry_queue_find_same(const struct entry_queue *queue, const struct outbox_entry *entry)
{
    uint32_t number = *promise_bucket(queue, entry);
    while (number != NONE && !outbox_entry_is_same(&slot_at(queue, number)->entry, entry))
        number = slot_at(queue, number)->links.same_promise;
    return number != NONE ? slot_at(queue, number)->handle : 0;
}

static uint32_t find(const struct entry_queue *queue, uint64_t handle)
{
    uint32_t number = *handle_bucket(queue, handle);
    while (number != NONE && slot_at(queue, number)->handle != handle)
        number = slot_at(queue, number)->links.same_handle;
    return number;
}

// --- slots ---

// Fills the free list with the slots from `from` on.
static void chain_free(struct entry_queue *queue, size_t from)
{
    for (size_t i = from; i < queue->room; i++) {
        queue->slots[i].handle = 0;
        queue->slots[i].links.next = i + 1 < queue->room ? (uint32_t)(i + 1) : queue->first_free;
    }
    queue->first_free = (uint32_t)from;
}

static void list_all(struct entry_queue *queue, size_t count)
{
    memset(queue->by_handle, 0xFF, queue->buckets * sizeof *queue->by_handle);
    memset(queue->by_promise, 0xFF, queue->buckets * sizeof *queue->by_promise);
    for (uint32_t i = 0; i < count; i++) {
        if (slot_at(queue, i)->handle == 0)
            continue;
        list_by_handle(queue, i);
        list_by_promise(queue, i);
    }
}

static size_t buckets_for(size_t room)
{
    size_t buckets = ROOM_FIRST;
    while (buckets < room)
        buckets *= 2;
    return buckets;
}

// What was reallocated when another could not be is larger than it need be, and as good.
static bool resize(struct entry_queue *queue, size_t room)
{
    size_t buckets = buckets_for(room), bytes = buckets * sizeof *queue->by_handle;
    struct queue_slot *slots = realloc(queue->slots, room * sizeof *slots);
    queue->slots = slots != NULL ? slots : queue->slots;
    uint32_t *by_handle = realloc(queue->by_handle, bytes);
    queue->by_handle = by_handle != NULL ? by_handle : queue->by_handle;
    uint32_t *by_promise = realloc(queue->by_promise, bytes);
    queue->by_promise = by_promise != NULL ? by_promise : queue->by_promise;
    if (slots == NULL || by_handle == NULL || by_promise == NULL)
        return false;
    size_t from = queue->room;
    queue->room = room;
    queue->buckets = buckets;
    chain_free(queue, from);
    list_all(queue, from);
    return true;
}

bool entry_queue_init(struct entry_queue *queue, size_t held_max)
{
    *queue = (struct entry_queue){.held_max = held_max, .first_free = NONE};
    for (size_t i = 0; i <= ENTRY_HEAPS; i++)
        queue->heaps[i].first = NONE;
    return resize(queue, ROOM_FIRST);
}

void entry_queue_fini(struct entry_queue *queue)
{
    free(queue->slots);
    free(queue->by_handle);
    free(queue->by_promise);
    *queue = (struct entry_queue){0};
}

bool entry_queue_reserve(struct entry_queue *queue, size_t count)
{
    if (queue->held + count <= queue->room)
        return true;
    size_t room = queue->room * 2;
    return resize(queue, room < queue->held + count ? queue->held + count : room);
}

bool entry_queue_add(struct entry_queue *queue, uint64_t handle, const struct outbox_entry *entry,
                     const struct delivery *delivery)
{
    ASSERT(handle != 0);
    ASSERT(delivery->due_at_ms != STORE_NEVER);
    if (!entry_queue_reserve(queue, 1))
        return false;
    ASSERT(find(queue, handle) == NONE);
    uint32_t number = queue->first_free;
    struct queue_slot *slot = slot_at(queue, number);
    queue->first_free = slot->links.next;
    outbox_entry_copy(&slot->entry, entry);
    slot->delivery = *delivery;
    slot->handle = handle;
    slot->token = 0;
    slot->is_untouched = delivery->state == DELIVERY_QUEUED && delivery->attempts_held == 0;
    list_by_handle(queue, number);
    list_by_promise(queue, number);
    heap_insert(queue, number, delivery->due_at_ms);
    queue->held++;
    return true;
}

const struct queue_slot *entry_queue_find(const struct entry_queue *queue, uint64_t handle)
{
    uint32_t number = find(queue, handle);
    return number != NONE ? slot_at(queue, number) : NULL;
}

// Out of its heap already.
static void slot_free(struct entry_queue *queue, uint32_t number)
{
    struct queue_slot *slot = slot_at(queue, number);
    forget_handle(queue, number);
    slot->handle = 0;
    slot->links.next = queue->first_free;
    queue->first_free = number;
    queue->held--;
}

void entry_queue_change(struct entry_queue *queue, uint64_t handle, const struct delivery *delivery)
{
    uint32_t number = find(queue, handle);
    ASSERT(number != NONE);
    struct queue_slot *slot = slot_at(queue, number);
    touch(queue, number);
    heap_remove(queue, number);
    slot->token = 0;
    slot->delivery = *delivery;
    if (delivery->due_at_ms == STORE_NEVER)
        slot_free(queue, number);
    else
        heap_insert(queue, number, delivery->due_at_ms);
}

void entry_queue_hasten(struct entry_queue *queue, uint64_t handle)
{
    uint32_t number = find(queue, handle);
    ASSERT(number != NONE);
    heap_remove(queue, number);
    heap_insert(queue, number, 0);
}

bool entry_queue_is_claim(const struct entry_queue *queue, uint64_t handle, uint64_t token)
{
    const struct queue_slot *slot = entry_queue_find(queue, handle);
    return slot != NULL && token != 0 && slot->token == token;
}

size_t entry_queue_claim(struct entry_queue *queue, int64_t now_ms, const struct store_claim *claim,
                         struct claimed_entry *out, size_t max)
{
    size_t count = 0;
    ASSERT(claim->busy_count <= PROVIDERS_BUSY_MAX);
    while (count < max) {
        uint32_t number = first_slot(queue, claim);
        if (number == NONE || slot_at(queue, number)->claimable_at_ms > now_ms)
            break;
        struct queue_slot *slot = slot_at(queue, number);
        touch(queue, number);
        slot->token = ++queue->claims;
        outbox_entry_copy(&out[count].entry, &slot->entry);
        out[count].delivery = slot->delivery;
        out[count].handle = slot->handle;
        out[count].token = slot->token;
        count++;
        heap_remove(queue, number);
        heap_insert(queue, number, now_ms + claim->lease_ms);
    }
    return count;
}

int64_t entry_queue_next_ms(const struct entry_queue *queue, const struct store_claim *claim)
{
    uint32_t number = first_slot(queue, claim);
    return number != NONE ? slot_at(queue, number)->claimable_at_ms : STORE_NEVER;
}
