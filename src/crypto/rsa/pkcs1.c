// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Implicit rejection as draft-irtf-cfrg-rsa-guidance describes it, and as OpenSSL does from 3.2 on.
// Debian 12 has 3.0, which does not. The message that stands in for one whose padding is wrong is
// a pseudo-random function of the private key and the cipher text: the same cipher text has always
// the same one, of a length that any message may have.
//
// Both messages are made every time. Up to the choice between them no branch and no address depends
// on the block; from there on what is seen is the length of a message that was chosen, and that
// says nothing of the padding.
#include "crypto/rsa/constant_time.h"
#include "crypto/rsa/unpad.h"

#include "base/assert.h"

#include <nettle/hmac.h>
#include <nettle/sha2.h>

#define HEAD_BYTES 2U     // 00 02
#define FILLING_BYTES 8U  // the shortest one
#define LENGTH_TRIES 128U // of two bytes each

void rejection_key_init(uint8_t out[REJECTION_KEY_BYTES], struct span private_exponent)
{
    struct sha256_ctx hash;
    sha256_init(&hash);
    sha256_update(&hash, private_exponent.len, private_exponent.data);
    sha256_digest(&hash, REJECTION_KEY_BYTES, out);
    explicit_bzero(&hash, sizeof hash);
}

static void put_u16(struct hmac_sha256_ctx *mac, size_t value)
{
    const uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    hmac_sha256_update(mac, sizeof bytes, bytes);
}

// The draft's IRPRF.
static void expand(const uint8_t key[SHA256_DIGEST_SIZE], const char *label, uint8_t *out,
                   size_t len)
{
    struct hmac_sha256_ctx mac;
    hmac_sha256_set_key(&mac, SHA256_DIGEST_SIZE, key);
    for (size_t at = 0, i = 0; at < len; at += SHA256_DIGEST_SIZE, i++) {
        size_t left = len - at;
        put_u16(&mac, i);
        hmac_sha256_update(&mac, strlen(label), (const uint8_t *)label);
        put_u16(&mac, 8 * len);
        hmac_sha256_digest(&mac, left < SHA256_DIGEST_SIZE ? left : SHA256_DIGEST_SIZE, out + at);
    }
    explicit_bzero(&mac, sizeof mac);
}

// The last of the candidates that is a possible length.
static uint32_t choose_length(const uint8_t candidates[2 * LENGTH_TRIES], size_t block_len)
{
    uint32_t bound = (uint32_t)(block_len - HEAD_BYTES - FILLING_BYTES);
    uint32_t mask = bound;
    uint32_t length = 0;
    for (unsigned shift = 1; shift < 16; shift *= 2)
        mask |= mask >> shift;
    for (size_t i = 0; i < LENGTH_TRIES; i++) {
        uint32_t candidate = ((uint32_t)candidates[2 * i] << 8 | candidates[2 * i + 1]) & mask;
        length = ct_select(ct_is_below(candidate, bound), candidate, length);
    }
    return length;
}

// Fills `out` as far as the block goes, and says how many bytes at its end are the message.
static uint32_t make_stand_in(const uint8_t rejection_key[REJECTION_KEY_BYTES], struct span cipher,
                              uint8_t *out)
{
    struct hmac_sha256_ctx mac;
    uint8_t key[SHA256_DIGEST_SIZE];
    uint8_t candidates[2 * LENGTH_TRIES];
    hmac_sha256_set_key(&mac, REJECTION_KEY_BYTES, rejection_key);
    hmac_sha256_update(&mac, cipher.len, cipher.data);
    hmac_sha256_digest(&mac, sizeof key, key);
    expand(key, "length", candidates, sizeof candidates);
    expand(key, "message", out, cipher.len);
    uint32_t length = choose_length(candidates, cipher.len);
    explicit_bzero(&mac, sizeof mac);
    explicit_bzero(key, sizeof key);
    explicit_bzero(candidates, sizeof candidates);
    return length;
}

// 00 02, at least eight bytes that are not zero, zero, message. Where the message begins is only
// meant when the mask is set.
static uint32_t find_message(struct span block, uint32_t *begin_out)
{
    uint32_t good = ct_is_zero(block.data[0]) & ct_is_equal(block.data[1], 2);
    uint32_t is_found = 0;
    uint32_t separator = 0;
    for (uint32_t i = HEAD_BYTES; i < block.len; i++) {
        uint32_t is_zero = ct_is_zero(block.data[i]);
        separator = ct_select(~is_found & is_zero, i, separator);
        is_found |= is_zero;
    }
    good &= is_found & ~ct_is_below(separator, HEAD_BYTES + FILLING_BYTES);
    *begin_out = separator + 1;
    return good;
}

void pkcs1_unpad(const uint8_t rejection_key[REJECTION_KEY_BYTES], struct span cipher,
                 struct span block, struct rsa_message *out)
{
    uint8_t chosen[RSA_KEY_BYTES_MAX];
    uint32_t begin;
    ASSERT(block.len == cipher.len);
    ASSERT(block.len <= sizeof chosen);
    uint32_t len = (uint32_t)block.len;
    uint32_t stand_in_begin = len - make_stand_in(rejection_key, cipher, chosen);
    uint32_t good = find_message(block, &begin);
    for (size_t i = 0; i < block.len; i++)
        chosen[i] = (uint8_t)ct_select(good, block.data[i], chosen[i]);
    begin = ct_select(good, begin, stand_in_begin);
    out->len = len - begin;
    memcpy(out->bytes, chosen + begin, out->len);
    explicit_bzero(chosen, sizeof chosen);
}
