// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Decimal digits come in runs of ten, zero first, so that the zeros alone are the table. They are
// those of Unicode 15.0 (general category Nd), in order.
#include "base/unicode_digit.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const uint32_t zeros[] = {
    0x0030,  0x0660,  0x06F0,  0x07C0,  0x0966,  0x09E6,  0x0A66,  0x0AE6,  0x0B66,  0x0BE6,
    0x0C66,  0x0CE6,  0x0D66,  0x0DE6,  0x0E50,  0x0ED0,  0x0F20,  0x1040,  0x1090,  0x17E0,
    0x1810,  0x1946,  0x19D0,  0x1A80,  0x1A90,  0x1B50,  0x1BB0,  0x1C40,  0x1C50,  0xA620,
    0xA8D0,  0xA900,  0xA9D0,  0xA9F0,  0xAA50,  0xABF0,  0xFF10,  0x104A0, 0x10D30, 0x11066,
    0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0,
    0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x11F50, 0x16A60, 0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8,
    0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E4F0, 0x1E950, 0x1FBF0,
};

int unicode_digit_value(uint32_t scalar)
{
    size_t from = 0;
    size_t end = COUNT_OF(zeros);
    while (from < end) {
        size_t middle = (from + end) / 2;
        if (scalar < zeros[middle]) {
            end = middle;
            continue;
        }
        if (scalar - zeros[middle] < 10)
            return (int)(scalar - zeros[middle]);
        from = middle + 1;
    }
    return -1;
}

struct scalar_range {
    uint32_t first, last;
};

static bool is_within(const struct scalar_range *ranges, size_t count, uint32_t scalar)
{
    for (size_t i = 0; i < count; i++) {
        if (scalar >= ranges[i].first && scalar <= ranges[i].last)
            return true;
    }
    return false;
}

// General category Zs, and the ASCII characters that end a line or stop a tab.
bool unicode_is_space(uint32_t scalar)
{
    static const struct scalar_range spaces[] = {
        {0x20, 0x20},     {0x09, 0x0D},     {0xA0, 0xA0},     {0x1680, 0x1680},
        {0x2000, 0x200A}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000},
    };
    return is_within(spaces, COUNT_OF(spaces), scalar);
}

// General category Pd, the minus sign (U+2212), and the long vowel mark (U+30FC, half as wide
// U+FF70): that is what the dash key of a Japanese keyboard gives, and people write numbers with
// it.
bool unicode_is_dash(uint32_t scalar)
{
    static const struct scalar_range dashes[] = {
        {0x2D, 0x2D},     {0x58A, 0x58A},     {0x5BE, 0x5BE},   {0x1400, 0x1400}, {0x1806, 0x1806},
        {0x2010, 0x2015}, {0x2212, 0x2212},   {0x2E17, 0x2E17}, {0x2E1A, 0x2E1A}, {0x2E3A, 0x2E3B},
        {0x2E40, 0x2E40}, {0x2E5D, 0x2E5D},   {0x301C, 0x301C}, {0x3030, 0x3030}, {0x30A0, 0x30A0},
        {0x30FC, 0x30FC}, {0xFE31, 0xFE32},   {0xFE58, 0xFE58}, {0xFE63, 0xFE63}, {0xFF0D, 0xFF0D},
        {0xFF70, 0xFF70}, {0x10EAD, 0x10EAD},
    };
    return is_within(dashes, COUNT_OF(dashes), scalar);
}

// How long a sequence is that begins with `lead`, and the least scalar that needs that length.
struct utf8_lead {
    uint8_t mask, mark;
    uint8_t len;
    uint32_t least;
};

static const struct utf8_lead *lead_find(uint8_t lead)
{
    static const struct utf8_lead leads[] = {
        {0x80, 0x00, 1, 0x0},
        {0xE0, 0xC0, 2, 0x80},
        {0xF0, 0xE0, 3, 0x800},
        {0xF8, 0xF0, 4, 0x10000},
    };
    for (size_t i = 0; i < COUNT_OF(leads); i++) {
        if ((lead & leads[i].mask) == leads[i].mark)
            return &leads[i];
    }
    return NULL;
}

static bool is_scalar(uint32_t value)
{
    return value <= 0x10FFFF && !(value >= 0xD800 && value <= 0xDFFF);
}

bool utf8_take(struct span *text, uint32_t *scalar_out)
{
    const struct utf8_lead *lead = text->len > 0 ? lead_find(text->data[0]) : NULL;
    if (lead == NULL || text->len < lead->len)
        return false;
    uint32_t value = text->data[0] & (uint32_t)(uint8_t)~lead->mask;
    for (size_t i = 1; i < lead->len; i++) {
        if ((text->data[i] & 0xC0) != 0x80)
            return false;
        value = value << 6 | (text->data[i] & 0x3FU);
    }
    if (value < lead->least || !is_scalar(value))
        return false;
    *text = span_from(*text, lead->len);
    *scalar_out = value;
    return true;
}
