// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "admin/brand_edits.h"

#include "base/assert.h"
#include "service/brand_text.h"
#include "telemetry/utf8.h"

#define NAME_SHOWN_BYTES_MAX 48U
#define STORY_BYTES_MAX 300U

static enum err say_unknown(struct span name, struct err_info *info)
{
    struct span shown = utf8_first(name, NAME_SHOWN_BYTES_MAX);
    const struct option *nearest = option_nearest(brand_option_table(), name);
    err_info_set(info, "there is no setting \"%.*s\"%s%s%s", (int)shown.len,
                 (const char *)shown.data, nearest != NULL ? "; did you mean " : "",
                 nearest != NULL ? nearest->name : "", nearest != NULL ? "?" : "");
    return ERR_INVALID;
}

static enum err say_type(const struct option *option, struct err_info *info)
{
    static const char *const types[] = {
        [OPTION_U32] = "an integer",  [OPTION_BOOL] = "a boolean",   [OPTION_TEXT] = "a string",
        [OPTION_CHOICE] = "a string", [OPTION_OBJECT] = "an object",
    };
    char storage[STORY_BYTES_MAX];
    struct strbuf range = strbuf_over(storage, sizeof storage);
    option_describe_range(option, &range);
    err_info_set(info, "%s: %s is wanted: %.*s", option->name, types[option->type], (int)range.len,
                 storage);
    return ERR_INVALID;
}

// Whole translations and one of them could not both be meant.
static bool has(const struct brand_edits_read *read, const struct brand_edit *edit)
{
    for (size_t i = 0; i < read->count; i++) {
        const struct brand_edit *other = &read->items[i];
        bool is_within_same = other->path.len > 0 && edit->path.len > 0;
        if (other->option == edit->option && (!is_within_same || span_eq(other->path, edit->path)))
            return true;
    }
    return false;
}

static enum err add(struct brand_edits_read *read, const struct brand_edit *edit,
                    struct err_info *info)
{
    if (has(read, edit)) {
        err_info_set(info, "%s is named twice", edit->option->name);
        return ERR_INVALID;
    }
    if (read->count == BRAND_OPTIONS_MAX) {
        err_info_set(info, "more than %u changes at once", BRAND_OPTIONS_MAX);
        return ERR_INVALID;
    }
    read->items[read->count++] = *edit;
    return ERR_OK;
}

// The edit's option and path; false: there is no such setting.
static bool find(struct span name, struct brand_edit *out)
{
    struct span path;
    struct span first = span_split(name, '.', &path);
    *out = (struct brand_edit){.option = option_find(brand_option_table(), name)};
    if (out->option == NULL && path.len > 0) {
        out->option = option_find(brand_option_table(), first);
        out->path = path;
    }
    return out->option != NULL &&
           (out->path.len == 0 || out->option == brand_translations_option());
}

// Of one text; null takes it out.
static enum err read_translated(struct brand_edits_read *read, struct brand_edit *edit,
                                const json_t *value, struct err_info *info)
{
    if (!json_is_string(value) && !json_is_null(value)) {
        err_info_set(info, "translations.%.*s: a string or null is wanted",
                     (int)utf8_first(edit->path, NAME_SHOWN_BYTES_MAX).len,
                     (const char *)edit->path.data);
        return ERR_INVALID;
    }
    edit->text = json_is_null(value)
                     ? SPAN("null")
                     : span_make(json_string_value(value), json_string_length(value));
    return add(read, edit, info);
}

static enum err read_one(struct brand_edits_read *read, const char *name, const json_t *value,
                         struct err_info *info)
{
    struct brand_edit edit;
    if (!find(span_of_text(name), &edit))
        return say_unknown(span_of_text(name), info);
    if (edit.path.len > 0)
        return read_translated(read, &edit, value, info);
    bool is_object = edit.option->type == OPTION_OBJECT;
    size_t row = (size_t)(edit.option - brand_options);
    struct strbuf room = is_object ? strbuf_over(read->object, sizeof read->object)
                                   : strbuf_over(read->digits[row], sizeof read->digits[0]);
    if (!brand_setting_text(edit.option, value, &room, &edit.text))
        return say_type(edit.option, info);
    return add(read, &edit, info);
}

enum err brand_edits_read_set(struct brand_edits_read *read, json_t *settings,
                              struct err_info *info)
{
    const char *name;
    json_t *value;
    if (settings == NULL)
        return ERR_OK;
    if (!json_is_object(settings)) {
        err_info_set(info, "settings: an object is wanted, as in {\"otpMaxCount\":3}");
        return ERR_INVALID;
    }
    json_object_foreach(settings, name, value)
    {
        enum err err = read_one(read, name, value, info);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

static enum err say_no_list(struct err_info *info)
{
    err_info_set(info, "unset: a list of names is wanted, as in [\"issuer\"]");
    return ERR_INVALID;
}

static enum err read_name(struct brand_edits_read *read, const json_t *name, struct err_info *info)
{
    struct brand_edit edit;
    struct span text = span_make(json_string_value(name), json_string_length(name));
    if (!json_is_string(name))
        return say_no_list(info);
    return find(text, &edit) ? add(read, &edit, info) : say_unknown(text, info);
}

enum err brand_edits_read_unset(struct brand_edits_read *read, const json_t *names,
                                struct err_info *info)
{
    size_t i;
    json_t *name;
    if (names != NULL && !json_is_array(names))
        return say_no_list(info);
    json_array_foreach(names, i, name)
    {
        enum err err = read_name(read, name, info);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}
