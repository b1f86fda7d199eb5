// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "telemetry/log_format.h"
#include "telemetry/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define DOTS5 "\xE2\x80\xA2\xE2\x80\xA2\xE2\x80\xA2\xE2\x80\xA2\xE2\x80\xA2"

static const struct log_style json = {LOG_FORMAT_JSON, false};
static const struct log_style text = {LOG_FORMAT_TEXT, false};
static const struct log_style color = {LOG_FORMAT_TEXT, true};

struct room {
    uint8_t bytes[LOG_LINE_BYTES_MAX];
    struct strbuf out;
};

static struct span format(struct room *room, struct log_style style, const struct log_field *fields,
                          size_t count)
{
    const struct log_line line = {LOG_INFO, "otp.sent", fields, count};
    room->out = strbuf_over(room->bytes, sizeof room->bytes);
    log_format_rest(style, &line, &room->out);
    return strbuf_span(&room->out);
}

static void assert_span(struct span actual, const char *expected)
{
    assert_int_equal(actual.len, strlen(expected));
    assert_memory_equal(actual.data, expected, actual.len);
}

static const struct log_field three_fields[] = {
    {.name = "to", .kind = LOG_FIELD_ADDRESS, .text = {(const uint8_t *)"12025550147", 11}},
    {.name = "brand", .kind = LOG_FIELD_TEXT, .text = {(const uint8_t *)"DocDemo", 7}},
    {.name = "tries", .kind = LOG_FIELD_NUMBER, .number = -3},
};

static void json_line(void **state)
{
    struct room room;
    (void)state;
    assert_span(format(&room, json, three_fields, 3),
                ",\"level\":\"info\",\"event\":\"otp.sent\",\"to\":\"+12" DOTS5
                "147\",\"brand\":\"DocDemo\",\"tries\":-3}\n");
    assert_span(format(&room, json, NULL, 0), ",\"level\":\"info\",\"event\":\"otp.sent\"}\n");
}

static void text_line(void **state)
{
    struct room room;
    (void)state;
    assert_span(format(&room, text, three_fields, 3),
                "info  otp.sent  to=+12" DOTS5 "147 brand=DocDemo tries=-3\n");
}

static void color_line(void **state)
{
    struct room room;
    (void)state;
    assert_span(format(&room, color, three_fields + 2, 1),
                "\x1b[32minfo \x1b[0m otp.sent  \x1b[2mtries=\x1b[0m-3\n");
}

static void levels_have_names(void **state)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    (void)state;
    for (enum log_level level = LOG_DEBUG; level <= LOG_ERROR; level++) {
        struct room room;
        char expected[64];
        const struct log_line line = {level, "x", NULL, 0};
        room.out = strbuf_over(room.bytes, sizeof room.bytes);
        log_format_rest(json, &line, &room.out);
        (void)snprintf(expected, sizeof expected, ",\"level\":\"%s\",\"event\":\"x\"}\n",
                       names[level]);
        assert_span(strbuf_span(&room.out), expected);
    }
}

struct text_case {
    struct span value;
    const char *json;
    const char *text;
};

static const struct text_case text_cases[] = {
    {{NULL, 0}, "\"\"", "\"\""},
    {{(const uint8_t *)"plain", 5}, "\"plain\"", "plain"},
    {{(const uint8_t *)"two words", 9}, "\"two words\"", "\"two words\""},
    {{(const uint8_t *)"a=b", 3}, "\"a=b\"", "\"a=b\""},
    {{(const uint8_t *)"say \"x\"", 7}, "\"say \\\"x\\\"\"", "\"say \\\"x\\\"\""},
    {{(const uint8_t *)"back\\slash", 10}, "\"back\\\\slash\"", "\"back\\\\slash\""},
    {{(const uint8_t *)"x\ny", 3}, "\"x\\u000ay\"", "\"x\\u000ay\""},
    {{(const uint8_t *)"x\0y", 3}, "\"x\\u0000y\"", "\"x\\u0000y\""},
    {{(const uint8_t *)"\x1b[2J", 4}, "\"\\u001b[2J\"", "\"\\u001b[2J\""},
    {{(const uint8_t *)"\x7F", 1}, "\"\\u007f\"", "\"\\u007f\""},
    {{(const uint8_t *)"\xC2\x85", 2}, "\"\\u0085\"", "\"\\u0085\""},
    {{(const uint8_t *)"\xE2\x80\xA8", 3}, "\"\\u2028\"", "\"\\u2028\""},
    {{(const uint8_t *)"\xE2\x80\xA9", 3}, "\"\\u2029\"", "\"\\u2029\""},
    {{(const uint8_t *)"\xE2\x80\xAE", 3}, "\"\\u202e\"", "\"\\u202e\""},
    {{(const uint8_t *)"\xE2\x81\xA6", 3}, "\"\\u2066\"", "\"\\u2066\""},
    {{(const uint8_t *)"caf\xC3\xA9", 5}, "\"caf\xC3\xA9\"", "caf\xC3\xA9"},
    {{(const uint8_t *)"\xF0\x9F\x98\x80", 4}, "\"\xF0\x9F\x98\x80\"", "\xF0\x9F\x98\x80"},
    {{(const uint8_t *)"a\xFF"
                       "b",
      3},
     "\"a\\ufffdb\"",
     "\"a\\ufffdb\""},
    {{(const uint8_t *)"\xED\xA0\x80", 3},
     "\"\\ufffd\\ufffd\\ufffd\"",
     "\"\\ufffd\\ufffd\\ufffd\""},
    {{(const uint8_t *)"\xE2\x82", 2}, "\"\\ufffd\\ufffd\"", "\"\\ufffd\\ufffd\""},
    {{(const uint8_t *)"%s%n", 4}, "\"%s%n\"", "%s%n"},
};

