// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Whole conversations, and that the way they are cut into pieces changes nothing.
#include "http/test_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define H "Host: example.com\r\n"
#define POST "POST /echo HTTP/1.1\r\n" H

// What a whole conversation comes to. After the input the client sends its FIN.
static const struct talk {
    const char *name;
    struct span statuses;
    size_t requests; // that a handler saw
    struct span raw;
} talks[] = {
    {"no body", SPAN("200"), 1, SPAN(POST "\r\n")},
    {"sized", SPAN("200"), 1, SPAN(POST "Content-Length: 5\r\n\r\nhello")},
    {"chunked", SPAN("200"), 1,
     SPAN(POST "Transfer-Encoding: chunked\r\n\r\n2;x\r\nhe\r\n3\r\nllo\r\n0\r\nA: b\r\n\r\n")},
    {"query", SPAN("200"), 1, SPAN("POST /echo?a=b HTTP/1.1\r\n" H "\r\n")},
    {"blank line first", SPAN("200"), 1, SPAN("\r\n" POST "\r\n")},
    {"blank line between", SPAN("200 200"), 2, SPAN(POST "\r\n\r\n" POST "\r\n")},
    {"sized, then another", SPAN("200 200"), 2,
     SPAN(POST "Content-Length: 3\r\n\r\nGET" POST "\r\n")},
    {"chunked, then another", SPAN("200 200"), 2,
     SPAN(POST "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n" POST "\r\n")},
    {"body on unknown path is not a request", SPAN("404 200"), 1,
     SPAN("POST /no HTTP/1.1\r\n" H "Content-Length: 38\r\n\r\n"
          "POST /echo HTTP/1.1\r\nHost: evil.test\r\n" POST "\r\n")},
    {"unknown path", SPAN("404 200"), 1, SPAN("GET / HTTP/1.1\r\n" H "\r\n" POST "\r\n")},
    {"percent in the path", SPAN("404"), 0, SPAN("POST /%65cho HTTP/1.1\r\n" H "\r\n")},
    {"other case of the path", SPAN("404"), 0, SPAN("POST /Echo HTTP/1.1\r\n" H "\r\n")},
    {"wrong method", SPAN("405 200"), 1, SPAN("GET /echo HTTP/1.1\r\n" H "\r\n" POST "\r\n")},
    {"lower-case method", SPAN("405"), 0, SPAN("post /echo HTTP/1.1\r\n" H "\r\n")},
    {"made-up method", SPAN("405"), 0, SPAN("FOO /echo HTTP/1.1\r\n" H "\r\n")},
    {"close", SPAN("200"), 1, SPAN(POST "Connection: close\r\n\r\n" POST "\r\n")},
    {"1.0", SPAN("200"), 1, SPAN("POST /echo HTTP/1.0\r\n\r\n" POST "\r\n")},
    {"1.0 keeping", SPAN("200 200"), 2,
     SPAN("POST /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" POST "\r\n")},
    {"1.0 with Expect", SPAN("200"), 1,
     SPAN("POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na")},
    {"last answer", SPAN("204"), 0, SPAN("GET /last HTTP/1.1\r\n" H "\r\n" POST "\r\n")},
    {"bad head", SPAN("400"), 0, SPAN("GET / HTTP/1.1\nHost: a\r\n\r\n" POST "\r\n")},
    {"good, then bad", SPAN("200 400"), 1, SPAN(POST "\r\n" POST "X : y\r\n\r\n" POST "\r\n")},
    {"length and chunked", SPAN("400"), 0,
     SPAN(POST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" POST "\r\n")},
    {"bad chunk", SPAN("400"), 0,
     SPAN(POST "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n" POST "\r\n")},
    {"bad trailer", SPAN("400"), 0,
     SPAN(POST "Transfer-Encoding: chunked\r\n\r\n0\r\nA : b\r\n\r\n" POST "\r\n")},
    {"too long", SPAN("413"), 0, SPAN(POST "Content-Length: 65537\r\n\r\n" POST "\r\n")},
    {"chunk too long", SPAN("413"), 0,
     SPAN(POST "Transfer-Encoding: chunked\r\n\r\n10001\r\n" POST "\r\n")},
    {"unknown expectation", SPAN("417"), 0, SPAN(POST "Expect: tea\r\n\r\n")},
    {"HTTP/2 preface", SPAN("505"), 0, SPAN("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
    {"ten in a row", SPAN("200 200 200 200 200 200 200 200 200 200"), 10,
     SPAN(POST "Content-Length: 1\r\n\r\n0" POST "Content-Length: 1\r\n\r\n1" POST
               "Content-Length: 1\r\n\r\n2" POST "Content-Length: 1\r\n\r\n3" POST
               "Content-Length: 1\r\n\r\n4" POST "Content-Length: 1\r\n\r\n5" POST
               "Content-Length: 1\r\n\r\n6" POST "Content-Length: 1\r\n\r\n7" POST
               "Content-Length: 1\r\n\r\n8" POST "Content-Length: 1\r\n\r\n9")},
    {"cut head", SPAN(""), 0, SPAN("POST /echo HTTP/1.1\r\nHo")},
    {"cut body", SPAN(""), 0, SPAN(POST "Content-Length: 5\r\n\r\nhell")},
    {"cut chunk", SPAN(""), 0, SPAN(POST "Transfer-Encoding: chunked\r\n\r\n5\r\nhell")},
    {"nothing", SPAN(""), 0, SPAN("")},
};

struct outcome {
    uint8_t out[16384];
    size_t out_bytes;
    size_t requests;
    bool is_finished;
};

// In two parts, cut at `cut`, the second in pieces of `piece`.
static struct outcome hold_talk(struct rig *rig, struct span raw, size_t cut, size_t piece)
{
    struct outcome outcome;
    rig_init(rig, &http_limits_default);
    rig_connect(rig);
    (void)rig_send(rig, span_first(raw, cut));
    for (struct span rest = span_from(raw, cut); rest.len > 0; rest = span_from(rest, piece))
        (void)rig_send(rig, span_first(rest, piece));
    rig_send_end(rig);
    assert_true(rig->out_bytes <= sizeof outcome.out);
    memcpy(outcome.out, rig->out, rig->out_bytes);
    outcome.out_bytes = rig->out_bytes;
    outcome.requests = rig->requests;
    outcome.is_finished = http_conn_is_finished(rig->conn);
    rig_fini(rig);
    return outcome;
}

static void test_talks(void **state)
{
    (void)state;
    struct rig *rig = malloc(sizeof *rig);
    for (size_t i = 0; i < COUNT(talks); i++) {
        uint8_t text[256];
        struct strbuf out = strbuf_over(text, sizeof text);
        struct outcome outcome = hold_talk(rig, talks[i].raw, talks[i].raw.len, 1);
        bool is_right = span_eq(rig_statuses(rig, &out), talks[i].statuses) &&
                        outcome.requests == talks[i].requests;
        if (!is_right)
            fail_msg("%s: %.*s, %zu requests", talks[i].name, (int)out.len, (const char *)out.data,
                     outcome.requests);
        assert_true(outcome.is_finished);
    }
    free(rig);
}

static void assert_same(const struct talk *talk, const struct outcome *a, const struct outcome *b)
{
    bool is_same = a->out_bytes == b->out_bytes && memcmp(a->out, b->out, a->out_bytes) == 0 &&
                   a->requests == b->requests;
    if (!is_same)
        fail_msg("%s: cut, it differs", talk->name);
}

static void test_talks_cut_anywhere(void **state)
{
    (void)state;
    struct rig *rig = malloc(sizeof *rig);
    for (size_t i = 0; i < COUNT(talks); i++) {
        const struct span raw = talks[i].raw;
        struct outcome whole = hold_talk(rig, raw, raw.len, 1);
        struct outcome cut = hold_talk(rig, raw, 0, 1);
        assert_same(&talks[i], &whole, &cut);
        for (size_t at = 1; at < raw.len; at++) {
            cut = hold_talk(rig, raw, at, raw.len);
            assert_same(&talks[i], &whole, &cut);
        }
    }
    free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_talks),
        cmocka_unit_test(test_talks_cut_anywhere),
    };
    return cmocka_run_group_tests_name("http/talks", tests, NULL, NULL);
}
