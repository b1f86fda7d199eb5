// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Masks: enough for a person to recognise his own address, too little to call or write to him. The
// number of bullets is fixed, so that a mask does not tell how long the address is.
#include "base/assert.h"
#include "base/ip.h"
#include "base/strbuf.h"
#include "telemetry/log.h"
#include "telemetry/utf8.h"

#define SHOWN_FIRST 2U     // digits: about the country code
#define SHOWN_V4_BYTES 15U // of an address in its mapped form: 24 bits of IPv4
#define SHOWN_V6_BYTES 6U
#define BULLET "\xE2\x80\xA2"
#define THREE_BULLETS BULLET BULLET BULLET
#define FIVE_BULLETS THREE_BULLETS BULLET BULLET

// A short number would be given away by what its ends leave to guess.
static size_t shown_last(size_t digits)
{
    if (digits >= 10)
        return 3;
    return digits >= 8 ? 2 : 0;
}

static bool is_all_digits(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!ascii_is_digit(text.data[i]))
            return false;
    }
    return text.len > 0;
}

static void put_number(struct strbuf *out, struct span digits)
{
    size_t last = shown_last(digits.len);
    strbuf_put_byte(out, '+');
    strbuf_put(out, span_first(digits, last > 0 ? SHOWN_FIRST : 0));
    strbuf_put(out, SPAN(FIVE_BULLETS));
    strbuf_put(out, span_from(digits, digits.len - last));
}

// The last "@" counts: a quoted local part may have one of its own (RFC 5321 section 4.1.2).
static size_t at_sign(struct span text)
{
    size_t at = text.len;
    while (at > 0 && text.data[at - 1] != '@')
        at--;
    return at;
}

static void put_name(struct strbuf *out, struct span name)
{
    uint32_t point;
    size_t first = utf8_next(name, &point);
    if (first < name.len)
        strbuf_put(out, span_first(name, first));
    strbuf_put(out, SPAN(THREE_BULLETS));
}

static void put_email(struct strbuf *out, struct span address, size_t at)
{
    put_name(out, span_first(address, at - 1));
    strbuf_put_byte(out, '@');
    strbuf_put(out, span_from(address, at));
}

static void give(const struct strbuf *mask, char *out, size_t cap)
{
    ASSERT(cap > 0);
    struct span fits = utf8_first(strbuf_span(mask), cap - 1);
    memcpy(out, fits.data, fits.len);
    out[fits.len] = '\0';
}

void mask_username(struct span username, char *out, size_t cap)
{
    uint8_t room[32];
    struct strbuf mask = strbuf_over(room, sizeof room);
    put_name(&mask, username);
    give(&mask, out, cap);
}

void mask_address(struct span address, char *out, size_t cap)
{
    uint8_t room[512];
    struct strbuf mask = strbuf_over(room, sizeof room);
    struct span digits =
        address.len > 0 && address.data[0] == '+' ? span_from(address, 1) : address;
    size_t at = at_sign(address);
    if (is_all_digits(digits))
        put_number(&mask, digits);
    else if (at > 0)
        put_email(&mask, address, at);
    else
        strbuf_put(&mask, SPAN(THREE_BULLETS));
    give(&mask, out, cap);
}

// What is left of IPv4 ends in the 0 of its last part; of IPv6 in "::", since no other run of zeros
// is as long.
void mask_network(struct span ip, char out[MASK_NETWORK_BYTES_MAX])
{
    struct ip address;
    struct strbuf mask = strbuf_over(out, MASK_NETWORK_BYTES_MAX - 1);
    if (ip_parse(ip, &address)) {
        bool is_v4 = ip_is_v4(&address);
        size_t shown = is_v4 ? SHOWN_V4_BYTES : SHOWN_V6_BYTES;
        memset(address.bytes + shown, 0, sizeof address.bytes - shown);
        ip_put(&address, &mask);
        mask.len -= is_v4 ? 1 : 0;
    }
    strbuf_put(&mask, SPAN(THREE_BULLETS));
    ASSERT(!mask.is_overflowed);
    out[mask.len] = '\0';
}
