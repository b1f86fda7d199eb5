// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "outbox/delivery.h"

#include "base/assert.h"
#include "outbox/due.h"

// --- the code ----------------------------------------------------------------------------------

static const struct live_code *find_code(const struct record *record,
                                         const struct outbox_entry *entry)
{
    for (size_t i = 0; i < record->codes_held; i++) {
        const struct live_code *code = &record->codes[i];
        if (code->session.id == entry->session.id && code->salt == entry->salt)
            return code;
    }
    return NULL;
}

// A code that is gone from the record was used or replaced, or has ended long ago.
void delivery_moment_of(const struct outbox_entry *entry, const struct record *record,
                        int64_t now_ms, struct delivery_moment *out)
{
    const struct live_code *code = find_code(record, entry);
    *out = (struct delivery_moment){
        .now_ms = now_ms,
        .code_ends_at_ms = code != NULL ? code->expires_at_ms : entry->deadline_at_ms,
        .is_code_live =
            code != NULL && code->tries<code->tries_max, .has_address = entry->address.len> 0,
    };
}

static bool may_send(const struct delivery_moment *moment)
{
    return moment->is_code_live && due_is_in_time(moment->now_ms, moment->code_ends_at_ms);
}

// --- attempts ----------------------------------------------------------------------------------

#define NO_ATTEMPT DELIVERY_ATTEMPTS_MAX

static size_t latest_of(const struct delivery *delivery, provider_tag provider)
{
    for (size_t i = delivery->attempts_held; i > 0; i--) {
        if (delivery->attempts[i - 1].provider == provider)
            return i - 1;
    }
    return NO_ATTEMPT;
}

static struct attempt *last_attempt(struct delivery *delivery)
{
    ASSERT(delivery->attempts_held > 0);
    return &delivery->attempts[delivery->attempts_held - 1];
}

static unsigned tries_of(const struct delivery *delivery, provider_tag provider)
{
    unsigned tries = 0;
    for (size_t i = 0; i < delivery->attempts_held; i++)
        tries += delivery->attempts[i].provider == provider;
    return tries;
}

// The oldest that is not the last word of its provider, who is about to say another one.
static size_t least_missed(const struct delivery *delivery, provider_tag provider)
{
    for (size_t i = 0; i < delivery->attempts_held; i++) {
        provider_tag own = delivery->attempts[i].provider;
        if (own == provider || tries_of(delivery, own) > 1)
            return i;
    }
    return 0;
}

static void forget(struct delivery *delivery, size_t at)
{
    size_t behind = delivery->attempts_held - at - 1U;
    memmove(&delivery->attempts[at], &delivery->attempts[at + 1],
            behind * sizeof delivery->attempts[0]);
    delivery->attempts_held--;
}

static void begin_attempt(struct delivery *delivery, int64_t now_ms)
{
    if (delivery->attempts_held == DELIVERY_ATTEMPTS_MAX)
        forget(delivery, least_missed(delivery, delivery->provider));
    delivery->attempts[delivery->attempts_held++] = (struct attempt){
        .provider = delivery->provider, .state = DELIVERY_SUBMITTED, .at_ms = now_ms};
    if (delivery->tries < UINT8_MAX)
        delivery->tries++;
    delivery->state = DELIVERY_SUBMITTED;
    delivery->due_at_ms = now_ms + DELIVERY_LEASE_MS;
    delivery->ref_len = 0;
    delivery->words_len = 0;
}

static uint32_t after_ms(const struct attempt *attempt, int64_t now_ms)
{
    int64_t after = now_ms - attempt->at_ms;
    if (after < 1)
        return 1;
    return after < UINT32_MAX ? (uint32_t)after : UINT32_MAX;
}

static void keep_words(struct delivery *delivery, struct span words)
{
    struct span kept = span_first(words, DELIVERY_WORDS_BYTES_MAX);
    if (kept.len > 0)
        memcpy(delivery->words, kept.data, kept.len);
    delivery->words_len = (uint8_t)kept.len;
}

// A reference that is too long could never be matched.
static void keep_ref(struct delivery *delivery, struct span ref)
{
    bool is_kept = ref.len > 0 && ref.len <= DELIVERY_REF_BYTES_MAX;
    if (is_kept)
        memcpy(delivery->ref, ref.data, ref.len);
    delivery->ref_len = is_kept ? (uint8_t)ref.len : 0;
}

