// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "base/strbuf.h"
#include "http/chunked.h"
#include "http/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define BODY_MAX 32U
#define COUNT(table) (sizeof(table) / sizeof(table)[0])

struct result {
    enum http_chunked_state state;
    int status;
    size_t used;
    size_t body_bytes;
    uint8_t body[BODY_MAX];
};

// Feeds `raw` in pieces of `piece` bytes, as the connection does: the body from the buffer's start
// on, what is new right behind it.
static struct result decode(struct span raw, size_t piece)
{
    struct http_chunked chunked;
    struct result result = {.state = HTTP_CHUNKED_MORE};
    uint8_t *buffer = malloc(raw.len + BODY_MAX);
    http_chunked_start(&chunked, BODY_MAX);
    for (size_t at = 0; at < raw.len && result.state == HTTP_CHUNKED_MORE;) {
        size_t used;
        struct span next = span_first(span_from(raw, at), piece);
        uint8_t *to = buffer + chunked.body_bytes;
        memcpy(to, next.data, next.len);
        result.state = http_chunked_feed(&chunked, buffer, span_make(to, next.len), &used);
        assert_true(used == next.len || result.state != HTTP_CHUNKED_MORE);
        at += used;
        result.used = at;
    }
    result.status = chunked.status;
    result.body_bytes = chunked.body_bytes;
    memcpy(result.body, buffer, chunked.body_bytes);
    free(buffer);
    return result;
}

#define E16 "abcdefghijklmnop"
#define E64 E16 E16 E16 E16

static const struct sample {
    const char *name;
    int status; // 0: done
    struct span raw;
    struct span body;
} samples[] = {
    {"empty", 0, SPAN("0\r\n\r\n"), SPAN("")},
    {"one chunk", 0, SPAN("5\r\nhello\r\n0\r\n\r\n"), SPAN("hello")},
    {"three chunks", 0, SPAN("1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n"), SPAN("abcdef")},
    {"data that looks like frames", 0, SPAN("7\r\n0\r\n\r\n1\r\r\n0\r\n\r\n"),
     SPAN("0\r\n\r\n1\r")},
    {"hex in both cases", 0, SPAN("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"),
     SPAN("01234567890123456789")},
    {"leading zeros", 0, SPAN("0000000000000002\r\nab\r\n000\r\n\r\n"), SPAN("ab")},
    {"exactly the limit", 0, SPAN("20\r\n01234567890123456789012345678901\r\n0\r\n\r\n"),
     SPAN("01234567890123456789012345678901")},
    {"extension", 0, SPAN("2;a=b;c=\"d\"\r\nab\r\n0;x\r\n\r\n"), SPAN("ab")},
    {"empty extension", 0, SPAN("2;\r\nab\r\n0\r\n\r\n"), SPAN("ab")},
    {"extension of 64", 0, SPAN("2;" E64 "\r\nab\r\n0\r\n\r\n"), SPAN("ab")},
    {"trailers", 0, SPAN("1\r\na\r\n0\r\nX: y\r\nContent-Length:\t5\r\n\r\n"), SPAN("a")},
    {"no size", 400, SPAN("\r\nab\r\n"), SPAN("")},
    {"extension alone", 400, SPAN(";a\r\n"), SPAN("")},
    {"plus", 400, SPAN("+2\r\nab\r\n"), SPAN("")},
    {"minus", 400, SPAN("-2\r\nab\r\n"), SPAN("")},
    {"0x", 400, SPAN("0x2\r\nab\r\n"), SPAN("")},
    {"letter g", 400, SPAN("g\r\n"), SPAN("")},
    {"space before", 400, SPAN(" 2\r\nab\r\n"), SPAN("")},
    {"space after", 400, SPAN("2 \r\nab\r\n"), SPAN("")},
    {"space before the extension", 400, SPAN("2 ;a\r\nab\r\n"), SPAN("")},
    {"17 digits", 400, SPAN("00000000000000001\r\na\r\n"), SPAN("")},
    {"17 digits that overflow", 400, SPAN("10000000000000001\r\na\r\n"), SPAN("")},
    {"bare LF after the size", 400, SPAN("2\nab\r\n"), SPAN("")},
    {"bare CR after the size", 400, SPAN("2\rab\r\n"), SPAN("")},
    {"bare LF in an extension", 400, SPAN("2;a\nb\r\nab\r\n"), SPAN("")},
    {"bare CR in an extension", 400, SPAN("2;a\rb\r\nab\r\n"), SPAN("")},
    {"NUL in an extension", 400, SPAN("2;\0\r\nab\r\n"), SPAN("")},
    {"tab in an extension", 400, SPAN("2;\t\r\nab\r\n"), SPAN("")},
    {"extension of 65", 400, SPAN("2;" E64 "x\r\nab\r\n"), SPAN("")},
    {"data too long", 400, SPAN("2\r\nabc\r\n"), SPAN("ab")},
    {"data too short", 400, SPAN("3\r\nab\r\n0\r\n\r\n"), SPAN("ab\r")},
    {"bare LF after the data", 400, SPAN("2\r\nab\n0\r\n\r\n"), SPAN("ab")},
    {"CR alone after the data", 400, SPAN("2\r\nab\r0\r\n\r\n"), SPAN("ab")},
    {"trailer without colon", 400, SPAN("0\r\nabc\r\n\r\n"), SPAN("")},
    {"trailer with a space", 400, SPAN("0\r\nabc : d\r\n\r\n"), SPAN("")},
    {"trailer without name", 400, SPAN("0\r\n: d\r\n\r\n"), SPAN("")},
    {"trailer folded", 400, SPAN("0\r\na: b\r\n c\r\n\r\n"), SPAN("")},
    {"trailer with NUL", 400, SPAN("0\r\na: \0\r\n\r\n"), SPAN("")},
    {"trailer with bare LF", 400, SPAN("0\r\na: b\n\r\n"), SPAN("")},
    {"trailer with bare CR", 400, SPAN("0\r\na: b\rc\r\n\r\n"), SPAN("")},
    {"end with bare LF", 400, SPAN("0\r\n\n"), SPAN("")},
    {"end with CR CR", 400, SPAN("0\r\n\r\r"), SPAN("")},
    {"one over the limit", 413, SPAN("21\r\n"), SPAN("")},
    {"one over, in two chunks", 413, SPAN("20\r\n01234567890123456789012345678901\r\n1\r\n"),
     SPAN("01234567890123456789012345678901")},
    {"largest size", 413, SPAN("ffffffffffffffff\r\n"), SPAN("")},
    {"size of 2^63", 413, SPAN("8000000000000000\r\n"), SPAN("")},
};

