// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A connection on invented time with a driver that never blocks, for tests and fuzzers. One worker,
// one connection at a time. Routes:
//
//   POST, OPTIONS /echo   200: method, path, query, length and checksum of the body, content type
//   GET /held             the exchange is left in rig.held
//   GET /big              200 with big_bytes of body
//   GET /last             204, closes
//   GET /peer             200: the client's address
//   GET /wake             asks to be woken after 500 ms; then 200 "woken" or "gone"

#include "http/conn.h"

#define RIG_START_MS 1000000

struct rig {
    struct mono now;
    struct http_limits limits;
    struct http_router router;
    struct http_route routes[7];
    struct entropy entropy;
    struct clock clock;
    uint64_t entropy_count;
    struct http_worker *worker;
    struct http_conn *conn;
    bool is_stuck; // the client takes no output
    size_t requests;
    size_t told; // calls of on_output
    size_t big_bytes;
    struct http_exchange *held;
    size_t out_bytes;
    uint8_t out[512 * 1024];
};

struct metrics;

void rig_init(struct rig *rig, const struct http_limits *limits);
void rig_init_counted(struct rig *rig, const struct http_limits *limits, struct metrics *metrics);

// With the metrics, log and trusted proxies of `own`.
void rig_init_with(struct rig *rig, const struct http_limits *limits,
                   const struct http_worker_options *own);
void rig_fini(struct rig *rig); // closes what is open

void rig_connect(struct rig *rig);
void rig_close(struct rig *rig);

// Sends what fits, taking output in between; returns how much the connection took.
size_t rig_send(struct rig *rig, struct span bytes);
void rig_send_end(struct rig *rig);

// Takes all output; more may come of it.
void rig_take(struct rig *rig);

// Lets time pass, in one step, and ticks when it is due.
void rig_wait(struct rig *rig, int64_t ms);

void rig_reply_held(struct rig *rig);

static inline struct span rig_output(const struct rig *rig)
{
    return span_make(rig->out, rig->out_bytes);
}

// Statuses of the answers so far, "200 404 100"; bodies are skipped by Content-Length. Only for
// answers to requests other than HEAD.
struct span rig_statuses(const struct rig *rig, struct strbuf *out);
