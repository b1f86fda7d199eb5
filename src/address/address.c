// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "address/address.h"

#include "address/kinds.h"
#include "base/assert.h"

// They are part of record keys: never change one.
static const uint8_t letters[] = {
    [ADDRESS_MOBILE] = 'M',
    [ADDRESS_EMAIL] = 'E',
};

bool address_parse(enum address_kind kind, struct span spelling, struct span default_country,
                   struct address *out)
{
    ASSERT(kind < sizeof letters);
    struct strbuf value = strbuf_over(out->text + 1, ADDRESS_VALUE_BYTES_MAX);
    bool is_address = kind == ADDRESS_MOBILE ? mobile_parse(spelling, default_country, &value)
                                             : email_parse(spelling, &value);
    if (!is_address || value.is_overflowed)
        return false;
    out->kind = kind;
    out->text[0] = letters[kind];
    out->len = (uint16_t)(1 + value.len);
    return true;
}
