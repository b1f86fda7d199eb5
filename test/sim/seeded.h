// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Entropy that a seed repeats, for tests and the simulator: the same seed, the same run.
//
// NOT FOR THE SERVER: whoever sees a few outputs knows all the others. It lives under test/, which
// no library of src/ links with.

#include "base/env.h"

// xoshiro256** (Blackman and Vigna 2018), its state filled by SplitMix64 from the seed.
struct seeded {
    uint64_t state[4];
};

void seeded_init(struct seeded *seeded, uint64_t seed);
uint64_t seeded_u64(struct seeded *seeded);

// 0 to bound − 1 (bound > 0). The bias is below bound / 2^64.
uint64_t seeded_below(struct seeded *seeded, uint64_t bound);

// Valid as long as *seeded. Not for two threads at once.
struct entropy seeded_entropy(struct seeded *seeded);
