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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alphabet_of_a_text),
        cmocka_unit_test(as_many_characters_as_the_tables_have),
    };
    return cmocka_run_group_tests_name("channel/sms_text", tests, NULL, NULL);
}
