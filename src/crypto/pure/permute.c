// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Halves travel as numbers below 2^60. A round takes (left, right) to (right, left ^ F(i, right)),
// so that the rounds end without a swap and the way back is the same ones in reverse order.
#include "crypto/pure/permute.h"

#define HALF_BITS 60U
#define HALF_MASK ((UINT64_C(1) << HALF_BITS) - 1)

struct halves {
    uint64_t left;
    uint64_t right;
};

// Each round is a function of its own: its number is the domain.
void permute_key_init(struct permute_key *out, const struct key *key)
{
    for (unsigned i = 0; i < PERMUTE_ROUNDS; i++)
        short_key_init(&out->rounds[i], key, (uint8_t)i);
}

static uint64_t round_value(const struct short_key *key, uint64_t half)
{
    return short_tag64(key, span_make(&half, sizeof half)) & HALF_MASK;
}

static struct halves block_split(const struct permute_block *block)
{
    unsigned __int128 all = 0;
    for (size_t i = 0; i < PERMUTE_BLOCK_BYTES; i++)
        all = all << 8 | block->bytes[i];
    return (struct halves){(uint64_t)(all >> HALF_BITS), (uint64_t)all & HALF_MASK};
}

static void block_join(struct halves halves, struct permute_block *block)
{
    unsigned __int128 all = (unsigned __int128)halves.left << HALF_BITS | halves.right;
    for (size_t i = PERMUTE_BLOCK_BYTES; i > 0; i--) {
        block->bytes[i - 1] = (uint8_t)all;
        all >>= 8;
    }
}

void permute_encipher(const struct permute_key *key, struct permute_block *block)
{
    struct halves h = block_split(block);
    for (unsigned i = 0; i < PERMUTE_ROUNDS; i++)
        h = (struct halves){h.right, h.left ^ round_value(&key->rounds[i], h.right)};
    block_join(h, block);
}

void permute_decipher(const struct permute_key *key, struct permute_block *block)
{
    struct halves h = block_split(block);
    for (unsigned i = PERMUTE_ROUNDS; i > 0; i--)
        h = (struct halves){h.right ^ round_value(&key->rounds[i - 1], h.left), h.left};
    block_join(h, block);
}
