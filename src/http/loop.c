// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Draining: what has connected is taken in and read once, every connection answers what it has
// begun and closes. At `drain_at` the sockets that are left are closed; handlers that still owe an
// answer get a grace more, as the connections' memory is theirs until then. One that never answers
// makes the loop end as abandoned: its memory is left to the end of the process.

#include "http/loop.h"

#include "base/assert.h"
#include "http/link.h"

#define DRAIN_TICK_MS 10U
#define GRACE_MS 1000

// Copied out first: opening may run a handler, and no lock is held while one runs.
static void open_handed(struct http_loop *loop)
{
    uv_mutex_lock(&loop->mutex);
    size_t count = loop->inbox_held;
    memcpy(loop->taken, loop->inbox, count * sizeof loop->inbox[0]);
    loop->inbox_held = 0;
    uv_mutex_unlock(&loop->mutex);
    for (size_t i = 0; i < count; i++)
        http_link_open(loop, &loop->taken[i]);
}

// Each may be gone once it has run.
static void run_tasks(struct http_loop *loop)
{
    uv_mutex_lock(&loop->mutex);
    struct http_task *task = loop->tasks_first;
    loop->tasks_first = NULL;
    loop->tasks_last = &loop->tasks_first;
    loop->is_woken = false;
    uv_mutex_unlock(&loop->mutex);
    while (task != NULL) {
        struct http_task *next = task->next;
        task->run(task);
        task = next;
    }
}

static void for_each_link(struct http_loop *loop, void (*act)(struct http_link *link))
{
    for (struct http_link *link = loop->first; link != NULL; link = link->next)
        act(link);
}

void http_loop_close_handles(struct http_loop *loop)
{
    uv_close((uv_handle_t *)&loop->turn, NULL);
    uv_close((uv_handle_t *)&loop->drain_timer, NULL);
    http_bell_close(&loop->bell);
}

// Then uv_run returns, when the handles of the loop's owner are closed too.
static void stop(struct http_loop *loop)
{
    http_loop_close_handles(loop);
    loop->on_stop(loop->stop_ctx, loop->worker->options.user);
}

static void on_drain_tick(uv_timer_t *timer)
{
    struct http_loop *loop = timer->data;
    struct mono now = clock_mono(&loop->clock);
    if (!loop->is_forced && mono_is_due(loop->drain_at, now)) {
        loop->is_forced = true;
        for_each_link(loop, http_link_close);
    }
    if (loop->links_held == 0 && http_worker_conns(loop->worker) == 0) {
        stop(loop);
        return;
    }
    if (mono_is_due(mono_after(loop->drain_at, GRACE_MS), now)) {
        loop->is_abandoned = true;
        uv_stop(&loop->uv);
    }
}

static void drain(struct http_loop *loop, int64_t drain_ms)
{
    loop->is_draining = true;
    loop->drain_at = mono_after(clock_mono(&loop->clock), drain_ms);
    if (loop->on_drain != NULL)
        loop->on_drain(loop->ctx, loop);
    open_handed(loop);
    for_each_link(loop, http_link_drain);
    (void)uv_timer_start(&loop->drain_timer, on_drain_tick, 0, DRAIN_TICK_MS);
}

static void on_turn(uv_prepare_t *turn)
{
    struct http_loop *loop = turn->data;
    if (loop->on_turn != NULL)
        loop->on_turn(loop->turn_ctx);
}

static void on_ring(void *ctx)
{
    struct http_loop *loop = ctx;
    run_tasks(loop);
    open_handed(loop);
    uv_mutex_lock(&loop->mutex);
    int64_t drain_ms = loop->drain_ms;
    uv_mutex_unlock(&loop->mutex);
    if (drain_ms >= 0 && !loop->is_draining)
        drain(loop, drain_ms);
}

enum err http_loop_init(struct http_loop *loop, const struct http_limits *limits,
                        struct clock clock)
{
    if (uv_loop_init(&loop->uv) != 0)
        return ERR_NO_MEMORY;
    if (http_bell_open(&loop->bell, &loop->uv, on_ring, loop) != ERR_OK) {
        (void)uv_loop_close(&loop->uv);
        return ERR_NO_MEMORY;
    }
    int status = uv_mutex_init(&loop->mutex);
    ASSERT(status == 0);
    (void)uv_timer_init(&loop->uv, &loop->drain_timer);
    loop->drain_timer.data = loop;
    (void)uv_prepare_init(&loop->uv, &loop->turn);
    (void)uv_prepare_start(&loop->turn, on_turn);
    loop->turn.data = loop;
    loop->clock = clock;
    loop->drain_ms = -1;
    loop->tasks_last = &loop->tasks_first;
    // Closed ones are freed only at the end of a turn of the loop, so there may be more than open.
    pool_init(&loop->links, sizeof(struct http_link), 2 * limits->conns_max, limits->conns_max);
    return ERR_OK;
}

void http_loop_run(struct http_loop *loop)
{
    loop->thread = uv_thread_self();
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void http_loop_fini(struct http_loop *loop)
{
    ASSERT(!loop->is_abandoned);
    http_worker_destroy(&loop->worker);
    pool_fini(&loop->links);
    uv_mutex_destroy(&loop->mutex);
    int status = uv_loop_close(&loop->uv);
    ASSERT(status == 0);
}

bool http_loop_hand(struct http_loop *loop, const struct http_accepted *accepted)
{
    uv_mutex_lock(&loop->mutex);
    bool has_room = loop->inbox_held < HTTP_INBOX_MAX;
    if (has_room)
        loop->inbox[loop->inbox_held++] = *accepted;
    uv_mutex_unlock(&loop->mutex);
    if (has_room)
        http_bell_ring(&loop->bell);
    return has_room;
}

static bool is_own_thread(const struct http_loop *loop)
{
    uv_thread_t self = uv_thread_self();
    return uv_thread_equal(&self, &loop->thread) != 0;
}

// With the lock held. The loop ends only when no answer is owed, and the task that pays the last
// one cannot be taken before this has let go of the lock.
static void ring_for_tasks(struct http_loop *loop)
{
    if (loop->tasks_first == NULL || loop->is_woken)
        return;
    loop->is_woken = true;
    http_bell_ring(&loop->bell);
}

static void hand_over(struct http_loop *loop, struct http_task *task, bool rings)
{
    if (is_own_thread(loop)) {
        task->run(task);
        return;
    }
    task->next = NULL;
    uv_mutex_lock(&loop->mutex);
    *loop->tasks_last = task;
    loop->tasks_last = &task->next;
    if (rings)
        ring_for_tasks(loop);
    uv_mutex_unlock(&loop->mutex);
}

void http_loop_post(void *loop, struct http_task *task)
{
    hand_over(loop, task, true);
}

void http_loop_leave(void *loop, struct http_task *task)
{
    hand_over(loop, task, false);
}

void http_loop_wake(struct http_loop *loop)
{
    uv_mutex_lock(&loop->mutex);
    ring_for_tasks(loop);
    uv_mutex_unlock(&loop->mutex);
}

// Rung under the lock: a loop that has seen it may end.
void http_loop_ask_drain(struct http_loop *loop, int64_t drain_ms)
{
    uv_mutex_lock(&loop->mutex);
    loop->drain_ms = drain_ms;
    http_bell_ring(&loop->bell);
    uv_mutex_unlock(&loop->mutex);
}
