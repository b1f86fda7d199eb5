// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "base/assert.h"
#include "http/client_address.h"
#include "http/limits.h"
#include "http/test_rig.h"
#include "telemetry/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define TRUSTED "127.0.0.1 10.0.0.0/8 2001:db8:1::/48"
#define PROXY "127.0.0.1"

static struct ip_ranges ranges_of(const char *text)
{
    struct ip_ranges ranges;
    enum err err = ip_ranges_parse(span_of_text(text), &ranges, NULL);
    ASSERT(err == ERR_OK);
    return ranges;
}

// A NULL ends the lines early; by each, what the socket's peer is told to be.
struct walk_case {
    const char *peer;
    const char *lines[3];
    const char *client;
};

static const struct walk_case walk_cases[] = {
    // Nobody is between.
    {"192.0.2.1", {NULL}, "192.0.2.1"},
    {PROXY, {NULL}, PROXY},
    {"2001:db8::5", {NULL}, "2001:db8::5"},
    {"", {NULL}, ""},
    // What somebody says of himself is not believed.
    {"192.0.2.1", {"203.0.113.9"}, "192.0.2.1"},
    {"192.0.2.1", {"127.0.0.1"}, "192.0.2.1"},
    {"192.0.2.1", {"10.0.0.1, 127.0.0.1"}, "192.0.2.1"},
    {"2001:db8:2::1", {"203.0.113.9"}, "2001:db8:2::1"},
    {"::1", {"203.0.113.9"}, "::1"},
    {"127.0.0.2", {"203.0.113.9"}, "127.0.0.2"},
    {"11.0.0.1", {"203.0.113.9"}, "11.0.0.1"},
    {"", {"203.0.113.9"}, ""},
    {"@", {"203.0.113.9"}, "@"},
    // One proxy.
    {PROXY, {"203.0.113.9"}, "203.0.113.9"},
    {"10.9.8.7", {"203.0.113.9"}, "203.0.113.9"},
    {"2001:db8:1:2::3", {"203.0.113.9"}, "203.0.113.9"},
    {PROXY, {"2001:db8::7"}, "2001:db8::7"},
    {PROXY, {"  203.0.113.9\t"}, "203.0.113.9"},
    // It adds to what the client has made up.
    {PROXY, {"1.1.1.1, 203.0.113.9"}, "203.0.113.9"},
    {PROXY, {"1.1.1.1,203.0.113.9"}, "203.0.113.9"},
    {PROXY, {"127.0.0.1, 203.0.113.9"}, "203.0.113.9"},
    {PROXY, {"10.0.0.1, 10.0.0.2, 203.0.113.9"}, "203.0.113.9"},
    {PROXY, {"unknown, 203.0.113.9"}, "203.0.113.9"},
    {PROXY, {"<script>, ' OR 1=1, 203.0.113.9"}, "203.0.113.9"},
    {PROXY, {", , 203.0.113.9"}, "203.0.113.9"},
    // In a line of its own: those of a name are one list, in order.
    {PROXY, {"1.1.1.1", "203.0.113.9"}, "203.0.113.9"},
    {PROXY, {"1.1.1.1", "2.2.2.2", "203.0.113.9"}, "203.0.113.9"},
    {PROXY, {"203.0.113.9", "10.0.0.1"}, "203.0.113.9"},
    {PROXY, {"1.1.1.1, 203.0.113.9", "10.0.0.1, 10.0.0.2"}, "203.0.113.9"},
    {PROXY, {"1.1.1.1", "203.0.113.9, 10.0.0.1", "10.0.0.2"}, "203.0.113.9"},
    // Several proxies.
    {PROXY, {"203.0.113.9, 10.0.0.1"}, "203.0.113.9"},
    {PROXY, {"203.0.113.9, 2001:db8:1::1, 10.0.0.1"}, "203.0.113.9"},
    {PROXY, {"1.1.1.1, 203.0.113.9, 10.0.0.1"}, "203.0.113.9"},
    {PROXY, {"10.0.0.9, 203.0.113.9, 10.0.0.1"}, "203.0.113.9"},
    {PROXY, {"203.0.113.9, 192.0.2.1, 10.0.0.1"}, "192.0.2.1"},
    // All of them are ours: a client of the house.
    {PROXY, {"10.0.0.5"}, "10.0.0.5"},
    {PROXY, {"10.0.0.5, 10.0.0.1"}, "10.0.0.5"},
    {PROXY, {"10.0.0.5", "10.0.0.1"}, "10.0.0.5"},
    {PROXY, {"127.0.0.1"}, "127.0.0.1"},
    // What is no address ends the walk at the hop before.
    {PROXY, {"unknown"}, PROXY},
    {PROXY, {"203.0.113.9, unknown"}, PROXY},
    {PROXY, {"203.0.113.9, unknown, 10.0.0.1"}, "10.0.0.1"},
    {PROXY, {"203.0.113.9, _hidden, 10.0.0.2, 10.0.0.1"}, "10.0.0.2"},
    {PROXY, {"203.0.113.9,"}, PROXY},
    {PROXY, {"203.0.113.9, , 10.0.0.1"}, "10.0.0.1"},
    {PROXY, {""}, PROXY},
    {PROXY, {","}, PROXY},
    {PROXY, {"203.0.113.9", ""}, PROXY},
    {PROXY, {"203.0.113.9", "", "10.0.0.1"}, "10.0.0.1"},
    {PROXY, {"203.0.113.9 10.0.0.1"}, PROXY},
    {PROXY, {"203.0.113.9; 10.0.0.1"}, PROXY},
    {PROXY, {"\"203.0.113.9\""}, PROXY},
    {PROXY, {"for=203.0.113.9"}, PROXY},
    {PROXY, {"203.0.113.009"}, PROXY},
    {PROXY, {"0xcb.0.113.9"}, PROXY},
    {PROXY, {"3405803785"}, PROXY},
    {PROXY, {"203.0.113.9%eth0"}, PROXY},
    {PROXY, {"fe80::1%eth0"}, PROXY},
    {PROXY, {"203.0.113.9/32"}, PROXY},
    {PROXY, {"localhost"}, PROXY},
    // A form that hides an address of ours, or shows another's.
    {PROXY, {"203.0.113.9, ::ffff:10.0.0.1"}, "203.0.113.9"},
    {PROXY, {"203.0.113.9, ::ffff:a00:1"}, "203.0.113.9"},
    {PROXY, {"203.0.113.9, ::10.0.0.1"}, "::10.0.0.1"},
    {PROXY, {"::ffff:203.0.113.9"}, "203.0.113.9"},
    {PROXY, {"2001:DB8:0:0::7"}, "2001:db8::7"},
    {"::ffff:127.0.0.1", {"203.0.113.9"}, "203.0.113.9"},
    // Ports and brackets.
    {PROXY, {"203.0.113.9:1234"}, "203.0.113.9"},
    {PROXY, {"203.0.113.9:65535, 10.0.0.1:80"}, "203.0.113.9"},
    {PROXY, {"[2001:db8::7]"}, "2001:db8::7"},
    {PROXY, {"[2001:db8::7]:443, [2001:db8:1::1]:80"}, "2001:db8::7"},
    {PROXY, {"[::ffff:203.0.113.9]:1"}, "203.0.113.9"},
    {PROXY, {"2001:db8::7:443"}, "2001:db8::7:443"},
    {PROXY, {"203.0.113.9:"}, PROXY},
    {PROXY, {"203.0.113.9:65536"}, PROXY},
    {PROXY, {"203.0.113.9:000080"}, PROXY},
    {PROXY, {"203.0.113.9:-1"}, PROXY},
    {PROXY, {"203.0.113.9:80:80"}, PROXY},
    {PROXY, {":80"}, PROXY},
    {PROXY, {"[203.0.113.9]"}, PROXY},
    {PROXY, {"[203.0.113.9]:80"}, PROXY},
    {PROXY, {"[2001:db8::7]80"}, PROXY},
    {PROXY, {"[2001:db8::7]:"}, PROXY},
    {PROXY, {"[2001:db8::7"}, PROXY},
    {PROXY, {"2001:db8::7]"}, PROXY},
    {PROXY, {"[]"}, PROXY},
    {PROXY, {"["}, PROXY},
    {PROXY, {"[[2001:db8::7]]"}, PROXY},
};

