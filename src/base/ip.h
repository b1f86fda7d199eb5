// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// IP addresses and ranges of them as values. An address has one form only: IPv4 that comes mapped
// into IPv6 (::ffff:192.0.2.7) is that IPv4 address, and no IPv6 range has an IPv4 address in it.

#include "base/err.h"
#include "base/strbuf.h"

#define IP_TEXT_BYTES_MAX 46U // INET6_ADDRSTRLEN
#define IP_RANGES_MAX 32U

struct ip {
    uint8_t bytes[16]; // in network order; IPv4 in its mapped form
};

struct ip_range {
    struct ip first;
    unsigned prefix; // bits, of 128
};

struct ip_ranges {
    size_t held;
    struct ip_range items[IP_RANGES_MAX];
};

// "192.0.2.7" in four decimal parts, or "2001:db8::7" without brackets, port or zone.
bool ip_parse(struct span text, struct ip *out);

bool ip_is_v4(const struct ip *ip);

// In its one spelling (RFC 5952), in at most IP_TEXT_BYTES_MAX bytes.
void ip_put(const struct ip *ip, struct strbuf *out);

// Addresses and CIDR ranges, "10.0.0.0/8 192.0.2.7 2001:db8::/32", separated by spaces; an empty
// text is no range. ERR_INVALID with a story that names the first bad item: no such address, bits
// behind the prefix (a slip of either half), a prefix of 0 (everybody), or more than IP_RANGES_MAX.
MUST_CHECK enum err ip_ranges_parse(struct span text, struct ip_ranges *out, struct err_info *info);

bool ip_ranges_have(const struct ip_ranges *ranges, const struct ip *ip);
