// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "base/assert.h"
#include "http/limits.h"
#include "http/test_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define H "Host: example.com\r\n"
#define POST "POST /echo HTTP/1.1\r\n" H
#define HELD "GET /held HTTP/1.1\r\n" H "\r\n"

static int set_up(void **state)
{
    struct rig *rig = malloc(sizeof *rig);
    rig_init(rig, &http_limits_default);
    rig_connect(rig);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    rig_fini(rig);
    free(rig);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

static void assert_output(const struct rig *rig, struct span expected)
{
    if (!span_eq(rig_output(rig), expected))
        fail_msg("output is\n%.*s", (int)rig->out_bytes, (const char *)rig->out);
}

static void assert_statuses(const struct rig *rig, struct span expected)
{
    uint8_t text[256];
    struct strbuf out = strbuf_over(text, sizeof text);
    struct span statuses = rig_statuses(rig, &out);
    if (!span_eq(statuses, expected))
        fail_msg("statuses are %.*s", (int)statuses.len, (const char *)statuses.data);
}

static bool output_has(const struct rig *rig, struct span what)
{
    for (size_t at = 0; at + what.len <= rig->out_bytes; at++) {
        if (span_eq(span_make(rig->out + at, what.len), what))
            return true;
    }
    return false;
}

static void test_answer_to_the_byte(void **state)
{
    struct rig *rig = *state;
    (void)rig_send(rig, SPAN(POST "X-Request-Id: Ab.9_-\r\nContent-Type: a/b\r\n"
                                  "Content-Length: 2\r\n\r\nhi"));
    assert_output(rig, SPAN("HTTP/1.1 200 OK\r\n"
                            "Content-Type: text/plain\r\n"
                            "Content-Length: 26\r\n"
                            "X-Request-Id: Ab.9_-\r\n"
                            "\r\n"
                            "2 2 628919584683901914 a/b"));
}

static void test_made_request_ids(void **state)
{
    struct rig *rig = *state;
    (void)rig_send(rig, SPAN(POST "\r\n"));
    assert_true(output_has(rig, SPAN("X-Request-Id: 00000000000000000000000000000000\r\n")));
    (void)rig_send(rig, SPAN(POST "X-Request-Id: a b\r\n\r\n"));
    assert_true(output_has(rig, SPAN("X-Request-Id: 01010101010101010101010101010101\r\n")));
    (void)rig_send(rig, SPAN(POST "X-Request-Id:\r\n\r\n"));
    assert_true(output_has(rig, SPAN("X-Request-Id: 02020202020202020202020202020202\r\n")));
    (void)rig_send(rig, SPAN("GET / HTTP/1.1\r\nX-Request-Id: mine\r\n\r\n"));
    assert_true(output_has(rig, SPAN("X-Request-Id: 03030303030303030303030303030303\r\n")));
}

static void test_long_request_id(void **state)
{
    struct rig *rig = *state;
    char raw[512];
    for (int len = 128; len <= 129; len++) {
        int bytes = snprintf(raw, sizeof raw, POST "X-Request-Id: %0*d\r\n\r\n", len, 7);
        rig->out_bytes = 0;
        (void)rig_send(rig, span_make(raw, (size_t)bytes));
        assert_int_equal(output_has(rig, SPAN("00000000000000007\r\n")), len == 128);
    }
}

static void test_error_to_the_byte(void **state)
{
    struct rig *rig = *state;
    (void)rig_send(rig, SPAN("GET /echo HTTP/1.1\r\n" H "X-Request-Id: a\r\n\r\n"));
    assert_output(rig, SPAN("HTTP/1.1 405 Method Not Allowed\r\n"
                            "Content-Type: application/json\r\n"
                            "Content-Length: 12\r\n"
                            "X-Request-Id: a\r\n"
                            "Allow: POST, OPTIONS\r\n"
                            "\r\n"
                            "{\"code\":405}"));
    assert_false(http_conn_is_lingering(rig->conn));
}

static void test_refusal_to_the_byte(void **state)
{
    struct rig *rig = *state;
    (void)rig_send(rig, SPAN("GET / HTTP/1.1\n"));
    assert_output(rig, SPAN("HTTP/1.1 400 Bad Request\r\n"
                            "Content-Type: application/json\r\n"
                            "Content-Length: 12\r\n"
                            "X-Request-Id: 00000000000000000000000000000000\r\n"
                            "Connection: close\r\n"
                            "\r\n"
                            "{\"code\":400}"));
    assert_true(http_conn_is_lingering(rig->conn));
}

static void test_head_has_no_body(void **state)
{
    struct rig *rig = *state;
    rig->big_bytes = 5;
    (void)rig_send(rig, SPAN("HEAD /big HTTP/1.1\r\n" H "X-Request-Id: a\r\n\r\n"));
    assert_output(rig, SPAN("HTTP/1.1 200 OK\r\n"
                            "Content-Type: text/plain\r\n"
                            "Content-Length: 5\r\n"
                            "X-Request-Id: a\r\n"
                            "\r\n"));
}

static void test_connection_fields(void **state)
{
    struct rig *rig = *state;
    (void)rig_send(rig, SPAN("POST /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    assert_true(output_has(rig, SPAN("Connection: keep-alive\r\n")));
    rig->out_bytes = 0;
    (void)rig_send(rig, SPAN(POST "\r\n"));
    assert_false(output_has(rig, SPAN("Connection:")));
    (void)rig_send(rig, SPAN(POST "Connection: close\r\n\r\n"));
    assert_true(output_has(rig, SPAN("Connection: close\r\n")));
    assert_true(http_conn_is_finished(rig->conn));
}

static void test_continue(void **state)
{
    struct rig *rig = *state;
    const struct span head = SPAN(POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    (void)rig_send(rig, head);
    assert_output(rig, SPAN("HTTP/1.1 100 Continue\r\n\r\n"));
    (void)rig_send(rig, SPAN("a"));
    (void)rig_send(rig, SPAN("b"));
    assert_statuses(rig, SPAN("100 200"));
}

static void test_continue_not_owed(void **state)
{
    struct rig *rig = *state;
    (void)rig_send(rig, SPAN(POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\na"));
    (void)rig_send(rig, SPAN("b"));
    (void)rig_send(rig, SPAN(POST "Expect: 100-continue\r\n\r\n"));
    assert_statuses(rig, SPAN("200 200"));
    (void)rig_send(rig, SPAN(POST "Expect: 100-continue\r\nContent-Length: 65537\r\n\r\n"));
    assert_statuses(rig, SPAN("200 200 413"));
}

static void test_continue_chunked_while_stuck(void **state)
{
    struct rig *rig = *state;
    rig->is_stuck = true;
    (void)rig_send(rig, SPAN(POST "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"));
    (void)rig_send(rig, SPAN("0\r\n\r\n"));
    rig->is_stuck = false;
    rig_take(rig);
    assert_statuses(rig, SPAN("100 200"));
}

static void test_first_byte_deadline(void **state)
{
    struct rig *rig = *state;
    rig_wait(rig, HTTP_FIRST_BYTE_MS_MAX - 1);
    assert_false(http_conn_is_finished(rig->conn));
    rig_wait(rig, 1);
    assert_true(http_conn_is_finished(rig->conn));
    assert_output(rig, SPAN(""));
}

static void test_idle_deadline(void **state)
{
    struct rig *rig = *state;
    (void)rig_send(rig, SPAN(POST "\r\n"));
    rig->out_bytes = 0;
    rig_wait(rig, http_limits_default.idle_ms_max - 1);
    assert_false(http_conn_is_finished(rig->conn));
    rig_wait(rig, 1);
    assert_true(http_conn_is_finished(rig->conn));
    assert_output(rig, SPAN(""));
}

// A byte every 100 ms keeps nobody past the deadline that the first byte has set.
static int64_t drip(struct rig *rig, struct span raw)
{
    const int64_t start_ms = rig->now.ms;
    for (size_t i = 0; i < raw.len && rig->out_bytes == 0; i++) {
        (void)rig_send(rig, span_first(span_from(raw, i), 1));
        rig_wait(rig, 100);
    }
    return rig->now.ms - start_ms;
}

static void test_head_drip(void **state)
{
    struct rig *rig = *state;
    uint8_t raw[1024];
    memset(raw, 'a', sizeof raw);
    rig_wait(rig, 3000);
    assert_int_equal(drip(rig, span_make(raw, sizeof raw)), http_limits_default.head_ms_max);
    assert_statuses(rig, SPAN("408"));
    assert_true(http_conn_is_lingering(rig->conn));
}

static void test_sized_body_drip(void **state)
{
    struct rig *rig = *state;
    uint8_t raw[1024];
    memset(raw, 'a', sizeof raw);
    (void)rig_send(rig, SPAN(POST "Content-Length: 5000\r\n\r\n"));
    assert_int_equal(drip(rig, span_make(raw, sizeof raw)), http_limits_default.body_ms_max);
    assert_statuses(rig, SPAN("408"));
}

// Its clock runs from the first byte of the head.
static void test_body_deadline_counts_the_head(void **state)
{
    struct rig *rig = *state;
    (void)rig_send(rig, SPAN("POST"));
    rig_wait(rig, 5000);
    (void)rig_send(rig, SPAN(" /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\n"));
    rig_wait(rig, http_limits_default.body_ms_max - 5000 - 1);
    assert_output(rig, SPAN(""));
    rig_wait(rig, 1);
    assert_statuses(rig, SPAN("408"));
}

static void test_chunked_body_drip(void **state)
{
    struct rig *rig = *state;
    uint8_t raw[2000];
    for (size_t i = 0; i + 6 <= sizeof raw; i += 6)
        memcpy(raw + i, "1\r\na\r\n", 6);
    (void)rig_send(rig, SPAN(POST "Transfer-Encoding: chunked\r\n\r\n"));
    assert_int_equal(drip(rig, span_make(raw, sizeof raw)), http_limits_default.body_ms_max);
    assert_statuses(rig, SPAN("408"));
}

// The second request's clock starts when it is looked at, not when the first one's did.
static void test_deadline_of_a_waiting_request(void **state)
{
    struct rig *rig = *state;
    (void)rig_send(rig, SPAN(HELD "POST"));
    rig_wait(rig, 60000);
    rig_reply_held(rig);
    rig_wait(rig, http_limits_default.head_ms_max - 1);
    assert_statuses(rig, SPAN("200"));
    rig_wait(rig, 1);
    assert_statuses(rig, SPAN("200 408"));
}

static void test_handling_has_no_deadline(void **state)
{
    struct rig *rig = *state;
    (void)rig_send(rig, SPAN(HELD));
    assert_int_equal(http_conn_deadline(rig->conn).ms, INT64_MAX);
    rig_wait(rig, 3600000);
    rig_reply_held(rig);
    assert_statuses(rig, SPAN("200"));
    assert_int_equal(rig->told, 1);
}

static void test_write_deadline(void **state)
{
    struct rig *rig = *state;
    rig->is_stuck = true;
    (void)rig_send(rig, SPAN(POST "\r\n"));
    rig_wait(rig, http_limits_default.write_ms_max / 2);
    http_conn_sent(rig->conn, 1, rig->now); // a slow reader gains no time
    rig_wait(rig, http_limits_default.write_ms_max / 2 - 1);
    assert_false(http_conn_is_finished(rig->conn));
    rig_wait(rig, 1);
    assert_true(http_conn_is_finished(rig->conn));
    assert_int_equal(http_conn_output(rig->conn).len, 0);
}

// An answer that comes late has its time from then on.
static void test_write_deadline_of_a_late_answer(void **state)
{
    struct rig *rig = *state;
    (void)rig_send(rig, SPAN(HELD));
    rig->is_stuck = true;
    rig_wait(rig, 60000);
    rig_reply_held(rig);
    assert_int_equal(http_conn_deadline(rig->conn).ms,
                     rig->now.ms + http_limits_default.write_ms_max);
}

static void test_linger_deadline(void **state)
{
    struct rig *rig = *state;
    (void)rig_send(rig, SPAN("\n"));
    rig_wait(rig, HTTP_LINGER_MS - 1);
    assert_true(http_conn_is_lingering(rig->conn));
    (void)rig_send(rig, SPAN(POST "\r\n"));
    assert_int_equal(rig->requests, 0);
    rig_wait(rig, 1);
    assert_true(http_conn_is_finished(rig->conn));
}

static void test_linger_ends_with_the_client(void **state)
{
    struct rig *rig = *state;
    (void)rig_send(rig, SPAN("\n"));
    rig_send_end(rig);
    assert_true(http_conn_is_finished(rig->conn));
}

static void test_linger_is_bounded(void **state)
{
    struct rig *rig = *state;
    uint8_t junk[4096] = {0};
    size_t sent = 0;
    (void)rig_send(rig, SPAN(POST "Content-Length: 99999999\r\n\r\n"));
    assert_statuses(rig, SPAN("413"));
    while (!http_conn_is_finished(rig->conn))
        sent += rig_send(rig, span_make(junk, sizeof junk));
    assert_in_range(sent, HTTP_LINGER_BYTES_MAX - sizeof junk, HTTP_LINGER_BYTES_MAX + sizeof junk);
}

static void test_last_answer_lingers(void **state)
{
    struct rig *rig = *state;
    (void)rig_send(rig, SPAN("GET /last HTTP/1.1\r\n" H "X-Request-Id: a\r\n\r\n" POST "\r\n"));
    assert_output(rig, SPAN("HTTP/1.1 204 No Content\r\n"
                            "X-Request-Id: a\r\n"
                            "Connection: close\r\n"
                            "\r\n"));
    assert_true(http_conn_is_lingering(rig->conn));
    assert_int_equal(rig->requests, 0);
}

// Only a client that asked for the end, and has sent nothing after it, is sure not to lose the
// answer.
static void test_who_is_lingered_for(void **state)
{
    static const struct {
        struct span raw;
        bool is_lingering;
    } cases[] = {
        {SPAN("GET /last HTTP/1.1\r\n" H "\r\n"), true},
        {SPAN("GET /last HTTP/1.1\r\n" H "Connection: close\r\n\r\n"), false},
        {SPAN(POST "Connection: close\r\n\r\n"), false},
        {SPAN(POST "Connection: close\r\n\r\nG"), true},
    };
    struct rig *rig = *state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        (void)rig_send(rig, cases[i].raw);
        assert_int_equal(http_conn_is_lingering(rig->conn), cases[i].is_lingering);
        assert_int_equal(http_conn_is_finished(rig->conn), !cases[i].is_lingering);
        rig_close(rig);
        rig_connect(rig);
    }
}

// Further requests wait in the buffer; when it is full, reading stops.
static void test_pipeline_waits_for_the_handler(void **state)
{
    struct rig *rig = *state;
    size_t room;
    (void)rig_send(rig, SPAN(HELD POST "\r\n"));
    assert_int_equal(rig->requests, 1);
    size_t taken = 0;
    while (rig_send(rig, SPAN("X")) == 1)
        taken++;
    assert_in_range(taken, 3000, HTTP_INPUT_INLINE_BYTES);
    (void)http_conn_input(rig->conn, &room);
    assert_int_equal(room, 0);
    rig_reply_held(rig);
    assert_int_equal(rig->requests, 2);
    (void)http_conn_input(rig->conn, &room);
    assert_true(room > 0);
    assert_statuses(rig, SPAN("200 200"));
}

// At most one answer waits for a client that does not read.
static void test_pipeline_waits_for_the_reader(void **state)
{
    struct rig *rig = *state;
    rig->is_stuck = true;
    (void)rig_send(rig, SPAN(POST "\r\n" POST "\r\n" POST "\r\n"));
    assert_int_equal(rig->requests, 1);
    rig->is_stuck = false;
    rig_take(rig);
    assert_int_equal(rig->requests, 3);
    assert_statuses(rig, SPAN("200 200 200"));
}

// More than any buffer holds, in one stream: 2,000 requests.
static void test_long_pipeline(void **state)
{
    struct rig *rig = *state;
    const struct span one = SPAN("POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc");
    uint8_t *raw = malloc(2000 * one.len);
    for (size_t i = 0; i < 2000; i++)
        memcpy(raw + i * one.len, one.data, one.len);
    assert_int_equal(rig_send(rig, span_make(raw, 2000 * one.len)), 2000 * one.len);
    free(raw);
    assert_int_equal(rig->requests, 2000);
}

static struct span make_post(uint8_t *to, size_t cap, size_t body_bytes)
{
    struct strbuf raw = strbuf_over(to, cap);
    strbuf_put(&raw, SPAN(POST "Content-Length: "));
    strbuf_put_u64(&raw, body_bytes);
    strbuf_put(&raw, SPAN("\r\n\r\n"));
    for (size_t i = 0; i < body_bytes; i++)
        strbuf_put_byte(&raw, 'b');
    ASSERT(!raw.is_overflowed);
    return strbuf_span(&raw);
}

static void test_body_sizes(void **state)
{
    struct rig *rig = *state;
    static const size_t sizes[] = {3900, 3960, 3961, 3962, 4000, 4096, 8192, 65535, 65536};
    uint8_t *raw = malloc(70000);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        rig->out_bytes = 0;
        struct span post = make_post(raw, 70000, sizes[i]);
        assert_int_equal(rig_send(rig, post), post.len);
        (void)rig_send(rig, SPAN(POST "\r\n"));
        assert_statuses(rig, SPAN("200 200"));
    }
    free(raw);
}

// 65,536 bytes in chunks of one byte, with the longest frame that is taken: six megabytes of input.
static void test_many_small_chunks(void **state)
{
    struct rig *rig = *state;
    const struct span chunk =
        SPAN("1;abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz\r\na\r\n");
    (void)rig_send(rig, SPAN(POST "Transfer-Encoding: chunked\r\n\r\n"));
    for (size_t i = 0; i < 65536; i++)
        assert_int_equal(rig_send(rig, chunk), chunk.len);
    (void)rig_send(rig, SPAN("0\r\n\r\n"));
    assert_statuses(rig, SPAN("200"));
    assert_true(output_has(rig, SPAN("\r\n\r\n2 65536 ")));
    (void)rig_send(rig, SPAN(POST "\r\n"));
    assert_statuses(rig, SPAN("200 200"));
}

static void test_big_answer(void **state)
{
    struct rig *rig = *state;
    rig->big_bytes = 100000;
    (void)rig_send(rig, SPAN("GET /big HTTP/1.1\r\n" H "\r\n" POST "\r\n"));
    assert_statuses(rig, SPAN("200 200"));
}

static void test_client_gone_while_handling(void **state)
{
    struct rig *rig = *state;
    size_t room;
    (void)rig_send(rig, SPAN(HELD));
    rig_send_end(rig);
    (void)http_conn_input(rig->conn, &room);
    assert_int_equal(room, 0); // or the driver would poll a socket that is always readable
    assert_false(http_conn_is_finished(rig->conn));
    rig_reply_held(rig); // half-closed clients still get it
    assert_statuses(rig, SPAN("200"));
    assert_true(http_conn_is_finished(rig->conn));
}

static void test_closed_while_handling(void **state)
{
    struct rig *rig = *state;
    (void)rig_send(rig, SPAN(HELD));
    rig_close(rig);
    assert_null(rig->conn);
    rig_reply_held(rig);
    assert_int_equal(rig->told, 0);
    assert_output(rig, SPAN(""));
}

static void test_wake(void **state)
{
    struct rig *rig = *state;
    (void)rig_send(rig, SPAN("GET /wake HTTP/1.1\r\n" H "\r\n"));
    assert_int_equal(http_conn_deadline(rig->conn).ms, RIG_START_MS + 500);
    rig_wait(rig, 499);
    assert_output(rig, SPAN(""));
    rig_wait(rig, 1);
    assert_statuses(rig, SPAN("200"));
    assert_true(output_has(rig, SPAN("\r\n\r\nwoken")));
}

static void test_wake_when_gone(void **state)
{
    struct rig *rig = *state;
    (void)rig_send(rig, SPAN("GET /wake HTTP/1.1\r\n" H "\r\n"));
    rig_send_end(rig);
    assert_true(output_has(rig, SPAN("\r\n\r\ngone")));
    assert_true(http_conn_is_finished(rig->conn));
}

static void test_wake_when_closed(void **state)
{
    struct rig *rig = *state;
    (void)rig_send(rig, SPAN("GET /wake HTTP/1.1\r\n" H "\r\n"));
    rig_close(rig);
    rig_connect(rig); // the worker has room: the old one was freed
    assert_output(rig, SPAN(""));
}

// Asked for when the client has left already: due at once.
static void test_wake_after_gone(void **state)
{
    struct rig *rig = *state;
    (void)rig_send(rig, SPAN(HELD "GET /wake HTTP/1.1\r\n" H "\r\n"));
    rig_send_end(rig);
    rig_reply_held(rig);
    assert_int_equal(http_conn_deadline(rig->conn).ms, rig->now.ms);
    rig_wait(rig, 0);
    assert_true(output_has(rig, SPAN("\r\n\r\ngone")));
    assert_statuses(rig, SPAN("200 200"));
}

// A reply before the wake-up: it never comes.
static void test_wake_is_dropped_by_a_reply(void **state)
{
    struct rig *rig = *state;
    (void)rig_send(rig, SPAN("GET /wake HTTP/1.1\r\n" H "\r\n"));
    rig_reply_held(rig);
    rig_wait(rig, 1000);
    assert_statuses(rig, SPAN("200"));
    assert_true(output_has(rig, SPAN("\r\n\r\nheld")));
    (void)rig_send(rig, SPAN("GET /wake HTTP/1.1\r\n" H "\r\n"));
    rig_wait(rig, 500);
    assert_true(output_has(rig, SPAN("\r\n\r\nwoken")));
}

static void test_drain_idle(void **state)
{
    struct rig *rig = *state;
    http_conn_drain(rig->conn, rig->now);
    assert_true(http_conn_is_finished(rig->conn));
}

static void test_drain_while_handling(void **state)
{
    struct rig *rig = *state;
    (void)rig_send(rig, SPAN(HELD POST "\r\n"));
    http_conn_drain(rig->conn, rig->now);
    assert_false(http_conn_is_finished(rig->conn));
    rig_reply_held(rig);
    assert_statuses(rig, SPAN("200"));
    assert_true(output_has(rig, SPAN("Connection: close\r\n")));
    assert_true(http_conn_is_lingering(rig->conn));
}

static void test_drain_in_the_middle_of_a_request(void **state)
{
    struct rig *rig = *state;
    (void)rig_send(rig, SPAN(POST "Content-Length: 2\r\n\r\na"));
    http_conn_drain(rig->conn, rig->now);
    (void)rig_send(rig, SPAN("b"));
    assert_statuses(rig, SPAN("200"));
    assert_true(output_has(rig, SPAN("Connection: close\r\n")));
}

static void test_drain_before_an_answer_of_ours(void **state)
{
    struct rig *rig = *state;
    (void)rig_send(rig, SPAN("GET /nowhere HTTP/1.1\r\n" H));
    http_conn_drain(rig->conn, rig->now);
    (void)rig_send(rig, SPAN("\r\n"));
    assert_statuses(rig, SPAN("404"));
    assert_true(output_has(rig, SPAN("Connection: close\r\n")));
}

static void test_drain_while_writing(void **state)
{
    struct rig *rig = *state;
    rig->is_stuck = true;
    (void)rig_send(rig, SPAN(POST "\r\n"));
    http_conn_drain(rig->conn, rig->now);
    assert_false(http_conn_is_finished(rig->conn));
    rig->is_stuck = false;
    rig_take(rig);
    assert_statuses(rig, SPAN("200"));
    assert_true(http_conn_is_finished(rig->conn));
}

static struct http_conn *open_beside(struct rig *rig)
{
    return http_conn_open(rig->worker, SPAN("192.0.2.2"), rig->now, NULL, NULL);
}

static void test_conns_max(void **state)
{
    (void)state;
    struct rig *rig = malloc(sizeof *rig);
    struct http_limits limits = http_limits_default;
    limits.conns_max = 2;
    rig_init(rig, &limits);
    rig_connect(rig);
    struct http_conn *second = open_beside(rig);
    assert_non_null(second);
    assert_null(open_beside(rig));
    http_conn_close(&second);
    second = open_beside(rig);
    assert_non_null(second);
    http_conn_close(&second);
    rig_fini(rig);
    free(rig);
}

// When all big buffers are out, requests that fit the connection's own are still served.
static void test_big_buffers_run_out(void **state)
{
    struct rig *rig = *state;
    struct http_conn *hogs[HTTP_BIG_BUFFERS_MAX];
    uint8_t *raw = malloc(70000);
    struct span post = make_post(raw, 70000, 65536);
    for (size_t i = 0; i < COUNT(hogs); i++) {
        size_t room;
        hogs[i] = open_beside(rig);
        uint8_t *to = http_conn_input(hogs[i], &room);
        memcpy(to, post.data, room);
        http_conn_received(hogs[i], room, rig->now);
    }
    (void)rig_send(rig, SPAN(POST "Content-Length: 3\r\n\r\nabc"));
    assert_statuses(rig, SPAN("200"));
    (void)rig_send(rig, post);
    assert_statuses(rig, SPAN("200 503"));
    assert_true(output_has(rig, SPAN("Retry-After: 1\r\n")));
    for (size_t i = 0; i < COUNT(hogs); i++)
        http_conn_close(&hogs[i]);
    free(raw);
}

static void test_what_a_handler_sees(void **state)
{
    struct rig *rig = *state;
    rig_wait(rig, 5);
    (void)rig_send(rig, SPAN("GET /held?x=1&y HTTP/1.1\r\nHost: h\r\nOrigin: null\r\nA:b\r\n\r\n"));
    const struct http_request *request = &rig->held->request;
    assert_int_equal(request->method, HTTP_GET);
    assert_true(span_eq(request->path, SPAN("/held")));
    assert_true(span_eq(request->query, SPAN("x=1&y")));
    assert_true(span_eq(request->host, SPAN("h")));
    assert_true(span_eq(request->origin, SPAN("null")));
    assert_null(request->content_type.data);
    assert_int_equal(request->fields_held, 3);
    assert_true(span_eq(http_request_field(request, SPAN("a")), SPAN("b")));
    assert_int_equal(request->body.len, 0);
    assert_true(span_eq(rig->held->peer, SPAN("192.0.2.1")));
    assert_ptr_equal(rig->held->worker, rig);
    assert_int_equal(rig->held->received_at.ms, RIG_START_MS + 5);
    assert_int_equal(rig->held->arena.cap, HTTP_EXCHANGE_ARENA_BYTES);
    rig_reply_held(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_answer_to_the_byte),
        TEST(test_made_request_ids),
        TEST(test_long_request_id),
        TEST(test_error_to_the_byte),
        TEST(test_refusal_to_the_byte),
        TEST(test_head_has_no_body),
        TEST(test_connection_fields),
        TEST(test_continue),
        TEST(test_continue_not_owed),
        TEST(test_continue_chunked_while_stuck),
        TEST(test_first_byte_deadline),
        TEST(test_idle_deadline),
        TEST(test_head_drip),
        TEST(test_sized_body_drip),
        TEST(test_body_deadline_counts_the_head),
        TEST(test_chunked_body_drip),
        TEST(test_deadline_of_a_waiting_request),
        TEST(test_handling_has_no_deadline),
        TEST(test_write_deadline),
        TEST(test_write_deadline_of_a_late_answer),
        TEST(test_linger_deadline),
        TEST(test_linger_ends_with_the_client),
        TEST(test_linger_is_bounded),
        TEST(test_last_answer_lingers),
        TEST(test_who_is_lingered_for),
        TEST(test_pipeline_waits_for_the_handler),
        TEST(test_pipeline_waits_for_the_reader),
        TEST(test_long_pipeline),
        TEST(test_body_sizes),
        TEST(test_many_small_chunks),
        TEST(test_big_answer),
        TEST(test_client_gone_while_handling),
        TEST(test_closed_while_handling),
        TEST(test_wake),
        TEST(test_wake_when_gone),
        TEST(test_wake_when_closed),
        TEST(test_wake_after_gone),
        TEST(test_wake_is_dropped_by_a_reply),
        TEST(test_drain_idle),
        TEST(test_drain_while_handling),
        TEST(test_drain_in_the_middle_of_a_request),
        TEST(test_drain_before_an_answer_of_ours),
        TEST(test_drain_while_writing),
        TEST(test_conns_max),
        TEST(test_big_buffers_run_out),
        TEST(test_what_a_handler_sees),
    };
    return cmocka_run_group_tests_name("http/conn", tests, NULL, NULL);
}
