// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "service/brand_value.h"

// Reading is strict: a member that is missing, of another type or unknown makes the whole value
// invalid. A setting that this version does not know would otherwise be lost at the next write, and
// a limit that was set would silently not hold.
//
// Texts of jansson's errors quote the input, so that they are not passed on; only the line is.

#include "base/assert.h"

#include <jansson.h>
#include <sodium/utils.h>

#define VALUE_FORMAT 1
#define ASSOCIATED_BYTES 12U // id, then number, big-endian
#define ID_BYTES 8U

void brand_value_wipe(struct brand_value *value)
{
    wipe(value, sizeof *value);
}

struct span brand_name_upper(struct span name, char *storage)
{
    size_t len = name.len < BRAND_NAME_BYTES_MAX ? name.len : BRAND_NAME_BYTES_MAX;
    for (size_t i = 0; i < len; i++)
        storage[i] = (char)ascii_upper(name.data[i]);
    return span_make(storage, len);
}

// A row of its own over the name alone, so that names are checked and refused as every other text
// is.
static const struct option name_option = {
    .name = "name",
    .type = OPTION_TEXT,
    .unit = "name",
    .offset = 0,
    .capacity = sizeof((struct brand_value *)0)->name,
};

static enum err set_name(char *storage, struct span name, struct err_info *info)
{
    if (name.len == 0 || span_trim(name).len != name.len) {
        err_info_set(info, "name: a brand's name is not empty and has no spaces at its ends");
        return ERR_INVALID;
    }
    return option_set(&name_option, storage, name, info);
}

enum err brand_name_check(struct span name, struct err_info *info)
{
    char storage[sizeof((struct brand_value *)0)->name];
    return set_name(storage, name, info);
}

enum err brand_value_set_name(struct brand_value *value, struct span name, struct err_info *info)
{
    return set_name(value->name, name, info);
}

enum err brand_value_set_secret(struct brand_value *value, struct span secret,
                                struct err_info *info)
{
    if (secret.len < BRAND_TOKEN_SECRET_BYTES_MIN || secret.len > BRAND_TOKEN_SECRET_BYTES_MAX) {
        err_info_set(info, "token secret: %zu bytes are not %u to %u", secret.len,
                     BRAND_TOKEN_SECRET_BYTES_MIN, BRAND_TOKEN_SECRET_BYTES_MAX);
        return ERR_INVALID;
    }
    memcpy(value->token_secret, secret.data, secret.len);
    value->token_secret_len = (uint16_t)secret.len;
    return ERR_OK;
}

static void store_big_endian(uint64_t number, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(number >> 8 * (len - 1 - i));
}

static struct span associated_data(const struct brand_value *value, uint8_t *storage)
{
    store_big_endian(value->id, storage, ID_BYTES);
    store_big_endian(value->token_key_number, storage + ID_BYTES, ASSOCIATED_BYTES - ID_BYTES);
    return span_make(storage, ASSOCIATED_BYTES);
}

static void put_setting_value(const struct option *option, const struct brand_settings *settings,
                              struct strbuf *out)
{
    char storage[sizeof settings->cors_origins]; // the longest of them
    struct strbuf text = strbuf_over(storage, sizeof storage);
    option_show(option, settings, &text);
    ASSERT(!text.is_overflowed);
    bool is_null = option->is_nullable && span_eq(strbuf_span(&text), SPAN("null"));
    bool is_string = option->type == OPTION_TEXT || option->type == OPTION_CHOICE;
    if (is_string && !is_null)
        strbuf_put_json_string(out, strbuf_span(&text));
    else
        strbuf_put(out, strbuf_span(&text));
}

// In the table's order, so that equal settings are equal texts.
static void put_settings(const struct brand_settings *settings, struct strbuf *out)
{
    const char *separator = "";
    strbuf_put_byte(out, '{');
    for (size_t i = 0; i < brand_options_count; i++) {
        const struct option *option = &brand_options[i];
        if (option_is_preset(option, settings))
            continue;
        strbuf_put_text(out, separator);
        strbuf_put_json_string(out, span_of_text(option->name));
        strbuf_put_byte(out, ':');
        put_setting_value(option, settings, out);
        separator = ",";
    }
    strbuf_put_byte(out, '}');
}

void brand_value_encode(const struct brand_value *value, const struct key *wrap_key,
                        const struct entropy *entropy, struct strbuf *out)
{
    uint8_t associated[ASSOCIATED_BYTES];
    struct sealed sealed;
    seal_text(wrap_key, entropy, associated_data(value, associated), brand_value_secret(value),
              &sealed);
    strbuf_put_text(out, "{\"format\":1,\"id\":\"");
    strbuf_put_hex(out, span_make(associated, ID_BYTES));
    strbuf_put_text(out, "\",\"name\":");
    strbuf_put_json_string(out, span_of_text(value->name));
    strbuf_put_text(out, ",\"settings\":");
    put_settings(&value->settings, out);
    strbuf_put_text(out, ",\"tokenKeys\":[{\"id\":");
    strbuf_put_u64(out, value->token_key_number);
    strbuf_put_text(out, ",\"sealed\":\"");
    strbuf_put_base64url(out, span_make(sealed.bytes, sealed.len));
    strbuf_put_text(out, "\"}]}");
}

static enum err damaged(struct err_info *info, const char *what)
{
    err_info_set(info, "the stored value is damaged: %s", what);
    return ERR_INVALID;
}

static struct span string_of(const json_t *string)
{
    return span_make(json_string_value(string), json_string_length(string));
}

