// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The items take turns in one api_request: an item begins when the one before it is answered, so
// that items about one person see each other, and the arena needs room for one alone. Until its
// turn an item is a piece of the body's text, which stays where it is until the reply; nothing
// parsed outlives its turn.
//
//   run ──begin item──▶ answered meanwhile ──▶ next item … ──none left──▶ one reply
//        ▲                   └── not yet: run returns
//        └──────── batch_take, when the store is done later ◀──┘
//
// A store that is done at once would call run within run: batch_take leaves only a mark then. All
// of it is on the thread of the exchange's loop.
//
// The memory for the replies is taken before the first item takes effect: later there would be no
// honest answer to having none. Pages that no reply reaches are never touched.
#include "api/batch.h"

#include "api/cors.h"
#include "api/json_array.h"
#include "base/assert.h"
#include "http/limits.h"

#include <stdlib.h>

// A reply and the comma or bracket before it.
#define ITEM_BYTES_MAX (REPLY_BYTES_MAX + 1U)

#define COUNT_FAULT "an array must have 1 to 100 items"

_Static_assert(API_BATCH_MAX == 100U, "as COUNT_FAULT says");
_Static_assert(API_BATCH_MAX *ITEM_BYTES_MAX + 1U <= HTTP_REPLY_BYTES_MAX, "a batch can be sent");

struct api_batch {
    struct api_request *request; // of each item in turn
    struct json_elements items;  // those to come
    struct strbuf replies;       // on the heap
    size_t arena_used;           // before the first item
    enum cors_grant grant;
    bool is_of_brand; // some item is
    bool is_running;
    bool is_answered; // the item that is being handled
};

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

// The order in which items come is all that they share: each gets a request of its own making.
static void begin_item(struct api_batch *batch, struct span item)
{
    struct api_request *request = batch->request;
    request->exchange->arena.used = batch->arena_used;
    request_init(request, request->mount, request->exchange);
    request->body = item;
    request->batch = batch;
    batch->is_answered = false;
}

// http_reply ends the arena, which the batch lives in.
static void finish(struct api_batch *batch)
{
    struct strbuf replies = batch->replies;
    strbuf_put_byte(&replies, ']');
    ASSERT(!replies.is_overflowed);
    enum cors_grant grant = batch->is_of_brand ? batch->grant : CORS_REFUSED;
    request_answer_batch(batch->request, strbuf_span(&replies), grant);
    free(replies.data);
}

static void run(struct api_batch *batch)
{
    struct span item;
    batch->is_running = true;
    while (json_elements_next(&batch->items, &item) == JSON_ELEMENT) {
        begin_item(batch, item);
        request_run(batch->request);
        if (!batch->is_answered) {
            batch->is_running = false;
            return;
        }
    }
    finish(batch);
}

static struct api_batch *create(struct api_request *request, struct json_elements items,
                                size_t count)
{
    struct arena *arena = &request->exchange->arena;
    size_t bytes = count * ITEM_BYTES_MAX + 1;
    struct api_batch *batch = arena_alloc(arena, sizeof *batch);
    ASSERT(batch != NULL);
    *batch = (struct api_batch){
        .request = request,
        .items = items,
        .replies = strbuf_over(malloc(bytes), bytes),
        .arena_used = arena->used,
        .grant = CORS_LISTED,
    };
    return batch->replies.data != NULL ? batch : NULL;
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
    struct api_batch *batch = create(request, items, count);
    if (batch == NULL)
        (void)request_refuse(request, API_UNAVAILABLE);
    else
        run(batch);
}

void batch_narrow_grant(struct api_batch *batch, enum cors_grant grant)
{
    batch->is_of_brand = true;
    if (grant < batch->grant)
        batch->grant = grant;
}

void batch_take(struct api_batch *batch, struct span reply)
{
    ASSERT(!batch->is_answered);
    strbuf_put_byte(&batch->replies, batch->replies.len == 0 ? '[' : ',');
    strbuf_put(&batch->replies, reply);
    batch->is_answered = true;
    if (!batch->is_running)
        run(batch);
}
