// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Clients cut tokens apart with string functions, so that the order of the members is part of the
// contract:
//
//   header   {"idv":["MOBILE|919999999993"],"dev":"<device>"|null,"org":"<BRAND>","alg":"HS256"}
//            a username's: {"idv":["MOBILE|919999999993","USERNAME|somebody"],…}
//   VIEW     {"iss":…,"ogc":[…],"exp":s,"iat":s,"rol":"VIEW"}
//   USER     {"uid":"<digits>","iss":…,"isc":"false","ogc":[…],"exp":s,"iat":s,"rol":"USER"}
//   AUTH     {"uid":"<digits>","iss":…,"mfa":false,["exp":s,]"iat":s,"rol":"AUTH"}
#include "api/token.h"

#include "base/assert.h"

struct role_row {
    const char *name;
    bool has_uid;
    struct span after_issuer;
    bool has_ogc;
};

static const struct role_row role_rows[] = {
    [TOKEN_VIEW] = {.name = "VIEW", .has_ogc = true},
    [TOKEN_USER] = {.name = "USER",
                    .has_uid = true,
                    .after_issuer = SPAN(",\"isc\":\"false\""),
                    .has_ogc = true},
    [TOKEN_AUTH] = {.name = "AUTH", .has_uid = true, .after_issuer = SPAN(",\"mfa\":false")},
};

_Static_assert(sizeof role_rows / sizeof role_rows[0] == TOKEN_ROLE_COUNT_, "a row for each");

static const struct role_row *row_of(enum token_role role)
{
    ASSERT(role < TOKEN_ROLE_COUNT_);
    return &role_rows[role];
}

const char *token_role_name(enum token_role role)
{
    return row_of(role)->name;
}

static void put_identity(struct strbuf *json, enum identifier_type type, struct span value)
{
    uint8_t storage[16 + ADDRESS_VALUE_BYTES_MAX];
    struct strbuf identity = strbuf_over(storage, sizeof storage);
    strbuf_put(&identity, identifier_type_name(type));
    strbuf_put_byte(&identity, '|');
    strbuf_put(&identity, value);
    ASSERT(!identity.is_overflowed);
    strbuf_put_json_string(json, strbuf_span(&identity));
}

// A username comes after the address that proved it.
static void put_identities(struct strbuf *json, const struct identifier *identifier)
{
    if (identifier->type == IDENTIFIER_USERNAME) {
        const struct address *to = identifier_to(identifier);
        ASSERT(to != NULL);
        put_identity(json, to->kind == ADDRESS_EMAIL ? IDENTIFIER_EMAIL : IDENTIFIER_MOBILE,
                     address_value(to));
        strbuf_put_byte(json, ',');
    }
    put_identity(json, identifier->type, address_value(&identifier->address));
}

static void put_header(struct strbuf *json, const struct token_claims *claims)
{
    strbuf_put(json, SPAN("{\"idv\":["));
    put_identities(json, claims->identifier);
    strbuf_put(json, SPAN("],\"dev\":"));
    if (span_is_empty(claims->device))
        strbuf_put(json, SPAN("null"));
    else
        strbuf_put_json_string(json, claims->device);
    strbuf_put(json, SPAN(",\"org\":"));
    strbuf_put_json_string(json, claims->brand->name_upper);
    strbuf_put(json, SPAN(",\"alg\":\"HS256\"}"));
}

static void put_uid(struct strbuf *json, uint64_t uid)
{
    strbuf_put(json, SPAN("\"uid\":\""));
    strbuf_put_u64(json, uid);
    strbuf_put(json, SPAN("\","));
}

static void put_ogc(struct strbuf *json, struct span ogc)
{
    strbuf_put(json, SPAN(",\"ogc\":["));
    strbuf_put_json_string(json, ogc);
    strbuf_put_byte(json, ']');
}

static void put_payload(struct strbuf *json, const struct token_claims *claims)
{
    const struct role_row *row = row_of(claims->role);
    strbuf_put_byte(json, '{');
    if (row->has_uid)
        put_uid(json, claims->uid);
    strbuf_put(json, SPAN("\"iss\":"));
    strbuf_put_json_string(json, span_of_text(claims->brand->settings.issuer));
    strbuf_put(json, row->after_issuer);
    if (row->has_ogc)
        put_ogc(json, claims->brand->ogc);
    if (claims->expires_at_s != 0) {
        strbuf_put(json, SPAN(",\"exp\":"));
        strbuf_put_i64(json, claims->expires_at_s);
    }
    strbuf_put(json, SPAN(",\"iat\":"));
    strbuf_put_i64(json, claims->issued_at_s);
    strbuf_put(json, SPAN(",\"rol\":\""));
    strbuf_put_text(json, row->name);
    strbuf_put(json, SPAN("\"}"));
}

static void put_encoded(struct strbuf *out, const struct strbuf *json)
{
    ASSERT(!json->is_overflowed);
    strbuf_put_base64url(out, strbuf_span(json));
}

void token_write(const struct token_claims *claims, struct strbuf *out)
{
    uint8_t header_storage[TOKEN_HEADER_BYTES_MAX];
    uint8_t payload_storage[TOKEN_PAYLOAD_BYTES_MAX];
    struct strbuf header = strbuf_over(header_storage, sizeof header_storage);
    struct strbuf payload = strbuf_over(payload_storage, sizeof payload_storage);
    put_header(&header, claims);
    put_payload(&payload, claims);

    size_t start = out->len;
    put_encoded(out, &header);
    strbuf_put_byte(out, '.');
    put_encoded(out, &payload);
    ASSERT(!out->is_overflowed);
    uint8_t signature[HS256_BYTES];
    hs256_sign(&brand_signing_key(claims->brand)->hs256, span_from(strbuf_span(out), start),
               signature);
    strbuf_put_byte(out, '.');
    strbuf_put_base64url(out, span_make(signature, sizeof signature));
    ASSERT(!out->is_overflowed);
}
