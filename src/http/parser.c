// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Strict on purpose: whatever two parsers could read differently is refused, since a proxy in front
// of us may be the other one. Refused are bare CR and LF, folded lines, a space before the colon,
// control characters, a second length, host or content type, a length that is not all digits, and
// any transfer coding but "chunked" (RFC 9112 sections 2.2, 5 and 6.3). Every error is the first
// one in the order of the bytes; what only the whole head can tell (check_whole) comes last.
//
// Taken leniently: one empty line before the request line (RFC 9112 section 2.2), any visible ASCII
// in the target, bytes from 0x80 on in values.

#include "http/parser.h"

#include "base/assert.h"
#include "base/number.h"
#include "http/bytes.h"
#include "http/limits.h"

static const struct {
    struct span name;
    enum http_method method;
} methods[] = {
    {SPAN("POST"), HTTP_POST}, {SPAN("GET"), HTTP_GET},       {SPAN("OPTIONS"), HTTP_OPTIONS},
    {SPAN("HEAD"), HTTP_HEAD}, {SPAN("DELETE"), HTTP_DELETE}, {SPAN("PUT"), HTTP_PUT},
};

static enum http_method method_of(struct span name)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (span_eq(methods[i].name, name))
            return methods[i].method;
    }
    return HTTP_METHOD_COUNT_;
}

static struct http_slice slice_of(const uint8_t *base, struct span part)
{
    return (struct http_slice){(uint16_t)(part.data - base), (uint16_t)part.len};
}

static void set_part(struct http_head *head, enum http_head_part part, struct http_slice slice)
{
    head->parts_seen |= 1U << part;
    head->parts[part] = slice;
}

static int take_version(struct http_head *head, struct span version)
{
    head->is_http_1_0 = span_eq(version, SPAN("HTTP/1.0"));
    if (head->is_http_1_0 || span_eq(version, SPAN("HTTP/1.1")))
        return 0;
    bool is_version = version.len == 8 && span_starts_with(version, SPAN("HTTP/")) &&
                      ascii_is_digit(version.data[5]) && version.data[6] == '.' &&
                      ascii_is_digit(version.data[7]);
    return is_version ? 505 : 400;
}

// Only origin-form (RFC 9112 section 3.2.1): nobody uses this server as a proxy.
static int take_target(struct http_head *head, const uint8_t *base, struct span target)
{
    if (target.len == 0 || target.data[0] != '/' || !http_bytes_are(target, HTTP_BYTE_TARGET))
        return 400;
    struct span query;
    struct span path = span_split(target, '?', &query);
    set_part(head, HTTP_HEAD_PATH, slice_of(base, path));
    set_part(head, HTTP_HEAD_QUERY, slice_of(base, query));
    return 0;
}

// Single spaces only; a method of any name is taken, and no route will have it (405).
static int take_request_line(struct http_head *head, const uint8_t *base, struct span line)
{
    struct span rest;
    struct span version;
    struct span method = span_split(line, ' ', &rest);
    struct span target = span_split(rest, ' ', &version);
    if (method.len == 0 || !http_bytes_are(method, HTTP_BYTE_TOKEN))
        return 400;
    head->has_request_line = true;
    head->method = method_of(method);
    int status = take_version(head, version);
    return status != 0 ? status : take_target(head, base, target);
}

// A name, an address or a literal in brackets, with a port: no user, no path, no list.
static int check_host(struct http_head *head, struct span value)
{
    (void)head;
    return value.len > 0 && http_bytes_are(value, HTTP_BYTE_HOST) ? 0 : 400;
}

// A length beyond what a size can hold is too large, not ill-formed (RFC 9110 section 8.6).
static int check_content_length(struct http_head *head, struct span value)
{
    uint64_t length = SIZE_MAX;
    for (size_t i = 0; i < value.len; i++) {
        if (!ascii_is_digit(value.data[i]))
            return 400;
    }
    (void)parse_u64(value, SIZE_MAX - 1, &length);
    head->content_length = (size_t)length;
    return value.len > 0 ? 0 : 400;
}

