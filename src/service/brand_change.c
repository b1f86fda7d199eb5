// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "service/brand_change.h"

#include "base/assert.h"

#include <stdlib.h>

// A person and a program changing one brand at once is rare, three losses in a row are no chance.
#define WRITE_TRIES_MAX 3U

// One brand's value as it is in the store, and what is to become of it. Heap: it is some 80 KB.
struct change {
    char name_storage[BRAND_NAME_BYTES_MAX];
    struct span name;  // upper case: the value's name in the store
    uint64_t version;  // 0: never written
    size_t stored_len; // 0: not there, or deleted
    uint8_t stored[SETTING_VALUE_BYTES_MAX];
    struct brand_value before; // all zero: not there
    struct brand_value after;
    uint8_t encoded[SETTING_VALUE_BYTES_MAX];
};

static enum err no_memory(struct err_info *info)
{
    err_info_set(info, "%s", err_text(ERR_NO_MEMORY));
    return ERR_NO_MEMORY;
}

static enum err not_there(struct err_info *info)
{
    err_info_set(info, "there is no brand of that name");
    return ERR_NOT_FOUND;
}

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

// One too many would not be refused by the store, but make every later reading of it fail.
static enum err check_room(struct brands *brands, struct err_info *info)
{
    const struct brand_set *set = brands_acquire(brands);
    size_t count = brand_set_count(set);
    brands_release(brands, &set);
    if (count < BRANDS_MAX)
        return ERR_OK;
    err_info_set(info, "there are %u brands already, and no more can be", BRANDS_MAX);
    return ERR_INVALID;
}

// A brand that was removed is another one when it comes again: a new id, and no way back to its old
// keys.
static enum err begin_new(struct brands *brands, struct change *change,
                          const struct brand_step *step, struct err_info *info)
{
    if (!step->may_add)
        return not_there(info);
    enum err err = brand_name_check_new(step->spelling, info);
    if (err == ERR_OK)
        err = check_room(brands, info);
    if (err != ERR_OK)
        return err;
    brand_value_wipe(&change->before);
    brand_value_wipe(&change->after);
    change->after.id = entropy_u64(brands->entropy);
    brand_settings_init(&change->after.settings);
    return ERR_OK;
}

static enum err begin_replacement(struct brands *brands, struct change *change,
                                  const struct brand_step *step, struct err_info *info)
{
    struct span stored = span_make(change->stored, change->stored_len);
    if (!step->may_replace) {
        err_info_set(info, "there is a brand of that name already");
        return ERR_EXISTS;
    }
    enum err err = brand_value_decode(stored, brands->wrap_key, &change->before, info);
    if (err == ERR_OK)
        change->after = change->before;
    return err;
}

static enum err add_random_secret(struct brands *brands, struct brand_value *value,
                                  struct err_info *info)
{
    uint8_t random[BRAND_TOKEN_SECRET_BYTES_MIN];
    entropy_fill(brands->entropy, random, sizeof random);
    enum err err = brand_value_add_secret(value, span_make(random, sizeof random),
                                          store_now_ms(brands->store), info);
    wipe(random, sizeof random);
    return err;
}

static bool is_signing(const struct brand_value *value, struct span secret)
{
    if (value->secrets_held == 0)
        return false;
    struct span newest = brand_value_secret(value);
    return newest.len == secret.len && bytes_equal_secret(newest.data, secret.data, secret.len);
}

static enum err add_secret(struct brands *brands, struct brand_value *value,
                           const struct brand_step *step, struct err_info *info)
{
    bool is_needed = step->has_new_key || value->secrets_held == 0;
    if (step->token_secret.len == 0)
        return is_needed ? add_random_secret(brands, value, info) : ERR_OK;
    if (is_signing(value, step->token_secret))
        return ERR_OK;
    return brand_value_add_secret(value, step->token_secret, store_now_ms(brands->store), info);
}

static enum err check_hazards(const struct change *change, const struct brand_step *step,
                              struct err_info *info)
{
    bool is_new = change->stored_len == 0;
    if (is_new || step->is_forced || step->edits.is_forced)
        return ERR_OK;
    return brand_settings_check_hazards(&change->before.settings, &change->after.settings, info);
}

// What the configuration file or an import says is not refused: the key comes later, and nobody
// gets in meanwhile.
static enum err check_encryption(const struct change *change, const struct brand_step *step,
                                 struct err_info *info)
{
    const struct brand_value *after = &change->after;
    bool is_on = after->settings.encryption_endpoints[0] != '\0';
    if (!step->must_be_usable || !is_on || after->encryption_held > 0)
        return ERR_OK;
    err_info_set(info,
                 "encryption.endpoints: without an encryption key nobody could log in; add "
                 "one first: otpd brand encryption add %s",
                 after->name);
    return ERR_INVALID;
}

