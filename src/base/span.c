// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "base/span.h"

bool span_eq_nocase(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (ascii_lower(a.data[i]) != ascii_lower(b.data[i]))
            return false;
    }
    return true;
}

size_t span_find(struct span s, uint8_t byte)
{
    const uint8_t *hit = s.len > 0 ? memchr(s.data, byte, s.len) : NULL;
    return hit != NULL ? (size_t)(hit - s.data) : s.len;
}

bool span_starts_with(struct span s, struct span prefix)
{
    return s.len >= prefix.len && span_eq(span_first(s, prefix.len), prefix);
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

struct span span_trim(struct span s)
{
    while (s.len > 0 && is_blank(s.data[0]))
        s = span_from(s, 1);
    while (s.len > 0 && is_blank(s.data[s.len - 1]))
        s.len--;
    return s;
}

struct span span_split(struct span s, uint8_t separator, struct span *rest_out)
{
    size_t at = span_find(s, separator);
    *rest_out = span_from(s, at + 1);
    return span_first(s, at);
}
