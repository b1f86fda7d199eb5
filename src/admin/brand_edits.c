// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "admin/brand_edits.h"

#include "base/assert.h"
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
        [OPTION_U32] = "an integer",
        [OPTION_BOOL] = "a boolean",
        [OPTION_TEXT] = "a string",
        [OPTION_CHOICE] = "a string",
    };
    char storage[STORY_BYTES_MAX];
    struct strbuf range = strbuf_over(storage, sizeof storage);
    option_describe_range(option, &range);
    err_info_set(info, "%s: %s is wanted: %.*s", option->name, types[option->type], (int)range.len,
                 storage);
    return ERR_INVALID;
}

static bool has(const struct brand_edits_read *read, const struct option *option)
{
    for (size_t i = 0; i < read->count; i++) {
        if (read->items[i].option == option)
            return true;
    }
    return false;
}

static enum err add(struct brand_edits_read *read, const struct option *option, struct span text,
                    struct err_info *info)
{
    if (has(read, option)) {
        err_info_set(info, "%s is named twice", option->name);
        return ERR_INVALID;
    }
    ASSERT(read->count < BRAND_OPTIONS_MAX);
    read->items[read->count++] = (struct brand_edit){option, text};
    return ERR_OK;
}

static enum err read_one(struct brand_edits_read *read, const char *name, const json_t *value,
                         struct err_info *info)
{
    struct span text;
    const struct option *option = option_find(brand_option_table(), span_of_text(name));
    if (option == NULL)
        return say_unknown(span_of_text(name), info);
    struct strbuf digits = strbuf_over(read->digits[read->count], sizeof read->digits[0]);
    if (!brand_setting_text(option, value, &digits, &text))
        return say_type(option, info);
    return add(read, option, text, info);
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
    const struct span reset = {NULL, 0};
    struct span text = span_make(json_string_value(name), json_string_length(name));
    if (!json_is_string(name))
        return say_no_list(info);
    const struct option *option = option_find(brand_option_table(), text);
    return option != NULL ? add(read, option, reset, info) : say_unknown(text, info);
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
