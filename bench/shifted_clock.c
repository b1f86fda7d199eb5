// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A library to preload: all clocks of the process are ahead by the milliseconds in the file that
// SHIFTED_CLOCK names, eight little-endian bytes that may grow while it runs. So days of codes,
// sessions and history pass in minutes, and the server is the one that is shipped.
//
// Waits that a process has begun end as they would have; new ones are of their right length.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)
#define MS_NS INT64_C(1000000)

static _Atomic(const _Atomic int64_t *) shift;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("SHIFTED_CLOCK");
    int file = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *at = MAP_FAILED;
    if (file >= 0)
        at = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    if (at == MAP_FAILED)
        abort();
    (void)close(file);
    atomic_store(&shift, (const _Atomic int64_t *)at);
}

static void add(struct timespec *time, int64_t sign)
{
    const _Atomic int64_t *at = atomic_load(&shift);
    int64_t ns = at != NULL ? sign * atomic_load(at) * MS_NS : 0;
    ns += time->tv_sec * SECOND_NS + time->tv_nsec;
    time->tv_sec = ns / SECOND_NS;
    time->tv_nsec = ns % SECOND_NS;
}

static int is_shifted(clockid_t id)
{
    return id == CLOCK_REALTIME || id == CLOCK_MONOTONIC || id == CLOCK_BOOTTIME ||
           id == CLOCK_REALTIME_COARSE || id == CLOCK_MONOTONIC_COARSE;
}

int clock_gettime(clockid_t id, struct timespec *out)
{
    int result = (int)syscall(SYS_clock_gettime, id, out);
    if (result == 0 && is_shifted(id))
        add(out, 1);
    return result;
}

int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                           const struct timespec *until)
{
    int (*next)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *) =
        (int (*)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *))dlsym(
            RTLD_NEXT, "pthread_cond_timedwait");
    struct timespec real = *until;
    add(&real, -1);
    return next(cond, mutex, &real);
}