// --- where to ----------------------------------------------------------------------------------

static bool is_untried(const struct delivery *delivery, provider_tag provider)
{
    return latest_of(delivery, provider) == NO_ATTEMPT;
}

static bool may_retry(const struct delivery *delivery, provider_tag provider)
{
    size_t latest = latest_of(delivery, provider);
    return latest != NO_ATTEMPT && delivery->attempts[latest].state == DELIVERY_QUEUED;
}

typedef bool is_fit(const struct delivery *delivery, provider_tag provider);

// The first of the route that is fit and not the present one. `but`: bits of those to leave out.
// 0: none.
static provider_tag first_fit(const struct delivery *delivery, const struct delivery_way *way,
                              uint32_t but, is_fit *is_good)
{
    for (size_t i = 0; i < way->route.count; i++) {
        provider_tag tag = way->route.providers[i];
        if (tag != delivery->provider && (but >> i & 1U) == 0 && is_good(delivery, tag))
            return tag;
    }
    return 0;
}

static bool has_other(const struct delivery *delivery, const struct delivery_way *way)
{
    return first_fit(delivery, way, 0, is_untried) != 0 ||
           first_fit(delivery, way, 0, may_retry) != 0;
}

static bool is_resting(const struct delivery *delivery, const struct delivery_way *way)
{
    for (size_t i = 0; i < way->route.count; i++) {
        if (way->route.providers[i] == delivery->provider)
            return (way->resting >> i & 1U) != 0;
    }
    return false;
}

static bool is_on_route(const struct delivery *delivery, const struct delivery_way *way)
{
    for (size_t i = 0; i < way->route.count; i++) {
        if (way->route.providers[i] == delivery->provider)
            return true;
    }
    return false;
}

// --- steps -------------------------------------------------------------------------------------

static bool has_attempt(const struct delivery *delivery, enum delivery_state state)
{
    for (size_t i = 0; i < delivery->attempts_held; i++) {
        if (delivery->attempts[i].state == state)
            return true;
    }
    return false;
}

// Of all that became of it, the best counts.
static enum delivery_step end(struct delivery *delivery, enum delivery_state state)
{
    static const enum delivery_state better[] = {DELIVERY_DELIVERED, DELIVERY_ACCEPTED,
                                                 DELIVERY_UNKNOWN};
    for (size_t i = sizeof better / sizeof better[0]; i > 0; i--) {
        if (has_attempt(delivery, better[i - 1]))
            state = better[i - 1];
    }
    delivery->state = (uint8_t)state;
    delivery->due_at_ms = STORE_NEVER;
    return DELIVERY_ENDED;
}

static enum delivery_step move_to(struct delivery *delivery, provider_tag provider, int64_t due_ms)
{
    delivery->state = DELIVERY_QUEUED;
    delivery->provider = provider;
    delivery->due_at_ms = due_ms;
    return DELIVERY_MOVED;
}

// To one that has not been asked, or else to one that asked for patience, in its time.
static enum delivery_step go_on(struct delivery *delivery, const struct delivery_moment *moment,
                                const struct delivery_way *way)
{
    provider_tag fresh = first_fit(delivery, way, way->resting, is_untried);
    if (fresh == 0)
        fresh = first_fit(delivery, way, 0, is_untried);
    if (fresh != 0)
        return move_to(delivery, fresh, moment->now_ms);
    provider_tag again = first_fit(delivery, way, 0, may_retry);
    if (again == 0)
        return end(delivery, DELIVERY_FAILED);
    int64_t due_ms = moment->now_ms + due_retry_delay_ms(tries_of(delivery, again), way->jitter);
    if (!due_is_in_time(due_ms, moment->code_ends_at_ms))
        return end(delivery, DELIVERY_EXPIRED);
    return move_to(delivery, again, due_ms);
}

// Open for the next provider, if there is one and the code lives as long.
static enum delivery_step wait_for_news(struct delivery *delivery,
                                        const struct delivery_moment *moment,
                                        const struct delivery_way *way, int64_t from_ms)
{
    int64_t wait_ms = way->route.fallback_after_ms;
    if (delivery->state == DELIVERY_UNKNOWN && wait_ms == 0)
        wait_ms = DELIVERY_UNKNOWN_MS;
    int64_t due_ms = from_ms + wait_ms < moment->now_ms ? moment->now_ms : from_ms + wait_ms;
    bool is_worth_it = wait_ms > 0 && moment->is_code_live && has_other(delivery, way) &&
                       due_is_in_time(due_ms, moment->code_ends_at_ms);
    if (!is_worth_it)
        return end(delivery, (enum delivery_state)delivery->state);
    delivery->due_at_ms = due_ms;
    return DELIVERY_WAITS;
}

