// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A spelling becomes a canonical number in three steps:
//
//   fold           what people put between digits goes; digits of any script become ASCII
//   international  a leading "+" or "00" goes
//   is_possible    what is left can be a number of ITU-T E.164
//
// Only the international form is known: a number without "+" or "00" is taken to begin with its
// country code.
#include "address/kinds.h"
#include "base/unicode_digit.h"

#define E164_DIGITS_MIN 7U
#define E164_DIGITS_MAX 15U // ITU-T E.164 section 6.2.1
#define PREFIX_DIGITS 2U    // "00"

struct folded {
    bool has_plus;
    size_t len;
    uint8_t digits[PREFIX_DIGITS + E164_DIGITS_MAX];
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
        {'(', ')'},       {'.', '/'},       {0xAD, 0xAD},     {0xB7, 0xB7},     {0x200B, 0x200F},
        {0x202A, 0x202E}, {0x2060, 0x2069}, {0xFEFF, 0xFEFF}, {0xFF08, 0xFF09}, {0xFF0E, 0xFF0F},
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

static struct span international(const struct folded *folded)
{
    struct span digits = span_make(folded->digits, folded->len);
    bool has_prefix = !folded->has_plus && span_starts_with(digits, SPAN("00"));
    return has_prefix ? span_from(digits, PREFIX_DIGITS) : digits;
}

// No country code begins with 0 (ITU-T E.164, list of assigned codes).
static bool is_possible(struct span digits)
{
    return digits.len >= E164_DIGITS_MIN && digits.len <= E164_DIGITS_MAX && digits.data[0] != '0';
}

bool mobile_parse(struct span spelling, struct strbuf *out)
{
    struct folded folded;
    if (!fold(spelling, &folded))
        return false;
    struct span digits = international(&folded);
    if (!is_possible(digits))
        return false;
    strbuf_put(out, digits);
    return true;
}
