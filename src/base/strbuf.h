// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A bounded text builder over storage of the caller's. It never grows: what does not fit sets
// `is_overflowed`, which stays set, and nothing after it is appended, so that one check at the end
// is enough and no half field follows a cut one.

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

void strbuf_put(struct strbuf *buf, struct span bytes);
void strbuf_put_text(struct strbuf *buf, const char *text);
void strbuf_put_byte(struct strbuf *buf, uint8_t byte);
void strbuf_put_u64(struct strbuf *buf, uint64_t value);
void strbuf_put_i64(struct strbuf *buf, int64_t value);

// Lower-case hexadecimal, two digits a byte.
void strbuf_put_hex(struct strbuf *buf, struct span bytes);

// Base64url without padding (RFC 4648 section 5).
void strbuf_put_base64url(struct strbuf *buf, struct span bytes);

// A JSON string with its quotes (RFC 8259 section 7). `text` must be valid UTF-8, else its bytes
// are passed through; control characters, quote, backslash, U+007F, U+2028 and U+2029 are escaped.
void strbuf_put_json_string(struct strbuf *buf, struct span text);

// Reserves `len` bytes to be filled by the caller; NULL, and overflowed, when they do not fit.
uint8_t *strbuf_reserve(struct strbuf *buf, size_t len);
