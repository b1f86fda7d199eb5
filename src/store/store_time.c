// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "store/store_time.h"

#include "base/assert.h"

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

// How far the T of a version that corrected it may have come beyond its mark: T must not fall below
// that.
static int64_t corrected_ms(const struct store_time_mark *mark)
{
    return mark->slack_us > 0 ? mark->slack_us / 1000 + 10 : 0;
}

static int64_t began_ms(const struct store_time *time, const struct store_time_mark *mark,
                        int64_t wall_ms)
{
    if (mark == NULL)
        return wall_ms;
    if (is_same_life(time, mark))
        return mark->at_ms + time->last_mono.ms - mark->mono.ms + corrected_ms(mark);
    int64_t least_ms = mark->at_ms + STORE_TIME_AHEAD_MS;
    return wall_ms > least_ms ? wall_ms : least_ms;
}

void store_time_begin(struct store_time *time, const struct clock *clock,
                      const struct boot_id *boot, const struct store_time_mark *mark)
{
    *time = (struct store_time){.last_mono = clock_mono(clock), .boot = *boot};
    time->last_ms = began_ms(time, mark, clock_wall_ms(clock));
}

int64_t store_time_next(struct store_time *time, const struct clock *clock)
{
    struct mono mono = clock_mono(clock);
    ASSERT(mono.ms >= time->last_mono.ms);
    time->last_ms += mono.ms - time->last_mono.ms;
    time->last_mono = mono;
    return time->last_ms;
}

struct store_time_mark store_time_mark(const struct store_time *time)
{
    return (struct store_time_mark){
        .at_ms = time->last_ms, .mono = time->last_mono, .boot = time->boot};
}
