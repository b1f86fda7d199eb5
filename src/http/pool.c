// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Free blocks form a list through their first bytes. What is beyond kept_max goes back to the heap,
// so that one burst does not hold its memory for ever.

#include "http/pool.h"

#include "base/assert.h"

#include <stdlib.h>

void pool_init(struct pool *pool, size_t block_bytes, size_t lent_max, size_t kept_max)
{
    ASSERT(block_bytes >= sizeof(void *));
    *pool = (struct pool){
        .block_bytes = block_bytes, .lent_max = lent_max, .kept_max = kept_max, .free = NULL};
}

static void *pop(struct pool *pool)
{
    void *block = pool->free;
    memcpy(&pool->free, block, sizeof pool->free);
    pool->kept--;
    return block;
}

void pool_fini(struct pool *pool)
{
    ASSERT(pool->lent == 0);
    while (pool->kept > 0)
        free(pop(pool));
}

void *pool_get(struct pool *pool)
{
    if (pool->lent == pool->lent_max)
        return NULL;
    void *block = pool->kept > 0 ? pop(pool) : calloc(1, pool->block_bytes);
    if (block != NULL)
        pool->lent++;
    return block;
}

void pool_put(struct pool *pool, void *block)
{
    ASSERT(pool->lent > 0);
    pool->lent--;
    if (pool->kept == pool->kept_max) {
        free(block);
        return;
    }
    memcpy(block, &pool->free, sizeof pool->free);
    pool->free = block;
    pool->kept++;
}