static void check_walk(const struct walk_case *row)
{
    uint8_t out[IP_TEXT_BYTES_MAX];
    struct http_field fields[8] = {{SPAN("Host"), SPAN("example.com")}};
    struct http_request request = {.fields = fields, .fields_held = 1};
    const struct ip_ranges trusted = ranges_of(TRUSTED);
    for (size_t i = 0; i < COUNT(row->lines) && row->lines[i] != NULL; i++) {
        static const struct span names[] = {SPAN("X-Forwarded-For"), SPAN("x-forwarded-for"),
                                            SPAN("X-FORWARDED-FOR")};
        struct span value = span_of_text(row->lines[i]);
        fields[request.fields_held++] = (struct http_field){names[i], value};
        fields[request.fields_held++] = (struct http_field){SPAN("Via"), SPAN("1.1 x")};
    }
    struct span client = http_client_address(&trusted, span_of_text(row->peer), &request, out);
    if (!span_eq(client, span_of_text(row->client)))
        fail_msg("%s for %s is %.*s", row->peer, row->lines[0], (int)client.len,
                 (const char *)client.data);
}

static void test_the_walk(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(walk_cases); i++)
        check_walk(&walk_cases[i]);
    assert_true(COUNT(walk_cases) >= 60);
}

static void test_without_trust_nobody_is_believed(void **state)
{
    (void)state;
    uint8_t out[IP_TEXT_BYTES_MAX];
    const struct ip_ranges nobody = ranges_of("");
    const struct http_field fields[] = {{SPAN("X-Forwarded-For"), SPAN("203.0.113.9")}};
    const struct http_request request = {.fields = fields, .fields_held = 1};
    assert_true(span_eq(http_client_address(&nobody, SPAN(PROXY), &request, out), SPAN(PROXY)));
}

