// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Lines of the log. Text from outside is never trusted: whatever could end a line, move a
// terminal's cursor, turn the direction of writing round or be no character at all is escaped as
// JSON escapes it, in both formats. Names of events and fields are constants of ours and are
// written as they are.
//
// Invariant: the rest of a line has exactly one line feed, its last byte, whatever the fields hold.
#include "telemetry/log_format.h"

#include "base/assert.h"
#include "telemetry/utf8.h"

// Room that is kept free for the end of a line: ,"cut":true}
#define END_BYTES 16U

#define ESC "\x1b["
#define COLOR_DIM ESC "2m"
#define COLOR_OFF ESC "0m"

struct level_row {
    struct span json;
    struct span text; // of equal width
    struct span color;
};

static const struct level_row levels[] = {
    [LOG_DEBUG] = {SPAN("debug"), SPAN("debug"), SPAN(ESC "36m")},
    [LOG_INFO] = {SPAN("info"), SPAN("info "), SPAN(ESC "32m")},
    [LOG_WARNING] = {SPAN("warning"), SPAN("warn "), SPAN(ESC "33m")},
    [LOG_ERROR] = {SPAN("error"), SPAN("error"), SPAN(ESC "31m")},
};

// Beyond ASCII: C1 controls; U+2028 and U+2029 end a line for some readers; U+202A to U+202E and
// U+2066 to U+2069 change the direction of writing, so that a line would show what it does not say.
static bool is_hidden(uint32_t point)
{
    return (point >= 0x80 && point <= 0x9F) || (point >= 0x2028 && point <= 0x202E) ||
           (point >= 0x2066 && point <= 0x2069);
}

// Everything printable but the quote and the backslash.
static const bool is_plain_ascii[256] = {
    [0x20 ... 0x21] = true, [0x23 ... 0x5B] = true, [0x5D ... 0x7E] = true};

// How many leading bytes may stand as they are.
static size_t plain_run(struct span text)
{
    size_t at = 0;
    for (;;) {
        uint32_t point;
        while (at < text.len && is_plain_ascii[text.data[at]])
            at++;
        if (at == text.len || text.data[at] < 0x80)
            return at;
        size_t len = utf8_next(span_from(text, at), &point);
        if (len == 0 || is_hidden(point))
            return at;
        at += len;
    }
}

static void put_escaped_point(struct strbuf *out, uint32_t point)
{
    const uint8_t bytes[] = {(uint8_t)(point >> 8), (uint8_t)point};
    if (point == '"' || point == '\\') {
        const uint8_t pair[] = {'\\', (uint8_t)point};
        strbuf_put(out, span_make(pair, sizeof pair));
        return;
    }
    strbuf_put(out, SPAN("\\u"));
    strbuf_put_hex(out, span_make(bytes, sizeof bytes));
}

// What is no UTF-8 becomes U+FFFD, byte by byte.
static void put_escaped(struct strbuf *out, struct span text)
{
    while (text.len > 0) {
        size_t plain = plain_run(text);
        strbuf_put(out, span_first(text, plain));
        text = span_from(text, plain);
        if (text.len == 0)
            break;
        uint32_t point = 0xFFFD;
        size_t len = utf8_next(text, &point);
        put_escaped_point(out, point);
        text = span_from(text, len > 0 ? len : 1);
    }
}

static void put_quoted(struct strbuf *out, struct span text)
{
    struct span shown = utf8_first(text, LOG_TEXT_BYTES_MAX);
    strbuf_put_byte(out, '"');
    put_escaped(out, shown);
    if (shown.len < text.len)
        strbuf_put(out, SPAN("\xE2\x80\xA6"));
    strbuf_put_byte(out, '"');
}

// In the text format a value goes without quotes where nobody can mistake its end.
static bool is_bare(struct span text)
{
    if (text.len == 0 || text.len > LOG_TEXT_BYTES_MAX || plain_run(text) < text.len)
        return false;
    return span_find(text, ' ') == text.len && span_find(text, '=') == text.len;
}

static void put_text(struct strbuf *out, enum log_format format, struct span text)
{
    if (format == LOG_FORMAT_TEXT && is_bare(text))
        strbuf_put(out, text);
    else
        put_quoted(out, text);
}

static void put_value(struct strbuf *out, enum log_format format, const struct log_field *field)
{
    char mask[300];
    _Static_assert(sizeof mask >= MASK_NETWORK_BYTES_MAX, "both fit");
    switch (field->kind) {
    case LOG_FIELD_TEXT:
        put_text(out, format, field->text);
        return;
    case LOG_FIELD_NUMBER:
        strbuf_put_i64(out, field->number);
        return;
    case LOG_FIELD_ADDRESS:
        mask_address(field->text, mask, sizeof mask);
        put_text(out, format, span_of_text(mask));
        return;
    case LOG_FIELD_NETWORK:
        mask_network(field->text, mask);
        put_text(out, format, span_of_text(mask));
        return;
    case LOG_FIELD_USERNAME:
        mask_username(field->text, mask, sizeof mask);
        put_text(out, format, span_of_text(mask));
        return;
    }
    UNREACHABLE();
}

