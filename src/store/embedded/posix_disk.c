// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A call that was interrupted or cut short goes on where it stopped; a sync is never tried twice.
#include "store/embedded/posix_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h> // renameat
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY_MODE 0700
#define FILE_MODE 0600

struct posix_disk {
    struct disk disk;
    int directory;
    _Atomic int failure; // the last error number
};

static struct posix_disk *posix_of(struct disk *disk)
{
    return (struct posix_disk *)disk;
}

// Of a call that has failed.
static enum disk_result result_of(struct posix_disk *posix, int number)
{
    if (number == ENOENT)
        return DISK_NONE;
    atomic_store_explicit(&posix->failure, number, memory_order_relaxed);
    return number == ENOSPC || number == EDQUOT || number == EFBIG ? DISK_FULL : DISK_FAILED;
}

static enum disk_result ended(struct posix_disk *posix, int rc)
{
    return rc == 0 ? DISK_OK : result_of(posix, errno);
}

static enum disk_result posix_open(struct disk *disk, const char *name, bool may_create,
                                   int *file_out)
{
    struct posix_disk *posix = posix_of(disk);
    int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (may_create ? O_CREAT : 0);
    *file_out = openat(posix->directory, name, flags, FILE_MODE);
    return *file_out >= 0 ? DISK_OK : result_of(posix, errno);
}

static void posix_close(struct disk *disk, int file)
{
    (void)disk;
    (void)close(file);
}

static enum disk_result posix_read(struct disk *disk, int file, uint64_t offset, void *out,
                                   size_t len, size_t *got_out)
{
    uint8_t *at = out;
    size_t got = 0;
    while (got < len) {
        ssize_t n = pread(file, at + got, len - got, (off_t)(offset + got));
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            return result_of(posix_of(disk), errno);
        got += n > 0 ? (size_t)n : 0;
    }
    *got_out = got;
    return DISK_OK;
}

static enum disk_result posix_write(struct disk *disk, int file, uint64_t offset, struct span bytes)
{
    size_t done = 0;
    while (done < bytes.len) {
        ssize_t n = pwrite(file, bytes.data + done, bytes.len - done, (off_t)(offset + done));
        if (n < 0 && errno != EINTR)
            return result_of(posix_of(disk), errno);
        done += n > 0 ? (size_t)n : 0;
    }
    return DISK_OK;
}

static enum disk_result posix_sync(struct disk *disk, int file)
{
    return ended(posix_of(disk), fdatasync(file));
}

static enum disk_result posix_rename(struct disk *disk, const char *from, const char *to)
{
    struct posix_disk *posix = posix_of(disk);
    return ended(posix, renameat(posix->directory, from, posix->directory, to));
}

static enum disk_result posix_remove(struct disk *disk, const char *name)
{
    struct posix_disk *posix = posix_of(disk);
    return ended(posix, unlinkat(posix->directory, name, 0));
}

static enum disk_result posix_sync_names(struct disk *disk)
{
    struct posix_disk *posix = posix_of(disk);
    return ended(posix, fsync(posix->directory));
}

static enum disk_result posix_list(struct disk *disk, void (*on_name)(void *ctx, const char *name),
                                   void *ctx)
{
    struct posix_disk *posix = posix_of(disk);
    int copy = openat(posix->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = copy >= 0 ? fdopendir(copy) : NULL;
    if (directory == NULL)
        return result_of(posix, errno);
    const struct dirent *entry;
    errno = 0;
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.' && strlen(entry->d_name) < DISK_NAME_BYTES_MAX)
            on_name(ctx, entry->d_name);
        errno = 0;
    }
    int number = errno;
    (void)closedir(directory);
    return number == 0 ? DISK_OK : result_of(posix, number);
}

static const char *posix_failure(const struct disk *disk)
{
    const struct posix_disk *posix = (const struct posix_disk *)disk;
    return strerror(atomic_load_explicit(&posix->failure, memory_order_relaxed));
}

static void posix_destroy(struct disk *disk)
{
    (void)close(posix_of(disk)->directory);
    free(disk);
}

static const struct disk_ops posix_ops = {
    .open = posix_open,
    .close = posix_close,
    .read = posix_read,
    .write = posix_write,
    .sync = posix_sync,
    .rename = posix_rename,
    .remove = posix_remove,
    .sync_names = posix_sync_names,
    .list = posix_list,
    .failure = posix_failure,
    .destroy = posix_destroy,
};

static enum err tell(struct err_info *info, const char *what, const char *path)
{
    int number = errno;
    err_info_set(info, "cannot %s %s: %s", what, path, strerror(number));
    return number == EACCES || number == EPERM || number == EROFS ? ERR_PERMISSION : ERR_IO;
}

enum err posix_disk_create(const char *path, struct disk **out, struct err_info *info)
{
    if (mkdir(path, DIRECTORY_MODE) != 0 && errno != EEXIST)
        return tell(info, "make", path);
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (directory < 0)
        return tell(info, "open", path);
    struct posix_disk *posix = calloc(1, sizeof *posix);
    if (posix == NULL) {
        (void)close(directory);
        return ERR_NO_MEMORY;
    }
    posix->disk.ops = &posix_ops;
    posix->directory = directory;
    *out = &posix->disk;
    return ERR_OK;
}
