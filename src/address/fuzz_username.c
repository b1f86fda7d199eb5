// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Whatever comes in: a canonical username has the form that is promised, and is its own canonical
// form.
#include "address/address.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct address name, again;
    if (!address_parse(ADDRESS_USERNAME, span_make(data, size), SPAN(""), &name))
        return 0;
    struct span value = address_value(&name);
    ASSERT(value.len >= 1 && value.len <= USERNAME_BYTES_MAX);
    ASSERT(address_parse(ADDRESS_USERNAME, value, SPAN(""), &again));
    ASSERT(span_eq(value, address_value(&again)));
    for (size_t i = 0; i < value.len; i++) {
        bool is_c1 = value.data[i] >= 0x80 && value.data[i] < 0xA0;
        ASSERT(value.data[i] >= 0x20);
        ASSERT(value.data[i] != 0x7F);
        ASSERT(value.data[i] != '|');
        ASSERT(ascii_lower(value.data[i]) == value.data[i]);
        ASSERT(i == 0 || !is_c1 || value.data[i - 1] != 0xC2);
    }
    return 0;
}
