// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Random words to a number of so many decimal digits, each as likely as the other.
//
// 2^64 is no multiple of 10^digits, so a plain remainder would favour small numbers. A word is used
// only when it lies below the largest multiple; the words above, fewer than 10^digits of them, are
// skipped. For ten digits that is one word in 2^30.

#include "base/span.h"

#define UNIFORM_DIGITS_MAX 10U

// From the first usable word; false when none is. `digits` 1 to UNIFORM_DIGITS_MAX.
bool uniform_number(const uint64_t *words, size_t count, uint8_t digits, uint64_t *number_out);
