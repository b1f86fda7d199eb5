// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A library to preload: each sync of the table takes a second, so that checkpoints stay behind and
// the journal fills.
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TABLE_NAME "/table.mdb"
#define PATH_BYTES_MAX 4096

int fdatasync(int file)
{
    char name[64], path[PATH_BYTES_MAX + 1] = "";
    (void)snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    ssize_t len = readlink(name, path, PATH_BYTES_MAX);
    size_t tail = sizeof TABLE_NAME - 1;
    if (len > (ssize_t)tail && strcmp(path + len - tail, TABLE_NAME) == 0)
        (void)sleep(1);
    return (int)syscall(SYS_fdatasync, file);
}
