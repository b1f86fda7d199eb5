// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "measure.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int64_t task_ns(int task)
{
    char path[64];
    long long ns = 0;
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/schedstat", task);
    FILE *file = fopen(path, "re");
    if (file == NULL || fscanf(file, "%lld", &ns) != 1)
        abort();
    (void)fclose(file);
    return ns;
}

int64_t others_ns(void)
{
    int64_t sum = 0;
    DIR *tasks = opendir("/proc/self/task");
    const struct dirent *each;
    while (tasks != NULL && (each = readdir(tasks)) != NULL) {
        int task = (int)strtol(each->d_name, NULL, 10);
        if (task != 0 && task != getpid())
            sum += task_ns(task);
    }
    if (tasks != NULL)
        (void)closedir(tasks);
    return sum;
}

int newest_task(void)
{
    int newest = 0;
    DIR *tasks = opendir("/proc/self/task");
    const struct dirent *each;
    while (tasks != NULL && (each = readdir(tasks)) != NULL) {
        int task = (int)strtol(each->d_name, NULL, 10);
        if (task > newest)
            newest = task;
    }
    if (tasks != NULL)
        (void)closedir(tasks);
    return newest;
}

struct footprint read_footprint(void)
{
    char line[128];
    struct footprint found = {0};
    FILE *file = fopen("/proc/self/status", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "RssAnon:", 8) == 0)
            found.anonymous_kib = strtoull(line + 8, NULL, 10);
        if (strncmp(line, "RssFile:", 8) == 0)
            found.file_kib = strtoull(line + 8, NULL, 10);
    }
    if (file != NULL)
        (void)fclose(file);
    return found;
}

uint64_t directory_kib(const char *path)
{
    uint64_t sum = 0;
    DIR *files = opendir(path);
    const struct dirent *each;
    while (files != NULL && (each = readdir(files)) != NULL) {
        struct stat info;
        if (fstatat(dirfd(files), each->d_name, &info, 0) == 0 && S_ISREG(info.st_mode))
            sum += (uint64_t)info.st_blocks / 2;
    }
    if (files != NULL)
        (void)closedir(files);
    return sum;
}
