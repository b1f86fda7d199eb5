// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "api/json.h"
#include "base/strbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static int create_parser(void **state)
{
    *state = json_parser_create();
    return *state != NULL ? 0 : -1;
}

static int destroy_parser(void **state)
{
    struct json_parser *parser = *state;
    json_parser_destroy(&parser);
    return parser == NULL ? 0 : -1;
}

// On the heap and exactly as long as promised, so that the sanitizer sees a byte read too far.
static enum json_outcome parse(struct json_parser *parser, struct span text)
{
    uint8_t *copy = malloc(text.len + JSON_PADDING_BYTES);
    assert_non_null(copy);
    memcpy(copy, text.data, text.len);
    memset(copy + text.len, '}', JSON_PADDING_BYTES);
    enum json_outcome outcome = json_parse(parser, span_make(copy, text.len));
    free(copy);
    return outcome;
}

static const char *const kind_names[] = {
    [JSON_NULL] = "null",           [JSON_BOOL] = "bool",   [JSON_STRING] = "string",
    [JSON_NATURAL] = "natural",     [JSON_ARRAY] = "array", [JSON_OBJECT] = "object",
    [JSON_OTHER_NUMBER] = "number",
};

// Members as text, to compare at once: name:kind or name:kind:value, separated by spaces.
static struct span describe(struct json_parser *parser, struct strbuf *out)
{
    struct json_member member;
    while (json_next(parser, &member)) {
        if (out->len > 0)
            strbuf_put_byte(out, ' ');
        strbuf_put(out, member.name);
        strbuf_put_byte(out, ':');
        strbuf_put_text(out, kind_names[member.value.kind]);
        if (member.value.kind == JSON_STRING || member.value.kind == JSON_NATURAL)
            strbuf_put_byte(out, ':');
        strbuf_put(out, member.value.string);
        if (member.value.kind == JSON_NATURAL)
            strbuf_put_u64(out, member.value.natural);
    }
    assert_false(out->is_overflowed);
    return strbuf_span(out);
}

struct good_row {
    struct span text;
    struct span members;
};

static const struct good_row good_rows[] = {
    {SPAN("{}"), SPAN("")},
    {SPAN(" \t\r\n{ } \n"), SPAN("")},
    {SPAN("{\"a\":\"x\"}"), SPAN("a:string:x")},
    {SPAN("{\"a\":\"\"}"), SPAN("a:string:")},
    {SPAN("{\"\":\"x\"}"), SPAN(":string:x")},
    {SPAN("{\"a\":null,\"b\":true,\"c\":false}"), SPAN("a:null b:bool c:bool")},
    {SPAN("{\"a\":[1,{\"b\":2}],\"c\":{\"d\":\"}\"}}"), SPAN("a:array c:object")},
    {SPAN("{\"a\":\"1\",\"a\":\"2\"}"), SPAN("a:string:1 a:string:2")},
    {SPAN("{\"\\u0061\":\"x\"}"), SPAN("a:string:x")},
    {SPAN("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}"), SPAN("a:string:\"\\/\b\f\n\r\t")},
    {SPAN("{\"a\":\"\\u00e9\\u20AC\"}"), SPAN("a:string:\xC3\xA9\xE2\x82\xAC")},
    {SPAN("{\"a\":\"\\ud83d\\uDE00\"}"), SPAN("a:string:\xF0\x9F\x98\x80")},
    {SPAN("{\"a\":\"\xF0\x9F\x98\x80\"}"), SPAN("a:string:\xF0\x9F\x98\x80")},
    {SPAN("{\"a\":\"\xF4\x8F\xBF\xBF\"}"), SPAN("a:string:\xF4\x8F\xBF\xBF")},
    {SPAN("{\"a\":\"\\u0000\"}"), SPAN("a:string:\0")},
    {SPAN("{\"a\\u0000b\":1}"), SPAN("a\0b:natural:1")},
    {SPAN("{\"a\":\"\x7F\"}"), SPAN("a:string:\x7F")},
    {SPAN("{\"a\":\"\xE2\x80\xA8\"}"), SPAN("a:string:\xE2\x80\xA8")},
    {SPAN("{\"a\":0,\"b\":-0}"), SPAN("a:natural:0 b:natural:0")},
    {SPAN("{\"a\":9223372036854775807}"), SPAN("a:natural:9223372036854775807")},
    {SPAN("{\"a\":9223372036854775808}"), SPAN("a:natural:9223372036854775808")},
    {SPAN("{\"a\":18446744073709551615}"), SPAN("a:natural:18446744073709551615")},
    {SPAN("{\"a\":-1,\"b\":1.0,\"c\":1e2,\"d\":1e-999}"),
     SPAN("a:number b:number c:number d:number")},
    {SPAN("{\"a\":-9223372036854775808}"), SPAN("a:number")},
    {SPAN("\xEF\xBB\xBF{\"a\":1}"), SPAN("a:natural:1")},
    {SPAN("{\"__proto__\":{}}"), SPAN("__proto__:object")},
};

