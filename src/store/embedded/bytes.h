// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Big-endian numbers in stored bytes. A reader that runs out of bytes gives zeros and says so for
// good, so that one look at the end is enough.

#include "base/strbuf.h"

struct reader {
    struct span rest;
    bool is_short;
};

static inline struct span read_bytes(struct reader *reader, size_t len)
{
    if (reader->is_short || len > reader->rest.len) {
        reader->is_short = true;
        return span_make(NULL, 0);
    }
    struct span bytes = span_first(reader->rest, len);
    reader->rest = span_from(reader->rest, len);
    return bytes;
}

// The next `len` bytes, 8 at most.
static inline uint64_t read_number(struct reader *reader, size_t len)
{
    struct span bytes = read_bytes(reader, len);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | bytes.data[i];
    return value;
}

static inline void put_number(struct strbuf *out, uint64_t value, size_t len)
{
    uint8_t *at = strbuf_reserve(out, len);
    for (size_t i = 0; at != NULL && i < len; i++)
        at[i] = (uint8_t)(value >> (8 * (len - 1 - i)));
}

#define STORED_TIME_BYTES 6U
#define STORED_TIME_MS_END (INT64_C(1) << 48)

static inline int64_t read_time(struct reader *reader)
{
    return (int64_t)read_number(reader, STORED_TIME_BYTES);
}

static inline void put_time(struct strbuf *out, int64_t at_ms)
{
    ASSERT(at_ms >= 0);
    ASSERT(at_ms < STORED_TIME_MS_END);
    put_number(out, (uint64_t)at_ms, STORED_TIME_BYTES);
}
