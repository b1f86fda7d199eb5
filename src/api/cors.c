// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "api/cors.h"

#define REQUESTED_HEADERS_BYTES_MAX 256U

// "null" is what sandboxed frames and local files send: whoever allowed it would allow everybody.
static bool may_be_allowed(struct span origin)
{
    return !span_is_empty(origin) && !span_eq(origin, SPAN("null"));
}

static bool is_listed(const struct brand *brand, struct span origin)
{
    for (size_t i = 0; i < brand->origins_held; i++) {
        if (span_eq(brand->origins[i], origin))
            return true;
    }
    return false;
}

enum cors_grant cors_grant_of_brand(const struct brand *brand, struct span origin)
{
    if (!may_be_allowed(origin) || !brand_allows_origin(brand, origin))
        return CORS_REFUSED;
    return is_listed(brand, origin) ? CORS_LISTED : CORS_ANY_ORIGIN;
}

enum cors_grant cors_grant_of_set(const struct brand_set *set, struct span origin)
{
    if (!may_be_allowed(origin) || !brand_set_allows_origin(set, origin))
        return CORS_REFUSED;
    for (size_t i = 0; i < brand_set_count(set); i++) {
        if (is_listed(brand_set_at(set, i), origin))
            return CORS_LISTED;
    }
    return CORS_ANY_ORIGIN;
}

static void add_grant(struct http_reply *reply, enum cors_grant grant, struct span origin,
                      bool is_web)
{
    http_reply_add(reply, SPAN("Access-Control-Allow-Origin"), origin);
    http_reply_add(reply, SPAN("Vary"), SPAN("Origin"));
    if (is_web && grant == CORS_LISTED)
        http_reply_add(reply, SPAN("Access-Control-Allow-Credentials"), SPAN("true"));
}

void cors_add_to_answer(struct http_reply *reply, enum cors_grant grant, struct span origin,
                        bool is_web)
{
    if (grant == CORS_REFUSED)
        return;
    add_grant(reply, grant, origin, is_web);
    http_reply_add(reply, SPAN("Access-Control-Expose-Headers"), SPAN("Retry-After, X-Request-Id"));
}

// RFC 9110 section 5.6.2, and what separates the elements of a list.
static bool is_token_list_byte(uint8_t byte)
{
    bool is_letter = ascii_lower(byte) >= 'a' && ascii_lower(byte) <= 'z';
    return is_letter || ascii_is_digit(byte) || (byte != 0 && strchr("!#$%&'*+-.^_`|~, ", byte));
}

static bool is_sane_list(struct span list)
{
    if (span_is_empty(list) || list.len > REQUESTED_HEADERS_BYTES_MAX)
        return false;
    for (size_t i = 0; i < list.len; i++) {
        if (!is_token_list_byte(list.data[i]))
            return false;
    }
    return true;
}

void cors_add_to_preflight(struct http_reply *reply, enum cors_grant grant,
                           const struct http_request *request, bool is_web)
{
    if (grant == CORS_REFUSED)
        return;
    struct span wanted = http_request_field(request, SPAN("Access-Control-Request-Headers"));
    add_grant(reply, grant, request->origin, is_web);
    http_reply_add(reply, SPAN("Access-Control-Allow-Methods"), SPAN("POST"));
    http_reply_add(reply, SPAN("Access-Control-Allow-Headers"),
                   is_sane_list(wanted) ? wanted : SPAN("content-type"));
    http_reply_add(reply, SPAN("Access-Control-Max-Age"), SPAN("7200"));
}
