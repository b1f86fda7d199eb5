// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A table in memory that behaves as a disk does, for tests and the simulator: what was committed
// outlives the table that is opened over it, what was not is gone, and any call can be made to
// fail.

#include "store/embedded/view.h"

struct model_row {
    enum table_space space;
    uint8_t key_len;
    uint8_t key[TABLE_KEY_BYTES_MAX];
    size_t value_len;
    uint8_t *value; // behind the row, in its memory
};

struct model_rows {
    struct model_row **rows; // in order of space and key
    size_t held;
    size_t room;
};

// What is to happen to the call that is `calls` calls of its sort away.
struct model_fault {
    enum table_result result; // TABLE_OK: no fault
    size_t calls;
    bool is_applied; // of a commit that fails: all of it was saved all the same
};

// The disk. All zeros is an empty one; model_disk_fini frees what it holds.
struct model_disk {
    struct model_rows rows; // between transactions, what was committed
    struct model_fault at_begin;
    struct model_fault at_put; // puts and deletions
    struct model_fault at_commit;
    size_t rows_max;        // more rows than this are TABLE_FULL; 0: no limit
    size_t commits;         // that were successful
    size_t records_deleted; // by those
    size_t gets;
    size_t nexts;
};

// Over the disk, which has to outlive it.
struct table *model_table_create(struct model_disk *disk);

// Reads what was committed; not while a transaction is open.
struct view *model_view_create(struct model_disk *disk);

void model_disk_fini(struct model_disk *disk);

// The row of that key in what was committed, to look at or to damage; NULL: none.
struct model_row *model_disk_find(struct model_disk *disk, enum table_space space, struct span key);

size_t model_disk_count(const struct model_disk *disk, enum table_space space);
