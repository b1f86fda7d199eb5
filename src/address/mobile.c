// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A spelling becomes a canonical number in two steps: what people put between digits goes, and
// digits of any script become ASCII; then the digits are looked up in the world's numbering plans.
//
// "+" and "00" say that a calling code follows. Without them a number is its country's, if it is a
// valid one there; else, or with no country to go by, it is taken to begin with its calling code.
// Other ways to dial out (011, 810, 009) are not known: with them a number could be read in two
// ways.
#include "address/kinds.h"
#include "address/phone.h"
#include "base/unicode_digit.h"

struct folded {
    bool has_plus;
    size_t len;
    uint8_t digits[PHONE_DIALLED_MAX];
};

struct scalar_range {
    uint32_t first, last;
};

// Besides spaces and dashes: ASCII and full-width dots, slashes and parentheses, the middle dot,
// and the invisible marks (soft hyphen, joiners, directions) that come along when a number is
// copied.
static bool is_filler(uint32_t scalar)
{
    static const struct scalar_range fillers[] = {
        {'(', ')'},       {'.', '/'},       {0xAD, 0xAD},     {0xB7, 0xB7},
        {0x61C, 0x61C},   {0x200B, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x2069},
        {0xFEFF, 0xFEFF}, {0xFF08, 0xFF09}, {0xFF0E, 0xFF0F},
    };
    if (unicode_is_space(scalar) || unicode_is_dash(scalar))
        return true;
    for (size_t i = 0; i < sizeof fillers / sizeof fillers[0]; i++) {
        if (scalar >= fillers[i].first && scalar <= fillers[i].last)
            return true;
    }
    return false;
}

static bool is_plus(uint32_t scalar)
{
    return scalar == '+' || scalar == 0xFF0B;
}

static bool fold_scalar(uint32_t scalar, struct folded *out)
{
    int digit = unicode_digit_value(scalar);
    if (digit >= 0) {
        if (out->len == sizeof out->digits)
            return false;
        out->digits[out->len++] = (uint8_t)('0' + digit);
        return true;
    }
    if (!is_plus(scalar))
        return is_filler(scalar);
    bool is_first = !out->has_plus && out->len == 0;
    out->has_plus = true;
    return is_first;
}

static bool fold(struct span spelling, struct folded *out)
{
    *out = (struct folded){.has_plus = false};
    while (spelling.len > 0) {
        uint32_t scalar;
        if (!utf8_take(&spelling, &scalar) || !fold_scalar(scalar, out))
            return false;
    }
    return true;
}

bool mobile_parse(struct span spelling, struct span default_country, struct strbuf *out)
{
    const struct span prefix = SPAN("00");
    struct folded folded;
    if (!fold(spelling, &folded))
        return false;
    struct span digits = span_make(folded.digits, folded.len);
    if (folded.has_plus)
        return phone_international(digits, out);
    if (span_starts_with(digits, prefix))
        return phone_international(span_from(digits, prefix.len), out);
    return phone_national(digits, default_country, out) || phone_international(digits, out);
}
