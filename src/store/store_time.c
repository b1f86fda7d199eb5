// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// T is monotonic time and a correction. The correction follows the wall clock out of an allowance,
// the slack: 1 % of the time that passes flows in (NTP slews by 0.05 %), half a second at most is
// kept (what a virtual machine's pause does to the two clocks). A difference above what could have
// come of that is a step, and is not followed at all.
#include "store/store_time.h"

#include "base/assert.h"

#define SLACK_US_A_MS 10 // 1 %
#define SLACK_US_MAX 500000

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool is_known(const struct boot_id *boot)
{
    static const struct boot_id unknown;
    return memcmp(boot, &unknown, sizeof unknown) != 0;
}

// A virtual machine that was put back to an earlier moment is in the same boot and has less
// monotonic time than the mark: that is another life too.
static bool is_same_life(const struct store_time *time, const struct store_time_mark *mark)
{
    return is_known(&time->boot) && memcmp(&time->boot, &mark->boot, sizeof mark->boot) == 0 &&
           time->last_mono.ms >= mark->mono.ms;
}

// As far as T can have come since the mark, and not further: the slack it had, and what flowed in
// until the end, which came before T was STORE_TIME_AHEAD_MS above the mark.
static int64_t carried_on_ms(int64_t elapsed_ms, const struct store_time_mark *mark)
{
    int64_t gained_us = mark->slack_us + least(elapsed_ms, STORE_TIME_AHEAD_MS) * SLACK_US_A_MS;
    return mark->at_ms + elapsed_ms + gained_us / 1000;
}

void store_time_begin(struct store_time *time, const struct clock *clock,
                      const struct boot_id *boot, const struct store_time_mark *mark)
{
    int64_t wall_ms = clock_wall_ms(clock);
    *time = (struct store_time){.last_ms = wall_ms,
                                .last_mono = clock_mono(clock),
                                .slack_us = SLACK_US_MAX,
                                .boot = *boot};
    if (mark == NULL)
        return;
    if (is_same_life(time, mark)) {
        time->last_ms = carried_on_ms(time->last_mono.ms - mark->mono.ms, mark);
        time->slack_us = 0;
        return;
    }
    time->last_ms = larger(wall_ms, mark->at_ms + STORE_TIME_AHEAD_MS);
}

// By how much T departs from monotonic time now to be nearer to the wall clock.
static int64_t correction_ms(int64_t step_ms, int64_t elapsed_ms, int64_t slack_us)
{
    int64_t step_ms_max = (SLACK_US_MAX + elapsed_ms * SLACK_US_A_MS) / 1000;
    int64_t slack_ms = slack_us / 1000;
    if (step_ms > step_ms_max || step_ms < -step_ms_max)
        return 0;
    return least(larger(step_ms, -slack_ms), slack_ms);
}

int64_t store_time_next(struct store_time *time, const struct clock *clock)
{
    struct mono mono = clock_mono(clock);
    int64_t elapsed_ms = mono.ms - time->last_mono.ms;
    ASSERT(elapsed_ms >= 0);
    int64_t carried_ms = time->last_ms + elapsed_ms;
    int64_t slack_us = time->slack_us + elapsed_ms * SLACK_US_A_MS;
    int64_t step_ms = clock_wall_ms(clock) - carried_ms;
    int64_t next_ms = carried_ms + correction_ms(step_ms, elapsed_ms, slack_us);
    if (next_ms < time->last_ms)
        next_ms = time->last_ms;
    int64_t used_ms = next_ms > carried_ms ? next_ms - carried_ms : carried_ms - next_ms;
    time->slack_us = least(slack_us - used_ms * 1000, SLACK_US_MAX);
    time->last_ms = next_ms;
    time->last_mono = mono;
    return next_ms;
}

struct store_time_mark store_time_mark(const struct store_time *time)
{
    ASSERT(time->slack_us >= 0);
    return (struct store_time_mark){.at_ms = time->last_ms,
                                    .mono = time->last_mono,
                                    .slack_us = (uint32_t)time->slack_us,
                                    .boot = time->boot};
}
