// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Any bytes as an array: its elements lie in the text, one after the other, and whatever the JSON
// parser takes for an array comes apart into elements that it takes too. Inside an object the array
// may be one level less deep than an element alone, never deeper.
#include "api/json.h"
#include "api/json_array.h"
#include "base/assert.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char wrap_before[] = "{\"a\":";

// The text as the one member of an object: the parser only says of objects whether they are valid.
static bool is_valid_array(struct json_parser *parser, struct span text)
{
    size_t before = sizeof wrap_before - 1;
    size_t len = before + text.len + 1;
    char *copy = calloc(1, len + JSON_PADDING_BYTES);
    struct json_member member;
    ASSERT(copy != NULL);
    memcpy(copy, wrap_before, before);
    memcpy(copy + before, text.data, text.len);
    copy[len - 1] = '}';
    bool is_valid = json_parse(parser, span_make(copy, len)) == JSON_PARSED;
    is_valid = is_valid && json_next(parser, &member) && member.value.kind == JSON_ARRAY &&
               !json_next(parser, &member);
    free(copy);
    return is_valid;
}

// True: to its end.
static bool walk(struct json_parser *parser, struct span text, bool is_valid)
{
    struct json_elements elements;
    struct span element;
    enum json_step step;
    const uint8_t *at = text.data;
    if (!json_elements_begin(text, &elements))
        return false;
    while ((step = json_elements_next(&elements, &element)) == JSON_ELEMENT) {
        ASSERT(element.len > 0);
        ASSERT(element.data > at);
        at = element.data + element.len;
        ASSERT(at < text.data + text.len);
        ASSERT(!is_valid || json_parse(parser, element) != JSON_MALFORMED);
    }
    return step == JSON_ARRAY_END;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_parser *parser = json_parser_create();
    uint8_t *copy = malloc(size + JSON_PADDING_BYTES);
    ASSERT(parser != NULL);
    ASSERT(copy != NULL);
    memcpy(copy, data, size);
    memset(copy + size, ']', JSON_PADDING_BYTES);
    struct span text = span_make(copy, size);
    bool is_valid = is_valid_array(parser, text);
    bool is_whole = walk(parser, text, is_valid);
    ASSERT(is_whole || !is_valid);
    free(copy);
    json_parser_destroy(&parser);
    return 0;
}
