// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What docs/adr/0025-time-in-one-boot.md promises of T, checked at every reading: within one boot
// of the machine T passes as monotonic time does, to the millisecond, restarts included. In another
// boot it begins at the wall clock, or a second above what was kept when that is later.
//
// So the rules may be judged by T: a window of it is one of real time.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct time_reading {
    int64_t t_ms;
    int64_t mono_ms;
};

struct timekeeper {
    int64_t lead_ms;       // of T over monotonic time, in this boot
    const char *complaint; // the first one; NULL: none
};

// The first reading of a boot.
void timekeeper_begin(struct timekeeper *keeper, struct time_reading reading);

void timekeeper_read(struct timekeeper *keeper, struct time_reading reading);

// T while nobody can be asked.
int64_t timekeeper_carry_ms(const struct timekeeper *keeper, int64_t mono_ms);

struct reboot {
    int64_t wall_ms;    // afterwards
    int64_t decided_ms; // T of the last commit before
    int64_t ended_ms;   // T when the process ended
};

// The first reading after a reboot.
void timekeeper_reboot(struct timekeeper *keeper, const struct reboot *reboot,
                       struct time_reading reading);