static void put_name(struct strbuf *out, struct log_style style, const char *name)
{
    if (style.format == LOG_FORMAT_JSON) {
        strbuf_put(out, SPAN(",\""));
        strbuf_put_text(out, name);
        strbuf_put(out, SPAN("\":"));
        return;
    }
    strbuf_put(out, style.has_color ? SPAN(" " COLOR_DIM) : SPAN(" "));
    strbuf_put_text(out, name);
    strbuf_put(out, style.has_color ? SPAN("=" COLOR_OFF) : SPAN("="));
}

// All of the fields that fit, each whole or not at all. True when all did.
static bool put_fields(struct strbuf *out, struct log_style style, const struct log_line *line)
{
    bool is_whole = true;
    for (size_t i = 0; i < line->count; i++) {
        size_t before = out->len;
        put_name(out, style, line->fields[i].name);
        put_value(out, style.format, &line->fields[i]);
        if (!out->is_overflowed)
            continue;
        *out = (struct strbuf){.data = out->data, .len = before, .cap = out->cap};
        is_whole = false;
    }
    return is_whole;
}

static void put_opening(struct strbuf *out, struct log_style style, const struct log_line *line)
{
    const struct level_row *level = &levels[line->level];
    if (style.format == LOG_FORMAT_JSON) {
        strbuf_put(out, SPAN(",\"level\":\""));
        strbuf_put(out, level->json);
        strbuf_put(out, SPAN("\",\"event\":\""));
        strbuf_put_text(out, line->event);
        strbuf_put_byte(out, '"');
        return;
    }
    strbuf_put(out, style.has_color ? level->color : SPAN(""));
    strbuf_put(out, level->text);
    strbuf_put(out, style.has_color ? SPAN(COLOR_OFF " ") : SPAN(" "));
    strbuf_put_text(out, line->event);
    strbuf_put_byte(out, ' ');
}

void log_format_rest(struct log_style style, const struct log_line *line, struct strbuf *out)
{
    bool is_json = style.format == LOG_FORMAT_JSON;
    ASSERT(out->cap >= 256);
    out->cap -= END_BYTES;
    put_opening(out, style, line);
    bool is_whole = put_fields(out, style, line);
    out->cap += END_BYTES;
    if (!is_whole)
        strbuf_put(out, is_json ? SPAN(",\"cut\":true") : SPAN(" cut=true"));
    strbuf_put(out, is_json ? SPAN("}\n") : SPAN("\n"));
    ASSERT(!out->is_overflowed);
}

static void put_digits(uint8_t *out, uint64_t value, size_t digits)
{
    for (size_t i = digits; i > 0; i--) {
        out[i - 1] = (uint8_t)('0' + value % 10);
        value /= 10;
    }
}

// Days since 1970 to a date of the Gregorian calendar, by counting in 400-year eras that begin on 1
// March, so that the leap day is the last of its year.
static void put_date(uint8_t out[10], uint64_t days_since_1970)
{
    uint64_t days = days_since_1970 + 719468;
    uint64_t era = days / 146097;
    uint64_t of_era = days % 146097;
    uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    uint64_t month = (5 * of_year + 2) / 153; // 0: March
    uint64_t day = of_year - (153 * month + 2) / 5 + 1;
    put_digits(out, era * 400 + year + (month >= 10 ? 1 : 0), 4);
    put_digits(out + 5, month >= 10 ? month - 9 : month + 3, 2);
    put_digits(out + 8, day, 2);
    out[4] = out[7] = '-';
}

static void set_second(struct log_second *cache, int64_t second)
{
    uint64_t of_day = (uint64_t)second % 86400;
    put_date(cache->text, (uint64_t)second / 86400);
    memcpy(cache->text + 10, "T00:00:00", 9);
    put_digits(cache->text + 11, of_day / 3600, 2);
    put_digits(cache->text + 14, of_day / 60 % 60, 2);
    put_digits(cache->text + 17, of_day % 60, 2);
    cache->second = second;
    cache->is_set = true;
}

void log_format_stamp(struct log_second *cache, struct log_style style, int64_t at_ms,
                      struct strbuf *out)
{
    uint8_t millis[4] = ".000";
    int64_t at = at_ms > 0 ? at_ms : 0;
    if (!cache->is_set || cache->second != at / 1000)
        set_second(cache, at / 1000);
    put_digits(millis + 1, (uint64_t)(at % 1000), 3);
    bool is_json = style.format == LOG_FORMAT_JSON;
    bool has_color = !is_json && style.has_color;
    strbuf_put(out, is_json ? SPAN("{\"at\":\"") : has_color ? SPAN(COLOR_DIM) : SPAN(""));
    strbuf_put(out, span_from(span_make(cache->text, sizeof cache->text), is_json ? 0 : 11));
    strbuf_put(out, span_make(millis, sizeof millis));
    strbuf_put(out, is_json ? SPAN("Z\"") : has_color ? SPAN(COLOR_OFF " ") : SPAN(" "));
}
