// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/assign.h"

#include "base/number.h"
#include "cli/secret.h"

enum err assign_find(struct option_table table, struct span name, const struct option **out,
                     struct err_info *info)
{
    *out = option_find(table, name);
    if (*out != NULL)
        return ERR_OK;
    const struct option *nearest = option_nearest(table, name);
    int shown = (int)span_first(name, 64).len;
    const char *text = (const char *)name.data;
    if (nearest != NULL)
        err_info_set(info, "there is no setting \"%.*s\"; did you mean %s?", shown, text,
                     nearest->name);
    else
        err_info_set(info, "there is no setting \"%.*s\"; otpd brand options lists them", shown,
                     text);
    return ERR_INVALID;
}

// The text is in the option's range. Where null is allowed the empty text is null.
static json_t *value_of(const struct option *option, struct span text)
{
    uint64_t number = 0;
    bool is_null = option->is_nullable && (text.len == 0 || span_eq(text, SPAN("null")));
    if (is_null)
        return json_null();
    if (option->type == OPTION_BOOL)
        return json_boolean(span_eq(text, SPAN("true")));
    if (option->type != OPTION_U32)
        return json_stringn((const char *)text.data, text.len);
    bool is_number = parse_u64(text, UINT32_MAX, &number);
    ASSERT(is_number);
    return json_integer((json_int_t)number);
}

static enum err add_value(struct assign *assign, const struct option *option, struct span text,
                          struct err_info *info)
{
    enum err err = option_set(option, assign->settings, text, info);
    if (err != ERR_OK)
        return err;
    int failed = json_object_set_new(assign->values, option->name, value_of(option, text));
    return failed == 0 ? ERR_OK : ERR_NO_MEMORY;
}

static enum err add_secret(struct assign *assign, const struct option *option, struct span from,
                           struct err_info *info)
{
    struct secret secret;
    enum err err = secret_read(option->name, from, &secret, info);
    if (err == ERR_OK)
        err = add_value(assign, option, secret_span(&secret), info);
    secret_wipe(&secret);
    return err;
}

enum err assign_word(struct assign *assign, const char *word, struct err_info *info)
{
    const struct option *option;
    struct span whole = span_of_text(word);
    struct span text;
    struct span name = span_split(whole, '=', &text);
    if (name.len == whole.len) {
        err_info_set(info, "\"%.64s\" has no value; give it as %.64s=VALUE", word, word);
        return ERR_INVALID;
    }
    enum err err = assign_find(assign->table, name, &option, info);
    if (err != ERR_OK)
        return err;
    if (json_object_get(assign->values, option->name) != NULL) {
        err_info_set(info, "%s is given twice", option->name);
        return ERR_INVALID;
    }
    bool is_null = option->is_nullable && span_eq(text, SPAN("null"));
    if (option->is_secret && !is_null)
        return add_secret(assign, option, text, info);
    return add_value(assign, option, text, info);
}
