// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// JSON from clients (RFC 8259), strictly: a small C door to simdjson. One parser a loop, its memory
// taken once; a parse allocates nothing. The whole document is checked before a member is given
// out, members that nobody asks for included.
//
// Limits: JSON_BYTES_MAX and JSON_DEPTH_MAX; integers must fit 64 bits and other numbers a double,
// which RFC 8259 section 6 leaves to the reader. A byte order mark in front is skipped, as section
// 8.1 allows: some client libraries send one.

#include "base/span.h"

#define JSON_BYTES_MAX 65536U
#define JSON_DEPTH_MAX 16U
#define JSON_PADDING_BYTES 64U // readable after the text, whatever they hold

enum json_kind {
    JSON_NULL,
    JSON_BOOL,
    JSON_STRING,
    JSON_NATURAL,      // an integer from 0 to 2^64 − 1, written without fraction and exponent
    JSON_OTHER_NUMBER, // any other number
    JSON_ARRAY,
    JSON_OBJECT,
};

// Spans live until the next parse.
struct json_value {
    enum json_kind kind;
    struct span string; // JSON_STRING: unescaped UTF-8, which may contain U+0000
    uint64_t natural;
};

struct json_member {
    struct span name; // unescaped
    struct json_value value;
};

enum json_outcome {
    JSON_PARSED,
    JSON_MALFORMED,
    JSON_NOT_OBJECT,
};

struct json_parser;

#ifdef __cplusplus
extern "C" {
#endif

// NULL: out of memory.
struct json_parser *json_parser_create(void);
void json_parser_destroy(struct json_parser **parser);

// Reads `text`, of which nothing is changed or kept, and stands before the first member of its root
// object. JSON_PADDING_BYTES after it must be readable.
enum json_outcome json_parse(struct json_parser *parser, struct span text);

// The next member of the root object, in the order of the text; false after the last. Only after
// JSON_PARSED.
bool json_next(struct json_parser *parser, struct json_member *member_out);

#ifdef __cplusplus
}
#endif