static void members_are_given_in_order(void **state)
{
    for (size_t i = 0; i < COUNT_OF(good_rows); i++) {
        uint8_t storage[256];
        struct strbuf out = strbuf_over(storage, sizeof storage);
        assert_int_equal(parse(*state, good_rows[i].text), JSON_PARSED);
        struct span members = describe(*state, &out);
        assert_int_equal(members.len, good_rows[i].members.len);
        assert_memory_equal(members.data, good_rows[i].members.data, members.len);
    }
}

static const struct span malformed[] = {
    SPAN(""),
    SPAN(" \r\n\t "),
    SPAN("\0"),
    SPAN("{"),
    SPAN("}"),
    SPAN("{\"a\""),
    SPAN("{\"a\":"),
    SPAN("{\"a\":1"),
    SPAN("{\"a\":\"x"),
    SPAN("{\"a\":\"x}"),
    SPAN("{\"a\":1,}"),
    SPAN("{,\"a\":1}"),
    SPAN("{\"a\":1,,\"b\":2}"),
    SPAN("{\"a\":1 \"b\":2}"),
    SPAN("{\"a\" 1}"),
    SPAN("{\"a\"::1}"),
    SPAN("{a:1}"),
    SPAN("{'a':1}"),
    SPAN("{\"a\":'x'}"),
    SPAN("{1:\"a\"}"),
    SPAN("{null:1}"),
    SPAN("{\"a\":1}{\"b\":2}"),
    SPAN("{\"a\":1} {\"b\":2}"),
    SPAN("{\"a\":1}]"),
    SPAN("{\"a\":1}x"),
    SPAN("{\"a\":1}\0"),
    SPAN("\0{\"a\":1}"),
    SPAN("{\"a\":[1}"),
    SPAN("{\"a\":[1,]}"),
    SPAN("{\"a\":{]}"),
    SPAN("{\"a\":tru}"),
    SPAN("{\"a\":TRUE}"),
    SPAN("{\"a\":nulll}"),
    SPAN("{\"a\":undefined}"),
    SPAN("{\"a\":NaN}"),
    SPAN("{\"a\":Infinity}"),
    SPAN("{\"a\":-}"),
    SPAN("{\"a\":+1}"),
    SPAN("{\"a\":01}"),
    SPAN("{\"a\":-01}"),
    SPAN("{\"a\":.5}"),
    SPAN("{\"a\":1.}"),
    SPAN("{\"a\":1e}"),
    SPAN("{\"a\":1e+}"),
    SPAN("{\"a\":0x10}"),
    SPAN("{\"a\":1_000}"),
    SPAN("{\"a\":1e999}"),
    SPAN("{\"a\":-1e999}"),
    SPAN("{\"a\":18446744073709551616}"),
    SPAN("{\"a\":-9223372036854775809}"),
    SPAN("{\"a\":99999999999999999999999999999999999999999999}"),
    SPAN("{\"a\":\"\t\"}"),
    SPAN("{\"a\":\"\n\"}"),
    SPAN("{\"a\":\"\0\"}"),
    SPAN("{\"a\":\"\x1F\"}"),
    SPAN("{\"a\":\"\\x41\"}"),
    SPAN("{\"a\":\"\\u12\"}"),
    SPAN("{\"a\":\"\\u12G4\"}"),
    SPAN("{\"a\":\"\\\"}"),
    SPAN("{\"a\":\"\\ud800\"}"),
    SPAN("{\"a\":\"\\udc00\"}"),
    SPAN("{\"a\":\"\\ud800\\ud800\"}"),
    SPAN("{\"a\":\"\\udc00\\ud800\"}"),
    SPAN("{\"a\":\"\\ud800\\u0041\"}"),
    SPAN("{\"a\":\"\\ud800x\"}"),
    SPAN("{\"\\ud800\":1}"),
    SPAN("{\"a\":\"\xFF\"}"),
    SPAN("{\"a\":\"\x80\"}"),
    SPAN("{\"a\":\"\xC0\xAF\"}"),
    SPAN("{\"a\":\"\xE2\x82\"}"),
    SPAN("{\"a\":\"\xED\xA0\x80\"}"),
    SPAN("{\"a\":\"\xF4\x90\x80\x80\"}"),
    SPAN("{\"\xFF\":1}"),
    SPAN("{\"a\":1,\"b\":\"\xC3\x28\"}"),
    SPAN("{\"a\":1 /* c */}"),
    SPAN("// c\n{\"a\":1}"),
    SPAN("\xEF\xBB\xBF\xEF\xBB\xBF{}"),
    SPAN("\xEF\xBB{}"),
    SPAN("\xFF\xFE{\0}\0"),
    SPAN("identifierType=MOBILE&brand=DocDemo"),
    SPAN("<xml/>"),
};

