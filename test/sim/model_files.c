// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A file has two contents, what programs read and what the disk has, and a mark for each sector
// that differs. Names are two lists and the changes between them.
#include "sim/model_files.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

struct model_disk_port {
    struct disk disk;
    struct model_files *files;
};

static struct model_files *files_of(struct disk *disk)
{
    return ((struct model_disk_port *)disk)->files;
}

static void *must(void *memory)
{
    ASSERT(memory != NULL);
    return memory;
}

// --- names ---

static size_t find_name(const struct model_names *names, const char *name)
{
    size_t i = 0;
    while (i < names->held && strcmp(names->items[i].text, name) != 0)
        i++;
    return i;
}

static void remove_name(struct model_names *names, const char *name)
{
    size_t at = find_name(names, name);
    if (at < names->held)
        names->items[at] = names->items[--names->held];
}

static void set_name(struct model_names *names, const char *name, struct model_file *file)
{
    size_t at = find_name(names, name);
    ASSERT(at < MODEL_FILES_MAX);
    if (at == names->held)
        (void)snprintf(names->items[names->held++].text, DISK_NAME_BYTES_MAX, "%s", name);
    names->items[at].file = file;
}

static void apply(struct model_names *names, const struct model_name_change *change)
{
    if (change->from[0] != '\0')
        remove_name(names, change->from);
    if (change->file == NULL)
        remove_name(names, change->to);
    else
        set_name(names, change->to, change->file);
}

static void change_names(struct model_files *files, const char *from, const char *to,
                         struct model_file *file)
{
    ASSERT(files->changes_held < MODEL_NAME_CHANGES_MAX);
    struct model_name_change *change = &files->changes[files->changes_held++];
    (void)snprintf(change->from, sizeof change->from, "%s", from);
    (void)snprintf(change->to, sizeof change->to, "%s", to);
    change->file = file;
    apply(&files->names, change);
}

struct model_file *model_files_find(struct model_files *files, const char *name)
{
    size_t at = find_name(&files->names, name);
    return at < files->names.held ? files->names.items[at].file : NULL;
}

// --- content ---

static size_t sectors(size_t len)
{
    return (len + MODEL_SECTOR_BYTES - 1) / MODEL_SECTOR_BYTES;
}

static void grow(struct model_file *file, size_t len)
{
    if (len <= file->len)
        return;
    size_t before = sectors(file->len), after = sectors(len);
    if (after > before) {
        size_t room = after * MODEL_SECTOR_BYTES, used = before * MODEL_SECTOR_BYTES;
        file->cached = must(realloc(file->cached, room));
        file->stored = must(realloc(file->stored, room));
        file->is_dirty = must(realloc(file->is_dirty, after));
        memset(file->cached + used, 0, room - used);
        memset(file->stored + used, 0, room - used);
        memset(file->is_dirty + before, 0, after - before);
    }
    file->len = len;
}

static void put(struct model_file *file, uint64_t offset, struct span bytes)
{
    grow(file, offset + bytes.len);
    memcpy(file->cached + offset, bytes.data, bytes.len);
    for (size_t i = offset / MODEL_SECTOR_BYTES; i < sectors(offset + bytes.len); i++)
        file->is_dirty[i] = true;
}

static void store_sector(struct model_file *file, size_t i)
{
    size_t at = i * MODEL_SECTOR_BYTES;
    memcpy(file->stored + at, file->cached + at, MODEL_SECTOR_BYTES);
}

// Old, new, torn at a byte, or noise; true: one of the latter two.
static bool crash_sector(struct model_file *file, size_t i, struct seeded *dice)
{
    uint8_t *stored = file->stored + i * MODEL_SECTOR_BYTES;
    const uint8_t *cached = file->cached + i * MODEL_SECTOR_BYTES;
    uint64_t outcome = seeded_below(dice, 8);
    if (outcome < 3)
        return false;
    if (outcome < 6)
        store_sector(file, i);
    else if (outcome == 6)
        memcpy(stored, cached, seeded_below(dice, MODEL_SECTOR_BYTES));
    else
        seeded_entropy(dice).fill(dice, stored, MODEL_SECTOR_BYTES);
    return outcome >= 6;
}

