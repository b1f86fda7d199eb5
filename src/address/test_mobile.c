// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "address/address.h"
#include "base/strbuf.h"
#include "base/unicode_digit.h"
#include "sim/spelling.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct spelling {
    struct span text;
    struct span value;
};

static void assert_canonical_in(struct span country, struct span text, struct span value)
{
    struct address address;
    if (!address_parse(ADDRESS_MOBILE, text, country, &address))
        fail_msg("refused: %.*s", (int)text.len, (const char *)text.data);
    if (!span_eq(address_value(&address), value))
        fail_msg("%.*s became %.*s", (int)text.len, (const char *)text.data,
                 (int)address_value(&address).len, (const char *)address_value(&address).data);
}

static void assert_canonical(struct span text, struct span value)
{
    assert_canonical_in(SPAN(""), text, value);
}

static void one_number_in_many_spellings(void **state)
{
    (void)state;
    const struct span spellings[] = {
        SPAN("919999999993"),
        SPAN("+919999999993"),
        SPAN("00919999999993"),
        SPAN("+91 99999 99993"),
        SPAN("0091 99999 99993"),
        SPAN("+91-99999-99993"),
        SPAN("+91.99999.99993"),
        SPAN("+91/99999/99993"),
        SPAN("(+91) 99999 99993"),
        SPAN("+(91)99999-99993"),
        SPAN(" +91 99999 99993 "),
        SPAN("\t919999999993\r\n"),
        SPAN("0 0 9 1 9 9 9 9 9 9 9 9 9 3"),
        SPAN("+91\u00A099999\u00A099993"),
        SPAN("+91\u202F99999\u200999993"),
        SPAN("\u3000919999999993"),
        SPAN("+91\u201199999\u201399993"),
        SPAN("+91\u221299999\u201499993"),
        SPAN("+91\uFF0D99999\uFF0D99993"),
        SPAN("+91\u00B799999\u00B799993"),
        SPAN("+91\uFF0E99999\uFF0F99993"),
        SPAN("+91\u30FC99999\u30FC99993"),
        SPAN("+91\u05BE99999\u058A99993"),
        SPAN("\u202A+91 99999 99993\u202C"),
        SPAN("\u061C+91 99999 99993"),
        SPAN("\uFEFF919999999993\u200B"),
        SPAN("+91 99999\u00AD99993"),
        SPAN("\uFF0B\uFF19\uFF11\uFF08\uFF19\uFF19\uFF19\uFF19\uFF19\uFF09\uFF19\uFF19\uFF19\uFF19"
             "\uFF13"),
        SPAN("+٩١ ٩٩٩٩٩ ٩٩٩٩٣"),
        SPAN("+۹۱ ۹۹۹۹۹ ۹۹۹۹۳"),
        SPAN("٠٠٩١٩٩٩٩٩٩٩٩٩٣"),
        SPAN("९१ ९९९९९ ९९९९३"),
        SPAN("+৯১ ৯৯৯৯৯ ৯৯৯৯৩"),
        SPAN("+๙๑ ๙๙๙๙๙ ๙๙๙๙๓"),
        SPAN("+91 ٩٩٩۹۹ ९९৯৯๓"),
        SPAN("\U0001D7D7\U0001D7CF9999999993"),
    };
    for (size_t i = 0; i < COUNT_OF(spellings); i++)
        assert_canonical(spellings[i], SPAN("919999999993"));
}

static void other_numbers(void **state)
{
    (void)state;
    const struct spelling table[] = {
        {SPAN("+1 202 555 0147"), SPAN("12025550147")},
        {SPAN("+1 (202) 555-0147"), SPAN("12025550147")},
        {SPAN("1.202.555.0147"), SPAN("12025550147")},
        {SPAN("+290 2000"), SPAN("2902000")},                // 7 digits: the fewest
        {SPAN("00 290 2000"), SPAN("2902000")},              // 7 after the prefix
        {SPAN("+878101234567890"), SPAN("878101234567890")}, // 15: the most
        {SPAN("00878101234567890"), SPAN("878101234567890")},
        {SPAN("2025550147"), SPAN("2025550147")}, // no prefix: the country code comes first
    };
    for (size_t i = 0; i < COUNT_OF(table); i++)
        assert_canonical(table[i].text, table[i].value);
}

