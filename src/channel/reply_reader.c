// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Values in a provider's reply, found by the paths of its recipe. Nothing is trusted: the body is
// bounded by the transport, JSON by jansson's own depth, a "*" by RECIPE_ARRAY_WALK_MAX.
#include "channel/recipe_inside.h"

#include "base/number.h"

#define FIELD_SEPARATOR '|'

void reply_reader_init(struct reply_reader *reader, enum recipe_format format, struct span body)
{
    *reader = (struct reply_reader){.format = format, .body = body};
    if (format == RECIPE_JSON && body.len > 0)
        reader->json = json_loadb((const char *)body.data, body.len,
                                  JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
}

void reply_reader_fini(struct reply_reader *reader)
{
    json_decref(reader->json);
    *reader = (struct reply_reader){0};
}

bool reply_is_readable(const struct reply_reader *reader)
{
    switch (reader->format) {
    case RECIPE_JSON:
        return reader->json != NULL;
    case RECIPE_XML:
        return span_starts_with(span_trim(reader->body), SPAN("<")) &&
               memmem(reader->body.data, reader->body.len, "</", 2) != NULL;
    case RECIPE_FIELDS:
        return span_find(reader->body, FIELD_SEPARATOR) < reader->body.len;
    case RECIPE_NOTHING:
        return true;
    }
    UNREACHABLE();
}

// What fits: a long sentence is better cut than lost.
static void put_text(struct strbuf *out, struct span text)
{
    strbuf_put(out, span_first(text, out->cap - out->len));
}

static bool put_json_scalar(const json_t *json, struct strbuf *out)
{
    if (json_is_string(json)) {
        put_text(out, span_make(json_string_value(json), json_string_length(json)));
        return true;
    }
    if (json_is_integer(json)) {
        strbuf_put_i64(out, json_integer_value(json));
        return true;
    }
    if (json_is_boolean(json)) {
        put_text(out, json_is_true(json) ? SPAN("true") : SPAN("false"));
        return true;
    }
    return false;
}

static json_t *step(json_t *json, struct span segment, size_t chosen)
{
    uint64_t index;
    if (json_is_object(json))
        return json_object_getn(json, (const char *)segment.data, segment.len);
    if (span_eq(segment, SPAN("*")))
        return json_array_get(json, chosen);
    if (!parse_u64(segment, RECIPE_ARRAY_WALK_MAX, &index))
        return NULL;
    return json_array_get(json, index);
}

bool reply_json_get(json_t *from, struct span path, size_t chosen, struct strbuf *out)
{
    json_t *json = from;
    while (path.len > 0 && json != NULL)
        json = step(json, span_split(path, '.', &path), chosen);
    return json != NULL && put_json_scalar(json, out);
}

static bool get_field(const struct reply_reader *reader, struct span path, struct strbuf *out)
{
    uint64_t index;
    struct span rest = reader->body;
    struct span field = {0};
    if (!parse_u64(path, RECIPE_ARRAY_WALK_MAX, &index))
        return false;
    for (uint64_t i = 0; i <= index; i++) {
        if (rest.len == 0)
            return false;
        field = span_split(rest, FIELD_SEPARATOR, &rest);
    }
    while (field.len > 0 && field.data[field.len - 1] < 0x20)
        field.len--;
    put_text(out, span_trim(field));
    return true;
}

// The five entities that XML knows without a declaration; others stay as they are.
static struct span take_entity(struct span *rest)
{
    static const struct {
        struct span name, text;
    } entities[] = {
        {SPAN("&amp;"), SPAN("&")},   {SPAN("&lt;"), SPAN("<")},   {SPAN("&gt;"), SPAN(">")},
        {SPAN("&quot;"), SPAN("\"")}, {SPAN("&apos;"), SPAN("'")},
    };
    for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++) {
        if (span_starts_with(*rest, entities[i].name)) {
            *rest = span_from(*rest, entities[i].name.len);
            return entities[i].text;
        }
    }
    struct span one = span_first(*rest, 1);
    *rest = span_from(*rest, 1);
    return one;
}

// The text of the first element of that name which has no attributes and no children.
static bool get_element(const struct reply_reader *reader, struct span name, struct strbuf *out)
{
    uint8_t room[80];
    struct strbuf tag = strbuf_over(room, sizeof room);
    strbuf_put_byte(&tag, '<');
    strbuf_put(&tag, name);
    strbuf_put_byte(&tag, '>');
    if (tag.is_overflowed || reader->body.len == 0)
        return false;
    const uint8_t *found = memmem(reader->body.data, reader->body.len, tag.data, tag.len);
    if (found == NULL)
        return false;
    struct span rest = span_from(reader->body, (size_t)(found - reader->body.data) + tag.len);
    size_t len = span_find(rest, '<');
    if (!span_starts_with(span_from(rest, len), SPAN("</")))
        return false;
    rest = span_first(rest, len);
    while (rest.len > 0)
        put_text(out, take_entity(&rest));
    return true;
}

static bool get(const struct reply_reader *reader, struct span path, struct strbuf *out)
{
    switch (reader->format) {
    case RECIPE_JSON:
        return reply_json_get(reader->json, path, reader->chosen, out);
    case RECIPE_XML:
        return get_element(reader, path, out);
    case RECIPE_FIELDS:
        return get_field(reader, path, out);
    case RECIPE_NOTHING:
        return false;
    }
    UNREACHABLE();
}

bool reply_get(const struct reply_reader *reader, struct span *rest, struct strbuf *out)
{
    while (rest->len > 0) {
        out->len = 0;
        if (get(reader, span_split(*rest, ' ', rest), out))
            return true;
    }
    return false;
}
