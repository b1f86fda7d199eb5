// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Rows in a sorted array. A transaction changes them in place and notes what was there before; an
// abort puts that back, last change first.
#include "sim/model_table.h"

#include "base/assert.h"

#include <stdlib.h>

// One change: the row that was there before, and one with the same key that is there now.
struct change {
    struct model_row *before; // NULL: there was none
    struct model_row *after;  // NULL: it was deleted
};

struct model_table {
    struct table table;
    struct model_disk *disk;
    struct change *changes; // of the open transaction
    size_t changes_held;
    size_t changes_room;
    bool is_open;
};

static struct model_table *model_of(struct table *table)
{
    return (struct model_table *)table;
}

static void *must(void *memory)
{
    ASSERT(memory != NULL);
    return memory;
}

static struct model_row *row_create(enum table_space space, struct span key, struct span value)
{
    struct model_row *row = must(malloc(sizeof *row + value.len));
    *row = (struct model_row){.space = space, .key_len = (uint8_t)key.len, .value_len = value.len};
    memcpy(row->key, key.data, key.len);
    row->value = (uint8_t *)(row + 1);
    if (value.len > 0)
        memcpy(row->value, value.data, value.len);
    return row;
}

static void rows_fini(struct model_rows *rows)
{
    for (size_t i = 0; i < rows->held; i++)
        free(rows->rows[i]);
    free(rows->rows);
    *rows = (struct model_rows){0};
}

static int compare(const struct model_row *row, enum table_space space, struct span key)
{
    if (row->space != space)
        return row->space < space ? -1 : 1;
    size_t shorter = row->key_len < key.len ? row->key_len : key.len;
    int order = shorter > 0 ? memcmp(row->key, key.data, shorter) : 0;
    if (order != 0)
        return order;
    return row->key_len < key.len ? -1 : row->key_len > key.len;
}

