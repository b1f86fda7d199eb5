// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "admin/ruled.h"

#include "base/assert.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct ruled {
    pthread_mutex_t mutex;
    struct ruled_table table; // under it
};

enum err ruled_table_init(struct ruled_table *table, struct span file, size_t count)
{
    struct span shown =
        file.len > RULED_FILE_BYTES_MAX ? span_from(file, file.len - RULED_FILE_BYTES_MAX) : file;
    while (shown.len < file.len && shown.len > 0 && (shown.data[0] & 0xC0U) == 0x80U)
        shown = span_from(shown, 1); // not from the middle of a character
    *table = (struct ruled_table){.count = count};
    memcpy(table->file, shown.data, shown.len);
    table->brands = calloc(count + 1, sizeof *table->brands);
    return table->brands != NULL ? ERR_OK : ERR_NO_MEMORY;
}

void ruled_table_fini(struct ruled_table *table)
{
    free(table->brands);
    *table = (struct ruled_table){.count = 0};
}

enum err ruled_create(struct ruled **out)
{
    struct ruled *ruled = calloc(1, sizeof *ruled);
    if (ruled == NULL)
        return ERR_NO_MEMORY;
    (void)pthread_mutex_init(&ruled->mutex, NULL);
    *out = ruled;
    return ERR_OK;
}

void ruled_destroy(struct ruled **ruled)
{
    if (*ruled == NULL)
        return;
    ruled_table_fini(&(*ruled)->table);
    (void)pthread_mutex_destroy(&(*ruled)->mutex);
    free(*ruled);
    *ruled = NULL;
}

void ruled_lock(struct ruled *ruled)
{
    int rc = pthread_mutex_lock(&ruled->mutex);
    ASSERT(rc == 0);
}

void ruled_unlock(struct ruled *ruled)
{
    int rc = pthread_mutex_unlock(&ruled->mutex);
    ASSERT(rc == 0);
}

void ruled_swap(struct ruled *ruled, struct ruled_table *table)
{
    struct ruled_table old = ruled->table;
    ruled->table = *table;
    *table = old;
}

const struct ruled_brand *ruled_find(const struct ruled *ruled, struct span brand)
{
    for (size_t i = 0; i < ruled->table.count; i++) {
        const struct ruled_brand *row = &ruled->table.brands[i];
        if (span_eq_nocase(span_of_text(row->name), brand))
            return row;
    }
    return NULL;
}

bool ruled_has_setting(const struct ruled_brand *brand, const struct option *option)
{
    return brand != NULL && brand->setting_lines[option - brand_options] > 0;
}

void ruled_tell_brand(const struct ruled *ruled, const struct ruled_brand *brand,
                      struct err_info *info)
{
    err_info_set(info, "%s is a brand of %s:%u; take it out there and reload (kill -HUP %ld) first",
                 brand->name, ruled->table.file, brand->line, (long)getpid());
}

void ruled_tell(const struct ruled *ruled, const struct ruled_brand *brand, const char *what,
                uint32_t line, struct err_info *info)
{
    err_info_set(info, "%s of %s is set in %s:%u; change it there and reload (kill -HUP %ld)", what,
                 brand->name, ruled->table.file, line, (long)getpid());
}
