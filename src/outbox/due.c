// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "outbox/due.h"

#include "base/assert.h"

int64_t due_retry_delay_ms(unsigned tries, uint32_t jitter)
{
    int64_t whole_ms = DUE_FIRST_RETRY_MS;
    ASSERT(tries > 0);
    for (unsigned i = 1; i < tries && whole_ms < DUE_LONGEST_RETRY_MS; i++)
        whole_ms *= 2;
    if (whole_ms > DUE_LONGEST_RETRY_MS)
        whole_ms = DUE_LONGEST_RETRY_MS;
    int64_t half_ms = whole_ms / 2;
    return half_ms + (int64_t)((uint64_t)jitter * (uint64_t)(half_ms + 1) >> 32);
}

bool due_is_in_time(int64_t due_at_ms, int64_t deadline_at_ms)
{
    return due_at_ms < deadline_at_ms;
}

int64_t due_late_ms(int64_t next_due_ms, int64_t now_ms)
{
    return next_due_ms < now_ms ? now_ms - next_due_ms : 0;
}
