// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// HMAC-SHA-256 (RFC 2104) for tokens, with the two key blocks hashed once when the key is set, so
// that a signature costs the message's own blocks and one more. Made by nettle, which uses the
// processor's SHA instructions where there are any (docs/adr/0008-nettle-for-tokens.md).

#include "crypto/pure/mac.h"

#include <nettle/hmac.h>

#define HS256_BYTES 32U

struct hs256_key {
    struct hmac_sha256_ctx keyed;
};

void hs256_key_init(struct hs256_key *key, struct span secret);
void hs256_sign(const struct hs256_key *key, struct span message, uint8_t out[HS256_BYTES]);
void hs256_key_wipe(struct hs256_key *key);
