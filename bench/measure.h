// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the kernel knows of this process and of a directory.

#include <stdint.h>

// Time on a processor, by the scheduler's own count, of a thread and of all but the first one.
int64_t task_ns(int task);
int64_t others_ns(void);

// The thread that was made last; thread ids do not wrap within a short life.
int newest_task(void);

struct footprint {
    uint64_t anonymous_kib, file_kib; // resident
};

struct footprint read_footprint(void);

// On the disk, of the files in it.
uint64_t directory_kib(const char *path);
