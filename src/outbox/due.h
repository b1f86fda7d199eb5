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

// Would that try begin before the code ends?
bool due_is_in_time(int64_t due_at_ms, int64_t deadline_at_ms);
