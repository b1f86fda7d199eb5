// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The outbox and the people in it, over HTTP (docs/admin.md). For the same door and the same loop
// as brands_http.h: its handlers wait for the store. Whom one asks about comes in a body, never in
// a URL.

#include "http/http.h"
#include "service/explain.h"
#include "telemetry/log.h"

#define OUTBOX_ROUTES_COUNT 5U
#define OUTBOX_PAGE_ROWS_MAX 100U
#define OUTBOX_HANDLES_MAX 128U // of one retry or drop

struct outbox_http;

struct outbox_endpoint {
    struct outbox_http *http;
    const struct outbox_action *action;
};

struct outbox_http {
    struct history history;
    struct brands *brands;
    struct logger *log;
    struct outbox_endpoint endpoints[OUTBOX_ROUTES_COUNT]; // set by outbox_routes
};

// `http` is borrowed as long as the routes are in use; from one loop.
void outbox_routes(struct outbox_http *http, struct http_route out[OUTBOX_ROUTES_COUNT]);
