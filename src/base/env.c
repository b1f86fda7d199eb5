// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "base/env.h"

#include <time.h>

static int64_t read_clock_ms(clockid_t id)
{
    struct timespec now;
    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_wall_ms(void *ctx)
{
    (void)ctx;
    return read_clock_ms(CLOCK_REALTIME);
}

static struct mono system_mono(void *ctx)
{
    (void)ctx;
    return (struct mono){read_clock_ms(CLOCK_BOOTTIME)};
}

int64_t clock_system_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

struct clock clock_system(void)
{
    return (struct clock){.wall_ms = system_wall_ms, .mono = system_mono, .ctx = NULL};
}