static enum delivery_step be_unknown(struct delivery *delivery,
                                     const struct delivery_moment *moment,
                                     const struct delivery_way *way)
{
    struct attempt *attempt = last_attempt(delivery);
    attempt->state = DELIVERY_UNKNOWN;
    delivery->state = DELIVERY_UNKNOWN;
    return wait_for_news(delivery, moment, way, attempt->at_ms);
}

// A provider that is no longer on the route, has said no, or has it, or whose breaker is open.
static bool has_to_move(struct delivery *delivery, const struct delivery_way *way)
{
    return !is_on_route(delivery, way) ||
           (!is_untried(delivery, delivery->provider) && !may_retry(delivery, delivery->provider));
}

static enum delivery_step avoid(struct delivery *delivery, const struct delivery_moment *moment,
                                const struct delivery_way *way)
{
    provider_tag other = first_fit(delivery, way, way->resting, is_untried);
    if (other == 0)
        other = first_fit(delivery, way, way->resting, may_retry);
    if (other != 0)
        return move_to(delivery, other, moment->now_ms);
    ASSERT(way->rest_ms > 0);
    int64_t due_ms = moment->now_ms + way->rest_ms;
    if (!due_is_in_time(due_ms, moment->code_ends_at_ms))
        due_ms = moment->code_ends_at_ms;
    delivery->due_at_ms = due_ms;
    return DELIVERY_WAITS;
}

static enum delivery_step look_queued(struct delivery *delivery,
                                      const struct delivery_moment *moment,
                                      const struct delivery_way *way)
{
    if (has_to_move(delivery, way))
        return go_on(delivery, moment, way);
    if (is_resting(delivery, way))
        return avoid(delivery, moment, way);
    begin_attempt(delivery, moment->now_ms);
    return DELIVERY_SEND;
}

static enum delivery_step look_taken(struct delivery *delivery,
                                     const struct delivery_moment *moment,
                                     const struct delivery_way *way)
{
    if (!has_other(delivery, way))
        return end(delivery, (enum delivery_state)delivery->state);
    return go_on(delivery, moment, way);
}

enum delivery_step delivery_look(struct delivery *delivery, const struct delivery_moment *moment,
                                 const struct delivery_way *way)
{
    if (delivery->due_at_ms > moment->now_ms && delivery->state != DELIVERY_SUBMITTED)
        return DELIVERY_NOTHING;
    if (delivery->state == DELIVERY_SUBMITTED)
        return be_unknown(delivery, moment, way);
    if (!may_send(moment)) {
        bool has_ended = !due_is_in_time(moment->now_ms, moment->code_ends_at_ms);
        return end(delivery, has_ended ? DELIVERY_EXPIRED : DELIVERY_OBSOLETE);
    }
    if (!moment->has_address || way->route.count == 0)
        return end(delivery, DELIVERY_FAILED);
    if (delivery->state == DELIVERY_QUEUED)
        return look_queued(delivery, moment, way);
    return look_taken(delivery, moment, way);
}

// --- results -----------------------------------------------------------------------------------

static enum delivery_step be_accepted(struct delivery *delivery,
                                      const struct delivery_moment *moment,
                                      const struct delivery_way *way, struct attempt *attempt)
{
    attempt->state = DELIVERY_ACCEPTED;
    delivery->state = DELIVERY_ACCEPTED;
    return wait_for_news(delivery, moment, way, attempt->at_ms);
}

static enum delivery_step be_retried(struct delivery *delivery,
                                     const struct delivery_moment *moment,
                                     const struct delivery_way *way, int64_t asked_ms)
{
    unsigned tries = tries_of(delivery, delivery->provider);
    int64_t delay_ms = due_retry_delay_ms(tries, way->jitter);
    if (delay_ms < asked_ms)
        delay_ms = asked_ms;
    int64_t due_ms = moment->now_ms + delay_ms;
    bool is_in_time = due_is_in_time(due_ms, moment->code_ends_at_ms);
    provider_tag other = first_fit(delivery, way, way->resting, is_untried);
    if (other != 0 && (tries >= DELIVERY_PATIENCE_TRIES || !is_in_time))
        return move_to(delivery, other, moment->now_ms);
    if (!is_in_time)
        return end(delivery, DELIVERY_EXPIRED);
    delivery->state = DELIVERY_QUEUED;
    delivery->due_at_ms = due_ms;
    return DELIVERY_WAITS;
}