// What is behind the end of a text is zero.
static bool is_same_header(const struct brand_settings *a, const struct brand_settings *b)
{
    return bytes_equal_secret(a->required_header, b->required_header, sizeof a->required_header) &&
           bytes_equal_secret(a->required_header_value, b->required_header_value,
                              sizeof a->required_header_value);
}

// Who gives the value wants strangers kept out, and without the name nobody would be. A file or an
// import may take the name away all the same: what is left does no harm.
static enum err check_header(const struct change *change, const struct brand_step *step,
                             struct err_info *info)
{
    const struct brand_settings *before = &change->before.settings;
    const struct brand_settings *after = &change->after.settings;
    bool is_same = is_same_header(before, after);
    bool has_value = after->required_header_value[0] != '\0';
    if (!step->must_name_header || is_same || !has_value || after->required_header[0] != '\0')
        return ERR_OK;
    err_info_set(info, "rejectWithoutHeaderValue: rejectWithoutHeader has to say of which header");
    return ERR_INVALID;
}

static enum err add_encryption_key(struct brands *brands, struct brand_value *value,
                                   const struct brand_step *step, struct err_info *info)
{
    uint8_t bytes[RSA_SECRET_BYTES_MAX];
    struct strbuf secret = strbuf_over(bytes, sizeof bytes);
    if (step->encryption_key == NULL)
        return ERR_OK;
    rsa_key_put_secret(step->encryption_key, &secret);
    ASSERT(!secret.is_overflowed);
    enum err err = brand_value_add_encryption_key(value, strbuf_span(&secret),
                                                  store_now_ms(brands->store), info);
    wipe(bytes, sizeof bytes);
    return err;
}

static enum err make_after(struct brands *brands, struct change *change,
                           const struct brand_step *step, struct err_info *info)
{
    bool is_new = change->stored_len == 0;
    enum err err = is_new ? begin_new(brands, change, step, info)
                          : begin_replacement(brands, change, step, info);
    if (err == ERR_OK)
        err = step->apply(&change->after, step, info);
    if (err == ERR_OK)
        err = brand_settings_validate(&change->after.settings, info);
    if (err == ERR_OK)
        err = brand_settings_check_country(&change->after.settings, info);
    if (err == ERR_OK)
        err = check_hazards(change, step, info);
    if (err == ERR_OK)
        err = add_encryption_key(brands, &change->after, step, info);
    if (err == ERR_OK)
        err = check_encryption(change, step, info);
    if (err == ERR_OK)
        err = check_header(change, step, info);
    return err == ERR_OK ? add_secret(brands, &change->after, step, info) : err;
}

static bool has_same_keys(const struct brand_value *a, const struct brand_value *b)
{
    if (a->secrets_held != b->secrets_held)
        return false;
    for (size_t i = 0; i < a->secrets_held; i++) {
        if (a->secrets[i].number != b->secrets[i].number)
            return false;
    }
    if (a->encryption_held != b->encryption_held)
        return false;
    for (size_t i = 0; i < a->encryption_held; i++) {
        if (a->encryption[i].number != b->encryption[i].number)
            return false;
    }
    return true;
}

// Nothing to write: at each start the brands of the configuration file are put again.
static bool is_unchanged(const struct change *change)
{
    const struct brand_value *before = &change->before;
    const struct brand_value *after = &change->after;
    if (!has_same_keys(before, after))
        return false;
    if (!span_eq(span_of_text(before->name), span_of_text(after->name)))
        return false;
    for (size_t i = 0; i < brand_options_count; i++) {
        if (!option_is_equal(&brand_options[i], &before->settings, &after->settings))
            return false;
    }
    return true;
}

static enum err run_once(struct brands *brands, struct change *change,
                         const struct brand_step *step, struct err_info *info)
{
    change_read(change, brands->store);
    enum err err = make_after(brands, change, step, info);
    if (err != ERR_OK || is_unchanged(change))
        return err;
    struct strbuf out = strbuf_over(change->encoded, sizeof change->encoded);
    brand_value_encode(&change->after, brands->wrap_key, brands->entropy, &out);
    ASSERT(!out.is_overflowed);
    return change_write(change, brands->store, strbuf_span(&out), info);
}

enum err brand_change_run(struct brands *brands, struct span name, const struct brand_step *step,
                          struct err_info *info)
{
    if (!step->may_add && name.len > BRAND_NAME_BYTES_MAX)
        return not_there(info);
    struct change *change = change_create(name);
    if (change == NULL)
        return no_memory(info);
    enum err err = ERR_BUSY;
    for (unsigned i = 0; i < WRITE_TRIES_MAX && err == ERR_BUSY; i++)
        err = run_once(brands, change, step, info);
    change_destroy(&change);
    return err;
}

// Removes what cannot be read, too.
static enum err remove_once(struct brands *brands, struct change *change, struct err_info *info)
{
    change_read(change, brands->store);
    if (change->stored_len > 0)
        return change_write(change, brands->store, span_make(NULL, 0), info);
    return not_there(info);
}

enum err brand_change_remove(struct brands *brands, struct span name, struct err_info *info)
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
    return err;
}
