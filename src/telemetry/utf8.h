// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Just enough of UTF-8 (RFC 3629) to keep broken or invisible text out of the log.

#include "base/span.h"

// Length of the well-formed character that `text` begins with, and its code point; 0 when it begins
// with none.
size_t utf8_next(struct span text, uint32_t *point_out);

// The longest start of `text` that has at most `max` bytes and does not end inside a character.
struct span utf8_first(struct span text, size_t max);
