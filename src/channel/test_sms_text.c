// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "channel/sms_text.h"

struct row {
    const char *text;
    enum sms_alphabet alphabet;
};

static const struct row rows[] = {
    {"", SMS_GSM7},
    {"012345 is your DocDemo code.\nNever share it!", SMS_GSM7},
    {"@\xC2\xA3$\xC2\xA5_^{}\\[~]|\f", SMS_GSM7},
    {"\xE2\x82\xAC 5", SMS_GSM7},                           // euro sign
    {"\xC3\x84\xC3\x96\xC3\xB1\xC3\xBC\xC3\xA0", SMS_GSM7}, // Ä Ö ñ ü à
    {"\xCE\x94\xCE\xA6\xCE\xA9", SMS_GSM7},                 // Δ Φ Ω
    {"\xC3\x87", SMS_GSM7},                                 // Ç
    {"\xC3\xA7", SMS_UCS2},                                 // ç is not in it
    {"\xC3\xA1", SMS_UCS2},                                 // á
    {"`", SMS_UCS2},
    {"\t", SMS_UCS2},
    {"it\xE2\x80\x99s", SMS_UCS2}, // a typographic apostrophe
    {"M\xC3\xA3", SMS_UCS2},
    {"\xE0\xA4\x95", SMS_UCS2},
    {"\xF0\x9F\x94\x91", SMS_UCS2},
    {"\xCE\x91", SMS_UCS2}, // Greek capital alpha is no Latin A
    {"\xFF", SMS_UCS2},
};

static void alphabet_of_a_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (sms_text_alphabet(span_of_text(rows[i].text)) != rows[i].alphabet)
            fail_msg("\"%s\"", rows[i].text);
    }
}

// 128 places less the escape, and the extension table's ten (one of which is a form feed).
static void as_many_characters_as_the_tables_have(void **state)
{
    unsigned held = 0;
    (void)state;
    for (uint32_t point = 0; point < 0x3000; point++) {
        uint8_t utf8[3] = {(uint8_t)(0xE0 | point >> 12), (uint8_t)(0x80 | (point >> 6 & 63)),
                           (uint8_t)(0x80 | (point & 63))};
        struct span text = span_make(utf8, 3);
        if (point < 0x800) {
            utf8[1] = (uint8_t)(0xC0 | point >> 6);
            text = span_make(utf8 + 1, 2);
        }
        if (point < 0x80) {
            utf8[2] = (uint8_t)point;
            text = span_make(utf8 + 2, 1);
        }
        held += sms_text_alphabet(text) == SMS_GSM7;
    }
    assert_int_equal(held, 127 + 10);
}

#define X10 "xxxxxxxxxx"
#define X50 X10 X10 X10 X10 X10
#define X150 X50 X50 X50
#define A10 "\xC3\xA1\xC3\xA1\xC3\xA1\xC3\xA1\xC3\xA1\xC3\xA1\xC3\xA1\xC3\xA1\xC3\xA1\xC3\xA1"
#define A60 A10 A10 A10 A10 A10 A10
#define KEY "\xF0\x9F\x94\x91"

struct size_row {
    const char *text;
    enum sms_alphabet alphabet;
    size_t units, parts;
    const char *odd_one;
};

static const struct size_row size_rows[] = {
    {"", SMS_GSM7, 0, 1, ""},
    {X150 X10, SMS_GSM7, 160, 1, ""},
    {X150 X10 "x", SMS_GSM7, 161, 2, ""},
    {X150 "xxxxxxxxx{", SMS_GSM7, 161, 2, ""},
    {X150 X150 "xxxxxx", SMS_GSM7, 306, 2, ""},
    {X150 X150 "xxxxxxx", SMS_GSM7, 307, 3, ""},
    {X150 "xx{" X150 "xx", SMS_GSM7, 306, 3, ""}, // the bracket begins the second part
    {A60 A10, SMS_UCS2, 70, 1, "\xC3\xA1"},
    {A60 A10 "x", SMS_UCS2, 71, 2, "\xC3\xA1"},
    {A60 "xxxxxx" KEY A60 "xxxxxx", SMS_UCS2, 134, 3, "\xC3\xA1"}, // nor is a pair split
    {"{x}" KEY, SMS_UCS2, 5, 1, KEY},
};