static void assert_sample(const struct sample *sample, size_t piece)
{
    struct result result = decode(sample->raw, piece);
    enum http_chunked_state state = sample->status == 0 ? HTTP_CHUNKED_DONE : HTTP_CHUNKED_REFUSED;
    bool is_right = result.state == state && result.status == sample->status &&
                    span_eq(span_make(result.body, result.body_bytes), sample->body);
    if (!is_right)
        fail_msg("%s in pieces of %zu: state %u, status %d, %zu bytes", sample->name, piece,
                 result.state, result.status, result.body_bytes);
    if (state == HTTP_CHUNKED_DONE)
        assert_int_equal(result.used, sample->raw.len);
}

static void test_samples(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++)
        assert_sample(&samples[i], samples[i].raw.len);
}

static void test_samples_in_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        for (size_t piece = 1; piece < samples[i].raw.len; piece++)
            assert_sample(&samples[i], piece);
    }
}

static void test_leaves_what_follows(void **state)
{
    (void)state;
    struct result result = decode(SPAN("1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n"), 100);
    assert_int_equal(result.state, HTTP_CHUNKED_DONE);
    assert_int_equal(result.used, 11);
}

static void test_every_prefix_wants_more(void **state)
{
    (void)state;
    const struct span raw = SPAN("2;a=b\r\nab\r\n0\r\nX: y\r\n\r\n");
    for (size_t len = 1; len < raw.len; len++)
        assert_int_equal(decode(span_first(raw, len), len).state, HTTP_CHUNKED_MORE);
}

// Everything after the last chunk's line counts as trailer, line ends too.
static struct result decode_trailer(size_t bytes)
{
    uint8_t raw[HTTP_TRAILER_BYTES_MAX + 16];
    struct strbuf out = strbuf_over(raw, sizeof raw);
    strbuf_put(&out, SPAN("0\r\nX:"));
    for (size_t i = 0; i < bytes - 6; i++)
        strbuf_put_byte(&out, 'y');
    strbuf_put(&out, SPAN("\r\n\r\n"));
    assert_false(out.is_overflowed);
    return decode(strbuf_span(&out), out.len);
}

static void test_trailer_size(void **state)
{
    (void)state;
    assert_int_equal(decode_trailer(HTTP_TRAILER_BYTES_MAX).state, HTTP_CHUNKED_DONE);
    struct result result = decode_trailer(HTTP_TRAILER_BYTES_MAX + 1);
    assert_int_equal(result.state, HTTP_CHUNKED_REFUSED);
    assert_int_equal(result.status, 431);
}

// A refused body stays refused, whatever comes.
static void test_refusal_is_final(void **state)
{
    (void)state;
    size_t used;
    uint8_t buffer[16] = "x";
    struct http_chunked chunked;
    http_chunked_start(&chunked, BODY_MAX);
    assert_int_equal(http_chunked_feed(&chunked, buffer, span_make(buffer, 1), &used),
                     HTTP_CHUNKED_REFUSED);
    memcpy(buffer, "0\r\n\r\n", 5);
    assert_int_equal(http_chunked_feed(&chunked, buffer, span_make(buffer, 5), &used),
                     HTTP_CHUNKED_REFUSED);
    assert_int_equal(used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_samples_in_pieces),
        cmocka_unit_test(test_leaves_what_follows),
        cmocka_unit_test(test_every_prefix_wants_more),
        cmocka_unit_test(test_trailer_size),
        cmocka_unit_test(test_refusal_is_final),
    };
    return cmocka_run_group_tests_name("http/chunked", tests, NULL, NULL);
}
