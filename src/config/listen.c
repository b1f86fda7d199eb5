// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Numbers only: a name that is looked up could be another address tomorrow, or several. "localhost"
// means 127.0.0.1, whatever the machine's tables say, because --dev depends on its being loopback.
#include "config/config.h"

#include "base/number.h"

#include <arpa/inet.h>

static bool copy_host(struct span host, struct config_address *out)
{
    if (host.len == 0 || host.len >= sizeof out->host)
        return false;
    memcpy(out->host, host.data, host.len);
    out->host[host.len] = '\0';
    return strlen(out->host) == host.len;
}

static bool parse_ipv6(struct span host, struct config_address *out)
{
    static const struct in6_addr loopback = IN6ADDR_LOOPBACK_INIT;
    struct in6_addr address;
    if (!copy_host(host, out) || inet_pton(AF_INET6, out->host, &address) != 1)
        return false;
    out->is_ipv6 = true;
    out->is_loopback = IN6_ARE_ADDR_EQUAL(&address, &loopback);
    return true;
}

// inet_pton takes four decimal parts and nothing else; the old forms ("127.1", octal) are refused.
static bool parse_ipv4(struct span host, struct config_address *out)
{
    struct in_addr address;
    struct span number = span_eq(host, SPAN("localhost")) ? SPAN("127.0.0.1") : host;
    if (!copy_host(number, out) || inet_pton(AF_INET, out->host, &address) != 1)
        return false;
    out->is_loopback = ntohl(address.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET;
    return true;
}

bool config_listen_parse(struct span text, struct config_address *out)
{
    *out = (struct config_address){.port = 0};
    size_t colon = text.len; // becomes one past the last colon; those before it are IPv6's
    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    uint64_t port;
    if (colon == 0 || !parse_u64(span_from(text, colon), UINT16_MAX, &port))
        return false;
    out->port = (uint16_t)port;
    struct span host = span_first(text, colon - 1);
    bool has_brackets = host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']';
    if (has_brackets)
        return parse_ipv6(span_make(host.data + 1, host.len - 2), out);
    return parse_ipv4(host, out);
}
