// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "service/history.h"

#include "base/assert.h"
#include "channel/reason.h"
#include "outbox/due.h"

#include <pthread.h>
#include <stddef.h>

// --- waiting for the store ---------------------------------------------------------------------

struct wait {
    pthread_mutex_t mutex;
    pthread_cond_t told;
    bool is_told;
    enum store_outcome outcome;
};

static void wait_init(struct wait *wait)
{
    *wait = (struct wait){.is_told = false};
    (void)pthread_mutex_init(&wait->mutex, NULL);
    (void)pthread_cond_init(&wait->told, NULL);
}

// On the store's thread; the waiter goes on as soon as the lock is free.
static void wait_tell(struct wait *wait, enum store_outcome outcome)
{
    (void)pthread_mutex_lock(&wait->mutex);
    wait->outcome = outcome;
    wait->is_told = true;
    (void)pthread_cond_signal(&wait->told);
    (void)pthread_mutex_unlock(&wait->mutex);
}

static enum store_outcome wait_end(struct wait *wait)
{
    (void)pthread_mutex_lock(&wait->mutex);
    while (!wait->is_told)
        (void)pthread_cond_wait(&wait->told, &wait->mutex);
    (void)pthread_mutex_unlock(&wait->mutex);
    (void)pthread_cond_destroy(&wait->told);
    (void)pthread_mutex_destroy(&wait->mutex);
    return wait->outcome;
}

// --- one message in words ----------------------------------------------------------------------

static const char *const state_sentences[] = {
    [DELIVERY_QUEUED] = "it waits to be sent",
    [DELIVERY_SUBMITTED] = "it is being sent",
    [DELIVERY_ACCEPTED] = "a provider took it, and has not said that it arrived",
    [DELIVERY_DELIVERED] = "it arrived",
    [DELIVERY_FAILED] = "nobody took it",
    [DELIVERY_EXPIRED] = "its code ended before anybody took it",
    [DELIVERY_UNKNOWN] = "it may have been taken or not: the provider did not answer",
    [DELIVERY_OBSOLETE] = "its code was used or replaced before it was sent",
    [DELIVERY_DROPPED] = "a person dropped it",
};

_Static_assert(sizeof state_sentences / sizeof state_sentences[0] == DELIVERY_STATE_COUNT_,
               "each state has a sentence");

static struct span provider_name(const struct history *history, provider_tag tag)
{
    return history->routes != NULL && tag != 0 ? routes_name(history->routes, tag) : SPAN("");
}

// The recipe's own, which knows the provider's pages by their names, before the general one.
static struct span advice_on(const struct history *history, struct span provider,
                             enum send_reason reason)
{
    struct span own = {0};
    if (history->advice != NULL && provider.len > 0)
        own = history->advice(history->ctx, provider, reason);
    return own.len > 0 ? own : span_of_text(send_reason_advice(reason));
}

// A later version may have written one that this one does not know.
static enum send_reason reason_of(const struct attempt *attempt)
{
    return attempt->reason < SEND_REASON_COUNT_ ? (enum send_reason)attempt->reason
                                                : SEND_UNCLASSIFIED;
}

static struct told_attempt tell_attempt(const struct history *history,
                                        const struct attempt *attempt)
{
    enum send_reason reason = reason_of(attempt);
    bool is_retry = attempt->state == DELIVERY_QUEUED;
    struct told_attempt told = {
        .provider = provider_name(history, attempt->provider),
        .state = is_retry ? "retry" : delivery_state_name((enum delivery_state)attempt->state),
        .at_ms = attempt->at_ms,
        .answered_after_ms = attempt->answered_after_ms,
        .reported_after_ms = attempt->reported_after_ms,
    };
    if (reason == SEND_REASON_NONE)
        return told;
    told.reason = send_reason_name(reason);
    told.sentence = send_reason_sentence(reason);
    told.advice = advice_on(history, told.provider, reason);
    return told;
}

// A channel ends the words with the recipe's advice, in brackets and perhaps cut off.
static struct span without_advice(struct span words, struct span advice)
{
    for (size_t at = 0; at + 2 < words.len; at++) {
        struct span rest = span_from(words, at + 2);
        if (words.data[at] != ' ' || words.data[at + 1] != '(')
            continue;
        if (rest.data[rest.len - 1] == ')')
            rest.len--;
        if (span_starts_with(advice, rest))
            return span_first(words, at);
    }
    return words;
}

