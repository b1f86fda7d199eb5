// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// An op is taken apart: its transition is run for it, looked at, and counted when it is committed.
// One whose outcome is unknown may have been applied, so only what holds in both cases is held
// against it.
#include "sim/ledger.h"

#include "base/assert.h"

#include <stdlib.h>

#define ROOM_FIRST 4096U

struct taken_op {
    struct delivery_op op;
    struct delivery_op *real;
    struct ledger *ledger;
    struct outbox_entry entry;
    struct delivery before, after;
    bool may_send; // the record says so
    int64_t now_ms;
};

static void complain(struct ledger *ledger, const char *complaint)
{
    if (ledger->complaint == NULL)
        ledger->complaint = complaint;
}

// --- rows --------------------------------------------------------------------------------------

static struct ledger_row *slot_of(struct ledger_row *rows, size_t room, uint64_t id)
{
    size_t at = (size_t)id & (room - 1);
    while (rows[at].id != 0 && rows[at].id != id)
        at = (at + 1) & (room - 1);
    return &rows[at];
}

static void grow(struct ledger *ledger)
{
    size_t room = ledger->room > 0 ? 2 * ledger->room : ROOM_FIRST;
    struct ledger_row *rows = calloc(room, sizeof *rows);
    ASSERT(rows != NULL);
    for (size_t i = 0; i < ledger->room; i++) {
        if (ledger->rows[i].id != 0)
            *slot_of(rows, room, ledger->rows[i].id) = ledger->rows[i];
    }
    free(ledger->rows);
    ledger->rows = rows;
    ledger->room = room;
}

static struct ledger_row *row_of(struct ledger *ledger, const struct outbox_entry *entry)
{
    if (2 * ledger->held >= ledger->room)
        grow(ledger);
    struct ledger_row *row = slot_of(ledger->rows, ledger->room, entry->id);
    if (row->id != 0)
        return row;
    ledger->held++;
    *row = (struct ledger_row){.id = entry->id};
    return row;
}

static size_t provider_at(struct ledger_row *row, provider_tag provider)
{
    size_t at = 0;
    while (at < row->tellers && row->providers[at] != provider)
        at++;
    return at;
}

// --- what is held against a step ---------------------------------------------------------------

// Said once more, by whoever did not write the rules of the outbox.
static bool is_code_good(const struct record *record, const struct outbox_entry *entry,
                         int64_t now_ms)
{
    bool is_good = false;
    for (size_t i = 0; i < record->codes_held; i++) {
        const struct live_code *code = &record->codes[i];
        is_good = is_good || (code->session.id == entry->session.id && code->salt == entry->salt &&
                              code->tries < code->tries_max && now_ms < code->expires_at_ms);
    }
    return is_good;
}

static bool is_over(const struct delivery *delivery)
{
    return delivery->due_at_ms == STORE_NEVER;
}

static void check_step(const struct taken_op *taken, bool is_mark)
{
    struct ledger *ledger = taken->ledger;
    if (is_mark && !taken->may_send)
        complain(ledger, "O3: a message was marked whose code is not alive");
    if (taken->before.state == DELIVERY_DELIVERED && taken->after.state != DELIVERY_DELIVERED)
        complain(ledger, "O1: delivered was undone");
    bool is_waiting =
        taken->after.state == DELIVERY_QUEUED || taken->after.state == DELIVERY_SUBMITTED;
    if (is_waiting == is_over(&taken->after) && is_waiting)
        complain(ledger, "O1: an entry waits and is over");
}

static bool is_loss(enum delivery_state state)
{
    return state == DELIVERY_FAILED || state == DELIVERY_UNKNOWN || state == DELIVERY_EXPIRED ||
           state == DELIVERY_OBSOLETE;
}

static void note_end(const struct taken_op *taken)
{
    struct ledger *ledger = taken->ledger;
    enum delivery_state state = (enum delivery_state)taken->after.state;
    ledger->endings[state]++;
    if (is_loss(state) && !is_over(&taken->before))
        ledger->options.on_lost(ledger->options.ctx, &taken->entry, state, taken->now_ms);
}

// Nobody has answered, and somebody has found out that nobody will.
static bool is_interruption(const struct taken_op *taken)
{
    const struct delivery *after = &taken->after;
    return taken->before.state == DELIVERY_SUBMITTED && after->state == DELIVERY_UNKNOWN &&
           after->attempts[after->attempts_held - 1].answered_after_ms == 0;
}

static void note_step(const struct taken_op *taken)
{
    struct ledger *ledger = taken->ledger;
    struct ledger_row *row = row_of(ledger, &taken->entry);
    bool is_mark = taken->after.state == DELIVERY_SUBMITTED &&
                   taken->after.tries == (uint8_t)(taken->before.tries + 1);
    check_step(taken, is_mark);
    if (is_mark)
        row->marked_for = taken->after.provider;
    if (taken->after.state == DELIVERY_QUEUED && taken->after.provider != taken->before.provider)
        ledger->moves++;
    if (is_interruption(taken))
        ledger->interrupted++;
    row->is_in_doubt = false;
    row->is_over = is_over(&taken->after);
    bool is_news = !is_over(&taken->before) || taken->before.state != taken->after.state;
    if (row->is_over && is_news)
        note_end(taken);
}

