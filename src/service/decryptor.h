// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Decrypts what apps have encrypted for a brand, on threads of its own: a private key costs
// milliseconds of a core, which is not for a loop. Anybody may send something to decrypt, so that
// what waits is bounded, altogether and of any one client and brand; the threads are few and give
// way to all others.

#include "service/brand.h"

#define DECRYPTOR_THREADS_MAX 4U
#define DECRYPTOR_JOBS_MAX 256U        // about a second of work for one thread
#define DECRYPTOR_CLIENT_JOBS_MAX 128U // of one client address
#define DECRYPTOR_BRAND_JOBS_MAX 192U

// Caller-allocated; kept alive and untouched until on_done.
struct decrypt_job {
    const struct brand *brand; // its set is held by the caller
    uint64_t client;           // who asks: the same number for the same client
    enum rsa_padding padding;
    struct span cipher;
    struct rsa_message messages[BRAND_ENCRYPTION_KEYS_MAX];
    size_t messages_held;                     // one for each key of the cipher text's length
    void (*on_done)(struct decrypt_job *job); // on a thread of the decryptor that does nothing else
};

struct decryptor;

// Without threads a job is done before decryptor_submit returns. ERR_NO_MEMORY.
MUST_CHECK enum err decryptor_create(unsigned threads, struct decryptor **out);

// Finishes what it has taken.
void decryptor_destroy(struct decryptor **decryptor);

// From any thread. Whether a job would be taken now, to be asked before anything is spent on it.
bool decryptor_has_room(struct decryptor *decryptor, const struct brand *brand, uint64_t client);

// From any thread. False: there is too much to do, for all or for that client or brand; nothing
// happens.
bool decryptor_submit(struct decryptor *decryptor, struct decrypt_job *job);
