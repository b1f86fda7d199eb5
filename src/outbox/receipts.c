// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A report is an op of the store's from the moment it is taken; those that found nothing wait in a
// list until their second is over. Whether a report was of any use is written to the log where the
// op ends, on the store's thread: reports are as many as messages at most.
#include "outbox/receipts.h"

#include "base/assert.h"
#include "outbox/delivery.h"

#include <pthread.h>
#include <stdlib.h>

#define FIELDS_ALWAYS 5U
#define FIELDS_MAX (FIELDS_ALWAYS + 3U)

struct receipt {
    struct receipts *receipts;
    struct receipt *next; // free or held
    struct delivery_op op;
    struct receipt_report report; // of its own texts
    uint8_t ref[DELIVERY_REF_BYTES_MAX];
    uint8_t words[DELIVERY_WORDS_BYTES_MAX];
    struct mono again_at, held_until;

    // What the transition saw.
    enum delivery_step step;
    uint64_t id;
    uint8_t channel;
    enum delivery_state state;
    int64_t age_ms;
    char masked[MASKED_ADDRESS_BYTES_MAX];
};

struct receipts {
    struct receipts_deps deps;
    pthread_mutex_t lock; // guards all below
    struct receipt *free;
    struct receipt *held;
    size_t taken;
    struct receipt list[RECEIPTS_MAX];
};

uint64_t receipts_ref_tag(const struct key *index_key, provider_tag provider, struct span ref)
{
    uint64_t tag;
    struct mac_message message;
    mac_message_init(&message);
    mac_message_put_u64(&message, provider);
    mac_message_put(&message, ref);
    mac_compute(index_key, MAC_REFERENCE, &message, (uint8_t *)&tag, sizeof tag);
    return tag != 0 ? tag : 1;
}

static struct receipt *take(struct receipts *receipts)
{
    (void)pthread_mutex_lock(&receipts->lock);
    struct receipt *receipt = receipts->free;
    if (receipt != NULL) {
        receipts->free = receipt->next;
        receipts->taken++;
    }
    (void)pthread_mutex_unlock(&receipts->lock);
    return receipt;
}

static void give_back(struct receipt *receipt)
{
    struct receipts *receipts = receipt->receipts;
    (void)pthread_mutex_lock(&receipts->lock);
    receipt->next = receipts->free;
    receipts->free = receipt;
    receipts->taken--;
    (void)pthread_mutex_unlock(&receipts->lock);
}

static void hold(struct receipt *receipt)
{
    struct receipts *receipts = receipt->receipts;
    receipt->again_at = mono_after(clock_mono(&receipts->deps.clock), RECEIPTS_AGAIN_MS);
    (void)pthread_mutex_lock(&receipts->lock);
    receipt->next = receipts->held;
    receipts->held = receipt;
    (void)pthread_mutex_unlock(&receipts->lock);
}

// --- the log -----------------------------------------------------------------------------------

static const struct {
    enum log_level level;
    const char *event;
    enum metric_receipt metric;
} kinds[] = {
    [RECEIPT_DELIVERED] = {LOG_INFO, "otp.delivered", METRIC_RECEIPT_DELIVERED},
    [RECEIPT_FAILED] = {LOG_WARNING, "otp.undelivered", METRIC_RECEIPT_FAILED},
    [RECEIPT_ON_ITS_WAY] = {LOG_DEBUG, "otp.on_its_way", METRIC_RECEIPT_ON_ITS_WAY},
};

static size_t put_failure(const struct receipt *receipt, struct log_field *fields, size_t count)
{
    enum send_reason reason = receipt->report.reason;
    if (reason != SEND_REASON_NONE) {
        fields[count++] = log_text("why", span_of_text(send_reason_sentence(reason)));
        fields[count++] = log_text("reason", span_of_text(send_reason_name(reason)));
    }
    if (receipt->report.words.len > 0)
        fields[count++] = log_text("words", receipt->report.words);
    return count;
}

