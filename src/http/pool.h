// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Blocks of one size, kept after use, so that a warm server allocates nothing. One thread. What is
// in a block is undefined, but was zero or somebody's bytes: never uninitialised.

#include "base/span.h"

struct pool {
    size_t block_bytes;
    size_t lent_max; // pool_get fails beyond
    size_t kept_max; // more free ones than these are given back to the heap
    size_t lent;
    size_t kept;
    void *free; // each free block begins with the address of the next
};

void pool_init(struct pool *pool, size_t block_bytes, size_t lent_max, size_t kept_max);
void pool_fini(struct pool *pool); // asserts that nothing is lent

// NULL: lent_max are out, or no memory.
void *pool_get(struct pool *pool);
void pool_put(struct pool *pool, void *block);
