// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Digits as people type them: a keyboard may give Arabic-Indic, Devanagari or full-width ones, and
// a number copied from a message comes with no-break spaces and typographic dashes.

#include "base/span.h"

// Takes one scalar value off the front of UTF-8 text. False, with nothing taken, when the text is
// empty or its front is ill-formed (Unicode 15, table 3-7: overlong forms and surrogates too).
bool utf8_take(struct span *text, uint32_t *scalar_out);

// 0 to 9 for a decimal digit of any script (general category Nd), else −1.
int unicode_digit_value(uint32_t scalar);

// A space of any width, or tab, line feed and the like.
bool unicode_is_space(uint32_t scalar);

// A hyphen, dash or minus sign.
bool unicode_is_dash(uint32_t scalar);
