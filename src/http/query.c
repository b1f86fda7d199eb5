// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Look-ups in a request, for handlers.

#include "http/bytes.h"
#include "http/http.h"

struct span http_request_field(const struct http_request *request, struct span name)
{
    for (size_t i = 0; i < request->fields_held; i++) {
        if (span_eq_nocase(request->fields[i].name, name))
            return request->fields[i].value;
    }
    return span_make(NULL, 0);
}

static bool decode_percent(struct span after_sign, uint8_t *out)
{
    if (after_sign.len < 2)
        return false;
    unsigned high = http_hex_value(after_sign.data[0]);
    unsigned low = http_hex_value(after_sign.data[1]);
    if (high == HTTP_HEX_NONE || low == HTTP_HEX_NONE)
        return false;
    *out = (uint8_t)(high << 4 | low);
    return true;
}

// Decoded text is never longer than the encoded one.
static bool decode(struct span text, uint8_t *to, struct span *out)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        to[len] = text.data[i] == '+' ? ' ' : text.data[i];
        if (text.data[i] == '%') {
            if (!decode_percent(span_from(text, i + 1), &to[len]))
                return false;
            i += 2;
        }
        len++;
    }
    *out = span_make(to, len);
    return true;
}

// Of several members with that name the first counts. Names are compared as sent.
bool http_query_find(struct http_exchange *exchange, struct span name, struct span *out)
{
    struct span rest = exchange->request.query;
    while (rest.len > 0) {
        struct span value;
        struct span member = span_split(rest, '&', &rest);
        if (!span_eq(span_split(member, '=', &value), name))
            continue;
        uint8_t *to = arena_alloc(&exchange->arena, value.len);
        return to != NULL && decode(value, to, out);
    }
    return false;
}

bool http_query_has(const struct http_request *request, struct span name)
{
    struct span rest = request->query;
    while (rest.len > 0) {
        struct span value;
        if (span_eq(span_split(span_split(rest, '&', &rest), '=', &value), name))
            return true;
    }
    return false;
}
