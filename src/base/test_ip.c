// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "base/ip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

struct ip_case {
    const char *text;
    const char *shown; // NULL: refused
};

static const struct ip_case ip_cases[] = {
    {"192.0.2.7", "192.0.2.7"},
    {"0.0.0.0", "0.0.0.0"},
    {"255.255.255.255", "255.255.255.255"},
    {"::ffff:192.0.2.7", "192.0.2.7"},
    {"::FFFF:c000:207", "192.0.2.7"},
    {"0:0:0:0:0:ffff:192.0.2.7", "192.0.2.7"},
    {"::192.0.2.7", "::192.0.2.7"},
    {"::", "::"},
    {"::1", "::1"},
    {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
    {"2001:0db8::0001", "2001:db8::1"},
    {"64:ff9b::192.0.2.7", "64:ff9b::c000:207"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"", NULL},
    {"127.1", NULL},
    {"2130706433", NULL},
    {"0x7f.0.0.1", NULL},
    {"127.0.0.01", NULL},
    {"0177.0.0.1", NULL},
    {"256.0.0.1", NULL},
    {"1.2.3.4.5", NULL},
    {"1.2.3.4 ", NULL},
    {" 1.2.3.4", NULL},
    {"1.2.3.4:80", NULL},
    {"[::1]", NULL},
    {"fe80::1%eth0", NULL},
    {"::1::", NULL},
    {"1:2:3:4:5:6:7", NULL},
    {"12345::", NULL},
    {"::ffff:1.2.3.256", NULL},
    {"localhost", NULL},
    {"0000:0000:0000:0000:0000:0000:0000:0000:0000:00", NULL},
};

static void test_addresses_have_one_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ip_cases); i++) {
        struct ip ip;
        char shown[IP_TEXT_BYTES_MAX + 1] = {0};
        struct strbuf out = strbuf_over(shown, IP_TEXT_BYTES_MAX);
        bool is_ip = ip_parse(span_of_text(ip_cases[i].text), &ip);
        if (is_ip != (ip_cases[i].shown != NULL))
            fail_msg("%s", ip_cases[i].text);
        if (!is_ip)
            continue;
        ip_put(&ip, &out);
        assert_false(out.is_overflowed);
        assert_string_equal(shown, ip_cases[i].shown);
        assert_int_equal(ip_is_v4(&ip), strchr(shown, ':') == NULL);
    }
}

static void test_a_nul_does_not_end_an_address(void **state)
{
    (void)state;
    struct ip ip;
    assert_false(ip_parse(SPAN("1.2.3.4\0"), &ip));
    assert_false(ip_parse(SPAN("1.2.3.4\0.5"), &ip));
    assert_false(ip_parse(SPAN("\0"), &ip));
}

struct range_case {
    const char *ranges;
    const char *ip;
    bool is_in;
};

static const struct range_case range_cases[] = {
    {"", "127.0.0.1", false},
    {"127.0.0.1", "127.0.0.1", true},
    {"127.0.0.1", "127.0.0.2", false},
    {"  127.0.0.1   10.0.0.0/8 ", "10.255.255.255", true},
    {"127.0.0.1 10.0.0.0/8", "11.0.0.0", false},
    {"127.0.0.1 10.0.0.0/8", "9.255.255.255", false},
    {"192.0.2.128/25", "192.0.2.128", true},
    {"192.0.2.128/25", "192.0.2.127", false},
    {"192.0.2.8/31", "192.0.2.9", true},
    {"192.0.2.8/31", "192.0.2.10", false},
    {"192.0.2.8/32", "192.0.2.8", true},
    {"192.0.2.8/32", "192.0.2.9", false},
    {"128.0.0.0/1", "255.0.0.1", true},
    {"128.0.0.0/1", "127.255.255.255", false},
    {"10.0.0.0/8", "::ffff:10.1.2.3", true},
    {"::ffff:10.0.0.0/104", "10.1.2.3", true},
    {"::ffff:10.0.0.0/104", "11.1.2.3", false},
    {"::ffff:10.1.2.3", "10.1.2.3", true},
    {"2001:db8::/32", "2001:db8:ffff::1", true},
    {"2001:db8::/32", "2001:db9::1", false},
    {"2001:db8::/33", "2001:db8:8000::", false},
    {"2001:db8::1", "2001:db8::1", true},
    {"2001:db8::1", "2001:db8::2", false},
    {"2001:db8::8/127", "2001:db8::9", true},
    {"::/1", "::1", true},
    {"::/1", "10.0.0.1", false},
    {"::1", "127.0.0.1", false},
};

