// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A table (table.h) that is a journal, two overlays, and another table behind them. What is
// committed is in the journal and in the active overlay; a checkpoint moves an overlay into the
// table behind, beside what goes on (docs/adr/0019-journal.md).
//
//   reads      active ─▶ frozen ─▶ table behind
//   commits    one record in the journal, one sync ─▶ active
//   freeze     active becomes frozen, at the begin of a transaction, when it is large enough
//   checkpoint frozen ─▶ table behind, some rows a transaction; the last one carries the sequence
//   drop       frozen is forgotten, at the begin of a transaction that reads behind that commit
//   retire     the journal's segments that are older than it
//
// No room. When the table behind cannot grow, or no segment can be made, table_is_tight says so
// while commits still succeed, from segments that were made before. When these are used up, too,
// TABLE_FULL. It mends itself: the keeper tries again.
//
// A failed write or sync, anywhere, is the end: TABLE_FAILED from then on.

#include "base/env.h"
#include "store/embedded/checkpoint.h"
#include "store/embedded/disk.h"
#include "store/embedded/view.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

#define JOURNAL_BYTES_LEAST ((size_t)4 << 20)

struct journal_table_options {
    struct table *base;     // all three are the journal table's from now on, on failure too
    struct view *view;      // of `base`
    struct disk *disk;      // of the journal's files
    size_t journal_bytes;   // of all its files; JOURNAL_BYTES_LEAST to 4 GiB. Overlays take less.
    struct entropy entropy; // for the journal's id
    size_t step_rows;       // of one transaction of a checkpoint; CHECKPOINT_STEP_ROWS
    struct logger *log;
    bool is_threaded; // false: commits do the keeper's work, a step each
};

// ERR_INVALID: damaged, another directory's, or a newer version's; ERR_IO, ERR_NO_MEMORY. The story
// is the end of "the data in DIR …".
MUST_CHECK enum err journal_table_create(const struct journal_table_options *options,
                                         struct table **out, struct err_info *info);

struct journal_table_figures {
    uint64_t sequence;      // of the last record
    uint64_t synced;        // of the last one that is on the disk
    uint64_t bytes_written; // to the journal
    uint64_t checkpoints;
    size_t frozen_rows; // 0: nothing is frozen
};

// By the thread that commits.
void journal_table_figures(struct table *table, struct journal_table_figures *out);

// Moves all that was committed into the table behind, by the thread that commits, between
// transactions.
MUST_CHECK enum table_result journal_table_flush(struct table *table);
