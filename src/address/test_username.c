// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "address/address.h"
#include "base/strbuf.h"
#include "sim/seeded.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define X8 "xxxxxxxx"
#define X128 X8 X8 X8 X8 X8 X8 X8 X8 X8 X8 X8 X8 X8 X8 X8 X8

struct spelling {
    struct span text;
    struct span value;
};

static bool parse(struct span text, struct address *out)
{
    return address_parse(ADDRESS_USERNAME, text, SPAN("IN"), out);
}

static void assert_canonical(struct span text, struct span value)
{
    struct address address;
    if (!parse(text, &address))
        fail_msg("refused: %.*s", (int)text.len, (const char *)text.data);
    if (!span_eq(address_value(&address), value))
        fail_msg("%.*s became %.*s", (int)text.len, (const char *)text.data,
                 (int)address_value(&address).len, (const char *)address_value(&address).data);
}

static void one_value_for_each_name(void **state)
{
    (void)state;
    const struct spelling table[] = {
        {SPAN("somebody"), SPAN("somebody")},
        {SPAN("SomeBody"), SPAN("somebody")},
        {SPAN("a"), SPAN("a")},
        {SPAN(" some body "), SPAN(" some body ")},
        {SPAN("919999999993"), SPAN("919999999993")},
        {SPAN("Some@Example.com"), SPAN("some@example.com")},
        {SPAN("\"\\/"), SPAN("\"\\/")},
        {SPAN(X128), SPAN(X128)},
        {SPAN("Zoë"), SPAN("zoë")},
        {SPAN("Zoe\u0308"), SPAN("zoë")},
        {SPAN("ZOË"), SPAN("zoË")},
        {SPAN("\u212A"), SPAN("k")},
        {SPAN("T\u0308"), SPAN("\u1E97")},
        {SPAN("ファンタ"), SPAN("ファンタ")},
        {SPAN("\u00A0"), SPAN("\u00A0")},
        {SPAN("\uFF5C"), SPAN("\uFF5C")},
        {SPAN("\U0001F600"), SPAN("\U0001F600")},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++)
        assert_canonical(table[i].text, table[i].value);
}

static void what_is_no_name_is_refused(void **state)
{
    (void)state;
    const struct span table[] = {
        SPAN(""),
        SPAN("|"),
        SPAN("a|b"),
        SPAN("a\tb"),
        SPAN("a\n"),
        SPAN("\x1F"),
        SPAN("a\0b"),
        SPAN("\x7F"),
        SPAN("\xC2\x80"),
        SPAN("a\xC2\x85"),
        SPAN("\xC2\x9F"),
        SPAN(X128 "x"),
        SPAN(X128 X128 X128 X128 X128 X128 X128 X128 "x"),
        SPAN("\xFF"),
        SPAN("a\xC3"),
        SPAN("\xC0\x80"),
        SPAN("\xED\xA0\x80"),
        // 66 bytes, but 132 in NFC: U+0958 is excluded from composition
        SPAN("\u0958\u0958\u0958\u0958\u0958\u0958\u0958\u0958\u0958\u0958\u0958\u0958\u0958\u0958"
             "\u0958\u0958\u0958\u0958\u0958\u0958\u0958\u0958"),
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct address address;
        if (parse(table[i], &address))
            fail_msg("row %zu was taken", i);
    }
}

// Whatever is taken is the spelling of itself, and has no other: each name has one record.
static void canonical_names_are_their_own_spelling(void **state)
{
    (void)state;
    struct seeded dice;
    size_t taken = 0;
    seeded_init(&dice, 12);
    for (int i = 0; i < 200000; i++) {
        uint8_t text[12];
        struct address once, twice;
        size_t len = 1 + seeded_below(&dice, sizeof text);
        for (size_t k = 0; k < len; k++)
            text[k] = (uint8_t)seeded_below(&dice, seeded_below(&dice, 4) == 0 ? 256 : 128);
        if (!parse(span_make(text, len), &once))
            continue;
        taken++;
        assert_true(parse(address_value(&once), &twice));
        assert_true(span_eq(address_identifier(&once), address_identifier(&twice)));
    }
    assert_true(taken > 10000);
}

static void a_name_is_no_address(void **state)
{
    (void)state;
    struct address name, number, again;
    assert_true(parse(SPAN("919999999993"), &name));
    assert_true(address_parse(ADDRESS_MOBILE, SPAN("919999999993"), SPAN("IN"), &number));
    assert_false(span_eq(address_identifier(&name), address_identifier(&number)));
    assert_false(address_of_run(address_identifier(&name), &again));
}

static void an_address_comes_back_out_of_its_run(void **state)
{
    (void)state;
    struct address number, email, again;
    assert_true(address_parse(ADDRESS_MOBILE, SPAN("919999999993"), SPAN("IN"), &number));
    assert_true(address_parse(ADDRESS_EMAIL, SPAN("a@example.com"), SPAN(""), &email));
    assert_true(address_of_run(address_identifier(&number), &again));
    assert_int_equal(again.kind, ADDRESS_MOBILE);
    assert_true(span_eq(address_value(&again), SPAN("919999999993")));
    assert_true(address_of_run(address_identifier(&email), &again));
    assert_int_equal(again.kind, ADDRESS_EMAIL);
    assert_true(span_eq(address_value(&again), SPAN("a@example.com")));
    assert_false(address_of_run(SPAN(""), &again));
    assert_false(address_of_run(SPAN("M"), &again));
    assert_false(address_of_run(span_make(X128 X128, 256), &again));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_value_for_each_name),
        cmocka_unit_test(what_is_no_name_is_refused),
        cmocka_unit_test(canonical_names_are_their_own_spelling),
        cmocka_unit_test(a_name_is_no_address),
        cmocka_unit_test(an_address_comes_back_out_of_its_run),
    };
    return cmocka_run_group_tests_name("username", tests, NULL, NULL);
}
