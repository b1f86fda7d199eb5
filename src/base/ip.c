// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The C library reads and writes the text: its inet_pton takes four decimal parts and nothing
// else, where inet_aton would take "127.1" and octal too.
#include "base/ip.h"

#include "base/assert.h"
#include "base/number.h"

#include <arpa/inet.h>

#define V4_BITS 32U
#define V6_BITS 128U
#define MAPPED_BITS (V6_BITS - V4_BITS) // that stand before a mapped IPv4 address
#define ITEM_SHOWN_BYTES_MAX 64

static const uint8_t mapped[MAPPED_BITS / 8] = {[10] = 0xFF, [11] = 0xFF};

bool ip_is_v4(const struct ip *ip)
{
    return span_eq(span_make(ip->bytes, sizeof mapped), span_make(mapped, sizeof mapped));
}

bool ip_parse(struct span text, struct ip *out)
{
    char copy[IP_TEXT_BYTES_MAX] = {0};
    struct ip ip;
    if (text.len == 0 || text.len >= sizeof copy)
        return false;
    memcpy(copy, text.data, text.len);
    if (strlen(copy) != text.len)
        return false;
    bool is_v6 = span_find(text, ':') < text.len;
    memcpy(ip.bytes, mapped, sizeof mapped);
    void *at = is_v6 ? ip.bytes : ip.bytes + sizeof mapped;
    if (inet_pton(is_v6 ? AF_INET6 : AF_INET, copy, at) != 1)
        return false;
    *out = ip;
    return true;
}

void ip_put(const struct ip *ip, struct strbuf *out)
{
    char text[IP_TEXT_BYTES_MAX];
    bool is_v4 = ip_is_v4(ip);
    const void *at = is_v4 ? ip->bytes + sizeof mapped : ip->bytes;
    const char *written = inet_ntop(is_v4 ? AF_INET : AF_INET6, at, text, sizeof text);
    ASSERT(written != NULL);
    strbuf_put_text(out, text);
}

static bool is_bit_equal(const struct ip *a, const struct ip *b, unsigned bit)
{
    unsigned difference = (unsigned)(a->bytes[bit / 8] ^ b->bytes[bit / 8]);
    return (difference >> (7 - bit % 8) & 1U) == 0;
}

static bool has_bits_behind(const struct ip *ip, unsigned prefix)
{
    static const struct ip zeros;
    for (unsigned bit = prefix; bit < V6_BITS; bit++) {
        if (!is_bit_equal(ip, &zeros, bit))
            return true;
    }
    return false;
}

static bool range_has(const struct ip_range *range, const struct ip *ip)
{
    unsigned whole = range->prefix / 8;
    if (ip_is_v4(&range->first) != ip_is_v4(ip))
        return false;
    if (!span_eq(span_make(range->first.bytes, whole), span_make(ip->bytes, whole)))
        return false;
    for (unsigned bit = 8 * whole; bit < range->prefix; bit++) {
        if (!is_bit_equal(&range->first, ip, bit))
            return false;
    }
    return true;
}

// NULL, or what is wrong with it. A mapped address counts its prefix as IPv6 does.
static const char *read_range(struct span text, struct ip_range *out)
{
    uint64_t prefix;
    size_t slash = span_find(text, '/');
    struct span address = span_first(text, slash);
    if (!ip_parse(address, &out->first))
        return "is no IP address or range of them, as in 10.0.0.0/8 or 2001:db8::1";
    out->prefix = V6_BITS;
    if (slash == text.len)
        return NULL;
    bool is_v6 = span_find(address, ':') < address.len;
    unsigned before = is_v6 ? 0 : MAPPED_BITS;
    if (!parse_u64(span_from(text, slash + 1), V6_BITS - before, &prefix))
        return is_v6 ? "has no prefix of 1 to 128 bits" : "has no prefix of 1 to 32 bits";
    out->prefix = before + (unsigned)prefix;
    if (prefix == 0 || (ip_is_v4(&out->first) && out->prefix <= MAPPED_BITS))
        return "is everybody";
    return has_bits_behind(&out->first, out->prefix) ? "has bits set behind its prefix" : NULL;
}

static enum err refuse(struct span item, const char *why, struct err_info *info)
{
    err_info_set(info, "\"%.*s\" %s", (int)span_first(item, ITEM_SHOWN_BYTES_MAX).len,
                 (const char *)item.data, why);
    return ERR_INVALID;
}

enum err ip_ranges_parse(struct span text, struct ip_ranges *out, struct err_info *info)
{
    struct span rest = text;
    out->held = 0;
    while (rest.len > 0) {
        struct span item = span_split(rest, ' ', &rest);
        if (item.len == 0)
            continue;
        if (out->held == IP_RANGES_MAX)
            return refuse(item, "is one too many: there may be 32", info);
        const char *why = read_range(item, &out->items[out->held]);
        if (why != NULL)
            return refuse(item, why, info);
        out->held++;
    }
    return ERR_OK;
}

bool ip_ranges_have(const struct ip_ranges *ranges, const struct ip *ip)
{
    for (size_t i = 0; i < ranges->held; i++) {
        if (range_has(&ranges->items[i], ip))
            return true;
    }
    return false;
}