static void text_is_escaped(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof text_cases / sizeof text_cases[0]; i++) {
        struct room room;
        char expected[128];
        const struct log_field field = log_text("v", text_cases[i].value);
        (void)snprintf(expected, sizeof expected,
                       ",\"level\":\"info\",\"event\":\"otp.sent\",\"v\":%s}\n",
                       text_cases[i].json);
        assert_span(format(&room, json, &field, 1), expected);
        (void)snprintf(expected, sizeof expected, "info  otp.sent  v=%s\n", text_cases[i].text);
        assert_span(format(&room, text, &field, 1), expected);
    }
}

static void hostile_address_is_masked_and_escaped(void **state)
{
    struct room room;
    const struct log_field field = log_address("to", SPAN("\n\"@x\n\".test"));
    (void)state;
    assert_span(format(&room, json, &field, 1),
                ",\"level\":\"info\",\"event\":\"otp.sent\","
                "\"to\":\"\\u000a\xE2\x80\xA2\xE2\x80\xA2\xE2\x80\xA2@x\\u000a\\\".test\"}\n");
}

static void long_text_is_cut(void **state)
{
    struct room room;
    char value[LOG_TEXT_BYTES_MAX + 10];
    (void)state;
    memset(value, 'v', sizeof value);
    value[LOG_TEXT_BYTES_MAX - 1] = (char)0xC3; // a character across the bound
    value[LOG_TEXT_BYTES_MAX] = (char)0xA9;
    const struct log_field field = log_text("v", span_make(value, sizeof value));
    struct span line = format(&room, json, &field, 1);
    size_t opening = strlen(",\"level\":\"info\",\"event\":\"otp.sent\",\"v\":\"");
    assert_int_equal(line.len, opening + LOG_TEXT_BYTES_MAX - 1 + strlen("\xE2\x80\xA6\"}\n"));
    assert_memory_equal(line.data + line.len - 7, "v\xE2\x80\xA6\"}\n", 7);
}

static void field_without_room_is_left_out_whole(void **state)
{
    struct room room;
    char value[LOG_TEXT_BYTES_MAX];
    struct log_field fields[4];
    (void)state;
    memset(value, 1, sizeof value); // six bytes each when escaped
    fields[0] = log_text("a", span_make(value, sizeof value));
    fields[1] = log_text("b", span_make(value, sizeof value));
    fields[2] = log_number("c", 7);
    fields[3] = log_text("d", span_make(value, sizeof value));
    struct span line = format(&room, json, fields, 4);
    const char *end = "\\u0001\",\"c\":7,\"cut\":true}\n";
    assert_memory_equal(line.data + line.len - strlen(end), end, strlen(end));
    assert_true(line.len < LOG_LINE_BYTES_MAX);
}

