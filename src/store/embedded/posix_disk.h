// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A directory of the machine's file system; files have mode 0600.

#include "store/embedded/disk.h"

// Makes the directory (mode 0700, but not the ones above it) when it is missing; its name in the
// one above is the caller's to sync. ERR_PERMISSION, ERR_IO, ERR_INVALID, ERR_NO_MEMORY.
MUST_CHECK enum err posix_disk_create(const char *path, struct disk **out, struct err_info *info);
