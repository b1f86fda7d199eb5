// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Many requests in one body: a JSON array of them, answered by the array of what each of them would
// have been answered one after the other, in order, once the last is done.

#include "api/request.h"

// Enough for the jobs that send in bulk, little enough that a batch holds a loop up for a few
// milliseconds at most.
#define API_BATCH_MAX 100U

// Items of one loop's batches that may be under way beside the first of each batch, which has its
// room already: what this bounds is memory, 16 MiB. Batches that get no more room go on item by
// item.
#define API_BATCH_PLACES_MAX 1024U
#define API_BATCH_PLACES_KEPT_MAX 256U
#define API_BATCHES_KEPT_MAX 8U

struct api_batch;
struct batch_item;

// What the batches of one loop use, kept for the next ones. NULL: no memory.
struct batch_memory *batch_memory_create(void);
void batch_memory_destroy(struct batch_memory **memory); // when no batch is under way

bool batch_is_asked_for(const struct api_request *request);

// Answers `request` by what its body's elements are answered.
void batch_start(struct api_request *request);

// Which records a request goes to next.
enum batch_reach {
    BATCH_IDENTIFIER, // its identifier's alone
    BATCH_ALL,        // also that of the address that a username's code goes to
};

// Calls `go`, from where on `request` goes to the store: at once, or, of an item, as soon as no
// earlier one is in its way.
void batch_await(struct api_request *request, enum batch_reach reach,
                 void (*go)(struct api_request *request));

// For the answer of an item: the batch may be read by an origin that each brand in it allows.
void batch_narrow_grant(struct batch_item *item, enum cors_grant grant);

// The item is answered; its request is gone, and perhaps the batch with it.
void batch_take(struct api_request *request, struct span reply);
