// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The administrators' door: a Unix socket that only the server's own user can open, with the admin
// API, metrics and health behind it. One loop on a thread of its own, so that a change which waits
// for the store holds up no request.
//
// The socket is control.sock in the data directory, or, without one, otpd-control-PID.sock in
// $XDG_RUNTIME_DIR or /tmp.

#include "admin/brands_http.h"
#include "admin/outbox_http.h"
#include "admin/tokens_http.h"
#include "config/config.h"
#include "daemon/monitor.h"
#include "daemon/providers.h"
#include "http/listen.h"

#define CONTROL_ROUTES_COUNT \
    (BRANDS_ROUTES_COUNT + OUTBOX_ROUTES_COUNT + MONITOR_ROUTES_COUNT + TOKENS_ROUTES_COUNT)

// Must not move.
struct control {
    char path[HTTP_SOCKET_PATH_BYTES_MAX + 1]; // empty until it listens
    struct ruled *ruled;
    struct brands_http brands;
    struct providers *providers;
    struct tokens_http tokens;
    struct clock clock;
    struct outbox_http outbox;
    const struct config_provider *configured[CONFIG_PROVIDERS_MAX]; // those of the start
    size_t configured_held;
    struct http_route routes[CONTROL_ROUTES_COUNT];
    struct http_router router;
    struct random_pool pool;
    struct entropy entropy;
    struct http_server *server;
};

// `control` is all zero. ERR_NO_MEMORY.
MUST_CHECK enum err control_init(struct control *control, struct err_info *info);
void control_fini(struct control *control); // safe twice

// Puts the configuration's brands into the registry, and knows from now on what it rules. Nothing
// is changed at run time meanwhile. On failure the old rules hold, but brands before the one that
// failed are put.
MUST_CHECK enum err control_put_brands(struct control *control, struct brands *brands,
                                       const struct config *config, struct err_info *info);

struct control_deps {
    const struct config *config;
    struct store *store;
    struct keyring *keyring;
    const struct routes *ways; // of messages
    struct brands *brands;
    struct providers *providers;
    struct logger *log;
    const struct monitor *monitor;
    struct clock clock;
};

// Binds the socket. ERR_IN_USE: another server listens there; ERR_INVALID: the path is too long.
MUST_CHECK enum err control_listen(struct control *control, const struct control_deps *deps,
                                   struct err_info *info);

// Answers what was begun, and takes the socket away.
MUST_CHECK enum err control_stop(struct control *control);
