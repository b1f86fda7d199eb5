// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the server tells of itself: counters, health, and the listener that shows them, when they
// have one of their own. That one is up until all else has ended, so that a draining server can be
// seen to drain.

#include "admin/health.h"
#include "admin/metrics_http.h"
#include "crypto/pure/random.h"
#include "http/server.h"
#include "service/service.h"

#include <stdatomic.h>

#define MONITOR_ROUTES_COUNT (HEALTH_ROUTES_COUNT + 1U)
#define MONITOR_CHECKS_COUNT 3U

struct monitor_watched {
    struct store *store;
    struct service *service;
    const struct routes *routes;
};

// Must not move.
struct monitor {
    struct metrics *metrics;
    struct monitor_watched watched; // all NULL until monitor_watch
    atomic_bool is_draining;
    struct health_check checks[MONITOR_CHECKS_COUNT];
    struct health health;
    struct metrics_http page;
    struct http_route routes[MONITOR_ROUTES_COUNT];
    struct http_router router; // of a listener of its own
    struct random_pool pool;
    struct entropy entropy;
    struct http_server *server; // NULL: the routes are on the main listener
};

// `monitor` is all zero. ERR_NO_MEMORY.
MUST_CHECK enum err monitor_init(struct monitor *monitor, const struct clock *clock);
void monitor_fini(struct monitor *monitor); // safe twice

// Before anybody asks.
void monitor_watch(struct monitor *monitor, const struct monitor_watched *watched);

// A configuration has been taken over.
void monitor_note_reload(struct monitor *monitor, const struct clock *clock);

// A listener of its own, on one loop.
MUST_CHECK enum err monitor_listen(struct monitor *monitor, struct span address,
                                   const struct http_limits *limits, struct clock clock,
                                   struct err_info *info);

// Ends that listener; without one, nothing.
MUST_CHECK enum err monitor_stop(struct monitor *monitor);
