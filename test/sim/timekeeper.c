// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "sim/timekeeper.h"

#define AHEAD_MS INT64_C(1000)

static void complain(struct timekeeper *keeper, const char *complaint)
{
    if (keeper->complaint == NULL)
        keeper->complaint = complaint;
}

void timekeeper_begin(struct timekeeper *keeper, struct time_reading reading)
{
    keeper->lead_ms = reading.t_ms - reading.mono_ms;
}

void timekeeper_read(struct timekeeper *keeper, struct time_reading reading)
{
    int64_t lead_ms = reading.t_ms - reading.mono_ms;
    if (lead_ms > keeper->lead_ms)
        complain(keeper, "T gained on the time that has passed");
    if (lead_ms < keeper->lead_ms)
        complain(keeper, "T lost of the time that has passed");
}

int64_t timekeeper_carry_ms(const struct timekeeper *keeper, int64_t mono_ms)
{
    return keeper->lead_ms + mono_ms;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void timekeeper_reboot(struct timekeeper *keeper, const struct reboot *reboot,
                       struct time_reading reading)
{
    if (reading.t_ms < later(reboot->wall_ms, reboot->decided_ms + AHEAD_MS))
        complain(keeper, "T began too early after a reboot");
    if (reading.t_ms > later(reboot->wall_ms, reboot->ended_ms + AHEAD_MS))
        complain(keeper, "T began too late after a reboot");
    timekeeper_begin(keeper, reading);
}
