// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// One HTTP/1.1 connection without any I/O: bytes in, bytes out, and a deadline. The uv server and
// the simulator drive the same code.
//
//   idle ──first byte──▶ head ──whole──▶ body ──whole──▶ handling ──reply──▶ idle, or closing
//
// - head, body: their deadlines count from the first byte of the request; drips do not move them
// - idle: keep-alive deadline
// - handling: no deadline of ours; the handler answers
// - any error: one answer, then closing; what still arrives is thrown away
//
// Requests on one connection are handled one after the other; further ones wait in the input
// buffer, and when that is full the driver is told to stop reading.

#include "base/err.h"
#include "http/http.h"

struct http_conn;
struct http_worker;
struct ip_ranges;
struct logger;
struct metrics;

struct http_limits {
    size_t head_bytes_max; // 8192
    size_t body_bytes_max; // 65536
    int64_t head_ms_max;   // 10 s from the first byte to the end of the head
    int64_t body_ms_max;   // 20 s from the first byte to the end of the body
    int64_t idle_ms_max;   // 75 s between requests, 10 s before the first
    int64_t write_ms_max;  // 20 s for the client to take an answer
    size_t conns_max;      // a worker
};

extern const struct http_limits http_limits_default;

struct http_worker_options {
    const struct http_router *router;
    const struct http_limits *limits;
    struct clock clock;
    const struct entropy *entropy; // for request ids
    void *user;                    // exchange->worker
    struct metrics *metrics;       // counts answers by the router's rows; NULL: nobody does
    struct logger *log;            // at debug, each answer: "http.answer"; NULL: nothing
    const struct ip_ranges *trusted_proxies; // whose X-Forwarded-For is believed; NULL: nobody's

    // For http_exchange_post and http_exchange_leave, from any thread; set by whoever drives the
    // worker on a thread of its own. NULL: there is one thread for all.
    void (*post)(void *ctx, struct http_task *task);
    void (*leave)(void *ctx, struct http_task *task);
    void *post_ctx;
};

// Everything that the connections of one loop share: limits, router, pools. One thread.
MUST_CHECK struct http_worker *http_worker_create(const struct http_worker_options *options);
void http_worker_destroy(struct http_worker **worker); // asserts that no connection is left

// NULL when conns_max are open. `on_output` is called when there is something to write, the
// connection has finished or its deadline has moved, outside of the driver's own calls.
struct http_conn *http_conn_open(struct http_worker *worker, struct span peer, struct mono now,
                                 void (*on_output)(void *ctx), void *ctx);

// Where the next bytes go; *len_out 0: do not read now (ask again after output was sent).
uint8_t *http_conn_input(struct http_conn *conn, size_t *len_out);
void http_conn_received(struct http_conn *conn, size_t len, struct mono now);
// The client's FIN, or an error.
void http_conn_received_end(struct http_conn *conn, struct mono now);

struct span http_conn_output(const struct http_conn *conn); // may be empty
void http_conn_sent(struct http_conn *conn, size_t len, struct mono now);

// When http_conn_tick must be called at the latest; INT64_MAX: no need.
struct mono http_conn_deadline(const struct http_conn *conn);
void http_conn_tick(struct http_conn *conn, struct mono now);

// True when nothing more will be written, but input is still read, and thrown away, so that no
// reset overtakes the last answer. The driver then ends its direction (shutdown), once.
bool http_conn_is_lingering(const struct http_conn *conn);

// True when all is written, or given up, and the connection is to be closed by the driver.
bool http_conn_is_finished(const struct http_conn *conn);

// Answers what is being handled, then finishes; an idle one finishes at once.
void http_conn_drain(struct http_conn *conn, struct mono now);

// The driver has closed its socket. Freed now, or once the handler has replied.
void http_conn_close(struct http_conn **conn);
