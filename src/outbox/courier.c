// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A claimed entry becomes a job: a place that holds all that its channel borrows until the result
// comes. The places are made once, with a share for each channel, and no more is claimed than a
// share can hold: what waits beyond it waits in the store, and a provider that hangs takes nothing
// from the others. Batches stay small, so that no lease runs while its entry waits for its turn.
//
//   free ──claimed──▶ taken ──sent──▶ with the channel ──result──▶ finished ──▶ free
//                       └──ended, or cannot be sent──────────────▶┘
//
// Finishing wipes, logs and settles, in one place for all ways out. Results that come while a step
// runs are settled together at its end; later ones on their own.
//
// One thread: courier_step and every on_result of the channels.
#include "outbox/courier.h"

#include "base/assert.h"
#include "base/strbuf.h"
#include "outbox/due.h"
#include "store/entry.h"

#include <stdlib.h>

// Longer than any channel takes to give up, or an entry would be claimed again while its channel
// still has it, and sent twice.
#define LEASE_MS 120000

#define MINUTE_MS 60000

#define FIELDS_ALWAYS 6U // of a log line about an entry
#define FIELDS_MAX (FIELDS_ALWAYS + 5U)

struct job {
    struct courier *courier;
    struct job *next_free;
    bool is_sending;
    struct claimed_entry claimed;
    struct courier_brand brand; // name empty and held NULL until it is found
    bool has_brand;
    size_t to_len;
    uint8_t to[SEAL_PLAIN_BYTES_MAX];
    struct message text;
    struct message otp_only;
    struct message subject;
    struct send_request request;      // of all that is above
    const struct send_result *result; // while it is looked at
};

struct courier {
    struct courier_deps deps;
    struct job *first_free;
    size_t free_count;
    size_t taken[CHANNEL_COUNT_]; // places
    bool is_in_step;
    size_t settlements_held;
    int64_t step_at_ms;       // the store's time when the step began …
    struct mono step_at_mono; // … and this machine's
    struct settlement settlements[COURIER_BATCH_MAX];
    struct claimed_entry claimed[COURIER_BATCH_MAX];
    struct job jobs[COURIER_PLACES];
};

struct state_row {
    enum log_level level;
    const char *event;
    enum metric_ending ending; // of all but DELIVERY_QUEUED
};

static const struct state_row state_rows[] = {
    [DELIVERY_QUEUED] = {LOG_INFO, "otp.retry", 0},
    [DELIVERY_ACCEPTED] = {LOG_INFO, "otp.sent", METRIC_ENDING_ACCEPTED},
    [DELIVERY_FAILED] = {LOG_WARNING, "otp.failed", METRIC_ENDING_FAILED},
    [DELIVERY_EXPIRED] = {LOG_WARNING, "otp.expired", METRIC_ENDING_EXPIRED},
    [DELIVERY_UNKNOWN] = {LOG_WARNING, "otp.unknown", METRIC_ENDING_UNKNOWN},
};

static const enum metric_attempt attempt_of_outcome[] = {
    [SEND_ACCEPTED] = METRIC_ATTEMPT_ACCEPTED,
    [SEND_RETRY] = METRIC_ATTEMPT_RETRY,
    [SEND_REFUSED] = METRIC_ATTEMPT_PERMANENT,
    [SEND_UNKNOWN] = METRIC_ATTEMPT_UNKNOWN,
};

_Static_assert(METRIC_CHANNELS == CHANNEL_COUNT_, "each channel is counted");

// The store's time may stand still between its commits; a deadline must not.
static int64_t now_ms(const struct courier *courier)
{
    return courier->step_at_ms + (clock_mono(&courier->deps.clock).ms - courier->step_at_mono.ms);
}

static unsigned tries_made(const struct job *job)
{
    return job->claimed.entry.tries + 1U;
}

static size_t put_text(struct log_field *fields, size_t count, const char *name, struct span text)
{
    if (text.len == 0)
        return count;
    fields[count] = log_text(name, text);
    return count + 1;
}

static size_t put_result(const struct job *job, struct log_field *fields, size_t count)
{
    const struct send_result *result = job->result;
    if (result == NULL)
        return count;
    struct span provider = job->courier->deps.providers[job->claimed.entry.channel];
    count = put_text(fields, count, "provider", provider);
    if (result->reason != SEND_REASON_NONE)
        count = put_text(fields, count, "reason", span_of_text(send_reason_name(result->reason)));
    count = put_text(fields, count, "words", result->words);
    return put_text(fields, count, "providerRef", result->provider_ref);
}

