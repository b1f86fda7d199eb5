// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "api/json_array.h"

#include "api/json.h"
#include "base/assert.h"

#define BYTE_ORDER_MARK SPAN("\xEF\xBB\xBF")

// RFC 8259 section 2.
static bool is_white(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static struct span skip_white(struct span text)
{
    size_t len = 0;
    while (len < text.len && is_white(text.data[len]))
        len++;
    return span_from(text, len);
}

static struct span trim_end(struct span text)
{
    while (text.len > 0 && is_white(text.data[text.len - 1]))
        text.len--;
    return text;
}

// From the quote at `at` to the one that closes, or to the end.
static size_t string_end(struct span text, size_t at)
{
    at++;
    while (at < text.len && text.data[at] != '"')
        at += text.data[at] == '\\' ? 2 : 1;
    return at < text.len ? at : text.len;
}

// Up to the comma or the bracket after the element; text.len when there is none, or the element is
// too deep. Which kind of bracket closes which is for the reader of the element: where they do not
// fit each other, it will not be valid.
static size_t element_end(struct span text)
{
    size_t depth = 0;
    for (size_t at = 0; at < text.len && depth <= JSON_DEPTH_MAX; at++) {
        uint8_t byte = text.data[at];
        bool is_closing = byte == ']' || byte == '}';
        if (depth == 0 && (is_closing || byte == ','))
            return at;
        if (is_closing)
            depth--;
        else if (byte == '[' || byte == '{')
            depth++;
        else if (byte == '"')
            at = string_end(text, at);
    }
    return text.len;
}

bool json_elements_begin(struct span text, struct json_elements *out)
{
    if (span_starts_with(text, BYTE_ORDER_MARK))
        text = span_from(text, BYTE_ORDER_MARK.len);
    out->rest = skip_white(text);
    return out->rest.len > 0 && out->rest.data[0] == '[';
}

static enum json_step end_of_array(struct span after)
{
    return span_is_empty(skip_white(after)) ? JSON_ARRAY_END : JSON_ARRAY_BROKEN;
}

enum json_step json_elements_next(struct json_elements *elements, struct span *element_out)
{
    ASSERT(elements->rest.len > 0);
    uint8_t mark = elements->rest.data[0];
    struct span text = skip_white(span_from(elements->rest, 1));
    if (mark == ']')
        return end_of_array(text);
    if (mark == '[' && text.len > 0 && text.data[0] == ']')
        return end_of_array(span_from(text, 1));
    size_t end = element_end(text);
    if (end == 0 || end == text.len || text.data[end] == '}')
        return JSON_ARRAY_BROKEN;
    *element_out = trim_end(span_first(text, end));
    elements->rest = span_from(text, end);
    return JSON_ELEMENT;
}
