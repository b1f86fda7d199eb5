// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// One directory of files, as the journal needs it: the machine's (posix_disk.h), or a model that
// loses, tears and refuses writes. Calls on different files may come from different threads at the
// same time.

#include "base/err.h"
#include "base/strbuf.h"

enum disk_result {
    DISK_OK,
    DISK_NONE,   // there is no such file
    DISK_FULL,   // no room
    DISK_FAILED, // of a write or a sync: nobody knows what is on the disk
};

#define DISK_NAME_BYTES_MAX 32U

struct disk;

struct disk_ops {
    enum disk_result (*open)(struct disk *disk, const char *name, bool may_create, int *file_out);
    void (*close)(struct disk *disk, int file);
    enum disk_result (*read)(struct disk *disk, int file, uint64_t offset, void *out, size_t len,
                             size_t *got_out);
    enum disk_result (*write)(struct disk *disk, int file, uint64_t offset, struct span bytes);
    enum disk_result (*sync)(struct disk *disk, int file);
    enum disk_result (*rename)(struct disk *disk, const char *from, const char *to);
    enum disk_result (*remove)(struct disk *disk, const char *name);
    enum disk_result (*sync_names)(struct disk *disk);
    enum disk_result (*list)(struct disk *disk, void (*on_name)(void *ctx, const char *name),
                             void *ctx);
    const char *(*failure)(const struct disk *disk);
    void (*destroy)(struct disk *disk);
};

// First member of every implementation.
struct disk {
    const struct disk_ops *ops;
};

MUST_CHECK static inline enum disk_result disk_open(struct disk *disk, const char *name,
                                                    bool may_create, int *file_out)
{
    return disk->ops->open(disk, name, may_create, file_out);
}

static inline void disk_close(struct disk *disk, int file)
{
    disk->ops->close(disk, file);
}

// Less than `len` at the end of the file only.
MUST_CHECK static inline enum disk_result disk_read(struct disk *disk, int file, uint64_t offset,
                                                    struct strbuf *out, size_t len)
{
    uint8_t *at = strbuf_reserve(out, len);
    size_t got = 0;
    ASSERT(at != NULL);
    enum disk_result result = disk->ops->read(disk, file, offset, at, len, &got);
    out->len -= len - got;
    return result;
}

// All of it or an error.
MUST_CHECK static inline enum disk_result disk_write(struct disk *disk, int file, uint64_t offset,
                                                     struct span bytes)
{
    return disk->ops->write(disk, file, offset, bytes);
}

// What was written to the file is on the disk.
MUST_CHECK static inline enum disk_result disk_sync(struct disk *disk, int file)
{
    return disk->ops->sync(disk, file);
}

// Replaces what has the name.
MUST_CHECK static inline enum disk_result disk_rename(struct disk *disk, const char *from,
                                                      const char *to)
{
    return disk->ops->rename(disk, from, to);
}

MUST_CHECK static inline enum disk_result disk_remove(struct disk *disk, const char *name)
{
    return disk->ops->remove(disk, name);
}

// Files that were made, renamed and removed are so on the disk.
MUST_CHECK static inline enum disk_result disk_sync_names(struct disk *disk)
{
    return disk->ops->sync_names(disk);
}

// All names, in no order; those longer than DISK_NAME_BYTES_MAX - 1 are left out.
MUST_CHECK static inline enum disk_result
disk_list(struct disk *disk, void (*on_name)(void *ctx, const char *name), void *ctx)
{
    return disk->ops->list(disk, on_name, ctx);
}

// What the last DISK_FULL or DISK_FAILED was about, for a person.
static inline const char *disk_failure(const struct disk *disk)
{
    return disk->ops->failure(disk);
}

static inline void disk_destroy(struct disk **disk)
{
    if (*disk != NULL)
        (*disk)->ops->destroy(*disk);
    *disk = NULL;
}
