// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "store/embedded/merged.h"

#include <stdlib.h>

bool merged_init(struct merged *merged, struct view *view, const struct overlay *overlay)
{
    *merged = (struct merged){.view = view,
                              .overlay = overlay,
                              .order = overlay_sorted(overlay),
                              .order_held = overlay_count(overlay)};
    return merged->order != NULL;
}

void merged_fini(struct merged *merged)
{
    free(merged->order);
}

enum table_result merged_get(const struct merged *merged, enum table_space space, struct span key,
                             struct span *value)
{
    struct journal_row row;
    *value = span_make(NULL, 0);
    if (overlay_get(merged->overlay, space, key, &row)) {
        *value = row.value;
        return TABLE_OK;
    }
    enum table_result result = view_get(merged->view, space, key, value);
    return result == TABLE_NONE ? TABLE_OK : result;
}

static int compare(struct span a, struct span b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.data, b.data, shorter);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static enum table_result step_behind(const struct merged *merged, struct merged_walk *walk,
                                     struct span after)
{
    enum table_result result =
        view_next(merged->view, walk->space, after, &walk->behind.key, &walk->behind.value);
    walk->has_behind = result == TABLE_OK;
    return result == TABLE_NONE ? TABLE_OK : result;
}

enum table_result merged_begin(const struct merged *merged, enum table_space space,
                               struct merged_walk *walk)
{
    struct journal_row row;
    *walk = (struct merged_walk){.space = space, .behind = {.space = space}};
    for (; walk->next < merged->order_held; walk->next++) {
        overlay_at(merged->overlay, merged->order[walk->next], &row);
        if (row.space >= space)
            break;
    }
    return step_behind(merged, walk, span_make(NULL, 0));
}

static bool peek_changed(const struct merged *merged, const struct merged_walk *walk,
                         struct journal_row *out)
{
    if (walk->next == merged->order_held)
        return false;
    overlay_at(merged->overlay, merged->order[walk->next], out);
    return out->space == walk->space;
}

// The first of both, deleted ones too.
static enum table_result step(const struct merged *merged, struct merged_walk *walk,
                              struct journal_row *out)
{
    struct journal_row changed;
    bool has_changed = peek_changed(merged, walk, &changed);
    if (!has_changed && !walk->has_behind)
        return TABLE_NONE;
    int order = has_changed ? -1 : 1;
    if (has_changed && walk->has_behind)
        order = compare(changed.key, walk->behind.key);
    *out = order <= 0 ? changed : walk->behind;
    walk->next += order <= 0;
    return order >= 0 ? step_behind(merged, walk, walk->behind.key) : TABLE_OK;
}

enum table_result merged_next(const struct merged *merged, struct merged_walk *walk,
                              struct journal_row *out)
{
    enum table_result result = step(merged, walk, out);
    while (result == TABLE_OK && out->is_deleted)
        result = step(merged, walk, out);
    return result;
}
