// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "telemetry/process.h"

#include "base/number.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

static int64_t us_of(struct timeval time)
{
    return (int64_t)time.tv_sec * 1000000 + time.tv_usec;
}

static void measure_cpu(struct metrics *metrics)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        metrics_set(metrics, METRIC_CPU_US, us_of(usage.ru_utime) + us_of(usage.ru_stime));
}

// "size resident shared …", in pages (proc(5)).
static void measure_memory(struct metrics *metrics)
{
    uint8_t text[128];
    struct span rest;
    uint64_t pages;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t len = read(fd, text, sizeof text);
    (void)close(fd);
    (void)span_split(span_make(text, len > 0 ? (size_t)len : 0), ' ', &rest);
    if (parse_u64(span_split(rest, ' ', &rest), INT64_MAX >> 20, &pages))
        metrics_set(metrics, METRIC_RESIDENT_BYTES, (int64_t)pages * sysconf(_SC_PAGESIZE));
}

// The one by which they are counted is none of them, nor are "." and "..".
static void measure_descriptors(struct metrics *metrics)
{
    int64_t count = -3;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return;
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    metrics_set(metrics, METRIC_OPEN_FDS, count > 0 ? count : 0);
}

void process_measure(struct metrics *metrics)
{
    measure_cpu(metrics);
    measure_memory(metrics);
    measure_descriptors(metrics);
}
