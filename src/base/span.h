// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A borrowed run of bytes. Whatever comes from the wire travels as a span: never as a bare pointer,
// never assumed to end in NUL. A span does not own; it is valid as long as what it points into.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *data;
    size_t len;
};

// A span over a string literal, without its NUL. For static initialisers too.
#define SPAN(literal) ((struct span){(const uint8_t *)("" literal), sizeof(literal) - 1})

static inline struct span span_make(const void *data, size_t len)
{
    return (struct span){(const uint8_t *)data, len};
}

static inline struct span span_of_text(const char *text)
{
    return span_make(text, strlen(text));
}

static inline bool span_eq(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool span_is_empty(struct span s)
{
    return s.len == 0;
}

// The part of `s` from `from` on; empty when `from` is past the end.
static inline struct span span_from(struct span s, size_t from)
{
    return from < s.len ? span_make(s.data + from, s.len - from) : span_make(s.data + s.len, 0);
}

static inline struct span span_first(struct span s, size_t len)
{
    return span_make(s.data, len < s.len ? len : s.len);
}

static inline uint8_t ascii_lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20U) : byte;
}

static inline uint8_t ascii_upper(uint8_t byte)
{
    return byte >= 'a' && byte <= 'z' ? (uint8_t)(byte & 0xDFU) : byte;
}

static inline bool ascii_is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

// Equal but for ASCII case; other bytes compare as they are.
bool span_eq_nocase(struct span a, struct span b);

// Index of the first `byte`, or s.len when there is none.
size_t span_find(struct span s, uint8_t byte);

bool span_starts_with(struct span s, struct span prefix);

// Without leading and trailing spaces and tabs (RFC 9110 section 5.6.3, OWS).
struct span span_trim(struct span s);

// The bytes before the first `separator` (or all); `rest` then begins after it.
struct span span_split(struct span s, uint8_t separator, struct span *rest_out);
