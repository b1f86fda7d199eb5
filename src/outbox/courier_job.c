// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "outbox/courier_job.h"

#include "base/assert.h"
#include "base/strbuf.h"
#include "outbox/receipt_path.h"
#include "store/entry.h"

#define MINUTE_MS 60000

#define FIELDS_ALWAYS 6U
#define FIELDS_MAX (FIELDS_ALWAYS + 6U)

// --- preparing ---------------------------------------------------------------------------------

static bool find_brand(struct job *job, const struct courier_deps *deps)
{
    const struct outbox_entry *entry = &job->claimed.entry;
    const struct courier_wish wish = {
        .kind = (enum channel_kind)entry->channel,
        .language = span_make(entry->language, strnlen(entry->language, sizeof entry->language)),
    };
    job->has_brand = deps->directory.find(deps->directory.ctx, entry->brand_id, &wish, &job->brand);
    return job->has_brand;
}

static bool open_address(struct job *job, const struct courier_deps *deps)
{
    const struct outbox_entry *entry = &job->claimed.entry;
    uint8_t associated[OUTBOX_ENTRY_ASSOCIATED_BYTES];
    outbox_entry_associated(entry, associated);
    return seal_open(keyring_seal(deps->keyring), span_make(associated, sizeof associated),
                     &entry->address, job->to, &job->to_len);
}

static const struct epoch *epoch_of(const struct job *job, const struct courier_deps *deps,
                                    int64_t at_ms)
{
    return epoch_find(keyring_epochs(deps->keyring, at_ms), job->claimed.entry.epoch);
}

static const char *find_parts(struct job *job, const struct courier_deps *deps, int64_t at_ms)
{
    if (job->claimed.entry.channel >= CHANNEL_COUNT_)
        return "no such channel";
    if (!find_brand(job, deps))
        return "unknown brand";
    if (!open_address(job, deps))
        return "address does not open";
    if (epoch_of(job, deps, at_ms) == NULL)
        return "keys of its epoch are gone";
    const struct route_query query = {(enum channel_kind)job->claimed.entry.channel,
                                      span_make(job->to, job->to_len), job->brand.name};
    routes_find(deps->routes, &query, &job->way.route);
    return job->way.route.count == 0 ? "nobody carries its channel" : NULL;
}

void job_prepare(struct job *job, const struct courier_deps *deps, int64_t at_ms)
{
    job->why = find_parts(job, deps, at_ms);
}

// --- the message -------------------------------------------------------------------------------

