// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Serves connections from one listening socket on a few threads, each with a libuv loop and an
// http_worker of its own. The first loop accepts and hands connections round.

#include "http/conn.h"

#include <uv.h>

#define HTTP_LOOPS_MAX 16U

struct http_server_options {
    struct span address;              // as http_listen takes it
    size_t loops_count;               // 1 to HTTP_LOOPS_MAX
    const struct http_limits *limits; // copied
    struct clock clock;               // runs in real time: timers are libuv's

    // Called by http_server_create for each loop, on the caller's thread, before the loop runs.
    // Sets router, entropy and user; limits and clock are set. May start handles on the loop.
    MUST_CHECK enum err (*on_worker)(void *ctx, uv_loop_t *loop, struct http_worker_options *out);

    // Called on the loop's thread when its last connection is gone: closes the handles that
    // on_worker has started. Also called where on_worker succeeded and http_server_create then
    // failed.
    void (*on_worker_stop)(void *ctx, void *user);

    // Called on a loop's thread each time before it waits for more to do: what its handlers have
    // begun together can be handed on in one go. NULL: nothing is.
    void (*on_turn)(void *ctx);
    void *ctx;
};

struct http_server;

// Binds and listens; connections wait in the backlog until http_server_start. ERR_IN_USE,
// ERR_INVALID, ERR_PERMISSION: the address; or what on_worker returned.
MUST_CHECK enum err http_server_create(const struct http_server_options *options,
                                       struct http_server **out, struct err_info *info);

// Runs the loops, each on a thread of its own. After a failure: http_server_destroy.
MUST_CHECK enum err http_server_start(struct http_server *server);

// Wakes the loops for which http_exchange_leave has left something. From any thread, until
// http_server_destroy.
void http_server_wake(struct http_server *server);

// 0 on a Unix socket, whose file is gone once the server drains.
uint16_t http_server_port(const struct http_server *server);

// Stops accepting, answers what has been begun, closes; connections that are left after drain_ms
// are cut. From any thread; returns at once; calls after the first change nothing.
void http_server_drain(struct http_server *server, int64_t drain_ms);

// Waits for the end of http_server_drain. ERR_TIMEOUT: a handler has not answered even a second
// later; its worker's memory then stays, and the process should end.
MUST_CHECK enum err http_server_join(struct http_server *server);

// After http_server_join, or of a server that was never started.
void http_server_destroy(struct http_server **server);
