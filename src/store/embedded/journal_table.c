// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The writer's half. The frozen generation is read while READY and SAVED (journal_table_in.h). It
// is dropped only by a view that was begun after it was seen SAVED, and segments are forgotten only
// then, so at no time is a row in neither place.
//
// `floor`: no row of a space has a key up to it. Expiry pops its rows from the front, and the
// deleted ones stay in the overlays and behind; without it each look would go over all of them.
#include "store/embedded/journal_table_in.h"

#include "base/assert.h"

#include <stdlib.h>

#define SEGMENTS 16U        // a journal has
#define FREEZE_SEGMENTS 5U  // that one generation fills; two of them, and some to spare
#define OVERLAY_SHARE 4U    // of the journal's bytes that one generation's rows take
#define RESERVE_SEGMENTS 3U // for what has to be written on a full disk

static struct journal_table *journaled_of(struct table *table)
{
    return (struct journal_table *)table;
}

// --- generations ---

static enum table_result fail(struct journal_table *table, const char *failure)
{
    keeper_break(table, failure);
    return TABLE_FAILED;
}

static bool drop_frozen(struct journal_table *table)
{
    journal_table_lock(table);
    bool is_saved = table->state == FROZEN_SAVED;
    journal_table_unlock(table);
    if (!is_saved)
        return false;
    view_end(table->options.view);
    if (view_begin(table->options.view) != TABLE_OK)
        return fail(table, view_failure(table->options.view)) == TABLE_OK;
    journal_table_lock(table);
    table->state = FROZEN_DROPPED;
    table->checkpoints++;
    journal_table_unlock(table);
    table->reads_frozen = false;
    journal_forget(&table->journal, &table->frozen_to);
    keeper_wake(table);
    return true;
}

static void freeze(struct journal_table *table)
{
    struct overlay *other = &table->generations[table->active == &table->generations[0]];
    const struct journal_meta meta = {true, table->id, table->journal.end};
    checkpoint_begin(&table->checkpoint, table->active, &meta, table->options.step_rows);
    journal_table_lock(table);
    table->frozen = table->active;
    table->frozen_to = table->journal.end;
    table->state = FROZEN_READY;
    journal_table_unlock(table);
    table->active = other;
    table->active_from = table->journal.end.segment;
    table->reads_frozen = true;
    keeper_wake(table);
}

static bool is_large(const struct journal_table *table)
{
    return overlay_bytes(table->active) >= table->overlay_bytes ||
           table->journal.end.segment - table->active_from >= FREEZE_SEGMENTS;
}

static bool may_freeze(struct journal_table *table)
{
    journal_table_lock(table);
    bool is_empty = table->state == FROZEN_EMPTY;
    journal_table_unlock(table);
    return is_empty && overlay_count(table->active) > 0;
}

// The keeper is behind: true when it has done something since. A step that is under way may have
// looked before the writer's wish was there, so only one that begins later may say that there is
// nothing to do.
static bool wait_for_keeper(void *ctx)
{
    struct journal_table *table = ctx;
    if (drop_frozen(table))
        return true;
    if (!table->options.is_threaded)
        return keeper_step(table) == STEP_DONE;
    journal_table_lock(table);
    uint64_t done = table->steps_done, last = table->steps_begun + 1;
    table->has_news = true;
    (void)pthread_cond_signal(&table->wake);
    while (table->steps_done == done && table->steps_ended < last && !table->is_failed)
        (void)pthread_cond_wait(&table->progress, &table->lock);
    bool has_done = table->steps_done != done || table->state == FROZEN_SAVED;
    bool is_failed = table->is_failed;
    journal_table_unlock(table);
    return has_done && !is_failed;
}

// --- transactions ---

static bool is_failed(struct journal_table *table)
{
    journal_table_lock(table);
    bool is_failed = table->is_failed;
    journal_table_unlock(table);
    return is_failed;
}

static enum table_result journaled_begin(struct table *base)
{
    struct journal_table *table = journaled_of(base);
    ASSERT(!table->is_open);
    if (is_failed(table))
        return TABLE_FAILED;
    if (view_begin(table->options.view) != TABLE_OK)
        return fail(table, view_failure(table->options.view));
    if (!drop_frozen(table) && is_failed(table))
        return TABLE_FAILED;
    if (is_large(table) && may_freeze(table))
        freeze(table);
    memcpy(table->floors_at_begin, table->floors, sizeof table->floors);
    table->is_open = true;
    return TABLE_OK;
}

static bool get_changed(const struct journal_table *table, enum table_space space, struct span key,
                        struct journal_row *out)
{
    if (overlay_get(table->active, space, key, out))
        return true;
    return table->reads_frozen && overlay_get(table->frozen, space, key, out);
}

