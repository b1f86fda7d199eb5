// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "address/address.h"

#include "address/kinds.h"
#include "base/assert.h"

struct kind {
    uint8_t letter;
    bool (*parse)(struct span spelling, struct strbuf *out);
};

// The letters are part of record keys: never change one.
static const struct kind kinds[] = {
    [ADDRESS_MOBILE] = {'M', mobile_parse},
    [ADDRESS_EMAIL] = {'E', email_parse},
};

bool address_parse(enum address_kind kind, struct span spelling, struct address *out)
{
    ASSERT(kind < sizeof kinds / sizeof kinds[0]);
    struct strbuf value = strbuf_over(out->text + 1, ADDRESS_VALUE_BYTES_MAX);
    if (!kinds[kind].parse(spelling, &value) || value.is_overflowed)
        return false;
    out->kind = kind;
    out->text[0] = kinds[kind].letter;
    out->len = (uint16_t)(1 + value.len);
    return true;
}
