// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "channel/wire.h"

struct row {
    enum wire_encoding encoding;
    const char *data;
    const char *expected; // NULL: refused
};

static const struct row rows[] = {
    {WIRE_RAW, "a b&c=\"\r\n", "a b&c=\"\r\n"},
    {WIRE_URL, "AZaz09-._~", "AZaz09-._~"},
    {WIRE_URL, "a b/c?d&e=f%#+", "a%20b%2Fc%3Fd%26e%3Df%25%23%2B"},
    {WIRE_URL, "\xC3\xA9\r\n", "%C3%A9%0D%0A"},
    {WIRE_FORM, "a b+c&d=e\n", "a+b%2Bc%26d%3De%0A"},
    {WIRE_FORM, "\xF0\x9F\x94\x91", "%F0%9F%94%91"},
    {WIRE_JSON_TEXT, "\"},{\"x\\", "\\\"},{\\\"x\\\\"},
    {WIRE_JSON_TEXT, "\r\n\x01\x7F", "\\r\\n\\u0001\\u007f"},
    {WIRE_JSON_TEXT, "\xE2\x80\xA8", "\\u2028"},
    {WIRE_HEADER, "Bearer abc~!", "Bearer abc~!"},
    {WIRE_HEADER, "", ""},
    {WIRE_HEADER, "a\r\nX: y", NULL},
    {WIRE_HEADER, "a\n", NULL},
    {WIRE_HEADER, "\xC3\xA9", NULL},
    {WIRE_HEADER, " a", NULL},
    {WIRE_HEADER, "a ", NULL},
    {WIRE_HEADER, "a\tb", NULL},
    {WIRE_URL, "\xC3", NULL},
    {WIRE_FORM, "\xFF", NULL},
    {WIRE_JSON_TEXT, "a\xC0\xAF", NULL},
};

static void data_is_encoded_for_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t room[128];
        struct wire wire = wire_over(room, sizeof room);
        wire_put(&wire, rows[i].encoding, span_of_text(rows[i].data));
        if (wire_is_whole(&wire) != (rows[i].expected != NULL))
            fail_msg("row %zu: is_whole", i);
        if (rows[i].expected != NULL)
            assert_true(span_eq(wire_reveal(&wire), span_of_text(rows[i].expected)));
    }
}

static void nul_goes_into_no_header(void **state)
{
    uint8_t room[16];
    struct wire wire = wire_over(room, sizeof room);
    (void)state;
    wire_put(&wire, WIRE_HEADER, SPAN("a\0b"));
    assert_false(wire_is_whole(&wire));
}

static void refusal_stays_until_it_is_wiped(void **state)
{
    uint8_t room[16];
    struct wire wire = wire_over(room, sizeof room);
    (void)state;
    wire_put(&wire, WIRE_RAW, SPAN("012345"));
    wire_put(&wire, WIRE_HEADER, SPAN("\n"));
    wire_put(&wire, WIRE_HEADER, SPAN("x"));
    assert_false(wire_is_whole(&wire));
    wire_wipe(&wire);
    assert_true(wire_is_whole(&wire));
    assert_int_equal(wire_reveal(&wire).len, 0);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(room[i], 0);
}

static void what_does_not_fit_makes_it_no_longer_whole(void **state)
{
    uint8_t room[4];
    struct wire wire = wire_over(room, sizeof room);
    (void)state;
    wire_put(&wire, WIRE_URL, SPAN("a "));
    assert_true(wire_is_whole(&wire));
    wire_put_u64(&wire, 1);
    assert_false(wire_is_whole(&wire));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_is_encoded_for_its_place),
        cmocka_unit_test(nul_goes_into_no_header),
        cmocka_unit_test(refusal_stays_until_it_is_wiped),
        cmocka_unit_test(what_does_not_fit_makes_it_no_longer_whole),
    };
    return cmocka_run_group_tests_name("channel/wire", tests, NULL, NULL);
}
