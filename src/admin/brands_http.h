// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Brands at run time, over HTTP (docs/admin.md). For a door that only administrators reach: nobody
// is asked who he is. Its handlers wait for the store, so its loop must be one of its own.

#include "admin/ruled.h"
#include "http/http.h"
#include "telemetry/log.h"

#define BRANDS_ROUTES_COUNT 14U
#define BRANDS_BODY_BYTES_MAX (1024U * 1024U) // of an import; others are 64 KiB

struct brands_http;

struct brands_endpoint {
    struct brands_http *http;
    const struct brand_action *action;
};

struct brands_http {
    struct brands *brands;
    struct ruled *ruled;
    struct logger *log;
    struct brands_endpoint endpoints[BRANDS_ROUTES_COUNT]; // set by brands_routes
};

// `http` is borrowed as long as the routes are in use; from one loop.
void brands_routes(struct brands_http *http, struct http_route out[BRANDS_ROUTES_COUNT]);
