// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "core/window.h"

#include "base/assert.h"

#include <string.h>

static int64_t send_at_ms(const struct record *record, size_t i)
{
    ASSERT(i < record->sends_held);
    return record->sends.base_at_ms + record->sends.offsets_ms[i];
}

int64_t window_wait_ms(const struct record *record, const struct policy *policy, int64_t now_ms)
{
    ASSERT(record->kind == RECORD_OF_ADDRESS);
    if (!policy_has_limit(policy) || record->sends_held < policy->otp_max_count)
        return 0;
    // The send that must have left the window before one more fits.
    size_t blocking = record->sends_held - policy->otp_max_count;
    ASSERT(blocking < record->sends_held);
    int64_t free_at_ms = send_at_ms(record, blocking) + policy->otp_window_ms;
    return now_ms < free_at_ms ? free_at_ms - now_ms : 0;
}

unsigned window_used(const struct record *record, const struct policy *policy, int64_t now_ms)
{
    unsigned used = 0;
    ASSERT(record->kind == RECORD_OF_ADDRESS);
    if (!policy_has_limit(policy))
        return 0;
    for (size_t i = 0; i < record->sends_held; i++)
        used += now_ms - send_at_ms(record, i) < policy->otp_window_ms ? 1 : 0;
    return used;
}

static void forget_first(struct record *record, size_t count)
{
    ASSERT(count <= record->sends_held);
    size_t left = record->sends_held - count;
    memmove(record->sends.offsets_ms, record->sends.offsets_ms + count,
            left * sizeof record->sends.offsets_ms[0]);
    memset(record->sends.offsets_ms + left, 0, count * sizeof record->sends.offsets_ms[0]);
    record->sends_held = (uint8_t)left;
}

// Offsets are 32 bits, 49 days; the longest window is 7. Before one overflows, what no window can
// count is forgotten and the rest is told from a later base.
static void rebase(struct record *record, int64_t now_ms)
{
    size_t old = 0;
    while (old < record->sends_held && send_at_ms(record, old) + OTP_WINDOW_MS_MAX <= now_ms)
        old++;
    forget_first(record, old);
    int64_t base_ms = record->sends_held > 0 ? send_at_ms(record, 0) : now_ms;
    uint32_t shift = (uint32_t)(base_ms - record->sends.base_at_ms);
    for (size_t i = 0; i < record->sends_held; i++)
        record->sends.offsets_ms[i] -= shift;
    record->sends.base_at_ms = base_ms;
}

void window_add(struct record *record, int64_t now_ms)
{
    ASSERT(record->kind == RECORD_OF_ADDRESS);
    if (record->sends_held == RECORD_SENDS_MAX)
        forget_first(record, 1);
    if (record->sends_held == 0)
        record->sends.base_at_ms = now_ms;
    if (now_ms - record->sends.base_at_ms > (int64_t)UINT32_MAX)
        rebase(record, now_ms);
    int64_t offset_ms = now_ms - record->sends.base_at_ms;
    ASSERT(offset_ms >= 0);
    ASSERT(offset_ms <= (int64_t)UINT32_MAX);
    ASSERT(record->sends_held < RECORD_SENDS_MAX);
    record->sends.offsets_ms[record->sends_held++] = (uint32_t)offset_ms;
}

bool window_remove(struct record *record, int64_t at_ms)
{
    ASSERT(record->kind == RECORD_OF_ADDRESS);
    size_t i = record->sends_held;
    while (i > 0 && send_at_ms(record, i - 1) > at_ms)
        i--;
    if (i == 0 || send_at_ms(record, i - 1) != at_ms)
        return false;
    uint32_t *offsets = record->sends.offsets_ms;
    memmove(offsets + i - 1, offsets + i, (record->sends_held - i) * sizeof *offsets);
    offsets[--record->sends_held] = 0;
    return true;
}
