// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "sim/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Nothing is asked for this long and still not answered, and no answer that was lost is of
// something that came to pass later than this after the loss.
#define UNDER_WAY_MS INT64_C(600000)
#define AFTER_LOSS_MS INT64_C(2000)

void model_init(struct model *model, const struct model_rules *rules, size_t addresses,
                size_t usernames)
{
    *model = (struct model){
        .rules = *rules, .addresses_held = addresses, .accounts_held = addresses + usernames};
    model->addresses = calloc(model->addresses_held, sizeof *model->addresses);
    model->accounts = calloc(model->accounts_held, sizeof *model->accounts);
    if (model->addresses == NULL || model->accounts == NULL)
        abort();
}

void model_fini(struct model *model)
{
    for (size_t i = 0; i < model->addresses_held; i++) {
        free(model->addresses[i].messages);
        free(model->addresses[i].sends);
    }
    for (size_t i = 0; i < model->accounts_held; i++) {
        free(model->accounts[i].sessions);
        free(model->accounts[i].wrong_at_ms);
    }
    free(model->addresses);
    free(model->accounts);
    *model = (struct model){0};
}

__attribute__((format(printf, 2, 3))) static void complain(struct model *model, const char *format,
                                                           ...)
{
    if (model->violations++ > 0)
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(model->complaint, sizeof model->complaint, format, args);
    va_end(args);
}

// A new last element of a list that doubles whenever its length is a power of two.
static void *push(void **list, size_t *held, size_t size)
{
    if ((*held & (*held - 1)) == 0)
        *list = realloc(*list, (*held == 0 ? 1 : *held * 2) * size);
    if (*list == NULL)
        abort();
    void *element = (char *)*list + *held * size;
    memset(element, 0, size);
    (*held)++;
    return element;
}

static struct model_session *session_of(struct model_account *account, const char *text)
{
    for (size_t i = account->sessions_held; i > 0; i--) {
        if (strcmp(account->sessions[i - 1].text, text) == 0)
            return &account->sessions[i - 1];
    }
    struct model_session *session =
        push((void **)&account->sessions, &account->sessions_held, sizeof *session);
    (void)snprintf(session->text, sizeof session->text, "%s", text);
    return session;
}

static bool is_username(const struct model *model, size_t account)
{
    return account >= model->addresses_held;
}

size_t model_on_ask(struct model *model, size_t address, int64_t at_ms)
{
    struct model_address *a = &model->addresses[address];
    struct model_send *send = push((void **)&a->sends, &a->sends_held, sizeof *send);
    *send = (struct model_send){MODEL_SEND_OPEN, at_ms, at_ms, INT64_MAX};
    return a->sends_held - 1;
}

static enum model_send_state state_of(const struct model *model,
                                      const struct model_generate *generate)
{
    if (generate->code == 200)
        return MODEL_SEND_ACCEPTED;
    // A send of a username counts before it is decided, and what takes it back may fail.
    bool may_have_stayed = is_username(model, generate->account) && generate->is_faulty;
    if (generate->code == MODEL_UNKNOWN || may_have_stayed)
        return MODEL_SEND_DOUBTFUL;
    return MODEL_SEND_REFUSED;
}

// An accepted generate of an address that is the account is decided when it is answered; one of a
// username some ops before.
static void end_send(struct model *model, const struct model_generate *generate)
{
    struct model_send *send = &model->addresses[generate->address].sends[generate->send];
    send->state = state_of(model, generate);
    send->until_ms = generate->at_ms;
    if (send->state == MODEL_SEND_DOUBTFUL)
        send->until_ms += AFTER_LOSS_MS;
    if (!is_username(model, generate->account) && send->state == MODEL_SEND_ACCEPTED)
        send->from_ms = generate->at_ms;
}

// Promise 3: no span of the window holds more than max_count accepted generates.
static void check_window(struct model *model, const struct model_generate *generate)
{
    const struct model_address *a = &model->addresses[generate->address];
    int64_t begin_ms = generate->at_ms - model->rules.window_ms;
    unsigned in_span = 0;
    for (size_t i = a->sends_held; i > 0; i--) {
        const struct model_send *send = &a->sends[i - 1];
        if (send->asked_ms < begin_ms - UNDER_WAY_MS)
            break;
        in_span += send->state == MODEL_SEND_ACCEPTED && send->from_ms > begin_ms;
    }
    if (in_span > model->rules.max_count)
        complain(model, "address %zu: %u generates accepted within %lld ms", generate->address,
                 in_span, (long long)model->rules.window_ms);
}

// May that send have counted at some time between the asking for another and its answer?
static bool may_have_counted(const struct model_send *send, int64_t asked_ms, int64_t window_ms)
{
    if (send->state == MODEL_SEND_REFUSED)
        return send->until_ms >= asked_ms;
    return send->state == MODEL_SEND_OPEN || send->until_ms > asked_ms - window_ms;
}

// The other side of the promise: nobody is refused for sends that there have not been.
static void check_refusal(struct model *model, const struct model_generate *generate)
{
    const struct model_address *a = &model->addresses[generate->address];
    int64_t asked_ms = a->sends[generate->send].asked_ms;
    unsigned counted = 0;
    for (size_t i = a->sends_held; i > 0; i--) {
        const struct model_send *send = &a->sends[i - 1];
        if (send->asked_ms < asked_ms - model->rules.window_ms - UNDER_WAY_MS)
            break;
        counted +=
            i - 1 != generate->send && may_have_counted(send, asked_ms, model->rules.window_ms);
    }
    if (counted < model->rules.max_count)
        complain(model, "address %zu: refused at %lld after %u generates", generate->address,
                 (long long)generate->at_ms, counted);
}

