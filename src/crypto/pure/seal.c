// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Layout: nonce (24) · cipher text (as long as the plain text) · tag (16). The plain text's length
// is not hidden.
#include "crypto/pure/seal.h"

#include "base/assert.h"

#include <sodium.h>

#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES

_Static_assert(SEAL_OVERHEAD_BYTES == NONCE_BYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES,
               "nonce and tag");
_Static_assert(KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "one kind of key");

void seal_bytes(const struct key *key, const struct entropy *entropy, struct span associated,
                struct span plain, uint8_t *out)
{
    entropy_fill(entropy, out, NONCE_BYTES);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(out + NONCE_BYTES, NULL, plain.data, plain.len,
                                                     associated.data, associated.len, NULL, out,
                                                     key->bytes);
}

// The tag is checked before a byte is deciphered.
bool seal_open_bytes(const struct key *key, struct span associated, struct span sealed,
                     uint8_t *out)
{
    if (sealed.len < SEAL_OVERHEAD_BYTES)
        return false;
    int rc = crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.data + NONCE_BYTES,
                                                        sealed.len - NONCE_BYTES, associated.data,
                                                        associated.len, sealed.data, key->bytes);
    return rc == 0;
}

void seal_text(const struct key *key, const struct entropy *entropy, struct span associated,
               struct span plain, struct sealed *out)
{
    ASSERT(plain.len <= SEAL_PLAIN_BYTES_MAX);
    seal_bytes(key, entropy, associated, plain, out->bytes);
    out->len = (uint16_t)(plain.len + SEAL_OVERHEAD_BYTES);
}

bool seal_open(const struct key *key, struct span associated, const struct sealed *sealed,
               uint8_t *out, size_t *len_out)
{
    bool is_open = sealed->len <= SEAL_BYTES_MAX &&
                   seal_open_bytes(key, associated, span_make(sealed->bytes, sealed->len), out);
    *len_out = is_open ? sealed->len - SEAL_OVERHEAD_BYTES : 0;
    return is_open;
}
