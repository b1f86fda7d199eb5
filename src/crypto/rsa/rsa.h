// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// RSA keys, and what was encrypted with their public halves: PKCS#1 v1.5 and OAEP with SHA-256
// (RFC 8017). A key is immutable once it is made: any thread may use it, several at once.
//
// A decryption never says why it failed. Of PKCS#1 v1.5 it does not even say that it did: a padding
// that is wrong gives a message that nobody can tell from any other (implicit rejection,
// draft-irtf-cfrg-rsa-guidance), so that an attacker who sends what he has made up learns nothing
// about what others have sent. Its time depends on the key and the padding, not on what the
// cipher text turns out to be.

#include "base/err.h"
#include "base/strbuf.h"

#define RSA_KEY_BITS_MIN 2048U
#define RSA_KEY_BITS_MAX 4096U
#define RSA_KEY_BYTES_MAX (RSA_KEY_BITS_MAX / 8U)

// Public exponent and the two primes, from which all of the key follows.
#define RSA_SECRET_BYTES_MAX (7U + RSA_KEY_BYTES_MAX)

#define RSA_PUBLIC_DER_BYTES_MAX 600U
#define RSA_PUBLIC_PEM_BYTES_MAX 1024U
#define RSA_PRIVATE_PEM_BYTES_MAX 4096U

enum rsa_padding {
    RSA_PADDING_PKCS1,
    RSA_PADDING_OAEP, // SHA-256; MGF1 with SHA-256 or SHA-1, whichever it was made with
    RSA_PADDING_COUNT_,
};

struct rsa_message {
    size_t len;
    uint8_t bytes[RSA_KEY_BYTES_MAX];
};

struct rsa_key;

// `bits` within the bounds above, a multiple of 256 (asserted). Takes seconds. ERR_NO_MEMORY.
MUST_CHECK enum err rsa_key_generate(unsigned bits, struct rsa_key **out);

#define RSA_IMPORT_BYTES_MAX 16384U

// A private key as openssl and others write it: PEM or DER, PKCS#8 or PKCS#1, without a passphrase.
// ERR_INVALID with a story, which quotes nothing of it. Its primes are tested, so that it takes
// part of a second. ERR_NO_MEMORY.
MUST_CHECK enum err rsa_key_import(struct span text, struct rsa_key **out, struct err_info *info);

// What rsa_key_put_secret wrote. ERR_INVALID: it is something else. ERR_NO_MEMORY.
MUST_CHECK enum err rsa_key_open(struct span secret, struct rsa_key **out);

void rsa_key_destroy(struct rsa_key **key);

unsigned rsa_key_bits(const struct rsa_key *key);

// Length of its cipher texts.
size_t rsa_key_bytes(const struct rsa_key *key);

bool rsa_key_is_same(const struct rsa_key *a, const struct rsa_key *b);

// The private key, at most RSA_SECRET_BYTES_MAX bytes: wipe it.
void rsa_key_put_secret(const struct rsa_key *key, struct strbuf *out);

// SubjectPublicKeyInfo, as Java's X509EncodedKeySpec, WebCrypto's "spki" and openssl's PUBLIC KEY
// want it; the private key as PKCS#8. ERR_NO_MEMORY; then, and when it does not fit, *out is as it
// was.
MUST_CHECK enum err rsa_key_put_public_der(const struct rsa_key *key, struct strbuf *out);
MUST_CHECK enum err rsa_key_put_public_pem(const struct rsa_key *key, struct strbuf *out);
MUST_CHECK enum err rsa_key_put_private_pem(const struct rsa_key *key, struct strbuf *out);

// The message of `cipher`, or one that only looks like one; len 0 when there is none: a cipher text
// that is not of this key's length or not below its modulus, OAEP that does not open, no memory.
void rsa_decrypt(const struct rsa_key *key, enum rsa_padding padding, struct span cipher,
                 struct rsa_message *out);