// 1543 is for usernames that somebody else has logged in to.
static void check_taken(struct model *model, const struct model_account *account, size_t address)
{
    bool may_be_taken = account->may_have_owner || account->tries_open > 0;
    if (account->has_owner ? account->owner == address : !may_be_taken)
        complain(model, "address %zu: refused by a username that is nobody else's", address);
}

// Once somebody has logged in to a username, nobody else is sent codes for it.
static void check_receiver(struct model *model, const struct model_generate *generate)
{
    const struct model_account *account = &model->accounts[generate->account];
    int64_t asked_ms = model->addresses[generate->address].sends[generate->send].asked_ms;
    bool has_owner = account->has_owner && account->owned_ms <= asked_ms;
    if (has_owner && account->owner != generate->address)
        complain(model, "account %zu: a code went to a stranger", generate->account);
}

void model_on_generate(struct model *model, const struct model_generate *generate)
{
    struct model_account *account = &model->accounts[generate->account];
    end_send(model, generate);
    if (generate->code == 1543)
        check_taken(model, account, generate->address);
    if (generate->code == 1534)
        check_refusal(model, generate);
    if (generate->code != 200)
        return;
    const struct model_session *session = session_of(account, generate->session);
    if (session->successes > 0)
        complain(model, "account %zu: a spent session issued a code", generate->account);
    check_receiver(model, generate);
    if (model->rules.max_count > 0)
        check_window(model, generate);
}

void model_on_message(struct model *model, size_t address, const char *code, int64_t at_ms)
{
    struct model_address *a = &model->addresses[address];
    struct model_message *message = push((void **)&a->messages, &a->messages_held, sizeof *message);
    message->at_ms = at_ms;
    (void)snprintf(message->code, sizeof message->code, "%s", code);
    for (size_t i = a->sends_held; i > 0; i--) {
        const struct model_send *send = &a->sends[i - 1];
        if (send->asked_ms < at_ms - model->rules.ttl_ms - UNDER_WAY_MS)
            break;
        if (send->state != MODEL_SEND_REFUSED)
            return;
    }
    complain(model, "address %zu: a message that nobody was promised", address);
}

static bool was_sent_lately(const struct model *model, const struct model_try *try)
{
    const struct model_address *address = &model->addresses[try->address];
    for (size_t i = 0; i < address->messages_held; i++) {
        if (strcmp(address->messages[i].code, try->guess) == 0 &&
            try->at_ms - address->messages[i].at_ms <= model->rules.ttl_ms)
            return true;
    }
    return false;
}

static void forget_wrong(struct model_account *account)
{
    account->wrong_held = 0;
    free(account->wrong_at_ms);
    account->wrong_at_ms = NULL;
}

// A login is only ever by the address that was the first.
static void check_owner(struct model *model, const struct model_try *try)
{
    struct model_account *account = &model->accounts[try->account];
    if (account->has_owner && account->owner != try->address)
        complain(model, "account %zu: address %zu logged in, but it is of %zu", try->account,
                 try->address, account->owner);
    if (account->has_owner || !is_username(model, try->account))
        return;
    account->has_owner = true;
    account->owner = try->address;
    account->owned_ms = try->at_ms;
}

// Promise 1: a code validates once, and only one that was sent to that address and is alive.
static void on_success(struct model *model, struct model_session *session,
                       const struct model_try *try)
{
    session->successes++;
    forget_wrong(&model->accounts[try->account]);
    check_owner(model, try);
    if (session->successes > 1)
        complain(model, "account %zu: session %s validated twice", try->account, session->text);
    if (session->wrong >= model->rules.attempts_max)
        complain(model, "account %zu: validated after %u wrong tries", try->account,
                 session->wrong);
    model->lucky += try->is_drawn;
    if (!try->is_drawn && !was_sent_lately(model, try))
        complain(model, "account %zu: %s validated at %lld but was not sent lately", try->account,
                 try->guess, (long long)try->at_ms);
}

// After `lock_after` wrong answers in a row each lock lets at most one more through in each of the
// two parts of the budget.
static void on_wrong(struct model *model, struct model_session *session,
                     const struct model_try *try)
{
    struct model_account *account = &model->accounts[try->account];
    session->wrong++;
    int64_t *wrong =
        push((void **)&account->wrong_at_ms, &account->wrong_held, sizeof *account->wrong_at_ms);
    *wrong = try->at_ms;
    if (session->wrong > model->rules.attempts_max)
        complain(model, "account %zu: %u wrong tries evaluated in one session", try->account,
                 session->wrong);
    if (account->wrong_held <= model->rules.lock_after)
        return;
    int64_t since_ms = try->at_ms - account->wrong_at_ms[0];
    size_t budget = model->rules.lock_after + 2 * (size_t)(since_ms / model->rules.lock_ms);
    if (account->wrong_held > budget)
        complain(model, "account %zu: %zu wrong tries evaluated in a row", try->account,
                 account->wrong_held);
}

void model_on_try(struct model *model, size_t account)
{
    model->accounts[account].tries_open++;
}

void model_on_validate(struct model *model, const struct model_try *try)
{
    struct model_account *account = &model->accounts[try->account];
    struct model_session *session = session_of(account, try->session);
    account->tries_open--;
    if (try->code == 200)
        on_success(model, session, try);
    if (try->code == 1506)
        on_wrong(model, session, try);
    if (try->code == 1543)
        check_taken(model, account, try->address);
    if (try->code != MODEL_UNKNOWN || !was_sent_lately(model, try))
        return;
    forget_wrong(account); // it may have been a success
    account->may_have_owner = true;
}