static void test_other_fields_are_not_read(void **state)
{
    (void)state;
    static const struct span names[] = {
        SPAN("Forwarded"),        SPAN("X-Real-IP"),         SPAN("X-Forwarded"),
        SPAN("X-Forwarded-For-"), SPAN("X_Forwarded_For"),   SPAN("X-Forwarded-Host"),
        SPAN("Client-IP"),        SPAN("CF-Connecting-IP"),  SPAN("True-Client-IP"),
        SPAN("X-Client-IP"),      SPAN("X-Forwarded-For\v"),
    };
    const struct ip_ranges trusted = ranges_of(TRUSTED);
    for (size_t i = 0; i < COUNT(names); i++) {
        uint8_t out[IP_TEXT_BYTES_MAX];
        const struct http_field field = {names[i], SPAN("203.0.113.9")};
        const struct http_request request = {.fields = &field, .fields_held = 1};
        struct span client = http_client_address(&trusted, SPAN(PROXY), &request, out);
        assert_true(span_eq(client, SPAN(PROXY)));
    }
}

// A list of hops of ours that is as long as a head may be: the walk ends before it does.
static void test_the_walk_is_bounded(void **state)
{
    (void)state;
    for (size_t hops = HTTP_FORWARDED_HOPS_MAX - 1; hops <= HTTP_FORWARDED_HOPS_MAX + 1; hops++) {
        uint8_t out[IP_TEXT_BYTES_MAX];
        uint8_t text[2048];
        struct strbuf list = strbuf_over(text, sizeof text);
        strbuf_put_text(&list, "203.0.113.9");
        for (size_t i = 0; i < hops; i++)
            strbuf_put_text(&list, ", 10.0.0.1");
        const struct ip_ranges trusted = ranges_of(TRUSTED);
        const struct http_field field = {SPAN("X-Forwarded-For"), strbuf_span(&list)};
        const struct http_request request = {.fields = &field, .fields_held = 1};
        struct span client = http_client_address(&trusted, SPAN(PROXY), &request, out);
        bool is_reached = hops < HTTP_FORWARDED_HOPS_MAX;
        assert_true(span_eq(client, is_reached ? SPAN("203.0.113.9") : SPAN("10.0.0.1")));
    }
}

