// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What is done with the bytes that the private key has made of a cipher text. Inside of crypto/rsa/
// only. `block` is as long as the modulus, RSA_KEY_BYTES_MAX at most.

#include "crypto/rsa/rsa.h"

#define REJECTION_KEY_BYTES 32U

// Made once for each private key, of its private exponent in as many bytes as the modulus has.
void rejection_key_init(uint8_t out[REJECTION_KEY_BYTES], struct span private_exponent);

// RFC 8017 section 7.2.2 with implicit rejection. `cipher` is as long as the block.
void pkcs1_unpad(const uint8_t rejection_key[REJECTION_KEY_BYTES], struct span cipher,
                 struct span block, struct rsa_message *out);

// RFC 8017 section 7.1.2 step 3, with SHA-256, an empty label and either MGF1. len 0: none.
void oaep_unpad(struct span block, struct rsa_message *out);
