// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Keyed hashes. Two tools, one rule each:
//
//   mac_*    keyed BLAKE2b (RFC 7693), for what a person's account hangs on: record keys, codes,
//            derived keys.
//   short_*  SipHash-2-4 in 128-bit and 64-bit form, fifteen times cheaper: for the session id,
//            its tags and the rounds of its cipher. Whoever broke it could make ids that anybody is
//            given for the asking (docs/adr/0003).
//
// Every use has a domain of its own, so that no output for one purpose is an output for another.
// A message is a list of fields, each preceded by its length, so that no two lists read alike.

#include "base/span.h"

#define KEY_BYTES 32U

// Secret. No function prints, compares or serialises one outside crypto/.
struct key {
    uint8_t bytes[KEY_BYTES];
};

enum mac_domain {
    MAC_RECORD_KEY = 1,
    MAC_CODE,
    MAC_DERIVE = 4,
    MAC_FINGERPRINT,
    MAC_ADDRESS,
    MAC_RECEIPT,
    MAC_REFERENCE,
};

// The fields of one message. Fixed storage: fields are our own canonical forms, which have
// ceilings.
#define MAC_MESSAGE_BYTES_MAX 1024U

struct mac_message {
    size_t len;
    uint8_t bytes[MAC_MESSAGE_BYTES_MAX];
};

void mac_message_init(struct mac_message *message);
void mac_message_put(struct mac_message *message, struct span field); // asserts that it fits
void mac_message_put_u64(struct mac_message *message, uint64_t value);

// `out_len` 1 to 64 bytes.
void mac_compute(const struct key *key, enum mac_domain domain, const struct mac_message *message,
                 uint8_t *out, size_t out_len);

// The n-th key of `purpose` under `root`; knowing it tells nothing of the root or of its siblings.
void key_derive(const struct key *root, uint8_t purpose, uint64_t n, struct key *out);

struct digest128 {
    uint8_t bytes[16];
};

// A SipHash key for one domain. It costs one hash to make, so whoever uses it often keeps it.
#define SHORT_KEY_BYTES 16U

struct short_key {
    uint8_t bytes[SHORT_KEY_BYTES];
};

// From the first SHORT_KEY_BYTES of `key`.
void short_key_init(struct short_key *out, const struct key *key, uint8_t domain);

uint64_t short_tag64(const struct short_key *key, struct span message);

// True when equal; time depends on `len` alone.
bool bytes_equal_secret(const void *a, const void *b, size_t len);

// Clears secrets so that the compiler cannot leave it out.
void wipe(void *secret, size_t len);
