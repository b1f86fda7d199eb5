// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Whatever comes in: a canonical address has the form that is promised, and is its own canonical
// form.
#include "address/address.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct address address, again;
    if (!address_parse(ADDRESS_EMAIL, span_make(data, size), SPAN(""), &address))
        return 0;
    struct span value = address_value(&address);
    ASSERT(value.len <= ADDRESS_VALUE_BYTES_MAX);
    ASSERT(address_parse(ADDRESS_EMAIL, value, SPAN(""), &again));
    ASSERT(span_eq(value, address_value(&again)));
    struct span domain;
    struct span local = span_split(value, '@', &domain);
    ASSERT(local.len >= 1 && local.len <= 64);
    for (size_t i = 0; i < value.len; i++) {
        ASSERT(value.data[i] > ' ');
        ASSERT(value.data[i] != 0x7F);
        ASSERT(ascii_lower(value.data[i]) == value.data[i]);
        ASSERT(i <= local.len || value.data[i] < 0x7F);
    }
    return 0;
}