static enum delivery_step apply(struct delivery *delivery, const struct delivery_moment *moment,
                                const struct delivery_way *way, const struct send_result *result)
{
    struct attempt *attempt = last_attempt(delivery);
    if (result->outcome != SEND_ACCEPTED)
        keep_words(delivery, result->words);
    switch (result->outcome) {
    case SEND_ACCEPTED:
        return be_accepted(delivery, moment, way, attempt);
    case SEND_REFUSED:
        attempt->state = DELIVERY_FAILED;
        return go_on(delivery, moment, way);
    case SEND_RETRY:
        attempt->state = DELIVERY_QUEUED;
        return be_retried(delivery, moment, way, result->retry_after_ms);
    case SEND_UNKNOWN:
        return be_unknown(delivery, moment, way);
    }
    UNREACHABLE();
}

// A receipt was faster, or so much time has passed that it counted as unknown and others may have
// been asked since. Better news is kept.
static enum delivery_step note_late(struct delivery *delivery, struct attempt *attempt,
                                    const struct send_result *result)
{
    bool is_better = result->outcome == SEND_ACCEPTED &&
                     (attempt->state == DELIVERY_SUBMITTED || attempt->state == DELIVERY_UNKNOWN);
    if (is_better)
        attempt->state = DELIVERY_ACCEPTED;
    bool is_final = delivery->state == DELIVERY_DROPPED || delivery->state == DELIVERY_DELIVERED;
    if (is_better && delivery->due_at_ms == STORE_NEVER && !is_final)
        (void)end(delivery, (enum delivery_state)delivery->state);
    return DELIVERY_NOTED;
}

static struct attempt *find_sent(struct delivery *delivery, const struct delivery_sent *sent)
{
    for (size_t i = 0; i < delivery->attempts_held; i++) {
        struct attempt *attempt = &delivery->attempts[i];
        if (attempt->provider == sent->provider && attempt->at_ms == sent->at_ms)
            return attempt;
    }
    return NULL;
}

// Nothing has been done about it since, but that it may have been thought unknown.
static bool is_current(const struct delivery *delivery, const struct attempt *attempt)
{
    bool is_open = delivery->due_at_ms != STORE_NEVER;
    return attempt == &delivery->attempts[delivery->attempts_held - 1] &&
           (delivery->state == DELIVERY_SUBMITTED ||
            (delivery->state == DELIVERY_UNKNOWN && is_open));
}

enum delivery_step delivery_result(struct delivery *delivery, const struct delivery_moment *moment,
                                   const struct delivery_way *way, const struct delivery_sent *sent,
                                   const struct send_result *result)
{
    struct attempt *attempt = find_sent(delivery, sent);
    if (attempt == NULL || attempt->answered_after_ms != 0)
        return DELIVERY_NOTHING;
    attempt->answered_after_ms = after_ms(attempt, moment->now_ms);
    if (attempt == &delivery->attempts[delivery->attempts_held - 1])
        keep_ref(delivery, result->provider_ref);
    if (!is_current(delivery, attempt))
        return note_late(delivery, attempt, result);
    attempt->reason = (uint8_t)result->reason;
    return apply(delivery, moment, way, result);
}

// That its breaker is open says nothing new: this may be why.
enum delivery_step delivery_miss(struct delivery *delivery, const struct delivery_moment *moment,
                                 const struct delivery_way *way, const struct send_result *result,
                                 struct delivery_sent *sent_out)
{
    struct delivery_way open = *way;
    open.resting = 0;
    *sent_out = (struct delivery_sent){.provider = 0};
    enum delivery_step step = delivery_look(delivery, moment, &open);
    if (step != DELIVERY_SEND)
        return step;
    *sent_out = (struct delivery_sent){delivery->provider, moment->now_ms};
    return delivery_result(delivery, moment, way, sent_out, result);
}

