// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The changes that the registry knows, each one a step for brand_change.h and a reload.
#include "service/brand_change.h"
#include "service/brand_text.h"

static enum err apply_nothing(struct brand_value *after, const struct brand_step *step,
                              struct err_info *info)
{
    (void)after;
    (void)step;
    (void)info;
    return ERR_OK;
}

static enum err apply_settings(struct brand_value *after, const struct brand_step *step,
                               struct err_info *info)
{
    after->settings = *step->settings;
    return brand_value_set_name(after, step->spelling, info);
}

enum err brand_edit_apply(const struct brand_edit *edit, struct brand_settings *settings,
                          struct err_info *info)
{
    if (edit->path.len > 0)
        return brand_translations_edit(settings, edit->path, edit->text, info);
    if (edit->text.data != NULL)
        return option_set(edit->option, settings, edit->text, info);
    option_reset(edit->option, settings);
    return ERR_OK;
}

static enum err apply_edits(struct brand_value *after, const struct brand_step *step,
                            struct err_info *info)
{
    bool has_spelling = step->spelling.len > 0;
    enum err err = has_spelling ? brand_value_set_name(after, step->spelling, info) : ERR_OK;
    for (size_t i = 0; i < step->edits.count && err == ERR_OK; i++)
        err = brand_edit_apply(&step->edits.items[i], &after->settings, info);
    return err;
}

static enum err apply_retirement(struct brand_value *after, const struct brand_step *step,
                                 struct err_info *info)
{
    return brand_value_drop_secret(after, step->key_number, info);
}

static enum err apply_encryption_retirement(struct brand_value *after,
                                            const struct brand_step *step, struct err_info *info)
{
    return brand_value_drop_encryption_key(after, step->key_number, info);
}

static enum err run(struct brands *brands, struct span name, const struct brand_step *step,
                    struct err_info *info)
{
    enum err err = brand_change_run(brands, name, step, info);
    return err == ERR_OK ? brands_reload(brands, info) : err;
}

static enum err put(struct brands *brands, struct span name, const struct brand_settings *settings,
                    struct span token_secret, struct err_info *info)
{
    const struct brand_step step = {
        .apply = apply_settings,
        .may_add = true,
        .may_replace = true,
        .token_secret = token_secret,
        .spelling = name,
        .is_forced = true,
        .settings = settings,
    };
    enum err err = brand_name_check(name, info);
    return err == ERR_OK ? brand_change_run(brands, name, &step, info) : err;
}

enum err brands_put(struct brands *brands, struct span name, const struct brand_settings *settings,
                    struct span token_secret, struct err_info *info)
{
    enum err err = put(brands, name, settings, token_secret, info);
    return err == ERR_OK ? brands_reload(brands, info) : err;
}

// While they are written the snapshot does not grow, which a single one is checked against.
static enum err check_room_for(struct brands *brands, const struct brand_put *puts, size_t count,
                               struct err_info *info)
{
    const struct brand_set *set = brands_acquire(brands);
    size_t wanted = brand_set_count(set);
    for (size_t i = 0; i < count; i++)
        wanted += brand_set_find(set, puts[i].name) == NULL ? 1 : 0;
    brands_release(brands, &set);
    if (wanted <= BRANDS_MAX)
        return ERR_OK;
    err_info_set(info, "%zu brands are more than the %u that can be", wanted, BRANDS_MAX);
    return ERR_INVALID;
}

enum err brands_put_all(struct brands *brands, const struct brand_put *puts, size_t count,
                        size_t *put_out, struct err_info *info)
{
    size_t done = 0;
    enum err err = check_room_for(brands, puts, count, info);
    while (done < count && err == ERR_OK) {
        err = put(brands, puts[done].name, &puts[done].settings, span_make(NULL, 0), info);
        done += err == ERR_OK ? 1 : 0;
    }
    *put_out = done;
    enum err reload_err = brands_reload(brands, err == ERR_OK ? info : NULL);
    return err == ERR_OK ? reload_err : err;
}

enum err brands_add(struct brands *brands, struct span name, struct brand_edits edits,
                    struct err_info *info)
{
    const struct brand_step step = {.apply = apply_edits,
                                    .may_add = true,
                                    .spelling = name,
                                    .edits = edits,
                                    .must_name_header = true};
    enum err err = brand_name_check(name, info);
    return err == ERR_OK ? run(brands, name, &step, info) : err;
}

enum err brands_change(struct brands *brands, struct span name, struct brand_edits edits,
                       struct err_info *info)
{
    const struct brand_step step = {.apply = apply_edits,
                                    .may_replace = true,
                                    .edits = edits,
                                    .must_be_usable = true,
                                    .must_name_header = true};
    return run(brands, name, &step, info);
}

enum err brands_ensure(struct brands *brands, struct span name, struct brand_edits edits,
                       struct span token_secret, struct err_info *info)
{
    const struct brand_step step = {
        .apply = apply_edits,
        .may_add = true,
        .may_replace = true,
        .token_secret = token_secret,
        .spelling = name,
        .edits = edits,
    };
    enum err err = brand_name_check(name, info);
    return err == ERR_OK ? run(brands, name, &step, info) : err;
}

enum err brands_rotate_key(struct brands *brands, struct span name, struct span token_secret,
                           struct err_info *info)
{
    const struct brand_step step = {
        .apply = apply_nothing,
        .may_replace = true,
        .has_new_key = true,
        .token_secret = token_secret,
    };
    return run(brands, name, &step, info);
}

enum err brands_retire_key(struct brands *brands, struct span name, uint32_t number,
                           struct err_info *info)
{
    const struct brand_step step = {
        .apply = apply_retirement, .may_replace = true, .key_number = number};
    return run(brands, name, &step, info);
}

enum err brands_add_encryption_key(struct brands *brands, struct span name,
                                   const struct rsa_key *key, struct err_info *info)
{
    const struct brand_step step = {
        .apply = apply_nothing, .may_replace = true, .encryption_key = key};
    return run(brands, name, &step, info);
}

enum err brands_import_encryption_key(struct brands *brands, struct span name, struct span text,
                                      struct err_info *info)
{
    struct rsa_key *key = NULL;
    enum err err = rsa_key_import(text, &key, info);
    if (err == ERR_OK)
        err = brands_add_encryption_key(brands, name, key, info);
    rsa_key_destroy(&key);
    return err;
}

enum err brands_retire_encryption_key(struct brands *brands, struct span name, uint32_t number,
                                      struct err_info *info)
{
    const struct brand_step step = {.apply = apply_encryption_retirement,
                                    .may_replace = true,
                                    .key_number = number,
                                    .must_be_usable = true};
    return run(brands, name, &step, info);
}

enum err brands_remove(struct brands *brands, struct span name, struct err_info *info)
{
    enum err err = brand_change_remove(brands, name, info);
    return err == ERR_OK ? brands_reload(brands, info) : err;
}
