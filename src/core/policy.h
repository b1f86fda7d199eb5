// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a brand's settings mean to the rules: a plain value, copied from the brand's snapshot.

#include <stdbool.h>
#include <stdint.h>

struct policy {
    uint32_t otp_max_count; // accepted generates a window, 1 to 64; 0: no limit
    int64_t otp_window_ms;  // 1 minute to 7 days; 0: no limit
    int64_t otp_ttl_ms;
    int64_t session_ttl_ms;
    int64_t lock_ms;
    uint8_t otp_length;          // digits, 4 to 10
    uint8_t otp_attempts_max;    // wrong tries a code, 1 to 20
    uint8_t lock_after_failures; // consecutive, over all sessions: 5 to 100
    bool is_resend_new;          // every resend gets a fresh code
};

static inline bool policy_has_limit(const struct policy *policy)
{
    return policy->otp_max_count > 0 && policy->otp_window_ms > 0;
}