static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    const struct span texts[] = {
        SPAN(""),
        SPAN(" "),
        SPAN("+"),
        SPAN("00"),
        SPAN("+00"),
        SPAN("290200"), // 6 digits
        SPAN("+290200"),
        SPAN("00290200"),         // 6 after the prefix
        SPAN("8781012345678901"), // 16 digits
        SPAN("+8781012345678901"),
        SPAN("008781012345678901"),
        SPAN("00878101234567890123456789012345678"),
        SPAN("+999 123 4567"), // nobody's calling code
        SPAN("0919999999993"), // national
        SPAN("+0919999999993"),
        SPAN("+00919999999993"),
        SPAN("000919999999993"),
        SPAN("0000919999999993"),
        SPAN("++919999999993"),
        SPAN("+\uFF0B919999999993"),
        SPAN("91+9999999993"),
        SPAN("919999999993+"),
        SPAN("+91 99999 9999x"),
        SPAN("x919999999993"),
        SPAN("+1 202 555 0147 ext 3"),
        SPAN("+1 202 555 0147,3"),
        SPAN("+1 202 555 0147#3"),
        SPAN("+1 202 555 0147*"),
        SPAN("tel:+919999999993"),
        SPAN("1-800-FLOWERS"),
        SPAN("919999999993\0"),
        SPAN("91\0009999999993"),
        SPAN("91999999999³"), // superscripts are no decimal digits
        SPAN("91999999999③"),
        SPAN("91999999999Ⅲ"),
        SPAN("九一九九九九九九九九九三"),
        SPAN("\xEF\xBC"),
        SPAN("919999999993\xD9"),
        SPAN("91999999999\xC0\xB3"), // overlong
        SPAN("\xFF"
             "919999999993"),
        SPAN("91999999999\xED\xA0\x80"),
        SPAN("me@example.com"),
    };
    struct address address;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (address_parse(ADDRESS_MOBILE, texts[i], SPAN(""), &address))
            fail_msg("accepted: %.*s", (int)texts[i].len, (const char *)texts[i].data);
    }
}

static void an_identifier_has_its_kind_in_front(void **state)
{
    (void)state;
    struct address address;
    assert_true(address_parse(ADDRESS_MOBILE, SPAN("+1 202 555 0147"), SPAN(""), &address));
    assert_int_equal(address.kind, ADDRESS_MOBILE);
    assert_true(span_eq(address_identifier(&address), SPAN("M12025550147")));
}

// Mobile ranges in which any four digits may follow.
static const char *const ranges[] = {
    "91987654", "1202555",   "44740012",  "491512345", "3361234",   "39312345",  "81901234",
    "82102000", "861312345", "7912345",   "54112345",  "549112345", "551196123", "6141234",
    "97150123", "97250234",  "234802123", "2771123",   "659123",    "62812345",  "8490123",
};

static void put_any_number(struct strbuf *digits, struct seeded *seeded)
{
    strbuf_put_text(digits, ranges[seeded_below(seeded, COUNT_OF(ranges))]);
    for (int n = 0; n < 4; n++)
        strbuf_put_byte(digits, (uint8_t)('0' + seeded_below(seeded, 10)));
}

