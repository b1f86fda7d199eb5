// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "api/identifier.h"

#include "base/assert.h"
#include "base/strbuf.h"

static const struct span type_names[] = {
    [IDENTIFIER_MOBILE] = SPAN("MOBILE"),
    [IDENTIFIER_EMAIL] = SPAN("EMAIL"),
    [IDENTIFIER_USERNAME] = SPAN("USERNAME"),
    [IDENTIFIER_EXTERNAL_ID] = SPAN("EXTERNALID"),
};

_Static_assert(sizeof type_names / sizeof type_names[0] == IDENTIFIER_TYPE_COUNT_, "all named");
_Static_assert(sizeof(((struct address *)0)->text) <= UINT8_MAX, "a run's length is one byte");

struct span identifier_type_name(enum identifier_type type)
{
    ASSERT(type < IDENTIFIER_TYPE_COUNT_);
    return type_names[type];
}

static enum api_status refuse_missing(struct api_fault *fault, const char *member)
{
    *fault = (struct api_fault){.member = member, .what = "is missing"};
    return API_DETAILS_INVALID;
}

// A body of the first app versions names no type.
static enum api_status spell_legacy(struct identifier_spelling *spelling, struct api_fault *fault)
{
    bool has_mobile = !span_is_empty(spelling->mobile);
    if (!has_mobile && span_is_empty(spelling->email))
        return refuse_missing(fault, "identifierType");
    spelling->type = has_mobile ? IDENTIFIER_MOBILE : IDENTIFIER_EMAIL;
    spelling->value = has_mobile ? spelling->mobile : spelling->email;
    return API_SUCCESS;
}

static bool type_find(struct span name, enum identifier_type *type_out)
{
    for (size_t i = 0; i < IDENTIFIER_TYPE_COUNT_; i++) {
        if (!span_eq(type_names[i], name))
            continue;
        *type_out = (enum identifier_type)i;
        return true;
    }
    return false;
}

enum api_status identifier_spell(const struct api_fields *fields,
                                 struct identifier_spelling *spelling_out,
                                 struct api_fault *fault_out)
{
    *spelling_out = (struct identifier_spelling){
        .value = fields->identifier_value.text,
        .mobile = fields->mobile.text,
        .email = fields->email.text,
    };
    if (!api_field_is_present(&fields->identifier_type))
        return spell_legacy(spelling_out, fault_out);
    if (!type_find(fields->identifier_type.text, &spelling_out->type))
        return API_IDENTIFIER_TYPE_INVALID;
    if (!api_field_is_present(&fields->identifier_value))
        return refuse_missing(fault_out, "identifierValue");
    return API_SUCCESS;
}

static void add_other(struct strbuf *others, const struct address *identifier,
                      const struct address *other)
{
    struct span run = address_identifier(other);
    if (span_eq(run, address_identifier(identifier)))
        return;
    strbuf_put_byte(others, (uint8_t)run.len);
    strbuf_put(others, run);
}

static bool parse_others(const struct identifier_spelling *spelling, struct span default_country,
                         struct identifier *identifier)
{
    const struct span spellings[] = {
        [ADDRESS_MOBILE] = spelling->mobile,
        [ADDRESS_EMAIL] = spelling->email,
    };
    struct strbuf others = strbuf_over(identifier->others.bytes, sizeof identifier->others.bytes);
    for (size_t kind = 0; kind < sizeof spellings / sizeof spellings[0]; kind++) {
        struct address other;
        if (span_is_empty(spellings[kind]))
            continue;
        if (!address_parse((enum address_kind)kind, spellings[kind], default_country, &other))
            return false;
        add_other(&others, &identifier->address, &other);
    }
    ASSERT(!others.is_overflowed);
    identifier->others.len = others.len;
    return true;
}

// Both are looked at, so that a wrong one is not taken for none.
static bool parse_to(const struct identifier_spelling *spelling, struct span default_country,
                     struct identifier *identifier)
{
    struct address email, *to = &identifier->to;
    bool has_mobile = !span_is_empty(spelling->mobile);
    bool has_email = !span_is_empty(spelling->email);
    to->len = 0;
    if (has_email && !address_parse(ADDRESS_EMAIL, spelling->email, SPAN(""), &email))
        return false;
    if (has_mobile)
        return address_parse(ADDRESS_MOBILE, spelling->mobile, default_country, to);
    if (!has_email)
        return true;
    *to = email;
    return address_value(to).len <= USERNAME_EMAIL_BYTES_MAX;
}

static const enum address_kind kinds[] = {
    [IDENTIFIER_MOBILE] = ADDRESS_MOBILE,
    [IDENTIFIER_EMAIL] = ADDRESS_EMAIL,
    [IDENTIFIER_USERNAME] = ADDRESS_USERNAME,
};

enum api_status identifier_parse(const struct identifier_spelling *spelling,
                                 struct span default_country, struct identifier *identifier_out)
{
    if (spelling->type == IDENTIFIER_EXTERNAL_ID)
        return API_EXTERNAL_ID_OFF;
    identifier_out->type = spelling->type;
    if (!address_parse(kinds[spelling->type], spelling->value, default_country,
                       &identifier_out->address))
        return API_DETAILS_INVALID;
    bool is_good = spelling->type == IDENTIFIER_USERNAME
                       ? parse_to(spelling, default_country, identifier_out)
                       : parse_others(spelling, default_country, identifier_out);
    return is_good ? API_SUCCESS : API_DETAILS_INVALID;
}

bool identifier_is_taken(const struct identifier_spelling *spelling, const struct brand *brand)
{
    return spelling->type == IDENTIFIER_EXTERNAL_ID ||
           brand_takes_identifier(brand, kinds[spelling->type]);
}

const struct address *identifier_to(const struct identifier *identifier)
{
    if (identifier->type != IDENTIFIER_USERNAME)
        return &identifier->address;
    return identifier->to.len > 0 ? &identifier->to : NULL;
}

struct span identifier_others(const struct identifier *identifier)
{
    if (identifier->type == IDENTIFIER_USERNAME)
        return address_identifier(&identifier->to);
    return span_make(identifier->others.bytes, identifier->others.len);
}
