// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "api/guess.h"

#include "base/assert.h"
#include "base/strbuf.h"
#include "base/unicode_digit.h"

// False: a character that belongs to no code, or one digit too many.
static bool take_scalar(struct guess *guess, uint32_t scalar)
{
    if (unicode_is_space(scalar) || unicode_is_dash(scalar))
        return true;
    int value = unicode_digit_value(scalar);
    if (value < 0 || guess->len == GUESS_BYTES_MAX)
        return false;
    guess->digits[guess->len++] = (uint8_t)('0' + value);
    return true;
}

void guess_of_text(struct span text, struct guess *out)
{
    out->len = 0;
    uint32_t scalar;
    while (text.len > 0) {
        if (!utf8_take(&text, &scalar) || !take_scalar(out, scalar)) {
            out->len = 0;
            return;
        }
    }
}

void guess_of_number(uint64_t number, uint8_t length, struct guess *out)
{
    ASSERT(length <= GUESS_BYTES_MAX);
    uint8_t storage[20];
    struct strbuf digits = strbuf_over(storage, sizeof storage);
    strbuf_put_u64(&digits, number);
    out->len = 0;
    if (digits.len > GUESS_BYTES_MAX)
        return;
    while (out->len + digits.len < length)
        out->digits[out->len++] = '0';
    memcpy(out->digits + out->len, digits.data, digits.len);
    out->len += digits.len;
}