static struct span words_of(const struct delivery *delivery, const struct told_message *told)
{
    struct span words = span_make(delivery->words, delivery->words_len);
    if (told->attempts_count == 0)
        return words;
    return without_advice(words, told->attempts[told->attempts_count - 1].advice);
}

void history_tell(const struct history *history, const struct brand_set *brands,
                  const struct delivery_row *row, struct told_message *out)
{
    const struct outbox_entry *entry = &row->entry;
    const struct delivery *delivery = &row->delivery;
    ASSERT(delivery->attempts_held <= DELIVERY_ATTEMPTS_MAX);
    *out = (struct told_message){
        .handle = row->handle,
        .brand = brand_set_find_id(brands, entry->brand_id),
        .channel = channel_name((enum channel_kind)entry->channel),
        .to = entry->masked,
        .state = delivery_state_name((enum delivery_state)delivery->state),
        .what = state_sentences[delivery->state],
        .is_open = delivery->due_at_ms != STORE_NEVER,
        .created_at_ms = entry->created_at_ms,
        .due_at_ms = delivery->due_at_ms,
        .code_ends_at_ms = entry->deadline_at_ms,
        .tries = delivery->tries,
        .provider = provider_name(history, delivery->provider),
        .reference = span_make(delivery->ref, delivery->ref_len),
    };
    for (size_t i = 0; i < delivery->attempts_held; i++)
        out->attempts[out->attempts_count++] = tell_attempt(history, &delivery->attempts[i]);
    out->words = words_of(delivery, out);
}

size_t history_route(const struct history *history, const struct brand *brand,
                     enum channel_kind channel, struct span to,
                     struct span out[ROUTE_PROVIDERS_MAX])
{
    struct route route;
    const struct route_query query = {.channel = channel, .to = to, .brand = brand->name};
    if (history->routes == NULL)
        return 0;
    routes_find(history->routes, &query, &route);
    for (size_t i = 0; i < route.count; i++)
        out[i] = routes_name(history->routes, route.providers[i]);
    return route.count;
}

// --- conclusions -------------------------------------------------------------------------------

// "400 ms", "3.2 s", "75 s", "12 min"
static void put_duration(int64_t duration_ms, struct strbuf *out)
{
    static const struct {
        int64_t below_ms;
        int64_t unit_ms;
        const char *unit;
    } rows[] = {{1000, 1, " ms"}, {120000, 1000, " s"}, {INT64_MAX, 60000, " min"}};
    size_t row = 0;
    while (duration_ms >= rows[row].below_ms)
        row++;
    strbuf_put_i64(out, duration_ms / rows[row].unit_ms);
    if (row > 0 && duration_ms < 10000) {
        strbuf_put_byte(out, '.');
        strbuf_put_i64(out, duration_ms % 1000 / 100);
    }
    strbuf_put_text(out, rows[row].unit);
}

static const struct told_attempt *find_attempt(const struct told_message *message,
                                               enum delivery_state state)
{
    for (size_t i = message->attempts_count; i > 0; i--) {
        const struct told_attempt *attempt = &message->attempts[i - 1];
        if (span_eq(span_of_text(attempt->state), span_of_text(delivery_state_name(state))))
            return attempt;
    }
    return NULL;
}

static void put_provider(const struct told_attempt *attempt, struct strbuf *out)
{
    if (attempt == NULL || attempt->provider.len == 0)
        strbuf_put_text(out, "a provider");
    else
        strbuf_put(out, attempt->provider);
}

static void conclude_delivered(const struct told_message *message, struct strbuf *out)
{
    const struct told_attempt *attempt = find_attempt(message, DELIVERY_DELIVERED);
    strbuf_put_text(out, "delivered");
    if (attempt == NULL)
        return;
    strbuf_put_text(out, " after ");
    put_duration(attempt->at_ms + attempt->reported_after_ms - message->created_at_ms, out);
}

