// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "service/brand_value.h"

// Reading is strict: a member that is missing, of another type or unknown makes the whole value
// invalid. A setting that this version does not know would otherwise be lost at the next write, and
// a limit that was set would silently not hold.
//
// Texts of jansson's errors quote the input, so that they are not passed on; only the line is.

#include "base/assert.h"
#include "service/brand_encryption.h"
#include "service/brand_json.h"
#include "service/brand_sealed.h"

#include <sodium/utils.h>

#define VALUE_FORMAT 1
#define MEMBERS_ALWAYS 5U    // those that each value has
#define ASSOCIATED_BYTES 12U // id, then number, big-endian
#define ID_BYTES 8U

_Static_assert(BRAND_TOKEN_KEYS_MAX == 4, "a story says four");

// What secrets are sealed with.
struct sealing {
    const struct key *wrap_key;
    const struct entropy *entropy;
};

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

enum err brand_name_check_new(struct span name, struct err_info *info)
{
    enum err err = brand_name_check(name, info);
    if (err != ERR_OK || span_find(name, '|') == name.len)
        return err;
    err_info_set(info, "name: \"%.*s\" has a |, which separates parts of tokens", (int)name.len,
                 (const char *)name.data);
    return ERR_INVALID;
}

enum err brand_value_set_name(struct brand_value *value, struct span name, struct err_info *info)
{
    return set_name(value->name, name, info);
}

static void drop_secret_at(struct brand_value *value, size_t index)
{
    struct token_secret *at = &value->secrets[index];
    value->secrets_held--;
    memmove(at, at + 1, (value->secrets_held - index) * sizeof *at);
    wipe(&value->secrets[value->secrets_held], sizeof *at);
}

static uint32_t newest_number(const struct brand_value *value)
{
    return value->secrets_held > 0 ? value->secrets[value->secrets_held - 1].number : 0;
}

enum err brand_value_add_secret(struct brand_value *value, struct span secret, int64_t now_ms,
                                struct err_info *info)
{
    if (secret.len < BRAND_TOKEN_SECRET_BYTES_MIN || secret.len > BRAND_TOKEN_SECRET_BYTES_MAX) {
        err_info_set(info, "token secret: %zu bytes are not %u to %u", secret.len,
                     BRAND_TOKEN_SECRET_BYTES_MIN, BRAND_TOKEN_SECRET_BYTES_MAX);
        return ERR_INVALID;
    }
    uint32_t newest = newest_number(value);
    if (newest == UINT32_MAX) {
        err_info_set(info, "token key: its numbers are used up");
        return ERR_INVALID;
    }
    if (value->secrets_held == BRAND_TOKEN_KEYS_MAX)
        drop_secret_at(value, 0);
    struct token_secret *added = &value->secrets[value->secrets_held++];
    added->number = newest + 1;
    added->created_at_ms = now_ms;
    added->len = (uint16_t)secret.len;
    memcpy(added->bytes, secret.data, secret.len);
    return ERR_OK;
}

enum err brand_value_drop_secret(struct brand_value *value, uint32_t number, struct err_info *info)
{
    size_t index = 0;
    while (index < value->secrets_held && value->secrets[index].number != number)
        index++;
    if (index == value->secrets_held) {
        err_info_set(info, "there is no token key %u", number);
        return ERR_NOT_FOUND;
    }
    if (index + 1 == value->secrets_held) {
        err_info_set(info, "token key %u signs; rotate first, then retire it", number);
        return ERR_INVALID;
    }
    drop_secret_at(value, index);
    return ERR_OK;
}

static void store_big_endian(uint64_t number, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(number >> 8 * (len - 1 - i));
}

static struct span associated_data(uint64_t id, uint32_t number, uint8_t *storage)
{
    store_big_endian(id, storage, ID_BYTES);
    store_big_endian(number, storage + ID_BYTES, ASSOCIATED_BYTES - ID_BYTES);
    return span_make(storage, ASSOCIATED_BYTES);
}

static void put_secret(const struct token_secret *secret, struct span associated,
                       const struct sealing *sealing, struct strbuf *out)
{
    struct sealed sealed;
    seal_text(sealing->wrap_key, sealing->entropy, associated,
              span_make(secret->bytes, secret->len), &sealed);
    strbuf_put_text(out, "{\"id\":");
    strbuf_put_u64(out, secret->number);
    if (secret->created_at_ms > 0) {
        strbuf_put_text(out, ",\"createdAt\":");
        strbuf_put_i64(out, secret->created_at_ms);
    }
    strbuf_put_text(out, ",\"sealed\":\"");
    strbuf_put_base64url(out, span_make(sealed.bytes, sealed.len));
    strbuf_put_text(out, "\"}");
}

