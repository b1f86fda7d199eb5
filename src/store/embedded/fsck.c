// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A journal that cannot be read is told, and the table is looked at all the same, as it is without
// what the journal had: faults between spaces may then only be what a checkpoint had half moved.
#include "store/embedded/fsck.h"

#include "store/embedded/data_dir.h"
#include "store/embedded/lmdb_table.h"
#include "store/embedded/posix_disk.h"

#include <errno.h>
#include <sys/stat.h>

#define PATH_BYTES_MAX 4096U
#define TABLE_FILE "/table.mdb"
#define JOURNAL_FOLDER "/journal"

struct look {
    struct fsck *fsck;
    struct table *table;
    struct view *view;
    struct disk *disk; // NULL: there is no folder
    struct overlay overlay;
};

static enum err tell(struct err_info *info, enum err err, const char *what, const char *why)
{
    err_info_set(info, "cannot %s: %s", what, why);
    return err;
}

// False: it is too long.
static bool join(const char *directory, const char *name, char out[PATH_BYTES_MAX])
{
    struct strbuf text = strbuf_over(out, PATH_BYTES_MAX - 1);
    strbuf_put_text(&text, directory);
    strbuf_put_text(&text, name);
    out[text.len] = '\0';
    return !text.is_overflowed;
}

// Nothing is to be made where there is nothing.
static enum err check_table(const char *directory, struct err_info *info)
{
    char path[PATH_BYTES_MAX];
    struct stat facts;
    if (!join(directory, TABLE_FILE, path))
        return tell(info, ERR_NOT_FOUND, "read it", "its path is too long");
    if (stat(path, &facts) == 0)
        return ERR_OK;
    int number = errno;
    enum err err = number == ENOENT || number == ENOTDIR ? ERR_NOT_FOUND : ERR_IO;
    err = number == EACCES ? ERR_PERMISSION : err;
    err_info_set(info, "%.200s is no data directory: there is no table.mdb (%s)", directory,
                 strerror(number));
    return err;
}

static enum err open_disk(struct look *look, struct err_info *info)
{
    char path[PATH_BYTES_MAX];
    struct stat facts;
    bool is_short = join(look->fsck->directory, JOURNAL_FOLDER, path);
    ASSERT(is_short); // shorter than the table's
    if (stat(path, &facts) != 0 && errno == ENOENT)
        return ERR_OK;
    return posix_disk_create(path, &look->disk, info);
}

// --- the journal ---

static void tell_journal(const struct look *look, const char *why)
{
    const struct survey_fault fault = {
        .what = "the journal", .why = why, .then = "the server does not start with it"};
    look->fsck->on_fault(look->fsck->ctx, &fault);
}

static bool take_row(void *ctx, const struct journal_row *row)
{
    return overlay_put(&((struct look *)ctx)->overlay, row);
}

static void take_commit(void *ctx, const struct journal_position *end)
{
    (void)end;
    overlay_commit(&((struct look *)ctx)->overlay);
}

static bool never_waits(void *ctx)
{
    (void)ctx;
    return false;
}

static bool open_journal(const struct look *look, struct journal *journal)
{
    const struct journal_options options = {
        .disk = look->disk,
        .segment_bytes = JOURNAL_SEGMENT_BYTES_LEAST, // a segment's head says its own
        .segments_max = JOURNAL_SEGMENTS_MAX,
        .reserve = 1,
        .wait = never_waits,
    };
    return journal_init(journal, &options);
}

static enum err inspect(struct look *look, struct journal *journal, const struct journal_meta *meta,
                        struct err_info *info)
{
    const struct journal_sink sink = {take_row, take_commit, look};
    struct fsck *fsck = look->fsck;
    fsck->has_journal = true;
    enum err err = journal_inspect(journal, meta, &sink, &fsck->journal, info);
    overlay_abort(&look->overlay); // what a commit began without its end
    if (err != ERR_INVALID)
        return err;
    tell_journal(look, info->text);
    return ERR_OK;
}

