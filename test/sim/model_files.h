// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A directory of files in memory (store/embedded/disk.h) that behaves as a disk does at its worst:
// what was not synced may be there after a crash, or not, or torn, or noise, sector by sector;
// names that were not synced may revert; any call can be made to fail, or to be the last one.

#include "sim/seeded.h"
#include "store/embedded/disk.h"

#define MODEL_SECTOR_BYTES 512U
#define MODEL_FILES_MAX 64U
#define MODEL_NAME_CHANGES_MAX 256U

enum model_files_fault {
    MODEL_FILES_CRASH,       // that call, and all later ones, do not happen
    MODEL_FILES_CRASH_AFTER, // it happens, but nobody hears of it
    MODEL_FILES_EIO, // a write is half done, a synced page is marked clean and is not on the disk
    MODEL_FILES_LIE, // a sync says that it is done
};

struct model_file {
    uint8_t *cached;
    uint8_t *stored;
    bool *is_dirty; // by sector
    size_t len;     // of cached
    size_t stored_len;
};

struct model_name {
    char text[DISK_NAME_BYTES_MAX];
    struct model_file *file;
};

struct model_names {
    struct model_name items[MODEL_FILES_MAX];
    size_t held;
};

// `to` gets `file` (NULL: is removed), and `from` (when not empty) is removed.
struct model_name_change {
    char from[DISK_NAME_BYTES_MAX];
    char to[DISK_NAME_BYTES_MAX];
    struct model_file *file;
};

// The disk. All zeros is an empty one; model_files_fini frees what it holds.
struct model_files {
    struct model_names names;                                 // as programs see them
    struct model_names stored;                                // as they are on the disk
    struct model_name_change changes[MODEL_NAME_CHANGES_MAX]; // not on the disk
    size_t changes_held;
    struct model_file *files[1024];
    size_t files_held;

    uint64_t calls; // that change something
    uint64_t syncs;
    uint64_t torn;      // crashes that left a sector in part or as noise
    uint64_t fault_at;  // the call that fails, by the count of calls; 0: none
    uint64_t lies_from; // from that call on every sync lies; 0: none does
    enum model_files_fault fault;
    bool is_crashed;
    bool has_failed;
    size_t bytes_max; // of all files; 0: no limit
};

// Over the files, which have to outlive it.
struct disk *model_files_disk(struct model_files *files);

// The machine goes down, and comes up again.
void model_files_crash(struct model_files *files, struct seeded *dice);

struct model_file *model_files_find(struct model_files *files, const char *name);

// A copy, as the disk has it; to damage. model_files_fini frees it.
void model_files_copy(const struct model_files *files, struct model_files *out);

void model_files_fini(struct model_files *files);
