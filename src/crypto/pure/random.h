// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The machine's randomness, in the form in which everything here takes it (base/env.h), and the
// start of the library that it and all the rest of crypto/ stands on.

#include "base/env.h"
#include "base/err.h"

#define RANDOM_POOL_BYTES 4096U

// Once, before anything else of crypto/ and before there are threads; again does no harm. It picks
// the forms that this processor can run and waits for the machine's randomness at boot.
MUST_CHECK enum err crypto_init(void);

// A draw of the system's bytes each time (a system call). Stateless; callable from any thread.
struct entropy entropy_system(void);

// A stock of the system's bytes, so that a request's nonce costs a copy instead of a system call.
// Bytes are cleared as they are handed out. One thread at a time may use a pool, so each thread has
// its own; it must not be copied, nor used on both sides of a fork.
struct random_pool {
    size_t left; // bytes[0 .. left) are unused
    uint8_t bytes[RANDOM_POOL_BYTES];
};

void random_pool_init(struct random_pool *pool);

// Valid as long as the pool.
struct entropy random_pool_entropy(struct random_pool *pool);

void random_pool_wipe(struct random_pool *pool);
