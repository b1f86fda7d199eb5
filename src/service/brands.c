// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The registry: which snapshot is the present one, and how it is changed.
//
//   brands_put, brands_remove   store value ──version check──▶ store ──▶ brands_reload
//   brands_reload               store ──decode, compile, all or nothing──▶ new snapshot ──swap──▶
//   old one
//                               is freed by whoever releases it last
//
// Two locks, never held together with the store's: `reload` keeps the order of reading and swapping
// (else an older reading could replace a newer one), `swap` guards the one pointer. Writers hold
// neither while they write: the store's version decides who was first, and the loser reads again.
// So the store may give its notice, and that may call brands_reload, inside the write.
#include "service/brand_set.h"

#include "base/assert.h"
#include "service/brand_compile.h"

#include <pthread.h>
#include <stdlib.h>

// A person and a program changing one brand at once is rare, three losses in a row are no chance.
#define WRITE_TRIES_MAX 3U

struct brands {
    struct store *store;
    const struct key *wrap_key;
    const struct entropy *entropy;
    pthread_mutex_t reload;
    pthread_mutex_t swap;
    struct brand_set *current; // under `swap`
};

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
    if (reading->err != ERR_OK || setting->value.len == 0)
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

// One brand's value as it is in the store, and what is to become of it. Heap: it is some 40 KB.
struct change {
    char name_storage[BRAND_NAME_BYTES_MAX];
    struct span name;  // upper case: the value's name in the store
    uint64_t version;  // 0: never written
    size_t stored_len; // 0: not there, or deleted
    uint8_t stored[SETTING_VALUE_BYTES_MAX];
    struct brand_value before;
    struct brand_value after;
    uint8_t encoded[SETTING_VALUE_BYTES_MAX];
};

static void on_setting_find(void *ctx, const struct setting *setting)
{
    struct change *change = ctx;
    if (!span_eq(setting->name, change->name))
        return;
    ASSERT(setting->value.len <= sizeof change->stored);
    change->version = setting->version;
    change->stored_len = setting->value.len;
    if (setting->value.len > 0)
        memcpy(change->stored, setting->value.data, setting->value.len);
}

static struct change *change_create(struct span name)
{
    struct change *change = calloc(1, sizeof *change);
    if (change != NULL)
        change->name = brand_name_upper(name, change->name_storage);
    return change;
}

static void change_read(struct change *change, struct store *store)
{
    change->version = 0;
    change->stored_len = 0;
    store_settings_each(store, on_setting_find, change);
}

static void change_destroy(struct change **change)
{
    brand_value_wipe(&(*change)->before);
    brand_value_wipe(&(*change)->after);
    free(*change);
    *change = NULL;
}

static enum err change_write(const struct change *change, struct store *store, struct span value,
                             struct err_info *info)
{
    const struct setting setting = {change->name, value, change->version + 1};
    enum err err = store_settings_put(store, &setting);
    if (err != ERR_OK)
        err_info_set(info, "write the brand's settings: %s", err_text(err));
    return err;
}

// A brand that was removed is another one when it comes again: a new id, and no way back to its old
// keys.
static enum err begin_new(struct brands *brands, struct change *change, struct span secret,
                          struct err_info *info)
{
    uint8_t random[BRAND_TOKEN_SECRET_BYTES_MIN];
    change->after.id = entropy_u64(brands->entropy);
    change->after.token_key_number = 1;
    entropy_fill(brands->entropy, random, sizeof random);
    if (secret.len == 0)
        secret = span_make(random, sizeof random);
    enum err err = brand_value_set_secret(&change->after, secret, info);
    wipe(random, sizeof random);
    return err;
}

static bool is_same_secret(const struct brand_value *value, struct span secret)
{
    return value->token_secret_len == secret.len &&
           bytes_equal_secret(value->token_secret, secret.data, secret.len);
}

