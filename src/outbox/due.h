// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// When a delivery is due, as a pure function.

#include <stdbool.h>
#include <stdint.h>

#define DUE_FIRST_RETRY_MS 1000
#define DUE_LONGEST_RETRY_MS 60000

// The delay before try number `tries` + 1: 1 s doubled each time up to a minute, and of that a
// random share between a half and the whole (`jitter` is uniform over all 32-bit values).
int64_t due_retry_delay_ms(unsigned tries, uint32_t jitter);

// How long the entry that is due next has been due; 0 when it is not due, or there is none
// (INT64_MAX).
int64_t due_late_ms(int64_t next_due_ms, int64_t now_ms);

// Nobody sends: a running courier claims within ms what is due, and one that is short of places
// within the time in which a channel gives up.
#define DUE_STUCK_MS 60000

// Would that try begin before the code ends?
bool due_is_in_time(int64_t due_at_ms, int64_t deadline_at_ms);
