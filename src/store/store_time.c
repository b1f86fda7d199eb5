// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "store/store_time.h"

#include "base/assert.h"

// What a slewed clock may differ from monotonic time: 1 % of what has passed (NTP slews by 0.05 %),
// and half a second for what a virtual machine's pause does to the two.
#define DRIFT_DIVISOR 100
#define DRIFT_MS 500

void store_time_init(struct store_time *time, const struct clock *clock, int64_t high_water_ms)
{
    int64_t wall_ms = clock_wall_ms(clock);
    time->last_ms = wall_ms > high_water_ms ? wall_ms : high_water_ms;
    time->last_mono = clock_mono(clock);
}

int64_t store_time_next(struct store_time *time, const struct clock *clock)
{
    struct mono mono = clock_mono(clock);
    int64_t elapsed_ms = mono.ms - time->last_mono.ms;
    ASSERT(elapsed_ms >= 0);
    int64_t carried_ms = time->last_ms + elapsed_ms;
    int64_t step_ms = clock_wall_ms(clock) - carried_ms;
    int64_t bound_ms = elapsed_ms / DRIFT_DIVISOR + DRIFT_MS;
    bool is_step = step_ms > bound_ms || step_ms < -bound_ms;
    int64_t next_ms = is_step ? carried_ms : carried_ms + step_ms;
    if (next_ms > time->last_ms)
        time->last_ms = next_ms;
    time->last_mono = mono;
    return time->last_ms;
}
