// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// One batch at a time over a table: load, transition, save for each op, and one commit for all. It
// has no lock and no thread, reads no clock, and calls nobody but the ops' transitions and whoever
// knows of open entries.

#include "store/embedded/codec.h"
#include "store/embedded/table.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

#define ENGINE_OPS_MAX 1024U // of each kind in a batch; what more has queued waits for the next one

// What the owner of the open entries knows: of those that were committed before this batch.
struct engine_entries {
    // The handle of the same message that nobody has looked at yet, or 0.
    uint64_t (*find_same)(void *ctx, const struct outbox_entry *entry);
    bool (*is_claim)(void *ctx, uint64_t handle, uint64_t token);
    bool (*is_open)(void *ctx, uint64_t handle);
    void *ctx;
};

struct engine {
    struct table *table; // borrowed
    struct logger *log;
    struct metrics *metrics; // counts commits; NULL: nobody does
    struct engine_entries entries;
    uint64_t next_sequence; // of outbox entries: their handles
    uint64_t first_open;    // all before it are over
    uint64_t commits;
    int64_t marked_at_ms; // T of the last commit
    bool is_tight;        // the last attempt to write found no room
};

// What a delivery op has changed.
struct engine_change {
    uint64_t handle; // 0: nothing
    struct delivery delivery;
    struct outbox_entry entry; // only when it was over and is open again
};

struct engine_batch {
    struct store_op *ops[ENGINE_OPS_MAX];
    size_t ops_count;
    struct delivery_op *deliveries[ENGINE_OPS_MAX]; // run after the ops
    size_t deliveries_count;
    const struct setting *setting; // to be written; NULL: none
    struct store_time_mark mark;   // T of this batch
    size_t entries_room;           // ops that promise or reopen more entries than this are refused

    // Filled by engine_run.
    enum store_outcome outcomes[ENGINE_OPS_MAX];
    uint64_t sequences[ENGINE_OPS_MAX]; // of the entry of each committed op; 0: none, or no new one
    enum store_outcome delivery_outcomes[ENGINE_OPS_MAX];
    struct engine_change changes[ENGINE_OPS_MAX]; // of committed delivery ops, in their order
    bool has_saved_setting;
};

enum engine_end {
    ENGINE_DONE,
    ENGINE_FAILED, // the table is good for nothing any more
};

// Fills the outcome of each op:
//   nothing to write        STORE_COMMITTED, which waits for the batch's commit all the same
//   no room in the outbox   STORE_REFUSED_BUSY
//   another claim in force  STORE_REFUSED_BUSY
//   no room on the disk     STORE_REFUSED_FULL of those that have to write; the others ran again
//   a row does not decode   STORE_REFUSED_FAILED, and logged
//   the table failed        STORE_REFUSED_FAILED of all, or STORE_UNKNOWN when it was the commit
//
// A batch that writes nothing is committed when T is STORE_TIME_AHEAD_MS above the last mark.
enum engine_end engine_run(struct engine *engine, struct engine_batch *batch);

// A piece of what store_deliveries gives.
struct engine_listing {
    const struct delivery_filter *filter;
    uint64_t *after;
    struct delivery_row *out;
    size_t room;
    size_t held; // filled
};

// Looks at some hundreds of entries at most. One that does not decode is logged and left out.
enum engine_end engine_list(struct engine *engine, struct engine_listing *listing);
