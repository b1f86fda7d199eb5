// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A backup reads beside the server, as one more reader of LMDB. What a view shows may be a
// checkpoint that is half moved, so the journal's records from where the view's own row says are
// read too, and put in front. They reach beyond what the checkpoint moves, unless segments were
// given back meanwhile. That happens only once a checkpoint has changed the row: the row is read
// again behind it, and when it has changed, all is begun anew.
//
// The rows that say what the table is are written last, so that a copy that was not finished is
// none.
#include "store/embedded/transfer.h"

#include "store/embedded/data_dir.h"
#include "store/embedded/embedded.h"
#include "store/embedded/journal.h"
#include "store/embedded/lmdb_table.h"
#include "store/embedded/merged.h"
#include "store/embedded/posix_disk.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#define PATH_BYTES_MAX 4096U
#define TABLE_FILE "/table.mdb"
#define JOURNAL_FOLDER "/journal"
#define DIRECTORY_MODE 0700
#define STEP_ROWS 8192U // of one transaction
#define TRIES_MAX 50U
#define SEQUENCES_SINCE (UINT64_C(1) << 32) // more than a server uses up between backup and restore
#define SEQUENCES_APART ((UINT64_C(1) << 44) - 1) // where two restores of one backup go on

struct source {
    const char *directory;
    struct table *table;
    struct view *view;
    struct view *probe; // a later one
    struct disk *disk;
    struct overlay overlay;
};

struct copy {
    const struct source *source;
    struct merged merged;
    struct table *to;
    size_t pending; // rows of the open transaction
    bool is_restored;
    const struct entropy *entropy;
    uint64_t *rows;
    struct err_info *info;
};

static void join(const char *directory, const char *name, char out[PATH_BYTES_MAX])
{
    struct strbuf text = strbuf_over(out, PATH_BYTES_MAX - 1);
    strbuf_put_text(&text, directory);
    strbuf_put_text(&text, name);
    out[text.len] = '\0'; // what was cut off is not found
}

static enum err tell_view(const struct view *view, struct err_info *info)
{
    err_info_set(info, "the table cannot be read: %s", view_failure(view));
    return ERR_IO;
}

static bool has_row(struct view *view, const char *key)
{
    struct span value;
    return view_get(view, TABLE_META, span_of_text(key), &value) == TABLE_OK;
}

// --- where it comes from ---

static void close_source(struct source *source)
{
    if (source->view != NULL)
        view_end(source->view);
    view_destroy(&source->probe);
    view_destroy(&source->view);
    table_destroy(&source->table);
    disk_destroy(&source->disk);
    overlay_fini(&source->overlay);
}

static enum err open_source(struct source *source, bool is_shared, struct err_info *info)
{
    char path[PATH_BYTES_MAX];
    struct stat facts;
    const struct lmdb_table_options options = {
        .directory = source->directory, .is_read_only = true, .is_shared = is_shared};
    join(source->directory, TABLE_FILE, path);
    int number = stat(path, &facts) == 0 ? 0 : errno;
    if (number != 0) {
        err_info_set(info, "%.200s: there is no table.mdb: %s", source->directory,
                     strerror(number));
        return number == EACCES ? ERR_PERMISSION : ERR_NOT_FOUND;
    }
    enum err err = lmdb_table_create(&options, &source->table, info);
    if (err != ERR_OK)
        return err;
    source->view = lmdb_view_create(source->table);
    source->probe = lmdb_view_create(source->table);
    join(source->directory, JOURNAL_FOLDER, path);
    return is_shared && stat(path, &facts) == 0 ? posix_disk_create(path, &source->disk, info)
                                                : ERR_OK;
}

static bool take_row(void *ctx, const struct journal_row *row)
{
    return overlay_put(&((struct source *)ctx)->overlay, row);
}

static void take_commit(void *ctx, const struct journal_position *end)
{
    (void)end;
    overlay_commit(&((struct source *)ctx)->overlay);
}

static bool never_waits(void *ctx)
{
    (void)ctx;
    return false;
}

static enum err read_journal(struct source *source, const struct journal_meta *meta,
                             struct err_info *info)
{
    const struct journal_sink sink = {take_row, take_commit, source};
    const struct journal_options options = {
        .disk = source->disk,
        .segment_bytes = JOURNAL_SEGMENT_BYTES_LEAST, // a segment's head says its own
        .segments_max = JOURNAL_SEGMENTS_MAX,
        .reserve = 1,
        .wait = never_waits,
    };
    struct journal journal;
    if (source->disk == NULL) {
        err_info_set(info, "the journal of %.200s is missing", source->directory);
        return ERR_INVALID;
    }
    if (!journal_init(&journal, &options))
        return ERR_NO_MEMORY;
    enum err err = journal_read(&journal, meta, &sink, info);
    overlay_abort(&source->overlay);
    journal_fini(&journal);
    return err;
}

