// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Preloaded into the server, has the wall clock and the time since the machine was booted say what
// a file says, to the millisecond, and stand still in between. Deadlines of connections and waits
// go by CLOCK_MONOTONIC, which stays as it is.
//
//   times[0]  CLOCK_REALTIME in ms
//   times[1]  CLOCK_BOOTTIME in ms
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const int64_t *times;

__attribute__((constructor)) static void open_times(void)
{
    const char *path = getenv("SET_CLOCK_FROM");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *mapped = mmap(NULL, 2 * sizeof *times, PROT_READ, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (mapped != MAP_FAILED)
        times = mapped;
}

int clock_gettime(clockid_t id, struct timespec *out)
{
    if (times == NULL || (id != CLOCK_REALTIME && id != CLOCK_BOOTTIME))
        return (int)syscall(SYS_clock_gettime, id, out);
    int64_t ms = __atomic_load_n(&times[id == CLOCK_BOOTTIME], __ATOMIC_SEQ_CST);
    out->tv_sec = ms / 1000;
    out->tv_nsec = ms % 1000 * 1000000;
    return 0;
}
