// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A keyed permutation of 120-bit blocks: the one piece of cryptography that lets a session id carry
// its own facts in the shape of a UUID.
//
// A balanced Feistel network of two 60-bit halves and six rounds, each with a SipHash-2-4 of its
// own key. Four rounds with independent pseudorandom functions are a strong pseudorandom
// permutation (Luby and Rackoff 1988): every output bit depends on every input bit, both ways, and
// an attacker who sees q < 2^30 pairs under one key cannot tell it from a random permutation; two
// more push the known attacks out of reach. See docs/adr/0003-session-ids.md.

#include "crypto/pure/mac.h"

#define PERMUTE_BLOCK_BYTES 15U

struct permute_block {
    uint8_t bytes[PERMUTE_BLOCK_BYTES]; // big-endian: the first half is the upper 60 bits
};

#define PERMUTE_ROUNDS 6U

struct permute_key {
    struct short_key rounds[PERMUTE_ROUNDS];
};

void permute_key_init(struct permute_key *out, const struct key *key);

void permute_encipher(const struct permute_key *key, struct permute_block *block);
void permute_decipher(const struct permute_key *key, struct permute_block *block);