// If it was applied, that was the last that is heard of an entry which ended by it.
static void note_doubt(const struct taken_op *taken)
{
    struct ledger *ledger = taken->ledger;
    enum delivery_state state = (enum delivery_state)taken->after.state;
    row_of(ledger, &taken->entry)->is_in_doubt = true;
    if (is_loss(state) && is_over(&taken->after) && !is_over(&taken->before))
        ledger->options.on_lost(ledger->options.ctx, &taken->entry, state, taken->now_ms);
}

// --- the store ---------------------------------------------------------------------------------

static struct ledger *ledger_of(struct store *store)
{
    return (struct ledger *)store;
}

static struct taken_op *taken_of(struct delivery_op *op)
{
    return (struct taken_op *)op;
}

static void look_on(struct delivery_op *op, const struct outbox_entry *entry,
                    const struct record *record, struct delivery *delivery, int64_t now_ms)
{
    struct taken_op *taken = taken_of(op);
    taken->entry = *entry;
    taken->before = *delivery;
    taken->may_send = is_code_good(record, entry, now_ms);
    taken->now_ms = now_ms;
    taken->real->transition(taken->real, entry, record, delivery, now_ms);
    taken->after = *delivery;
    op->is_changed = taken->real->is_changed;
    op->give_ref = taken->real->give_ref;
}

static void tell(struct delivery_op *op, enum store_outcome outcome)
{
    struct taken_op *taken = taken_of(op);
    struct delivery_op *real = taken->real;
    real->is_found = op->is_found;
    if (outcome == STORE_COMMITTED && op->is_found && op->is_changed)
        note_step(taken);
    if (outcome == STORE_UNKNOWN && op->is_changed)
        note_doubt(taken);
    free(taken);
    real->done(real, outcome);
}

static void ledger_deliver(struct store *store, struct delivery_op *op)
{
    struct taken_op *taken = calloc(1, sizeof *taken);
    ASSERT(taken != NULL);
    taken->op = *op;
    taken->op.transition = look_on;
    taken->op.done = tell;
    taken->real = op;
    taken->ledger = ledger_of(store);
    store_deliver(taken->ledger->inner, &taken->op);
}

static size_t ledger_claim(struct store *store, const struct store_claim *claim,
                           struct claimed_entry *out, size_t max)
{
    return store_claim(ledger_of(store)->inner, claim, out, max);
}

static int64_t ledger_next_due_ms(struct store *store, const struct store_claim *claim)
{
    return store_next_due_ms(ledger_of(store)->inner, claim);
}

static int64_t ledger_now_ms(struct store *store)
{
    return store_now_ms(ledger_of(store)->inner);
}

static const struct store_ops ledger_ops = {
    .deliver = ledger_deliver,
    .claim = ledger_claim,
    .next_due_ms = ledger_next_due_ms,
    .now_ms = ledger_now_ms,
};

// --- the world ---------------------------------------------------------------------------------

void ledger_init(struct ledger *ledger, const struct ledger_options *options)
{
    *ledger = (struct ledger){.store = {.ops = &ledger_ops}, .options = *options};
}

void ledger_fini(struct ledger *ledger)
{
    free(ledger->rows);
    *ledger = (struct ledger){.room = 0};
}

void ledger_follow(struct ledger *ledger, struct store *inner)
{
    ledger->inner = inner;
}

void ledger_on_send(struct ledger *ledger, uint64_t id, provider_tag provider)
{
    struct ledger_row *row = ledger->room > 0 ? slot_of(ledger->rows, ledger->room, id) : NULL;
    if (row == NULL || row->id == 0 || row->marked_for != provider) {
        complain(ledger, "O2: a message was sent that was not marked for its provider");
        return;
    }
    row->marked_for = 0;
    size_t at = provider_at(row, provider);
    ASSERT(at < LEDGER_PROVIDERS_MAX);
    if (at < row->tellers && !row->may_again[at])
        complain(ledger, "O2: a provider was given a message again that it had not put off");
    if (at == row->tellers)
        row->providers[row->tellers++] = provider;
    row->may_again[at] = false;
}

void ledger_on_result(struct ledger *ledger, uint64_t id, provider_tag provider,
                      enum send_outcome outcome)
{
    struct ledger_row *row = slot_of(ledger->rows, ledger->room, id);
    row->may_again[provider_at(row, provider)] = outcome == SEND_RETRY;
}

void ledger_check(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->room; i++) {
        const struct ledger_row *row = &ledger->rows[i];
        if (row->id != 0 && !row->is_over && !row->is_in_doubt)
            complain(ledger, "O1: an entry has not ended");
    }
}