static bool crash_file(struct model_file *file, struct seeded *dice)
{
    bool is_torn = false;
    for (size_t i = 0; i < sectors(file->len); i++) {
        if (file->is_dirty[i])
            is_torn = crash_sector(file, i, dice) || is_torn;
        file->is_dirty[i] = false;
    }
    if (file->len > 0)
        memcpy(file->cached, file->stored, sectors(file->len) * MODEL_SECTOR_BYTES);
    return is_torn;
}

static struct model_file *add_file(struct model_files *files)
{
    ASSERT(files->files_held < sizeof files->files / sizeof files->files[0]);
    struct model_file *file = must(calloc(1, sizeof *file));
    files->files[files->files_held++] = file;
    return file;
}

// --- calls ---

enum way {
    WAY_ON,
    WAY_ON_AND_DEAD,
    WAY_FAIL,
    WAY_DEAD,
    WAY_LIE,
};

static enum way count_call(struct model_files *files)
{
    if (files->is_crashed)
        return WAY_DEAD;
    files->calls++;
    if (files->lies_from != 0 && files->calls >= files->lies_from)
        return WAY_LIE;
    if (files->calls != files->fault_at)
        return WAY_ON;
    if (files->fault == MODEL_FILES_LIE)
        return WAY_LIE;
    files->has_failed = true;
    files->is_crashed = files->fault != MODEL_FILES_EIO;
    if (files->fault == MODEL_FILES_CRASH_AFTER)
        return WAY_ON_AND_DEAD;
    return files->is_crashed ? WAY_DEAD : WAY_FAIL;
}

static bool happens(enum way way)
{
    return way != WAY_DEAD && way != WAY_FAIL;
}

static enum disk_result result_of(enum way way)
{
    return way == WAY_ON || way == WAY_LIE ? DISK_OK : DISK_FAILED;
}

static enum disk_result model_open(struct disk *disk, const char *name, bool may_create,
                                   int *file_out)
{
    struct model_files *files = files_of(disk);
    struct model_file *file = model_files_find(files, name);
    if (files->is_crashed)
        return DISK_FAILED;
    if (file == NULL && !may_create)
        return DISK_NONE;
    if (file == NULL) {
        enum way way = count_call(files);
        if (!happens(way))
            return DISK_FAILED;
        file = add_file(files);
        change_names(files, "", name, file);
        if (result_of(way) != DISK_OK)
            return DISK_FAILED;
    }
    int number = 0;
    while (files->files[number] != file)
        number++;
    *file_out = number;
    return DISK_OK;
}

static void model_close(struct disk *disk, int file)
{
    (void)disk;
    (void)file;
}

static enum disk_result model_read(struct disk *disk, int number, uint64_t offset, void *out,
                                   size_t len, size_t *got_out)
{
    struct model_files *files = files_of(disk);
    const struct model_file *file = files->files[number];
    if (files->is_crashed)
        return DISK_FAILED;
    size_t left = offset < file->len ? file->len - (size_t)offset : 0;
    *got_out = len < left ? len : left;
    if (*got_out > 0)
        memcpy(out, file->cached + offset, *got_out);
    return DISK_OK;
}

static size_t used_bytes(const struct model_files *files)
{
    size_t bytes = 0;
    for (size_t i = 0; i < files->names.held; i++)
        bytes += files->names.items[i].file->len;
    return bytes;
}

static enum disk_result model_write(struct disk *disk, int number, uint64_t offset,
                                    struct span bytes)
{
    struct model_files *files = files_of(disk);
    struct model_file *file = files->files[number];
    size_t end = (size_t)offset + bytes.len;
    size_t more = end > file->len ? end - file->len : 0;
    if (files->is_crashed)
        return DISK_FAILED;
    if (more > 0 && files->bytes_max > 0 && used_bytes(files) + more > files->bytes_max)
        return DISK_FULL;
    enum way way = count_call(files);
    if (!happens(way))
        bytes = span_first(bytes, bytes.len / 2); // some of it may have come through
    if (!span_is_empty(bytes))
        put(file, offset, bytes);
    return result_of(way);
}

static enum disk_result model_sync(struct disk *disk, int number)
{
    struct model_files *files = files_of(disk);
    struct model_file *file = files->files[number];
    enum way way = count_call(files);
    if (way == WAY_DEAD)
        return DISK_FAILED;
    files->syncs++;
    if (way == WAY_LIE)
        return DISK_OK;
    for (size_t i = 0; i < sectors(file->len); i++) {
        if (file->is_dirty[i] && happens(way))
            store_sector(file, i);
        file->is_dirty[i] = false;
    }
    return result_of(way);
}

