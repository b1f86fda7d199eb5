// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Hashes that others sign with, to check their signatures and for nothing else: some of them are
// broken for other uses, and which one it is was not for us to choose.

#include "crypto/pure/mac.h"

#include <nettle/hmac.h>
#include <nettle/md5.h>
#include <nettle/sha2.h>

enum foreign_hash {
    FOREIGN_MD5,    // of the key behind the message
    FOREIGN_SHA256, // as FOREIGN_MD5
    FOREIGN_HMAC_SHA1,
    FOREIGN_HMAC_SHA256,
};

#define FOREIGN_HASH_BYTES_MAX 32U

// One message, put piece by piece. Holds what is as good as the key until it is read.
struct foreign_hasher {
    enum foreign_hash hash;
    struct span key; // borrowed
    union {
        struct md5_ctx md5;
        struct sha256_ctx sha256;
        struct hmac_sha1_ctx hmac_sha1;
        struct hmac_sha256_ctx hmac_sha256;
    } state;
};

void foreign_hasher_init(struct foreign_hasher *hasher, enum foreign_hash hash, struct span key);
void foreign_hasher_put(struct foreign_hasher *hasher, struct span piece);

// Writes the bytes of the hash and gives their number: 16, 20 or 32. Wipes the state.
size_t foreign_hasher_read(struct foreign_hasher *hasher, uint8_t out[FOREIGN_HASH_BYTES_MAX]);
