// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the two threads of a journal table share: the writer's half is journal_table.c, the keeper's
// journal_keeper.c.
//
// The frozen generation goes between them:
//
//              freeze            last commit           drop            clear
//   EMPTY ───writer───▶ READY ───keeper───▶ SAVED ───writer───▶ DROPPED ───keeper───▶ EMPTY

#include "store/embedded/checkpoint.h"
#include "store/embedded/journal.h"
#include "store/embedded/journal_table.h"

enum frozen_state {
    FROZEN_EMPTY,
    FROZEN_READY,
    FROZEN_SAVED,
    FROZEN_DROPPED,
};

struct floor {
    uint8_t key[TABLE_KEY_BYTES_MAX];
    size_t len;
};

struct journal_table {
    struct table table;
    struct journal_table_options options;
    struct journal journal;
    struct journal_id id;
    size_t overlay_bytes; // above which a generation is frozen
    pthread_t thread;
    bool is_started;

    // The writer's.
    struct overlay generations[2];
    struct overlay *active;
    uint64_t active_from; // segment
    bool is_open;
    bool reads_frozen;
    struct floor floors[TABLE_SPACES_COUNT_];
    struct floor floors_at_begin[TABLE_SPACES_COUNT_];

    // The keeper's, while READY.
    struct checkpoint checkpoint;

    pthread_mutex_t lock;    // guards all below
    pthread_cond_t wake;     // there is something for the keeper
    pthread_cond_t progress; // the keeper has done something, or found nothing to do
    struct overlay *frozen;
    struct journal_position frozen_to;
    enum frozen_state state;
    uint64_t steps_begun; // by the keeper
    uint64_t steps_ended;
    uint64_t steps_done; // of those, that were of use
    bool has_news;       // for the keeper
    bool is_stopping;
    bool is_failed;
    uint64_t checkpoints;

    // Written with the lock held.
    _Atomic bool has_no_segment; // to be made
    _Atomic bool has_no_table;   // room in the one behind
    const char *_Atomic failure;
};

static inline void journal_table_lock(struct journal_table *table)
{
    (void)pthread_mutex_lock(&table->lock);
}

static inline void journal_table_unlock(struct journal_table *table)
{
    (void)pthread_mutex_unlock(&table->lock);
}

// Little room is left: see table_is_tight.
bool keeper_is_tight(const struct journal_table *table);

// From now on nothing works any more; `failure` is for a person, and is kept.
void keeper_break(struct journal_table *table, const char *failure);

// What came of a step.
enum step_end {
    STEP_IDLE,
    STEP_DONE,
    STEP_NO_ROOM,
    STEP_BROKEN,
};

// One step of the keeper's work: by its thread, or by the writer when there is none.
enum step_end keeper_step(struct journal_table *table);

// There is something to do.
void keeper_wake(struct journal_table *table);

MUST_CHECK enum err keeper_start(struct journal_table *table, struct err_info *info);
void keeper_stop(struct journal_table *table); // of one that was not started: nothing
