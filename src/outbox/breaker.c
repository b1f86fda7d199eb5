// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A breaker that is open hears of messages that went before it was opened; a success among them
// closes it too, because that is news of the provider as good as a probe's.
#include "outbox/breaker.h"

#include "base/assert.h"

#define RECENT_MASK ((1U << BREAKER_RECENT) - 1)

enum breaker_state breaker_state_at(const struct breaker *breaker, struct mono now)
{
    if (!breaker->is_open)
        return BREAKER_CLOSED;
    bool is_resting = breaker->is_probing || !mono_is_due(breaker->until, now);
    return is_resting ? BREAKER_OPEN : BREAKER_HALF_OPEN;
}

int64_t breaker_rest_ms(const struct breaker *breaker, struct mono now)
{
    bool is_resting = breaker->is_open && !mono_is_due(breaker->until, now);
    return is_resting ? breaker->until.ms - now.ms : 0;
}

void breaker_begin(struct breaker *breaker, struct mono now)
{
    enum breaker_state state = breaker_state_at(breaker, now);
    ASSERT(state != BREAKER_OPEN);
    breaker->is_probing = state == BREAKER_HALF_OPEN;
}

void breaker_withdraw(struct breaker *breaker)
{
    breaker->is_probing = false;
}

static void open(struct breaker *breaker, struct mono now)
{
    int64_t rest_ms = breaker->rest_ms > 0 ? 2 * breaker->rest_ms : BREAKER_FIRST_MS;
    breaker->rest_ms = rest_ms < BREAKER_LONGEST_MS ? rest_ms : BREAKER_LONGEST_MS;
    breaker->is_open = true;
    breaker->until = mono_after(now, breaker->rest_ms);
}

static bool is_too_much(const struct breaker *breaker)
{
    unsigned failures = (unsigned)__builtin_popcount(breaker->recent);
    return breaker->in_a_row >= BREAKER_FAILURES_MAX ||
           (breaker->recent_held == BREAKER_RECENT && 2 * failures > BREAKER_RECENT);
}

static void note_closed(struct breaker *breaker, bool is_failure, struct mono now)
{
    breaker->recent = (breaker->recent << 1 | (is_failure ? 1U : 0U)) & RECENT_MASK;
    if (breaker->recent_held < BREAKER_RECENT)
        breaker->recent_held++;
    if (is_failure && breaker->in_a_row < BREAKER_FAILURES_MAX)
        breaker->in_a_row++;
    if (!is_failure)
        breaker->in_a_row = 0;
    if (is_too_much(breaker))
        open(breaker, now);
}

// While it rests, a late failure of what went before is no news.
void breaker_note(struct breaker *breaker, bool is_failure, struct mono now)
{
    if (!breaker->is_open) {
        note_closed(breaker, is_failure, now);
        return;
    }
    if (!is_failure) {
        *breaker = (struct breaker){0};
        return;
    }
    if (!breaker->is_probing)
        return;
    breaker->is_probing = false;
    open(breaker, now);
}

bool breaker_is_failure(const struct send_result *result)
{
    if (result->outcome == SEND_ACCEPTED)
        return false;
    return result->reason == SEND_VENDOR_DOWN || result->reason == SEND_AUTH_FAILED ||
           result->reason == SEND_QUOTA;
}