// The one place where a code of the outbox is in plain.
static void write_texts(struct job *job, const struct epoch *epoch, int64_t at_ms)
{
    const struct outbox_entry *entry = &job->claimed.entry;
    int64_t left_ms = job->code_ends_at_ms - at_ms;
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

static struct span write_url(struct job *job, const struct courier_deps *deps)
{
    struct strbuf url = strbuf_over(job->url, sizeof job->url);
    provider_tag provider = job->delivery.provider;
    if (deps->receipts_url.len == 0)
        return SPAN("");
    strbuf_put(&url, deps->receipts_url);
    strbuf_put(&url, routes_name(deps->routes, provider));
    strbuf_put_byte(&url, '/');
    receipt_path_put(keyring_index(deps->keyring), provider, job->claimed.handle, &url);
    ASSERT(!url.is_overflowed);
    return strbuf_span(&url);
}

void job_announce(struct job *job, int64_t at_ms)
{
    message_init(&job->text);
    message_init(&job->otp_only);
    job->request = (struct send_request){
        .id = job->claimed.entry.id,
        .kind = (enum channel_kind)job->claimed.entry.channel,
        .brand = job->brand.name,
        .to = span_make(job->to, job->to_len),
        .text = &job->text,
        .otp_only = &job->otp_only,
        .sent_at_ms = at_ms,
        .deadline_at_ms = job->code_ends_at_ms,
    };
}

void job_write(struct job *job, const struct courier_deps *deps, int64_t at_ms)
{
    const struct epoch *epoch = epoch_of(job, deps, at_ms);
    ASSERT(epoch != NULL); // codes do not outlive their keys
    job_announce(job, at_ms);
    write_texts(job, epoch, at_ms);
    job->request.subject = job->brand.wording.subject != NULL ? &job->subject : NULL;
    job->request.language = job->brand.wording.language;
    job->request.sender = job->brand.wording.sender;
    job->request.template_id = job->brand.wording.template_id;
    job->request.receipt_url = write_url(job, deps);
}

void job_wipe_message(struct job *job)
{
    wipe(job->to, job->to_len);
    job->to_len = 0;
    message_wipe(&job->text);
    message_wipe(&job->otp_only);
    message_wipe(&job->subject);
}

static struct span keep(uint8_t *room, struct span text)
{
    if (text.len > 0)
        memcpy(room, text.data, text.len);
    return span_make(room, text.len);
}

// Half of a reference would name something else.
void job_keep_result(struct job *job, const struct send_result *result)
{
    bool has_ref = result->provider_ref.len <= sizeof job->ref;
    job->has_result = true;
    job->result = *result;
    job->result.provider_ref = keep(job->ref, has_ref ? result->provider_ref : SPAN(""));
    job->result.words = keep(job->words, span_first(result->words, sizeof job->words));
}

// --- the log -----------------------------------------------------------------------------------

struct event {
    enum log_level level;
    const char *name;
};

// Of an entry that is over, or of a look at it.
static const struct event state_events[DELIVERY_STATE_COUNT_] = {
    [DELIVERY_QUEUED] = {LOG_DEBUG, "otp.waits"},
    [DELIVERY_SUBMITTED] = {LOG_DEBUG, "otp.submitted"},
    [DELIVERY_ACCEPTED] = {LOG_INFO, "otp.sent"},
    [DELIVERY_DELIVERED] = {LOG_INFO, "otp.delivered"},
    [DELIVERY_FAILED] = {LOG_WARNING, "otp.failed"},
    [DELIVERY_EXPIRED] = {LOG_WARNING, "otp.expired"},
    [DELIVERY_UNKNOWN] = {LOG_WARNING, "otp.unknown"},
    [DELIVERY_OBSOLETE] = {LOG_INFO, "otp.obsolete"},
    [DELIVERY_DROPPED] = {LOG_INFO, "otp.dropped"},
};

static const struct event outcome_events[] = {
    [SEND_ACCEPTED] = {LOG_INFO, "otp.sent"},
    [SEND_RETRY] = {LOG_INFO, "otp.retry"},
    [SEND_REFUSED] = {LOG_WARNING, "otp.failed"},
    [SEND_UNKNOWN] = {LOG_WARNING, "otp.unknown"},
};

static const struct event moved = {LOG_WARNING, "otp.rerouted"};
static const struct event withdrawn = {LOG_DEBUG, "otp.withdrawn"};

static const enum metric_ending endings[DELIVERY_STATE_COUNT_] = {
    [DELIVERY_ACCEPTED] = METRIC_ENDING_ACCEPTED, [DELIVERY_DELIVERED] = METRIC_ENDING_DELIVERED,
    [DELIVERY_FAILED] = METRIC_ENDING_FAILED,     [DELIVERY_EXPIRED] = METRIC_ENDING_EXPIRED,
    [DELIVERY_UNKNOWN] = METRIC_ENDING_UNKNOWN,   [DELIVERY_OBSOLETE] = METRIC_ENDING_OBSOLETE,
    [DELIVERY_DROPPED] = METRIC_ENDING_DROPPED,
};

static const struct event *event_of(const struct job *job)
{
    if (job->stage == JOB_WITHDRAWING)
        return &withdrawn;
    if (job->step == DELIVERY_MOVED)
        return &moved;
    bool is_late = job->step == DELIVERY_ENDED && job->delivery.state == DELIVERY_EXPIRED;
    if (job->has_result && !is_late)
        return &outcome_events[job->result.outcome];
    return &state_events[job->delivery.state];
}

// Why a look at it did not lead to a send.
static const char *why_not_sent(const struct job *job)
{
    enum delivery_state before = (enum delivery_state)job->claimed.delivery.state;
    enum delivery_state state = (enum delivery_state)job->delivery.state;
    if (job->step == DELIVERY_ENDED && state == DELIVERY_FAILED)
        return job->why != NULL ? job->why : "no other provider is left";
    if (job->step == DELIVERY_ENDED && state == DELIVERY_EXPIRED)
        return "its code has ended";
    if (job->step == DELIVERY_ENDED && state == DELIVERY_OBSOLETE)
        return "its code was used or replaced";
    if (before == DELIVERY_SUBMITTED)
        return "the server ended while it was sent";
    if (before == DELIVERY_ACCEPTED)
        return "no receipt has come";
    if (before == DELIVERY_UNKNOWN)
        return "nobody knows whether it was taken";
    return job->way.resting != 0 ? "its provider is left alone for a while"
                                 : "its provider has said no";
}

static const char *why_of(const struct job *job)
{
    if (!job->has_result)
        return job->stage == JOB_WITHDRAWING ? "" : why_not_sent(job);
    if (job->step == DELIVERY_ENDED && job->delivery.state == DELIVERY_EXPIRED)
        return "no time left for another try";
    return job->result.outcome == SEND_ACCEPTED ? "" : send_reason_sentence(job->result.reason);
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
    const struct send_result *result = &job->result;
    if (!job->has_result)
        return count;
    if (result->reason != SEND_REASON_NONE)
        count = put_text(fields, count, "reason", span_of_text(send_reason_name(result->reason)));
    count = put_text(fields, count, "words", result->words);
    return put_text(fields, count, "providerRef", result->provider_ref);
}

static void write_line(const struct job *job, const struct courier_deps *deps, int64_t age_ms)
{
    const struct outbox_entry *entry = &job->claimed.entry;
    const struct event *event = event_of(job);
    const char *channel =
        entry->channel < CHANNEL_COUNT_ ? channel_name((enum channel_kind)entry->channel) : "?";
    provider_tag before = job->has_result ? job->sent.provider : job->claimed.delivery.provider;
    bool is_moved = job->step == DELIVERY_MOVED;
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
        log_number("tries", job->delivery.tries),
        log_number("ms", age_ms),
    };
    size_t count = put_text(fields, FIELDS_ALWAYS, "why", span_of_text(why_of(job)));
    count = put_text(fields, count, "provider", routes_name(deps->routes, before));
    if (is_moved)
        count = put_text(fields, count, "next", routes_name(deps->routes, job->delivery.provider));
    count = put_result(job, fields, count);
    log_event(deps->log, event->level, event->name, fields, count);
}

// That an entry is over which was taken long ago is no news.
static bool is_news(const struct job *job)
{
    if (job->step == DELIVERY_NOTHING || job->step == DELIVERY_SEND)
        return job->has_result;
    return job->has_result || job->delivery.state != job->claimed.delivery.state ||
           job->step == DELIVERY_MOVED || job->step == DELIVERY_WAITS;
}

void job_report(const struct job *job, const struct courier_deps *deps, int64_t age_ms)
{
    if (job->step == DELIVERY_ENDED)
        metrics_count(deps->metrics, METRIC_DELIVERIES_ENDED, endings[job->delivery.state], 0);
    if (is_news(job))
        write_line(job, deps, age_ms);
}
