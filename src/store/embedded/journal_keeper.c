// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Segments first, since the writer may wait for one; then a step of a checkpoint. When there is no
// room it tries again each second, or when the writer asks.
#include "base/assert.h"
#include "base/thread.h"
#include "store/embedded/journal_table_in.h"

#include <time.h>

#define READY_LEAST 2U // segments; with fewer, and none to be made, it is tight
#define RETRY_SECONDS 1

bool keeper_is_tight(const struct journal_table *table)
{
    return table->has_no_segment || table->has_no_table;
}

static void tell_room(const struct journal_table *table, bool was_tight)
{
    if (was_tight == keeper_is_tight(table))
        return;
    if (was_tight)
        LOG_EVENT(table->options.log, LOG_INFO, "store.has_room",
                  log_text("what", SPAN("journal")));
    else
        LOG_EVENT(table->options.log, LOG_ERROR, "store.full",
                  log_text("what", span_of_text(table->failure)));
}

void keeper_break(struct journal_table *table, const char *failure)
{
    journal_table_lock(table);
    table->is_failed = true;
    table->failure = failure;
    journal_table_unlock(table);
}

static enum step_end break_down(struct journal_table *table, const char *failure)
{
    keeper_break(table, failure);
    return STEP_BROKEN;
}

static void set_room(struct journal_table *table, _Atomic bool *has_none, bool value,
                     const char *failure)
{
    journal_table_lock(table);
    bool was_tight = keeper_is_tight(table);
    *has_none = value;
    if (value)
        table->failure = failure;
    tell_room(table, was_tight);
    journal_table_unlock(table);
}

static enum step_end keep_journal(struct journal_table *table)
{
    enum journal_kept kept = journal_keep(&table->journal);
    const char *failure = disk_failure(table->options.disk);
    switch (kept) {
    case JOURNAL_IDLE:
        set_room(table, &table->has_no_segment, false, NULL);
        return STEP_IDLE;
    case JOURNAL_KEPT:
        return STEP_DONE;
    case JOURNAL_NO_ROOM:
        set_room(table, &table->has_no_segment,
                 journal_ready_segments(&table->journal) < READY_LEAST, failure);
        return STEP_NO_ROOM;
    case JOURNAL_BROKEN:
        return break_down(table, failure);
    }
    UNREACHABLE();
}

static void set_state(struct journal_table *table, enum frozen_state state)
{
    journal_table_lock(table);
    table->state = state;
    journal_table_unlock(table);
}

static enum step_end move_frozen(struct journal_table *table)
{
    bool is_done;
    struct table *base = table->options.base;
    enum table_result result = checkpoint_step(&table->checkpoint, base, &is_done);
    if (result == TABLE_FAILED)
        return break_down(table, table_failure(base));
    set_room(table, &table->has_no_table, result == TABLE_FULL, table_failure(base));
    if (result == TABLE_FULL)
        return STEP_NO_ROOM;
    if (is_done) {
        checkpoint_end(&table->checkpoint);
        set_state(table, FROZEN_SAVED);
    }
    return STEP_DONE;
}

static enum step_end keep_frozen(struct journal_table *table)
{
    journal_table_lock(table);
    enum frozen_state state = table->state;
    struct overlay *frozen = table->frozen;
    journal_table_unlock(table);
    if (state == FROZEN_READY)
        return move_frozen(table);
    if (state != FROZEN_DROPPED)
        return STEP_IDLE;
    overlay_clear(frozen, table->overlay_bytes);
    set_state(table, FROZEN_EMPTY);
    return STEP_DONE;
}

// Segments first: the writer may wait for one.
enum step_end keeper_step(struct journal_table *table)
{
    enum step_end journal = keep_journal(table);
    if (journal == STEP_DONE || journal == STEP_BROKEN)
        return journal;
    enum step_end frozen = keep_frozen(table);
    return frozen == STEP_IDLE ? journal : frozen;
}

static void rest(struct journal_table *table, enum step_end end)
{
    struct timespec until;
    if (end == STEP_IDLE) {
        (void)pthread_cond_wait(&table->wake, &table->lock);
        return;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += RETRY_SECONDS;
    (void)pthread_cond_timedwait(&table->wake, &table->lock, &until);
}

static void *run_keeper(void *arg)
{
    struct journal_table *table = arg;
    enum step_end end = STEP_DONE;
    journal_table_lock(table);
    while (!table->is_stopping && end != STEP_BROKEN) {
        table->has_news = false;
        table->steps_begun++;
        journal_table_unlock(table);
        end = keeper_step(table);
        journal_table_lock(table);
        table->steps_ended++;
        table->steps_done += end == STEP_DONE;
        (void)pthread_cond_broadcast(&table->progress);
        if (end != STEP_DONE && !table->has_news && !table->is_stopping)
            rest(table, end);
    }
    journal_table_unlock(table);
    return NULL;
}

void keeper_wake(struct journal_table *table)
{
    journal_table_lock(table);
    table->has_news = true;
    (void)pthread_cond_signal(&table->wake);
    journal_table_unlock(table);
}

void keeper_stop(struct journal_table *table)
{
    if (!table->is_started)
        return;
    journal_table_lock(table);
    table->is_stopping = true;
    (void)pthread_cond_signal(&table->wake);
    journal_table_unlock(table);
    (void)pthread_join(table->thread, NULL);
    table->is_started = false;
}

enum err keeper_start(struct journal_table *table, struct err_info *info)
{
    if (!table->options.is_threaded)
        return ERR_OK;
    table->is_started = thread_start(&table->thread, "keeper", run_keeper, table);
    if (table->is_started)
        return ERR_OK;
    err_info_set(info, "cannot be used: its keeper's thread cannot be started");
    return ERR_NO_MEMORY;
}
