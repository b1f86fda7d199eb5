// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Whose request it is when proxies stand between. Each proxy on the way adds to the right of
// X-Forwarded-For the address that it was called from, so the list is believed from the right, and
// only as far as those who wrote it are trusted: whatever stands further left, anybody may have
// made up. Only X-Forwarded-For is read: Forwarded (RFC 7239), X-Real-IP and the like are not, so
// that nobody has to know which of two that differ would win.

#include "base/ip.h"
#include "http/http.h"

// The socket's peer, unless it is trusted; then the right-most address of X-Forwarded-For (its
// lines joined in order) that is not itself trusted, or the left-most when all are. What is no
// address ends the walk at the hop before, and so do HTTP_FORWARDED_HOPS_MAX of them. The result is
// `peer`, or a text in `out` in the address's one spelling.
struct span http_client_address(const struct ip_ranges *trusted, struct span peer,
                                const struct http_request *request, uint8_t out[IP_TEXT_BYTES_MAX]);

// One element of the list, spaces around it left out: an address, also as "192.0.2.7:1234",
// "[2001:db8::1]" or "[2001:db8::1]:80". False: anything else, such as "unknown" or nothing.
bool http_client_hop_parse(struct span element, struct ip *out);
