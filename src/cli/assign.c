// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/assign.h"

#include "base/number.h"
#include "cli/secret.h"
#include "config/source.h"

#define FILE_BYTES_MAX 16384U
#define NAME_BYTES_MAX 64U

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

bool assign_is_path(struct option_table table, struct span name)
{
    struct span path;
    const struct option *option = option_find(table, span_split(name, '.', &path));
    return option != NULL && option->type == OPTION_OBJECT && path.len > 0;
}

// Of a value that may stand in a file, `text` becomes what is there, in `room`.
static enum err read_file(struct span *text, struct strbuf *room, const char *name,
                          struct err_info *info)
{
    char path[CONFIG_PATH_BYTES_MAX];
    struct err_info why;
    struct file_facts facts;
    struct span from = span_from(*text, 1);
    if (text->len == 0 || text->data[0] != '@')
        return ERR_OK;
    (void)snprintf(path, sizeof path, "%.*s", (int)from.len, (const char *)from.data);
    if (config_file_read(path, room->data, room->cap, &facts, &why) != ERR_OK) {
        err_info_set(info, "%.64s: %.200s: %.200s", name, path, why.text);
        return ERR_INVALID;
    }
    *text = span_make(room->data, facts.len);
    if (text->len > 0 && text->data[text->len - 1] == '\n')
        text->len--;
    return ERR_OK;
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

static enum err add_object(struct assign *assign, const struct option *option, struct span text,
                           struct err_info *info)
{
    json_error_t error;
    bool is_null = span_eq(text, SPAN("null"));
    json_t *value =
        is_null ? json_null()
                : json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
    if (value == NULL || !(is_null || json_is_object(value))) {
        json_decref(value);
        err_info_set(info, "%s: an object of JSON is wanted, or one of its texts: %s.vi.NAME=TEXT",
                     option->name, option->name);
        return ERR_INVALID;
    }
    return json_object_set_new(assign->values, option->name, value) == 0 ? ERR_OK : ERR_NO_MEMORY;
}

// What the server puts into the object.
static enum err add_member(struct assign *assign, struct span path, struct span text,
                           struct err_info *info)
{
    char name[NAME_BYTES_MAX];
    uint8_t storage[FILE_BYTES_MAX];
    struct strbuf room = strbuf_over(storage, sizeof storage);
    (void)snprintf(name, sizeof name, "%.*s", (int)path.len, (const char *)path.data);
    enum err err = read_file(&text, &room, name, info);
    if (err != ERR_OK)
        return err;
    json_t *value =
        span_eq(text, SPAN("null")) ? json_null() : json_stringn((const char *)text.data, text.len);
    if (json_object_get(assign->values, name) == NULL &&
        json_object_set_new(assign->values, name, value) == 0)
        return ERR_OK;
    err_info_set(info, "%s is given twice, or its text is no UTF-8", name);
    return ERR_INVALID;
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

static enum err add_any(struct assign *assign, const struct option *option, struct span text,
                        struct err_info *info)
{
    uint8_t storage[FILE_BYTES_MAX];
    struct strbuf room = strbuf_over(storage, sizeof storage);
    bool may_be_in_file = option->has_lines || option->type == OPTION_OBJECT;
    bool is_null = option->is_nullable && span_eq(text, SPAN("null"));
    enum err err = may_be_in_file ? read_file(&text, &room, option->name, info) : ERR_OK;
    if (err != ERR_OK)
        return err;
    if (option->type == OPTION_OBJECT)
        return add_object(assign, option, text, info);
    return option->is_secret && !is_null ? add_secret(assign, option, text, info)
                                         : add_value(assign, option, text, info);
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
    if (assign_is_path(assign->table, name))
        return add_member(assign, name, text, info);
    enum err err = assign_find(assign->table, name, &option, info);
    if (err != ERR_OK)
        return err;
    if (json_object_get(assign->values, option->name) != NULL) {
        err_info_set(info, "%s is given twice", option->name);
        return ERR_INVALID;
    }
    return add_any(assign, option, text, info);
}
