// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// One claimed entry on its way: all that its channel borrows until the result comes. Inside of
// outbox/ only.

#include "outbox/courier.h"
#include "outbox/delivery.h"

#define JOB_WORDS_BYTES_MAX 384U // as many as a provider's reply gives
#define JOB_URL_BYTES_MAX (COURIER_RECEIPTS_URL_BYTES_MAX + 256U)

enum job_stage {
    JOB_LOOKING,     // the store decides what is to be done, if not to send it
    JOB_WAITING,     // its channel has it, and no connection for it yet
    JOB_MISSING,     // there was none, which the store notes
    JOB_MARKING,     // there is one; the store notes that it is about to be sent
    JOB_SENDING,     // it has left, or is about to
    JOB_SETTLING,    // the store notes the result
    JOB_WITHDRAWING, // the store notes that it was not sent after all
};

struct job {
    struct courier *courier;
    struct job *next; // of the list that it is in
    enum job_stage stage;
    size_t place;   // number of the provider whose share it takes; ROUTES_NO_PROVIDER: of nobody's
    bool is_probe;  // of that provider's breaker
    bool is_asking; // its provider has not answered yet
    struct claimed_entry claimed;
    struct courier_brand brand; // name empty and held NULL until it is found
    bool has_brand;
    const char *why; // it cannot be sent by anybody; NULL: it can
    size_t to_len;
    uint8_t to[SEAL_PLAIN_BYTES_MAX];
    struct delivery_way way;

    struct delivery_op op;
    enum store_outcome outcome; // of the op
    enum delivery_step step;    // that its transition took,
    struct delivery delivery;   // after which it was so
    int64_t code_ends_at_ms;
    struct mono again_at; // a refused op is repeated

    struct delivery_sent sent;
    struct sending sending;
    struct send_request request; // of all that is below
    struct message text;
    struct message otp_only;
    struct message subject;
    uint8_t url[JOB_URL_BYTES_MAX];
    bool has_result;
    struct send_result result; // of its own texts
    uint8_t ref[DELIVERY_REF_BYTES_MAX];
    uint8_t words[JOB_WORDS_BYTES_MAX];
};

// Finds all that does not depend on when it is sent: brand, address, keys. job->why says what is
// missing.
void job_prepare(struct job *job, const struct courier_deps *deps, int64_t at_ms);

// What its channel needs while it waits for a connection: nothing of the message.
void job_announce(struct job *job, int64_t at_ms);

// Writes the message and all else that the channel needs; job->text.is_overflowed: it is too long.
void job_write(struct job *job, const struct courier_deps *deps, int64_t at_ms);

void job_keep_result(struct job *job, const struct send_result *result);

// Nothing of the message outlives this.
void job_wipe_message(struct job *job);

// One line on what has become of the entry, if that is news, and the counters. `age_ms`: since it
// was promised.
void job_report(const struct job *job, const struct courier_deps *deps, int64_t age_ms);
