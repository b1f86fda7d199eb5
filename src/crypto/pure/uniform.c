// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "crypto/pure/uniform.h"

#include "base/assert.h"

static const uint64_t powers_of_ten[UNIFORM_DIGITS_MAX + 1] = {
    UINT64_C(1),         UINT64_C(10),         UINT64_C(100),         UINT64_C(1000),
    UINT64_C(10000),     UINT64_C(100000),     UINT64_C(1000000),     UINT64_C(10000000),
    UINT64_C(100000000), UINT64_C(1000000000), UINT64_C(10000000000),
};

bool uniform_number(const uint64_t *words, size_t count, uint8_t digits, uint64_t *number_out)
{
    ASSERT(digits >= 1);
    ASSERT(digits <= UNIFORM_DIGITS_MAX);
    uint64_t bound = powers_of_ten[digits];
    uint64_t excess = (UINT64_MAX % bound + 1) % bound; // 2^64 mod bound
    for (size_t i = 0; i < count; i++) {
        if (words[i] > UINT64_MAX - excess)
            continue;
        *number_out = words[i] % bound;
        return true;
    }
    return false;
}
