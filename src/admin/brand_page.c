// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "admin/brand_page.h"

#include "base/assert.h"
#include "service/brand_json.h"

#include <time.h>

#define RANGE_BYTES_MAX 300U
#define STAMP_BYTES_MAX 32U
#define MS_PER_SECOND 1000

static void put_member(struct strbuf *out, const char *before, const char *text)
{
    strbuf_put_text(out, before);
    if (text == NULL)
        strbuf_put_text(out, "null");
    else
        strbuf_put_json_string(out, span_of_text(text));
}

static void put_flag(struct strbuf *out, const char *before, bool is_set)
{
    strbuf_put_text(out, before);
    strbuf_put_text(out, is_set ? "true" : "false");
}

static void put_option(const struct option *option, const struct brand_settings *presets,
                       struct strbuf *out)
{
    static const char *const types[] = {
        [OPTION_U32] = "integer",   [OPTION_BOOL] = "boolean",  [OPTION_TEXT] = "text",
        [OPTION_CHOICE] = "choice", [OPTION_OBJECT] = "object",
    };
    char storage[RANGE_BYTES_MAX];
    struct strbuf range = strbuf_over(storage, sizeof storage);
    option_describe_range(option, &range);
    put_member(out, "{\"name\":", option->name);
    put_member(out, ",\"type\":", types[option->type]);
    put_member(out, ",\"unit\":", option->unit);
    strbuf_put_text(out, ",\"default\":");
    brand_setting_put_json(option, presets, out);
    strbuf_put_text(out, ",\"range\":");
    strbuf_put_json_string(out, strbuf_span(&range));
    put_flag(out, ",\"nullable\":", option->is_nullable);
    put_flag(out, ",\"secret\":", option->is_secret);
    put_member(out, ",\"help\":", option->help);
    put_member(out, ",\"hazard\":", option->hazard);
    strbuf_put_byte(out, '}');
}

void brand_page_options(struct strbuf *out)
{
    struct brand_settings presets;
    brand_settings_init(&presets);
    strbuf_put_text(out, "{\"options\":[");
    for (size_t i = 0; i < brand_options_count; i++) {
        strbuf_put_text(out, i > 0 ? "," : "");
        put_option(&brand_options[i], &presets, out);
    }
    strbuf_put_text(out, "]}");
}

static size_t changed_count(const struct brand *brand)
{
    size_t count = 0;
    for (size_t i = 0; i < brand_options_count; i++)
        count += option_is_preset(&brand_options[i], &brand->settings) ? 0 : 1;
    return count;
}

