// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Many requests in one body: a JSON array of them, answered by the array of what each of them would
// have been answered, in order, once the last is done.

#include "api/request.h"

// Enough for the jobs that send in bulk, little enough that a batch holds a loop up for a few
// milliseconds at most.
#define API_BATCH_MAX 100U

struct api_batch;

bool batch_is_asked_for(const struct api_request *request);

// Answers `request` by what its body's elements are answered.
void batch_start(struct api_request *request);

// For the answer of the one item that is being handled: the batch may be read by an origin that
// each brand in it allows.
void batch_narrow_grant(struct api_batch *batch, enum cors_grant grant);

// The item is answered; its request is gone, and perhaps the batch with it.
void batch_take(struct api_batch *batch, struct span reply);
