// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the server thinks of the hash of a request, for otpd hash-debug: its own judgement
// (api/hash_plain.h), behind a door because two libraries for JSON do not go into one file.

#include "crypto/rsa/rsa.h"

#define HASH_REQUEST_BYTES_MAX 65536U

struct hash_report;

// What is to be known of the judgement of what keys have made of a hash.
struct hash_finding {
    bool is_right;
    bool is_readable; // `best` says what it says
    size_t best;      // index of the message that gets furthest
    struct span text; // the reason
};

// NULL: out of memory.
struct hash_report *hash_report_create(void);
void hash_report_destroy(struct hash_report **report);

// Takes the request's body, at most HASH_REQUEST_BYTES_MAX bytes. ERR_INVALID with a story: the
// request itself is wrong.
MUST_CHECK enum err hash_report_read(struct hash_report *report, struct span body, bool is_web,
                                     struct err_info *info);

// What can be said without a key: an empty span when nothing is wrong; then the cipher text is
// known.
struct span hash_report_outside(struct hash_report *report);
struct span hash_report_cipher(const struct hash_report *report);

// Of no messages: no key has that length.
struct hash_finding hash_report_judge(struct hash_report *report,
                                      const struct rsa_message *messages, size_t count,
                                      int64_t now_ms, int64_t valid_ms);
