// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "sim/spelling.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

void spell_scalar(uint32_t scalar, struct strbuf *out)
{
    if (scalar < 0x80) {
        strbuf_put_byte(out, (uint8_t)scalar);
        return;
    }
    size_t tails = scalar < 0x800 ? 1 : scalar < 0x10000 ? 2 : 3;
    const uint8_t leads[] = {0, 0xC0, 0xE0, 0xF0};
    strbuf_put_byte(out, (uint8_t)(leads[tails] | scalar >> (6 * tails)));
    while (tails-- > 0)
        strbuf_put_byte(out, (uint8_t)(0x80 | (scalar >> (6 * tails) & 0x3F)));
}

static void put_filler(struct strbuf *out, struct seeded *seeded)
{
    const uint32_t fillers[] = {
        ' ',    '-',    '.',    '/',    '(',    ')',    '\t',   0xA0,   0x61C,  0x2009,
        0x200E, 0x2013, 0x202F, 0x2212, 0x3000, 0x30FC, 0xFF0D, 0xFF08, 0xFF09, 0xFF0E,
    };
    while (seeded_below(seeded, 3) == 0)
        spell_scalar(fillers[seeded_below(seeded, COUNT_OF(fillers))], out);
}

void spell_digits(struct span digits, struct strbuf *out, struct seeded *seeded)
{
    // Western ones are the commonest.
    const uint32_t zeros[] = {'0', '0', '0', 0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0xFF10, 0x1D7CE};
    for (size_t i = 0; i < digits.len; i++) {
        put_filler(out, seeded);
        uint32_t zero = zeros[seeded_below(seeded, COUNT_OF(zeros))];
        spell_scalar(zero + digits.data[i] - '0', out);
    }
    put_filler(out, seeded);
}

void spell_number(struct span digits, const char *prefix, struct strbuf *out, struct seeded *seeded)
{
    put_filler(out, seeded);
    strbuf_put_text(out, prefix);
    spell_digits(digits, out, seeded);
}