static bool is_own(enum table_space space, struct span key)
{
    return space == TABLE_META && span_eq(key, SPAN(JOURNAL_META_KEY));
}

static enum table_result behind(struct journal_table *table, enum table_result result)
{
    return result == TABLE_FAILED ? fail(table, view_failure(table->options.view)) : result;
}

static enum table_result journaled_get(struct table *base, enum table_space space, struct span key,
                                       struct span *value_out)
{
    struct journal_table *table = journaled_of(base);
    struct journal_row row;
    ASSERT(table->is_open);
    ASSERT(!is_own(space, key));
    if (!get_changed(table, space, key, &row))
        return behind(table, view_get(table->options.view, space, key, value_out));
    if (row.is_deleted)
        return TABLE_NONE;
    *value_out = row.value;
    return TABLE_OK;
}

// What is put at or before a floor lifts it.
static void put_floor(struct floor *floor, struct span key)
{
    struct span at = span_make(floor->key, floor->len);
    size_t shorter = at.len < key.len ? at.len : key.len;
    int order = shorter > 0 ? memcmp(key.data, at.data, shorter) : 0;
    if (order < 0 || (order == 0 && key.len <= at.len))
        floor->len = 0;
}

static void raise_floor(struct floor *floor, struct span key)
{
    memcpy(floor->key, key.data, key.len);
    floor->len = key.len;
}

static enum table_result put_row(struct journal_table *table, const struct journal_row *row)
{
    ASSERT(table->is_open);
    ASSERT(!is_own(row->space, row->key));
    if (overlay_put(table->active, row))
        return TABLE_OK;
    journal_table_lock(table);
    table->failure = "out of memory";
    journal_table_unlock(table);
    return TABLE_FULL;
}

static enum table_result journaled_put(struct table *base, enum table_space space, struct span key,
                                       struct span value)
{
    struct journal_table *table = journaled_of(base);
    const struct journal_row row = {space, false, key, value};
    put_floor(&table->floors[space], key);
    return put_row(table, &row);
}

static enum table_result journaled_del(struct table *base, enum table_space space, struct span key)
{
    struct journal_table *table = journaled_of(base);
    const struct journal_row row = {space, true, key, span_make(NULL, 0)};
    struct span value;
    enum table_result result = journaled_get(base, space, key, &value);
    return result == TABLE_OK ? put_row(table, &row) : result;
}

// --- in order ---

struct candidate {
    struct journal_row row;
    bool is_found;
};

static bool is_before(struct span a, struct span b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.data, b.data, shorter);
    return order < 0 || (order == 0 && a.len < b.len);
}

// The first of both, and of two with one key the first given.
static void take_first(struct candidate *best, const struct candidate *other)
{
    if (other->is_found && (!best->is_found || is_before(other->row.key, best->row.key)))
        *best = *other;
}

static enum table_result first_behind(struct journal_table *table, enum table_space space,
                                      struct span after, struct candidate *out)
{
    struct journal_row *row = &out->row;
    struct view *view = table->options.view;
    *row = (struct journal_row){.space = space};
    enum table_result result = view_next(view, space, after, &row->key, &row->value);
    if (result == TABLE_OK && is_own(space, row->key))
        result = view_next(view, space, row->key, &row->key, &row->value);
    out->is_found = result == TABLE_OK;
    return result == TABLE_NONE ? TABLE_OK : behind(table, result);
}

// The first row of all three, deleted or not.
static enum table_result first_after(struct journal_table *table, enum table_space space,
                                     struct span after, struct candidate *out)
{
    struct candidate frozen = {.is_found = false}, base;
    overlay_arrange(table->active, space, after);
    out->is_found = overlay_next(table->active, space, after, &out->row);
    if (table->reads_frozen)
        frozen.is_found = overlay_next(table->frozen, space, after, &frozen.row);
    enum table_result result = first_behind(table, space, after, &base);
    if (result != TABLE_OK)
        return result;
    take_first(out, &frozen);
    take_first(out, &base);
    return out->is_found ? TABLE_OK : TABLE_NONE;
}

static enum table_result journaled_next(struct table *base, enum table_space space,
                                        struct span after, struct span *key_out,
                                        struct span *value_out)
{
    struct journal_table *table = journaled_of(base);
    struct floor *floor = &table->floors[space];
    struct candidate found;
    bool is_from_start = span_is_empty(after);
    ASSERT(table->is_open);
    if (is_from_start)
        after = span_make(floor->key, floor->len);
    for (;;) {
        enum table_result result = first_after(table, space, after, &found);
        if (result != TABLE_OK)
            return result;
        if (!found.row.is_deleted)
            break;
        after = found.row.key;
        if (is_from_start)
            raise_floor(floor, after);
    }
    *key_out = found.row.key;
    *value_out = found.row.value;
    return TABLE_OK;
}

// --- ends ---

