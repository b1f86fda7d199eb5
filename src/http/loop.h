// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// One thread with its libuv loop, and the sockets that it drives.

#include "http/acceptor.h"
#include "http/bell.h"
#include "http/worker.h"

// Connections on their way from the acceptor's thread.
#define HTTP_INBOX_MAX 256U

struct http_link;

struct http_loop {
    uv_loop_t uv;
    struct http_bell bell; // there is something new under the mutex
    uv_timer_t drain_timer;
    uv_prepare_t turn; // each time before it waits
    struct http_worker *worker;
    struct pool links;
    struct http_link *first; // all that are not freed
    size_t links_held;
    struct clock clock;
    struct mono drain_at; // sockets still open then are closed
    bool is_draining;
    bool is_forced;
    bool is_abandoned;  // a handler never answered
    uv_thread_t thread; // that runs it, from the start of the run on
    struct http_accepted taken[HTTP_INBOX_MAX];

    // On its thread, before its own sockets are drained; and at the very end.
    void (*on_drain)(void *ctx, struct http_loop *loop);
    void (*on_stop)(void *ctx, void *user);
    void *ctx;
    void (*on_turn)(void *ctx); // each time before it waits; may be NULL
    void *turn_ctx;
    void *stop_ctx;

    uv_mutex_t mutex; // over all that follows
    struct http_accepted inbox[HTTP_INBOX_MAX];
    size_t inbox_held;
    struct http_task *tasks_first; // that were posted, in the order of their arrival
    struct http_task **tasks_last;
    bool is_woken;    // since tasks were last taken
    int64_t drain_ms; // −1: not asked
};

// The worker is set by the caller between init and run.
MUST_CHECK enum err http_loop_init(struct http_loop *loop, const struct http_limits *limits,
                                   struct clock clock);
void http_loop_run(struct http_loop *loop);           // returns when drained
void http_loop_fini(struct http_loop *loop);          // after it has run and was not abandoned
void http_loop_close_handles(struct http_loop *loop); // its own; then it can end

// From any thread. False: too many are waiting there.
MUST_CHECK bool http_loop_hand(struct http_loop *loop, const struct http_accepted *accepted);

// From any thread; at once on the loop's own (http_exchange_post).
void http_loop_post(void *loop, struct http_task *task);
void http_loop_leave(void *loop, struct http_task *task); // http_exchange_leave
void http_loop_wake(struct http_loop *loop);              // if tasks are waiting there
void http_loop_ask_drain(struct http_loop *loop, int64_t drain_ms);
