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
    store_submit(service->deps.store, &call->op);
}
