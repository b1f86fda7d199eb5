// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a person typed as the one-time code, as ASCII digits.

#include "base/span.h"

#define GUESS_BYTES_MAX 16U // longer than any code

struct guess {
    size_t len;
    uint8_t digits[GUESS_BYTES_MAX];
};

// Decimal digits of every script are folded, spaces and dashes dropped. Anything else in `text`, or
// more than GUESS_BYTES_MAX digits, gives the empty guess, which matches no code and still is a
// try.
void guess_of_text(struct span text, struct guess *out);

// A JSON number has lost its leading zeros: they are put back, up to `length` digits.
void guess_of_number(uint64_t number, uint8_t length, struct guess *out);

static inline struct span guess_span(const struct guess *guess)
{
    return span_make(guess->digits, guess->len);
}
