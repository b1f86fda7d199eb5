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

// The longest life of a code that any rules give.
#define LIFE_MS_MAX INT64_C(1200000)

// A message is tried within this time of the server's work: as long as a claim lasts that nobody
// settles, and a little.
#define DELIVERY_MS INT64_C(130000)

void model_init(struct model *model, const struct model_rules *rules, size_t addresses,
                size_t usernames)
{
    *model = (struct model){.addresses_held = addresses,
                            .accounts_held = addresses + usernames,
                            .traced = MODEL_NO_ACCOUNT};
    model->addresses = calloc(model->addresses_held, sizeof *model->addresses);
    model->accounts = calloc(model->accounts_held, sizeof *model->accounts);
    if (model->addresses == NULL || model->accounts == NULL)
        abort();
    (void)model_on_rules(model, rules);
}

void model_fini(struct model *model)
{
    for (size_t i = 0; i < model->addresses_held; i++) {
        free(model->addresses[i].messages);
        free(model->addresses[i].sends);
    }
    for (size_t i = 0; i < model->accounts_held; i++) {
        free(model->accounts[i].sessions);
        free(model->accounts[i].wrong);
    }
    free(model->addresses);
    free(model->accounts);
    free(model->rules);
    free(model->ups);
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

// Of the account that is looked at: see model.h.
__attribute__((format(printf, 3, 4))) static void trace(const struct model *model, size_t account,
                                                        const char *format, ...)
{
    if (account != model->traced)
        return;
    va_list args;
    va_start(args, format);
    (void)printf("# ");
    (void)vprintf(format, args);
    (void)printf("\n");
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

void model_complain(struct model *model, const char *complaint)
{
    complain(model, "%s", complaint);
}

size_t model_on_rules(struct model *model, const struct model_rules *rules)
{
    struct model_rules *added =
        push((void **)&model->rules, &model->rules_held, sizeof *model->rules);
    *added = *rules;
    return model->rules_held - 1;
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

// The id's end is told in seconds.
void model_on_open(struct model *model, size_t account, const char *session, size_t rules,
                   int64_t at_ms)
{
    session_of(&model->accounts[account], session)->ends_ms =
        at_ms + model->rules[rules].session_ms + 1000;
}

size_t model_on_ask(struct model *model, const struct model_ask *ask)
{
    struct model_address *a = &model->addresses[ask->address];
    struct model_send *send = push((void **)&a->sends, &a->sends_held, sizeof *send);
    *send = (struct model_send){
        .state = MODEL_SEND_OPEN,
        .account = ask->account,
        .is_unnamed = ask->is_unnamed,
        .asked_ms = ask->at_ms,
        .from_ms = ask->at_ms,
        .until_ms = INT64_MAX,
        .who = ask->who,
    };
    return a->sends_held - 1;
}

// --- codes that went astray ---
//
// Who names no address is compared by the 14 bits of it that a session id has room for. One in
// 16384 passes for the address that is known of the username, and the code goes there: to the owner
// or, before there is one, to who has asked last. It is that address's send then, and that
// address's limit is what refuses it.

// What was asked of `from` was a send to `to`.
static void lead_astray(struct model *model, size_t from, size_t send, size_t to)
{
    struct model_address *there = &model->addresses[to];
    struct model_send *copy = push((void **)&there->sends, &there->sends_held, sizeof *copy);
    struct model_send *original = &model->addresses[from].sends[send];
    *copy = *original;
    copy->is_unnamed = false;
    original->state = MODEL_SEND_REFUSED;
    original->is_astray = true;
    original->to = to;
    original->to_send = there->sends_held - 1;
    model->astray++;
}

static bool has_asked(const struct model *model, size_t account, size_t address)
{
    const struct model_address *a = &model->addresses[address];
    for (size_t i = a->sends_held; i > 0; i--) {
        if (a->sends[i - 1].account == account)
            return true;
    }
    return false;
}

// Is that the owner's address or, before there is one, one that its codes were to go to?
static bool may_be_known(const struct model *model, size_t account, size_t address)
{
    const struct model_account *named = &model->accounts[account];
    return named->has_owner ? named->owner == address : has_asked(model, account, address);
}

// Of those asked of `from`, the last that may have brought a message to `address` by then. False:
// none.
static bool find_astray(const struct model *model, size_t from, size_t address, int64_t at_ms,
                        size_t *send_out)
{
    const struct model_address *a = &model->addresses[from];
    for (size_t i = a->sends_held; i > 0; i--) {
        const struct model_send *send = &a->sends[i - 1];
        if (send->asked_ms < at_ms - LIFE_MS_MAX - UNDER_WAY_MS)
            break;
        *send_out = i - 1;
        if (send->is_unnamed && send->state != MODEL_SEND_REFUSED && send->asked_ms <= at_ms &&
            may_be_known(model, send->account, address))
            return true;
    }
    return false;
}

static bool is_explained(struct model *model, size_t address, int64_t at_ms)
{
    size_t send;
    for (size_t from = 0; from < model->addresses_held; from++) {
        if (from == address || !find_astray(model, from, address, at_ms, &send))
            continue;
        lead_astray(model, from, send, address);
        return true;
    }
    return false;
}

// --- what was asked, and what came of it ---

static const struct model_rules *rules_of(const struct model *model, const struct model_send *send)
{
    return &model->rules[send->rules];
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
// username some ops before, one in a batch when others in it are not yet.
static void end_send(struct model *model, const struct model_generate *generate)
{
    struct model_send *send = &model->addresses[generate->address].sends[generate->send];
    send->state = state_of(model, generate);
    send->rules = generate->rules;
    send->until_ms = generate->at_ms;
    if (send->state == MODEL_SEND_DOUBTFUL)
        send->until_ms += AFTER_LOSS_MS;
    bool is_exact = !is_username(model, generate->account) && !generate->is_batched;
    if (is_exact && send->state == MODEL_SEND_ACCEPTED)
        send->from_ms = generate->at_ms;
}

// Was that send certainly counted within window_ms before the end of `last`?
static bool is_before(const struct model_send *send, const struct model_send *last,
                      int64_t window_ms)
{
    return send->state == MODEL_SEND_ACCEPTED && send->from_ms > last->until_ms - window_ms &&
           send->until_ms <= last->until_ms;
}

// Which of those that overlap was decided last is not known: it may have been any of them, so it is
// the most generous rules that count.
static bool widen(const struct model_rules *other, struct model_rules *rules)
{
    rules->max_count = other->max_count > rules->max_count ? other->max_count : rules->max_count;
    rules->window_ms = other->window_ms < rules->window_ms ? other->window_ms : rules->window_ms;
    return other->max_count > 0;
}

static bool rules_around(const struct model *model, const struct model_address *a, size_t last,
                         struct model_rules *out)
{
    const struct model_send *end = &a->sends[last];
    *out = *rules_of(model, end);
    bool is_limited = out->max_count > 0;
    for (size_t i = a->sends_held; i > 0 && is_limited; i--) {
        const struct model_send *send = &a->sends[i - 1];
        if (send->asked_ms < end->from_ms - UNDER_WAY_MS)
            break;
        bool may_be_last = send->until_ms >= end->from_ms && is_before(send, end, INT64_MAX / 2);
        is_limited = !may_be_last || widen(rules_of(model, send), out);
    }
    return is_limited;
}

static void check_window_at(struct model *model, size_t address, size_t last)
{
    const struct model_address *a = &model->addresses[address];
    const struct model_send *end = &a->sends[last];
    struct model_rules rules;
    if (!rules_around(model, a, last, &rules))
        return;
    unsigned in_span = 0;
    for (size_t i = a->sends_held; i > 0; i--) {
        const struct model_send *send = &a->sends[i - 1];
        if (send->asked_ms < end->until_ms - rules.window_ms - UNDER_WAY_MS)
            break;
        in_span += is_before(send, end, rules.window_ms);
    }
    if (in_span > rules.max_count)
        complain(model, "address %zu: %u generates accepted within %lld ms", address, in_span,
                 (long long)rules.window_ms);
}

// Promise 3: no span of the window holds more than max_count accepted generates. Answers are told
// in any order, so those that ended later are looked at again.
static void check_window(struct model *model, const struct model_generate *generate)
{
    const struct model_address *a = &model->addresses[generate->address];
    const struct model_send *told = &a->sends[generate->send];
    for (size_t i = a->sends_held; i > 0; i--) {
        const struct model_send *send = &a->sends[i - 1];
        if (send->asked_ms < told->from_ms - UNDER_WAY_MS)
            break;
        if (send->state == MODEL_SEND_ACCEPTED && send->until_ms >= told->from_ms)
            check_window_at(model, generate->address, i - 1);
    }
}

// May that send have counted at some time between the asking for another and its answer?
static bool may_have_counted(const struct model_send *send, int64_t asked_ms, int64_t window_ms)
{
    if (send->state == MODEL_SEND_REFUSED)
        return send->until_ms >= asked_ms;
    return send->state == MODEL_SEND_OPEN || send->until_ms > asked_ms - window_ms;
}

// May that address have been sent all that it might be, when that send was asked for?
static bool may_be_full(const struct model_address *a, const struct model_send *asked,
                        const struct model_rules *rules)
{
    unsigned counted = 0;
    for (size_t i = a->sends_held; i > 0; i--) {
        const struct model_send *send = &a->sends[i - 1];
        if (send->asked_ms < asked->asked_ms - rules->window_ms - UNDER_WAY_MS)
            break;
        counted += send != asked && may_have_counted(send, asked->asked_ms, rules->window_ms);
    }
    return rules->max_count > 0 && counted >= rules->max_count;
}

static bool may_be_full_elsewhere(const struct model *model, const struct model_send *asked,
                                  const struct model_rules *rules)
{
    for (size_t i = 0; i < model->addresses_held && asked->is_unnamed; i++) {
        if (may_be_known(model, asked->account, i) &&
            may_be_full(&model->addresses[i], asked, rules))
            return true;
    }
    return false;
}

// The other side of the promise: nobody is refused for sends that there have not been.
static void check_refusal(struct model *model, const struct model_generate *generate)
{
    const struct model_address *a = &model->addresses[generate->address];
    const struct model_rules *rules = &model->rules[generate->rules];
    const struct model_send *asked = &a->sends[generate->send];
    if (may_be_full(a, asked, rules))
        return;
    if (may_be_full_elsewhere(model, asked, rules))
        model->astray++;
    else
        complain(model, "address %zu: refused at %lld, asked for by account %zu", generate->address,
                 (long long)generate->at_ms, generate->account);
}

// 1543 is for usernames that somebody else has logged in to.
static void check_taken(struct model *model, const struct model_account *account, size_t address)
{
    bool may_be_taken = account->may_have_owner || account->tries_open > 0;
    if (account->has_owner ? account->owner == address : !may_be_taken)
        complain(model, "account %zu: refused address %zu, but is nobody else's",
                 (size_t)(account - model->accounts), address);
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

// The first code of a session says how many tries it has; later ones do not change it.
static void note_issue(const struct model *model, struct model_session *session,
                       const struct model_generate *generate)
{
    unsigned attempts_max = model->rules[generate->rules].attempts_max;
    bool may_have_issued = generate->code == 200 || generate->code == MODEL_UNKNOWN;
    if (session->has_code || !may_have_issued)
        return;
    if (attempts_max > session->attempts_max)
        session->attempts_max = attempts_max;
    session->has_code = generate->code == 200;
}

static void check_end(struct model *model, const struct model_session *session,
                      const struct model_generate *generate)
{
    const struct model_send *send = &model->addresses[generate->address].sends[generate->send];
    if (session->ends_ms > 0 && send->from_ms > session->ends_ms)
        complain(model, "account %zu: a session issued a code %lld ms after its end",
                 generate->account, (long long)(send->from_ms - session->ends_ms));
}

unsigned model_sends_of(const struct model *model, size_t address, size_t who, size_t rules,
                        int64_t at_ms)
{
    const struct model_address *a = &model->addresses[address];
    int64_t window_ms = model->rules[rules].window_ms;
    unsigned count = 0;
    for (size_t i = a->sends_held; i > 0; i--) {
        const struct model_send *send = &a->sends[i - 1];
        if (send->asked_ms < at_ms - window_ms)
            break;
        count += send->who == who && send->state == MODEL_SEND_ACCEPTED;
    }
    return count;
}

// As it was, if the code went, or must have gone, elsewhere.
static struct model_generate follow(struct model *model, const struct model_generate *generate)
{
    struct model_generate followed = *generate;
    struct model_account *account = &model->accounts[generate->account];
    const struct model_send *send = &model->addresses[generate->address].sends[generate->send];
    bool is_owners = account->has_owner && account->owned_ms <= send->asked_ms &&
                     account->owner != generate->address;
    if (generate->code == 200 && send->is_unnamed && !send->is_astray && is_owners) {
        lead_astray(model, generate->address, generate->send, account->owner);
        send = &model->addresses[generate->address].sends[generate->send];
    }
    if (!send->is_astray)
        return followed;
    followed.address = send->to;
    followed.send = send->to_send;
    session_of(account, generate->session)->is_astray = true;
    return followed;
}

void model_on_generate(struct model *model, const struct model_generate *told)
{
    const struct model_generate followed = follow(model, told), *generate = &followed;
    struct model_account *account = &model->accounts[generate->account];
    struct model_session *session = session_of(account, generate->session);
    end_send(model, generate);
    trace(model, generate->account, "%lld %s: a code for %zu asked at %lld: %d%s",
          (long long)generate->at_ms, generate->session, generate->address,
          (long long)model->addresses[told->address].sends[told->send].asked_ms, generate->code,
          told->address != generate->address ? " (astray)" : "");
    note_issue(model, session, generate);
    if (generate->code == 1543)
        check_taken(model, account, generate->address);
    if (generate->code == 1534)
        check_refusal(model, generate);
    if (generate->code != 200)
        return;
    session->sends++;
    session->send = generate->send;
    if (session->successes > 0)
        complain(model, "account %zu: a spent session issued a code", generate->account);
    check_end(model, session, generate);
    check_receiver(model, generate);
    check_window(model, generate);
}

// Was the message promised by any call after whose decision a code would still be alive? The code
// has the life of the rules that the call began with, whatever they became.
static bool may_be_alive(const struct model *model, const struct model_address *a,
                         const struct model_message *message, int64_t at_ms)
{
    for (size_t i = a->sends_held; i > 0; i--) {
        const struct model_send *send = &a->sends[i - 1];
        if (send->asked_ms < at_ms - LIFE_MS_MAX - UNDER_WAY_MS)
            break;
        if (send->state == MODEL_SEND_REFUSED || send->asked_ms > message->at_ms)
            continue;
        bool is_open = send->state == MODEL_SEND_OPEN;
        if (is_open || at_ms <= send->until_ms + rules_of(model, send)->ttl_ms)
            return true;
    }
    return false;
}

void model_on_message(struct model *model, size_t address, const char *code, int64_t at_ms)
{
    struct model_address *a = &model->addresses[address];
    struct model_message *message = push((void **)&a->messages, &a->messages_held, sizeof *message);
    message->at_ms = at_ms;
    (void)snprintf(message->code, sizeof message->code, "%s", code);
    if (model->traced != MODEL_NO_ACCOUNT && has_asked(model, model->traced, address))
        trace(model, model->traced, "%lld %s to %zu", (long long)at_ms, code, address);
    if (!may_be_alive(model, a, message, at_ms) && !is_explained(model, address, at_ms))
        complain(model, "address %zu: a message that nobody was promised", address);
}

// Of a try whose answer was lost it is not known when it was evaluated: the loss may be told days
// after it, when a machine was started again and its clock was ahead.
static bool was_sent_lately(const struct model *model, const struct model_try *try)
{
    bool is_earlier = try->code == MODEL_UNKNOWN || try->is_batched;
    int64_t at_ms = is_earlier ? try->asked_ms : try->at_ms;
    const struct model_address *address = &model->addresses[try->address];
    for (size_t i = address->messages_held; i > 0; i--) {
        const struct model_message *message = &address->messages[i - 1];
        if (strcmp(message->code, try->guess) == 0 && may_be_alive(model, address, message, at_ms))
            return true;
    }
    return false;
}

static void forget_wrong(struct model_account *account)
{
    account->wrong_held = 0;
    free(account->wrong);
    account->wrong = NULL;
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
    if (session->wrong >= session->attempts_max)
        complain(model, "account %zu: validated after %u wrong tries", try->account,
                 session->wrong);
    model->lucky += try->is_drawn;
    if (!try->is_drawn && !was_sent_lately(model, try))
        complain(model, "account %zu: %s validated at %lld but was not sent lately", try->account,
                 try->guess, (long long)try->at_ms);
}

// After `lock_after` wrong answers in a row each lock lets at most one more through in each of the
// two parts of the budget. How the parts share lock_after hangs on the tries of a code. Counters
// outlive changed rules: of all rules since the first wrong answer the most generous count.
static size_t budget_of(const struct model *model, const struct model_account *account,
                        int64_t at_ms)
{
    struct model_rules most = model->rules[account->wrong[0].rules];
    unsigned least_attempts = most.attempts_max;
    for (size_t i = account->wrong[0].rules + 1; i < model->rules_held; i++) {
        const struct model_rules *rules = &model->rules[i];
        if (rules->lock_after > most.lock_after)
            most.lock_after = rules->lock_after;
        if (rules->lock_ms < most.lock_ms)
            most.lock_ms = rules->lock_ms;
        if (rules->attempts_max > most.attempts_max)
            most.attempts_max = rules->attempts_max;
        if (rules->attempts_max < least_attempts)
            least_attempts = rules->attempts_max;
    }
    int64_t since_ms = at_ms - account->wrong[0].at_ms;
    return most.lock_after + most.attempts_max - least_attempts +
           2 * (size_t)(since_ms / most.lock_ms);
}

static void on_wrong(struct model *model, struct model_session *session,
                     const struct model_try *try)
{
    struct model_account *account = &model->accounts[try->account];
    session->wrong++;
    struct model_wrong *wrong =
        push((void **)&account->wrong, &account->wrong_held, sizeof *account->wrong);
    *wrong = (struct model_wrong){try->at_ms, try->rules};
    if (try->rules < account->wrong[0].rules)
        account->wrong[0].rules = try->rules; // answers are told in any order
    if (session->wrong > session->attempts_max)
        complain(model, "account %zu: %u wrong tries evaluated in one session", try->account,
                 session->wrong);
    if (account->wrong_held > budget_of(model, account, try->at_ms))
        complain(model, "account %zu: %zu wrong tries evaluated in a row", try->account,
                 account->wrong_held);
}

void model_on_failure(struct model *model, size_t address, bool is_final, int64_t at_ms)
{
    struct model_address *a = &model->addresses[address];
    struct model_message *message = push((void **)&a->messages, &a->messages_held, sizeof *message);
    message->at_ms = at_ms;
    message->is_due = !is_final;
}

void model_on_up(struct model *model, int64_t at_ms)
{
    struct model_span *up = push((void **)&model->ups, &model->ups_held, sizeof *up);
    *up = (struct model_span){at_ms, INT64_MAX};
}

void model_on_down(struct model *model, int64_t at_ms)
{
    struct model_span *up = &model->ups[model->ups_held - 1];
    if (up->until_ms == INT64_MAX)
        up->until_ms = at_ms;
}

// Has that address been sent nothing else that matters still, asked for or in doubt?
static bool is_only_send(const struct model_address *a, size_t send)
{
    int64_t since_ms = a->sends[send].asked_ms - LIFE_MS_MAX - UNDER_WAY_MS;
    for (size_t i = a->sends_held; i > 0 && a->sends[i - 1].asked_ms >= since_ms; i--) {
        if (i - 1 != send && a->sends[i - 1].state != MODEL_SEND_REFUSED)
            return false;
    }
    return true;
}

// Promise 5, where it is certain which code is whose: the one that was promised validates until its
// end, whatever has come in between.
static void check_refused(struct model *model, const struct model_session *session,
                          const struct model_try *try)
{
    const struct model_address *a = &model->addresses[try->address];
    bool is_unsure = session->is_in_doubt || session->is_astray;
    if (session->sends != 1 || session->successes > 0 || is_unsure)
        return;
    const struct model_send *send = &a->sends[session->send];
    bool is_alive = try->at_ms < send->from_ms + rules_of(model, send)->ttl_ms;
    if (!is_alive || a->messages_held == 0)
        return;
    const struct model_message *last = &a->messages[a->messages_held - 1];
    if (last->at_ms < send->from_ms)
        return;
    if (strcmp(last->code, try->guess) == 0 && is_only_send(a, session->send))
        complain(model, "account %zu: %d at %lld for the right code", try->account, try->code,
                 (long long)try->at_ms);
}

static bool is_refusal_of_code(int code)
{
    return code == 1505 || code == 1506 || code == 1507 || code == 1508 || code == 1537;
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
    trace(model, try->account, "%lld %s: %s from %zu tried at %lld: %d", (long long)try->at_ms,
          try->session, try->guess, try->address, (long long)try->asked_ms, try->code);
    if (try->code == 200)
        on_success(model, session, try);
    if (is_refusal_of_code(try->code))
        check_refused(model, session, try);
    if (try->code == 1506)
        on_wrong(model, session, try);
    if (try->code == 1543)
        check_taken(model, account, try->address);
    if (try->code != MODEL_UNKNOWN || !was_sent_lately(model, try))
        return;
    forget_wrong(account); // it may have been a success
    session->is_in_doubt = true;
    account->may_have_owner = true;
}

// Was there time for it from then on while its code lived?
static bool was_possible(const struct model *model, const struct model_send *send, int64_t since_ms)
{
    int64_t end_ms = send->from_ms + rules_of(model, send)->ttl_ms;
    for (size_t i = 0; i < model->ups_held; i++) {
        const struct model_span *up = &model->ups[i];
        int64_t from_ms = up->from_ms > since_ms ? up->from_ms : since_ms;
        int64_t until_ms = up->until_ms < end_ms ? up->until_ms : end_ms;
        if (until_ms - from_ms >= DELIVERY_MS)
            return true;
    }
    return false;
}

// `first` is where to look from, the next time too: sends are nearly in order.
static bool was_tried(const struct model *model, const struct model_address *a,
                      const struct model_send *send, size_t *first)
{
    int64_t end_ms = send->until_ms + rules_of(model, send)->ttl_ms;
    const struct model_message *messages = a->messages;
    while (*first < a->messages_held && messages[*first].at_ms < send->from_ms - UNDER_WAY_MS)
        (*first)++;
    for (size_t i = *first; i < a->messages_held; i++) {
        bool is_of_it = messages[i].at_ms >= send->from_ms && messages[i].at_ms <= end_ms;
        if (is_of_it && (!messages[i].is_due || !was_possible(model, send, messages[i].at_ms)))
            return true;
    }
    return false;
}

// Astray, to somebody who was sent codes of his own.
static bool was_tried_elsewhere(const struct model *model, const struct model_send *send)
{
    for (size_t i = 0; i < model->addresses_held && send->is_unnamed; i++) {
        size_t first = 0;
        if (has_asked(model, send->account, i) &&
            was_tried(model, &model->addresses[i], send, &first))
            return true;
    }
    return false;
}

static void check_promise(struct model *model, size_t address, const struct model_send *send)
{
    if (was_tried_elsewhere(model, send))
        model->astray++;
    else
        complain(model, "address %zu: what was promised at %lld never came", address,
                 (long long)send->from_ms);
}

static void check_promises_of(struct model *model, size_t address)
{
    const struct model_address *a = &model->addresses[address];
    size_t first = 0;
    for (size_t i = 0; i < a->sends_held; i++) {
        const struct model_send *send = &a->sends[i];
        bool is_owed =
            send->state == MODEL_SEND_ACCEPTED && was_possible(model, send, send->until_ms);
        if (is_owed && !was_tried(model, a, send, &first))
            check_promise(model, address, send);
    }
}

// Promise 2: what was accepted was sent, refused by the channel, or tried until its end. Another
// message to that address at that time cannot be told from it.
void model_check_promises(struct model *model)
{
    for (size_t i = 0; i < model->addresses_held; i++)
        check_promises_of(model, i);
}
