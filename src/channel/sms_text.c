// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "channel/sms_text.h"

#include "telemetry/utf8.h"

#define RETRIEVER_HASH_CHARS 11U
#define RETRIEVER_TEXT_BYTES_MAX 140U

// What the two tables have beyond ASCII, in order. Of ASCII they have all that is printable but the
// grave accent, and three controls.
static const uint16_t beyond_ascii[] = {
    0x00A1, 0x00A3, 0x00A4, 0x00A5, 0x00A7, 0x00BF, 0x00C4, 0x00C5, 0x00C6, 0x00C7,
    0x00C9, 0x00D1, 0x00D6, 0x00D8, 0x00DC, 0x00DF, 0x00E0, 0x00E4, 0x00E5, 0x00E6,
    0x00E8, 0x00E9, 0x00EC, 0x00F1, 0x00F2, 0x00F6, 0x00F8, 0x00F9, 0x00FC, 0x0393,
    0x0394, 0x0398, 0x039B, 0x039E, 0x03A0, 0x03A3, 0x03A6, 0x03A8, 0x03A9, 0x20AC,
};

static bool is_gsm7_ascii(uint32_t point)
{
    bool is_control = point == '\n' || point == '\r' || point == '\f';
    return is_control || (point >= 0x20 && point < 0x7F && point != '`');
}

static bool is_gsm7(uint32_t point)
{
    if (point < 0x80)
        return is_gsm7_ascii(point);
    for (size_t i = 0; i < sizeof beyond_ascii / sizeof beyond_ascii[0]; i++) {
        if (beyond_ascii[i] == point)
            return true;
    }
    return false;
}

enum sms_alphabet sms_text_alphabet(struct span text)
{
    while (text.len > 0) {
        uint32_t point;
        size_t len = utf8_next(text, &point);
        if (len == 0 || !is_gsm7(point))
            return SMS_UCS2;
        text = span_from(text, len);
    }
    return SMS_GSM7;
}

// An escape stands before a character of the extension table.
static size_t septets_of(uint32_t point)
{
    bool is_extended = point == 0x20AC || (point < 0x80 && memchr("\f^{}\\[~]|", (int)point, 9));
    return is_extended ? 2 : 1;
}

static size_t units_of(enum sms_alphabet alphabet, uint32_t point)
{
    if (alphabet == SMS_GSM7)
        return septets_of(point);
    return point > 0xFFFF ? 2 : 1;
}

void sms_text_measure(struct span text, struct sms_size *out)
{
    static const size_t alone_max[] = {[SMS_GSM7] = 160, [SMS_UCS2] = 70};
    static const size_t part_max[] = {[SMS_GSM7] = 153, [SMS_UCS2] = 67};
    size_t in_part = 0;
    *out = (struct sms_size){.alphabet = sms_text_alphabet(text), .parts = 1};
    while (text.len > 0) {
        uint32_t point = 0;
        size_t len = utf8_next(text, &point);
        size_t units = units_of(out->alphabet, point);
        bool is_odd = len == 0 || !is_gsm7(point);
        if (len == 0)
            len = 1;
        if (is_odd && out->odd_one.len == 0)
            out->odd_one = span_first(text, len);
        if (in_part + units > part_max[out->alphabet]) {
            out->parts++;
            in_part = 0;
        }
        in_part += units;
        out->units += units;
        text = span_from(text, len);
    }
    if (out->units <= alone_max[out->alphabet])
        out->parts = 1;
}

static struct span last_after(struct span text, uint8_t separator)
{
    size_t at = text.len;
    while (at > 0 && text.data[at - 1] != separator)
        at--;
    return span_from(text, at);
}

static bool is_host(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t lower = ascii_lower(text.data[i]);
        bool is_letter = lower >= 'a' && lower <= 'z';
        if (!is_letter && !ascii_is_digit(lower) && lower != '-' && lower != '.')
            return false;
    }
    return text.len > 0 && span_find(text, '.') > 0 && text.data[text.len - 1] != '.';
}

enum sms_line sms_text_webotp(struct span text, struct span code, struct span *host_out)
{
    struct span rest;
    struct span line = last_after(text, '\n');
    if (!span_starts_with(line, SPAN("@")))
        return memmem(text.data, text.len, "\n@", 2) != NULL ? SMS_LINE_BROKEN : SMS_LINE_NONE;
    struct span host = span_split(span_from(line, 1), ' ', &rest);
    struct span embedded;
    struct span hash = span_split(rest, ' ', &embedded);
    bool has_embedded = hash.len < rest.len;
    bool is_good = is_host(host) && span_starts_with(hash, SPAN("#")) &&
                   span_eq(span_from(hash, 1), code) &&
                   (!has_embedded ||
                    (span_starts_with(embedded, SPAN("@")) && is_host(span_from(embedded, 1))));
    if (is_good)
        *host_out = host;
    return is_good ? SMS_LINE_GOOD : SMS_LINE_BROKEN;
}

static bool is_base64(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t lower = ascii_lower(text.data[i]);
        bool is_letter = lower >= 'a' && lower <= 'z';
        if (!is_letter && !ascii_is_digit(lower) && lower != '+' && lower != '/')
            return false;
    }
    return true;
}

enum sms_line sms_text_retriever(struct span text)
{
    struct span word = last_after(last_after(text, '\n'), ' ');
    if (!span_starts_with(text, SPAN("<#>")))
        return SMS_LINE_NONE;
    bool is_good =
        word.len == RETRIEVER_HASH_CHARS && is_base64(word) && text.len <= RETRIEVER_TEXT_BYTES_MAX;
    return is_good ? SMS_LINE_GOOD : SMS_LINE_BROKEN;
}