// Reads one JSON line the strict way: names and values of a flat object, nothing else. The text of
// the value that follows `,"v":"` goes to *value_out.
static void assert_one_json_line(struct span line, struct span *value_out)
{
    static const char opening[] = ",\"level\":\"info\",\"event\":\"otp.sent\",\"v\":\"";
    size_t at = strlen(opening);
    assert_memory_equal(line.data, opening, at);
    while (line.data[at] != '"') {
        uint32_t point = 0;
        size_t len = utf8_next(span_from(line, at), &point);
        assert_true(len > 0 && point >= 0x20 && point != 0x7F);
        if (point == '\\')
            len = line.data[at + 1] == 'u' ? 6 : 2;
        at += len;
    }
    *value_out = span_make(line.data + strlen(opening), at - strlen(opening));
    assert_span(span_from(line, at), "\"}\n");
}

static void any_text_stays_within_one_line(void **state)
{
    uint64_t seed = 20261122;
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t value[40];
        struct room room;
        struct span shown;
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        size_t len = (size_t)(seed >> 59);
        for (size_t i = 0; i < len; i++) {
            seed = seed * 6364136223846793005U + 1442695040888963407U;
            uint8_t special = (uint8_t) "\n\"\\\r\x1b\xE2\x80\xA8"[seed >> 61];
            value[i] = (seed >> 33) % 3 == 0 ? special : (uint8_t)(seed >> 40);
        }
        const struct log_field field = log_text("v", span_make(value, len));
        assert_one_json_line(format(&room, json, &field, 1), &shown);
        assert_true(shown.len >= len || len == 0);
        struct span line = format(&room, text, &field, 1);
        assert_int_equal(span_find(line, '\n'), line.len - 1);
        assert_int_equal(span_find(line, '\x1b'), line.len);
    }
}

struct stamp_case {
    int64_t at_ms;
    const char *json;
    const char *text;
};

static const struct stamp_case stamp_cases[] = {
    {0, "{\"at\":\"1970-01-01T00:00:00.000Z\"", "00:00:00.000 "},
    {-5, "{\"at\":\"1970-01-01T00:00:00.000Z\"", "00:00:00.000 "},
    {951782399999, "{\"at\":\"2000-02-28T23:59:59.999Z\"", "23:59:59.999 "},
    {951782400000, "{\"at\":\"2000-02-29T00:00:00.000Z\"", "00:00:00.000 "},
    {951868800000, "{\"at\":\"2000-03-01T00:00:00.000Z\"", "00:00:00.000 "},
    {1709210096007, "{\"at\":\"2024-02-29T12:34:56.007Z\"", "12:34:56.007 "},
    {1795341600123, "{\"at\":\"2026-11-22T10:00:00.123Z\"", "10:00:00.123 "},
    {1798761599999, "{\"at\":\"2026-12-31T23:59:59.999Z\"", "23:59:59.999 "},
    {1798761600000, "{\"at\":\"2027-01-01T00:00:00.000Z\"", "00:00:00.000 "},
    {4107542400000, "{\"at\":\"2100-03-01T00:00:00.000Z\"", "00:00:00.000 "},
};

static void stamps(void **state)
{
    struct log_second cache = {0};
    (void)state;
    for (size_t i = 0; i < sizeof stamp_cases / sizeof stamp_cases[0]; i++) {
        uint8_t bytes[LOG_STAMP_BYTES_MAX];
        struct strbuf out = strbuf_over(bytes, sizeof bytes);
        log_format_stamp(&cache, json, stamp_cases[i].at_ms, &out);
        assert_span(strbuf_span(&out), stamp_cases[i].json);
        out = strbuf_over(bytes, sizeof bytes);
        log_format_stamp(&cache, text, stamp_cases[i].at_ms, &out);
        assert_span(strbuf_span(&out), stamp_cases[i].text);
    }
}

static void color_stamp_fits(void **state)
{
    struct log_second cache = {0};
    uint8_t bytes[LOG_STAMP_BYTES_MAX];
    struct strbuf out = strbuf_over(bytes, sizeof bytes);
    (void)state;
    log_format_stamp(&cache, color, 1795341600123, &out);
    assert_span(strbuf_span(&out), "\x1b[2m10:00:00.123\x1b[0m ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_line),
        cmocka_unit_test(text_line),
        cmocka_unit_test(color_line),
        cmocka_unit_test(levels_have_names),
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(hostile_address_is_masked_and_escaped),
        cmocka_unit_test(long_text_is_cut),
        cmocka_unit_test(field_without_room_is_left_out_whole),
        cmocka_unit_test(any_text_stays_within_one_line),
        cmocka_unit_test(stamps),
        cmocka_unit_test(color_stamp_fits),
    };
    return cmocka_run_group_tests_name("telemetry/log_format", tests, NULL, NULL);
}