// Alone, so not as one of a list and not quoted: proxies have disagreed about each.
static int check_transfer_encoding(struct http_head *head, struct span value)
{
    (void)head;
    return span_eq_nocase(value, SPAN("chunked")) ? 0 : 400;
}

// RFC 9112 section 9.3: "close" wins over "keep-alive", in whatever order and however many fields.
static int check_connection(struct http_head *head, struct span value)
{
    while (value.len > 0) {
        struct span option = span_trim(span_split(value, ',', &value));
        head->says_close |= span_eq_nocase(option, SPAN("close"));
        head->says_keep_alive |= span_eq_nocase(option, SPAN("keep-alive"));
    }
    return 0;
}

// RFC 9110 section 10.1.1: the only expectation that there is.
static int check_expect(struct http_head *head, struct span value)
{
    (void)head;
    return span_eq_nocase(value, SPAN("100-continue")) ? 0 : 417;
}

// The fields that mean something here, each at the slot that its length and first letter give; the
// compiler refuses two at one. Of one that may repeat, the first is kept.
#define SLOTS 32U
#define SLOT(length, letter) (((length) + (unsigned)(letter)) % SLOTS)

static const struct known_field {
    struct span name;
    enum http_head_part part;
    bool is_single;
    int (*check)(struct http_head *head, struct span value);
} known_fields[SLOTS] = {
    [SLOT(4, 'h')] = {SPAN("host"), HTTP_HEAD_HOST, true, check_host},
    [SLOT(6, 'o')] = {SPAN("origin"), HTTP_HEAD_ORIGIN, false, NULL},
    [SLOT(6, 'e')] = {SPAN("expect"), HTTP_HEAD_EXPECT, false, check_expect},
    [SLOT(10, 'c')] = {SPAN("connection"), HTTP_HEAD_CONNECTION, false, check_connection},
    [SLOT(12, 'c')] = {SPAN("content-type"), HTTP_HEAD_CONTENT_TYPE, true, NULL},
    [SLOT(12, 'x')] = {SPAN("x-request-id"), HTTP_HEAD_REQUEST_ID, false, NULL},
    [SLOT(14, 'c')] = {SPAN("content-length"), HTTP_HEAD_CONTENT_LENGTH, true,
                       check_content_length},
    [SLOT(17, 't')] = {SPAN("transfer-encoding"), HTTP_HEAD_TRANSFER_ENCODING, true,
                       check_transfer_encoding},
};

// Bit 32 folds the case of a letter and keeps "-"; no other token byte folds to either.
static bool is_named(struct span token, struct span lower)
{
    if (token.len != lower.len)
        return false;
    for (size_t i = 0; i < lower.len; i++) {
        if ((token.data[i] | 0x20U) != lower.data[i])
            return false;
    }
    return true;
}

static int take_known(struct http_head *head, struct span name, struct span value,
                      struct http_slice slice)
{
    const struct known_field *known = &known_fields[SLOT(name.len, name.data[0] | 0x20U)];
    if (!is_named(name, known->name))
        return 0;
    bool is_repeated = http_head_has(head, known->part);
    if (is_repeated && known->is_single)
        return 400;
    if (!is_repeated)
        set_part(head, known->part, slice);
    return known->check != NULL ? known->check(head, value) : 0;
}

// A line that begins with a space or tab (obs-fold) has no name, and is refused with the nameless
// ones.
static int take_field(struct http_head *head, const uint8_t *base, struct span line)
{
    size_t colon = http_bytes_run(line, HTTP_BYTE_TOKEN);
    if (colon == 0 || colon == line.len || line.data[colon] != ':')
        return 400;
    struct span name = span_first(line, colon);
    struct span value = span_trim(span_from(line, colon + 1));
    if (!http_bytes_are_value(value))
        return 400;
    if (head->fields_held == HTTP_FIELDS_MAX)
        return 431;
    struct http_slice slice = slice_of(base, value);
    head->names[head->fields_held] = slice_of(base, name);
    head->values[head->fields_held++] = slice;
    return take_known(head, name, value, slice);
}

