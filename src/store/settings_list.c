// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "store/settings_list.h"

#include "base/assert.h"

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
    ASSERT(list->held < SETTINGS_ROWS_MAX);
    struct settings_row *row = &list->rows[list->held++];
    *row = (struct settings_row){.name_len = (uint8_t)name.len};
    memcpy(row->name, name.data, name.len);
    return row;
}

static enum err copy_of(struct span value, uint8_t **copy_out)
{
    *copy_out = malloc(value.len + 1);
    if (*copy_out == NULL)
        return ERR_NO_MEMORY;
    if (value.len > 0)
        memcpy(*copy_out, value.data, value.len);
    return ERR_OK;
}

static enum err check(struct settings_list *list, const struct setting *setting)
{
    if (setting->name.len == 0 || setting->name.len > SETTING_NAME_BYTES_MAX ||
        setting->value.len > SETTING_VALUE_BYTES_MAX)
        return ERR_INVALID;
    const struct settings_row *row = row_find(list, setting->name);
    uint64_t present = row != NULL ? row->version : 0;
    if (setting->version != present + 1)
        return ERR_BUSY;
    return row == NULL && list->held == SETTINGS_ROWS_MAX ? ERR_NO_MEMORY : ERR_OK;
}

enum err settings_list_prepare(struct settings_list *list, const struct setting *setting,
                               uint8_t **copy_out)
{
    enum err err = check(list, setting);
    return err == ERR_OK ? copy_of(setting->value, copy_out) : err;
}

// A deleted setting keeps its row and version, so that a late writer of the old one is noticed.
void settings_list_adopt(struct settings_list *list, const struct setting *setting, uint8_t *copy)
{
    struct settings_row *row = row_find(list, setting->name);
    if (row == NULL)
        row = row_add(list, setting->name);
    free(row->value);
    row->value = copy;
    row->value_len = setting->value.len;
    row->version = setting->version;
}

enum err settings_list_put(struct settings_list *list, const struct setting *setting)
{
    uint8_t *copy = NULL;
    enum err err = settings_list_prepare(list, setting, &copy);
    if (err == ERR_OK)
        settings_list_adopt(list, setting, copy);
    return err;
}

enum err settings_list_load(struct settings_list *list, const struct setting *setting)
{
    uint8_t *copy = NULL;
    enum err err = list->held < SETTINGS_ROWS_MAX ? copy_of(setting->value, &copy) : ERR_NO_MEMORY;
    if (err == ERR_OK)
        settings_list_adopt(list, setting, copy);
    return err;
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
