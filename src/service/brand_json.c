// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "service/brand_json.h"

#include "base/assert.h"

void brand_setting_put_json(const struct option *option, const struct brand_settings *settings,
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

bool brand_setting_text(const struct option *option, const json_t *value, struct strbuf *storage,
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
    *out = type == JSON_STRING ? span_make(json_string_value(value), json_string_length(value))
                               : strbuf_span(storage);
    return true;
}
