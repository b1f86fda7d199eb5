// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// All items are under way together, so that one commit of the store serves them all, and still each
// is answered what it would have been, had it begun when the one before it was done.
//
//   run ──▶ begin each item: its checks, up to the store ──▶ nobody in its way: its op is queued
//    ▲                        │ answered meanwhile                 │ else: it waits
//    │                        ▼                                    ▼
//    │                  reply kept  ◀── done, one by one ◀── the loop wakes the store: one commit
//    └── what waited may go on ──┘      the last one: all replies, in order
//
// Why that is the same. Items share nothing but records, and up to the store they only read what
// none of them changes. So what has to be as written is the order of the ops on each record:
//
//   - of items that are one op each on one record (all but those below), the store keeps the order
//     in which they are queued (store.h, promise 3), which is that of the array;
//   - an item that is several ops (a username's otp/generate, one that has its address looked up)
//     lets no later item come near its records before it is answered, and waits for earlier ones
//     likewise. While nobody knows where its code goes, it might be any address;
//   - an item whose hash is being opened lets none begin before it is answered: a batch takes one
//     place with the decryptor, as a single call does.
//
// Nobody waits for a later item, so that the earliest one that is not answered can always go on.
//
// Invariant: the array is sent when every item is answered, each after the commit that holds its
// effect; what is asserted on the way out is the highest position of all.
//
// Memory. An item lives in an arena of its own until it is answered: the first one in that of the
// exchange, so that a batch can always go on; the others in places of the loop, which are used
// again and bounded. Replies are kept in the order in which they come. That memory is taken before
// the first item takes effect: later there would be no honest answer to having none. Pages that no
// reply reaches are never touched. Until an item begins it is a piece of the body's text, which
// stays where it is until the reply.
//
// All of it is on the thread of the exchange's loop. What comes to batch_take or batch_await from
// within run leaves a note there; what comes later calls run.
#include "api/batch.h"

#include "api/cors.h"
#include "api/json_array.h"
#include "base/assert.h"
#include "http/limits.h"
#include "http/pool.h"

#include <stdalign.h>
#include <stdlib.h>

// A reply and the comma or bracket before it.
#define ITEM_BYTES_MAX (REPLY_BYTES_MAX + 1U)
#define ARRAY_BYTES_MAX (API_BATCH_MAX * ITEM_BYTES_MAX + 1U)

#define COUNT_FAULT "an array must have 1 to 100 items"

_Static_assert(API_BATCH_MAX == 100U, "as COUNT_FAULT says");
_Static_assert(ARRAY_BYTES_MAX <= HTTP_REPLY_BYTES_MAX, "a batch can be sent");

struct batch_item {
    struct api_batch *batch;
    struct api_request *request;             // NULL: not begun, or answered
    void (*go)(struct api_request *request); // what it waits to do; NULL: it does not wait
    enum batch_reach reach;                  // while it waits
    size_t reply_at;
    size_t reply_bytes;
};

struct api_batch {
    struct api_request *request; // of the exchange; an item lives there too
    bool is_request_lent;        // to an item
    size_t arena_used;           // of the exchange, without the item
    struct json_elements rest;   // items that have not begun
    size_t count;
    size_t begun;
    size_t answered;
    size_t waiting;
    bool is_running;
    bool is_of_brand; // some item is
    enum cors_grant grant;
    uint64_t position; // the highest of the items' ops
    size_t replies_bytes;
    struct batch_item items[API_BATCH_MAX]; // those that have begun
    uint8_t replies[API_BATCH_MAX * REPLY_BYTES_MAX];
};

struct batch_place {
    struct arena arena; // over bytes
    alignas(max_align_t) uint8_t bytes[HTTP_EXCHANGE_ARENA_BYTES];
};

struct batch_memory {
    struct pool batches;
    struct pool places;
    uint8_t array[ARRAY_BYTES_MAX]; // of the batch that is being answered
};

struct batch_memory *batch_memory_create(void)
{
    struct batch_memory *memory = calloc(1, sizeof *memory);
    if (memory == NULL)
        return NULL;
    pool_init(&memory->batches, sizeof(struct api_batch), SIZE_MAX, API_BATCHES_KEPT_MAX);
    pool_init(&memory->places, sizeof(struct batch_place), API_BATCH_PLACES_MAX,
              API_BATCH_PLACES_KEPT_MAX);
    return memory;
}

void batch_memory_destroy(struct batch_memory **memory)
{
    if (*memory == NULL)
        return;
    pool_fini(&(*memory)->batches);
    pool_fini(&(*memory)->places);
    free(*memory);
    *memory = NULL;
}

