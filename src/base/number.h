// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Integers and spans of time from text, within bounds.

#include "base/span.h"

// Decimal digits only: no sign, no spaces, at least one digit, at most `max`. False leaves *out
// alone.
bool parse_u64(struct span text, uint64_t max, uint64_t *out);

// A span of time such as "5s", "250ms", "2m" or "1h"; a bare number is seconds. At most `max_ms`.
bool parse_duration_ms(struct span text, int64_t max_ms, int64_t *out_ms);