static void close_transaction(struct journal_table *table)
{
    overlay_abort(table->active);
    memcpy(table->floors, table->floors_at_begin, sizeof table->floors);
    view_end(table->options.view);
    table->is_open = false;
}

static void journaled_abort(struct table *base)
{
    struct journal_table *table = journaled_of(base);
    if (table->is_open)
        close_transaction(table);
}

static enum table_result append(struct journal_table *table, struct span rows)
{
    uint64_t segment = table->journal.end.segment;
    enum table_result result = journal_append(&table->journal, rows);
    if (result == TABLE_FAILED)
        return fail(table, disk_failure(table->options.disk));
    if (result != TABLE_OK)
        return result;
    overlay_commit(table->active);
    memcpy(table->floors_at_begin, table->floors, sizeof table->floors);
    if (table->journal.end.segment != segment)
        keeper_wake(table);
    return TABLE_OK;
}

static enum table_result journaled_commit(struct table *base)
{
    struct journal_table *table = journaled_of(base);
    ASSERT(table->is_open);
    struct span rows = overlay_uncommitted(table->active);
    enum table_result result = span_is_empty(rows) ? TABLE_OK : append(table, rows);
    close_transaction(table);
    if (result == TABLE_OK && !table->options.is_threaded)
        (void)keeper_step(table);
    return result;
}

static bool journaled_is_tight(const struct table *base)
{
    return keeper_is_tight((const struct journal_table *)base);
}

static uint64_t journaled_position(const struct table *base)
{
    return ((const struct journal_table *)base)->journal.end.sequence;
}

// Raised by nothing but a sync that has ended well.
static uint64_t journaled_synced(const struct table *base)
{
    const struct journal *journal = &((const struct journal_table *)base)->journal;
    return atomic_load_explicit(&journal->synced, memory_order_acquire);
}

static const char *journaled_failure(const struct table *base)
{
    return ((const struct journal_table *)base)->failure;
}

void journal_table_figures(struct table *base, struct journal_table_figures *out)
{
    struct journal_table *table = journaled_of(base);
    journal_table_lock(table);
    *out = (struct journal_table_figures){
        .sequence = table->journal.end.sequence,
        .synced = atomic_load_explicit(&table->journal.synced, memory_order_acquire),
        .bytes_written = table->journal.bytes_written,
        .checkpoints = table->checkpoints,
        .frozen_rows = table->reads_frozen ? overlay_count(table->frozen) : 0,
    };
    journal_table_unlock(table);
}

// --- life ---

static void journaled_destroy(struct table *base)
{
    struct journal_table *table = journaled_of(base);
    keeper_stop(table);
    journaled_abort(base);
    checkpoint_end(&table->checkpoint);
    overlay_fini(&table->generations[0]);
    overlay_fini(&table->generations[1]);
    journal_fini(&table->journal);
    view_destroy(&table->options.view);
    table_destroy(&table->options.base);
    disk_destroy(&table->options.disk);
    (void)pthread_cond_destroy(&table->wake);
    (void)pthread_cond_destroy(&table->progress);
    (void)pthread_mutex_destroy(&table->lock);
    free(table);
}

static const struct table_ops journaled_ops = {
    .begin = journaled_begin,
    .get = journaled_get,
    .put = journaled_put,
    .del = journaled_del,
    .next = journaled_next,
    .commit = journaled_commit,
    .abort = journaled_abort,
    .is_tight = journaled_is_tight,
    .position = journaled_position,
    .synced = journaled_synced,
    .failure = journaled_failure,
    .destroy = journaled_destroy,
};

// Until all is moved, or twice in a row nothing could be.
enum table_result journal_table_flush(struct table *base)
{
    struct journal_table *table = journaled_of(base);
    bool can_wait = true;
    ASSERT(!table->is_open);
    for (;;) {
        enum table_result result = journaled_begin(base);
        if (result != TABLE_OK)
            return result;
        bool has_more = may_freeze(table);
        if (has_more)
            freeze(table);
        bool is_saved = !has_more && !table->reads_frozen && overlay_count(table->active) == 0;
        bool could_wait = can_wait;
        can_wait = is_saved || wait_for_keeper(table);
        if (!can_wait && (!could_wait || is_failed(table)))
            result = is_failed(table) ? TABLE_FAILED : TABLE_FULL;
        journaled_abort(base);
        if (is_saved || result != TABLE_OK)
            return result;
    }
}

// --- opening ---

static enum err tell_base(struct journal_table *table, struct err_info *info)
{
    err_info_set(info, "cannot be used: %s", table_failure(table->options.base));
    return ERR_IO;
}

