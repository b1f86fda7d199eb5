// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "crypto/pure/foreign_hash.h"

#include "base/assert.h"

void foreign_hasher_init(struct foreign_hasher *hasher, enum foreign_hash hash, struct span key)
{
    hasher->hash = hash;
    hasher->key = key;
    switch (hash) {
    case FOREIGN_MD5:
        md5_init(&hasher->state.md5);
        return;
    case FOREIGN_SHA256:
        sha256_init(&hasher->state.sha256);
        return;
    case FOREIGN_HMAC_SHA1:
        hmac_sha1_set_key(&hasher->state.hmac_sha1, key.len, key.data);
        return;
    case FOREIGN_HMAC_SHA256:
        hmac_sha256_set_key(&hasher->state.hmac_sha256, key.len, key.data);
        return;
    }
    UNREACHABLE();
}

void foreign_hasher_put(struct foreign_hasher *hasher, struct span piece)
{
    switch (hasher->hash) {
    case FOREIGN_MD5:
        md5_update(&hasher->state.md5, piece.len, piece.data);
        return;
    case FOREIGN_SHA256:
        sha256_update(&hasher->state.sha256, piece.len, piece.data);
        return;
    case FOREIGN_HMAC_SHA1:
        hmac_sha1_update(&hasher->state.hmac_sha1, piece.len, piece.data);
        return;
    case FOREIGN_HMAC_SHA256:
        hmac_sha256_update(&hasher->state.hmac_sha256, piece.len, piece.data);
        return;
    }
    UNREACHABLE();
}

static size_t finish(struct foreign_hasher *hasher, uint8_t out[FOREIGN_HASH_BYTES_MAX])
{
    switch (hasher->hash) {
    case FOREIGN_MD5:
        foreign_hasher_put(hasher, hasher->key);
        md5_digest(&hasher->state.md5, MD5_DIGEST_SIZE, out);
        return MD5_DIGEST_SIZE;
    case FOREIGN_SHA256:
        foreign_hasher_put(hasher, hasher->key);
        sha256_digest(&hasher->state.sha256, SHA256_DIGEST_SIZE, out);
        return SHA256_DIGEST_SIZE;
    case FOREIGN_HMAC_SHA1:
        hmac_sha1_digest(&hasher->state.hmac_sha1, SHA1_DIGEST_SIZE, out);
        return SHA1_DIGEST_SIZE;
    case FOREIGN_HMAC_SHA256:
        hmac_sha256_digest(&hasher->state.hmac_sha256, SHA256_DIGEST_SIZE, out);
        return SHA256_DIGEST_SIZE;
    }
    UNREACHABLE();
}

size_t foreign_hasher_read(struct foreign_hasher *hasher, uint8_t out[FOREIGN_HASH_BYTES_MAX])
{
    size_t len = finish(hasher, out);
    wipe(hasher, sizeof *hasher);
    return len;
}
