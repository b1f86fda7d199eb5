// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Java's "OAEPWithSHA-256AndMGF1Padding" masks with SHA-1 unless it is told otherwise, everybody
// else's with SHA-256, and a cipher text does not say which: both are tried, always. The costly
// part, the private key, is used once.
//
// Which of the checks of RFC 8017 section 7.1.2 step 3g fails is for nobody to know (Manger 2001):
// all are made without a branch, and have one outcome.
#include "crypto/rsa/constant_time.h"
#include "crypto/rsa/unpad.h"

#include "base/assert.h"

#include <nettle/nettle-meta.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>

#define SEED_BYTES SHA256_DIGEST_SIZE
#define BODY_BYTES_MIN (SHA256_DIGEST_SIZE + 1U)

union hash_state {
    struct sha1_ctx sha1;
    struct sha256_ctx sha256;
};

// RFC 8017 appendix B.2.1, laid over `out`.
static void mask(const struct nettle_hash *hash, struct span seed, uint8_t *out, size_t len)
{
    union hash_state state;
    uint8_t digest[SHA256_DIGEST_SIZE];
    for (size_t at = 0, i = 0; at < len; at += hash->digest_size, i++) {
        const uint8_t counter[4] = {0, 0, (uint8_t)(i >> 8), (uint8_t)i};
        size_t left = len - at < hash->digest_size ? len - at : hash->digest_size;
        hash->init(&state);
        hash->update(&state, seed.len, seed.data);
        hash->update(&state, sizeof counter, counter);
        hash->digest(&state, left, digest);
        for (size_t j = 0; j < left; j++)
            out[at + j] ^= digest[j];
    }
    explicit_bzero(&state, sizeof state);
    explicit_bzero(digest, sizeof digest);
}

// Hash of the empty label, zeros, 01, message.
static uint32_t find_message(const uint8_t *body, size_t len, uint32_t *begin_out)
{
    struct sha256_ctx hash;
    uint8_t label[SHA256_DIGEST_SIZE];
    uint32_t difference = 0;
    uint32_t is_found = 0;
    uint32_t bad = 0;
    uint32_t begin = 0;
    sha256_init(&hash);
    sha256_digest(&hash, sizeof label, label);
    for (size_t i = 0; i < sizeof label; i++)
        difference |= (uint32_t)(body[i] ^ label[i]);
    for (uint32_t i = sizeof label; i < len; i++) {
        uint32_t is_one = ct_is_equal(body[i], 1);
        begin = ct_select(~is_found & is_one, i + 1, begin);
        is_found |= is_one;
        bad |= ~is_found & ~ct_is_zero(body[i]);
    }
    *begin_out = begin;
    return ct_is_zero(difference) & is_found & ~bad;
}

static bool unpad_with(const struct nettle_hash *mgf_hash, struct span block,
                       struct rsa_message *out)
{
    uint8_t seed[SEED_BYTES];
    uint8_t body[RSA_KEY_BYTES_MAX];
    uint32_t begin;
    size_t body_len = block.len - 1 - SEED_BYTES;
    memcpy(seed, block.data + 1, sizeof seed);
    memcpy(body, block.data + 1 + SEED_BYTES, body_len);
    mask(mgf_hash, span_make(body, body_len), seed, sizeof seed);
    mask(mgf_hash, span_make(seed, sizeof seed), body, body_len);
    uint32_t good = find_message(body, body_len, &begin) & ct_is_zero(block.data[0]);
    if (good != 0) {
        out->len = body_len - begin;
        memcpy(out->bytes, body + begin, out->len);
    }
    explicit_bzero(seed, sizeof seed);
    explicit_bzero(body, sizeof body);
    return good != 0;
}

void oaep_unpad(struct span block, struct rsa_message *out)
{
    ASSERT(block.len <= RSA_KEY_BYTES_MAX);
    ASSERT(block.len > 1 + SEED_BYTES + BODY_BYTES_MIN);
    out->len = 0;
    (void)unpad_with(&nettle_sha256, block, out);
    (void)unpad_with(&nettle_sha1, block, out);
}
