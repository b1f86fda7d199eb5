// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// JSON as somebody may have written it by hand: with typographic quotes, and with words and ids
// that lack quotes. It becomes JSON or is refused; what is JSON never comes here.
#include "channel/report_inside.h"

#include <stdlib.h>

static const struct span curly_quotes[] = {SPAN("\xE2\x80\x9C"), SPAN("\xE2\x80\x9D")};

#define CURLY_BYTES 3U

static bool is_curly(struct span text)
{
    return span_starts_with(text, curly_quotes[0]) || span_starts_with(text, curly_quotes[1]);
}

static bool is_word_byte(uint8_t byte)
{
    uint8_t lower = ascii_lower(byte);
    return (lower >= 'a' && lower <= 'z') || ascii_is_digit(byte) || byte == '_' || byte == '.' ||
           byte == '-' || byte == '+';
}

// A string that begins with a typographic quote ends with one; a usual quote in it is escaped.
static void put_curly_string(struct span *rest, struct strbuf *out)
{
    *rest = span_from(*rest, CURLY_BYTES);
    strbuf_put_byte(out, '"');
    while (rest->len > 0 && !is_curly(*rest)) {
        if (rest->data[0] == '"')
            strbuf_put_byte(out, '\\');
        strbuf_put(out, span_first(*rest, 1));
        *rest = span_from(*rest, 1);
    }
    *rest = span_from(*rest, CURLY_BYTES);
    strbuf_put_byte(out, '"');
}

static void put_string(struct span *rest, struct strbuf *out)
{
    size_t len = 1;
    while (len < rest->len && rest->data[len] != '"')
        len += rest->data[len] == '\\' ? 2 : 1;
    strbuf_put(out, span_first(*rest, len + 1));
    *rest = span_from(*rest, len + 1);
}

// A number, true, false and null stand for themselves; any other word is a text.
static void put_word(struct span *rest, struct strbuf *out)
{
    size_t len = 0;
    while (len < rest->len && is_word_byte(rest->data[len]))
        len++;
    struct span word = span_first(*rest, len);
    json_t *scalar = json_loadb((const char *)word.data, word.len, JSON_DECODE_ANY, NULL);
    const char *quote = scalar != NULL ? "" : "\"";
    json_decref(scalar);
    strbuf_put_text(out, quote);
    strbuf_put(out, word);
    strbuf_put_text(out, quote);
    *rest = span_from(*rest, len);
}

json_t *report_mend_read(struct span text)
{
    size_t room = 3 * text.len + 2; // a letter becomes a text of three bytes
    uint8_t *mended = malloc(room);
    json_t *json = NULL;
    if (mended == NULL)
        return NULL;
    struct strbuf out = strbuf_over(mended, room);
    while (text.len > 0) {
        if (is_curly(text)) {
            put_curly_string(&text, &out);
        } else if (text.data[0] == '"') {
            put_string(&text, &out);
        } else if (is_word_byte(text.data[0])) {
            put_word(&text, &out);
        } else {
            strbuf_put(&out, span_first(text, 1));
            text = span_from(text, 1);
        }
    }
    if (!out.is_overflowed)
        json = json_loadb((const char *)mended, out.len, JSON_REJECT_DUPLICATES, NULL);
    free(mended);
    return json;
}
