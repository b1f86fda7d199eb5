// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A chunked body in pieces of any size comes to the same as at once.
#include "base/assert.h"
#include "http/chunked.h"

#include <stdlib.h>

#define BODY_MAX 256U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
    enum http_chunked_state state;
    int status;
    size_t used;
    size_t body_bytes;
    uint8_t body[BODY_MAX];
};

static struct result decode(struct span raw, size_t piece)
{
    struct http_chunked chunked;
    struct result result = {.state = HTTP_CHUNKED_MORE};
    uint8_t *buffer = malloc(raw.len + BODY_MAX + 1);
    http_chunked_start(&chunked, BODY_MAX);
    while (result.used < raw.len && result.state == HTTP_CHUNKED_MORE) {
        size_t used;
        struct span next = span_first(span_from(raw, result.used), piece);
        uint8_t *to = buffer + chunked.body_bytes;
        memcpy(to, next.data, next.len);
        result.state = http_chunked_feed(&chunked, buffer, span_make(to, next.len), &used);
        ASSERT(used == next.len || result.state != HTTP_CHUNKED_MORE);
        result.used += used;
    }
    result.status = chunked.status;
    result.body_bytes = chunked.body_bytes;
    ASSERT(chunked.body_bytes <= BODY_MAX);
    memcpy(result.body, buffer, chunked.body_bytes);
    free(buffer);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct span raw = span_make(data + 1, size - 1);
    struct result whole = decode(raw, raw.len);
    struct result cut = decode(raw, 1U + data[0] % 16U);
    ASSERT(cut.state == whole.state);
    ASSERT(cut.status == whole.status);
    ASSERT(cut.used == whole.used);
    ASSERT(cut.body_bytes == whole.body_bytes);
    ASSERT(memcmp(cut.body, whole.body, whole.body_bytes) == 0);
    return 0;
}
