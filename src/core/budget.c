// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "core/budget.h"

#include "base/assert.h"

// The reserve exists once a device has succeeded. At least one try stays open to others: a person
// with a new phone must be able to begin.
static unsigned open_limit(const struct record *record, const struct policy *policy)
{
    unsigned all = policy->lock_after_failures;
    if (record->last_device == 0)
        return all;
    return all > policy->otp_attempts_max ? all - policy->otp_attempts_max : 1;
}

static unsigned reserve_limit(const struct record *record, const struct policy *policy)
{
    ASSERT(open_limit(record, policy) <= policy->lock_after_failures);
    return policy->lock_after_failures - open_limit(record, policy);
}

static bool is_owner(const struct record *record, uint64_t device)
{
    return device != 0 && device == record->last_device;
}

static bool open_allows(const struct record *record, const struct policy *policy, int64_t now_ms)
{
    return record->failures_open < open_limit(record, policy) ||
           now_ms >= record->budget.open_locked_until_ms;
}

static bool reserve_allows(const struct record *record, const struct policy *policy, int64_t now_ms)
{
    return record->failures_reserved < reserve_limit(record, policy) ||
           now_ms >= record->budget.reserve_locked_until_ms;
}

bool budget_allows(const struct record *record, const struct policy *policy, uint64_t device,
                   int64_t now_ms)
{
    if (open_allows(record, policy, now_ms))
        return true;
    return is_owner(record, device) && reserve_allows(record, policy, now_ms);
}

void budget_count_failure(struct record *record, const struct policy *policy, int64_t now_ms)
{
    bool is_open = open_allows(record, policy, now_ms);
    ASSERT(is_open || reserve_allows(record, policy, now_ms));
    unsigned limit = is_open ? open_limit(record, policy) : reserve_limit(record, policy);
    uint8_t *count = is_open ? &record->failures_open : &record->failures_reserved;
    int64_t *locked_until_ms =
        is_open ? &record->budget.open_locked_until_ms : &record->budget.reserve_locked_until_ms;
    if (*count < UINT8_MAX)
        (*count)++;
    if (*count >= limit)
        *locked_until_ms = now_ms + policy->lock_ms;
}

void budget_clear(struct record *record, uint64_t device)
{
    record->failures_open = 0;
    record->failures_reserved = 0;
    record->budget = (struct failure_budget){0};
    if (device != 0)
        record->last_device = device;
}
