// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Whatever comes in, in whichever country: a canonical number has the form that is promised, is its
// own canonical form, and with a plus is the same everywhere.
#include "address/address.h"
#include "base/assert.h"
#include "base/strbuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_form(struct span value)
{
    ASSERT(value.len >= 7 && value.len <= 15);
    ASSERT(value.data[0] != '0');
    for (size_t i = 0; i < value.len; i++)
        ASSERT(ascii_is_digit(value.data[i]));
}

static void check_stands(struct span spelling, struct span country, struct span value)
{
    struct address again;
    ASSERT(address_parse(ADDRESS_MOBILE, spelling, country, &again));
    ASSERT(span_eq(value, address_value(&again)));
}

// The first two bytes are the country: letters, or something that is none.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span all = span_make(data, size);
    struct span country = span_first(all, 2);
    struct address address;
    if (!address_parse(ADDRESS_MOBILE, span_from(all, 2), country, &address))
        return 0;
    struct span value = address_value(&address);
    check_form(value);
    check_stands(value, SPAN(""), value);
    uint8_t storage[16];
    struct strbuf with_plus = strbuf_over(storage, sizeof storage);
    strbuf_put_byte(&with_plus, '+');
    strbuf_put(&with_plus, value);
    check_stands(strbuf_span(&with_plus), SPAN(""), value);
    check_stands(strbuf_span(&with_plus), country, value);
    return 0;
}
