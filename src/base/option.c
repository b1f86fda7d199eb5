// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "base/option.h"

// Every value has exactly one spelling as text (`value_text`): showing, comparing and "is it the
// default" are all made from that one, so that they cannot disagree. A type is one row of
// `type_rows`; nothing else in the tree knows how values lie in a settings struct.
//
// Values come from people, so that a refusal repeats what they wrote; secrets are never repeated.

#include "base/assert.h"
#include "base/number.h"
#include "base/unicode_digit.h"

#define OPTION_NAME_BYTES_MAX 64U // longer ones cannot be near any name of ours
#define OPTION_DISTANCE_MAX 3U
#define VALUE_QUOTED_BYTES_MAX 48U // of a refused value, in the story
#define STORY_BYTES_MAX 384U
#define NUMBER_BYTES_MAX 20U

struct type_row {
    bool (*set)(const struct option *option, void *at, struct span text);
    bool (*is_null)(const void *at);
    struct span (*text)(const struct option *option, const void *at, uint8_t *scratch);
    void (*describe)(const struct option *option, struct strbuf *out);
};

static uint32_t load_u32(const void *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static void store_u32(void *at, uint32_t value)
{
    memcpy(at, &value, sizeof value);
}

static bool is_null_u32(const void *at)
{
    return load_u32(at) == 0;
}

static bool is_null_text(const void *at)
{
    return *(const char *)at == '\0';
}

static bool is_never_null(const void *at)
{
    (void)at;
    return false;
}

// Writes nothing when it refuses: a setting keeps its value until it has a better one.
static bool set_u32(const struct option *option, void *at, struct span text)
{
    uint64_t value;
    if (!parse_u64(text, option->most, &value) || value < option->least)
        return false;
    store_u32(at, (uint32_t)value);
    return true;
}

static struct span text_of_u32(const struct option *option, const void *at, uint8_t *scratch)
{
    (void)option;
    struct strbuf out = strbuf_over(scratch, NUMBER_BYTES_MAX);
    strbuf_put_u64(&out, load_u32(at));
    return strbuf_span(&out);
}

static void describe_u32(const struct option *option, struct strbuf *out)
{
    strbuf_put_u64(out, option->least);
    strbuf_put_text(out, " to ");
    strbuf_put_u64(out, option->most);
    if (option->unit == NULL)
        return;
    strbuf_put_byte(out, ' ');
    strbuf_put_text(out, option->unit);
}

static bool set_bool(const struct option *option, void *at, struct span text)
{
    (void)option;
    bool value = span_eq(text, SPAN("true"));
    if (!value && !span_eq(text, SPAN("false")))
        return false;
    memcpy(at, &value, sizeof value);
    return true;
}

static struct span text_of_bool(const struct option *option, const void *at, uint8_t *scratch)
{
    (void)option;
    (void)scratch;
    return *(const bool *)at ? SPAN("true") : SPAN("false");
}

static void describe_bool(const struct option *option, struct strbuf *out)
{
    (void)option;
    strbuf_put_text(out, "true or false");
}

static bool set_choice(const struct option *option, void *at, struct span text)
{
    for (uint32_t i = 0; option->choices[i] != NULL; i++) {
        if (!span_eq(text, span_of_text(option->choices[i])))
            continue;
        store_u32(at, i);
        return true;
    }
    return false;
}

// An index beyond the list can only come from memory that no option_set has filled.
static struct span text_of_choice(const struct option *option, const void *at, uint8_t *scratch)
{
    (void)scratch;
    uint32_t index = load_u32(at);
    for (uint32_t i = 0; i <= index; i++)
        ASSERT(option->choices[i] != NULL);
    return span_of_text(option->choices[index]);
}

static void describe_choice(const struct option *option, struct strbuf *out)
{
    for (size_t i = 0; option->choices[i] != NULL; i++) {
        const char *next = option->choices[i + 1];
        if (i > 0)
            strbuf_put_text(out, next == NULL ? " or " : ", ");
        strbuf_put_text(out, option->choices[i]);
    }
}

// C0 and C1 controls, and DEL.
static bool is_control(uint32_t scalar)
{
    return scalar < 0x20 || (scalar >= 0x7F && scalar < 0xA0);
}

// Bytes of the printable character that `text` begins with; 0 when it begins with none.
static size_t printable_len(struct span text)
{
    uint32_t scalar;
    struct span rest = text;
    if (!utf8_take(&rest, &scalar) || is_control(scalar))
        return 0;
    return text.len - rest.len;
}

static bool is_printable(struct span text, bool has_lines)
{
    while (text.len > 0) {
        size_t len = has_lines && text.data[0] == '\n' ? 1 : printable_len(text);
        if (len == 0)
            return false;
        text = span_from(text, len);
    }
    return true;
}

// Clears the rest, so that equal settings are equal bytes and no old secret stays behind a short
// one.
static bool set_text(const struct option *option, void *at, struct span text)
{
    if (text.len >= option->capacity || !is_printable(text, option->has_lines))
        return false;
    memset(at, 0, option->capacity);
    if (text.len > 0)
        memcpy(at, text.data, text.len);
    return true;
}

static struct span text_of_text(const struct option *option, const void *at, uint8_t *scratch)
{
    (void)scratch;
    return span_make(at, strnlen(at, option->capacity));
}

static void describe_text(const struct option *option, struct strbuf *out)
{
    strbuf_put_text(out, option->unit != NULL ? option->unit : "text");
    strbuf_put_text(out, " of at most ");
    strbuf_put_u64(out, option->capacity - 1);
    strbuf_put_text(out, " bytes, in UTF-8 without control characters");
    if (option->has_lines)
        strbuf_put_text(out, " but line feeds");
}

static void describe_object(const struct option *option, struct strbuf *out)
{
    strbuf_put_text(out, "object of at most ");
    strbuf_put_u64(out, option->capacity - 1);
    strbuf_put_text(out, " bytes as JSON");
}

static const struct type_row type_rows[] = {
    [OPTION_U32] = {set_u32, is_null_u32, text_of_u32, describe_u32},
    [OPTION_BOOL] = {set_bool, is_never_null, text_of_bool, describe_bool},
    [OPTION_TEXT] = {set_text, is_null_text, text_of_text, describe_text},
    [OPTION_CHOICE] = {set_choice, is_never_null, text_of_choice, describe_choice},
    [OPTION_OBJECT] = {set_text, is_null_text, text_of_text, describe_object},
};

static const struct type_row *row_of(const struct option *option)
{
    ASSERT(option->type < sizeof type_rows / sizeof type_rows[0]);
    return &type_rows[option->type];
}

static const void *value_at(const struct option *option, const void *settings)
{
    return (const uint8_t *)settings + option->offset;
}

static void *value_at_mutable(const struct option *option, void *settings)
{
    return (uint8_t *)settings + option->offset;
}

static bool is_null(const struct option *option, const void *settings)
{
    return option->is_nullable && row_of(option)->is_null(value_at(option, settings));
}

static struct span value_text(const struct option *option, const void *settings, uint8_t *scratch)
{
    if (is_null(option, settings))
        return SPAN("null");
    return row_of(option)->text(option, value_at(option, settings), scratch);
}

// What was refused, quoted and cut at a whole character; unprintable bytes become question marks.
static void put_quoted(struct strbuf *out, struct span value)
{
    struct span rest = value;
    strbuf_put_byte(out, '"');
    while (rest.len > 0 && value.len - rest.len < VALUE_QUOTED_BYTES_MAX) {
        size_t len = printable_len(rest);
        strbuf_put(out, len > 0 ? span_first(rest, len) : SPAN("?"));
        rest = span_from(rest, len > 0 ? len : 1);
    }
    strbuf_put_text(out, rest.len > 0 ? "…\"" : "\"");
}

static enum err refuse(const struct option *option, struct span text, struct err_info *info)
{
    char storage[STORY_BYTES_MAX];
    struct strbuf story = strbuf_over(storage, sizeof storage);
    strbuf_put_text(&story, option->name);
    strbuf_put_text(&story, ": ");
    if (option->is_secret)
        strbuf_put_text(&story, "the value");
    else
        put_quoted(&story, text);
    strbuf_put_text(&story, " is not ");
    option_describe_range(option, &story);
    err_info_set(info, "%.*s", (int)story.len, storage);
    return ERR_INVALID;
}

static void set_null(const struct option *option, void *at)
{
    if (option->type == OPTION_TEXT || option->type == OPTION_OBJECT) {
        memset(at, 0, option->capacity);
        return;
    }
    ASSERT(option->type == OPTION_U32);
    store_u32(at, 0);
}

enum err option_set(const struct option *option, void *settings, struct span text,
                    struct err_info *info)
{
    void *at = value_at_mutable(option, settings);
    if (option->is_nullable && span_eq(text, SPAN("null"))) {
        set_null(option, at);
        return ERR_OK;
    }
    if (!row_of(option)->set(option, at, text))
        return refuse(option, text, info);
    return ERR_OK;
}

static struct span preset_text(const struct option *option)
{
    if (option->preset != NULL)
        return span_of_text(option->preset);
    ASSERT(option->is_nullable);
    return SPAN("null");
}

void option_reset(const struct option *option, void *settings)
{
    enum err err = option_set(option, settings, preset_text(option), NULL);
    ASSERT(err == ERR_OK);
}

void option_table_preset(struct option_table table, void *settings)
{
    for (size_t i = 0; i < table.count; i++)
        option_reset(&table.options[i], settings);
}

const struct option *option_find(struct option_table table, struct span name)
{
    for (size_t i = 0; i < table.count; i++) {
        if (span_eq(name, span_of_text(table.options[i].name)))
            return &table.options[i];
    }
    return NULL;
}

static size_t least_of(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return c < least ? c : least;
}

// Levenshtein's distance but for ASCII case, one row of the matrix at a time.
static size_t edit_distance(struct span a, struct span b)
{
    size_t row[OPTION_NAME_BYTES_MAX + 1];
    ASSERT(b.len <= OPTION_NAME_BYTES_MAX);
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t above = row[j];
            size_t change = ascii_lower(a.data[i - 1]) == ascii_lower(b.data[j - 1]) ? 0 : 1;
            row[j] = least_of(above + 1, row[j - 1] + 1, diagonal + change);
            diagonal = above;
        }
    }
    return row[b.len];
}

