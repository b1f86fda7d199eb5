// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "sim/seeded.h"

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

void seeded_init(struct seeded *seeded, uint64_t seed)
{
    for (size_t i = 0; i < 4; i++)
        seeded->state[i] = splitmix64(&seed);
}

static uint64_t rotate_left(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

uint64_t seeded_u64(struct seeded *seeded)
{
    uint64_t *s = seeded->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t seeded_below(struct seeded *seeded, uint64_t bound)
{
    return (uint64_t)((unsigned __int128)seeded_u64(seeded) * bound >> 64);
}

static void seeded_fill(void *ctx, void *out, size_t len)
{
    struct seeded *seeded = ctx;
    uint8_t *at = out;
    while (len > 0) {
        uint64_t word = seeded_u64(seeded);
        size_t part = len < sizeof word ? len : sizeof word;
        memcpy(at, &word, part);
        at += part;
        len -= part;
    }
}

struct entropy seeded_entropy(struct seeded *seeded)
{
    return (struct entropy){.fill = seeded_fill, .ctx = seeded};
}
