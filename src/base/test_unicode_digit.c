// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "base/unicode_digit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SCALAR_END 0x110000U

static void ascii_digits_have_their_value(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x80; c++)
        assert_int_equal(unicode_digit_value(c), c >= '0' && c <= '9' ? (int)c - '0' : -1);
}

static void every_script_has_ten_in_a_row(void **state)
{
    (void)state;
    unsigned scripts = 0;
    for (uint32_t c = 0; c < SCALAR_END; c++) {
        if (unicode_digit_value(c) != 0)
            continue;
        scripts++;
        for (uint32_t i = 1; i < 10; i++)
            assert_int_equal(unicode_digit_value(c + i), (int)i);
    }
    assert_int_equal(scripts, 68);
}

static void there_are_680_digits_and_no_more(void **state)
{
    (void)state;
    unsigned digits = 0;
    for (uint32_t c = 0; c < SCALAR_END; c++)
        digits += unicode_digit_value(c) >= 0;
    assert_int_equal(digits, 680);
}

static void digits_of_known_scripts(void **state)
{
    (void)state;
    assert_int_equal(unicode_digit_value(0x0665), 5);  // Arabic-Indic
    assert_int_equal(unicode_digit_value(0x096F), 9);  // Devanagari
    assert_int_equal(unicode_digit_value(0xFF13), 3);  // full-width
    assert_int_equal(unicode_digit_value(0x1D7FF), 9); // mathematical monospace
    assert_int_equal(unicode_digit_value(0x00B2), -1); // superscript two is no decimal digit
    assert_int_equal(unicode_digit_value(0x2167), -1); // nor is a Roman eight
    assert_int_equal(unicode_digit_value(UINT32_MAX), -1);
}

static void spaces_and_dashes_are_told_apart(void **state)
{
    (void)state;
    const uint32_t spaces[] = {' ', '\t', '\n', '\r', 0xA0, 0x2009, 0x202F, 0x3000};
    const uint32_t dashes[] = {'-',    0x58A,  0x5BE,  0x1806, 0x2010, 0x2011, 0x2013, 0x2014,
                               0x2212, 0x2E3A, 0x301C, 0x30A0, 0x30FC, 0xFF0D, 0x10EAD};
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++) {
        assert_true(unicode_is_space(spaces[i]));
        assert_false(unicode_is_dash(spaces[i]));
    }
    for (size_t i = 0; i < sizeof dashes / sizeof dashes[0]; i++) {
        assert_true(unicode_is_dash(dashes[i]));
        assert_false(unicode_is_space(dashes[i]));
    }
    assert_false(unicode_is_space(0) || unicode_is_space('0') || unicode_is_space(0x200B));
    assert_false(unicode_is_dash('_') || unicode_is_dash('.') || unicode_is_dash('+'));
}

struct utf8_row {
    struct span text;
    uint32_t scalar;
    size_t left;
};

static void utf8_is_taken_one_scalar_at_a_time(void **state)
{
    (void)state;
    const struct utf8_row rows[] = {
        {SPAN("ab"), 'a', 1},
        {SPAN("\0b"), 0, 1},
        {SPAN("\xC2\xA0"), 0xA0, 0},
        {SPAN("\xE2\x80\xAF!"), 0x202F, 1},
        {SPAN("\xEE\x80\x80"), 0xE000, 0},
        {SPAN("\xF0\x9F\x98\x80"), 0x1F600, 0},
        {SPAN("\xF4\x8F\xBF\xBF"), 0x10FFFF, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct span text = rows[i].text;
        uint32_t scalar = 0;
        assert_true(utf8_take(&text, &scalar));
        assert_int_equal(scalar, rows[i].scalar);
        assert_int_equal(text.len, rows[i].left);
    }
}

static void ill_formed_utf8_is_left_where_it_is(void **state)
{
    (void)state;
    const struct span bad[] = {
        SPAN(""),
        SPAN("\x80"),
        SPAN("\xC2"),
        SPAN("\xC0\xAF"),
        SPAN("\xC2 "),
        SPAN("\xE0\x80\xAF"),
        SPAN("\xED\xA0\x80"),
        SPAN("\xED\xBF\xBF"),
        SPAN("\xE2\x80"),
        SPAN("\xF0\x80\x80\xAF"),
        SPAN("\xF4\x90\x80\x80"),
        SPAN("\xF8\x88\x80\x80\x80"),
        SPAN("\xFF"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct span text = bad[i];
        uint32_t scalar = 7;
        assert_false(utf8_take(&text, &scalar));
        assert_int_equal(text.len, bad[i].len);
        assert_int_equal(scalar, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ascii_digits_have_their_value),
        cmocka_unit_test(every_script_has_ten_in_a_row),
        cmocka_unit_test(there_are_680_digits_and_no_more),
        cmocka_unit_test(digits_of_known_scripts),
        cmocka_unit_test(spaces_and_dashes_are_told_apart),
        cmocka_unit_test(utf8_is_taken_one_scalar_at_a_time),
        cmocka_unit_test(ill_formed_utf8_is_left_where_it_is),
    };
    return cmocka_run_group_tests_name("unicode_digit", tests, NULL, NULL);
}
