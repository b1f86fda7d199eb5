// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "http/bytes.h"
#include "http/limits.h"
#include "http/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEAD_MAX 8192U
#define BODY_MAX 65536U

static enum http_head_state feed(struct http_head *head, struct span raw)
{
    http_head_start(head, HEAD_MAX, BODY_MAX);
    return http_head_feed(head, raw);
}

// In a block of exactly its size, so that the sanitizer sees a read past the end.
static enum http_head_state feed_in_two(struct http_head *head, struct span raw, size_t cut)
{
    uint8_t *first = malloc(cut + 1);
    memcpy(first, raw.data, cut);
    http_head_start(head, HEAD_MAX, BODY_MAX);
    enum http_head_state state = http_head_feed(head, span_make(first, cut));
    free(first);
    return state == HTTP_HEAD_MORE ? http_head_feed(head, raw) : state;
}

static enum http_head_state feed_bytewise(struct http_head *head, struct span raw)
{
    enum http_head_state state = HTTP_HEAD_MORE;
    http_head_start(head, HEAD_MAX, BODY_MAX);
    for (size_t len = 1; len <= raw.len && state == HTTP_HEAD_MORE; len++)
        state = http_head_feed(head, span_first(raw, len));
    return state;
}

static const struct refused {
    const char *name;
    int status;
    struct span raw;
} refused[] = {
    {"bare LF ends the request line", 400, SPAN("GET / HTTP/1.1\nHost: a\r\n\r\n")},
    {"bare LF ends a field", 400, SPAN("GET / HTTP/1.1\r\nHost: a\n\r\n")},
    {"bare LF ends the head", 400, SPAN("GET / HTTP/1.1\r\nHost: a\r\n\n")},
    {"bare CR in a value", 400, SPAN("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n")},
    {"CR CR LF", 400, SPAN("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\r\n\r\n")},
    {"bare CR ends the request line", 400, SPAN("GET / HTTP/1.1\rHost: a\r\n\r\n")},
    {"NUL in a value", 400, SPAN("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n")},
    {"NUL in a name", 400, SPAN("GET / HTTP/1.1\r\nHost: a\r\nX\0: a\r\n\r\n")},
    {"NUL in the target", 400, SPAN("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"BEL in a value", 400, SPAN("GET / HTTP/1.1\r\nHost: a\r\nX: \a\r\n\r\n")},
    {"DEL in a value", 400, SPAN("GET / HTTP/1.1\r\nHost: a\r\nX: abcdefgh\x7F\r\n\r\n")},
    {"vertical tab before chunked", 400,
     SPAN("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \vchunked\r\n\r\n")},
    {"space before the colon", 400, SPAN("GET / HTTP/1.1\r\nHost : a\r\n\r\n")},
    {"tab before the colon", 400, SPAN("GET / HTTP/1.1\r\nHost\t: a\r\n\r\n")},
    {"folded line", 400, SPAN("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n")},
    {"folded line, tab", 400, SPAN("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n\tb\r\n\r\n")},
    {"space before the first field", 400, SPAN("GET / HTTP/1.1\r\n Host: a\r\n\r\n")},
    {"no colon", 400, SPAN("GET / HTTP/1.1\r\nHost: a\r\nfoo\r\n\r\n")},
    {"no name", 400, SPAN("GET / HTTP/1.1\r\nHost: a\r\n: foo\r\n\r\n")},
    {"name in brackets", 400, SPAN("GET / HTTP/1.1\r\nHost: a\r\n[x]: foo\r\n\r\n")},
    {"name beyond ASCII", 400, SPAN("GET / HTTP/1.1\r\nHost: a\r\nX\xC3\xA9: foo\r\n\r\n")},
    {"two blank lines first", 400, SPAN("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"bare LF first", 400, SPAN("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"space first", 400, SPAN(" GET / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"two spaces", 400, SPAN("GET  / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"two spaces before the version", 400, SPAN("GET /  HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"tab for a space", 400, SPAN("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"space after the version", 400, SPAN("GET / HTTP/1.1 \r\nHost: a\r\n\r\n")},
    {"space in the target", 400, SPAN("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"method with a colon", 400, SPAN("GE:T / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"HTTP/0.9", 400, SPAN("GET /\r\n")},
    {"no target", 400, SPAN("GET HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"no version", 400, SPAN("GET / \r\nHost: a\r\n\r\n")},
    {"lower-case version", 400, SPAN("GET / http/1.1\r\nHost: a\r\n\r\n")},
    {"version of letters", 400, SPAN("GET / HTTP/x.y\r\nHost: a\r\n\r\n")},
    {"version with more digits", 400, SPAN("GET / HTTP/1.10\r\nHost: a\r\n\r\n")},
    {"HTTP/2.0", 505, SPAN("GET / HTTP/2.0\r\nHost: a\r\n\r\n")},
    {"HTTP/1.2", 505, SPAN("GET / HTTP/1.2\r\nHost: a\r\n\r\n")},
    {"HTTP/2 preface", 505, SPAN("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
    {"absolute form", 400, SPAN("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"authority form", 400, SPAN("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"asterisk form", 400, SPAN("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"fragment", 400, SPAN("GET /#a HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"target beyond ASCII", 400, SPAN("GET /\xC3\xA9 HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"TLS client hello", 400, SPAN("\x16\x03\x01\x02")},
    {"no Host", 400, SPAN("GET / HTTP/1.1\r\nX: a\r\n\r\n")},
    {"no field at all", 400, SPAN("GET / HTTP/1.1\r\n\r\n")},
    {"two Hosts", 400, SPAN("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n")},
    {"two Hosts, 1.0", 400, SPAN("GET / HTTP/1.0\r\nHost: a\r\nhOST: a\r\n\r\n")},
    {"empty Host", 400, SPAN("GET / HTTP/1.1\r\nHost: \r\n\r\n")},
    {"Host with a path", 400, SPAN("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n")},
    {"Host with a user", 400, SPAN("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n")},
    {"Host of two words", 400, SPAN("GET / HTTP/1.1\r\nHost: a b\r\n\r\n")},
    {"two Content-Types", 400,
     SPAN("GET / HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nContent-Type: a/b\r\n\r\n")},
    {"two equal lengths", 400,
     SPAN("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n")},
    {"list of lengths", 400, SPAN("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n")},
    {"empty length", 400, SPAN("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n")},
    {"length with plus", 400, SPAN("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n")},
    {"length with minus", 400, SPAN("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n")},
    {"hex length", 400, SPAN("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n")},
    {"length with a blank", 400, SPAN("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 1\r\n\r\n")},
    {"length with underscore", 400,
     SPAN("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1_0\r\n\r\n")},
    {"length and chunked", 400,
     SPAN("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")},
    {"chunked and length", 400,
     SPAN("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n")},
    {"chunked twice", 400,
     SPAN("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
          "Transfer-Encoding: chunked\r\n\r\n")},
    {"chunked, chunked", 400,
     SPAN("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n")},
    {"gzip, chunked", 400,
     SPAN("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n")},
    {"chunked, identity", 400,
     SPAN("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n")},
    {"identity", 400, SPAN("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n")},
    {"xchunked", 400, SPAN("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n")},
    {"quoted chunked", 400,
     SPAN("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n")},
    {"no coding", 400, SPAN("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n")},
    {"chunked in 1.0", 400, SPAN("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n")},
    {"one byte too many", 413, SPAN("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n")},
    {"length of 2^64", 413,
     SPAN("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n")},
    {"length of 2^64 + 5", 413,
     SPAN("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551621\r\n\r\n")},
    {"length of 30 digits", 413,
     SPAN("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999999999999999999999\r\n\r\n")},
    {"unknown expectation", 417, SPAN("GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n")},
};

static const struct taken {
    struct span raw;
    enum http_method method;
    struct span path;
    struct span query;
    size_t content_length;
    bool keeps_alive;
} taken[] = {
    {SPAN("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_GET, SPAN("/"), SPAN(""), 0, true},
    {SPAN("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_GET, SPAN("/"), SPAN(""), 0, true},
    {SPAN("HEAD /a?b HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_HEAD, SPAN("/a"), SPAN("b"), 0, true},
    {SPAN("PUT /a?b=%20?c HTTP/1.1\r\nHost: a:1\r\n\r\n"), HTTP_PUT, SPAN("/a"), SPAN("b=%20?c"), 0,
     true},
    {SPAN("DELETE // HTTP/1.1\r\nhost:a\r\n\r\n"), HTTP_DELETE, SPAN("//"), SPAN(""), 0, true},
    {SPAN("OPTIONS /{|} HTTP/1.1\r\nHOST:\t a \t\r\n\r\n"), HTTP_OPTIONS, SPAN("/{|}"), SPAN(""), 0,
     true},
    {SPAN("get / HTTP/1.1\r\nHost: [::1]:8480\r\n\r\n"), HTTP_METHOD_COUNT_, SPAN("/"), SPAN(""), 0,
     true},
    {SPAN("M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_METHOD_COUNT_, SPAN("/"), SPAN(""), 0,
     true},
    {SPAN("GET / HTTP/1.0\r\n\r\n"), HTTP_GET, SPAN("/"), SPAN(""), 0, false},
    {SPAN("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), HTTP_GET, SPAN("/"), SPAN(""), 0,
     true},
    {SPAN("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), HTTP_GET, SPAN("/"), SPAN(""),
     0, false},
    {SPAN("GET / HTTP/1.1\r\nHost: a\r\nConnection: te ,, CLOSE\r\n\r\n"), HTTP_GET, SPAN("/"),
     SPAN(""), 0, false},
    {SPAN("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n"),
     HTTP_GET, SPAN("/"), SPAN(""), 0, false},
    {SPAN("GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n"), HTTP_GET, SPAN("/"), SPAN(""),
     0, true},
    {SPAN("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n"), HTTP_POST, SPAN("/"),
     SPAN(""), 65536, true},
    {SPAN("POST / HTTP/1.1\r\nHost: a\r\ncontent-length:0012\t\r\n\r\n"), HTTP_POST, SPAN("/"),
     SPAN(""), 12, true},
    {SPAN("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"), HTTP_POST, SPAN("/"),
     SPAN(""), 0, true},
    {SPAN("GET / HTTP/1.1\r\nHost: a\r\nAccept: a\r\nAccept: b\r\nX:\r\nX: \xFF\t\x80\r\n\r\n"),
     HTTP_GET, SPAN("/"), SPAN(""), 0, true},
    {SPAN("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n"),
     HTTP_POST, SPAN("/"), SPAN(""), 1, true},
};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static void test_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        struct http_head head;
        if (feed(&head, refused[i].raw) != HTTP_HEAD_REFUSED || head.status != refused[i].status)
            fail_msg("%s: status %d", refused[i].name, head.status);
    }
}

static void test_takes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(taken); i++) {
        struct http_head head;
        const uint8_t *base = taken[i].raw.data;
        if (feed(&head, taken[i].raw) != HTTP_HEAD_DONE)
            fail_msg("case %zu: status %d", i, head.status);
        assert_int_equal(head.line_at, taken[i].raw.len);
        assert_int_equal(head.method, taken[i].method);
        assert_true(span_eq(http_head_part(&head, base, HTTP_HEAD_PATH), taken[i].path));
        assert_true(span_eq(http_head_part(&head, base, HTTP_HEAD_QUERY), taken[i].query));
        assert_int_equal(head.content_length, taken[i].content_length);
        assert_int_equal(http_head_keeps_alive(&head), taken[i].keeps_alive);
    }
}

static void assert_same_for_any_cut(struct span raw)
{
    struct http_head whole;
    struct http_head cut;
    enum http_head_state state = feed(&whole, raw);
    for (size_t at = 0; at < raw.len; at++) {
        assert_int_equal(feed_in_two(&cut, raw, at), state);
        assert_int_equal(cut.status, whole.status);
        assert_int_equal(cut.fields_held, whole.fields_held);
        assert_int_equal(cut.parts_seen, whole.parts_seen);
        assert_int_equal(cut.line_at, whole.line_at);
    }
    assert_int_equal(feed_bytewise(&cut, raw), state);
    assert_int_equal(cut.status, whole.status);
    assert_int_equal(cut.line_at, whole.line_at);
}

static void test_cuts_change_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++)
        assert_same_for_any_cut(refused[i].raw);
    for (size_t i = 0; i < COUNT(taken); i++)
        assert_same_for_any_cut(taken[i].raw);
}

// One to four bytes of a good head replaced by nasty ones.
static void test_cuts_change_nothing_when_damaged(void **state)
{
    (void)state;
    static const uint8_t nasty[] = "\r\n\r\n :\t\0,;0\x7F\x80?#GH";
    uint32_t random = 20261122;
    for (size_t round = 0; round < 3000; round++) {
        uint8_t raw[256];
        struct span good = taken[round % COUNT(taken)].raw;
        memcpy(raw, good.data, good.len);
        for (size_t i = 0; i <= round % 4; i++) {
            random = random * 1664525U + 1013904223U;
            raw[(random >> 8) % good.len] = nasty[(random >> 24) % (sizeof nasty - 1)];
        }
        assert_same_for_any_cut(span_make(raw, good.len));
    }
}

// What a parser could read in two ways is read in none: every control byte at every place of a good
// head is refused, but a tab inside a value.
static void test_no_control_byte_passes(void **state)
{
    (void)state;
    const struct span good = SPAN("GET / HTTP/1.1\r\nHost: a\r\nX: b c\r\n\r\n");
    const size_t value_at = good.len - 7;
    for (size_t at = 1; at < good.len - 4; at++) {
        for (unsigned byte = 0; byte < 0x20; byte++) {
            uint8_t raw[64];
            struct http_head head;
            memcpy(raw, good.data, good.len);
            if (raw[at] == '\r' || raw[at] == '\n' || (byte == '\t' && at >= value_at - 1))
                continue;
            raw[at] = (uint8_t)byte;
            if (feed(&head, span_make(raw, good.len)) == HTTP_HEAD_DONE && byte != '\t')
                fail_msg("byte %u at %zu", byte, at);
        }
    }
}

// Eight at a time comes to the same as one by one, for every byte at every place.
static void test_value_bytes(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 17; len++) {
        for (size_t at = 0; at < len; at++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                uint8_t value[17];
                bool is_fit = byte == '\t' || (byte >= ' ' && byte != 0x7F);
                memset(value, at % 2 == 0 ? ' ' : 0xFF, sizeof value);
                value[at] = (uint8_t)byte;
                assert_int_equal(http_bytes_are_value(span_make(value, len)), is_fit);
            }
        }
    }
}

static size_t write_fields(uint8_t *out, size_t count)
{
    struct strbuf raw = strbuf_over(out, HEAD_MAX);
    strbuf_put(&raw, SPAN("GET / HTTP/1.1\r\nHost: a\r\n"));
    for (size_t i = 1; i < count; i++)
        strbuf_put(&raw, SPAN("Accept: b\r\n"));
    strbuf_put(&raw, SPAN("\r\n"));
    assert_false(raw.is_overflowed);
    return raw.len;
}

static void test_field_count(void **state)
{
    (void)state;
    uint8_t raw[HEAD_MAX];
    struct http_head head;
    size_t len = write_fields(raw, HTTP_FIELDS_MAX);
    assert_int_equal(feed(&head, span_make(raw, len)), HTTP_HEAD_DONE);
    assert_int_equal(head.fields_held, HTTP_FIELDS_MAX);
    len = write_fields(raw, HTTP_FIELDS_MAX + 1);
    assert_int_equal(feed(&head, span_make(raw, len)), HTTP_HEAD_REFUSED);
    assert_int_equal(head.status, 431);
}

static void fill_head(uint8_t *raw, size_t len)
{
    const struct span start = SPAN("GET / HTTP/1.1\r\nHost: a\r\nX: ");
    memset(raw, 'x', len);
    memcpy(raw, start.data, start.len);
    memcpy(raw + len - 4, "\r\n\r\n", 4);
}

static void test_head_size(void **state)
{
    (void)state;
    uint8_t raw[HEAD_MAX + 1];
    struct http_head head;
    fill_head(raw, HEAD_MAX);
    assert_int_equal(feed(&head, span_make(raw, HEAD_MAX)), HTTP_HEAD_DONE);
    fill_head(raw, HEAD_MAX + 1);
    assert_int_equal(feed(&head, span_make(raw, HEAD_MAX + 1)), HTTP_HEAD_REFUSED);
    assert_int_equal(head.status, 431);
    assert_int_equal(feed(&head, span_make(raw, HEAD_MAX)), HTTP_HEAD_REFUSED);
    assert_int_equal(feed(&head, span_make(raw, HEAD_MAX - 1)), HTTP_HEAD_MORE);
}

static void test_long_target(void **state)
{
    (void)state;
    uint8_t raw[HEAD_MAX];
    struct http_head head;
    memset(raw, 'a', sizeof raw);
    memcpy(raw, "GET /", 5);
    assert_int_equal(feed(&head, span_make(raw, sizeof raw)), HTTP_HEAD_REFUSED);
    assert_int_equal(head.status, 431);
}

static void test_incomplete_wants_more(void **state)
{
    (void)state;
    struct http_head head;
    const struct span good = taken[2].raw;
    for (size_t len = 0; len < good.len; len++)
        assert_int_equal(feed(&head, span_first(good, len)), HTTP_HEAD_MORE);
}

// What follows the head is not looked at.
static void test_ends_where_the_head_ends(void **state)
{
    (void)state;
    struct http_head head;
    const struct span two = SPAN("GET / HTTP/1.1\r\nHost: a\r\n\r\n\n\n\0 GET");
    assert_int_equal(feed(&head, two), HTTP_HEAD_DONE);
    assert_int_equal(head.line_at, 27);
}

static void test_fields_in_order(void **state)
{
    (void)state;
    struct http_head head;
    struct http_field fields[HTTP_FIELDS_MAX];
    const struct span raw = SPAN("GET / HTTP/1.1\r\nHost: a\r\nX-Y:\r\nAccept: b \t\r\n\r\n");
    assert_int_equal(feed(&head, raw), HTTP_HEAD_DONE);
    http_head_fields(&head, raw.data, fields);
    assert_int_equal(head.fields_held, 3);
    assert_true(span_eq(fields[1].name, SPAN("X-Y")));
    assert_true(span_eq(fields[1].value, SPAN("")));
    assert_true(span_eq(fields[2].name, SPAN("Accept")));
    assert_true(span_eq(fields[2].value, SPAN("b")));
}

static void test_parts(void **state)
{
    (void)state;
    struct http_head head;
    const struct span raw =
        SPAN("GET / HTTP/1.1\r\nX-REQUEST-ID: 7\r\nhost: h\r\nOrigin: https://a\r\n"
             "origin: https://b\r\nContent-type: text/plain\r\nxhost: z\r\nHos: z\r\n\r\n");
    assert_int_equal(feed(&head, raw), HTTP_HEAD_DONE);
    assert_true(span_eq(http_head_part(&head, raw.data, HTTP_HEAD_REQUEST_ID), SPAN("7")));
    assert_true(span_eq(http_head_part(&head, raw.data, HTTP_HEAD_HOST), SPAN("h")));
    assert_true(span_eq(http_head_part(&head, raw.data, HTTP_HEAD_ORIGIN), SPAN("https://a")));
    assert_true(
        span_eq(http_head_part(&head, raw.data, HTTP_HEAD_CONTENT_TYPE), SPAN("text/plain")));
    assert_false(http_head_has(&head, HTTP_HEAD_EXPECT));
    assert_null(http_head_part(&head, raw.data, HTTP_HEAD_EXPECT).data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_takes),
        cmocka_unit_test(test_cuts_change_nothing),
        cmocka_unit_test(test_cuts_change_nothing_when_damaged),
        cmocka_unit_test(test_no_control_byte_passes),
        cmocka_unit_test(test_value_bytes),
        cmocka_unit_test(test_field_count),
        cmocka_unit_test(test_head_size),
        cmocka_unit_test(test_long_target),
        cmocka_unit_test(test_incomplete_wants_more),
        cmocka_unit_test(test_ends_where_the_head_ends),
        cmocka_unit_test(test_fields_in_order),
        cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests_name("http/parser", tests, NULL, NULL);
}