// What RFC 9112 sections 3.2 and 6.3 ask of the head as a whole.
static int check_whole(const struct http_head *head)
{
    bool has_length = http_head_has(head, HTTP_HEAD_CONTENT_LENGTH);
    bool is_chunked = http_head_has(head, HTTP_HEAD_TRANSFER_ENCODING);
    if (!head->is_http_1_0 && !http_head_has(head, HTTP_HEAD_HOST))
        return 400;
    if (is_chunked && (has_length || head->is_http_1_0))
        return 400;
    return head->content_length > head->body_bytes_max ? 413 : 0;
}

static enum http_head_state refuse(struct http_head *head, int status)
{
    head->status = status;
    return HTTP_HEAD_REFUSED;
}

// The end of the head, or the one blank line that some clients put after a body.
static enum http_head_state take_empty_line(struct http_head *head)
{
    if (head->has_request_line) {
        int status = check_whole(head);
        return status != 0 ? refuse(head, status) : HTTP_HEAD_DONE;
    }
    if (head->has_blank_line)
        return refuse(head, 400);
    head->has_blank_line = true;
    return HTTP_HEAD_MORE;
}

// `line` still has its CR, and has lost its LF.
static enum http_head_state take_line(struct http_head *head, const uint8_t *base, struct span line)
{
    if (line.len == 0 || line.data[line.len - 1] != '\r')
        return refuse(head, 400);
    line.len--;
    if (line.len == 0)
        return take_empty_line(head);
    int status =
        head->has_request_line ? take_field(head, base, line) : take_request_line(head, base, line);
    return status != 0 ? refuse(head, status) : HTTP_HEAD_MORE;
}

void http_head_start(struct http_head *head, size_t bytes_max, size_t body_bytes_max)
{
    ASSERT(bytes_max <= HTTP_HEAD_BYTES_CEILING);
    head->bytes_max = bytes_max;
    head->body_bytes_max = body_bytes_max;
    head->line_at = 0;
    head->seen = 0;
    head->status = 0;
    head->method = HTTP_METHOD_COUNT_;
    head->content_length = 0;
    head->parts_seen = 0;
    head->has_blank_line = false;
    head->has_request_line = false;
    head->is_http_1_0 = false;
    head->says_close = false;
    head->says_keep_alive = false;
    head->fields_held = 0;
}

// Whoever speaks something else (TLS, binary) is told at its first byte instead of at the deadline.
static bool may_begin(uint8_t byte)
{
    return byte == '\r' || http_byte_is(byte, HTTP_BYTE_TOKEN);
}

enum http_head_state http_head_feed(struct http_head *head, struct span input)
{
    struct span view = span_first(input, head->bytes_max);
    if (view.len > 0 && !may_begin(view.data[0]))
        return refuse(head, 400);
    while (head->seen < view.len) {
        struct span unseen = span_from(view, head->seen);
        size_t length = span_find(unseen, '\n');
        head->seen += length;
        if (length == unseen.len)
            break;
        struct span line = span_make(view.data + head->line_at, head->seen - head->line_at);
        head->line_at = ++head->seen;
        enum http_head_state state = take_line(head, view.data, line);
        if (state != HTTP_HEAD_MORE)
            return state;
    }
    return view.len == head->bytes_max ? refuse(head, 431) : HTTP_HEAD_MORE;
}

struct span http_head_part(const struct http_head *head, const uint8_t *base,
                           enum http_head_part part)
{
    if (!http_head_has(head, part))
        return span_make(NULL, 0);
    return span_make(base + head->parts[part].at, head->parts[part].len);
}

void http_head_fields(const struct http_head *head, const uint8_t *base, struct http_field *out)
{
    for (size_t i = 0; i < head->fields_held; i++) {
        out[i].name = span_make(base + head->names[i].at, head->names[i].len);
        out[i].value = span_make(base + head->values[i].at, head->values[i].len);
    }
}

bool http_head_keeps_alive(const struct http_head *head)
{
    if (head->says_close)
        return false;
    return !head->is_http_1_0 || head->says_keep_alive;
}
