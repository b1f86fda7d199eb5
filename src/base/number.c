// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "base/number.h"

bool parse_u64(struct span text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!ascii_is_digit(text.data[i]))
            return false;
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.data[i] - '0'), &value))
            return false;
    }
    if (value > max)
        return false;
    *out = value;
    return true;
}

struct unit {
    struct span suffix;
    int64_t ms;
};

bool parse_duration_ms(struct span text, int64_t max_ms, int64_t *out_ms)
{
    const struct unit units[] = {{SPAN("ms"), 1},
                                 {SPAN("s"), 1000},
                                 {SPAN("m"), 60000},
                                 {SPAN("h"), 3600000},
                                 {SPAN(""), 1000}};
    size_t digits = 0;
    while (digits < text.len && ascii_is_digit(text.data[digits]))
        digits++;
    uint64_t value = 0;
    if (!parse_u64(span_first(text, digits), (uint64_t)max_ms, &value))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (!span_eq(span_from(text, digits), units[i].suffix))
            continue;
        if (value > (uint64_t)(max_ms / units[i].ms))
            return false;
        *out_ms = (int64_t)value * units[i].ms;
        return true;
    }
    return false;
}
