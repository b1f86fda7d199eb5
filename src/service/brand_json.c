// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "service/brand_json.h"

#include "base/assert.h"

#include <sodium/utils.h>

void brand_setting_put_json(const struct option *option, const struct brand_settings *settings,
                            struct strbuf *out)
{
    char storage[sizeof settings->translations]; // the longest of them
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

void brand_settings_put_json(const struct brand_settings *settings, struct strbuf *out)
{
    const char *separator = "";
    strbuf_put_byte(out, '{');
    for (size_t i = 0; i < brand_options_count; i++) {
        const struct option *option = &brand_options[i];
        if (option->is_secret || option_is_preset(option, settings))
            continue;
        strbuf_put_text(out, separator);
        strbuf_put_json_string(out, span_of_text(option->name));
        strbuf_put_byte(out, ':');
        brand_setting_put_json(option, settings, out);
        separator = ",";
    }
    strbuf_put_byte(out, '}');
}

// Names sorted, no spaces: equal objects are equal texts. An empty one is null.
static bool object_text(const json_t *object, struct strbuf *storage, struct span *out)
{
    size_t cap = storage->cap - storage->len;
    *out = SPAN("null");
    if (json_object_size(object) == 0)
        return true;
    char *at = (char *)storage->data + storage->len;
    size_t len = json_dumpb(object, at, cap, JSON_COMPACT | JSON_SORT_KEYS);
    if (len == 0 || len > cap)
        return false;
    storage->len += len;
    *out = span_make(at, len);
    return true;
}

bool brand_setting_text(const struct option *option, const json_t *value, struct strbuf *storage,
                        struct span *out)
{
    static const json_type types[] = {
        [OPTION_U32] = JSON_INTEGER,   [OPTION_BOOL] = JSON_TRUE,     [OPTION_TEXT] = JSON_STRING,
        [OPTION_CHOICE] = JSON_STRING, [OPTION_OBJECT] = JSON_OBJECT,
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
    if (type == JSON_OBJECT)
        return object_text(value, storage, out);
    if (type == JSON_INTEGER)
        strbuf_put_i64(storage, json_integer_value(value));
    if (type == JSON_TRUE)
        strbuf_put_text(storage, "true");
    *out = type == JSON_STRING ? span_make(json_string_value(value), json_string_length(value))
                               : strbuf_span(storage);
    return true;
}

bool json_read_base64url(const json_t *text, uint8_t *out, size_t cap, size_t *len_out)
{
    return json_is_string(text) &&
           sodium_base642bin(out, cap, json_string_value(text), json_string_length(text), NULL,
                             len_out, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0;
}

bool json_read_sealed(const json_t *text, struct sealed *out)
{
    size_t len = 0;
    bool is_read = json_read_base64url(text, out->bytes, sizeof out->bytes, &len);
    out->len = (uint16_t)len;
    return is_read;
}