// What handlers see, from one request of a connection to the next.
static void test_each_request_has_its_own_client(void **state)
{
    (void)state;
    const struct ip_ranges trusted = ranges_of("192.0.2.0/24");
    const struct http_worker_options own = {.trusted_proxies = &trusted};
    struct rig *rig = malloc(sizeof *rig);
    rig_init_with(rig, &http_limits_default, &own);
    rig_connect(rig);
    (void)rig_send(rig, SPAN("GET /peer HTTP/1.1\r\nHost: a\r\nX-Request-Id: i\r\n"
                             "X-Forwarded-For: 1.1.1.1, 203.0.113.9\r\n\r\n"
                             "GET /peer HTTP/1.1\r\nHost: a\r\nX-Request-Id: i\r\n\r\n"));
    const struct span expected =
        SPAN("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n"
             "X-Request-Id: i\r\n\r\n203.0.113.9"
             "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n"
             "X-Request-Id: i\r\n\r\n192.0.2.1");
    assert_true(span_eq(rig_output(rig), expected));
    rig_fini(rig);
    free(rig);
}

struct logged {
    int pipe[2];
    struct logger *log;
    struct rig rig;
};

static struct logged *logged_create(enum log_level least)
{
    struct logged *logged = malloc(sizeof *logged);
    static const struct http_worker_options nothing;
    struct http_worker_options own = nothing;
    int status = pipe(logged->pipe);
    ASSERT(status == 0);
    struct logger_options options = {.descriptor = logged->pipe[1], .least = least};
    options.clock = clock_system();
    enum err err = logger_create(&options, &logged->log);
    ASSERT(err == ERR_OK);
    own.log = logged->log;
    rig_init_with(&logged->rig, &http_limits_default, &own);
    rig_connect(&logged->rig);
    return logged;
}

// All that was logged, without its stamps' digits; frees.
static size_t logged_end(struct logged *logged, char *out, size_t cap)
{
    rig_fini(&logged->rig);
    logger_destroy(&logged->log);
    (void)close(logged->pipe[1]);
    ssize_t len = read(logged->pipe[0], out, cap - 1);
    ASSERT(len >= 0);
    (void)close(logged->pipe[0]);
    free(logged);
    out[len] = '\0';
    return (size_t)len;
}

#define REQUESTS                                                                                   \
    "GET /peer?secret HTTP/1.1\r\nHost: a\r\nX-Request-Id: one\r\n"                                \
    "X-Forwarded-For: 203.0.113.9\r\n\r\nGET /secret HTTP/1.1\r\nHost: a\r\nX-Request-Id: two\r\n" \
    "\r\n"

static void test_answers_are_logged_at_debug(void **state)
{
    (void)state;
    char text[2048];
    struct logged *logged = logged_create(LOG_DEBUG);
    (void)rig_send(&logged->rig, SPAN(REQUESTS));
    (void)logged_end(logged, text, sizeof text);
    assert_non_null(strstr(text,
                           "\"level\":\"debug\",\"event\":\"http.answer\",\"route\":\"/peer\","
                           "\"status\":200,\"tookMs\":0,\"nth\":1,\"client\":\"192.0.2.•••\","
                           "\"requestId\":\"one\"}\n"));
    assert_non_null(strstr(text, "\"event\":\"http.answer\",\"route\":\"other\",\"status\":404,"
                                 "\"tookMs\":0,\"nth\":2,"));
    assert_null(strstr(text, "secret"));
    assert_null(strstr(text, "203.0.113"));
}

static void test_answers_are_not_logged_above_debug(void **state)
{
    (void)state;
    char text[2048];
    struct logged *logged = logged_create(LOG_INFO);
    (void)rig_send(&logged->rig, SPAN(REQUESTS));
    assert_int_equal(logged_end(logged, text, sizeof text), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_walk),
        cmocka_unit_test(test_without_trust_nobody_is_believed),
        cmocka_unit_test(test_other_fields_are_not_read),
        cmocka_unit_test(test_the_walk_is_bounded),
        cmocka_unit_test(test_each_request_has_its_own_client),
        cmocka_unit_test(test_answers_are_logged_at_debug),
        cmocka_unit_test(test_answers_are_not_logged_above_debug),
    };
    return cmocka_run_group_tests_name("client_address", tests, NULL, NULL);
}