static void conclude_accepted(const struct told_message *message, struct strbuf *out)
{
    const struct told_attempt *attempt = find_attempt(message, DELIVERY_ACCEPTED);
    put_provider(attempt, out);
    strbuf_put_text(out, " took it");
    if (attempt != NULL) {
        strbuf_put_text(out, " after ");
        put_duration(attempt->at_ms + attempt->answered_after_ms - message->created_at_ms, out);
    }
    strbuf_put_text(out, " and has not reported that it arrived");
    if (message->is_open)
        strbuf_put_text(out, "; if it does not, another provider is asked");
}

static void conclude_unknown(const struct told_message *message, struct strbuf *out)
{
    strbuf_put_text(out, "it may have arrived or not: ");
    put_provider(find_attempt(message, DELIVERY_UNKNOWN), out);
    strbuf_put_text(out, " did not answer");
    if (message->is_open)
        strbuf_put_text(out, "; another provider is asked soon");
}

// The state, and the reason of the last no.
static void conclude_plainly(const struct told_message *message, struct strbuf *out)
{
    strbuf_put_text(out, message->what);
    if (message->attempts_count == 0)
        return;
    const struct told_attempt *last = &message->attempts[message->attempts_count - 1];
    if (last->sentence == NULL)
        return;
    strbuf_put_text(out, ": ");
    strbuf_put_text(out, last->sentence);
}

void history_conclude(const struct told_message *message, struct strbuf *out)
{
    static const struct {
        enum delivery_state state;
        void (*conclude)(const struct told_message *message, struct strbuf *out);
    } rows[] = {
        {DELIVERY_DELIVERED, conclude_delivered},
        {DELIVERY_ACCEPTED, conclude_accepted},
        {DELIVERY_UNKNOWN, conclude_unknown},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!span_eq(span_of_text(message->state),
                     span_of_text(delivery_state_name(rows[i].state))))
            continue;
        rows[i].conclude(message, out);
        return;
    }
    conclude_plainly(message, out);
}

// --- many messages -----------------------------------------------------------------------------

// Of the store. Each may look at some hundred messages and find nothing; all together take seconds.
#define LIST_ROUNDS_MAX 8192U

// Those of other brands go; how many are left.
static size_t keep_brand(const struct brand *brand, struct delivery_row *rows, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (brand != NULL && rows[i].entry.brand_id != brand->id)
            continue;
        if (kept != i)
            rows[kept] = rows[i];
        kept++;
    }
    return kept;
}

enum err history_list(const struct history *history, const struct history_filter *filter,
                      uint64_t *after, struct delivery_row *out, size_t *held)
{
    const struct delivery_filter asked = {.is_troubled = filter->is_troubled};
    size_t room = *held;
    *held = 0;
    for (unsigned round = 0; round < LIST_ROUNDS_MAX && *held < room; round++) {
        size_t count = room - *held;
        enum err err = store_deliveries(history->store, &asked, after, out + *held, &count);
        if (err != ERR_OK)
            return err;
        *held += keep_brand(filter->brand, out + *held, count);
        if (*after == 0)
            break;
    }
    return ERR_OK;
}

enum err history_find(const struct history *history, uint64_t handle, struct delivery_row *out)
{
    const struct delivery_filter all = {.key = NULL};
    uint64_t after = handle - 1;
    size_t held = 1;
    if (handle == 0)
        return ERR_NOT_FOUND;
    enum err err = store_deliveries(history->store, &all, &after, out, &held);
    while (err == ERR_OK && held == 0 && after != 0 && after < handle) {
        held = 1;
        err = store_deliveries(history->store, &all, &after, out, &held);
    }
    if (err != ERR_OK)
        return err;
    return held == 1 && out->handle == handle ? ERR_OK : ERR_NOT_FOUND;
}

// --- what people can have done -----------------------------------------------------------------

const char *history_answer_text(enum history_answer answer)
{
#define HISTORY_ANSWER_TEXT(name, text) [name] = (text),
    static const char *const texts[] = {HISTORY_ANSWER_LIST(HISTORY_ANSWER_TEXT)};
#undef HISTORY_ANSWER_TEXT
    ASSERT(answer < HISTORY_ANSWER_COUNT_);
    return texts[answer];
}