// ERR_NOT_FOUND: the view has no such row.
static enum err read_meta(struct view *view, struct journal_meta *out, struct err_info *info)
{
    struct span value;
    enum table_result result = view_get(view, TABLE_META, SPAN(JOURNAL_META_KEY), &value);
    if (result == TABLE_FAILED)
        return tell_view(view, info);
    if (result == TABLE_NONE)
        return ERR_NOT_FOUND;
    if (journal_read_meta(value, out) == CODEC_OK)
        return ERR_OK;
    err_info_set(info, "the row that says where the journal begins is damaged or newer");
    return ERR_INVALID;
}

// Whether no checkpoint has ended since.
static bool is_current(struct source *source, const struct journal_meta *meta)
{
    struct err_info ignored;
    struct journal_meta now;
    bool is_same = view_begin(source->probe) == TABLE_OK &&
                   read_meta(source->probe, &now, &ignored) == ERR_OK &&
                   now.from.sequence == meta->from.sequence;
    view_end(source->probe);
    return is_same;
}

// ERR_BUSY: another try may do.
static enum err try_reading(struct source *source, struct err_info *info)
{
    struct journal_meta meta = {.is_made = false};
    overlay_clear(&source->overlay, 0);
    view_end(source->view);
    if (view_begin(source->view) != TABLE_OK)
        return tell_view(source->view, info);
    enum err err = read_meta(source->view, &meta, info);
    if (err == ERR_NOT_FOUND || (err == ERR_OK && !meta.is_made))
        return ERR_OK;
    if (err == ERR_OK)
        err = read_journal(source, &meta, info);
    if (is_current(source, &meta))
        return err;
    err_info_set(info, "checkpoints come faster than the journal can be read; try again when the "
                       "server has less to do");
    return ERR_BUSY;
}

// --- rows ---

static bool is_of_outbox(enum table_space space)
{
    return space == TABLE_ENTRIES || space == TABLE_SEALED || space == TABLE_DELIVERIES ||
           space == TABLE_REFS;
}

static enum table_result put(struct copy *copy, const struct journal_row *row)
{
    copy->rows[row->space]++;
    copy->pending++;
    return table_put(copy->to, row->space, row->key, row->value);
}

// Of the source: nobody would want it as it is.
static enum table_result refuse(const struct copy *copy, const char *what)
{
    err_info_set(copy->info, "%.200s has a damaged row (%s): otpd fsck tells all",
                 copy->source->directory, what);
    return TABLE_FAILED;
}

// A person without the codes of then. What limits them, and what they have spent, stays.
static enum table_result put_record(struct copy *copy, const struct journal_row *row)
{
    struct record_key key;
    struct record record;
    uint8_t storage[CODEC_RECORD_BYTES_MAX];
    struct strbuf value = strbuf_over(storage, sizeof storage);
    if (row->key.len != sizeof key)
        return refuse(copy, "a person");
    memcpy(&key, row->key.data, sizeof key);
    if (codec_read_record(&key, row->value, &record) != CODEC_OK)
        return refuse(copy, "a person");
    memset(record.codes, 0, sizeof record.codes);
    record.codes_held = 0;
    codec_put_record(&key, &record, &value);
    return put(copy, &(struct journal_row){row->space, false, row->key, strbuf_span(&value)});
}

// Messages that were promised since the backup had the sequences behind its own. A receipt for one
// of those must not meet another message, nor one for those of an earlier restore.
static enum table_result put_state(struct copy *copy, const struct journal_row *row)
{
    struct codec_state state;
    uint8_t storage[CODEC_STATE_BYTES_MAX];
    struct strbuf value = strbuf_over(storage, sizeof storage);
    if (codec_read_state(row->value, &state) != CODEC_OK)
        return refuse(copy, "its state");
    state.next_sequence += SEQUENCES_SINCE + (entropy_u64(copy->entropy) & SEQUENCES_APART);
    state.first_open = state.next_sequence;
    codec_put_state(&state, &value);
    return put(copy, &(struct journal_row){row->space, false, row->key, strbuf_span(&value)});
}

// The identity has another name in a backup, so that no server takes one for its data.
static enum table_result put_meta(struct copy *copy, const struct journal_row *row)
{
    const char *from = copy->is_restored ? CODEC_BACKUP_KEY : CODEC_IDENTITY_KEY;
    const char *to = copy->is_restored ? CODEC_IDENTITY_KEY : CODEC_BACKUP_KEY;
    if (span_eq(row->key, SPAN(JOURNAL_META_KEY)))
        return TABLE_OK;
    if (span_eq(row->key, span_of_text(from)))
        return put(copy, &(struct journal_row){row->space, false, span_of_text(to), row->value});
    if (copy->is_restored && span_eq(row->key, SPAN(CODEC_STATE_KEY)))
        return put_state(copy, row);
    return put(copy, row);
}

static enum table_result put_row(struct copy *copy, const struct journal_row *row)
{
    if (row->space == TABLE_META)
        return put_meta(copy, row);
    if (!copy->is_restored)
        return put(copy, row);
    if (is_of_outbox(row->space))
        return TABLE_OK;
    return row->space == TABLE_RECORDS ? put_record(copy, row) : put(copy, row);
}

