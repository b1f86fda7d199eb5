// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "service/brand_origin.h"

// A browser sends scheme and host in lower case, the host in its ASCII form, and no default port;
// and the comparison is of bytes. So what a browser would never send is refused here, with the
// reason, rather than taken and never matched.
//
// "null" is what sandboxed frames and files send, whoever made them: allowing it allows anybody.

#include "base/number.h"

struct origin_parts {
    struct span scheme;
    struct span host;
    struct span port; // data NULL: none
};

static bool is_lower_letter(uint8_t byte)
{
    return byte >= 'a' && byte <= 'z';
}

static bool is_one_of(uint8_t byte, const char *set)
{
    return byte != 0 && strchr(set, byte) != NULL;
}

// RFC 3986 section 3.1.
static bool is_scheme(struct span text)
{
    if (text.len == 0 || !is_lower_letter(text.data[0]))
        return false;
    for (size_t i = 1; i < text.len; i++) {
        uint8_t byte = text.data[i];
        if (!is_lower_letter(byte) && !ascii_is_digit(byte) && !is_one_of(byte, "+-."))
            return false;
    }
    return true;
}

static bool is_name_host(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.data[i];
        if (!is_lower_letter(byte) && !ascii_is_digit(byte) && !is_one_of(byte, "-._"))
            return false;
    }
    return text.len > 0;
}

// An IPv6 address between brackets; whether it is the canonical spelling is not looked at.
static bool is_bracket_host(struct span text)
{
    if (text.len < 4 || text.data[0] != '[' || text.data[text.len - 1] != ']')
        return false;
    for (size_t i = 1; i < text.len - 1; i++) {
        if (!ascii_is_digit(text.data[i]) && !is_one_of(text.data[i], "abcdef:."))
            return false;
    }
    return true;
}

// Splits "host" or "host:port"; the colons of an IPv6 address are between brackets.
static void split_port(struct span authority, struct origin_parts *parts)
{
    size_t from = authority.len > 0 && authority.data[0] == '[' ? span_find(authority, ']') : 0;
    size_t colon = from + span_find(span_from(authority, from), ':');
    parts->host = span_first(authority, colon);
    if (colon < authority.len)
        parts->port = span_from(authority, colon + 1);
}

static bool split_origin(struct span text, struct origin_parts *parts)
{
    size_t colon = span_find(text, ':');
    struct span rest = span_from(text, colon);
    *parts = (struct origin_parts){.scheme = span_first(text, colon)};
    if (!span_starts_with(rest, SPAN("://")))
        return false;
    split_port(span_from(rest, 3), parts);
    return true;
}

static bool is_default_port(struct span scheme, uint64_t port)
{
    return (span_eq(scheme, SPAN("http")) && port == 80) ||
           (span_eq(scheme, SPAN("https")) && port == 443);
}

static const char *why_not_port(const struct origin_parts *parts)
{
    uint64_t port;
    if (parts->port.data == NULL)
        return NULL;
    if (!parse_u64(parts->port, 65535, &port) || port == 0 || parts->port.data[0] == '0')
        return "a port is 1 to 65535, and a path or a final slash does not belong there";
    if (is_default_port(parts->scheme, port))
        return "browsers leave out the scheme's own port: leave it out too";
    return NULL;
}

static bool has_upper_letter(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] >= 'A' && text.data[i] <= 'Z')
            return true;
    }
    return false;
}

// NULL when a browser may send `text` as its origin.
static const char *why_not_origin(struct span text)
{
    struct origin_parts parts;
    if (span_eq(text, SPAN("*")))
        return "* stands alone";
    if (span_eq(text, SPAN("null")))
        return "null is what any sandboxed page sends";
    if (text.len > BRAND_ORIGIN_BYTES_MAX)
        return "it is too long";
    if (has_upper_letter(text))
        return "browsers send it in lower case: write it so";
    if (!split_origin(text, &parts) || !is_scheme(parts.scheme))
        return "it is not scheme://host or scheme://host:port";
    if (!is_name_host(parts.host) && !is_bracket_host(parts.host))
        return "its host is not a name in ASCII or an address; a path or a final slash does not "
               "belong there";
    return why_not_port(&parts);
}

static enum err refuse(struct span text, const char *why, struct err_info *info)
{
    int shown = (int)span_first(text, 64).len;
    err_info_set(info, "\"%.*s\": %s", shown, (const char *)text.data, why);
    return ERR_INVALID;
}

enum err origin_list_parse(struct span text, struct origin_list *out, struct err_info *info)
{
    *out = (struct origin_list){.is_any = span_eq(span_trim(text), SPAN("*"))};
    if (out->is_any)
        return ERR_OK;
    while (text.len > 0) {
        struct span origin = span_split(text, ' ', &text);
        if (origin.len == 0)
            continue;
        const char *why = why_not_origin(origin);
        if (why == NULL && out->held == BRAND_ORIGINS_MAX)
            why = "one origin too many: at most 16";
        if (why != NULL)
            return refuse(origin, why, info);
        out->origins[out->held++] = origin;
    }
    return ERR_OK;
}