static void log_state(const struct job *job, enum delivery_state state, const char *why)
{
    const struct outbox_entry *entry = &job->claimed.entry;
    const char *channel =
        entry->channel < CHANNEL_COUNT_ ? channel_name((enum channel_kind)entry->channel) : "?";
    uint8_t digits[16];
    uint8_t id[8];
    struct strbuf hex = strbuf_over(digits, sizeof digits);
    for (unsigned i = 0; i < sizeof id; i++)
        id[i] = (uint8_t)(entry->id >> (56 - 8 * i));
    strbuf_put_hex(&hex, span_make(id, sizeof id));
    struct log_field fields[FIELDS_MAX] = {
        log_text("entry", strbuf_span(&hex)),
        log_text("brand", job->brand.name),
        log_text("channel", span_of_text(channel)),
        log_text("to", span_make(entry->masked, strnlen(entry->masked, sizeof entry->masked))),
        log_number("tries", tries_made(job)),
        log_number("ms", now_ms(job->courier) - entry->created_at_ms),
    };
    size_t count = put_text(fields, FIELDS_ALWAYS, "why", span_of_text(why));
    count = put_result(job, fields, count);
    log_event(job->courier->deps.log, state_rows[state].level, state_rows[state].event, fields,
              count);
}

static struct job *take_job(struct courier *courier, const struct claimed_entry *claimed)
{
    struct job *job = courier->first_free;
    courier->first_free = job->next_free;
    courier->free_count--;
    job->claimed = *claimed;
    if (claimed->entry.channel < CHANNEL_COUNT_)
        courier->taken[claimed->entry.channel]++;
    return job;
}

static void put_free(struct courier *courier, struct job *job)
{
    job->next_free = courier->first_free;
    courier->first_free = job;
    courier->free_count++;
}

// Nothing of the message or its address outlives this.
static void free_job(struct job *job)
{
    struct courier *courier = job->courier;
    uint8_t channel = job->claimed.entry.channel;
    wipe(job->to, job->to_len);
    message_wipe(&job->text);
    message_wipe(&job->otp_only);
    message_wipe(&job->subject);
    if (job->has_brand)
        courier->deps.directory.release(courier->deps.directory.ctx, &job->brand);
    if (channel < CHANNEL_COUNT_)
        courier->taken[channel]--;
    job->to_len = 0;
    job->has_brand = false;
    job->brand = (struct courier_brand){0};
    job->result = NULL;
    put_free(courier, job);
}

static void settle(struct courier *courier, const struct settlement *settlement)
{
    if (!courier->is_in_step) {
        store_settle(courier->deps.store, settlement, 1);
        return;
    }
    ASSERT(courier->settlements_held < COURIER_BATCH_MAX);
    courier->settlements[courier->settlements_held++] = *settlement;
}

// `due_at_ms` counts for DELIVERY_QUEUED alone. `why` is for the log.
static void finish(struct job *job, enum delivery_state state, int64_t due_at_ms, const char *why)
{
    struct courier *courier = job->courier;
    const struct settlement settlement = {
        .id = job->claimed.entry.id,
        .token = job->claimed.token,
        .state = state,
        .due_at_ms = due_at_ms,
    };
    log_state(job, state, why);
    if (state != DELIVERY_QUEUED)
        metrics_count(courier->deps.metrics, METRIC_DELIVERIES_ENDED, state_rows[state].ending, 0);
    free_job(job);
    settle(courier, &settlement);
}

static void retry(struct job *job, const struct send_result *result)
{
    struct courier *courier = job->courier;
    uint32_t jitter = (uint32_t)entropy_u64(&courier->deps.entropy);
    int64_t delay_ms = due_retry_delay_ms(tries_made(job), jitter);
    if (delay_ms < result->retry_after_ms)
        delay_ms = result->retry_after_ms;
    int64_t due_at_ms = now_ms(courier) + delay_ms;
    if (due_is_in_time(due_at_ms, job->claimed.entry.deadline_at_ms))
        finish(job, DELIVERY_QUEUED, due_at_ms, send_reason_sentence(result->reason));
    else
        finish(job, DELIVERY_EXPIRED, 0, "no time left for another try");
}

static void on_result(void *ctx, const struct send_result *result)
{
    struct job *job = ctx;
    ASSERT(job->is_sending);
    job->is_sending = false;
    job->result = result;
    metrics_count(job->courier->deps.metrics, METRIC_DELIVERY_ATTEMPTS, job->claimed.entry.channel,
                  attempt_of_outcome[result->outcome]);
    const char *why = send_reason_sentence(result->reason);
    switch (result->outcome) {
    case SEND_ACCEPTED:
        finish(job, DELIVERY_ACCEPTED, 0, "");
        return;
    case SEND_REFUSED:
        finish(job, DELIVERY_FAILED, 0, why);
        return;
    case SEND_UNKNOWN:
        finish(job, DELIVERY_UNKNOWN, 0, why);
        return;
    case SEND_RETRY:
        retry(job, result);
        return;
    }
    UNREACHABLE();
}

static struct channel *channel_of(const struct job *job)
{
    uint8_t kind = job->claimed.entry.channel;
    return kind < CHANNEL_COUNT_ ? job->courier->deps.channels[kind] : NULL;
}

static bool find_brand(struct job *job)
{
    const struct outbox_entry *entry = &job->claimed.entry;
    const struct courier_directory *directory = &job->courier->deps.directory;
    const struct courier_wish wish = {.kind = (enum channel_kind)entry->channel};
    job->has_brand = directory->find(directory->ctx, entry->brand_id, &wish, &job->brand);
    return job->has_brand;
}