static enum table_result commit_when_full(struct copy *copy)
{
    if (copy->pending < STEP_ROWS)
        return TABLE_OK;
    copy->pending = 0;
    enum table_result result = table_commit(copy->to);
    return result == TABLE_OK ? table_begin(copy->to) : result;
}

static enum table_result copy_space(struct copy *copy, enum table_space space)
{
    struct merged_walk walk;
    struct journal_row row;
    enum table_result result = merged_begin(&copy->merged, space, &walk);
    while (result == TABLE_OK) {
        result = merged_next(&copy->merged, &walk, &row);
        if (result == TABLE_OK)
            result = put_row(copy, &row);
        if (result == TABLE_OK)
            result = commit_when_full(copy);
    }
    return result == TABLE_NONE ? TABLE_OK : result;
}

static enum table_result copy_spaces(struct copy *copy)
{
    enum table_result result = table_begin(copy->to);
    for (int i = 0; i < TABLE_SPACES_COUNT_ && result == TABLE_OK; i++) {
        if (i != TABLE_META)
            result = copy_space(copy, (enum table_space)i);
    }
    if (result == TABLE_OK)
        result = copy_space(copy, TABLE_META);
    return result == TABLE_OK ? table_commit(copy->to) : result;
}

static enum err copy_rows(struct source *source, struct table *to, bool is_restored,
                          struct transfer *transfer, struct err_info *info)
{
    struct copy copy = {.source = source,
                        .to = to,
                        .is_restored = is_restored,
                        .entropy = &transfer->entropy,
                        .rows = transfer->rows,
                        .info = info};
    info->text[0] = '\0';
    if (!merged_init(&copy.merged, source->view, &source->overlay))
        return ERR_NO_MEMORY;
    enum table_result result = copy_spaces(&copy);
    table_abort(to);
    merged_fini(&copy.merged);
    if (result == TABLE_OK)
        return ERR_OK;
    if (info->text[0] != '\0')
        return ERR_INVALID;
    err_info_set(info, "%.200s cannot be written: %s", transfer->to, table_failure(to));
    return ERR_IO;
}

// --- where it goes ---

static enum err check_empty(const char *path, struct err_info *info)
{
    DIR *directory = opendir(path);
    if (directory == NULL && errno == ENOENT)
        return ERR_OK;
    bool is_empty = directory != NULL && chmod(path, DIRECTORY_MODE) == 0;
    const struct dirent *entry;
    while (is_empty && (entry = readdir(directory)) != NULL)
        is_empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (directory != NULL)
        (void)closedir(directory);
    if (is_empty)
        return ERR_OK;
    err_info_set(info, "%.200s is there, and is no empty directory; choose another one", path);
    return ERR_EXISTS;
}

static enum err write_to(struct source *source, struct transfer *transfer, bool is_restored,
                         struct err_info *info)
{
    const struct lmdb_table_options options = {
        .directory = transfer->to, .bytes_max = embedded_store_defaults.table_bytes_max};
    struct table *to = NULL;
    struct data_dir dir;
    enum err err = data_dir_open(transfer->to, &dir, info);
    if (err != ERR_OK)
        return err;
    err = lmdb_table_create(&options, &to, info);
    if (err == ERR_OK)
        err = copy_rows(source, to, is_restored, transfer, info);
    table_destroy(&to);
    if (err == ERR_OK)
        err = data_dir_sync(transfer->to, info);
    data_dir_close(&dir);
    return err;
}

static enum err tell_memory(enum err err, struct err_info *info)
{
    if (err == ERR_NO_MEMORY)
        err_info_set(info, "it does not fit into memory");
    return err;
}

enum err backup_run(struct transfer *transfer, struct err_info *info)
{
    struct source source = {.directory = transfer->from};
    enum err err = check_empty(transfer->to, info);
    if (err == ERR_OK)
        err = open_source(&source, true, info);
    if (err == ERR_OK)
        err = try_reading(&source, info);
    for (size_t i = 1; i < TRIES_MAX && err == ERR_BUSY; i++)
        err = try_reading(&source, info);
    if (err == ERR_OK)
        err = write_to(&source, transfer, false, info);
    close_source(&source);
    return tell_memory(err, info);
}

enum err restore_run(struct transfer *transfer, struct err_info *info)
{
    struct source source = {.directory = transfer->from};
    enum err err = check_empty(transfer->to, info);
    if (err == ERR_OK)
        err = open_source(&source, false, info);
    if (err == ERR_OK && view_begin(source.view) != TABLE_OK)
        err = tell_view(source.view, info);
    if (err == ERR_OK && !has_row(source.view, CODEC_BACKUP_KEY)) {
        err_info_set(info, "%.200s is no backup, or one that was not finished", transfer->from);
        err = ERR_INVALID;
    }
    if (err == ERR_OK)
        err = write_to(&source, transfer, true, info);
    close_source(&source);
    return tell_memory(err, info);
}