static enum err begin_replacement(struct brands *brands, struct change *change, struct span secret,
                                  struct err_info *info)
{
    struct span stored = span_make(change->stored, change->stored_len);
    enum err err = brand_value_decode(stored, brands->wrap_key, &change->before, info);
    if (err != ERR_OK)
        return err;
    change->after.id = change->before.id;
    change->after.token_key_number = change->before.token_key_number;
    if (secret.len == 0)
        return brand_value_set_secret(&change->after, brand_value_secret(&change->before), info);
    if (!is_same_secret(&change->before, secret))
        change->after.token_key_number++;
    return brand_value_set_secret(&change->after, secret, info);
}

// Nothing to write: at each start the brands of the configuration file are put again.
static bool is_unchanged(const struct change *change)
{
    const struct brand_value *before = &change->before;
    const struct brand_value *after = &change->after;
    if (change->stored_len == 0 || before->token_key_number != after->token_key_number)
        return false;
    if (!span_eq(span_of_text(before->name), span_of_text(after->name)))
        return false;
    for (size_t i = 0; i < brand_options_count; i++) {
        if (!option_is_equal(&brand_options[i], &before->settings, &after->settings))
            return false;
    }
    return true;
}

static enum err put_once(struct brands *brands, struct change *change, struct span secret,
                         struct err_info *info)
{
    change_read(change, brands->store);
    bool is_new = change->stored_len == 0;
    enum err err = is_new ? begin_new(brands, change, secret, info)
                          : begin_replacement(brands, change, secret, info);
    if (err != ERR_OK || is_unchanged(change))
        return err;
    struct strbuf out = strbuf_over(change->encoded, sizeof change->encoded);
    brand_value_encode(&change->after, brands->wrap_key, brands->entropy, &out);
    ASSERT(!out.is_overflowed);
    return change_write(change, brands->store, strbuf_span(&out), info);
}

static enum err put_with_retries(struct brands *brands, struct change *change, struct span secret,
                                 struct err_info *info)
{
    enum err err = ERR_BUSY;
    for (unsigned i = 0; i < WRITE_TRIES_MAX && err == ERR_BUSY; i++)
        err = put_once(brands, change, secret, info);
    return err;
}

static enum err put_settings(struct brands *brands, struct change *change, struct span secret,
                             struct err_info *info)
{
    enum err err = brand_settings_validate(&change->after.settings, info);
    if (err != ERR_OK)
        return err;
    return put_with_retries(brands, change, secret, info);
}

enum err brands_put(struct brands *brands, struct span name, const struct brand_settings *settings,
                    struct span token_secret, struct err_info *info)
{
    struct change *change = change_create(name);
    if (change == NULL)
        return no_memory(info);
    change->after.settings = *settings;
    enum err err = brand_value_set_name(&change->after, name, info);
    if (err == ERR_OK)
        err = put_settings(brands, change, token_secret, info);
    change_destroy(&change);
    return err == ERR_OK ? brands_reload(brands, info) : err;
}

static enum err not_there(struct err_info *info)
{
    err_info_set(info, "there is no brand of that name");
    return ERR_NOT_FOUND;
}

// Removes what cannot be read, too.
static enum err remove_once(struct brands *brands, struct change *change, struct err_info *info)
{
    change_read(change, brands->store);
    if (change->stored_len > 0)
        return change_write(change, brands->store, span_make(NULL, 0), info);
    return not_there(info);
}

enum err brands_remove(struct brands *brands, struct span name, struct err_info *info)
{
    if (name.len > BRAND_NAME_BYTES_MAX)
        return not_there(info);
    struct change *change = change_create(name);
    if (change == NULL)
        return no_memory(info);
    enum err err = ERR_BUSY;
    for (unsigned i = 0; i < WRITE_TRIES_MAX && err == ERR_BUSY; i++)
        err = remove_once(brands, change, info);
    change_destroy(&change);
    return err == ERR_OK ? brands_reload(brands, info) : err;
}
