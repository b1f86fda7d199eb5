// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "http/worker.h"

#include "base/assert.h"
#include "http/input.h"

#include <stdlib.h>

const struct http_limits http_limits_default = {
    .head_bytes_max = 8192,
    .body_bytes_max = 65536,
    .head_ms_max = 10000,
    .body_ms_max = 20000,
    .idle_ms_max = 75000,
    .write_ms_max = 20000,
    .conns_max = 8192,
};

struct span http_worker_make_id(struct http_worker *worker, uint8_t out[2 * HTTP_MADE_ID_BYTES])
{
    if (worker->random_used == sizeof worker->random) {
        entropy_fill(worker->options.entropy, worker->random, sizeof worker->random);
        worker->random_used = 0;
    }
    struct strbuf text = strbuf_over(out, 2 * HTTP_MADE_ID_BYTES);
    strbuf_put_hex(&text, span_make(worker->random + worker->random_used, HTTP_MADE_ID_BYTES));
    worker->random_used += HTTP_MADE_ID_BYTES;
    return strbuf_span(&text);
}

struct http_worker *http_worker_create(const struct http_worker_options *options)
{
    const struct http_limits *limits = options->limits;
    ASSERT(limits->head_bytes_max <= HTTP_HEAD_BYTES_CEILING);
    ASSERT(limits->conns_max > 0);
    struct http_worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL)
        return NULL;
    worker->options = *options;
    worker->limits = *limits;
    worker->options.limits = &worker->limits;
    worker->random_used = sizeof worker->random;
    pool_init(&worker->conns, http_conn_bytes(), limits->conns_max, limits->conns_max);
    pool_init(&worker->scratches, sizeof(struct http_scratch), limits->conns_max,
              limits->conns_max);
    // Whole head, whole body, and room to read on while the frame of a chunk is taken out.
    pool_init(&worker->big_buffers,
              limits->head_bytes_max + limits->body_bytes_max + HTTP_CHUNK_SLACK_BYTES +
                  HTTP_BODY_SLACK_BYTES,
              HTTP_BIG_BUFFERS_MAX, HTTP_BIG_BUFFERS_KEPT_MAX);
    return worker;
}

void http_worker_destroy(struct http_worker **worker)
{
    if (*worker == NULL)
        return;
    pool_fini(&(*worker)->conns);
    pool_fini(&(*worker)->scratches);
    pool_fini(&(*worker)->big_buffers);
    free(*worker);
    *worker = NULL;
}
