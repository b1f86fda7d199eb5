// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "sim/scheduler.h"

#include "base/assert.h"

#include <stdlib.h>

void scheduler_init(struct scheduler *scheduler, struct seeded *dice)
{
    *scheduler = (struct scheduler){.dice = dice};
}

void scheduler_fini(struct scheduler *scheduler)
{
    free(scheduler->heap);
    *scheduler = (struct scheduler){0};
}

static bool is_before(const struct event *a, const struct event *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->tie < b->tie;
}

static void swap(struct event *a, struct event *b)
{
    struct event kept = *a;
    *a = *b;
    *b = kept;
}

static void make_room(struct scheduler *scheduler)
{
    if (scheduler->held < scheduler->room)
        return;
    scheduler->room = scheduler->room == 0 ? 1024 : scheduler->room * 2;
    scheduler->heap = realloc(scheduler->heap, scheduler->room * sizeof *scheduler->heap);
    ASSERT(scheduler->heap != NULL);
}

void scheduler_after(struct scheduler *scheduler, int64_t delay_ms, event_run *run, void *ctx,
                     uint64_t argument)
{
    ASSERT(delay_ms >= 0);
    make_room(scheduler);
    struct event *heap = scheduler->heap;
    size_t at = scheduler->held++;
    heap[at] = (struct event){scheduler->now_ms + delay_ms, seeded_u64(scheduler->dice), run, ctx,
                              argument};
    for (; at > 0 && is_before(&heap[at], &heap[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&heap[at], &heap[(at - 1) / 2]);
}

static void sift_down(struct event *heap, size_t held)
{
    size_t at = 0;
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < held; child++)
            least = is_before(&heap[child], &heap[least]) ? child : least;
        if (least == at)
            return;
        swap(&heap[at], &heap[least]);
        at = least;
    }
}

bool scheduler_step(struct scheduler *scheduler)
{
    if (scheduler->held == 0)
        return false;
    struct event next = scheduler->heap[0];
    scheduler->heap[0] = scheduler->heap[--scheduler->held];
    sift_down(scheduler->heap, scheduler->held);
    ASSERT(next.at_ms >= scheduler->now_ms);
    scheduler->now_ms = next.at_ms;
    scheduler->events_run++;
    next.run(next.ctx, next.argument);
    return true;
}