static void test_ranges(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(range_cases); i++) {
        struct ip ip;
        struct ip_ranges ranges;
        struct err_info info;
        assert_true(ip_parse(span_of_text(range_cases[i].ip), &ip));
        assert_int_equal(ip_ranges_parse(span_of_text(range_cases[i].ranges), &ranges, &info), 0);
        if (ip_ranges_have(&ranges, &ip) != range_cases[i].is_in)
            fail_msg("%s in %s", range_cases[i].ip, range_cases[i].ranges);
    }
}

#define NO_ADDRESS " is no IP address or range of them, as in 10.0.0.0/8 or 2001:db8::1"

static const struct ip_case refusals[] = {
    {"127.0.0.1 localhost ::1", "\"localhost\"" NO_ADDRESS},
    {"127.0.0.1,::1", "\"127.0.0.1,::1\"" NO_ADDRESS},
    {"127.0.0.1\t::1", "\"127.0.0.1\t::1\"" NO_ADDRESS},
    {"/8", "\"/8\"" NO_ADDRESS},
    {"10/8", "\"10/8\"" NO_ADDRESS},
    {"10.0.0.0/", "\"10.0.0.0/\" has no prefix of 1 to 32 bits"},
    {"10.0.0.0/33", "\"10.0.0.0/33\" has no prefix of 1 to 32 bits"},
    {"10.0.0.0/-1", "\"10.0.0.0/-1\" has no prefix of 1 to 32 bits"},
    {"10.0.0.0/8/8", "\"10.0.0.0/8/8\" has no prefix of 1 to 32 bits"},
    {"10.0.0.0/255.0.0.0", "\"10.0.0.0/255.0.0.0\" has no prefix of 1 to 32 bits"},
    {"::1/129", "\"::1/129\" has no prefix of 1 to 128 bits"},
    {"0.0.0.0/0", "\"0.0.0.0/0\" is everybody"},
    {"::/0", "\"::/0\" is everybody"},
    {"::ffff:0.0.0.0/96", "\"::ffff:0.0.0.0/96\" is everybody"},
    {"10.0.0.1/8", "\"10.0.0.1/8\" has bits set behind its prefix"},
    {"2001:db8::1/32", "\"2001:db8::1/32\" has bits set behind its prefix"},
    {"128.0.0.0/1 192.0.0.0/1", "\"192.0.0.0/1\" has bits set behind its prefix"},
};

static void test_refusals_name_the_item(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refusals); i++) {
        struct ip_ranges ranges;
        struct err_info info;
        enum err err = ip_ranges_parse(span_of_text(refusals[i].text), &ranges, &info);
        assert_int_equal(err, ERR_INVALID);
        assert_string_equal(info.text, refusals[i].shown);
    }
}

static void test_so_many_and_no_more(void **state)
{
    (void)state;
    char text[512];
    struct ip_ranges ranges;
    struct err_info info;
    struct strbuf out = strbuf_over(text, sizeof text);
    for (uint64_t i = 0; i < IP_RANGES_MAX; i++) {
        strbuf_put_text(&out, "192.0.2.");
        strbuf_put_u64(&out, i);
        strbuf_put_byte(&out, ' ');
    }
    assert_int_equal(ip_ranges_parse(strbuf_span(&out), &ranges, &info), ERR_OK);
    assert_int_equal(ranges.held, IP_RANGES_MAX);
    strbuf_put_text(&out, "::9");
    assert_int_equal(ip_ranges_parse(strbuf_span(&out), &ranges, &info), ERR_INVALID);
    assert_string_equal(info.text, "\"::9\" is one too many: there may be 32");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_have_one_form),
        cmocka_unit_test(test_a_nul_does_not_end_an_address),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_refusals_name_the_item),
        cmocka_unit_test(test_so_many_and_no_more),
    };
    return cmocka_run_group_tests_name("ip", tests, NULL, NULL);
}
