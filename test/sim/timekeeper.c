// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Of all earlier readings only two matter: the one that T may have gained most since, and the one
// that it may have lost most since.
#include "sim/timekeeper.h"

#define SLACK_US INT64_C(500000)
// Readings are in ms. A process that starts does not know by how much the allowance had come to its
// full half second since the mark: 1 % of one second at most.
#define ROUNDING_US INT64_C(12000)
#define AHEAD_MS INT64_C(1000)

static void complain(struct timekeeper *keeper, const char *complaint)
{
    if (keeper->complaint == NULL)
        keeper->complaint = complaint;
}

static int64_t lead_us(struct time_reading reading, int64_t us_a_ms)
{
    return reading.t_ms * 1000 - reading.mono_ms * us_a_ms;
}

void timekeeper_begin(struct timekeeper *keeper, struct time_reading reading)
{
    keeper->last = reading;
    keeper->least_lead_us = lead_us(reading, 1010);
    keeper->most_lead_us = lead_us(reading, 990);
}

void timekeeper_read(struct timekeeper *keeper, struct time_reading reading)
{
    int64_t fast_us = lead_us(reading, 1010);
    int64_t slow_us = lead_us(reading, 990);
    if (reading.t_ms < keeper->last.t_ms)
        complain(keeper, "T fell");
    if (fast_us > keeper->least_lead_us + SLACK_US + ROUNDING_US)
        complain(keeper, "T gained more than it may");
    if (slow_us < keeper->most_lead_us - SLACK_US - ROUNDING_US)
        complain(keeper, "T lost more than it may");
    if (fast_us < keeper->least_lead_us)
        keeper->least_lead_us = fast_us;
    if (slow_us > keeper->most_lead_us)
        keeper->most_lead_us = slow_us;
    keeper->last = reading;
}

int64_t timekeeper_carry_ms(const struct timekeeper *keeper, int64_t mono_ms)
{
    return keeper->last.t_ms + mono_ms - keeper->last.mono_ms;
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
