// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// In order of their keys, so that neighbours share the pages that are written. A transaction's sync
// may hold up a commit's, so what bounds it is the pages that it writes.
#include "store/embedded/checkpoint.h"

#include "base/assert.h"

#include <stdlib.h>

void checkpoint_begin(struct checkpoint *checkpoint, const struct overlay *overlay,
                      const struct journal_meta *meta, size_t step_rows)
{
    ASSERT(checkpoint->overlay == NULL);
    ASSERT(step_rows > 0);
    *checkpoint = (struct checkpoint){.overlay = overlay, .meta = *meta, .step_rows = step_rows};
}

void checkpoint_end(struct checkpoint *checkpoint)
{
    free(checkpoint->order);
    *checkpoint = (struct checkpoint){0};
}

static enum table_result put_row(struct table *table, const struct journal_row *row)
{
    if (!row->is_deleted)
        return table_put(table, row->space, row->key, row->value);
    enum table_result result = table_del(table, row->space, row->key);
    return result == TABLE_NONE ? TABLE_OK : result;
}

// Keys of records and references are hashes: each of these rows may have a page to itself.
static size_t weight_of(enum table_space space)
{
    return space == TABLE_RECORDS || space == TABLE_REFS ? CHECKPOINT_ROWS_TOGETHER : 1;
}

// *done_out is where the next transaction goes on.
static enum table_result put_rows(const struct checkpoint *checkpoint, struct table *table,
                                  size_t *done_out)
{
    struct journal_row row;
    size_t left = checkpoint->step_rows * CHECKPOINT_ROWS_TOGETHER;
    size_t i = checkpoint->done, end = overlay_count(checkpoint->overlay);
    enum table_result result = TABLE_OK;
    for (; i < end && left > 0 && result == TABLE_OK; i++) {
        overlay_at(checkpoint->overlay, checkpoint->order[i], &row);
        size_t weight = weight_of(row.space);
        left = left > weight ? left - weight : 0;
        result = put_row(table, &row);
    }
    *done_out = i;
    return result;
}

static enum table_result put_meta(struct table *table, const struct journal_meta *meta)
{
    uint8_t storage[JOURNAL_META_BYTES];
    struct strbuf value = strbuf_over(storage, sizeof storage);
    journal_put_meta(meta, &value);
    return table_put(table, TABLE_META, SPAN(JOURNAL_META_KEY), strbuf_span(&value));
}

enum table_result checkpoint_put_meta(struct table *table, const struct journal_meta *meta)
{
    enum table_result result = table_begin(table);
    if (result == TABLE_OK)
        result = put_meta(table, meta);
    if (result == TABLE_OK)
        result = table_commit(table);
    table_abort(table);
    return result;
}

static enum table_result move(const struct checkpoint *checkpoint, struct table *table,
                              size_t *done_out)
{
    enum table_result result = table_begin(table);
    if (result == TABLE_OK)
        result = put_rows(checkpoint, table, done_out);
    if (result == TABLE_OK && *done_out == overlay_count(checkpoint->overlay))
        result = put_meta(table, &checkpoint->meta);
    if (result == TABLE_OK)
        result = table_commit(table);
    table_abort(table);
    return result;
}

enum table_result checkpoint_step(struct checkpoint *checkpoint, struct table *table,
                                  bool *is_done_out)
{
    *is_done_out = false;
    if (checkpoint->order == NULL)
        checkpoint->order = overlay_sorted(checkpoint->overlay);
    if (checkpoint->order == NULL)
        return TABLE_FULL;
    size_t done;
    enum table_result result = move(checkpoint, table, &done);
    if (result != TABLE_OK)
        return result;
    checkpoint->done = done;
    *is_done_out = done == overlay_count(checkpoint->overlay);
    return TABLE_OK;
}