// Of the first row that is not before the key.
static size_t find_place(const struct model_rows *rows, enum table_space space, struct span key)
{
    size_t low = 0, high = rows->held;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare(rows->rows[middle], space, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct model_rows *rows, size_t at, enum table_space space, struct span key)
{
    return at < rows->held && compare(rows->rows[at], space, key) == 0;
}

static struct model_row *find(const struct model_rows *rows, enum table_space space,
                              struct span key)
{
    size_t at = find_place(rows, space, key);
    return is_at(rows, at, space, key) ? rows->rows[at] : NULL;
}

static void open_gap(struct model_rows *rows, size_t at)
{
    if (rows->held == rows->room) {
        rows->room = rows->room * 2 + 16;
        rows->rows = must(realloc(rows->rows, rows->room * sizeof *rows->rows));
    }
    struct model_row **row = &rows->rows[at];
    memmove(row + 1, row, (rows->held - at) * sizeof *row);
    rows->held++;
}

static void close_gap(struct model_rows *rows, size_t at)
{
    struct model_row **row = &rows->rows[at];
    rows->held--;
    memmove(row, row + 1, (rows->held - at) * sizeof *row);
}

// Puts `row` (NULL: nothing) in the place of what has the key, and gives that back.
static struct model_row *exchange(struct model_rows *rows, enum table_space space, struct span key,
                                  struct model_row *row)
{
    size_t at = find_place(rows, space, key);
    struct model_row *before = is_at(rows, at, space, key) ? rows->rows[at] : NULL;
    if (before == NULL && row != NULL)
        open_gap(rows, at);
    if (before != NULL && row == NULL)
        close_gap(rows, at);
    if (row != NULL)
        rows->rows[at] = row;
    return before;
}

static void note(struct model_table *model, struct model_row *before, struct model_row *after)
{
    if (model->changes_held == model->changes_room) {
        model->changes_room = model->changes_room * 2 + 16;
        model->changes =
            must(realloc(model->changes, model->changes_room * sizeof *model->changes));
    }
    model->changes[model->changes_held++] = (struct change){before, after};
}

static enum table_result fault(struct model_fault *fault)
{
    if (fault->result == TABLE_OK)
        return TABLE_OK;
    return fault->calls-- == 0 ? fault->result : TABLE_OK;
}

static enum table_result model_begin(struct table *table)
{
    struct model_table *model = model_of(table);
    ASSERT(!model->is_open);
    enum table_result result = fault(&model->disk->at_begin);
    if (result != TABLE_OK)
        return result;
    model->is_open = true;
    return TABLE_OK;
}

static enum table_result model_get(struct table *table, enum table_space space, struct span key,
                                   struct span *value_out)
{
    struct model_table *model = model_of(table);
    ASSERT(model->is_open);
    model->disk->gets++;
    const struct model_row *row = find(&model->disk->rows, space, key);
    if (row == NULL)
        return TABLE_NONE;
    *value_out = span_make(row->value, row->value_len);
    return TABLE_OK;
}

static enum table_result model_put(struct table *table, enum table_space space, struct span key,
                                   struct span value)
{
    struct model_table *model = model_of(table);
    ASSERT(model->is_open);
    ASSERT(key.len > 0);
    ASSERT(key.len <= TABLE_KEY_BYTES_MAX);
    enum table_result result = fault(&model->disk->at_put);
    if (result != TABLE_OK)
        return result;
    struct model_rows *rows = &model->disk->rows;
    size_t rows_max = model->disk->rows_max;
    if (rows_max > 0 && rows->held >= rows_max && find(rows, space, key) == NULL)
        return TABLE_FULL;
    struct model_row *row = row_create(space, key, value);
    note(model, exchange(rows, space, key, row), row);
    return TABLE_OK;
}

static enum table_result model_del(struct table *table, enum table_space space, struct span key)
{
    struct model_table *model = model_of(table);
    ASSERT(model->is_open);
    enum table_result result = fault(&model->disk->at_put);
    if (result != TABLE_OK)
        return result;
    struct model_row *before = exchange(&model->disk->rows, space, key, NULL);
    if (before == NULL)
        return TABLE_NONE;
    note(model, before, NULL);
    return TABLE_OK;
}

static enum table_result next(const struct model_rows *rows, enum table_space space,
                              struct span after, struct span *key_out, struct span *value_out)
{
    size_t at = find_place(rows, space, after);
    if (is_at(rows, at, space, after))
        at++;
    if (at == rows->held || rows->rows[at]->space != space)
        return TABLE_NONE;
    const struct model_row *row = rows->rows[at];
    *key_out = span_make(row->key, row->key_len);
    *value_out = span_make(row->value, row->value_len);
    return TABLE_OK;
}

static enum table_result model_next(struct table *table, enum table_space space, struct span after,
                                    struct span *key_out, struct span *value_out)
{
    struct model_table *model = model_of(table);
    ASSERT(model->is_open);
    model->disk->nexts++;
    return next(&model->disk->rows, space, after, key_out, value_out);
}

static void undo(struct model_table *model, const struct change *change)
{
    const struct model_row *row = change->after != NULL ? change->after : change->before;
    (void)exchange(&model->disk->rows, row->space, span_make(row->key, row->key_len),
                   change->before);
    free(change->after);
}

static void model_abort(struct table *table)
{
    struct model_table *model = model_of(table);
    while (model->changes_held > 0)
        undo(model, &model->changes[--model->changes_held]);
    model->is_open = false;
}

static void save(struct model_table *model)
{
    for (size_t i = 0; i < model->changes_held; i++) {
        const struct change *change = &model->changes[i];
        bool is_record = change->before != NULL && change->before->space == TABLE_RECORDS;
        model->disk->records_deleted += is_record && change->after == NULL;
        free(change->before);
    }
    model->changes_held = 0;
}

static enum table_result model_commit(struct table *table)
{
    struct model_table *model = model_of(table);
    ASSERT(model->is_open);
    struct model_disk *disk = model->disk;
    enum table_result result = fault(&disk->at_commit);
    if (result == TABLE_OK || disk->at_commit.is_applied)
        save(model);
    model_abort(table);
    disk->commits += result == TABLE_OK;
    return result;
}

static const char *model_failure(const struct table *table)
{
    (void)table;
    return "the model's fault";
}

static void model_destroy(struct table *table)
{
    model_abort(table);
    free(model_of(table)->changes);
    free(table);
}

static const struct table_ops model_ops = {
    .begin = model_begin,
    .get = model_get,
    .put = model_put,
    .del = model_del,
    .next = model_next,
    .commit = model_commit,
    .abort = model_abort,
    .failure = model_failure,
    .destroy = model_destroy,
};

struct table *model_table_create(struct model_disk *disk)
{
    struct model_table *model = must(calloc(1, sizeof *model));
    model->table.ops = &model_ops;
    model->disk = disk;
    return &model->table;
}

// --- views ---

struct model_view {
    struct view view;
    struct model_disk *disk;
    bool is_begun;
};

static struct model_view *view_of(struct view *view)
{
    return (struct model_view *)view;
}

static enum table_result model_view_begin(struct view *base)
{
    struct model_view *view = view_of(base);
    ASSERT(!view->is_begun);
    enum table_result result = fault(&view->disk->at_begin);
    view->is_begun = result == TABLE_OK;
    return result;
}

static enum table_result model_view_get(struct view *base, enum table_space space, struct span key,
                                        struct span *value_out)
{
    const struct model_view *view = view_of(base);
    ASSERT(view->is_begun);
    view->disk->gets++;
    const struct model_row *row = find(&view->disk->rows, space, key);
    if (row == NULL)
        return TABLE_NONE;
    *value_out = span_make(row->value, row->value_len);
    return TABLE_OK;
}

static enum table_result model_view_next(struct view *base, enum table_space space,
                                         struct span after, struct span *key_out,
                                         struct span *value_out)
{
    const struct model_view *view = view_of(base);
    ASSERT(view->is_begun);
    view->disk->nexts++;
    return next(&view->disk->rows, space, after, key_out, value_out);
}

static void model_view_end(struct view *base)
{
    view_of(base)->is_begun = false;
}

static const char *model_view_failure(const struct view *base)
{
    (void)base;
    return "the model's fault";
}

static void model_view_destroy(struct view *base)
{
    free(base);
}

static const struct view_ops model_view_ops = {
    .begin = model_view_begin,
    .get = model_view_get,
    .next = model_view_next,
    .end = model_view_end,
    .failure = model_view_failure,
    .destroy = model_view_destroy,
};

struct view *model_view_create(struct model_disk *disk)
{
    struct model_view *view = must(calloc(1, sizeof *view));
    view->view.ops = &model_view_ops;
    view->disk = disk;
    return &view->view;
}

void model_disk_fini(struct model_disk *disk)
{
    rows_fini(&disk->rows);
    *disk = (struct model_disk){0};
}

struct model_row *model_disk_find(struct model_disk *disk, enum table_space space, struct span key)
{
    return find(&disk->rows, space, key);
}

size_t model_disk_count(const struct model_disk *disk, enum table_space space)
{
    size_t count = 0;
    for (size_t i = 0; i < disk->rows.held; i++)
        count += disk->rows.rows[i]->space == space;
    return count;
}
