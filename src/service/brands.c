// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The registry: which snapshot is the present one, and how it comes there (brand_edit.c has the
// changes).
//
//   brands_put, …    brand_change.h: store value ──version check──▶ store ──▶ brands_reload
//   brands_reload    store ──decode, compile, all or nothing──▶ new snapshot ──swap──▶ old one is
//                    freed by whoever releases it last
//
// Two locks, never held together with the store's: `reload` keeps the order of reading and swapping
// (else an older reading could replace a newer one), `swap` guards the one pointer. Writers hold
// neither while they write: the store's version decides who was first, and the loser reads again.
// So the store may give its notice, and that may call brands_reload, inside the write.
#include "service/brands_inner.h"

#include "base/assert.h"
#include "service/brand_compile.h"

#include <stdlib.h>

static void lock(pthread_mutex_t *mutex)
{
    int rc = pthread_mutex_lock(mutex);
    ASSERT(rc == 0);
}

static void unlock(pthread_mutex_t *mutex)
{
    int rc = pthread_mutex_unlock(mutex);
    ASSERT(rc == 0);
}

static enum err no_memory(struct err_info *info)
{
    err_info_set(info, "%s", err_text(ERR_NO_MEMORY));
    return ERR_NO_MEMORY;
}

enum err brands_create(struct store *store, const struct key *wrap_key,
                       const struct entropy *entropy, struct brands **out)
{
    struct brands *brands = calloc(1, sizeof *brands);
    if (brands == NULL)
        return ERR_NO_MEMORY;
    enum err err = brand_set_create(NULL, 0, &brands->current, NULL);
    if (err != ERR_OK) {
        free(brands);
        return err;
    }
    brands->store = store;
    brands->wrap_key = wrap_key;
    brands->entropy = entropy;
    (void)pthread_mutex_init(&brands->reload, NULL);
    (void)pthread_mutex_init(&brands->swap, NULL);
    *out = brands;
    return ERR_OK;
}

void brands_destroy(struct brands **brands)
{
    if (*brands == NULL)
        return;
    const struct brand_set *last = (*brands)->current;
    brand_set_unref(&last);
    (void)pthread_mutex_destroy(&(*brands)->reload);
    (void)pthread_mutex_destroy(&(*brands)->swap);
    free(*brands);
    *brands = NULL;
}

const struct brand_set *brands_acquire(struct brands *brands)
{
    lock(&brands->swap);
    struct brand_set *set = brands->current;
    brand_set_ref(set);
    unlock(&brands->swap);
    return set;
}

void brands_release(struct brands *brands, const struct brand_set **set)
{
    (void)brands;
    brand_set_unref(set);
}

static void swap_in(struct brands *brands, struct brand_set *fresh)
{
    lock(&brands->swap);
    const struct brand_set *old = brands->current;
    brands->current = fresh;
    unlock(&brands->swap);
    brand_set_unref(&old);
}

// What one reading of the store has collected so far; after the first failure the rest is skipped.
struct reading {
    const struct key *wrap_key;
    struct brand *brands[BRANDS_MAX];
    size_t held;
    struct brand_value value; // scratch, holds a secret
    enum err err;
    struct err_info info;
};

static enum err read_brand(struct reading *reading, const struct setting *setting)
{
    char storage[BRAND_NAME_BYTES_MAX];
    struct brand_value *value = &reading->value;
    if (reading->held == BRANDS_MAX) {
        err_info_set(&reading->info, "more than %u brands", BRANDS_MAX);
        return ERR_INVALID;
    }
    enum err err = brand_value_decode(setting->value, reading->wrap_key, value, &reading->info);
    if (err != ERR_OK)
        return err;
    if (!span_eq(brand_name_upper(span_of_text(value->name), storage), setting->name)) {
        err_info_set(&reading->info, "the stored value is another brand's");
        return ERR_INVALID;
    }
    return brand_create(value, &reading->brands[reading->held], &reading->info);
}

static void on_setting_read(void *ctx, const struct setting *setting)
{
    struct reading *reading = ctx;
    char name[BRAND_NAME_BYTES_MAX + sizeof "brand "];
    if (reading->err != ERR_OK || setting->value.len == 0 ||
        span_starts_with(setting->name, SPAN(SETTING_TOKENS_PREFIX)))
        return;
    reading->err = read_brand(reading, setting);
    if (reading->err == ERR_OK) {
        reading->held++;
        return;
    }
    struct strbuf what = strbuf_over(name, sizeof name - 1);
    strbuf_put_text(&what, "brand ");
    strbuf_put(&what, span_first(setting->name, BRAND_NAME_BYTES_MAX));
    name[what.len] = '\0';
    err_info_wrap(&reading->info, name);
}

static enum err read_all(struct brands *brands, struct reading *reading, struct brand_set **out,
                         struct err_info *info)
{
    store_settings_each(brands->store, on_setting_read, reading);
    if (reading->err == ERR_OK)
        return brand_set_create(reading->brands, reading->held, out, info);
    for (size_t i = 0; i < reading->held; i++)
        brand_destroy(&reading->brands[i]);
    err_info_set(info, "%s", reading->info.text);
    return reading->err;
}

static enum err reload_locked(struct brands *brands, struct err_info *info)
{
    struct brand_set *fresh = NULL;
    struct reading *reading = calloc(1, sizeof *reading);
    if (reading == NULL)
        return no_memory(info);
    reading->wrap_key = brands->wrap_key;
    enum err err = read_all(brands, reading, &fresh, info);
    brand_value_wipe(&reading->value);
    free(reading);
    if (err == ERR_OK)
        swap_in(brands, fresh);
    return err;
}

enum err brands_reload(struct brands *brands, struct err_info *info)
{
    lock(&brands->reload);
    enum err err = reload_locked(brands, info);
    unlock(&brands->reload);
    return err;
}