// A third of the name may be wrong; otherwise each three-letter word would be near each other one.
const struct option *option_nearest(struct option_table table, struct span name)
{
    const struct option *nearest = NULL;
    size_t least = OPTION_DISTANCE_MAX + 1;
    if (name.len > OPTION_NAME_BYTES_MAX)
        return NULL;
    for (size_t i = 0; i < table.count; i++) {
        struct span candidate = span_of_text(table.options[i].name);
        size_t distance = edit_distance(name, candidate);
        if (distance >= least || distance * 3 > candidate.len)
            continue;
        least = distance;
        nearest = &table.options[i];
    }
    return nearest;
}

void option_put_text(const struct option *option, const void *settings, struct strbuf *out)
{
    uint8_t scratch[NUMBER_BYTES_MAX];
    strbuf_put(out, value_text(option, settings, scratch));
}

void option_show(const struct option *option, const void *settings, struct strbuf *out)
{
    if (option->is_secret && !is_null(option, settings))
        strbuf_put_text(out, "***");
    else
        option_put_text(option, settings, out);
}

bool option_is_preset(const struct option *option, const void *settings)
{
    uint8_t scratch[NUMBER_BYTES_MAX];
    return span_eq(value_text(option, settings, scratch), preset_text(option));
}

bool option_is_equal(const struct option *option, const void *settings, const void *others)
{
    uint8_t scratch[NUMBER_BYTES_MAX];
    uint8_t other_scratch[NUMBER_BYTES_MAX];
    return span_eq(value_text(option, settings, scratch),
                   value_text(option, others, other_scratch));
}

void option_describe_range(const struct option *option, struct strbuf *out)
{
    row_of(option)->describe(option, out);
    if (option->is_nullable)
        strbuf_put_text(out, ", or null");
}
