// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// One command from the edge to the store and back. The record key, the random values and the sealed
// address are made here, on the caller's thread, so that the store's transition is left with
// the rules alone.
//
// The transition may run more than once (store.h, promise 4): what it writes to the call is all
// written anew each time.

#include "service/service.h"

#include "base/assert.h"
#include "service/call.h"
#include "service/username.h"
#include "store/entry.h"

#include <stddef.h>

void service_init(struct service *service, const struct service_deps *deps)
{
    service->deps = *deps;
    atomic_init(&service->store_failed_at_ms, 0);
    atomic_init(&service->hash_busy_at_ms, 0);
}

bool service_can_send(const struct service *service, enum channel_kind kind)
{
    return (routes_channels(service->deps.routes) & 1U << kind) != 0;
}

bool service_is_store_failing(const struct service *service)
{
    int64_t failed_at_ms = atomic_load_explicit(&service->store_failed_at_ms, memory_order_relaxed);
    return failed_at_ms != 0 &&
           store_now_ms(service->deps.store) - failed_at_ms < SERVICE_STORE_DOUBT_MS;
}

struct service_call *call_of(struct store_op *op)
{
    return (struct service_call *)((char *)op - offsetof(struct service_call, op));
}

static void promise_message(struct service_call *call, int64_t now_ms)
{
    const struct send_order *send = &call->decision.send;
    struct outbox_entry *entry = &call->op.entry;
    entry->salt = send->salt;
    entry->epoch = send->epoch;
    entry->length = send->length;
    entry->channel = send->channel;
    entry->created_at_ms = now_ms;
    entry->deadline_at_ms = send->expires_at_ms;
}

void call_transition(struct store_op *op, struct record *record, int64_t now_ms)
{
    struct service_call *call = call_of(op);
    call->decision = decide(&call->brand->policy, record, &call->command, now_ms);
    op->is_changed = call->decision.is_record_changed;
    op->has_entry = call->decision.has_send;
    if (op->has_entry)
        promise_message(call, now_ms);
}

static const enum service_status status_of_outcome[] = {
    [STORE_COMMITTED] = SERVICE_DECIDED, [STORE_REFUSED_BUSY] = SERVICE_BUSY,
    [STORE_REFUSED_FULL] = SERVICE_FULL, [STORE_REFUSED_FAILED] = SERVICE_FAILED,
    [STORE_UNKNOWN] = SERVICE_FAILED,
};

static const char *const event_of_kind[] = {
    [COMMAND_GENERATE] = "otp.generate",
    [COMMAND_VALIDATE] = "otp.validate",
};

static struct log_field identifier_field(const struct service_call *call)
{
    struct span value = address_value(call->identifier);
    return call->username != NULL ? log_username("identifier", value)
                                  : log_address("identifier", value);
}

static void log_decision(const struct service_call *call)
{
    LOG_EVENT(call->service->deps.log, LOG_INFO, event_of_kind[call->command.kind],
              log_text("result", span_of_text(verdict_text(call->decision.verdict))),
              log_text("brand", call->brand->name), identifier_field(call),
              log_text("requestId", call->request_id));
}

static const struct span failure_texts[] = {
    [SERVICE_NO_CHANNEL] = SPAN("no channel"),
    [SERVICE_BUSY] = SPAN("busy"),
    [SERVICE_FULL] = SPAN("no room on the disk"),
    [SERVICE_FAILED] = SPAN("store failed"),
};

static void log_failure(const struct service_call *call)
{
    enum log_level level = call->status == SERVICE_FAILED ? LOG_ERROR : LOG_WARNING;
    LOG_EVENT(call->service->deps.log, level, event_of_kind[call->command.kind],
              log_text("result", failure_texts[call->status]), log_text("brand", call->brand->name),
              log_text("requestId", call->request_id));
}

static const enum metric_validated validated_of_verdict[] = {
    [VERDICT_DONE] = METRIC_VALIDATED_OK,
    [VERDICT_SESSION_INVALID] = METRIC_VALIDATED_SESSION,
    [VERDICT_BINDING_DIFFERS] = METRIC_VALIDATED_SESSION,
    [VERDICT_TOO_MANY_TRIES] = METRIC_VALIDATED_EXHAUSTED,
    [VERDICT_USERNAME_TAKEN] = METRIC_VALIDATED_SESSION,
    [VERDICT_TOO_MANY_SENDS] = METRIC_VALIDATED_EXHAUSTED,
    [VERDICT_NO_CODE] = METRIC_VALIDATED_NO_CODE,
    [VERDICT_WRONG_CODE] = METRIC_VALIDATED_WRONG,
};

_Static_assert(sizeof validated_of_verdict / sizeof validated_of_verdict[0] == VERDICT_COUNT_,
               "each verdict is counted");
_Static_assert(METRIC_CHANNELS == CHANNEL_COUNT_, "each channel is counted");

static void count_decision(const struct service_call *call)
{
    struct metrics *metrics = call->service->deps.metrics;
    const struct decision *decision = &call->decision;
    if (call->command.kind == COMMAND_VALIDATE)
        metrics_count(metrics, METRIC_OTP_VALIDATED, validated_of_verdict[decision->verdict], 0);
    if (call->command.kind == COMMAND_VALIDATE && decision->verdict == VERDICT_DONE)
        metrics_validated(metrics, decision->code_channel, decision->code_age_ms);
    if (decision->has_send)
        metrics_count(metrics, METRIC_OTP_ISSUED, decision->send.channel, 0);
    if (decision->verdict == VERDICT_TOO_MANY_SENDS)
        metrics_count(metrics, METRIC_RATE_LIMITED, METRIC_LIMIT_SENDS, 0);
    if (decision->verdict == VERDICT_TOO_MANY_TRIES)
        metrics_count(metrics, METRIC_RATE_LIMITED, METRIC_LIMIT_TRIES, 0);
}

