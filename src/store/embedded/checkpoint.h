// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Moves an overlay that does not change any more into a table, some rows a transaction, so that no
// sync of it is long. Only the last transaction says that the table has them all: what a crash
// leaves half moved is put there again by replay.

#include "store/embedded/overlay.h"

struct checkpoint {
    const struct overlay *overlay; // NULL: there is nothing to do
    size_t step_rows;              // of one transaction, at most: CHECKPOINT_STEP_ROWS
    struct journal_meta meta;      // what the last transaction says
    uint32_t *order;               // NULL: not begun
    size_t done;
};

#define CHECKPOINT_STEP_ROWS 512U   // that lie apart …
#define CHECKPOINT_ROWS_TOGETHER 4U // … and so many times as many of those that lie together

void checkpoint_begin(struct checkpoint *checkpoint, const struct overlay *overlay,
                      const struct journal_meta *meta, size_t step_rows);

// One transaction. TABLE_OK: committed; is_done says whether it was the last one. TABLE_FULL: it
// may be tried again.
MUST_CHECK enum table_result checkpoint_step(struct checkpoint *checkpoint, struct table *table,
                                             bool *is_done_out);

void checkpoint_end(struct checkpoint *checkpoint);

// The table's row, in a transaction of its own.
MUST_CHECK enum table_result checkpoint_put_meta(struct table *table,
                                                 const struct journal_meta *meta);
