// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "store/settings_list.h"

#include <stdlib.h>

static struct span row_name(const struct settings_row *row)
{
    return span_make(row->name, row->name_len);
}

static struct settings_row *row_find(struct settings_list *list, struct span name)
{
    for (size_t i = 0; i < list->held; i++) {
        if (span_eq(row_name(&list->rows[i]), name))
            return &list->rows[i];
    }
    return NULL;
}

static struct settings_row *row_add(struct settings_list *list, struct span name)
{
    if (list->held == SETTINGS_ROWS_MAX)
        return NULL;
    struct settings_row *row = &list->rows[list->held++];
    *row = (struct settings_row){.name_len = (uint8_t)name.len};
    memcpy(row->name, name.data, name.len);
    return row;
}

static enum err row_set(struct settings_row *row, struct span value)
{
    uint8_t *copy = malloc(value.len + 1);
    if (copy == NULL)
        return ERR_NO_MEMORY;
    if (value.len > 0)
        memcpy(copy, value.data, value.len);
    free(row->value);
    row->value = copy;
    row->value_len = value.len;
    row->version++;
    return ERR_OK;
}

// A deleted setting keeps its row and version, so that a late writer of the old one is noticed.
enum err settings_list_put(struct settings_list *list, const struct setting *setting)
{
    if (setting->name.len == 0 || setting->name.len > SETTING_NAME_BYTES_MAX ||
        setting->value.len > SETTING_VALUE_BYTES_MAX)
        return ERR_INVALID;
    struct settings_row *row = row_find(list, setting->name);
    uint64_t present = row != NULL ? row->version : 0;
    if (setting->version != present + 1)
        return ERR_BUSY;
    if (row == NULL)
        row = row_add(list, setting->name);
    return row != NULL ? row_set(row, setting->value) : ERR_NO_MEMORY;
}

void settings_list_each(const struct settings_list *list,
                        void (*on_setting)(void *ctx, const struct setting *), void *ctx)
{
    for (size_t i = 0; i < list->held; i++) {
        const struct settings_row *row = &list->rows[i];
        struct setting setting = {.name = row_name(row),
                                  .value = span_make(row->value, row->value_len),
                                  .version = row->version};
        on_setting(ctx, &setting);
    }
}

void settings_list_fini(struct settings_list *list)
{
    for (size_t i = 0; i < list->held; i++)
        free(list->rows[i].value);
    list->held = 0;
}