static bool open_address(struct job *job)
{
    const struct outbox_entry *entry = &job->claimed.entry;
    uint8_t associated[OUTBOX_ENTRY_ASSOCIATED_BYTES];
    outbox_entry_associated(entry, associated);
    return seal_open(keyring_seal(job->courier->deps.keyring),
                     span_make(associated, sizeof associated), &entry->address, job->to,
                     &job->to_len);
}

// The one place where a code of the outbox is in plain.
static void write_message(struct job *job, const struct epoch *epoch, int64_t at_ms)
{
    const struct outbox_entry *entry = &job->claimed.entry;
    int64_t left_ms = entry->deadline_at_ms - at_ms;
    struct code_source source;
    struct code code;
    code_source_of(&entry->key, &entry->session, entry->salt, &source);
    code_derive(&epoch->code, &source, entry->length, &code);
    const struct template_values values = {
        .code = &code,
        .brand = job->brand.name,
        .minutes = (uint64_t)((left_ms + MINUTE_MS - 1) / MINUTE_MS),
    };
    template_render(job->brand.wording.text, &values, &job->text);
    if (job->brand.wording.subject != NULL)
        template_render(job->brand.wording.subject, &values, &job->subject);
    code_render(&code, &job->otp_only);
    code_wipe(&code);
}

// Makes everything that the channel needs. Returns why that is impossible, or NULL.
static const char *prepare(struct job *job, int64_t at_ms)
{
    const struct outbox_entry *entry = &job->claimed.entry;
    if (channel_of(job) == NULL)
        return "no such channel";
    if (!find_brand(job))
        return "unknown brand";
    if (!open_address(job))
        return "address does not open";
    const struct epoch *epoch =
        epoch_find(keyring_epochs(job->courier->deps.keyring, at_ms), entry->epoch);
    if (epoch == NULL)
        return "keys of its epoch are gone";
    write_message(job, epoch, at_ms);
    return job->text.is_overflowed ? "message too long" : NULL;
}

static void deliver(struct job *job)
{
    const struct outbox_entry *entry = &job->claimed.entry;
    int64_t at_ms = now_ms(job->courier);
    if (!due_is_in_time(at_ms, entry->deadline_at_ms)) {
        finish(job, DELIVERY_EXPIRED, 0, "its code has ended");
        return;
    }
    const char *why = prepare(job, at_ms);
    if (why != NULL) {
        finish(job, DELIVERY_FAILED, 0, why);
        return;
    }
    job->request = (struct send_request){
        .id = entry->id,
        .kind = (enum channel_kind)entry->channel,
        .brand = job->brand.name,
        .to = span_make(job->to, job->to_len),
        .text = &job->text,
        .otp_only = &job->otp_only,
        .subject = job->brand.wording.subject != NULL ? &job->subject : NULL,
        .language = job->brand.wording.language,
        .sender = job->brand.wording.sender,
        .template_id = job->brand.wording.template_id,
        .sent_at_ms = at_ms,
        .deadline_at_ms = entry->deadline_at_ms,
    };
    struct channel *channel = channel_of(job);
    job->is_sending = true;
    channel->ops->send(channel, &job->request, on_result, job);
}

uint32_t courier_busy(const struct courier *courier)
{
    uint32_t busy = 0;
    for (unsigned kind = 0; kind < CHANNEL_COUNT_; kind++)
        busy |= courier->taken[kind] + COURIER_BATCH_MAX > COURIER_CHANNEL_PLACES ? 1U << kind : 0;
    return busy;
}

size_t courier_step(struct courier *courier)
{
    const struct store_claim claim = {.lease_ms = LEASE_MS, .busy = courier_busy(courier)};
    struct store *store = courier->deps.store;
    ASSERT(!courier->is_in_step);
    size_t count = store_claim(store, &claim, courier->claimed, COURIER_BATCH_MAX);
    if (count == 0)
        return 0;
    courier->is_in_step = true;
    courier->step_at_mono = clock_mono(&courier->deps.clock);
    courier->step_at_ms = store_now_ms(store);
    for (size_t i = 0; i < count; i++)
        deliver(take_job(courier, &courier->claimed[i]));
    courier->is_in_step = false;
    store_settle(store, courier->settlements, courier->settlements_held);
    courier->settlements_held = 0;
    return count;
}

enum err courier_create(const struct courier_deps *deps, struct courier **out)
{
    struct courier *courier = calloc(1, sizeof *courier);
    if (courier == NULL)
        return ERR_NO_MEMORY;
    courier->deps = *deps;
    for (size_t i = 0; i < COURIER_PLACES; i++) {
        courier->jobs[i].courier = courier;
        put_free(courier, &courier->jobs[i]);
    }
    *out = courier;
    return ERR_OK;
}

void courier_destroy(struct courier **courier)
{
    if (*courier == NULL)
        return;
    ASSERT((*courier)->free_count == COURIER_PLACES);
    free(*courier);
    *courier = NULL;
}
