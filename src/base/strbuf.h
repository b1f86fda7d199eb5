// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A bounded text builder over storage of the caller's. It never grows: what does not fit sets
// `is_overflowed`, which stays set, and nothing after it is appended, so that one check at the end
// is enough and no half field follows a cut one.

#include "base/assert.h"
#include "base/span.h"

struct strbuf {
    uint8_t *data;
    size_t len;
    size_t cap;
    bool is_overflowed;
};

static inline struct strbuf strbuf_over(void *storage, size_t cap)
{
    return (struct strbuf){.data = storage, .len = 0, .cap = cap, .is_overflowed = false};
}

static inline struct span strbuf_span(const struct strbuf *buf)
{
    return span_make(buf->data, buf->len);
}

// Reserves `len` bytes to be filled by the caller; NULL, and overflowed, when they do not fit.
static inline uint8_t *strbuf_reserve(struct strbuf *buf, size_t len)
{
    ASSERT(buf->len <= buf->cap);
    if (buf->is_overflowed || len > buf->cap - buf->len) {
        buf->is_overflowed = true;
        return NULL;
    }
    uint8_t *at = buf->data + buf->len;
    buf->len += len;
    return at;
}

static inline void strbuf_put(struct strbuf *buf, struct span bytes)
{
    uint8_t *at = strbuf_reserve(buf, bytes.len);
    if (at != NULL && bytes.len > 0)
        memcpy(at, bytes.data, bytes.len);
}

static inline void strbuf_put_text(struct strbuf *buf, const char *text)
{
    strbuf_put(buf, span_of_text(text));
}

static inline void strbuf_put_byte(struct strbuf *buf, uint8_t byte)
{
    strbuf_put(buf, span_make(&byte, 1));
}

void strbuf_put_u64(struct strbuf *buf, uint64_t value);
void strbuf_put_i64(struct strbuf *buf, int64_t value);

// Lower-case hexadecimal, two digits a byte.
void strbuf_put_hex(struct strbuf *buf, struct span bytes);

// Base64url without padding (RFC 4648 section 5).
void strbuf_put_base64url(struct strbuf *buf, struct span bytes);

// A JSON string with its quotes (RFC 8259 section 7). `text` must be valid UTF-8, else its bytes
// are passed through; control characters, quote, backslash, U+007F, U+2028 and U+2029 are escaped.
void strbuf_put_json_string(struct strbuf *buf, struct span text);

// The same without the quotes, for a string that is made of several texts.
void strbuf_put_json_text(struct strbuf *buf, struct span text);