static void log_known(const struct receipt *receipt)
{
    const struct receipts_deps *deps = &receipt->receipts->deps;
    uint8_t digits[16];
    uint8_t id[8];
    struct strbuf hex = strbuf_over(digits, sizeof digits);
    for (unsigned i = 0; i < sizeof id; i++)
        id[i] = (uint8_t)(receipt->id >> (56 - 8 * i));
    strbuf_put_hex(&hex, span_make(id, sizeof id));
    struct log_field fields[FIELDS_MAX] = {
        log_text("entry", strbuf_span(&hex)),
        log_text("channel", span_of_text(channel_name((enum channel_kind)receipt->channel))),
        log_text("to", span_of_text(receipt->masked)),
        log_text("provider", routes_name(deps->routes, receipt->report.provider)),
        log_number("ms", receipt->age_ms),
    };
    size_t count = put_failure(receipt, fields, FIELDS_ALWAYS);
    log_event(deps->log, kinds[receipt->report.kind].level, kinds[receipt->report.kind].event,
              fields, count);
}

static void drop(struct receipt *receipt)
{
    const struct receipts_deps *deps = &receipt->receipts->deps;
    metrics_count(deps->metrics, METRIC_RECEIPTS, METRIC_RECEIPT_UNMATCHED, 0);
    LOG_EVENT(deps->log, LOG_INFO, "receipt.unmatched",
              log_text("provider", routes_name(deps->routes, receipt->report.provider)),
              log_text("providerRef", receipt->report.ref));
    give_back(receipt);
}

static void note(struct receipt *receipt)
{
    const struct receipts_deps *deps = &receipt->receipts->deps;
    size_t provider = routes_number(deps->routes, receipt->report.provider);
    bool is_end = receipt->step == DELIVERY_ENDED;
    bool is_news = receipt->step != DELIVERY_NOTHING || receipt->report.kind == RECEIPT_ON_ITS_WAY;
    metrics_count(deps->metrics, METRIC_RECEIPTS, kinds[receipt->report.kind].metric, 0);
    if (is_end && receipt->state == DELIVERY_DELIVERED) {
        metrics_count(deps->metrics, METRIC_DELIVERIES_ENDED, METRIC_ENDING_DELIVERED, 0);
        if (provider != ROUTES_NO_PROVIDER)
            metrics_delivered(deps->metrics, provider, receipt->channel, receipt->age_ms);
    }
    if (is_end && receipt->state == DELIVERY_FAILED)
        metrics_count(deps->metrics, METRIC_DELIVERIES_ENDED, METRIC_ENDING_FAILED, 0);
    if (is_news)
        log_known(receipt);
    give_back(receipt);
}

// --- the store ---------------------------------------------------------------------------------

static struct receipt *receipt_of(struct delivery_op *op)
{
    return (struct receipt *)(void *)((char *)op - offsetof(struct receipt, op));
}

static void transition(struct delivery_op *op, const struct outbox_entry *entry,
                       const struct record *record, struct delivery *delivery, int64_t now_ms)
{
    struct receipt *receipt = receipt_of(op);
    struct delivery_moment moment;
    const struct delivery_report report = {
        .provider = receipt->report.provider,
        .is_delivered = receipt->report.kind == RECEIPT_DELIVERED,
        .reason = receipt->report.reason,
        .words = receipt->report.words,
    };
    delivery_moment_of(entry, record, now_ms, &moment);
    receipt->step = receipt->report.kind == RECEIPT_ON_ITS_WAY
                        ? DELIVERY_NOTHING
                        : delivery_receipt(delivery, &moment, &report);
    receipt->id = entry->id;
    receipt->channel = entry->channel;
    receipt->state = (enum delivery_state)delivery->state;
    receipt->age_ms = now_ms - entry->created_at_ms;
    memcpy(receipt->masked, entry->masked, sizeof receipt->masked);
    op->is_changed = receipt->step != DELIVERY_NOTHING;
}

