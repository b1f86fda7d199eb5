// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The wire contract: JSON body → command → service → JSON reply, for the mobile and the web/ URIs.

#include "api/json.h"
#include "api/status.h"
#include "http/http.h"
#include "service/service.h"

struct endpoint;

// An endpoint at one path.
struct api_mount {
    struct api *api;
    const struct endpoint *endpoint;
    bool is_web;
};

#define API_MOUNTS 6U
#define API_ROUTES (2U * API_MOUNTS) // POST and OPTIONS

// Immutable after api_init, shared by all loops. Must not move: routes point into it.
struct api {
    struct service *service;
    struct api_mount mounts[API_MOUNTS];
};

struct batch_memory;

// What one loop has of its own. An exchange's `worker` points to it.
struct api_worker {
    struct json_parser *json;
    struct batch_memory *batches;
    struct entropy entropy;
    struct clock clock; // its wall time goes into tokens, which others read by their own clocks
};

void api_init(struct api *api, struct service *service);

// The rows for http_router.routes. Its write_error is api_write_error (api/status.h).
void api_routes(struct api *api, struct http_route out[API_ROUTES]);

// ERR_NO_MEMORY.
MUST_CHECK enum err api_worker_init(struct api_worker *worker, struct entropy entropy,
                                    struct clock clock);
void api_worker_fini(struct api_worker *worker);
