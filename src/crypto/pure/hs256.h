// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// HMAC-SHA-256 (RFC 2104) for tokens, with the two key blocks hashed once when the key is set, so
// that a signature costs the message's own blocks and one more.

#include "crypto/pure/mac.h"

#include <sodium/crypto_auth_hmacsha256.h>

#define HS256_BYTES 32U

struct hs256_key {
    struct crypto_auth_hmacsha256_state keyed;
};

void hs256_key_init(struct hs256_key *key, struct span secret);
void hs256_sign(const struct hs256_key *key, struct span message, uint8_t out[HS256_BYTES]);
bool hs256_verify(const struct hs256_key *key, struct span message, struct span signature);
void hs256_key_wipe(struct hs256_key *key);
