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

void seal_put(const struct key *key, const struct entropy *entropy, struct span associated,
              struct span plain, struct strbuf *out)
{
    uint8_t *nonce = strbuf_reserve(out, plain.len + SEAL_OVERHEAD_BYTES);
    if (nonce == NULL)
        return;
    entropy_fill(entropy, nonce, NONCE_BYTES);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + NONCE_BYTES, NULL, plain.data,
                                                     plain.len, associated.data, associated.len,
                                                     NULL, nonce, key->bytes);
}

bool seal_take(const struct key *key, struct span associated, struct span sealed, uint8_t *out,
               size_t cap, size_t *len_out)
{
    *len_out = 0;
    if (sealed.len < SEAL_OVERHEAD_BYTES || sealed.len - SEAL_OVERHEAD_BYTES > cap)
        return false;
    // The tag is checked before a byte is deciphered.
    int rc = crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.data + NONCE_BYTES,
                                                        sealed.len - NONCE_BYTES, associated.data,
                                                        associated.len, sealed.data, key->bytes);
    *len_out = rc == 0 ? sealed.len - SEAL_OVERHEAD_BYTES : 0;
    return rc == 0;
}

void seal_text(const struct key *key, const struct entropy *entropy, struct span associated,
               struct span plain, struct sealed *out)
{
    ASSERT(plain.len <= SEAL_PLAIN_BYTES_MAX);
    struct strbuf sealed = strbuf_over(out->bytes, sizeof out->bytes);
    seal_put(key, entropy, associated, plain, &sealed);
    out->len = (uint16_t)sealed.len;
}

bool seal_open(const struct key *key, struct span associated, const struct sealed *sealed,
               uint8_t *out, size_t *len_out)
{
    if (sealed->len > SEAL_BYTES_MAX)
        return false;
    return seal_take(key, associated, span_make(sealed->bytes, sealed->len), out,
                     SEAL_PLAIN_BYTES_MAX, len_out);
}