struct order {
    struct delivery_op op;
    struct wait wait;
    enum history_answer answer; // of the transition
};

static struct order *order_of(struct delivery_op *op)
{
    return (struct order *)((char *)op - offsetof(struct order, op));
}

static void on_order_done(struct delivery_op *op, enum store_outcome outcome)
{
    wait_tell(&order_of(op)->wait, outcome);
}

static enum history_answer why_not_retried(const struct delivery *delivery,
                                           const struct delivery_moment *moment)
{
    if (delivery->due_at_ms != STORE_NEVER)
        return HISTORY_IS_OPEN;
    if (delivery->state == DELIVERY_DELIVERED)
        return HISTORY_WAS_DELIVERED;
    if (delivery->state == DELIVERY_ACCEPTED)
        return HISTORY_WAS_TAKEN;
    if (!due_is_in_time(moment->now_ms, moment->code_ends_at_ms))
        return HISTORY_CODE_ENDED;
    return moment->is_code_live ? HISTORY_ADDRESS_ERASED : HISTORY_CODE_GONE;
}

static void retry(struct delivery_op *op, const struct outbox_entry *entry,
                  const struct record *record, struct delivery *delivery, int64_t now_ms)
{
    struct delivery_moment moment;
    delivery_moment_of(entry, record, now_ms, &moment);
    op->is_changed = delivery_retry(delivery, &moment) != DELIVERY_NOTHING;
    order_of(op)->answer = op->is_changed ? HISTORY_DONE : why_not_retried(delivery, &moment);
}

static void drop(struct delivery_op *op, const struct outbox_entry *entry,
                 const struct record *record, struct delivery *delivery, int64_t now_ms)
{
    (void)entry;
    (void)record;
    (void)now_ms;
    op->is_changed = delivery_drop(delivery) != DELIVERY_NOTHING;
    order_of(op)->answer = op->is_changed ? HISTORY_DONE : HISTORY_IS_OVER;
}

static enum history_answer run_order(const struct history *history, struct order *order)
{
    order->op.done = on_order_done;
    wait_init(&order->wait);
    store_deliver(history->store, &order->op);
    enum store_outcome outcome = wait_end(&order->wait);
    if (outcome == STORE_REFUSED_BUSY)
        return HISTORY_BUSY;
    if (outcome != STORE_COMMITTED)
        return HISTORY_STORE_FAILED;
    return order->op.is_found ? order->answer : HISTORY_NOT_FOUND;
}

enum history_answer history_retry(const struct history *history, uint64_t handle)
{
    struct order order = {.op = {.handle = handle, .transition = retry}};
    return handle != 0 ? run_order(history, &order) : HISTORY_NOT_FOUND;
}

enum history_answer history_drop(const struct history *history, uint64_t handle)
{
    struct order order = {.op = {.handle = handle, .transition = drop}};
    return handle != 0 ? run_order(history, &order) : HISTORY_NOT_FOUND;
}

// --- people ------------------------------------------------------------------------------------

struct look {
    struct store_op op;
    struct wait wait;
    struct record *out;
    int64_t now_ms;
};

static struct look *look_of(struct store_op *op)
{
    return (struct look *)((char *)op - offsetof(struct look, op));
}

static void copy_record(struct store_op *op, struct record *record, int64_t now_ms)
{
    struct look *look = look_of(op);
    *look->out = *record;
    look->now_ms = now_ms;
    op->is_changed = false;
    op->has_entry = false;
}

static void on_look_done(struct store_op *op, enum store_outcome outcome)
{
    wait_tell(&look_of(op)->wait, outcome);
}

enum err history_look_at(const struct history *history, const struct record_key *key,
                         struct record *out, int64_t *now_ms_out)
{
    struct look look = {.op = {.key = *key, .transition = copy_record, .done = on_look_done},
                        .out = out};
    wait_init(&look.wait);
    store_submit(history->store, &look.op);
    enum store_outcome outcome = wait_end(&look.wait);
    *now_ms_out = look.now_ms;
    if (outcome == STORE_COMMITTED)
        return ERR_OK;
    return outcome == STORE_REFUSED_BUSY ? ERR_BUSY : ERR_IO;
}
