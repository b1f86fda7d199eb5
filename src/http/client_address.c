// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "http/client_address.h"

#include "base/number.h"
#include "http/limits.h"

#define PORT_DIGITS_MAX 5U

struct walk {
    const struct ip_ranges *trusted;
    struct ip client; // so far
    bool has_moved;   // away from the peer
    size_t hops_left;
};

static bool is_port(struct span text)
{
    uint64_t port;
    return text.len <= PORT_DIGITS_MAX && parse_u64(text, UINT16_MAX, &port);
}

static bool parse_bracketed(struct span text, struct ip *out)
{
    size_t end = span_find(text, ']');
    struct span inside = span_from(span_first(text, end), 1);
    struct span behind = span_from(text, end + 1);
    if (end == text.len || span_find(inside, ':') == inside.len)
        return false;
    if (behind.len > 0 && (behind.data[0] != ':' || !is_port(span_from(behind, 1))))
        return false;
    return ip_parse(inside, out);
}

// One colon parts a port from IPv4; IPv6 has at least two.
bool http_client_hop_parse(struct span element, struct ip *out)
{
    struct span port;
    struct span text = span_trim(element);
    if (text.len > 0 && text.data[0] == '[')
        return parse_bracketed(text, out);
    struct span host = span_split(text, ':', &port);
    bool has_port = host.len < text.len && span_find(port, ':') == port.len;
    if (has_port)
        return is_port(port) && ip_parse(host, out);
    return ip_parse(text, out);
}

// True: the hop is a trusted one, and whoever called it stands to its left.
static bool step(struct walk *walk, struct span element)
{
    struct ip ip;
    if (walk->hops_left == 0 || !http_client_hop_parse(element, &ip))
        return false;
    walk->hops_left--;
    walk->client = ip;
    walk->has_moved = true;
    return ip_ranges_have(walk->trusted, &ip);
}

static size_t behind_last_comma(struct span list)
{
    size_t at = list.len;
    while (at > 0 && list.data[at - 1] != ',')
        at--;
    return at;
}

// True: every hop of the line is trusted. An empty line is one empty element.
static bool walk_line(struct walk *walk, struct span list)
{
    for (;;) {
        size_t at = behind_last_comma(list);
        if (!step(walk, span_from(list, at)))
            return false;
        if (at == 0)
            return true;
        list = span_first(list, at - 1);
    }
}

struct span http_client_address(const struct ip_ranges *trusted, struct span peer,
                                const struct http_request *request, uint8_t out[IP_TEXT_BYTES_MAX])
{
    struct walk walk = {.trusted = trusted, .hops_left = HTTP_FORWARDED_HOPS_MAX};
    bool is_trusted =
        trusted->held > 0 && ip_parse(peer, &walk.client) && ip_ranges_have(trusted, &walk.client);
    for (size_t i = request->fields_held; is_trusted && i > 0; i--) {
        const struct http_field *field = &request->fields[i - 1];
        if (span_eq_nocase(field->name, SPAN("X-Forwarded-For")))
            is_trusted = walk_line(&walk, field->value);
    }
    if (!walk.has_moved)
        return peer;
    struct strbuf text = strbuf_over(out, IP_TEXT_BYTES_MAX);
    ip_put(&walk.client, &text);
    return strbuf_span(&text);
}
