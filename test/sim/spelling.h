// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The many ways in which people, phones and forms write one number.

#include "base/strbuf.h"
#include "sim/seeded.h"

// Appends the scalar value in UTF-8; it is below U+110000 and no surrogate.
void spell_scalar(uint32_t scalar, struct strbuf *out);

// Appends the ASCII digits of `digits`, each in a script drawn anew, with spaces, dashes and
// brackets of many kinds before, between and behind them.
void spell_digits(struct span digits, struct strbuf *out, struct seeded *seeded);

// As spell_digits, with `prefix` ("+", "00", …) in front of the first digit.
void spell_number(struct span digits, const char *prefix, struct strbuf *out,
                  struct seeded *seeded);
