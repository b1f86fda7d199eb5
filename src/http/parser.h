// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The head of a request, strictly: request line and fields up to the empty line.
//
// The head is fed as often as bytes come, always from its first byte on; a line is looked at once,
// when it is whole, so that a drip costs no more than a burst and the outcome never depends on how
// the bytes were cut. Results are offsets, not pointers: the buffer may move in between.

#include "http/http.h"

enum http_head_state {
    HTTP_HEAD_MORE,
    HTTP_HEAD_DONE,
    HTTP_HEAD_REFUSED, // head->status says with what; nothing after it can be trusted
};

// Parts of a head that this folder looks at. The last four are kept only as seen or not.
enum http_head_part {
    HTTP_HEAD_PATH,
    HTTP_HEAD_QUERY,
    HTTP_HEAD_HOST,
    HTTP_HEAD_CONTENT_TYPE,
    HTTP_HEAD_ORIGIN,
    HTTP_HEAD_REQUEST_ID,
    HTTP_HEAD_CONTENT_LENGTH,
    HTTP_HEAD_TRANSFER_ENCODING,
    HTTP_HEAD_CONNECTION,
    HTTP_HEAD_EXPECT,
    HTTP_HEAD_PART_COUNT_,
};

struct http_slice {
    uint16_t at;
    uint16_t len;
};

struct http_head {
    size_t bytes_max;
    size_t body_bytes_max;
    size_t line_at; // start of the first line that is not whole; the head's length when done
    size_t seen;    // no line feed from line_at up to here
    int status;
    enum http_method method;
    size_t content_length;
    uint32_t parts_seen; // bits 1 << enum http_head_part
    bool has_blank_line; // the one that may stand before the request line
    bool has_request_line;
    bool is_http_1_0;
    bool says_close;
    bool says_keep_alive;
    struct http_slice parts[HTTP_HEAD_PART_COUNT_];
    struct http_slice names[HTTP_FIELDS_MAX];
    struct http_slice values[HTTP_FIELDS_MAX];
    size_t fields_held;
};

void http_head_start(struct http_head *head, size_t bytes_max, size_t body_bytes_max);

// `input` begins with the head's first byte and holds all that was fed before.
enum http_head_state http_head_feed(struct http_head *head, struct span input);

// The rest is for a head that is done; `base` is its first byte.

static inline bool http_head_has(const struct http_head *head, enum http_head_part part)
{
    return (head->parts_seen & 1U << part) != 0;
}

// Empty, with data NULL, when the head does not have it.
struct span http_head_part(const struct http_head *head, const uint8_t *base,
                           enum http_head_part part);

// Up to HTTP_FIELDS_MAX fields in order.
void http_head_fields(const struct http_head *head, const uint8_t *base, struct http_field *out);

// RFC 9112 section 9.3.
bool http_head_keeps_alive(const struct http_head *head);
