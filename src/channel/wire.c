// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "channel/wire.h"

#include "crypto/pure/mac.h"
#include "telemetry/utf8.h"

struct wire wire_over(void *storage, size_t cap)
{
    return (struct wire){.hidden = strbuf_over(storage, cap)};
}

static bool is_utf8(struct span text)
{
    while (text.len > 0) {
        uint32_t point;
        size_t len = text.data[0] < 0x80 ? 1 : utf8_next(text, &point);
        if (len == 0)
            return false;
        text = span_from(text, len);
    }
    return true;
}

static bool is_header_value(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < 0x20 || text.data[i] > 0x7E)
            return false;
    }
    // White space at the ends is no part of a value (RFC 9110 section 5.5).
    return text.len == 0 || (text.data[0] != ' ' && text.data[text.len - 1] != ' ');
}

static bool is_unreserved(uint8_t byte)
{
    uint8_t lower = ascii_lower(byte);
    return (lower >= 'a' && lower <= 'z') || ascii_is_digit(byte) || byte == '-' || byte == '.' ||
           byte == '_' || byte == '~';
}

static void put_percent(struct strbuf *out, struct span data, bool is_form)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < data.len; i++) {
        uint8_t byte = data.data[i];
        if (is_unreserved(byte)) {
            strbuf_put_byte(out, byte);
            continue;
        }
        const char escaped[] = {'%', digits[byte >> 4], digits[byte & 15U]};
        bool is_plus = is_form && byte == ' ';
        strbuf_put(out, is_plus ? SPAN("+") : span_make(escaped, sizeof escaped));
    }
}

void wire_put(struct wire *wire, enum wire_encoding encoding, struct span data)
{
    bool is_fit = encoding == WIRE_HEADER ? is_header_value(data) : is_utf8(data);
    if (encoding != WIRE_RAW && !is_fit) {
        wire->is_refused = true;
        return;
    }
    switch (encoding) {
    case WIRE_RAW:
    case WIRE_HEADER:
        strbuf_put(&wire->hidden, data);
        return;
    case WIRE_URL:
    case WIRE_FORM:
        put_percent(&wire->hidden, data, encoding == WIRE_FORM);
        return;
    case WIRE_JSON_TEXT:
        strbuf_put_json_text(&wire->hidden, data);
        return;
    }
    UNREACHABLE();
}

void wire_put_u64(struct wire *wire, uint64_t value)
{
    strbuf_put_u64(&wire->hidden, value);
}

bool wire_is_whole(const struct wire *wire)
{
    return !wire->is_refused && !wire->hidden.is_overflowed;
}

struct span wire_reveal(const struct wire *wire)
{
    ASSERT(wire_is_whole(wire));
    return strbuf_span(&wire->hidden);
}

void wire_wipe(struct wire *wire)
{
    wipe(wire->hidden.data, wire->hidden.len);
    *wire = wire_over(wire->hidden.data, wire->hidden.cap);
}
