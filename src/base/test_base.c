// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"
#include "base/env.h"
#include "base/err.h"
#include "base/number.h"
#include "base/strbuf.h"

#include "unit/unit.h"

#include <stdalign.h>

static void test_spans(void **state)
{
    (void)state;
    struct span rest;
    assert_true(span_eq(span_split(SPAN("a=b=c"), '=', &rest), SPAN("a")));
    assert_true(span_eq(rest, SPAN("b=c")));
    assert_true(span_eq(span_split(SPAN("abc"), '=', &rest), SPAN("abc")));
    assert_true(span_is_empty(rest));
    assert_true(span_eq(span_trim(SPAN(" \t a b\t ")), SPAN("a b")));
    assert_true(span_is_empty(span_trim(SPAN(" \t "))));
    assert_true(span_eq_nocase(SPAN("Content-Type"), SPAN("content-TYPE")));
    assert_false(span_eq_nocase(SPAN("[a"), SPAN("{a")));
    assert_true(span_starts_with(SPAN("abc"), SPAN("")));
    assert_false(span_starts_with(SPAN("ab"), SPAN("abc")));
    assert_int_equal(span_find(SPAN(""), 'x'), 0);
    assert_int_equal(span_find(SPAN("axb"), 'x'), 1);
    assert_true(span_is_empty(span_from(SPAN("abc"), 7)));
}

struct number_row {
    const char *text;
    uint64_t max;
    bool is_ok;
    uint64_t value;
};

static const struct number_row number_rows[] = {
    {"0", 0, true, 0},
    {"007", 9, true, 7},
    {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
    {"18446744073709551616", UINT64_MAX, false, 0},
    {"10", 9, false, 0},
    {"", 9, false, 0},
    {"+1", 9, false, 0},
    {"-1", 9, false, 0},
    {" 1", 9, false, 0},
    {"0x1", 9, false, 0},
    {"1\n", 9, false, 0},
};

static void test_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof number_rows / sizeof number_rows[0]; i++) {
        const struct number_row *row = &number_rows[i];
        uint64_t value = 0;
        bool is_ok = parse_u64(span_of_text(row->text), row->max, &value);
        assert_row_equal(row->text, is_ok, row->is_ok);
        assert_row_equal(row->text, value, row->value);
    }
}

struct duration_row {
    const char *text;
    bool is_ok;
    int64_t ms;
};

static const struct duration_row duration_rows[] = {
    {"5s", true, 5000},
    {"250ms", true, 250},
    {"2m", true, 120000},
    {"1h", true, 3600000},
    {"7", true, 7000},
    {"0s", true, 0},
    {"2h", false, 0},
    {"s", false, 0},
    {"5 s", false, 0},
    {"-5s", false, 0},
    {"5d", false, 0},
    {"5sx", false, 0},
    {"99999999999999999999s", false, 0},
};

static void test_durations(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof duration_rows / sizeof duration_rows[0]; i++) {
        const struct duration_row *row = &duration_rows[i];
        int64_t ms = 0;
        bool is_ok = parse_duration_ms(span_of_text(row->text), 3600000, &ms);
        assert_row_equal(row->text, is_ok, row->is_ok);
        assert_row_equal(row->text, ms, row->ms);
    }
}

static void test_a_full_builder_stays_full(void **state)
{
    (void)state;
    char storage[8];
    struct strbuf buf = strbuf_over(storage, sizeof storage);
    strbuf_put_text(&buf, "1234567");
    strbuf_put_text(&buf, "89");
    assert_true(buf.is_overflowed);
    strbuf_put_byte(&buf, 'x');
    assert_true(span_eq(strbuf_span(&buf), SPAN("1234567")));
}

static void test_numbers_and_hex_in_a_builder(void **state)
{
    (void)state;
    char storage[128];
    struct strbuf buf = strbuf_over(storage, sizeof storage);
    strbuf_put_i64(&buf, INT64_MIN);
    strbuf_put_byte(&buf, ' ');
    strbuf_put_u64(&buf, UINT64_MAX);
    strbuf_put_byte(&buf, ' ');
    strbuf_put_hex(&buf, SPAN("\x00\xff\x1a"));
    assert_true(
        span_eq(strbuf_span(&buf), SPAN("-9223372036854775808 18446744073709551615 00ff1a")));
}

// RFC 4648 section 10, in the URL alphabet and without padding.
static void test_base64url(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},      {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"\xfb\xff", "-_8"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char storage[32];
        struct strbuf buf = strbuf_over(storage, sizeof storage);
        strbuf_put_base64url(&buf, span_of_text(rows[i][0]));
        assert_true(span_eq(strbuf_span(&buf), span_of_text(rows[i][1])));
    }
}

static void test_json_strings(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", "\"\""},
        {"a\"b\\c/d", "\"a\\\"b\\\\c/d\""},
        {"\b\f\n\r\t\x01\x1f\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\""},
        {"\xc3\xa9 \xe2\x82\xac", "\"\xc3\xa9 \xe2\x82\xac\""},
        {"a\xe2\x80\xa8z\xe2\x80\xa9", "\"a\\u2028z\\u2029\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char storage[128];
        struct strbuf buf = strbuf_over(storage, sizeof storage);
        strbuf_put_json_string(&buf, span_of_text(rows[i][0]));
        assert_true(span_eq(strbuf_span(&buf), span_of_text(rows[i][1])));
    }
}

static void test_arena(void **state)
{
    (void)state;
    alignas(max_align_t) uint8_t storage[64];
    struct arena arena = arena_over(storage, sizeof storage);
    bool is_ok = false;
    void *first = arena_alloc(&arena, 1);
    void *second = arena_alloc(&arena, 16);
    assert_ptr_equal(first, storage);
    assert_int_equal((uintptr_t)second % alignof(max_align_t), 0);
    assert_null(arena_alloc(&arena, 64));
    assert_true(span_eq(arena_copy(&arena, SPAN("abc"), &is_ok), SPAN("abc")));
    assert_true(is_ok);
    assert_null(arena_alloc(&arena, SIZE_MAX));
}

static void test_errors(void **state)
{
    (void)state;
    struct err_info info;
    assert_int_equal(err_class(ERR_BUSY), ERR_CLASS_RETRY);
    assert_int_equal(err_class(ERR_INVALID), ERR_CLASS_REJECT);
    assert_int_equal(err_class(ERR_IO), ERR_CLASS_FATAL);
    assert_string_equal(err_text(ERR_OK), "no error");
    err_info_set(&info, "cannot open %s", "x");
    err_info_wrap(&info, "load keys");
    assert_string_equal(info.text, "load keys: cannot open x");
    err_info_set(NULL, "nobody listens");
    err_info_wrap(NULL, "nobody listens");
    for (int i = 0; i < 200; i++)
        err_info_wrap(&info, "again");
    assert_int_equal(strlen(info.text), sizeof info.text - 1);
}

static void test_monotonic_time_goes_forward(void **state)
{
    (void)state;
    struct clock clock = clock_system();
    struct mono first = clock_mono(&clock);
    assert_true(mono_is_due(first, clock_mono(&clock)));
    assert_false(mono_is_due(mono_after(first, 3600000), clock_mono(&clock)));
    assert_true(clock_wall_ms(&clock) > INT64_C(1767225600000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_a_full_builder_stays_full),
        cmocka_unit_test(test_numbers_and_hex_in_a_builder),
        cmocka_unit_test(test_base64url),
        cmocka_unit_test(test_json_strings),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_monotonic_time_goes_forward),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
