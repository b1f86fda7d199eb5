// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the connections of one loop share. Only this folder sees inside.

#include "http/conn.h"
#include "http/limits.h"
#include "http/pool.h"

#include <stdalign.h>

#define HTTP_RANDOM_BYTES 1024U
#define HTTP_MADE_ID_BYTES 16U // random, twice as many digits

// Borrowed while a handler owes an answer.
struct http_scratch {
    struct http_exchange exchange; // first: a handler's pointer leads back here
    struct http_conn *conn;
    struct http_field fields[HTTP_FIELDS_MAX];
    uint8_t made_id[2 * HTTP_MADE_ID_BYTES];
    alignas(max_align_t) uint8_t arena[HTTP_EXCHANGE_ARENA_BYTES];
};

struct http_worker {
    struct http_worker_options options;
    struct http_limits limits;
    struct pool conns;
    struct pool scratches;
    struct pool big_buffers; // input that does not fit a connection's own buffer
    size_t random_used;
    uint8_t random[HTTP_RANDOM_BYTES]; // drawn ahead: one draw serves 64 ids
};

static inline size_t http_worker_conns(const struct http_worker *worker)
{
    return worker->conns.lent;
}

// 32 hexadecimal digits.
struct span http_worker_make_id(struct http_worker *worker, uint8_t out[2 * HTTP_MADE_ID_BYTES]);

size_t http_conn_bytes(void);
