// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A head fed byte by byte comes to the same as fed at once, and what is taken is well-formed.
#include "base/assert.h"
#include "http/bytes.h"
#include "http/parser.h"

#define HEAD_MAX 1024U
#define BODY_MAX 65536U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum http_head_state feed_bytewise(struct http_head *head, struct span raw)
{
    enum http_head_state state = HTTP_HEAD_MORE;
    http_head_start(head, HEAD_MAX, BODY_MAX);
    for (size_t len = 1; len <= raw.len && state == HTTP_HEAD_MORE; len++)
        state = http_head_feed(head, span_first(raw, len));
    return state;
}

// No line end, no other control character, in anything that a handler gets to see.
static void check_taken(const struct http_head *head, struct span raw)
{
    struct http_field fields[HTTP_FIELDS_MAX];
    struct span path = http_head_part(head, raw.data, HTTP_HEAD_PATH);
    http_head_fields(head, raw.data, fields);
    ASSERT(head->line_at <= raw.len);
    ASSERT(path.len > 0);
    ASSERT(path.data[0] == '/');
    for (size_t i = 0; i < head->fields_held; i++) {
        ASSERT(http_bytes_are(fields[i].name, HTTP_BYTE_TOKEN));
        ASSERT(http_bytes_are(fields[i].value, HTTP_BYTE_VALUE));
    }
    bool has_length = http_head_has(head, HTTP_HEAD_CONTENT_LENGTH);
    bool is_chunked = http_head_has(head, HTTP_HEAD_TRANSFER_ENCODING);
    ASSERT(!has_length || !is_chunked);
    ASSERT(head->content_length <= BODY_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_head whole;
    struct http_head cut;
    struct span raw = span_make(data, size);
    http_head_start(&whole, HEAD_MAX, BODY_MAX);
    enum http_head_state state = size > 0 ? http_head_feed(&whole, raw) : HTTP_HEAD_MORE;
    ASSERT(feed_bytewise(&cut, raw) == state);
    ASSERT(cut.status == whole.status);
    ASSERT(cut.line_at == whole.line_at);
    ASSERT(cut.parts_seen == whole.parts_seen);
    ASSERT(cut.fields_held == whole.fields_held);
    if (state == HTTP_HEAD_DONE)
        check_taken(&whole, raw);
    return 0;
}
