// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The store's one clock. Every transition is given T, and windows, codes, budgets and expiry know
// no other time. T follows the wall clock while that runs as fast as monotonic time does; when the
// wall clock steps, forward or back, T goes on with monotonic time alone: a step empties no window
// and freezes nothing.
//
// Invariant: T never falls.

#include "base/env.h"

struct store_time {
    int64_t last_ms;
    struct mono last_mono;
};

// T begins at the wall clock, or at `high_water_ms` when that is later (what an earlier run
// reached).
void store_time_init(struct store_time *time, const struct clock *clock, int64_t high_water_ms);

int64_t store_time_next(struct store_time *time, const struct clock *clock);
