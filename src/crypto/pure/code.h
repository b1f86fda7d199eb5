// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A one-time code. It is derived when it is needed, compared in constant time, rendered into a
// message and nowhere else, and wiped. There is no way to print, log, store or serialise one.
//
//   code = digits(BLAKE2b(code key of the epoch; record key, session digest, salt))
//
// The 64 bytes of output give eight 64-bit words; the first one below the largest multiple of
// 10^length is taken modulo 10^length, so that every code has the same chance. Words that are too
// large are skipped; that all eight are has a chance below 2^-240. HOTP's modulo bias (RFC 4226
// section 5.3) is thus avoided.

#include "crypto/pure/mac.h"
#include "crypto/pure/message.h"

#define CODE_DIGITS_MIN 4U
#define CODE_DIGITS_MAX 10U

struct code {
    uint8_t length;
    uint8_t digits[CODE_DIGITS_MAX]; // ASCII; secret
};

// What a code is derived from. The record key stands for brand and identifier.
struct code_source {
    struct digest128 record_key;
    struct digest128 session;
    uint64_t salt;
};

void code_derive(const struct key *code_key, const struct code_source *source, uint8_t length,
                 struct code *out);

// A guess as digits; anything that is not exactly the code's length in ASCII digits never matches.
bool code_matches(const struct code *code, struct span guess);

void code_render(const struct code *code, struct message *message);
void code_wipe(struct code *code);
