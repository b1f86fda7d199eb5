// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Preloaded into the server, counts what all of its threads and libraries ask the heap for, in a
// file that the test reads while the server runs. glibc's own entry points stand behind, so that
// nothing has to be looked up, which would allocate.
//
//   counts[0]      calls so far
//   callers[1…]    return addresses of the latest ones: who it was, when it should have been nobody
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define CALLERS 63

struct page {
    uint64_t count;
    uint64_t callers[CALLERS];
};

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static struct page *page;

__attribute__((constructor)) static void open_page(void)
{
    const char *path = getenv("COUNT_ALLOCATIONS_IN");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *mapped = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (mapped != MAP_FAILED)
        page = mapped;
}

static void count(void *caller)
{
    if (page == NULL)
        return;
    uint64_t number = __atomic_fetch_add(&page->count, 1, __ATOMIC_SEQ_CST);
    page->callers[number % CALLERS] = (uint64_t)(uintptr_t)caller;
}

#define COUNT() count(__builtin_return_address(0))

void *malloc(size_t size)
{
    COUNT();
    return __libc_malloc(size);
}

void *calloc(size_t members, size_t size)
{
    COUNT();
    return __libc_calloc(members, size);
}

void *realloc(void *old, size_t size)
{
    COUNT();
    return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size)
{
    COUNT();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    COUNT();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    COUNT();
    *out = __libc_memalign(alignment, size);
    return *out != NULL ? 0 : ENOMEM;
}
