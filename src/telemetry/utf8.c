// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "telemetry/utf8.h"

// What a first byte looks like, and the least code point that may take so many bytes: a smaller one
// is an overlong form (RFC 3629 section 3).
struct utf8_form {
    uint8_t mask;
    uint8_t lead;
    uint32_t least;
};

static const struct utf8_form forms[] = {
    {0x80, 0x00, 0}, {0xE0, 0xC0, 0x80}, {0xF0, 0xE0, 0x800}, {0xF8, 0xF0, 0x10000}};

#define FORM_COUNT (sizeof forms / sizeof forms[0])

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xC0U) == 0x80U;
}

static bool is_scalar(uint32_t point)
{
    return point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
}

size_t utf8_next(struct span text, uint32_t *point_out)
{
    size_t more = 0;
    if (text.len == 0)
        return 0;
    while (more < FORM_COUNT && (text.data[0] & forms[more].mask) != forms[more].lead)
        more++;
    if (more == FORM_COUNT || text.len <= more)
        return 0;
    uint32_t point = text.data[0] & (uint8_t)~forms[more].mask;
    for (size_t i = 1; i <= more; i++) {
        if (!is_continuation(text.data[i]))
            return 0;
        point = point << 6 | (text.data[i] & 0x3FU);
    }
    if (point < forms[more].least || !is_scalar(point))
        return 0;
    *point_out = point;
    return more + 1;
}

struct span utf8_first(struct span text, size_t max)
{
    size_t len = max;
    if (text.len <= max)
        return text;
    while (len > 0 && is_continuation(text.data[len]))
        len--;
    return span_first(text, len);
}
