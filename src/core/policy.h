// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a brand's settings mean to the rules: a plain value, copied from the brand's snapshot.

#include "base/assert.h"
#include "core/limits.h"
#include "crypto/pure/code.h"

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

// Settings are checked where they are set; here a value out of its range is a bug.
static inline void policy_assert(const struct policy *policy)
{
    ASSERT(policy->otp_max_count <= RECORD_SENDS_MAX);
    ASSERT(policy->otp_window_ms >= 0);
    ASSERT(policy->otp_window_ms <= OTP_WINDOW_MS_MAX);
    ASSERT(policy->otp_ttl_ms > 0);
    ASSERT(policy->otp_ttl_ms <= OTP_TTL_MS_MAX);
    ASSERT(policy->session_ttl_ms > 0);
    ASSERT(policy->session_ttl_ms <= SESSION_TTL_MS_MAX);
    ASSERT(policy->lock_ms > 0);
    ASSERT(policy->otp_length >= CODE_DIGITS_MIN);
    ASSERT(policy->otp_length <= CODE_DIGITS_MAX);
    ASSERT(policy->otp_attempts_max > 0);
    ASSERT(policy->lock_after_failures > 0);
}

static inline bool policy_has_limit(const struct policy *policy)
{
    return policy->otp_max_count > 0 && policy->otp_window_ms > 0;
}
