// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The data directory: made with mode 0700, and locked for one process at a time.

#include "base/err.h"

struct data_dir {
    int lock; // descriptor; -1: not open
};

// Makes the directory (but not the ones above it) and takes its lock. ERR_IN_USE names the process
// that has it. A second data_dir_open by the same process does not fail: the lock is the process's.
MUST_CHECK enum err data_dir_open(const char *path, struct data_dir *out, struct err_info *info);

// After files were made in it: so that their names outlive a power cut.
MUST_CHECK enum err data_dir_sync(const char *path, struct err_info *info);

// Gives the lock back.
void data_dir_close(struct data_dir *dir);