// ERR_NOT_FOUND: there is no such row.
static enum err read_meta(struct journal_table *table, struct journal_meta *out,
                          struct err_info *info)
{
    struct view *view = table->options.view;
    struct span value;
    enum codec_verdict verdict = CODEC_OK;
    enum table_result result = view_begin(view);
    if (result == TABLE_OK)
        result = view_get(view, TABLE_META, SPAN(JOURNAL_META_KEY), &value);
    if (result == TABLE_OK)
        verdict = journal_read_meta(value, out);
    view_end(view);
    if (result == TABLE_FAILED)
        return tell_base(table, info);
    if (result == TABLE_NONE)
        return ERR_NOT_FOUND;
    if (verdict == CODEC_OK)
        return ERR_OK;
    err_info_set(info,
                 verdict == CODEC_NEWER
                     ? "was written by a newer version of otpd (its journal); run that one, or "
                       "choose another --data-dir"
                     : "is damaged (where its journal begins); restore a backup, or move the "
                       "directory away to begin anew");
    return ERR_INVALID;
}

static enum err put_meta(struct journal_table *table, bool is_made, struct err_info *info)
{
    const struct journal_meta meta = {is_made, table->id, {0, 0, 1, JOURNAL_BLOCK_BYTES}};
    return checkpoint_put_meta(table->options.base, &meta) == TABLE_OK ? ERR_OK
                                                                       : tell_base(table, info);
}

static enum err check_no_files(struct journal_table *table, struct err_info *info)
{
    bool has_files;
    enum err err = journal_has_files(&table->journal, &has_files, info);
    if (err != ERR_OK || !has_files)
        return err;
    err_info_set(info, "has a journal that its table does not know of; restore a backup, or move "
                       "the directory away to begin anew");
    return ERR_INVALID;
}

// A table without a journal: empty, or of a version that had none.
static enum err make_journal(struct journal_table *table, bool is_known, struct err_info *info)
{
    enum err err = is_known ? ERR_OK : check_no_files(table, info);
    if (err != ERR_OK)
        return err;
    entropy_fill(&table->options.entropy, &table->id, sizeof table->id);
    err = put_meta(table, false, info);
    if (err == ERR_OK)
        err = journal_begin(&table->journal, &table->id, info);
    return err == ERR_OK ? put_meta(table, true, info) : err;
}

static bool replay_row(void *ctx, const struct journal_row *row)
{
    return overlay_put(((struct journal_table *)ctx)->active, row);
}

static void replay_commit(void *ctx, const struct journal_position *end)
{
    (void)end;
    overlay_commit(((struct journal_table *)ctx)->active);
}

static enum err open_journal(struct journal_table *table, struct err_info *info)
{
    const struct journal_sink sink = {replay_row, replay_commit, table};
    struct journal_meta meta = {.is_made = false};
    enum err err = read_meta(table, &meta, info);
    if (err != ERR_OK && err != ERR_NOT_FOUND)
        return err;
    if (!meta.is_made)
        return make_journal(table, err == ERR_OK, info);
    table->id = meta.id;
    err = journal_replay(&table->journal, &meta, &sink, info);
    overlay_abort(table->active); // what a commit began without its end
    table->active_from = meta.from.segment;
    if (err == ERR_OK)
        LOG_EVENT(table->options.log, LOG_INFO, "store.replayed",
                  log_number("records", (int64_t)table->journal.replayed),
                  log_number("rows", (int64_t)overlay_count(table->active)),
                  log_number("torn", table->journal.was_torn));
    return err;
}

static bool init(struct journal_table *table, const struct journal_table_options *options)
{
    const struct journal_options journal = {
        .disk = options->disk,
        .segment_bytes =
            options->journal_bytes / SEGMENTS / JOURNAL_BLOCK_BYTES * JOURNAL_BLOCK_BYTES,
        .segments_max = SEGMENTS,
        .reserve = RESERVE_SEGMENTS,
        .wait = wait_for_keeper,
        .ctx = table,
    };
    pthread_condattr_t monotonic;
    table->table.ops = &journaled_ops;
    table->options = *options;
    table->overlay_bytes = options->journal_bytes / OVERLAY_SHARE;
    table->active = &table->generations[0];
    table->active_from = 1;
    table->failure = "nothing";
    (void)pthread_mutex_init(&table->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&table->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    (void)pthread_cond_init(&table->progress, NULL);
    return journal_init(&table->journal, &journal);
}

enum err journal_table_create(const struct journal_table_options *options, struct table **out,
                              struct err_info *info)
{
    struct journal_table *table = calloc(1, sizeof *table);
    ASSERT(table != NULL); // only at start-up, when nothing has been promised yet
    *out = &table->table;
    bool has_memory = init(table, options);
    ASSERT(has_memory);
    enum err err = open_journal(table, info);
    if (err == ERR_OK)
        err = keeper_start(table, info);
    if (err != ERR_OK)
        table_destroy(out);
    return err;
}