// The text of a scalar, into `storage` where it is a number. False: its type is not the option's.
static bool setting_text(const struct option *option, const json_t *value, struct strbuf *storage,
                         struct span *out)
{
    static const json_type types[] = {
        [OPTION_U32] = JSON_INTEGER,
        [OPTION_BOOL] = JSON_TRUE,
        [OPTION_TEXT] = JSON_STRING,
        [OPTION_CHOICE] = JSON_STRING,
    };
    json_type type = json_typeof(value);
    *out = SPAN("null");
    if (type == JSON_NULL)
        return option->is_nullable;
    *out = SPAN("false");
    if (type == JSON_FALSE)
        return types[option->type] == JSON_TRUE;
    if (type != types[option->type])
        return false;
    if (type == JSON_INTEGER)
        strbuf_put_i64(storage, json_integer_value(value));
    if (type == JSON_TRUE)
        strbuf_put_text(storage, "true");
    *out = type == JSON_STRING ? string_of(value) : strbuf_span(storage);
    return true;
}

static enum err read_setting(const char *name, const json_t *value, struct brand_settings *settings,
                             struct err_info *info)
{
    char storage[24];
    struct strbuf digits = strbuf_over(storage, sizeof storage);
    struct span text;
    const struct option *option = option_find(brand_option_table(), span_of_text(name));
    if (option == NULL)
        return damaged(info, "it has a setting that this version does not know");
    if (!setting_text(option, value, &digits, &text)) {
        err_info_set(info, "%s: its stored value has another type", option->name);
        return ERR_INVALID;
    }
    return option_set(option, settings, text, info);
}

static enum err read_settings(json_t *object, struct brand_settings *settings,
                              struct err_info *info)
{
    const char *name;
    json_t *value;
    brand_settings_init(settings);
    if (!json_is_object(object))
        return damaged(info, "no settings");
    json_object_foreach(object, name, value)
    {
        enum err err = read_setting(name, value, settings, info);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

static bool read_id(const json_t *id, uint64_t *out)
{
    uint8_t bytes[ID_BYTES];
    size_t len = 0;
    *out = 0;
    if (json_string_length(id) != 2 * ID_BYTES)
        return false;
    if (sodium_hex2bin(bytes, sizeof bytes, json_string_value(id), 2 * ID_BYTES, NULL, &len,
                       NULL) != 0)
        return false;
    for (size_t i = 0; i < len; i++)
        *out = *out << 8 | bytes[i];
    return len == ID_BYTES;
}

static bool read_sealed(const json_t *text, struct sealed *out)
{
    size_t len = 0;
    if (!json_is_string(text))
        return false;
    if (sodium_base642bin(out->bytes, sizeof out->bytes, json_string_value(text),
                          json_string_length(text), NULL, &len, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return false;
    out->len = (uint16_t)len;
    return true;
}

static enum err read_token_key(const json_t *list, const struct key *wrap_key,
                               struct brand_value *value, struct err_info *info)
{
    uint8_t associated[ASSOCIATED_BYTES];
    struct sealed sealed;
    const json_t *entry = json_array_get(list, 0);
    json_int_t number = json_integer_value(json_object_get(entry, "id"));
    if (json_array_size(list) != 1 || json_object_size(entry) != 2)
        return damaged(info, "not exactly one token key");
    if (number < 1 || number > UINT32_MAX ||
        !read_sealed(json_object_get(entry, "sealed"), &sealed))
        return damaged(info, "its token key cannot be read");
    value->token_key_number = (uint32_t)number;
    size_t len = 0;
    if (!seal_open(wrap_key, associated_data(value, associated), &sealed, value->token_secret,
                   &len))
        return damaged(info, "its token key does not open; is this the key file it was made with?");
    value->token_secret_len = (uint16_t)len;
    if (len < BRAND_TOKEN_SECRET_BYTES_MIN)
        return damaged(info, "its token key is too short");
    return ERR_OK;
}

static enum err read_head(const json_t *root, struct brand_value *value, struct err_info *info)
{
    const json_t *format = json_object_get(root, "format");
    if (!json_is_integer(format))
        return damaged(info, "no format number");
    if (json_integer_value(format) != VALUE_FORMAT) {
        err_info_set(info, "the stored value has format %lld; this version knows %d",
                     (long long)json_integer_value(format), VALUE_FORMAT);
        return ERR_INVALID;
    }
    if (json_object_size(root) != 5)
        return damaged(info, "it has other members than it should");
    if (!read_id(json_object_get(root, "id"), &value->id))
        return damaged(info, "no id");
    const json_t *name = json_object_get(root, "name");
    if (!json_is_string(name))
        return damaged(info, "no name");
    return brand_value_set_name(value, string_of(name), info);
}

static enum err read_value(const json_t *root, const struct key *wrap_key,
                           struct brand_value *value, struct err_info *info)
{
    enum err err = read_head(root, value, info);
    if (err != ERR_OK)
        return err;
    err = read_settings(json_object_get(root, "settings"), &value->settings, info);
    if (err != ERR_OK)
        return err;
    return read_token_key(json_object_get(root, "tokenKeys"), wrap_key, value, info);
}

enum err brand_value_decode(struct span text, const struct key *wrap_key, struct brand_value *out,
                            struct err_info *info)
{
    json_error_t error;
    memset(out, 0, sizeof *out);
    json_t *root = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        err_info_set(info, "the stored value is damaged: no JSON at byte %d", error.position);
        return ERR_INVALID;
    }
    enum err err = read_value(root, wrap_key, out, info);
    json_decref(root);
    if (err != ERR_OK)
        brand_value_wipe(out);
    return err;
}
