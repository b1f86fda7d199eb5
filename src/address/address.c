// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "address/address.h"

#include "address/kinds.h"
#include "address/phone.h"
#include "base/assert.h"

// They are part of record keys: never change one.
static const uint8_t letters[] = {
    [ADDRESS_MOBILE] = 'M',
    [ADDRESS_EMAIL] = 'E',
    [ADDRESS_USERNAME] = 'U',
};

static bool parse_value(enum address_kind kind, struct span spelling, struct span default_country,
                        struct strbuf *value)
{
    switch (kind) {
    case ADDRESS_MOBILE:
        return mobile_parse(spelling, default_country, value);
    case ADDRESS_EMAIL:
        return email_parse(spelling, value);
    case ADDRESS_USERNAME:
        return username_parse(spelling, value);
    }
    UNREACHABLE();
}

bool address_parse(enum address_kind kind, struct span spelling, struct span default_country,
                   struct address *out)
{
    ASSERT(kind < sizeof letters);
    struct strbuf value = strbuf_over(out->text + 1, ADDRESS_VALUE_BYTES_MAX);
    if (!parse_value(kind, spelling, default_country, &value) || value.is_overflowed)
        return false;
    out->kind = kind;
    out->text[0] = letters[kind];
    out->len = (uint16_t)(1 + value.len);
    return true;
}

bool address_has_country(struct span country)
{
    return phone_has_country(country);
}

bool address_of_run(struct span run, struct address *out)
{
    if (run.len < 2 || run.len > sizeof out->text)
        return false;
    bool is_mobile = run.data[0] == letters[ADDRESS_MOBILE];
    if (!is_mobile && run.data[0] != letters[ADDRESS_EMAIL])
        return false;
    out->kind = is_mobile ? ADDRESS_MOBILE : ADDRESS_EMAIL;
    out->len = (uint16_t)run.len;
    memcpy(out->text, run.data, run.len);
    return true;
}
