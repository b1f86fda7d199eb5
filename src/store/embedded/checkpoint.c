// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// In order of their keys, so that neighbours share the pages that are written.
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

static enum table_result put_rows(const struct checkpoint *checkpoint, struct table *table,
                                  size_t end)
{
    struct journal_row row;
    enum table_result result = TABLE_OK;
    for (size_t i = checkpoint->done; i < end && result == TABLE_OK; i++) {
        overlay_at(checkpoint->overlay, checkpoint->order[i], &row);
        result = put_row(table, &row);
    }
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

static enum table_result move(const struct checkpoint *checkpoint, struct table *table, size_t end)
{
    enum table_result result = table_begin(table);
    if (result == TABLE_OK)
        result = put_rows(checkpoint, table, end);
    if (result == TABLE_OK && end == overlay_count(checkpoint->overlay))
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
    size_t count = overlay_count(checkpoint->overlay);
    size_t left = count - checkpoint->done, most = checkpoint->step_rows;
    size_t end = left > most ? checkpoint->done + most : count;
    enum table_result result = move(checkpoint, table, end);
    if (result != TABLE_OK)
        return result;
    checkpoint->done = end;
    *is_done_out = end == count;
    return TABLE_OK;
}