static void put_secrets(const struct brand_value *value, const struct sealing *sealing,
                        struct strbuf *out)
{
    uint8_t associated[ASSOCIATED_BYTES];
    for (size_t i = 0; i < value->secrets_held; i++) {
        const struct token_secret *secret = &value->secrets[i];
        strbuf_put_text(out, i > 0 ? "," : "");
        put_secret(secret, associated_data(value->id, secret->number, associated), sealing, out);
    }
}

void brand_value_encode(const struct brand_value *value, const struct key *wrap_key,
                        const struct entropy *entropy, struct strbuf *out)
{
    uint8_t id[ID_BYTES];
    const struct sealing sealing = {wrap_key, entropy};
    ASSERT(value->secrets_held > 0);
    store_big_endian(value->id, id, sizeof id);
    strbuf_put_text(out, "{\"format\":1,\"id\":\"");
    strbuf_put_hex(out, span_make(id, sizeof id));
    strbuf_put_text(out, "\",\"name\":");
    strbuf_put_json_string(out, span_of_text(value->name));
    strbuf_put_text(out, ",\"settings\":");
    brand_settings_put_json(&value->settings, out);
    strbuf_put_text(out, ",\"tokenKeys\":[");
    put_secrets(value, &sealing, out);
    strbuf_put_byte(out, ']');
    encryption_keys_put(value, wrap_key, entropy, out);
    sealed_settings_put(value, wrap_key, entropy, out);
    strbuf_put_byte(out, '}');
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

static enum err read_setting(const char *name, const json_t *value, struct brand_settings *settings,
                             struct err_info *info)
{
    char storage[BRAND_SETTING_OBJECT_MAX];
    struct strbuf room = strbuf_over(storage, sizeof storage);
    struct span text;
    const struct option *option = option_find(brand_option_table(), span_of_text(name));
    if (option == NULL || option->is_secret)
        return damaged(info, "it has a setting that this version does not know");
    if (!brand_setting_text(option, value, &room, &text)) {
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

static bool read_created_at(const json_t *at, int64_t *out_ms)
{
    *out_ms = json_integer_value(at); // 0 for one that is not there
    return at == NULL || (json_is_integer(at) && *out_ms > 0);
}

// The text of a key, up to its seal. Numbers rise, so that each is there once and the last signs.
static bool read_key_head(const json_t *entry, uint32_t previous, struct token_secret *out,
                          struct sealed *sealed_out)
{
    const json_t *created_at = json_object_get(entry, "createdAt");
    json_int_t number = json_integer_value(json_object_get(entry, "id"));
    if (json_object_size(entry) != (created_at == NULL ? 2 : 3))
        return false;
    if (number <= previous || number > UINT32_MAX)
        return false;
    out->number = (uint32_t)number;
    return read_created_at(created_at, &out->created_at_ms) &&
           json_read_sealed(json_object_get(entry, "sealed"), sealed_out);
}

static enum err read_token_key(const json_t *entry, const struct key *wrap_key,
                               struct brand_value *value, struct err_info *info)
{
    uint8_t associated[ASSOCIATED_BYTES];
    struct sealed sealed;
    size_t len = 0;
    struct token_secret *secret = &value->secrets[value->secrets_held];
    if (!read_key_head(entry, newest_number(value), secret, &sealed))
        return damaged(info, "its token key cannot be read");
    if (!seal_open(wrap_key, associated_data(value->id, secret->number, associated), &sealed,
                   secret->bytes, &len))
        return damaged(info, "its token key does not open; is this the key file it was made with?");
    secret->len = (uint16_t)len;
    if (len < BRAND_TOKEN_SECRET_BYTES_MIN)
        return damaged(info, "its token key is too short");
    value->secrets_held++;
    return ERR_OK;
}

static enum err read_token_keys(const json_t *list, const struct key *wrap_key,
                                struct brand_value *value, struct err_info *info)
{
    size_t count = json_array_size(list);
    if (count < 1 || count > BRAND_TOKEN_KEYS_MAX)
        return damaged(info, "not one to four token keys");
    for (size_t i = 0; i < count; i++) {
        enum err err = read_token_key(json_array_get(list, i), wrap_key, value, info);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

static size_t has_member(const json_t *root, const char *name)
{
    return json_object_get(root, name) != NULL ? 1 : 0;
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
    if (json_object_size(root) !=
        MEMBERS_ALWAYS + has_member(root, "encryptionKeys") + has_member(root, "sealedSettings"))
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
    err = read_token_keys(json_object_get(root, "tokenKeys"), wrap_key, value, info);
    if (err != ERR_OK)
        return err;
    err = sealed_settings_read(json_object_get(root, "sealedSettings"), wrap_key, value, info);
    if (err != ERR_OK)
        return err;
    return encryption_keys_read(json_object_get(root, "encryptionKeys"), wrap_key, value, info);
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