static const enum metric_store_error error_of_outcome[] = {
    [STORE_REFUSED_BUSY] = METRIC_STORE_BUSY,
    [STORE_REFUSED_FULL] = METRIC_STORE_FULL,
    [STORE_REFUSED_FAILED] = METRIC_STORE_FAILED,
    [STORE_UNKNOWN] = METRIC_STORE_UNKNOWN,
};

// Written only when it changes, or all loops would share one cache line for nothing.
enum service_status call_note(const struct service_call *call, enum store_outcome outcome)
{
    struct service *service = call->service;
    bool has_failed = status_of_outcome[outcome] == SERVICE_FAILED;
    int64_t failed_at_ms = has_failed ? store_now_ms(service->deps.store) : 0;
    atomic_int_fast64_t *at_ms = &service->store_failed_at_ms;
    if (atomic_load_explicit(at_ms, memory_order_relaxed) != failed_at_ms)
        atomic_store_explicit(at_ms, failed_at_ms, memory_order_relaxed);
    if (outcome != STORE_COMMITTED)
        metrics_count(service->deps.metrics, METRIC_STORE_ERRORS, error_of_outcome[outcome], 0);
    return status_of_outcome[outcome];
}

void call_end(struct service_call *call, enum service_status status)
{
    call->status = status;
    call->on_done(call);
}

static void done(struct store_op *op, enum store_outcome outcome)
{
    struct service_call *call = call_of(op);
    call_end(call, call_note(call, outcome));
}

bool service_is_durable(struct service *service, uint64_t position)
{
    return store_is_synced(service->deps.store, position);
}

void service_report(const struct service_call *call)
{
    if (call->status == SERVICE_DECIDED) {
        count_decision(call);
        log_decision(call);
        return;
    }
    if (call->status != SERVICE_LOOKED_UP && call->status != SERVICE_HASH_JUDGED)
        log_failure(call);
}

static enum channel_kind brand_channel(const struct service_call *call)
{
    if (call->to->kind == ADDRESS_EMAIL)
        return CHANNEL_EMAIL;
    return (enum channel_kind)call->brand->settings.mobile_channel;
}

static void put_language(const struct service_call *call, struct outbox_entry *entry)
{
    struct span language = brand_language(call->brand, call->accept_language);
    ASSERT(language.len <= sizeof entry->language);
    if (language.len > 0)
        memcpy(entry->language, language.data, language.len);
}

// All of the entry that does not depend on the decision. It is sealed here, not by the one thread
// that all commands share.
static void prepare_entry(struct service *service, struct service_call *call,
                          const struct entropy *entropy)
{
    struct outbox_entry *entry = &call->op.entry;
    uint8_t associated[OUTBOX_ENTRY_ASSOCIATED_BYTES];
    entry->id = entropy_u64(entropy);
    entry->brand_id = call->brand->id;
    entry->key = call->command.key;
    entry->session = call->command.session;
    put_language(call, entry);
    outbox_entry_associated(entry, associated);
    seal_text(keyring_seal(service->deps.keyring), entropy,
              span_make(associated, sizeof associated), address_value(call->to), &entry->address);
    mask_address(address_value(call->to), entry->masked, sizeof entry->masked);
}

// The courier asks again when it sends: what it finds then counts.
static provider_tag first_provider(const struct service *service, const struct service_call *call,
                                   enum channel_kind kind)
{
    struct route route;
    const struct route_query query = {kind, address_value(call->to), call->brand->name};
    routes_find(service->deps.routes, &query, &route);
    return route.providers[0];
}

static bool prepare_generate(struct service *service, struct service_call *call,
                             const struct entropy *entropy)
{
    enum channel_kind kind =
        call->channel >= 0 ? (enum channel_kind)call->channel : brand_channel(call);
    if (!service_can_send(service, kind))
        return false;
    call->command.channel = (uint8_t)kind;
    call->command.random_salt = entropy_u64(entropy);
    call->op.provider = first_provider(service, call, kind);
    prepare_entry(service, call, entropy);
    return true;
}

void service_submit(struct service *service, struct service_call *call,
                    const struct entropy *entropy)
{
    call->service = service;
    record_key_of(keyring_index(service->deps.keyring), call->brand->id,
                  address_identifier(call->identifier), &call->command.key);
    if (call->username != NULL)
        username_prepare(call, entropy);
    if (call->command.kind == COMMAND_GENERATE && !prepare_generate(service, call, entropy)) {
        call_end(call, SERVICE_NO_CHANNEL);
        return;
    }
    if (call->command.kind == COMMAND_VALIDATE)
        call->command.random_uid = entropy_u64(entropy);
    if (call->command.kind == COMMAND_GENERATE && call->username != NULL) {
        username_generate(call);
        return;
    }
    call->op.key = call->command.key;
    call->op.transition = call_transition;
    call->op.done = done;
    store_queue(service->deps.store, &call->op);
}
