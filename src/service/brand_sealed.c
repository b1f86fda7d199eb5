// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "service/brand_sealed.h"

#include "base/assert.h"
#include "service/brand_json.h"

#define ASSOCIATED_BYTES_MAX 128U

static struct span associated_data(uint64_t id, const struct option *option, uint8_t *storage)
{
    struct strbuf out = strbuf_over(storage, ASSOCIATED_BYTES_MAX);
    strbuf_put_byte(&out, 'S');
    for (unsigned i = 8; i > 0; i--)
        strbuf_put_byte(&out, (uint8_t)(id >> 8 * (i - 1)));
    strbuf_put_text(&out, option->name);
    ASSERT(!out.is_overflowed);
    return strbuf_span(&out);
}

static void put_one(const struct brand_value *value, const struct option *option,
                    const struct key *wrap_key, const struct entropy *entropy, struct strbuf *out)
{
    uint8_t associated[ASSOCIATED_BYTES_MAX];
    uint8_t plain[SEAL_PLAIN_BYTES_MAX];
    struct strbuf text = strbuf_over(plain, sizeof plain);
    struct sealed sealed;
    option_put_text(option, &value->settings, &text);
    ASSERT(!text.is_overflowed);
    seal_text(wrap_key, entropy, associated_data(value->id, option, associated), strbuf_span(&text),
              &sealed);
    wipe(plain, sizeof plain);
    strbuf_put_json_string(out, span_of_text(option->name));
    strbuf_put_text(out, ":\"");
    strbuf_put_base64url(out, span_make(sealed.bytes, sealed.len));
    strbuf_put_byte(out, '"');
}

void sealed_settings_put(const struct brand_value *value, const struct key *wrap_key,
                         const struct entropy *entropy, struct strbuf *out)
{
    size_t count = 0;
    for (size_t i = 0; i < brand_options_count; i++) {
        const struct option *option = &brand_options[i];
        if (!option->is_secret || option_is_preset(option, &value->settings))
            continue;
        strbuf_put_text(out, count++ == 0 ? ",\"sealedSettings\":{" : ",");
        put_one(value, option, wrap_key, entropy, out);
    }
    strbuf_put_text(out, count > 0 ? "}" : "");
}

static enum err damaged(struct err_info *info, const char *what)
{
    err_info_set(info, "the stored value is damaged: %s", what);
    return ERR_INVALID;
}

static enum err read_one(const char *name, const json_t *text, const struct key *wrap_key,
                         struct brand_value *value, struct err_info *info)
{
    uint8_t associated[ASSOCIATED_BYTES_MAX];
    uint8_t plain[SEAL_PLAIN_BYTES_MAX];
    struct sealed sealed;
    size_t len = 0;
    const struct option *option = option_find(brand_option_table(), span_of_text(name));
    if (option == NULL || !option->is_secret)
        return damaged(info, "it has a secret setting that this version does not know");
    if (!json_read_sealed(text, &sealed))
        return damaged(info, "a secret setting cannot be read");
    if (!seal_open(wrap_key, associated_data(value->id, option, associated), &sealed, plain, &len))
        return damaged(info, "a secret setting does not open");
    enum err err = option_set(option, &value->settings, span_make(plain, len), info);
    wipe(plain, sizeof plain);
    return err;
}

enum err sealed_settings_read(json_t *object, const struct key *wrap_key, struct brand_value *value,
                              struct err_info *info)
{
    const char *name;
    json_t *text;
    if (object == NULL)
        return ERR_OK;
    if (!json_is_object(object) || json_object_size(object) == 0)
        return damaged(info, "its secret settings cannot be read");
    json_object_foreach(object, name, text)
    {
        enum err err = read_one(name, text, wrap_key, value, info);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}