void brand_page_list(const struct brand_set *set, struct strbuf *out)
{
    strbuf_put_text(out, "{\"brands\":[");
    for (size_t i = 0; i < brand_set_count(set); i++) {
        const struct brand *brand = brand_set_at(set, i);
        strbuf_put_text(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        strbuf_put_json_string(out, brand->name);
        strbuf_put_text(out, ",\"changed\":");
        strbuf_put_u64(out, changed_count(brand));
        strbuf_put_byte(out, '}');
    }
    strbuf_put_text(out, "]}");
}

static bool is_any(const struct option *option, const struct brand *brand,
                   const struct ruled_brand *ruled)
{
    (void)option;
    (void)brand;
    (void)ruled;
    return true;
}

static bool is_changed(const struct option *option, const struct brand *brand,
                       const struct ruled_brand *ruled)
{
    (void)ruled;
    return !option_is_preset(option, &brand->settings);
}

static bool is_exported(const struct option *option, const struct brand *brand,
                        const struct ruled_brand *ruled)
{
    return is_changed(option, brand, ruled) && !option->is_secret;
}

static bool is_ruled(const struct option *option, const struct brand *brand,
                     const struct ruled_brand *ruled)
{
    (void)brand;
    return ruled_has_setting(ruled, option);
}

typedef bool option_filter(const struct option *option, const struct brand *brand,
                           const struct ruled_brand *ruled);

static void put_settings(const struct brand *brand, option_filter *is_wanted, struct strbuf *out)
{
    const char *separator = "";
    strbuf_put_byte(out, '{');
    for (size_t i = 0; i < brand_options_count; i++) {
        if (!is_wanted(&brand_options[i], brand, NULL))
            continue;
        put_member(out, separator, brand_options[i].name);
        strbuf_put_byte(out, ':');
        brand_setting_put_json(&brand_options[i], &brand->settings, out);
        separator = ",";
    }
    strbuf_put_byte(out, '}');
}

static void put_names(const struct brand *brand, const struct ruled_brand *ruled,
                      option_filter *is_wanted, struct strbuf *out)
{
    const char *separator = "";
    strbuf_put_byte(out, '[');
    for (size_t i = 0; i < brand_options_count; i++) {
        if (!is_wanted(&brand_options[i], brand, ruled))
            continue;
        put_member(out, separator, brand_options[i].name);
        separator = ",";
    }
    strbuf_put_byte(out, ']');
}

static void put_stamp(int64_t at_ms, struct strbuf *out)
{
    char text[STAMP_BYTES_MAX];
    struct tm tm;
    const time_t seconds = (time_t)(at_ms / MS_PER_SECOND);
    bool is_known = at_ms > 0 && gmtime_r(&seconds, &tm) != NULL &&
                    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0;
    put_member(out, "", is_known ? text : NULL);
}

static void put_token_keys(const struct brand *brand, struct strbuf *out)
{
    for (size_t i = brand->token_keys_held; i > 0; i--) {
        const struct token_key *key = &brand->token_keys[i - 1];
        strbuf_put_text(out, i < brand->token_keys_held ? ",{\"number\":" : "{\"number\":");
        strbuf_put_u64(out, key->number);
        put_flag(out, ",\"isSigning\":", key == brand_signing_key(brand));
        strbuf_put_text(out, ",\"createdAt\":");
        put_stamp(key->created_at_ms, out);
        strbuf_put_byte(out, '}');
    }
}

void brand_page(const struct brand *brand, const struct ruled_brand *ruled, struct strbuf *out)
{
    strbuf_put_text(out, "{\"name\":");
    strbuf_put_json_string(out, brand->name);
    strbuf_put_text(out, ",\"settings\":");
    put_settings(brand, is_any, out);
    strbuf_put_text(out, ",\"changed\":");
    put_names(brand, ruled, is_changed, out);
    strbuf_put_text(out, ",\"ruledByFile\":");
    put_names(brand, ruled, is_ruled, out);
    strbuf_put_text(out, ",\"tokenKeys\":[");
    put_token_keys(brand, out);
    strbuf_put_text(out, "]}");
}

static enum err put_encryption_key(const struct encryption_key *key, struct strbuf *out)
{
    char storage[RSA_PUBLIC_PEM_BYTES_MAX];
    struct strbuf pem = strbuf_over(storage, sizeof storage);
    strbuf_put_text(out, "{\"number\":");
    strbuf_put_u64(out, key->number);
    strbuf_put_text(out, ",\"bits\":");
    strbuf_put_u64(out, rsa_key_bits(key->rsa));
    strbuf_put_text(out, ",\"createdAt\":");
    put_stamp(key->created_at_ms, out);
    enum err err = encryption_key_put_pem(key, &pem);
    strbuf_put_text(out, ",\"publicKey\":");
    strbuf_put_json_string(out, strbuf_span(&pem));
    strbuf_put_text(out, ",\"publicKeyDer\":\"");
    if (err == ERR_OK)
        err = encryption_key_put_base64(key, out);
    strbuf_put_text(out, "\"}");
    return err;
}

enum err brand_page_encryption(const struct brand *brand, struct strbuf *out)
{
    enum err err = ERR_OK;
    strbuf_put_text(out, "{\"name\":");
    strbuf_put_json_string(out, brand->name);
    strbuf_put_text(out, ",\"encryptionKeys\":[");
    for (size_t i = brand->encryption_keys_held; i > 0 && err == ERR_OK; i--) {
        strbuf_put_text(out, i < brand->encryption_keys_held ? "," : "");
        err = put_encryption_key(&brand->encryption_keys[i - 1], out);
    }
    strbuf_put_text(out, "]}");
    return err;
}

void brand_page_opened(const struct brand *brand, enum rsa_padding padding, struct span cipher,
                       struct strbuf *out)
{
    const char *separator = "";
    strbuf_put_text(out, "{\"messages\":[");
    for (size_t i = brand->encryption_keys_held; i > 0; i--) {
        struct rsa_message message;
        const struct encryption_key *key = &brand->encryption_keys[i - 1];
        if (rsa_key_bytes(key->rsa) != cipher.len)
            continue;
        rsa_decrypt(key->rsa, padding, cipher, &message);
        strbuf_put_text(out, separator);
        strbuf_put_text(out, "{\"number\":");
        strbuf_put_u64(out, key->number);
        strbuf_put_text(out, ",\"plain\":\"");
        hash_put_base64(span_make(message.bytes, message.len), out);
        strbuf_put_text(out, "\"}");
        separator = ",";
    }
    strbuf_put_text(out, "]}");
}

void brand_page_export(const struct brand_set *set, struct strbuf *out)
{
    strbuf_put_text(out, "{\"format\":1,\"brands\":[");
    for (size_t i = 0; i < brand_set_count(set); i++) {
        const struct brand *brand = brand_set_at(set, i);
        strbuf_put_text(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        strbuf_put_json_string(out, brand->name);
        strbuf_put_text(out, ",\"settings\":");
        put_settings(brand, is_exported, out);
        strbuf_put_byte(out, '}');
    }
    strbuf_put_text(out, "]}");
}
