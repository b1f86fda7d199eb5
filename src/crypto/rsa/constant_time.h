// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Comparisons and choices without a branch: all bits set for yes, none for no. Inside of
// crypto/rsa/ only.

#include <stdint.h>

// Keeps the compiler from seeing that a mask has two values, which it could branch on.
static inline uint32_t ct_opaque(uint32_t value)
{
    __asm__("" : "+r"(value));
    return value;
}

static inline uint32_t ct_is_zero(uint32_t value)
{
    return ct_opaque((uint32_t)0 - ((~value & (value - 1U)) >> 31));
}

static inline uint32_t ct_is_equal(uint32_t a, uint32_t b)
{
    return ct_is_zero(a ^ b);
}

// Both below 2^31.
static inline uint32_t ct_is_below(uint32_t a, uint32_t b)
{
    return ct_opaque((uint32_t)0 - ((a - b) >> 31));
}

static inline uint32_t ct_select(uint32_t mask, uint32_t yes, uint32_t no)
{
    return (ct_opaque(mask) & yes) | (~ct_opaque(mask) & no);
}
