// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The store's one clock. Every transition is given T, and windows, codes, budgets and expiry know
// no other time. T follows the wall clock while that runs as fast as monotonic time does; when the
// wall clock steps, forward or back, T goes on with monotonic time alone: a step empties no window
// and freezes nothing. docs/adr/0010-time.md argues it, restarts and reboots included.
//
// Invariants: T never falls. Between any two of its readings T gains no more on monotonic time than
// 1 % of what has passed and half a second (and, where a process ended between the two, 10 ms: how
// much of the allowance was left is known to the second only).

#include "base/env.h"

// One start of the kernel (/proc/sys/kernel/random/boot_id). All zeros: not known, and the same as
// no other.
struct boot_id {
    uint8_t bytes[16];
};

struct store_time {
    int64_t last_ms;
    struct mono last_mono;
    int64_t slack_us; // what T may still gain or lose against monotonic time to follow the wall
    struct boot_id boot;
};

// What has to be kept, so that a later run can go on where this one was.
struct store_time_mark {
    int64_t at_ms;
    struct mono mono;
    uint32_t slack_us;
    struct boot_id boot;
};

// A reading of T that reached anybody is at most this much above the last mark that was kept; see
// store_time_begin.
#define STORE_TIME_AHEAD_MS 1000

// `mark` is the last one that was kept, NULL when there is none: T begins at the wall clock. In the
// same boot T goes on from the mark by the monotonic time that has passed, whatever the wall clock
// did. In another boot T begins at the wall clock, or STORE_TIME_AHEAD_MS above the mark when that
// is later.
void store_time_begin(struct store_time *time, const struct clock *clock,
                      const struct boot_id *boot, const struct store_time_mark *mark);

int64_t store_time_next(struct store_time *time, const struct clock *clock);

// The mark of the last reading.
struct store_time_mark store_time_mark(const struct store_time *time);
