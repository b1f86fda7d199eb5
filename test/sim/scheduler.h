// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Invented time: a heap of events, run in the order of their time; equal times in an order drawn by
// dice, so that each seed tries another one. Time passes only from event to event.

#include "sim/seeded.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void event_run(void *ctx, uint64_t argument);

struct event {
    int64_t at_ms;
    uint64_t tie;
    event_run *run;
    void *ctx;
    uint64_t argument;
};

struct scheduler {
    struct event *heap;
    size_t held;
    size_t room;
    int64_t now_ms; // since the beginning of the world; true time
    struct seeded *dice;
    uint64_t events_run;
};

void scheduler_init(struct scheduler *scheduler, struct seeded *dice);
void scheduler_fini(struct scheduler *scheduler);

void scheduler_after(struct scheduler *scheduler, int64_t delay_ms, event_run *run, void *ctx,
                     uint64_t argument);

// Runs the next event; false when none is left.
bool scheduler_step(struct scheduler *scheduler);