static void what_is_not_json_is_refused(void **state)
{
    for (size_t i = 0; i < COUNT_OF(malformed); i++) {
        if (parse(*state, malformed[i]) != JSON_MALFORMED)
            fail_msg("row %zu: %.*s", i, (int)malformed[i].len, (const char *)malformed[i].data);
    }
}

static void another_root_is_told_apart(void **state)
{
    const struct span roots[] = {
        SPAN("[]"),   SPAN("[{\"a\":1}]"), SPAN("\"text\""), SPAN("5"),
        SPAN("-1.5"), SPAN("true"),        SPAN("null"),
    };
    for (size_t i = 0; i < COUNT_OF(roots); i++)
        assert_int_equal(parse(*state, roots[i]), JSON_NOT_OBJECT);
}

// {"a":[[…]]} with `depth` containers in all.
static struct span nested(uint8_t *storage, size_t depth)
{
    struct strbuf out = strbuf_over(storage, 8 * JSON_DEPTH_MAX);
    strbuf_put_text(&out, "{\"a\":");
    for (size_t i = 1; i < depth; i++)
        strbuf_put_byte(&out, '[');
    for (size_t i = 1; i < depth; i++)
        strbuf_put_byte(&out, ']');
    strbuf_put_byte(&out, '}');
    return strbuf_span(&out);
}

static void depth_ends_at_its_limit(void **state)
{
    uint8_t storage[8 * JSON_DEPTH_MAX];
    assert_int_equal(parse(*state, nested(storage, JSON_DEPTH_MAX)), JSON_PARSED);
    assert_int_equal(parse(*state, nested(storage, JSON_DEPTH_MAX + 1)), JSON_MALFORMED);
}

// {"a":"xxx…"} of exactly `len` bytes.
static enum json_outcome parse_of_length(struct json_parser *parser, size_t len)
{
    uint8_t *text = malloc(len);
    assert_non_null(text);
    memset(text, 'x', len);
    memcpy(text, "{\"a\":\"", 6);
    memcpy(text + len - 2, "\"}", 2);
    enum json_outcome outcome = parse(parser, span_make(text, len));
    free(text);
    return outcome;
}

static void length_ends_at_its_limit(void **state)
{
    assert_int_equal(parse_of_length(*state, JSON_BYTES_MAX), JSON_PARSED);
    struct json_member member;
    assert_true(json_next(*state, &member));
    assert_int_equal(member.value.string.len, JSON_BYTES_MAX - 8);
    assert_false(json_next(*state, &member));
    assert_int_equal(parse_of_length(*state, JSON_BYTES_MAX + 1), JSON_MALFORMED);
}

static void many_brackets_are_refused(void **state)
{
    uint8_t *text = malloc(JSON_BYTES_MAX);
    assert_non_null(text);
    memset(text, '[', JSON_BYTES_MAX);
    assert_int_equal(parse(*state, span_make(text, JSON_BYTES_MAX)), JSON_MALFORMED);
    free(text);
}

static void a_refusal_leaves_the_parser_usable(void **state)
{
    uint8_t storage[64];
    for (size_t i = 0; i < COUNT_OF(malformed); i++) {
        struct strbuf out = strbuf_over(storage, sizeof storage);
        assert_int_equal(parse(*state, malformed[i]), JSON_MALFORMED);
        assert_int_equal(parse(*state, SPAN("{\"k\":\"v\"}")), JSON_PARSED);
        assert_true(span_eq(describe(*state, &out), SPAN("k:string:v")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_given_in_order),
        cmocka_unit_test(what_is_not_json_is_refused),
        cmocka_unit_test(another_root_is_told_apart),
        cmocka_unit_test(depth_ends_at_its_limit),
        cmocka_unit_test(length_ends_at_its_limit),
        cmocka_unit_test(many_brackets_are_refused),
        cmocka_unit_test(a_refusal_leaves_the_parser_usable),
    };
    return cmocka_run_group_tests_name("json", tests, create_parser, destroy_parser);
}
