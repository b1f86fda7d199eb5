// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// GET /metrics: the page for Prometheus (docs/metrics.md names what is on it).

#include "http/http.h"
#include "telemetry/metrics.h"

struct metrics_http {
    struct metrics *metrics;
    void (*measure)(void *ctx); // sets what is measured, before each page; from any loop
    void *ctx;
};

// `http` is borrowed as long as the route is in use.
struct http_route metrics_http_route(struct metrics_http *http);

// Gives the router's rows their names on the page; they must outlive `metrics`.
void metrics_http_name_routes(struct metrics *metrics, const struct http_router *router);
