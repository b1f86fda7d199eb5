// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Routes, look-ups in a request, and the writer of answers.
#include "http/limits.h"
#include "http/reply.h"
#include "http/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static const struct http_route routes[] = {
    {HTTP_POST, SPAN("/a"), NULL, NULL},   {HTTP_GET, SPAN("/a"), NULL, NULL},
    {HTTP_POST, SPAN("/a/b"), NULL, NULL}, {HTTP_OPTIONS, SPAN("/a/b"), NULL, NULL},
    {HTTP_GET, SPAN("/own"), NULL, NULL},  {HTTP_HEAD, SPAN("/own"), NULL, NULL},
    {HTTP_DELETE, SPAN("/d"), NULL, NULL}, {HTTP_PUT, SPAN("/d"), NULL, NULL},
    {HTTP_GET, SPAN("/p/*"), NULL, NULL},
};

static void write_error(int status, struct strbuf *out)
{
    strbuf_put(out, SPAN("e"));
    strbuf_put_u64(out, (uint64_t)status);
}

static const struct http_router router = {
    .routes = routes, .count = COUNT(routes), .write_error = write_error};

static void test_match(void **state)
{
    (void)state;
    static const struct {
        enum http_method method;
        struct span path;
        int status;
        size_t row;
    } cases[] = {
        {HTTP_POST, SPAN("/a"), 200, 0},          {HTTP_GET, SPAN("/a"), 200, 1},
        {HTTP_HEAD, SPAN("/a"), 200, 1},          {HTTP_HEAD, SPAN("/own"), 200, 5},
        {HTTP_OPTIONS, SPAN("/a/b"), 200, 3},     {HTTP_PUT, SPAN("/d"), 200, 7},
        {HTTP_HEAD, SPAN("/a/b"), 405, 0},        {HTTP_DELETE, SPAN("/a"), 405, 0},
        {HTTP_METHOD_COUNT_, SPAN("/a"), 405, 0}, {HTTP_METHOD_COUNT_, SPAN("/"), 404, 0},
        {HTTP_GET, SPAN("/a/"), 404, 0},          {HTTP_GET, SPAN("/A"), 404, 0},
        {HTTP_GET, SPAN("/%61"), 404, 0},         {HTTP_GET, SPAN("//a"), 404, 0},
        {HTTP_GET, SPAN("/a/../a"), 404, 0},      {HTTP_GET, SPAN("/"), 404, 0},
        {HTTP_GET, SPAN("/p/x/%61"), 200, 8},     {HTTP_GET, SPAN("/p/"), 200, 8},
        {HTTP_GET, SPAN("/p"), 404, 0},           {HTTP_POST, SPAN("/p/x"), 405, 0},
        {HTTP_GET, SPAN("/P/x"), 404, 0},         {HTTP_GET, SPAN("*"), 404, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct http_route *route;
        struct http_request request = {.method = cases[i].method, .path = cases[i].path};
        assert_int_equal(http_router_match(&router, &request, &route), cases[i].status);
        if (cases[i].status == 200)
            assert_ptr_equal(route, &routes[cases[i].row]);
    }
}

static void test_allow(void **state)
{
    (void)state;
    static const struct {
        struct span path;
        struct span allow;
    } cases[] = {
        {SPAN("/a"), SPAN("GET, HEAD, POST")}, {SPAN("/a/b"), SPAN("POST, OPTIONS")},
        {SPAN("/own"), SPAN("GET, HEAD")},     {SPAN("/d"), SPAN("PUT, DELETE")},
        {SPAN("/p/x"), SPAN("GET, HEAD")},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t text[64];
        struct strbuf out = strbuf_over(text, sizeof text);
        http_router_allow(&router, cases[i].path, &out);
        assert_true(span_eq(strbuf_span(&out), cases[i].allow));
    }
}

static void test_query(void **state)
{
    (void)state;
    static const struct {
        struct span query;
        struct span name;
        bool is_found;
        struct span value;
    } cases[] = {
        {SPAN("a=1"), SPAN("a"), true, SPAN("1")},
        {SPAN("a=1&b=2"), SPAN("b"), true, SPAN("2")},
        {SPAN("b=2&b=3"), SPAN("b"), true, SPAN("2")},
        {SPAN("a"), SPAN("a"), true, SPAN("")},
        {SPAN("a="), SPAN("a"), true, SPAN("")},
        {SPAN("&&a=b=c&"), SPAN("a"), true, SPAN("b=c")},
        {SPAN("to=%2B1+202%2d555"), SPAN("to"), true, SPAN("+1 202-555")},
        {SPAN("a=%00%fF"), SPAN("a"), true, SPAN("\0\xFF")},
        {SPAN("a=%2"), SPAN("a"), false, SPAN("")},
        {SPAN("a=%"), SPAN("a"), false, SPAN("")},
        {SPAN("a=%g0"), SPAN("a"), false, SPAN("")},
        {SPAN("a=%0x"), SPAN("a"), false, SPAN("")},
        {SPAN("aa=1"), SPAN("a"), false, SPAN("")},
        {SPAN("%61=1"), SPAN("a"), false, SPAN("")},
        {SPAN(""), SPAN("a"), false, SPAN("")},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t memory[64];
        struct span value = span_make(NULL, 0);
        struct http_exchange exchange = {.request.query = cases[i].query,
                                         .arena = arena_over(memory, sizeof memory)};
        assert_int_equal(http_query_find(&exchange, cases[i].name, &value), cases[i].is_found);
        assert_true(span_eq(value, cases[i].value));
    }
}

static void test_query_has(void **state)
{
    (void)state;
    const struct http_request request = {.query = SPAN("a=%&b&=c&%64=1&e=f")};
    const struct span there[] = {SPAN("a"), SPAN("b"), SPAN(""), SPAN("%64"), SPAN("e")};
    const struct span not_there[] = {SPAN("c"), SPAN("d"), SPAN("f"), SPAN("A"), SPAN("a=")};
    for (size_t i = 0; i < COUNT(there); i++)
        assert_true(http_query_has(&request, there[i]));
    for (size_t i = 0; i < COUNT(not_there); i++)
        assert_false(http_query_has(&request, not_there[i]));
}

static void test_query_needs_arena(void **state)
{
    (void)state;
    uint8_t memory[1];
    struct span value;
    struct http_exchange exchange = {.request.query = SPAN("a=0123456789"),
                                     .arena = arena_over(memory, sizeof memory)};
    assert_false(http_query_find(&exchange, SPAN("a"), &value));
}

static void test_request_field(void **state)
{
    (void)state;
    const struct http_field fields[] = {
        {SPAN("Accept"), SPAN("a")}, {SPAN("accept"), SPAN("b")}, {SPAN("X"), SPAN("")}};
    struct http_request request = {.fields = fields, .fields_held = COUNT(fields)};
    assert_true(span_eq(http_request_field(&request, SPAN("ACCEPT")), SPAN("a")));
    assert_non_null(http_request_field(&request, SPAN("x")).data);
    assert_null(http_request_field(&request, SPAN("y")).data);
}

static void assert_written(const struct http_reply *reply, const struct http_reply_frame *frame,
                           struct span expected)
{
    size_t bytes_max = http_reply_bytes_max(reply, frame);
    uint8_t *text = malloc(bytes_max);
    struct strbuf out = strbuf_over(text, bytes_max);
    http_reply_write(reply, frame, &out);
    if (!span_eq(strbuf_span(&out), expected))
        fail_msg("written was\n%.*s", (int)out.len, (const char *)out.data);
    free(text);
}

static void test_reply_with_fields(void **state)
{
    (void)state;
    struct http_reply reply = {
        .status = 503, .content_type = SPAN("text/plain"), .body = SPAN("no")};
    http_reply_add(&reply, SPAN("Retry-After"), SPAN("5"));
    http_reply_add(&reply, SPAN("Vary"), SPAN("Origin"));
    assert_written(&reply, &(struct http_reply_frame){.request_id = SPAN("r"), .is_closing = true},
                   SPAN("HTTP/1.1 503 Service Unavailable\r\n"
                        "Content-Type: text/plain\r\n"
                        "Content-Length: 2\r\n"
                        "X-Request-Id: r\r\n"
                        "Retry-After: 5\r\n"
                        "Vary: Origin\r\n"
                        "Connection: close\r\n"
                        "\r\n"
                        "no"));
}

static void test_reply_without_body(void **state)
{
    (void)state;
    const struct http_reply_frame frame = {.request_id = SPAN("r"), .is_http_1_0 = true};
    struct http_reply reply = {.status = 200};
    assert_written(&reply, &frame,
                   SPAN("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Request-Id: r\r\n"
                        "Connection: keep-alive\r\n\r\n"));
    reply.status = 304;
    assert_written(&reply, &frame,
                   SPAN("HTTP/1.1 304 Not Modified\r\nX-Request-Id: r\r\n"
                        "Connection: keep-alive\r\n\r\n"));
}

static void test_reply_with_rare_status(void **state)
{
    (void)state;
    const struct http_reply reply = {.status = 299};
    assert_written(&reply, &(struct http_reply_frame){.request_id = SPAN("r")},
                   SPAN("HTTP/1.1 299 \r\nContent-Length: 0\r\nX-Request-Id: r\r\n\r\n"));
}

static void test_reply_of_error(void **state)
{
    (void)state;
    uint8_t memory[HTTP_ERROR_BODY_BYTES_MAX];
    struct strbuf body = strbuf_over(memory, sizeof memory);
    struct http_reply reply = http_reply_of_error(&router, 503, &body);
    assert_true(span_eq(reply.body, SPAN("e503")));
    assert_true(span_eq(reply.content_type, SPAN("application/json")));
    assert_int_equal(reply.fields_held, 1);
    assert_true(span_eq(reply.fields[0].name, SPAN("Retry-After")));
    body = strbuf_over(memory, sizeof memory);
    reply = http_reply_of_error(&router, 400, &body);
    assert_int_equal(reply.fields_held, 0);
}

// The longest answer head that there can be still fits what is set aside for it.
static void test_reply_bytes_max(void **state)
{
    (void)state;
    uint8_t id[HTTP_REQUEST_ID_BYTES_MAX];
    memset(id, 'i', sizeof id);
    struct http_reply reply = {
        .status = 431, .content_type = SPAN("application/json; charset=utf-8"), .body = SPAN("b")};
    for (size_t i = 0; i < HTTP_REPLY_FIELDS_MAX; i++)
        http_reply_add(&reply, SPAN("Access-Control-Allow-Origin"), SPAN("https://example.com"));
    const struct http_reply_frame frame = {
        .request_id = span_make(id, sizeof id), .is_closing = true, .is_http_1_0 = true};
    size_t bytes_max = http_reply_bytes_max(&reply, &frame);
    uint8_t *text = malloc(bytes_max);
    struct strbuf out = strbuf_over(text, bytes_max);
    http_reply_write(&reply, &frame, &out);
    assert_false(out.is_overflowed);
    assert_in_range(bytes_max - out.len, 1, 200);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_allow),
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_query_has),
        cmocka_unit_test(test_query_needs_arena),
        cmocka_unit_test(test_request_field),
        cmocka_unit_test(test_reply_with_fields),
        cmocka_unit_test(test_reply_without_body),
        cmocka_unit_test(test_reply_with_rare_status),
        cmocka_unit_test(test_reply_of_error),
        cmocka_unit_test(test_reply_bytes_max),
    };
    return cmocka_run_group_tests_name("http/router", tests, NULL, NULL);
}
