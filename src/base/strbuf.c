// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "base/strbuf.h"

void strbuf_put_u64(struct strbuf *buf, uint64_t value)
{
    uint8_t digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    strbuf_put(buf, span_make(digits + at, sizeof digits - at));
}

void strbuf_put_i64(struct strbuf *buf, int64_t value)
{
    if (value < 0)
        strbuf_put_byte(buf, '-');
    strbuf_put_u64(buf, value < 0 ? 0U - (uint64_t)value : (uint64_t)value);
}

void strbuf_put_hex(struct strbuf *buf, struct span bytes)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t *at = strbuf_reserve(buf, bytes.len * 2);
    for (size_t i = 0; at != NULL && i < bytes.len; i++) {
        *at++ = (uint8_t)digits[bytes.data[i] >> 4];
        *at++ = (uint8_t)digits[bytes.data[i] & 15U];
    }
}

void strbuf_put_base64url(struct strbuf *buf, struct span bytes)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t *at = strbuf_reserve(buf, (bytes.len * 8 + 5) / 6);
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; at != NULL && i < bytes.len; i++) {
        bits = bits << 8 | bytes.data[i];
        for (held += 8; held >= 6; held -= 6)
            *at++ = (uint8_t)alphabet[bits >> (held - 6) & 63U];
    }
    if (at != NULL && held > 0)
        *at = (uint8_t)alphabet[bits << (6 - held) & 63U];
}

static bool json_must_escape(uint8_t byte)
{
    return byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7F;
}

// U+2028 and U+2029 end a line for JavaScript and for some log readers.
static bool is_line_separator(struct span rest)
{
    return rest.len >= 3 && rest.data[0] == 0xE2 && rest.data[1] == 0x80 &&
           (rest.data[2] == 0xA8 || rest.data[2] == 0xA9);
}

static void put_json_escape(struct strbuf *buf, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    static const char short_form[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    char letter = byte < 0x20 ? short_form[byte] : (char)(byte == 0x7F ? 0 : byte);
    if (letter != 0) {
        strbuf_put(buf, span_make((const char[]){'\\', letter}, 2));
        return;
    }
    const char long_form[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15U]};
    strbuf_put(buf, span_make(long_form, sizeof long_form));
}

void strbuf_put_json_text(struct strbuf *buf, struct span text)
{
    size_t plain = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool is_separator = is_line_separator(span_from(text, i));
        if (!is_separator && !json_must_escape(text.data[i]))
            continue;
        strbuf_put(buf, span_make(text.data + plain, i - plain));
        if (is_separator) {
            strbuf_put_text(buf, text.data[i + 2] == 0xA8 ? "\\u2028" : "\\u2029");
            i += 2;
        } else {
            put_json_escape(buf, text.data[i]);
        }
        plain = i + 1;
    }
    strbuf_put(buf, span_from(text, plain));
}

void strbuf_put_json_string(struct strbuf *buf, struct span text)
{
    strbuf_put_byte(buf, '"');
    strbuf_put_json_text(buf, text);
    strbuf_put_byte(buf, '"');
}
