// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What providers report about messages that they have taken: delivered, failed, on its way. Reports
// come in any order, twice, and before the provider's answer to the send has been noted; what each
// does to its entry is in outbox/delivery.h.
//
//   taken ──found──▶ noted with its entry
//     └──its reference is not known yet──▶ held ──a second later──▶ looked up again …
//                                            └──after a minute──▶ dropped and counted
//
// Nothing here trusts a report further than its entry: whoever calls receipts_take has checked that
// it comes from that provider.

#include "base/env.h"
#include "crypto/keyring/keyring.h"
#include "outbox/route.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

enum receipt_kind {
    RECEIPT_DELIVERED,
    RECEIPT_FAILED,
    RECEIPT_ON_ITS_WAY, // noted in the log alone
};

// Spans are borrowed for the call alone; what is longer than an entry keeps is cut (words), or not
// looked up (ref).
struct receipt_report {
    provider_tag provider; // provider_tag_of
    uint64_t handle;       // from the message's own path; 0: it is found by `ref`
    struct span ref;       // the provider's name for it; may be empty when there is a handle
    enum receipt_kind kind;
    enum send_reason reason; // RECEIPT_FAILED; else SEND_REASON_NONE
    struct span words;       // the provider's own, for people; may be empty
};

struct receipts;

// Reports that are remembered at once.
#define RECEIPTS_MAX 4096U
#define RECEIPTS_HELD_MS 60000
#define RECEIPTS_AGAIN_MS 1000

// By which the store finds an entry again: never 0, and says nothing of the reference.
uint64_t receipts_ref_tag(const struct key *index_key, provider_tag provider, struct span ref);

// All is borrowed until receipts_destroy.
struct receipts_deps {
    struct store *store;
    struct keyring *keyring;
    const struct routes *routes;
    struct clock clock;
    struct logger *log;
    struct metrics *metrics; // which know the names of the providers
};

MUST_CHECK enum err receipts_create(const struct receipts_deps *deps, struct receipts **out);

// After the store has ended: nothing of it may be under way.
void receipts_destroy(struct receipts **receipts);

// Takes a copy and returns at once. ERR_BUSY: there is no room, and the provider should report
// again later (503). From any thread.
MUST_CHECK enum err receipts_take(struct receipts *receipts, const struct receipt_report *report);

// Looks the held ones up again whose second is over. The courier's thread does it.
void receipts_step(struct receipts *receipts);
