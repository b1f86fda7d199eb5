// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Rows in a sorted array. A transaction works on a copy, which a commit puts in the disk's place.
#include "sim/model_table.h"

#include "base/assert.h"

#include <stdlib.h>

struct model_table {
    struct table table;
    struct model_disk *disk;
    struct model_rows rows; // of the open transaction
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

static void row_fill(struct model_row *row, struct span value)
{
    free(row->value);
    row->value = must(malloc(value.len + 1));
    row->value_len = value.len;
    if (value.len > 0)
        memcpy(row->value, value.data, value.len);
}

static void rows_fini(struct model_rows *rows)
{
    for (size_t i = 0; i < rows->held; i++)
        free(rows->rows[i].value);
    free(rows->rows);
    *rows = (struct model_rows){0};
}

static struct model_rows rows_copy(const struct model_rows *from)
{
    struct model_rows copy = {.held = from->held, .room = from->held + 1};
    copy.rows = must(calloc(copy.room, sizeof *copy.rows));
    for (size_t i = 0; i < from->held; i++) {
        copy.rows[i] = from->rows[i];
        copy.rows[i].value = NULL;
        row_fill(&copy.rows[i], span_make(from->rows[i].value, from->rows[i].value_len));
    }
    return copy;
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
        if (compare(&rows->rows[middle], space, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct model_row *find(const struct model_rows *rows, enum table_space space,
                              struct span key)
{
    size_t at = find_place(rows, space, key);
    bool is_there = at < rows->held && compare(&rows->rows[at], space, key) == 0;
    return is_there ? &rows->rows[at] : NULL;
}

static struct model_row *insert(struct model_rows *rows, enum table_space space, struct span key)
{
    size_t at = find_place(rows, space, key);
    if (rows->held == rows->room) {
        rows->room = rows->room * 2 + 16;
        rows->rows = must(realloc(rows->rows, rows->room * sizeof *rows->rows));
    }
    struct model_row *row = &rows->rows[at];
    memmove(row + 1, row, (rows->held - at) * sizeof *row);
    rows->held++;
    *row = (struct model_row){.space = space, .key_len = (uint8_t)key.len};
    memcpy(row->key, key.data, key.len);
    return row;
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
    model->rows = rows_copy(&model->disk->committed);
    model->is_open = true;
    return TABLE_OK;
}

static enum table_result model_get(struct table *table, enum table_space space, struct span key,
                                   struct span *value_out)
{
    struct model_table *model = model_of(table);
    ASSERT(model->is_open);
    model->disk->gets++;
    const struct model_row *row = find(&model->rows, space, key);
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
    struct model_row *row = find(&model->rows, space, key);
    size_t rows_max = model->disk->rows_max;
    if (row == NULL && rows_max > 0 && model->rows.held >= rows_max)
        return TABLE_FULL;
    if (row == NULL)
        row = insert(&model->rows, space, key);
    row_fill(row, value);
    return TABLE_OK;
}

static enum table_result model_del(struct table *table, enum table_space space, struct span key)
{
    struct model_table *model = model_of(table);
    ASSERT(model->is_open);
    enum table_result result = fault(&model->disk->at_put);
    if (result != TABLE_OK)
        return result;
    struct model_row *row = find(&model->rows, space, key);
    if (row == NULL)
        return TABLE_NONE;
    free(row->value);
    model->rows.held--;
    memmove(row, row + 1, (size_t)(model->rows.rows + model->rows.held - row) * sizeof *row);
    return TABLE_OK;
}

static enum table_result model_next(struct table *table, enum table_space space, struct span after,
                                    struct span *key_out, struct span *value_out)
{
    struct model_table *model = model_of(table);
    ASSERT(model->is_open);
    model->disk->nexts++;
    size_t at = find_place(&model->rows, space, after);
    if (at < model->rows.held && compare(&model->rows.rows[at], space, after) == 0)
        at++;
    if (at == model->rows.held || model->rows.rows[at].space != space)
        return TABLE_NONE;
    const struct model_row *row = &model->rows.rows[at];
    *key_out = span_make(row->key, row->key_len);
    *value_out = span_make(row->value, row->value_len);
    return TABLE_OK;
}

static void model_abort(struct table *table)
{
    struct model_table *model = model_of(table);
    rows_fini(&model->rows);
    model->is_open = false;
}

static enum table_result model_commit(struct table *table)
{
    struct model_table *model = model_of(table);
    ASSERT(model->is_open);
    struct model_disk *disk = model->disk;
    enum table_result result = fault(&disk->at_commit);
    bool is_saved = result == TABLE_OK || disk->at_commit.is_applied;
    if (is_saved) {
        struct model_rows old = disk->committed;
        disk->committed = model->rows;
        model->rows = old;
    }
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

void model_disk_fini(struct model_disk *disk)
{
    rows_fini(&disk->committed);
    *disk = (struct model_disk){0};
}

struct model_row *model_disk_find(struct model_disk *disk, enum table_space space, struct span key)
{
    return find(&disk->committed, space, key);
}

size_t model_disk_count(const struct model_disk *disk, enum table_space space)
{
    size_t count = 0;
    for (size_t i = 0; i < disk->committed.held; i++)
        count += disk->committed.rows[i].space == space;
    return count;
}