static void size_of_a_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof size_rows / sizeof size_rows[0]; i++) {
        struct sms_size size;
        sms_text_measure(span_of_text(size_rows[i].text), &size);
        if (size.alphabet != size_rows[i].alphabet || size.units != size_rows[i].units ||
            size.parts != size_rows[i].parts ||
            !span_eq(size.odd_one, span_of_text(size_rows[i].odd_one)))
            fail_msg("row %zu: %zu units, %zu parts", i, size.units, size.parts);
    }
}

struct line_row {
    const char *text;
    enum sms_line line;
    const char *host;
};

static const struct line_row webotp_rows[] = {
    {"012345 is your code", SMS_LINE_NONE, ""},
    {"Code 012345\n\n@login.example.com #012345", SMS_LINE_GOOD, "login.example.com"},
    {"@a.example #012345 @b.example", SMS_LINE_GOOD, "a.example"},
    {"Code\n@a.example #012345 @", SMS_LINE_BROKEN, ""},
    {"Code\n@a.example 012345", SMS_LINE_BROKEN, ""},
    {"Code\n@a.example #01234", SMS_LINE_BROKEN, ""},
    {"Code\n@a.example  #012345", SMS_LINE_BROKEN, ""},
    {"Code\n@https://a.example #012345", SMS_LINE_BROKEN, ""},
    {"Code\n@ #012345", SMS_LINE_BROKEN, ""},
    {"Code\n@a.example #012345.", SMS_LINE_BROKEN, ""},
    {"Code\n@a.example #012345\n", SMS_LINE_BROKEN, ""},
    {"Code\n@a.example #012345\nThanks", SMS_LINE_BROKEN, ""},
    {"Write to help@example.com", SMS_LINE_NONE, ""},
};

static void webotp_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof webotp_rows / sizeof webotp_rows[0]; i++) {
        struct span host = {0};
        struct span text = span_of_text(webotp_rows[i].text);
        if (sms_text_webotp(text, SPAN("012345"), &host) != webotp_rows[i].line)
            fail_msg("\"%s\"", webotp_rows[i].text);
        assert_true(span_eq(host, span_of_text(webotp_rows[i].host)));
    }
}

static const struct line_row retriever_rows[] = {
    {"012345 is your code", SMS_LINE_NONE, ""},
    {"<#> 012345 is your code\nFA+9qCX9VSu", SMS_LINE_GOOD, ""},
    {"<#> 012345 is your code FA+9qCX9VS/", SMS_LINE_GOOD, ""},
    {"<#> 012345 is your code\nFA+9qCX9VS", SMS_LINE_BROKEN, ""},
    {"<#> 012345 is your code\nFA+9qCX9VSu.", SMS_LINE_BROKEN, ""},
    {"<#> 012345 is your code\nFA-9qCX9VSu", SMS_LINE_BROKEN, ""},
    {"<#> " X50 X50 X10 X10 "1234\nFA+9qCX9VSu", SMS_LINE_GOOD, ""},
    {"<#> " X50 X50 X10 X10 "12345\nFA+9qCX9VSu", SMS_LINE_BROKEN, ""},
};

static void retriever_hashes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof retriever_rows / sizeof retriever_rows[0]; i++) {
        if (sms_text_retriever(span_of_text(retriever_rows[i].text)) != retriever_rows[i].line)
            fail_msg("\"%s\"", retriever_rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alphabet_of_a_text),
        cmocka_unit_test(as_many_characters_as_the_tables_have),
        cmocka_unit_test(size_of_a_text),
        cmocka_unit_test(webotp_lines),
        cmocka_unit_test(retriever_hashes),
    };
    return cmocka_run_group_tests_name("channel/sms_text", tests, NULL, NULL);
}