static struct batch_memory *memory_of(const struct api_batch *batch)
{
    return batch->request->worker->batches;
}

static void run(struct api_batch *batch);

// --- which items are in each other's way ---

// Such a request goes to two records: the username's, and that of the address its code goes to.
static bool is_of_two(const struct api_request *request)
{
    return request->identifier.type == IDENTIFIER_USERNAME &&
           request->mount->endpoint->message == API_OTP_GENERATE;
}

// What is left of the request is a single op on its identifier's record.
static bool is_one_op(const struct api_request *request)
{
    return request->trial == NULL && !is_of_two(request) &&
           identifier_to(&request->identifier) != NULL;
}

static bool is_same(const struct address *a, const struct address *b)
{
    return a != NULL && b != NULL && span_eq(address_identifier(a), address_identifier(b));
}

// The address whose record `request` goes to, as far as it reaches now; NULL: none.
static const struct address *address_of(const struct api_request *request, enum batch_reach reach)
{
    bool is_username = request->identifier.type == IDENTIFIER_USERNAME;
    if (is_username && (reach == BATCH_IDENTIFIER || !is_of_two(request)))
        return NULL;
    return identifier_to(&request->identifier);
}

// Whether `later`, as far as it reaches now, may come to a record that `earlier` goes to.
static bool do_meet(const struct api_request *later, enum batch_reach reach,
                    const struct api_request *earlier)
{
    const struct address *to = address_of(later, reach);
    const struct address *earlier_to = address_of(earlier, BATCH_ALL);
    const struct address *earlier_own = &earlier->identifier.address;
    if (to != NULL && is_of_two(earlier) && earlier_to == NULL)
        return true; // not known yet
    return is_same(&later->identifier.address, earlier_own) || is_same(to, earlier_own) ||
           is_same(to, earlier_to);
}

static bool is_in_the_way(const struct api_request *earlier, const struct api_request *later,
                          enum batch_reach reach)
{
    if (earlier->brand->id != later->brand->id || (is_one_op(earlier) && is_one_op(later)))
        return false;
    return do_meet(later, reach, earlier);
}

static bool may_go(const struct batch_item *item)
{
    for (const struct batch_item *earlier = item->batch->items; earlier < item; earlier++) {
        if (earlier->request != NULL && is_in_the_way(earlier->request, item->request, item->reach))
            return false;
    }
    return true;
}

void batch_await(struct api_request *request, enum batch_reach reach,
                 void (*go)(struct api_request *request))
{
    struct batch_item *item = request->item;
    if (item == NULL) {
        go(request);
        return;
    }
    struct api_batch *batch = item->batch;
    ASSERT(item->go == NULL);
    item->reach = reach;
    if (batch->is_running && may_go(item)) {
        go(request);
        return;
    }
    item->go = go;
    batch->waiting++;
    if (!batch->is_running)
        run(batch); // more than this item may go on: where its code goes may be known now
}

// --- an item's life ---

// Where the next item is to live, with nothing in it; NULL: nowhere.
static struct arena *take_place(struct api_batch *batch)
{
    if (!batch->is_request_lent) {
        batch->is_request_lent = true;
        batch->request->exchange->arena.used = batch->arena_used;
        return &batch->request->exchange->arena;
    }
    struct batch_place *place = pool_get(&memory_of(batch)->places);
    if (place == NULL)
        return NULL;
    place->arena = arena_over(place->bytes, sizeof place->bytes);
    return &place->arena;
}

static void give_place_back(struct api_batch *batch, const struct api_request *request)
{
    if (request == batch->request) {
        batch->is_request_lent = false;
        return;
    }
    struct arena *arena = request->arena;
    pool_put(&memory_of(batch)->places, (char *)arena - offsetof(struct batch_place, arena));
}

static struct api_request *request_in(struct arena *arena, const struct api_batch *batch)
{
    struct api_request *first = batch->request;
    if (arena == &first->exchange->arena)
        return first;
    struct api_request *request = arena_alloc(arena, sizeof *request);
    ASSERT(request != NULL);
    return request;
}

static bool is_held_up(const struct api_batch *batch)
{
    const struct api_request *last =
        batch->begun > 0 ? batch->items[batch->begun - 1].request : NULL;
    return last != NULL && last->trial != NULL;
}

// The order in which items come is all that they share: each gets a request of its own making.
static bool begin_one(struct api_batch *batch)
{
    struct span text;
    if (batch->begun == batch->count || is_held_up(batch))
        return false;
    struct arena *arena = take_place(batch);
    if (arena == NULL)
        return false;
    enum json_step step = json_elements_next(&batch->rest, &text);
    ASSERT(step == JSON_ELEMENT);
    struct batch_item *item = &batch->items[batch->begun++];
    struct api_request *request = request_in(arena, batch);
    request_init(request, batch->request->mount, batch->request->exchange);
    request->arena = arena;
    request->body = text;
    request->item = item;
    *item = (struct batch_item){.batch = batch, .request = request};
    request_run(request);
    return true;
}

