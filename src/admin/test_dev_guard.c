// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "admin/accept.h"
#include "admin/dev_guard.h"

#include "unit/unit.h"

struct host_row {
    const char *host;
    bool is_loopback;
};

static const struct host_row host_rows[] = {
    {"localhost", true},
    {"LocalHost:8480", true},
    {"127.0.0.1", true},
    {"127.0.0.1:8480", true},
    {"127.255.255.254:1", true},
    {"127.0.0.0", true},
    {"[::1]", true},
    {"[::1]:65535", true},
    {"", false},
    {":8480", false},
    {"example.com", false},
    {"localhost.example.com", false},
    {"localhost.", false},
    {"foo.localhost", false},
    {"127.0.0.1.example.com", false},
    {"127.0.0.1.", false},
    {"127.0.0", false},
    {"127.1", false},
    {"127.0.0.256", false},
    {"127.0.0.01", false},
    {"127.0.0.0x1", false},
    {"0127.0.0.1", false},
    {"127..0.1", false},
    {"127.0.0.1.1", false},
    {"128.0.0.1", false},
    {"0.0.0.0", false},
    {"10.0.0.1", false},
    {"2130706433", false},
    {"[::]", false},
    {"[::1", false},
    {"::1", false},
    {"[::ffff:127.0.0.1]", false},
    {"[::1]8480", false},
    {"[::1].example.com", false},
    {"localhost:", false},
    {"localhost:x", false},
    {"localhost:65536", false},
    {"localhost:80:80", false},
    {"localhost@example.com", false},
    {"example.com:80@localhost", false},
    {" localhost", false},
};

static void loopback_names_alone_are_admitted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof host_rows / sizeof host_rows[0]; i++)
        assert_row_equal(host_rows[i].host, dev_guard_is_loopback(span_of_text(host_rows[i].host)),
                         host_rows[i].is_loopback);
    assert_false(dev_guard_is_loopback(span_make(NULL, 0)));
    assert_false(dev_guard_is_loopback(SPAN("localhost\0")));
}

struct origin_row {
    const char *origin;
    bool is_same;
};

static const struct origin_row origin_rows[] = {
    {"", true},
    {"http://127.0.0.1:8480", true},
    {"https://127.0.0.1:8480", true},
    {"http://127.0.0.1", false},
    {"http://127.0.0.1:8481", false},
    {"http://localhost:8480", false},
    {"http://example.com", false},
    {"http://127.0.0.1:8480.example.com", false},
    {"http://127.0.0.1:8480/", false},
    {"ftp://127.0.0.1:8480", false},
    {"127.0.0.1:8480", false},
    {"null", false},
    {"http://", false},
};

static void own_origin_alone_is_admitted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof origin_rows / sizeof origin_rows[0]; i++)
        assert_row_equal(
            origin_rows[i].origin,
            dev_guard_is_same_origin(span_of_text(origin_rows[i].origin), SPAN("127.0.0.1:8480")),
            origin_rows[i].is_same);
    assert_true(dev_guard_is_same_origin(SPAN("http://localhost"), SPAN("LOCALHOST")));
}

struct accept_row {
    const char *accept;
    bool is_html;
};

static const struct accept_row accept_rows[] = {
    {"", false},
    {"*/*", false},
    {"application/json", false},
    {"application/json, text/plain, */*", false},
    {"text/html", true},
    {"TEXT/HTML", true},
    {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true},
    {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;"
     "q=0.8,application/signed-exchange;v=b3;q=0.7",
     true},
    {"text/html;q=0.9, application/json", false},
    {"text/html, application/json;q=0.9", true},
    {"text/html, application/json", false},
    {"text/html;q=0.5, application/*;q=0.6, */*;q=0.1", false},
    {"text/html;q=0.5, application/*;q=0.4, */*;q=1", true},
    {"application/json;q=0.1, text/html;level=1;q=0.2, */*", true},
    {"text/html;q=0", false},
    {"text/html;q=0.000", false},
    {"text/html;q=0.001", true},
    {"text/html;Q=1.000", true},
    {"text/html ; q=0.3 , */*;q=0.2", true},
    {"text/*", false},
    {"text/htmlx", false},
    {",,;;,q=1", false},
};

static void page_is_for_those_who_ask_for_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof accept_rows / sizeof accept_rows[0]; i++)
        assert_row_equal(accept_rows[i].accept,
                         accept_prefers_html(span_of_text(accept_rows[i].accept)),
                         accept_rows[i].is_html);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_names_alone_are_admitted),
        cmocka_unit_test(own_origin_alone_is_admitted),
        cmocka_unit_test(page_is_for_those_who_ask_for_one),
    };
    return cmocka_run_group_tests_name("admin/dev_guard", tests, NULL, NULL);
}
