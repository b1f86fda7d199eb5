// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A hash is taken in an op of its own, before the one that it is for: from its commit on it is
// used, whatever becomes of the other. What a crash in between loses is a hash, not a promise; the
// app makes another.
#include "service/call.h"

static void take(struct store_op *op, struct record *record, int64_t now_ms)
{
    struct hash_call *hash = call_of(op)->hash;
    hash->use = used_hash_take(record, &hash->mark, now_ms);
    op->is_changed = hash->use == HASH_USE_FIRST;
}

static void after_take(struct store_op *op, enum store_outcome outcome)
{
    struct service_call *call = call_of(op);
    enum service_status status = call_note(call, outcome);
    call_end(call, status == SERVICE_DECIDED ? SERVICE_HASH_JUDGED : status);
}

void service_take_hash(struct service *service, struct service_call *call)
{
    call->service = service;
    record_key_of_hashes(keyring_index(service->deps.keyring), call->brand->id,
                         address_identifier(call->identifier), &call->op.key);
    call->op.transition = take;
    call->op.done = after_take;
    call->op.is_changed = false;
    call->op.has_entry = false;
    store_queue(service->deps.store, &call->op);
}

#define TELL_MS_MIN 1000

void service_report_hash_busy(struct service *service, const struct brand *brand,
                              struct span client)
{
    int64_t now_ms = store_now_ms(service->deps.store);
    int_fast64_t told_at_ms = atomic_load_explicit(&service->hash_busy_at_ms, memory_order_relaxed);
    if (now_ms - told_at_ms < TELL_MS_MIN ||
        !atomic_compare_exchange_strong(&service->hash_busy_at_ms, &told_at_ms, now_ms))
        return;
    LOG_EVENT(service->deps.log, LOG_WARNING, "hash.busy", log_text("brand", brand->name),
              log_network("client", client));
}