static bool is_held_on(const struct receipt *receipt, enum store_outcome outcome)
{
    bool is_early = outcome == STORE_COMMITTED && receipt->op.handle == 0;
    bool has_no_room = outcome == STORE_REFUSED_BUSY || outcome == STORE_REFUSED_FULL;
    struct mono at = clock_mono(&receipt->receipts->deps.clock);
    return (is_early || has_no_room) && !mono_is_due(receipt->held_until, at);
}

static void done(struct delivery_op *op, enum store_outcome outcome)
{
    struct receipt *receipt = receipt_of(op);
    if (outcome == STORE_COMMITTED && op->is_found)
        note(receipt);
    else if (is_held_on(receipt, outcome))
        hold(receipt);
    else
        drop(receipt);
}

static void submit(struct receipt *receipt)
{
    struct receipts *receipts = receipt->receipts;
    const struct receipt_report *report = &receipt->report;
    const struct key *key = keyring_index(receipts->deps.keyring);
    receipt->op = (struct delivery_op){.transition = transition, .done = done};
    receipt->op.handle = report->handle;
    if (report->handle == 0)
        receipt->op.ref_tag = receipts_ref_tag(key, report->provider, report->ref);
    store_deliver(receipts->deps.store, &receipt->op);
}

static struct span copy(uint8_t *room, size_t cap, struct span text)
{
    struct span kept = span_first(text, cap);
    if (kept.len > 0)
        memcpy(room, kept.data, kept.len);
    return span_make(room, kept.len);
}

enum err receipts_take(struct receipts *receipts, const struct receipt_report *report)
{
    bool has_ref = report->ref.len > 0 && report->ref.len <= DELIVERY_REF_BYTES_MAX;
    struct receipt *receipt = take(receipts);
    if (receipt == NULL) {
        metrics_count(receipts->deps.metrics, METRIC_RECEIPTS, METRIC_RECEIPT_BUSY, 0);
        return ERR_BUSY;
    }
    receipt->report = *report;
    receipt->report.ref = copy(receipt->ref, sizeof receipt->ref, report->ref);
    receipt->report.words = copy(receipt->words, sizeof receipt->words, report->words);
    receipt->held_until = mono_after(clock_mono(&receipts->deps.clock), RECEIPTS_HELD_MS);
    if (report->handle == 0 && !has_ref)
        drop(receipt);
    else
        submit(receipt);
    return ERR_OK;
}

// The list is taken whole: what is held again meanwhile waits for the next time.
void receipts_step(struct receipts *receipts)
{
    struct mono at = clock_mono(&receipts->deps.clock);
    struct receipt *due = NULL;
    (void)pthread_mutex_lock(&receipts->lock);
    struct receipt **link = &receipts->held;
    while (*link != NULL) {
        struct receipt *receipt = *link;
        if (!mono_is_due(receipt->again_at, at)) {
            link = &receipt->next;
            continue;
        }
        *link = receipt->next;
        receipt->next = due;
        due = receipt;
    }
    (void)pthread_mutex_unlock(&receipts->lock);
    while (due != NULL) {
        struct receipt *next = due->next;
        submit(due);
        due = next;
    }
}

enum err receipts_create(const struct receipts_deps *deps, struct receipts **out)
{
    struct receipts *receipts = calloc(1, sizeof *receipts);
    if (receipts == NULL)
        return ERR_NO_MEMORY;
    receipts->deps = *deps;
    (void)pthread_mutex_init(&receipts->lock, NULL);
    for (size_t i = 0; i < RECEIPTS_MAX; i++) {
        receipts->list[i].receipts = receipts;
        receipts->list[i].next = receipts->free;
        receipts->free = &receipts->list[i];
    }
    *out = receipts;
    return ERR_OK;
}

void receipts_destroy(struct receipts **receipts)
{
    struct receipts *ended = *receipts;
    size_t held = 0;
    if (ended == NULL)
        return;
    for (const struct receipt *receipt = ended->held; receipt != NULL; receipt = receipt->next)
        held++;
    ASSERT(ended->taken == held);
    (void)pthread_mutex_destroy(&ended->lock);
    free(ended);
    *receipts = NULL;
}
