// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "telemetry/log.h"
#include "telemetry/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define DOT "\xE2\x80\xA2"
#define DOTS3 DOT DOT DOT
#define DOTS5 DOTS3 DOT DOT

struct mask_case {
    const char *address;
    const char *mask;
};

static const struct mask_case mask_cases[] = {
    {"84912345567", "+84" DOTS5 "567"},
    {"12025550147", "+12" DOTS5 "147"},
    {"919999999993", "+91" DOTS5 "993"},
    {"+919999999993", "+91" DOTS5 "993"},
    {"123456789012345", "+12" DOTS5 "345"},
    {"1234567890", "+12" DOTS5 "890"},
    {"123456789", "+12" DOTS5 "89"},
    {"12345678", "+12" DOTS5 "78"},
    {"1234567", "+" DOTS5},
    {"112", "+" DOTS5},
    {"1", "+" DOTS5},
    {"bob@x.test", "b" DOTS3 "@x.test"},
    {"b@x.test", DOTS3 "@x.test"},
    {"@x.test", DOTS3 "@x.test"},
    {"\"a@b\"@example.com", "\"" DOTS3 "@example.com"},
    {"\xC3\xA9lise@example.com", "\xC3\xA9" DOTS3 "@example.com"},
    {"\xC3\xA9@example.com", DOTS3 "@example.com"},
    {"\xFFx@example.com", DOTS3 "@example.com"},
    {"", DOTS3},
    {"+", DOTS3},
    {"secret", DOTS3},
    {"12 34 56 78 90", DOTS3},
};

static void masks_show_little(void **state)
{
    char mask[300];
    (void)state;
    for (size_t i = 0; i < sizeof mask_cases / sizeof mask_cases[0]; i++) {
        mask_address(span_of_text(mask_cases[i].address), mask, sizeof mask);
        assert_string_equal(mask, mask_cases[i].mask);
    }
}

static const struct mask_case network_cases[] = {
    {"192.0.2.7", "192.0.2." DOTS3},
    {"0.0.0.0", "0.0.0." DOTS3},
    {"255.255.255.255", "255.255.255." DOTS3},
    {"::ffff:192.0.2.255", "192.0.2." DOTS3},
    {"2001:db8:1:2:3:4:5:6", "2001:db8:1::" DOTS3},
    {"2001:0:0:2::6", "2001::" DOTS3},
    {"0:0:0:1::", "::" DOTS3},
    {"::1", "::" DOTS3},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff::" DOTS3},
    {"", DOTS3},
    {"192.0.2.7:80", DOTS3},
    {"12025550147", DOTS3},
    {"bob@x.test", DOTS3},
};

static void networks_show_no_host(void **state)
{
    char mask[MASK_NETWORK_BYTES_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof network_cases / sizeof network_cases[0]; i++) {
        mask_network(span_of_text(network_cases[i].address), mask);
        assert_string_equal(mask, network_cases[i].mask);
    }
}

static const struct mask_case username_cases[] = {
    {"somebody", "s" DOTS3},
    {"s", DOTS3},
    {"919999999993", "9" DOTS3},
    {"bob@x.test", "b" DOTS3},
    {"\xC3\xA9lise", "\xC3\xA9" DOTS3},
    {" ", DOTS3},
    {"", DOTS3},
};

static void a_username_shows_one_letter(void **state)
{
    char mask[300];
    (void)state;
    for (size_t i = 0; i < sizeof username_cases / sizeof username_cases[0]; i++) {
        mask_username(span_of_text(username_cases[i].address), mask, sizeof mask);
        assert_string_equal(mask, username_cases[i].mask);
    }
}

static void mask_is_cut_at_a_whole_character(void **state)
{
    static const char *const cut[] = {"",    "",    "",        "+",       "+9",      "+91",
                                      "+91", "+91", "+91" DOT, "+91" DOT, "+91" DOT, "+91" DOT DOT};
    char mask[16];
    (void)state;
    for (size_t cap = 1; cap <= 10; cap++) {
        mask_address(SPAN("919999999993"), mask, cap);
        assert_true(strlen(mask) < cap);
        assert_string_equal(mask, cut[cap + 1]);
    }
}

