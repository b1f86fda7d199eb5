// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "crypto/pure/random.h"

#include "crypto/pure/mac.h"

#include <sodium.h>

enum err crypto_init(void)
{
    return sodium_init() < 0 ? ERR_IO : ERR_OK;
}

static void system_fill(void *ctx, void *out, size_t len)
{
    (void)ctx;
    randombytes_buf(out, len);
}

struct entropy entropy_system(void)
{
    return (struct entropy){.fill = system_fill, .ctx = NULL};
}

void random_pool_init(struct random_pool *pool)
{
    pool->left = 0;
}

static void pool_fill(void *ctx, void *out, size_t len)
{
    struct random_pool *pool = ctx;
    if (len > RANDOM_POOL_BYTES) {
        randombytes_buf(out, len);
        return;
    }
    if (len > pool->left) {
        randombytes_buf(pool->bytes, RANDOM_POOL_BYTES);
        pool->left = RANDOM_POOL_BYTES;
    }
    pool->left -= len;
    memcpy(out, pool->bytes + pool->left, len);
    wipe(pool->bytes + pool->left, len);
}

struct entropy random_pool_entropy(struct random_pool *pool)
{
    return (struct entropy){.fill = pool_fill, .ctx = pool};
}

void random_pool_wipe(struct random_pool *pool)
{
    wipe(pool, sizeof *pool);
}
