// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "api/guess.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct text_row {
    struct span text;
    const char *digits;
};

static const struct text_row text_rows[] = {
    {SPAN("123456"), "123456"},
    {SPAN("000000"), "000000"},
    {SPAN(" 123456\r\n"), "123456"},
    {SPAN("123 456"), "123456"},
    {SPAN("1-2-3-4-5-6"), "123456"},
    {SPAN("123\xC2\xA0"
          "456"),
     "123456"}, // no-break space
    {SPAN("123\xE2\x80\x89"
          "456"),
     "123456"}, // thin space
    {SPAN("123\xE2\x80\xAF"
          "456"),
     "123456"}, // narrow no-break space
    {SPAN("123\xE3\x80\x80"
          "456"),
     "123456"}, // ideographic space
    {SPAN("123\xE2\x80\x93"
          "456"),
     "123456"},                                                         // en dash
    {SPAN("\xEF\xBC\x91\xEF\xBC\x92\xEF\xBC\x93\xEF\xBC\x94"), "1234"}, // full-width
    {SPAN("\xD9\xA1\xD9\xA2\xD9\xA3\xD9\xA4"), "1234"},                 // Arabic-Indic
    {SPAN("\xE0\xA5\xA7\xE0\xA5\xA8 34"), "1234"},                      // Devanagari
    {SPAN("\xF0\x9D\x9F\x8F\xF0\x9D\x9F\x90"), "12"},                   // mathematical
    {SPAN("1234567890123456"), "1234567890123456"},
    {SPAN("12345678901234567"), ""},
    {SPAN(""), ""},
    {SPAN("   "), ""},
    {SPAN("12345a"), ""},
    {SPAN("a12345"), ""},
    {SPAN("+123456"), ""},
    {SPAN("123.456"), ""},
    {SPAN("0x1234"), ""},
    {SPAN("1234\xC2\xB2"), ""},       // superscript two is no digit
    {SPAN("123456\xE2\x80\x8B"), ""}, // nor is a zero-width space a space
    {SPAN("12345\xFF"), ""},
};

static void what_a_person_types_becomes_digits(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(text_rows); i++) {
        struct guess guess = {.len = 99};
        guess_of_text(text_rows[i].text, &guess);
        assert_int_equal(guess.len, strlen(text_rows[i].digits));
        assert_memory_equal(guess.digits, text_rows[i].digits, guess.len);
    }
}

struct number_row {
    uint64_t number;
    uint8_t length;
    const char *digits;
};

static const struct number_row number_rows[] = {
    {123456, 6, "123456"},
    {12345, 6, "012345"},
    {0, 6, "000000"},
    {0, 4, "0000"},
    {7, 10, "0000000007"},
    {1234567, 6, "1234567"}, // too long a code stays one
    {UINT64_C(9999999999999999), 6, "9999999999999999"},
    {UINT64_C(10000000000000000), 6, ""},
    {UINT64_MAX, 6, ""},
};

static void numbers_get_their_zeros_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(number_rows); i++) {
        struct guess guess = {.len = 99};
        guess_of_number(number_rows[i].number, number_rows[i].length, &guess);
        assert_int_equal(guess.len, strlen(number_rows[i].digits));
        assert_memory_equal(guess.digits, number_rows[i].digits, guess.len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_person_types_becomes_digits),
        cmocka_unit_test(numbers_get_their_zeros_back),
    };
    return cmocka_run_group_tests_name("guess", tests, NULL, NULL);
}
