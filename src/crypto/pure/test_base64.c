// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/pure/base64.h"

struct row {
    const char *bytes, *text;
};

// RFC 4648 section 10, and the two characters that base64url does not have.
static const struct row rows[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xFB\xEF\xFF", "++//"},
};

static void bytes_become_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t room[32];
        struct strbuf out = strbuf_over(room, sizeof room);
        base64_put(&out, span_of_text(rows[i].bytes));
        assert_true(span_eq(strbuf_span(&out), span_of_text(rows[i].text)));
        assert_false(out.is_overflowed);
    }
}

static void text_becomes_bytes_with_padding_or_without(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t out[32];
        size_t len = 99;
        struct span text = span_of_text(rows[i].text);
        assert_true(base64_take(text, out, sizeof out, &len));
        assert_true(span_eq(span_make(out, len), span_of_text(rows[i].bytes)));
        text = span_first(text, span_find(text, '='));
        assert_true(base64_take(text, out, sizeof out, &len));
        assert_true(span_eq(span_make(out, len), span_of_text(rows[i].bytes)));
    }
}

static void what_is_no_base64_is_refused(void **state)
{
    static const char *const wrong[] = {"Z", "Zg=a", "Zm9-", "Zm 9v", "Zm9v\n", "Zh"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t out[32];
        size_t len;
        assert_false(base64_take(span_of_text(wrong[i]), out, sizeof out, &len));
    }
}

static void nothing_is_written_past_the_room(void **state)
{
    uint8_t room[9] = "........";
    struct strbuf out = strbuf_over(room, 8);
    size_t len;
    (void)state;
    base64_put(&out, SPAN("foobar"));
    assert_true(out.is_overflowed);
    assert_int_equal(room[8], 0);
    assert_false(base64_take(SPAN("Zm9vYmFy"), room, 5, &len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_become_text),
        cmocka_unit_test(text_becomes_bytes_with_padding_or_without),
        cmocka_unit_test(what_is_no_base64_is_refused),
        cmocka_unit_test(nothing_is_written_past_the_room),
    };
    return cmocka_run_group_tests_name("crypto/base64", tests, NULL, NULL);
}
