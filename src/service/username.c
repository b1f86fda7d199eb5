// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A code for a username is promised by the username's record and counted in the record of the
// address that it goes to, and no op spans two records. So a generate is a few ops, one after the
// other:
//
//   examine ──refused──▶ end               nothing was written, no send was counted
//      │
//   reserve ──no room──▶ end, 1534
//      │                                   from here on the send counts
//   decide ──promised, or unknown──▶ end
//      │ refused, or too late
//   release ──▶ end                        nothing was promised: it counts no more
//
// Invariant: a message is promised only while a send is counted for it that nothing else is counted
// by. Whatever is lost on the way, a process, an answer of the store, leaves at most one send
// counted that was not made. docs/adr/0013-usernames.md has the argument.
#include "service/username.h"

#include "base/assert.h"
#include "service/call.h"
#include "service/card.h"

struct step {
    bool is_of_address; // in the address's record, not the username's
    void (*transition)(struct store_op *op, struct record *record, int64_t now_ms);
    void (*done)(struct store_op *op, enum store_outcome outcome);
};

static void submit(struct service_call *call, const struct step *step)
{
    call->op.key = step->is_of_address ? call->username->address_key : call->command.key;
    call->op.transition = step->transition;
    call->op.done = step->done;
    call->op.is_changed = false;
    call->op.has_entry = false;
    store_queue(call->service->deps.store, &call->op);
}

static void release(struct store_op *op, struct record *record, int64_t now_ms)
{
    (void)now_ms;
    op->is_changed = slot_release(record, &call_of(op)->username->slot);
}

static void after_release(struct store_op *op, enum store_outcome outcome)
{
    struct service_call *call = call_of(op);
    (void)call_note(call, outcome);
    call_end(call, call->username->status);
}

static const struct step step_release = {true, release, after_release};

// The send counts from its reservation on, so that the promise must not come long after it: a
// machine may stand still in between.
static void decide_in_time(struct store_op *op, struct record *record, int64_t now_ms)
{
    struct username_call *username = call_of(op)->username;
    username->is_late = now_ms - username->slot.at_ms > SLOT_MS_MAX;
    if (!username->is_late) {
        call_transition(op, record, now_ms);
        return;
    }
    op->is_changed = false;
    op->has_entry = false;
}

static void after_decide(struct store_op *op, enum store_outcome outcome)
{
    struct service_call *call = call_of(op);
    struct username_call *username = call->username;
    enum service_status status = call_note(call, outcome);
    bool is_late = outcome == STORE_COMMITTED && username->is_late;
    bool is_promised = outcome == STORE_COMMITTED && call->decision.verdict == VERDICT_DONE;
    username->status = is_late ? SERVICE_BUSY : status;
    if ((is_promised && !is_late) || outcome == STORE_UNKNOWN)
        call_end(call, status);
    else
        submit(call, &step_release);
}

static const struct step step_decide = {false, decide_in_time, after_decide};

static void reserve(struct store_op *op, struct record *record, int64_t now_ms)
{
    struct service_call *call = call_of(op);
    call->username->slot = slot_reserve(&call->brand->policy, record, now_ms);
    op->is_changed = call->username->slot.wait_ms == 0;
}

static void after_reserve(struct store_op *op, enum store_outcome outcome)
{
    struct service_call *call = call_of(op);
    int64_t wait_ms = call->username->slot.wait_ms;
    enum service_status status = call_note(call, outcome);
    if (outcome == STORE_COMMITTED && wait_ms == 0) {
        submit(call, &step_decide);
        return;
    }
    call->decision =
        (struct decision){.verdict = VERDICT_TOO_MANY_SENDS, .retry_after_ms = wait_ms};
    call_end(call, status);
}

static const struct step step_reserve = {true, reserve, after_reserve};

// What the decision would be; nothing of it is saved. Who is refused here costs the address
// nothing, not even for a moment.
static void examine(struct store_op *op, struct record *record, int64_t now_ms)
{
    call_transition(op, record, now_ms);
    op->is_changed = false;
    op->has_entry = false;
}

static void after_examine(struct store_op *op, enum store_outcome outcome)
{
    struct service_call *call = call_of(op);
    enum service_status status = call_note(call, outcome);
    if (outcome == STORE_COMMITTED && call->decision.verdict == VERDICT_DONE)
        submit(call, &step_reserve);
    else
        call_end(call, status);
}

static const struct step step_examine = {false, examine, after_examine};

void username_generate(struct service_call *call)
{
    submit(call, &step_examine);
}

void username_prepare(struct service_call *call, const struct entropy *entropy)
{
    const struct keyring *keyring = call->service->deps.keyring;
    struct command *command = &call->command;
    struct username_call *username = call->username;
    struct span run = address_identifier(call->to);
    memset(username, 0, sizeof *username);
    record_key_of(keyring_index(keyring), call->brand->id, run, &username->address_key);
    card_write(&username->card, keyring, entropy, &command->key, call->to);
    command->session = session_ref_to(command->session, username->card.tag);
    command->card = &username->card;
}

static void look_up(struct store_op *op, struct record *record, int64_t now_ms)
{
    struct username_call *username = call_of(op)->username;
    (void)now_ms;
    record_be_username(record);
    username->card = record->card;
    username->is_bound = record->is_bound;
}

static void after_look_up(struct store_op *op, enum store_outcome outcome)
{
    struct service_call *call = call_of(op);
    enum service_status status = call_note(call, outcome);
    call_end(call, status == SERVICE_DECIDED ? SERVICE_LOOKED_UP : status);
}

static const struct step step_look_up = {false, look_up, after_look_up};

void service_look_up(struct service *service, struct service_call *call)
{
    call->service = service;
    record_key_of(keyring_index(service->deps.keyring), call->brand->id,
                  address_identifier(call->identifier), &call->command.key);
    submit(call, &step_look_up);
}

bool service_address_known(const struct service_call *call, struct address *out)
{
    return card_open(&call->username->card, call->service->deps.keyring, &call->command.key, out);
}
