// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What a commit's wait depends on: how long this disk takes to sync one small write, in a file that
// was written before, as the journal's are.
#include "cli/cli.h"
#include "daemon/serve.h"
#include "store/embedded/posix_disk.h"

#include <stdlib.h>
#include <sys/stat.h>

#define FILE_NAME "doctor"
#define BLOCK_BYTES 4096U
#define BLOCKS 256U // of the file, each overwritten in turn
#define SYNCS 500U
#define OP_NS 6000 // of the store's thread, for one op: docs/adr/0019-journal.md

struct latencies {
    int64_t sorted_ns[SYNCS];
};

static enum disk_result overwrite(struct disk *disk, int file, size_t block)
{
    static const uint8_t bytes[BLOCK_BYTES];
    return disk_write(disk, file, block * BLOCK_BYTES, span_make(bytes, sizeof bytes));
}

static enum disk_result fill(struct disk *disk, int file)
{
    enum disk_result result = DISK_OK;
    for (size_t i = 0; i < BLOCKS && result == DISK_OK; i++)
        result = overwrite(disk, file, i);
    return result == DISK_OK ? disk_sync(disk, file) : result;
}

static enum disk_result measure(struct disk *disk, int file, struct latencies *out)
{
    enum disk_result result = fill(disk, file);
    for (size_t i = 0; i < SYNCS && result == DISK_OK; i++) {
        int64_t began_ns = clock_system_ns();
        result = overwrite(disk, file, i % BLOCKS);
        if (result == DISK_OK)
            result = disk_sync(disk, file);
        out->sorted_ns[i] = clock_system_ns() - began_ns;
    }
    return result;
}

static enum disk_result measure_in(struct disk *disk, struct latencies *out)
{
    int file;
    enum disk_result result = disk_open(disk, FILE_NAME, true, &file);
    if (result != DISK_OK)
        return result;
    result = measure(disk, file, out);
    disk_close(disk, file);
    enum disk_result removed = disk_remove(disk, FILE_NAME);
    return result == DISK_OK ? removed : result;
}

static int compare(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

static double ms_of(const struct latencies *latencies, size_t percent)
{
    size_t at = (SYNCS - 1) * percent / 100;
    return (double)latencies->sorted_ns[at] / 1e6;
}

// What waits for one sync is committed with it, so more at once cost little more.
static void print(const struct latencies *latencies)
{
    static const unsigned waiting[] = {1, 16, 64, 256, 1024};
    double sync_ns = 1e6 * ms_of(latencies, 50);
    (void)printf("one write of 4 KiB and its sync, %u times: median %.2f ms, p99 %.2f ms, "
                 "longest %.2f ms\n",
                 SYNCS, ms_of(latencies, 50), ms_of(latencies, 99), ms_of(latencies, 100));
    for (size_t i = 0; i < sizeof waiting / sizeof waiting[0]; i++) {
        double ops = waiting[i];
        (void)printf("%6u at once: %9.0f ops a second at most\n", waiting[i],
                     ops * 1e9 / (sync_ns + ops * OP_NS));
    }
}

static int complain(const char *what, const char *why)
{
    (void)fprintf(stderr, "otpd: %s: %s\n", what, why);
    return EXIT_STATUS_CANNOT_CREATE;
}

int cli_doctor(const struct cli *cli)
{
    struct stat folder;
    struct err_info info = {{0}};
    struct disk *disk = NULL;
    struct latencies latencies;
    if (cli->arguments_count != 1) {
        cli_put_usage(cli_row_find(SPAN("doctor")), stdout);
        return EXIT_STATUS_USAGE;
    }
    const char *path = cli->arguments[0];
    if (stat(path, &folder) != 0 || !S_ISDIR(folder.st_mode))
        return complain(path, "there is no such directory");
    if (posix_disk_create(path, &disk, &info) != ERR_OK)
        return complain(path, info.text);
    enum disk_result result = measure_in(disk, &latencies);
    int status = result == DISK_OK ? EXIT_STATUS_OK : complain(path, disk_failure(disk));
    disk_destroy(&disk);
    if (status != EXIT_STATUS_OK)
        return status;
    qsort(latencies.sorted_ns, SYNCS, sizeof latencies.sorted_ns[0], compare);
    print(&latencies);
    return EXIT_STATUS_OK;
}
