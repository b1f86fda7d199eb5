// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The two things that make a run differ from the last one, passed in by whoever builds the object
// graph: the daemon gives the machine's, the simulator its own. Nothing else reads a clock or draws
// a random byte.
//
// Wall time counts milliseconds since 1970 (`*_at_ms`); it may step. Monotonic time counts
// milliseconds from an unknown start and only goes forward; it has a type of its own, so that the
// two cannot be mixed.

#include "base/span.h"

struct mono {
    int64_t ms;
};

struct clock {
    int64_t (*wall_ms)(void *ctx);
    struct mono (*mono)(void *ctx);
    void *ctx;
};

struct entropy {
    void (*fill)(void *ctx, void *out, size_t len); // never fails; blocks at most at boot
    void *ctx;
};

static inline int64_t clock_wall_ms(const struct clock *clock)
{
    return clock->wall_ms(clock->ctx);
}

static inline struct mono clock_mono(const struct clock *clock)
{
    return clock->mono(clock->ctx);
}

static inline void entropy_fill(const struct entropy *entropy, void *out, size_t len)
{
    entropy->fill(entropy->ctx, out, len);
}

static inline uint64_t entropy_u64(const struct entropy *entropy)
{
    uint64_t value;
    entropy_fill(entropy, &value, sizeof value);
    return value;
}

static inline struct mono mono_after(struct mono from, int64_t duration_ms)
{
    return (struct mono){from.ms + duration_ms};
}

static inline bool mono_is_due(struct mono deadline, struct mono now)
{
    return now.ms >= deadline.ms;
}

// For durations shorter than a millisecond; from an unknown start, as mono is.
int64_t clock_system_ns(void);

// CLOCK_REALTIME and CLOCK_BOOTTIME: time that the machine was suspended has passed for people,
// their codes and their limits too (CLOCK_MONOTONIC leaves it out). Stateless; callable from any
// thread.
struct clock clock_system(void);