static void any_spelling_of_a_number_is_that_number(void **state)
{
    (void)state;
    const char *const prefixes[] = {"", "+", "00", "0\u00A00", "\uFF0B"};
    const struct span countries[] = {SPAN("IN"), SPAN("US"), SPAN("AR"), SPAN("IT"), SPAN("ZZ")};
    struct seeded seeded;
    seeded_init(&seeded, 1);
    for (int i = 0; i < 20000; i++) {
        uint8_t digits[16], storage[1024];
        struct strbuf value = strbuf_over(digits, sizeof digits);
        put_any_number(&value, &seeded);
        const char *prefix = prefixes[seeded_below(&seeded, COUNT_OF(prefixes))];
        struct span country = countries[seeded_below(&seeded, COUNT_OF(countries))];
        if (*prefix == '\0')
            country = SPAN("");
        struct strbuf text = strbuf_over(storage, sizeof storage);
        spell_number(strbuf_span(&value), prefix, &text, &seeded);
        assert_false(text.is_overflowed);
        assert_canonical_in(country, strbuf_span(&text), strbuf_span(&value));
        assert_canonical(strbuf_span(&value), strbuf_span(&value));
    }
}

static void a_national_spelling_is_that_number(void **state)
{
    (void)state;
    const struct national {
        struct span country, code, trunk;
        const char *range;
    } rows[] = {
        {SPAN("IN"), SPAN("91"), SPAN("0"), "987654"},
        {SPAN("US"), SPAN("1"), SPAN("1"), "202555"},
        {SPAN("GB"), SPAN("44"), SPAN("0"), "740012"},
        {SPAN("DE"), SPAN("49"), SPAN("0"), "1512345"},
        {SPAN("RU"), SPAN("7"), SPAN("8"), "912345"},
        {SPAN("IT"), SPAN("39"), SPAN(""), "312345"},
        {SPAN("HU"), SPAN("36"), SPAN("06"), "20123"},
        {SPAN("JP"), SPAN("81"), SPAN("0"), "901234"},
    };
    struct seeded seeded;
    seeded_init(&seeded, 3);
    for (int i = 0; i < 20000; i++) {
        const struct national *row = &rows[seeded_below(&seeded, COUNT_OF(rows))];
        uint8_t dialled_digits[24], digits[16], storage[1024];
        struct strbuf value = strbuf_over(digits, sizeof digits);
        strbuf_put(&value, row->code);
        strbuf_put_text(&value, row->range);
        for (int n = 0; n < 4; n++)
            strbuf_put_byte(&value, (uint8_t)('0' + seeded_below(&seeded, 10)));
        struct span national = span_from(strbuf_span(&value), row->code.len);
        struct strbuf dialled = strbuf_over(dialled_digits, sizeof dialled_digits);
        if (seeded_below(&seeded, 2) == 0)
            strbuf_put(&dialled, row->trunk);
        strbuf_put(&dialled, national);
        struct strbuf text = strbuf_over(storage, sizeof storage);
        spell_digits(strbuf_span(&dialled), &text, &seeded);
        assert_false(text.is_overflowed);
        assert_canonical_in(row->country, strbuf_span(&text), strbuf_span(&value));
    }
}

static void digits_of_every_script_count(void **state)
{
    (void)state;
    unsigned scripts = 0;
    for (uint32_t scalar = 0; scalar < 0x10000; scalar++) {
        if (unicode_digit_value(scalar) != 0)
            continue;
        uint8_t storage[64];
        struct strbuf text = strbuf_over(storage, sizeof storage);
        spell_scalar(scalar + 9, &text);
        spell_scalar(scalar + 1, &text);
        for (uint32_t digit = 10; digit-- > 0;)
            spell_scalar(scalar + digit, &text);
        assert_canonical(strbuf_span(&text), SPAN("919876543210"));
        scripts++;
    }
    assert_int_equal(scripts, 37);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_number_in_many_spellings),
        cmocka_unit_test(other_numbers),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(an_identifier_has_its_kind_in_front),
        cmocka_unit_test(any_spelling_of_a_number_is_that_number),
        cmocka_unit_test(a_national_spelling_is_that_number),
        cmocka_unit_test(digits_of_every_script_count),
    };
    return cmocka_run_group_tests_name("mobile", tests, NULL, NULL);
}