static void mask_of_a_number_never_shows_more_than_five_digits(void **state)
{
    char digits[16] = "";
    char mask[64];
    (void)state;
    for (size_t len = 1; len <= 15; len++) {
        digits[len - 1] = '7';
        size_t shown = 0;
        mask_address(span_make(digits, len), mask, sizeof mask);
        for (const char *at = mask; *at != '\0'; at++)
            shown += *at == '7';
        assert_true(shown <= 5);
        assert_true(len < 8 ? shown == 0 : len - shown >= 4);
    }
}

static void mask_of_a_long_address_fits(void **state)
{
    char address[254];
    char mask[32];
    (void)state;
    memset(address, 'd', sizeof address);
    address[64] = '@';
    mask_address(span_make(address, sizeof address), mask, sizeof mask);
    assert_int_equal(strlen(mask), 31);
    assert_memory_equal(mask, "d" DOTS3 "@dd", 13);
}

struct utf8_case {
    const char *text;
    size_t len;
    uint32_t point;
};

static const struct utf8_case utf8_cases[] = {
    {"", 0, 0},
    {"a", 1, 'a'},
    {"\x7F", 1, 0x7F},
    {"\x80", 0, 0},
    {"\xBF", 0, 0},
    {"\xC0\x80", 0, 0}, // overlong NUL
    {"\xC1\xBF", 0, 0}, // overlong DEL
    {"\xC2\x80", 2, 0x80},
    {"\xDF\xBF", 2, 0x7FF},
    {"\xC3", 0, 0},
    {"\xC3(", 0, 0},
    {"\xE0\x9F\xBF", 0, 0}, // overlong U+07FF
    {"\xE0\xA0\x80", 3, 0x800},
    {"\xED\x9F\xBF", 3, 0xD7FF},
    {"\xED\xA0\x80", 0, 0}, // surrogates
    {"\xED\xBF\xBF", 0, 0},
    {"\xEE\x80\x80", 3, 0xE000},
    {"\xE2\x80", 0, 0},
    {"\xF0\x8F\xBF\xBF", 0, 0}, // overlong U+FFFF
    {"\xF0\x90\x80\x80", 4, 0x10000},
    {"\xF4\x8F\xBF\xBF", 4, 0x10FFFF},
    {"\xF4\x90\x80\x80", 0, 0}, // past the last
    {"\xF8\x88\x80\x80\x80", 0, 0},
    {"\xFF", 0, 0},
};

static void utf8_takes_well_formed_characters_only(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof utf8_cases / sizeof utf8_cases[0]; i++) {
        uint32_t point = 0;
        assert_int_equal(utf8_next(span_of_text(utf8_cases[i].text), &point), utf8_cases[i].len);
        assert_int_equal(point, utf8_cases[i].point);
    }
}

static void utf8_first_ends_between_characters(void **state)
{
    static const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 7, 7};
    struct span text = SPAN("a\xC3\xA9\xE2\x82\xAC"
                            "b");
    (void)state;
    for (size_t max = 0; max <= 8; max++)
        assert_int_equal(utf8_first(text, max).len, expected[max]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_show_little),
        cmocka_unit_test(networks_show_no_host),
        cmocka_unit_test(a_username_shows_one_letter),
        cmocka_unit_test(mask_is_cut_at_a_whole_character),
        cmocka_unit_test(mask_of_a_number_never_shows_more_than_five_digits),
        cmocka_unit_test(mask_of_a_long_address_fits),
        cmocka_unit_test(utf8_takes_well_formed_characters_only),
        cmocka_unit_test(utf8_first_ends_between_characters),
    };
    return cmocka_run_group_tests_name("telemetry/mask", tests, NULL, NULL);
}