static bool go_on_with_one(struct api_batch *batch)
{
    if (batch->waiting == 0)
        return false;
    for (size_t i = 0; i < batch->begun; i++) {
        struct batch_item *item = &batch->items[i];
        void (*go)(struct api_request *) = item->go;
        if (go == NULL || !may_go(item))
            continue;
        item->go = NULL;
        batch->waiting--;
        go(item->request);
        return true;
    }
    return false;
}

static struct span write_array(const struct api_batch *batch)
{
    struct batch_memory *memory = memory_of(batch);
    struct strbuf array = strbuf_over(memory->array, sizeof memory->array);
    for (size_t i = 0; i < batch->count; i++) {
        const struct batch_item *item = &batch->items[i];
        strbuf_put_byte(&array, i == 0 ? '[' : ',');
        strbuf_put(&array, span_make(batch->replies + item->reply_at, item->reply_bytes));
    }
    strbuf_put_byte(&array, ']');
    ASSERT(!array.is_overflowed);
    return strbuf_span(&array);
}

// The request goes with the reply.
static void finish(struct api_batch *batch)
{
    struct api_request *request = batch->request;
    struct pool *batches = &memory_of(batch)->batches;
    enum cors_grant grant = batch->is_of_brand ? batch->grant : CORS_REFUSED;
    ASSERT(service_is_durable(request->service, batch->position));
    struct span array = write_array(batch);
    pool_put(batches, batch);
    request_answer_batch(request, array, grant);
}

static void run(struct api_batch *batch)
{
    batch->is_running = true;
    while (go_on_with_one(batch) || begin_one(batch))
        continue;
    batch->is_running = false;
    if (batch->answered == batch->count)
        finish(batch);
}

// --- the batch ---

bool batch_is_asked_for(const struct api_request *request)
{
    struct json_elements items;
    return json_elements_begin(request->body, &items);
}

// How many there are; stops above API_BATCH_MAX. False: that cannot be told.
static bool count_items(struct json_elements items, size_t *count_out)
{
    struct span item;
    enum json_step step = JSON_ELEMENT;
    *count_out = 0;
    while (*count_out <= API_BATCH_MAX) {
        step = json_elements_next(&items, &item);
        if (step != JSON_ELEMENT)
            break;
        ++*count_out;
    }
    return step != JSON_ARRAY_BROKEN;
}

// What belongs to items and replies is written before it is read.
static void init(struct api_batch *batch, struct api_request *request, struct json_elements items,
                 size_t count)
{
    memset(batch, 0, offsetof(struct api_batch, items));
    batch->request = request;
    batch->arena_used = request->exchange->arena.used;
    batch->rest = items;
    batch->count = count;
    batch->grant = CORS_LISTED;
}

void batch_start(struct api_request *request)
{
    struct json_elements items;
    size_t count = 0;
    bool is_array = json_elements_begin(request->body, &items);
    ASSERT(is_array);
    bool is_whole = count_items(items, &count);
    request->fault.what = is_whole ? COUNT_FAULT : "not valid JSON";
    if (!is_whole || count == 0 || count > API_BATCH_MAX) {
        (void)request_refuse_shape(request, API_DETAILS_INVALID);
        return;
    }
    struct api_batch *batch = pool_get(&request->worker->batches->batches);
    if (batch == NULL) {
        (void)request_refuse(request, API_UNAVAILABLE);
        return;
    }
    init(batch, request, items, count);
    run(batch);
}

void batch_narrow_grant(struct batch_item *item, enum cors_grant grant)
{
    struct api_batch *batch = item->batch;
    batch->is_of_brand = true;
    if (grant < batch->grant)
        batch->grant = grant;
}

void batch_take(struct api_request *request, struct span reply)
{
    struct batch_item *item = request->item;
    struct api_batch *batch = item->batch;
    ASSERT(item->request == request);
    ASSERT(reply.len <= sizeof batch->replies - batch->replies_bytes);
    item->reply_at = batch->replies_bytes;
    item->reply_bytes = reply.len;
    memcpy(batch->replies + batch->replies_bytes, reply.data, reply.len);
    batch->replies_bytes += reply.len;
    if (request->call.op.position > batch->position)
        batch->position = request->call.op.position;
    give_place_back(batch, request);
    item->request = NULL;
    batch->answered++;
    if (!batch->is_running)
        run(batch);
}
