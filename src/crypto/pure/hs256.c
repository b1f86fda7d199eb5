// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "crypto/pure/hs256.h"

#include "base/assert.h"

_Static_assert(HS256_BYTES == SHA256_DIGEST_SIZE, "the whole output");

void hs256_key_init(struct hs256_key *key, struct span secret)
{
    ASSERT(secret.len > 0);
    hmac_sha256_set_key(&key->keyed, secret.len, secret.data);
}

void hs256_sign(const struct hs256_key *key, struct span message, uint8_t out[HS256_BYTES])
{
    struct hmac_sha256_ctx state = key->keyed;
    hmac_sha256_update(&state, message.len, message.data);
    hmac_sha256_digest(&state, HS256_BYTES, out);
    wipe(&state, sizeof state);
}

void hs256_key_wipe(struct hs256_key *key)
{
    wipe(key, sizeof *key);
}
