// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A connection gives the same answers however its input is cut, and always comes to an end. Only
// whether "100 Continue" is sent depends on the cut.
#include "base/assert.h"
#include "http/test_rig.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// The first bytes of the input say how long the pieces are.
#define PIECES 4U
#define INPUT_MAX 8192U

static size_t copy_without_continue(struct span from, uint8_t *to)
{
    const struct span line = SPAN("HTTP/1.1 100 Continue\r\n\r\n");
    size_t len = 0;
    while (from.len > 0) {
        bool is_line = span_starts_with(from, line);
        if (!is_line)
            to[len++] = from.data[0];
        from = span_from(from, is_line ? line.len : 1);
    }
    return len;
}

// Lets time pass until the connection is over, as a driver would.
static void run_out(struct rig *rig)
{
    for (size_t i = 0; !http_conn_is_finished(rig->conn); i++) {
        ASSERT(i < 10);
        int64_t deadline_ms = http_conn_deadline(rig->conn).ms;
        ASSERT(deadline_ms < INT64_MAX || rig->held != NULL);
        if (rig->held != NULL)
            rig_reply_held(rig);
        else
            rig_wait(rig, deadline_ms - rig->now.ms);
    }
}

static size_t converse(struct rig *rig, struct span raw, struct span pieces, uint8_t *out)
{
    static const struct http_limits limits = {
        .head_bytes_max = 1024,
        .body_bytes_max = 6000,
        .head_ms_max = 10,
        .body_ms_max = 20,
        .idle_ms_max = 30,
        .write_ms_max = 40,
        .conns_max = 1,
    };
    rig_init(rig, &limits);
    rig->big_bytes = 3000;
    rig_connect(rig);
    for (size_t i = 0; raw.len > 0 && !http_conn_is_finished(rig->conn); i++) {
        size_t piece = pieces.len > 0 ? 1U + pieces.data[i % pieces.len] : raw.len;
        size_t taken = rig_send(rig, span_first(raw, piece));
        ASSERT(taken > 0 || rig->held != NULL || http_conn_is_finished(rig->conn));
        if (rig->held != NULL)
            rig_reply_held(rig);
        raw = span_from(raw, taken);
    }
    run_out(rig);
    size_t len = copy_without_continue(rig_output(rig), out);
    rig_fini(rig);
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= PIECES || size > INPUT_MAX)
        return 0;
    struct rig *rig = malloc(sizeof *rig);
    uint8_t *whole = malloc(sizeof rig->out);
    uint8_t *cut = malloc(sizeof rig->out);
    struct span raw = span_make(data + PIECES, size - PIECES);
    size_t whole_len = converse(rig, raw, SPAN(""), whole);
    size_t cut_len = converse(rig, raw, span_make(data, PIECES), cut);
    ASSERT(whole_len == cut_len);
    ASSERT(memcmp(whole, cut, cut_len) == 0);
    free(whole);
    free(cut);
    free(rig);
    return 0;
}
