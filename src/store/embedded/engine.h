// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// One batch at a time over a table: load, transition, save for each op, and one commit for all. It
// has no lock and no thread, reads no clock, and calls nobody but the ops' transitions.

#include "store/embedded/codec.h"
#include "store/embedded/table.h"
#include "store/entry_queue.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

#define ENGINE_OPS_MAX 1024U // a batch; what more has queued waits for the next commit

struct engine {
    struct table *table; // borrowed
    struct logger *log;
    struct metrics *metrics; // counts commits; NULL: nobody does
    uint64_t next_sequence;  // of outbox entries
    uint64_t commits;
    int64_t marked_at_ms; // T of the last commit
    bool is_tight;        // the last attempt to write found no room
};

struct engine_batch {
    struct store_op *ops[ENGINE_OPS_MAX];
    size_t ops_count;
    const struct entry_change *changes; // of entries that were settled
    size_t changes_count;
    const struct setting *setting; // to be written; NULL: none
    struct store_time_mark mark;   // T of this batch
    size_t entries_room;           // ops that promise more entries than this are refused

    // Filled by engine_run.
    enum store_outcome outcomes[ENGINE_OPS_MAX];
    uint64_t sequences[ENGINE_OPS_MAX]; // of the entries of committed ops that have one
    bool has_saved_changes;
    bool has_saved_setting;
};

enum engine_end {
    ENGINE_DONE,
    ENGINE_FAILED, // the table is good for nothing any more
};

// Fills the outcome of each op:
//   nothing to write        STORE_COMMITTED, which waits for the batch's commit all the same
//   no room in the outbox   STORE_REFUSED_BUSY
//   no room on the disk     STORE_REFUSED_FULL of those that have to write; the others ran again
//   record does not decode  STORE_REFUSED_FAILED, and logged
//   the table failed        STORE_REFUSED_FAILED of all, or STORE_UNKNOWN when it was the commit
//
// A batch that writes nothing is committed when T is STORE_TIME_AHEAD_MS above the last mark.
enum engine_end engine_run(struct engine *engine, struct engine_batch *batch);