static enum disk_result model_rename(struct disk *disk, const char *from, const char *to)
{
    struct model_files *files = files_of(disk);
    struct model_file *file = model_files_find(files, from);
    enum way way = count_call(files);
    if (!happens(way))
        return DISK_FAILED;
    if (file == NULL)
        return DISK_NONE;
    if (strcmp(from, to) != 0)
        change_names(files, from, to, file);
    return result_of(way);
}

static enum disk_result model_remove(struct disk *disk, const char *name)
{
    struct model_files *files = files_of(disk);
    enum way way = count_call(files);
    if (!happens(way))
        return DISK_FAILED;
    if (model_files_find(files, name) == NULL)
        return DISK_NONE;
    change_names(files, "", name, NULL);
    return result_of(way);
}

static enum disk_result model_sync_names(struct disk *disk)
{
    struct model_files *files = files_of(disk);
    enum way way = count_call(files);
    if (!happens(way))
        return DISK_FAILED;
    if (way == WAY_LIE)
        return DISK_OK;
    files->stored = files->names;
    files->changes_held = 0;
    return result_of(way);
}

static enum disk_result model_list(struct disk *disk, void (*on_name)(void *ctx, const char *name),
                                   void *ctx)
{
    const struct model_files *files = files_of(disk);
    const struct model_names names = files->names;
    for (size_t i = 0; i < names.held; i++)
        on_name(ctx, names.items[i].text);
    return DISK_OK;
}

static const char *model_failure(const struct disk *disk)
{
    (void)disk;
    return "the model's fault";
}

static void model_destroy(struct disk *disk)
{
    free(disk);
}

static const struct disk_ops model_ops = {
    .open = model_open,
    .close = model_close,
    .read = model_read,
    .write = model_write,
    .sync = model_sync,
    .rename = model_rename,
    .remove = model_remove,
    .sync_names = model_sync_names,
    .list = model_list,
    .failure = model_failure,
    .destroy = model_destroy,
};

struct disk *model_files_disk(struct model_files *files)
{
    struct model_disk_port *port = must(calloc(1, sizeof *port));
    port->disk.ops = &model_ops;
    port->files = files;
    return &port->disk;
}

static void free_file(struct model_file *file)
{
    free(file->cached);
    free(file->stored);
    free(file->is_dirty);
    free(file);
}

static bool has_name(const struct model_names *names, const struct model_file *file)
{
    for (size_t i = 0; i < names->held; i++) {
        if (names->items[i].file == file)
            return true;
    }
    return false;
}

static void forget_nameless(struct model_files *files)
{
    size_t kept = 0;
    for (size_t i = 0; i < files->files_held; i++) {
        struct model_file *file = files->files[i];
        if (has_name(&files->names, file))
            files->files[kept++] = file;
        else
            free_file(file);
    }
    files->files_held = kept;
}

void model_files_crash(struct model_files *files, struct seeded *dice)
{
    for (size_t i = 0; i < files->changes_held; i++) {
        if (seeded_below(dice, 2) == 0)
            apply(&files->stored, &files->changes[i]);
    }
    files->changes_held = 0;
    files->names = files->stored;
    forget_nameless(files);
    bool is_torn = false;
    for (size_t i = 0; i < files->files_held; i++)
        is_torn = crash_file(files->files[i], dice) || is_torn;
    files->torn += is_torn;
    files->is_crashed = false;
    files->has_failed = false;
    files->fault_at = 0;
}

void model_files_copy(const struct model_files *files, struct model_files *out)
{
    *out = (struct model_files){0};
    for (size_t i = 0; i < files->names.held; i++) {
        const struct model_name *name = &files->names.items[i];
        struct model_file *file = add_file(out);
        if (name->file->len > 0)
            put(file, 0, span_make(name->file->cached, name->file->len));
        set_name(&out->names, name->text, file);
    }
    out->stored = out->names;
}

void model_files_fini(struct model_files *files)
{
    for (size_t i = 0; i < files->files_held; i++)
        free_file(files->files[i]);
    *files = (struct model_files){0};
}