static enum err look_for_files(struct look *look, struct journal *journal, struct err_info *info)
{
    bool has_files = false;
    enum err err = look->disk != NULL ? journal_has_files(journal, &has_files, info) : ERR_OK;
    if (err == ERR_OK && has_files)
        tell_journal(look, "is there, and the table does not know of it: they are not of one "
                           "directory; restore a backup");
    return err;
}

// What the table says of it; ERR_NOT_FOUND: nothing. A damaged row is told by the survey.
static enum err read_meta(const struct look *look, struct journal_meta *out, struct err_info *info)
{
    struct span value;
    enum table_result result = view_get(look->view, TABLE_META, SPAN(JOURNAL_META_KEY), &value);
    if (result == TABLE_FAILED)
        return tell(info, ERR_IO, "read the table", view_failure(look->view));
    bool is_known = result == TABLE_OK && journal_read_meta(value, out) == CODEC_OK;
    if (result == TABLE_NONE)
        return ERR_NOT_FOUND;
    out->is_made = out->is_made && is_known;
    return ERR_OK;
}

static enum err look_at_journal(struct look *look, struct err_info *info)
{
    struct journal journal;
    struct journal_meta meta = {.is_made = false};
    enum err err = read_meta(look, &meta, info);
    if (err != ERR_OK && err != ERR_NOT_FOUND)
        return err;
    bool is_known = err == ERR_OK;
    if (is_known && meta.is_made && look->disk == NULL) {
        tell_journal(look, "is missing; restore a backup");
        return ERR_OK;
    }
    if (!open_journal(look, &journal))
        return ERR_NO_MEMORY;
    err = ERR_OK;
    if (meta.is_made)
        err = inspect(look, &journal, &meta, info);
    else if (!is_known)
        err = look_for_files(look, &journal, info);
    journal_fini(&journal);
    return err;
}

// --- all of it ---

static enum err look_at_rows(struct look *look, struct err_info *info)
{
    struct fsck *fsck = look->fsck;
    struct survey survey = {
        .view = look->view,
        .overlay = &look->overlay,
        .fingerprint = fsck->fingerprint,
        .on_fault = fsck->on_fault,
        .ctx = fsck->ctx,
    };
    enum err err = survey_run(&survey, info);
    memcpy(fsck->rows, survey.rows, sizeof fsck->rows);
    fsck->open_entries = survey.open_entries;
    return err == ERR_IO ? ERR_INVALID : err;
}

static enum err look_inside(struct look *look, struct err_info *info)
{
    look->view = lmdb_view_create(look->table);
    enum err err = open_disk(look, info);
    if (err == ERR_OK && view_begin(look->view) != TABLE_OK)
        err = tell(info, ERR_IO, "read the table", view_failure(look->view));
    if (err == ERR_OK)
        err = look_at_journal(look, info);
    if (err == ERR_OK)
        err = look_at_rows(look, info);
    view_end(look->view);
    view_destroy(&look->view);
    disk_destroy(&look->disk);
    overlay_fini(&look->overlay);
    return err;
}

static enum err look_at_all(struct fsck *fsck, struct err_info *info)
{
    const struct lmdb_table_options options = {.directory = fsck->directory, .is_read_only = true};
    struct look look = {.fsck = fsck};
    enum err err = lmdb_table_create(&options, &look.table, info);
    if (err != ERR_OK)
        return err;
    err = look_inside(&look, info);
    table_destroy(&look.table);
    if (err == ERR_NO_MEMORY)
        err_info_set(info, "it does not fit into memory");
    return err;
}

enum err fsck_run(struct fsck *fsck, struct err_info *info)
{
    struct data_dir dir;
    enum err err = check_table(fsck->directory, info);
    if (err == ERR_OK)
        err = data_dir_open(fsck->directory, &dir, info);
    if (err != ERR_OK)
        return err;
    err = look_at_all(fsck, info);
    data_dir_close(&dir);
    return err;
}
