// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The table over LMDB: one file, DIR/table.mdb, mode 0600, with its reader table beside it.

#include "store/embedded/view.h"

struct lmdb_table_options {
    const char *directory; // there already
    size_t bytes_max;      // of the file; address space is taken for all of it, the disk is not
    bool is_read_only;     // for views alone; bytes_max is 0
    bool is_shared;        // of those: another process may have it open
};

// Made when missing. ERR_IO, ERR_PERMISSION, ERR_NO_MEMORY, ERR_INVALID (not a table of LMDB, or
// another version's).
MUST_CHECK enum err lmdb_table_create(const struct lmdb_table_options *options, struct table **out,
                                      struct err_info *info);

// Of a table of lmdb_table_create, for another thread than the one that changes it.
struct view *lmdb_view_create(struct table *table);
