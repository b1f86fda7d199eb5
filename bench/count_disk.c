// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Preloaded into the server by bench/run: counts what it writes to the files of its store, and how
// often it waits for the disk, in a file that is read meanwhile. A write through a descriptor that
// is synchronous is a wait too. (The log goes by write(), which is not counted.)
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct page {
    uint64_t syncs;
    uint64_t bytes;
};

static struct page *page;

__attribute__((constructor)) static void open_page(void)
{
    const char *path = getenv("COUNT_DISK_IN");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *mapped = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (mapped != MAP_FAILED)
        page = mapped;
}

static void count(uint64_t syncs, ssize_t bytes)
{
    if (page == NULL)
        return;
    __atomic_fetch_add(&page->syncs, syncs, __ATOMIC_RELAXED);
    __atomic_fetch_add(&page->bytes, bytes > 0 ? (uint64_t)bytes : 0, __ATOMIC_RELAXED);
}

static ssize_t written(int fd, ssize_t bytes)
{
    int flags = fcntl(fd, F_GETFL);
    count(flags >= 0 && (flags & O_DSYNC) != 0 ? 1 : 0, bytes);
    return bytes;
}

int fsync(int fd)
{
    count(1, 0);
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    count(1, 0);
    return (int)syscall(SYS_fdatasync, fd);
}

int msync(void *address, size_t length, int flags)
{
    count((flags & MS_SYNC) != 0 ? 1 : 0, 0);
    return (int)syscall(SYS_msync, address, length, flags);
}

ssize_t pwrite(int fd, const void *bytes, size_t count_of_bytes, off_t offset)
{
    return written(fd, syscall(SYS_pwrite64, fd, bytes, count_of_bytes, offset));
}

ssize_t pwrite64(int fd, const void *bytes, size_t count_of_bytes, off64_t offset)
{
    return written(fd, syscall(SYS_pwrite64, fd, bytes, count_of_bytes, offset));
}

// What can be sought in is no socket.
ssize_t writev(int fd, const struct iovec *parts, int parts_count)
{
    ssize_t bytes = syscall(SYS_writev, fd, parts, parts_count);
    return lseek(fd, 0, SEEK_CUR) >= 0 ? written(fd, bytes) : bytes;
}
