// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Is the server alive, and should it be given work? For load balancers and service managers.
//
//   GET /livez     200: a loop turns
//   GET /readyz    200, or 503 while a check fails; "?verbose" lists each check on a line
//   GET /healthz   the same as /readyz
//
// No authentication, and nothing but the names of checks.

#include "http/http.h"

#define HEALTH_ROUTES_COUNT 3U
#define HEALTH_CHECKS_MAX 8U

struct health_check {
    struct span name;
    bool (*is_ok)(void *ctx); // from any loop; does not block
    void *ctx;
};

struct health {
    const struct health_check *checks;
    size_t count; // HEALTH_CHECKS_MAX at most
};

// `health` is borrowed as long as the routes are in use.
void health_routes(struct health *health, struct http_route out[HEALTH_ROUTES_COUNT]);