enum delivery_step delivery_withdraw(struct delivery *delivery,
                                     const struct delivery_moment *moment,
                                     const struct delivery_sent *sent)
{
    const struct attempt *attempt = find_sent(delivery, sent);
    if (attempt == NULL || attempt->answered_after_ms != 0 || !is_current(delivery, attempt))
        return DELIVERY_NOTHING;
    delivery->attempts_held--;
    delivery->tries--;
    return move_to(delivery, sent->provider, moment->now_ms);
}

// --- reports -----------------------------------------------------------------------------------

static enum delivery_step be_delivered(struct delivery *delivery)
{
    bool is_news = delivery->state != DELIVERY_DELIVERED;
    delivery->state = DELIVERY_DELIVERED;
    delivery->due_at_ms = STORE_NEVER;
    return is_news ? DELIVERY_ENDED : DELIVERY_NOTHING;
}

// Sent by the next one if it still can be, and if it was this attempt that all depended on.
static enum delivery_step be_reported_failed(struct delivery *delivery,
                                             const struct delivery_moment *moment,
                                             const struct attempt *attempt)
{
    bool is_present = attempt == &delivery->attempts[delivery->attempts_held - 1] &&
                      (delivery->state == DELIVERY_SUBMITTED ||
                       delivery->state == DELIVERY_ACCEPTED || delivery->state == DELIVERY_UNKNOWN);
    if (!is_present)
        return DELIVERY_NOTED;
    if (may_send(moment) && moment->has_address)
        return move_to(delivery, delivery->provider, moment->now_ms);
    return end(delivery, DELIVERY_FAILED);
}

enum delivery_step delivery_receipt(struct delivery *delivery, const struct delivery_moment *moment,
                                    const struct delivery_report *report)
{
    size_t latest = latest_of(delivery, report->provider);
    if (latest == NO_ATTEMPT) // forgotten, since a person wanted it tried again
        return report->is_delivered ? be_delivered(delivery) : DELIVERY_NOTHING;
    struct attempt *attempt = &delivery->attempts[latest];
    bool is_settled = attempt->state == DELIVERY_DELIVERED ||
                      (attempt->state == DELIVERY_FAILED && !report->is_delivered);
    if (is_settled)
        return DELIVERY_NOTHING;
    attempt->state = report->is_delivered ? DELIVERY_DELIVERED : DELIVERY_FAILED;
    attempt->reason = (uint8_t)report->reason;
    attempt->reported_after_ms = after_ms(attempt, moment->now_ms);
    if (report->is_delivered && delivery->state == DELIVERY_DELIVERED)
        return DELIVERY_NOTED;
    if (report->is_delivered)
        return be_delivered(delivery);
    keep_words(delivery, report->words);
    return be_reported_failed(delivery, moment, attempt);
}

// --- people ------------------------------------------------------------------------------------

enum delivery_step delivery_retry(struct delivery *delivery, const struct delivery_moment *moment)
{
    bool is_over = delivery->due_at_ms == STORE_NEVER;
    bool was_taken = delivery->state == DELIVERY_ACCEPTED || delivery->state == DELIVERY_DELIVERED;
    if (!is_over || was_taken || !may_send(moment) || !moment->has_address)
        return DELIVERY_NOTHING;
    delivery->attempts_held = 0;
    return move_to(delivery, 0, moment->now_ms);
}

enum delivery_step delivery_drop(struct delivery *delivery)
{
    if (delivery->due_at_ms == STORE_NEVER)
        return DELIVERY_NOTHING;
    delivery->state = DELIVERY_DROPPED;
    delivery->due_at_ms = STORE_NEVER;
    return DELIVERY_ENDED;
}

const char *delivery_state_name(enum delivery_state state)
{
    static const char *const names[DELIVERY_STATE_COUNT_] = {
        [DELIVERY_QUEUED] = "queued",     [DELIVERY_SUBMITTED] = "submitted",
        [DELIVERY_ACCEPTED] = "accepted", [DELIVERY_DELIVERED] = "delivered",
        [DELIVERY_FAILED] = "failed",     [DELIVERY_EXPIRED] = "expired",
        [DELIVERY_UNKNOWN] = "unknown",   [DELIVERY_OBSOLETE] = "obsolete",
        [DELIVERY_DROPPED] = "dropped",
    };
    ASSERT(state < DELIVERY_STATE_COUNT_);
    return names[state];
}
