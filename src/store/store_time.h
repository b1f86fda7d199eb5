// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The store's one clock. Every transition is given T, and windows, codes, budgets and expiry know
// no other time. T is monotonic time and a lead over it, which the wall clock gives once a boot of
// the machine: a step of the wall clock empties no window and freezes nothing, and neither does a
// restart. docs/adr/0025-time-in-one-boot.md argues it, reboots are in 0010-time.md.
//
// Invariants: T never falls. Between any two of its readings in one boot, whatever processes made
// them, T has passed as monotonic time has, to the millisecond.

#include "base/env.h"

// One start of the kernel (/proc/sys/kernel/random/boot_id). All zeros: not known, and the same as
// no other.
struct boot_id {
    uint8_t bytes[16];
};

struct store_time {
    int64_t last_ms;
    struct mono last_mono;
    struct boot_id boot;
};

// What has to be kept, so that a later run can go on where this one was. Any mark of a boot serves
// the others of that boot, however old it is.
struct store_time_mark {
    int64_t at_ms;
    struct mono mono;
    // 0 in the marks that are made here. T of the versions that corrected it could gain this much,
    // and 10 ms, on monotonic time after a mark.
    uint32_t slack_us;
    struct boot_id boot;
};

// A reading of T that reached anybody is at most this much above the last mark that was kept, for
// the start in another boot; see store_time_begin.
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
