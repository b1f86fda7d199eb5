// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "admin/dev_guard.h"

#include "admin/reply.h"
#include "base/number.h"

// Without the port. A name or an IPv4 address has no colon of its own, an IPv6 address has
// brackets.
static struct span without_port(struct span host)
{
    struct span port = span_make(NULL, 0);
    uint64_t number;
    bool is_bracketed = host.len > 0 && host.data[0] == '[';
    size_t name_len = is_bracketed ? span_find(host, ']') + 1 : span_find(host, ':');
    if (name_len >= host.len)
        return host;
    port = span_from(host, name_len + 1);
    bool is_port = host.data[name_len] == ':' && parse_u64(port, 65535, &number);
    return is_port ? span_first(host, name_len) : span_make(host.data, 0);
}

// Four decimal numbers: nothing shorter, hexadecimal or octal, which a resolver might read in
// another way.
static bool is_loopback_ipv4(struct span text)
{
    struct span rest = text;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t number;
        struct span part = span_split(rest, '.', &rest);
        if (part.len > 3 || !parse_u64(part, 255, &number))
            return false;
        if ((i == 0 && number != 127) || (part.len > 1 && part.data[0] == '0'))
            return false;
    }
    return rest.len == 0 && text.data[text.len - 1] != '.';
}

bool dev_guard_is_loopback(struct span host)
{
    struct span name = without_port(host);
    return span_eq_nocase(name, SPAN("localhost")) || span_eq(name, SPAN("[::1]")) ||
           is_loopback_ipv4(name);
}

bool dev_guard_is_same_origin(struct span origin, struct span host)
{
    static const struct span schemes[] = {SPAN("http://"), SPAN("https://")};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (span_starts_with(origin, schemes[i]))
            return span_eq_nocase(span_from(origin, schemes[i].len), host);
    }
    return origin.len == 0;
}

bool dev_guard_admit(struct http_exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    if (!dev_guard_is_loopback(request->host)) {
        admin_reply_error(exchange, 403, SPAN("Only loopback names are served here"));
        return false;
    }
    if (!dev_guard_is_same_origin(request->origin, request->host)) {
        admin_reply_error(exchange, 403, SPAN("Other origins are not served here"));
        return false;
    }
    return true;
}
