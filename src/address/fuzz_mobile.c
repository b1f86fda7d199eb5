// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Whatever comes in: a canonical number has the form that is promised, is its own canonical form,
// and is the same with a plus.
#include "address/address.h"
#include "base/assert.h"
#include "base/strbuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct address address, again;
    if (!address_parse(ADDRESS_MOBILE, span_make(data, size), &address))
        return 0;
    struct span value = address_value(&address);
    ASSERT(value.len >= 7 && value.len <= 15);
    ASSERT(value.data[0] != '0');
    for (size_t i = 0; i < value.len; i++)
        ASSERT(ascii_is_digit(value.data[i]));
    ASSERT(address_parse(ADDRESS_MOBILE, value, &again));
    ASSERT(span_eq(value, address_value(&again)));
    uint8_t storage[16];
    struct strbuf with_plus = strbuf_over(storage, sizeof storage);
    strbuf_put_byte(&with_plus, '+');
    strbuf_put(&with_plus, value);
    ASSERT(address_parse(ADDRESS_MOBILE, strbuf_span(&with_plus), &again));
    ASSERT(span_eq(value, address_value(&again)));
    return 0;
}
