// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "sim/people.h"

#include "base/assert.h"
#include "base/number.h"

#include <stdio.h>
#include <stdlib.h>

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS INT64_C(60000)
#define NUMBERS 100U // persons with a phone number; the others have an e-mail address
#define OWNERS 50U   // numbers that belong to usernames: the first ones
#define FREE 8U      // usernames, the last ones, that nobody waits with
#define SHARED 40U   // the first number that is two people's
#define THIEVES_BEGIN_MS (40 * MINUTE_MS)

static uint64_t below(struct actor *actor, uint64_t bound)
{
    return seeded_below(&actor->people->world->dice, bound);
}

static bool is_number(size_t person)
{
    return person < NUMBERS;
}

// Usernames come after the persons and the one who is nobody.
static size_t first_username(const struct people *people)
{
    return people->persons_held + 1;
}

static bool is_username(const struct people *people, size_t account)
{
    return account >= first_username(people);
}

static size_t owner_of(const struct people *people, size_t account)
{
    size_t owners = people->persons_held < OWNERS ? people->persons_held : OWNERS;
    return is_username(people, account) ? (account - first_username(people)) % owners : account;
}

// How an identifier is written: any of three spellings will do.
struct phrasing {
    const char *type;
    const char *forms[3];
};

static const struct phrasing number_wording = {
    "MOBILE", {"120255501%02zu", "+1 202 555 01%02zu", "001-202-555-01%02zu"}};
static const struct phrasing email_wording = {
    "EMAIL", {"person%zu@example.com", "Person%zu@EXAMPLE.com", "PERSON%zu@Example.Com"}};
static const struct phrasing name_wording = {"USERNAME", {"name%zu", "Name%zu", "NAME%zu"}};

static const struct phrasing *wording_of(const struct people *people, size_t account)
{
    if (is_username(people, account))
        return &name_wording;
    return is_number(account) ? &number_wording : &email_wording;
}

static void print_spelling(struct actor *actor, size_t account, char *out, size_t cap)
{
    const struct phrasing *wording = wording_of(actor->people, account);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(out, cap, wording->forms[below(actor, 3)], account);
#pragma GCC diagnostic pop
}

static bool person_of(struct span to, size_t *person_out)
{
    bool is_mobile = span_starts_with(to, SPAN("120255501"));
    struct span rest;
    struct span digits = is_mobile ? span_from(to, 9) : span_split(span_from(to, 6), '@', &rest);
    uint64_t number = 0;
    if (!parse_u64(digits, UINT32_MAX, &number))
        return false;
    *person_out = (size_t)number;
    return true;
}

static void begin(void *ctx, uint64_t argument);
static void validate(void *ctx, uint64_t argument);

static void rest(struct actor *actor, int64_t at_most_ms)
{
    actor->step = ACTOR_IDLE;
    if (!actor->people->is_closing)
        scheduler_after(&actor->people->world->scheduler,
                        1 + (int64_t)below(actor, (uint64_t)at_most_ms), begin, actor, 0);
}

static void rest_long(struct actor *actor)
{
    rest(actor, actor->is_attacker ? 20 * SECOND_MS : 50 * MINUTE_MS);
}

// Whether the next request says where codes go: all may, some must.
static void choose_naming(struct actor *actor)
{
    actor->is_naming = actor->must_name || below(actor, 2) == 0;
    actor->must_name = false;
}

// The address that the request is about.
static size_t meant_address(const struct actor *actor)
{
    bool is_named = !is_username(actor->people, actor->account) || actor->is_naming;
    return is_named ? actor->address : actor->opened;
}

static void print_address(struct actor *actor, char *out, size_t cap)
{
    char spelling[64];
    out[0] = 0;
    if (!is_username(actor->people, actor->account) || !actor->is_naming)
        return;
    print_spelling(actor, actor->address, spelling, sizeof spelling);
    (void)snprintf(out, cap, ",\"%s\":\"%s\"", is_number(actor->address) ? "mobile" : "email",
                   spelling);
}

static void post(struct actor *actor, const char *endpoint, const char *more)
{
    char identifier[64], body[512], path[64], address[96], device[48] = "";
    print_spelling(actor, actor->account, identifier, sizeof identifier);
    print_address(actor, address, sizeof address);
    if (!actor->is_web)
        (void)snprintf(device, sizeof device, ",\"deviceId\":\"device-%u\"", actor->device);
    (void)snprintf(path, sizeof path, "/auth/v1/%s%s", actor->is_web ? "web/" : "", endpoint);
    (void)snprintf(
        body, sizeof body,
        "{\"identifierType\":\"%s\",\"identifierValue\":\"%s\",\"brand\":\"DocDemo\"%s%s%s}",
        wording_of(actor->people, actor->account)->type, identifier, device, address, more);
    sim_bus_post(&actor->people->bus, &actor->client, path, body);
}

// Whom an attacker goes for. Names have thieves once their owners have had time to log in.
static void choose_victim(struct actor *actor)
{
    struct people *people = actor->people;
    actor->account = below(actor, 1 + people->persons_held / 20);
    actor->address = actor->account;
    if (people->usernames_held <= FREE || below(actor, 3) > 0)
        return;
    bool is_early = people->world->scheduler.now_ms < THIEVES_BEGIN_MS;
    size_t free = people->usernames_held - FREE + below(actor, FREE);
    size_t name = is_early ? free : below(actor, people->usernames_held);
    actor->account = first_username(people) + name;
    bool is_own_number = below(actor, 4) > 0;
    actor->address = is_own_number ? actor->home : owner_of(people, actor->account);
}

static void begin(void *ctx, uint64_t argument)
{
    struct actor *actor = ctx;
    (void)argument;
    if (actor->client.is_waiting || actor->client.is_lost)
        return;
    actor->step = ACTOR_OPENING;
    actor->tries_left = actor->is_attacker ? 8 : 3;
    actor->resends_left = 2;
    actor->is_counted = false;
    if (actor->is_attacker)
        choose_victim(actor);
    actor->opened = actor->address;
    actor->is_naming = true;
    post(actor, "token/generate", "");
}

static void expect_login(struct actor *actor)
{
    actor->first_ms = 0;
    actor->is_counted = !actor->is_attacker;
    actor->people->attempts += actor->is_counted;
}

// It need not end well any more: by the limit, which the model looks after, by somebody who came
// first, or by the settings and one's own slowness.
static void expect_nothing(struct actor *actor)
{
    actor->people->attempts -= actor->is_counted;
    actor->is_counted = false;
}

static bool is_slow(const struct actor *actor)
{
    const struct people *people = actor->people;
    int64_t life_ms = people->model->rules[actor->rules].ttl_ms;
    return actor->first_ms > 0 && world_time_ms(people->world) >= actor->first_ms + life_ms;
}

// What the store did that may leave a send counted.
static uint64_t mishaps(const struct world *world)
{
    const uint64_t *faults = world->stats.faults;
    return faults[MEMORY_FAULT_FULL] + faults[MEMORY_FAULT_FAILURE] +
           faults[MEMORY_FAULT_CRASH_BEFORE] + faults[MEMORY_FAULT_CRASH_AFTER];
}

static size_t who(const struct actor *actor)
{
    return (size_t)(actor - actor->people->actors);
}

static void generate(struct actor *actor)
{
    char more[128];
    struct people *people = actor->people;
    actor->step = ACTOR_GENERATING;
    choose_naming(actor);
    const struct model_ask ask = {
        .account = actor->account,
        .address = meant_address(actor),
        .is_unnamed = is_username(people, actor->account) && !actor->is_naming,
        .who = who(actor),
        .at_ms = world_time_ms(people->world),
    };
    actor->send = model_on_ask(people->model, &ask);
    actor->mishaps = mishaps(people->world);
    (void)snprintf(more, sizeof more, ",\"sessionId\":\"%s\"", actor->session);
    post(actor, "otp/generate", more);
}

static void random_guess(struct actor *actor)
{
    (void)snprintf(actor->guess, sizeof actor->guess, "%06u", (unsigned)below(actor, 1000000));
}

static bool is_thief(const struct actor *actor)
{
    return actor->is_attacker && is_username(actor->people, actor->account) &&
           actor->address == actor->home;
}

// Honest people type what came last, and one in eight slips; attackers draw, but for what their own
// phone was sent.
static void choose_guess(struct actor *actor)
{
    const struct mailbox *mailbox = &actor->people->mailboxes[actor->address];
    bool has_read = !actor->is_attacker || (is_thief(actor) && mailbox->code[0] != 0);
    actor->is_drawn = !has_read || below(actor, 8) == 0;
    if (actor->is_drawn)
        random_guess(actor);
    else
        (void)snprintf(actor->guess, sizeof actor->guess, "%s", mailbox->code);
}

static void send_guess(struct actor *actor)
{
    char more[160];
    (void)snprintf(more, sizeof more, ",\"sessionId\":\"%s\",\"otp\":\"%s\"", actor->session,
                   actor->guess);
    choose_naming(actor);
    actor->tried_ms = world_time_ms(actor->people->world);
    model_on_try(actor->people->model, actor->account);
    post(actor, "otp/validate", more);
}

static void validate(void *ctx, uint64_t argument)
{
    struct actor *actor = ctx;
    (void)argument;
    if (actor->step != ACTOR_WAITING || actor->client.is_waiting || actor->client.is_lost)
        return;
    const struct mailbox *mailbox = &actor->people->mailboxes[actor->address];
    if (!actor->is_attacker && mailbox->code[0] == 0 && actor->resends_left-- > 0) {
        generate(actor);
        return;
    }
    if (is_slow(actor))
        expect_nothing(actor);
    actor->step = ACTOR_VALIDATING;
    choose_guess(actor);
    send_guess(actor);
}

// Reading the message and typing takes a while; now and then so long that the code ends.
static void wait_for_message(struct actor *actor)
{
    int64_t wait_ms = 5 * SECOND_MS + (int64_t)below(actor, 90 * (uint64_t)SECOND_MS);
    if (below(actor, 40) == 0)
        wait_ms += 20 * MINUTE_MS;
    actor->step = ACTOR_WAITING;
    scheduler_after(&actor->people->world->scheduler, actor->is_attacker ? 100 : wait_ms, validate,
                    actor, 0);
}

// Goes on as if the session were another one's.
static void swap(struct actor *actor)
{
    if (below(actor, 2) == 0)
        actor->device++;
    else if (is_username(actor->people, actor->account))
        actor->address++;
    else
        actor->address = ++actor->account;
}

static void on_opened(struct actor *actor, int code, const char *body, int64_t at_ms)
{
    const char *at = strstr(body, "\"sessionId\":\"");
    if (code != 200 || at == NULL) {
        rest_long(actor);
        return;
    }
    (void)snprintf(actor->session, sizeof actor->session, "%.38s", at + 13);
    expect_login(actor);
    model_on_open(actor->people->model, actor->account, actor->session, actor->client.rules, at_ms);
    if (actor->is_attacker && below(actor, 8) == 0)
        swap(actor);
    actor->must_name = below(actor, 20) > 0; // or nobody can tell where the code is to go
    bool is_hasty = below(actor, 50) == 0;   // validates before it has asked for a code
    if (is_hasty)
        wait_for_message(actor);
    else
        generate(actor);
}

// The server could not do it: busy, failing, or without room on its disk.
static bool is_unable(int code)
{
    return code == 503 || code == 1502 || code == 1503;
}

// Who has to say where codes go, and has not, says it.
static bool is_to_name(struct actor *actor, int code)
{
    actor->must_name = code == 1540;
    return code == 1540 && !actor->is_naming;
}

static void on_generated(struct actor *actor, int code)
{
    if (is_to_name(actor, code)) {
        generate(actor);
        return;
    }
    bool may_go_on = code == 200 || code == 0 || is_unable(code);
    if (code == 1534 || code == 1543)
        expect_nothing(actor);
    if (!may_go_on) {
        rest_long(actor);
        return;
    }
    if (!actor->is_attacker && below(actor, 10) == 0 && actor->resends_left-- > 0)
        generate(actor);
    else
        wait_for_message(actor);
}

static void on_validated(struct actor *actor, int code)
{
    bool is_in = code == 200;
    actor->people->logins += is_in && actor->is_counted;
    if (is_to_name(actor, code)) {
        send_guess(actor);
        return;
    }
    bool is_unsure = code == 0 || is_unable(code);
    if ((is_in && below(actor, 4) == 0) || is_unsure) {
        actor->step = ACTOR_REPLAYING; // the same again: a second press, or a retry
        send_guess(actor);
        return;
    }
    if (is_in && below(actor, 6) == 0) {
        generate(actor); // "resend" on a page left open: the session is spent
        return;
    }
    if (!is_in && actor->tries_left-- > 0 && (code == 1506 || code == 1518))
        wait_for_message(actor);
    else
        rest_long(actor);
}

static enum seen seen_of(const struct actor *actor, int status, int code)
{
    static const int codes[SEEN_COUNT_] = {
        [SEEN_1505] = 1505, [SEEN_1506] = 1506, [SEEN_1507] = 1507, [SEEN_1508] = 1508,
        [SEEN_1518] = 1518, [SEEN_1534] = 1534, [SEEN_1537] = 1537, [SEEN_1540] = 1540,
        [SEEN_1541] = 1541, [SEEN_1543] = 1543, [SEEN_503] = 503,   [SEEN_1502] = 1502,
        [SEEN_1503] = 1503};
    if (status == 0)
        return SEEN_LOST;
    bool is_login =
        code == 200 && (actor->step == ACTOR_VALIDATING || actor->step == ACTOR_REPLAYING);
    if (is_login)
        return is_username(actor->people, actor->account) ? SEEN_NAME_LOGIN : SEEN_LOGIN;
    for (int i = 0; i < SEEN_COUNT_; i++) {
        if (codes[i] == code)
            return (enum seen)i;
    }
    return SEEN_OTHER;
}

// Refused for less than one's own limit, and the other one of that number was sent something.
static void mark_refusal(const struct actor *actor, const struct model_generate *generate)
{
    const struct model *model = actor->people->model;
    size_t rules = generate->rules, address = generate->address;
    unsigned own = model_sends_of(model, address, who(actor), rules, generate->at_ms);
    unsigned others = model_sends_of(model, address, actor->sharer, rules, generate->at_ms);
    actor->people->world->stats.marks[MARK_OTHERS_SENDS] +=
        actor->sharer != who(actor) && others > 0 && own < model->rules[rules].max_count;
}

static void tell_generate(struct actor *actor, int code, int64_t at_ms)
{
    struct people *people = actor->people;
    const struct model_generate generate = {
        .account = actor->account,
        .address = meant_address(actor),
        .send = actor->send,
        .session = actor->session,
        .rules = actor->client.rules,
        .code = is_unable(code) ? MODEL_UNKNOWN : code,
        .is_batched = actor->client.is_batched,
        .is_faulty = mishaps(people->world) != actor->mishaps,
        .at_ms = at_ms,
    };
    model_on_generate(people->model, &generate);
    if (code == 1534)
        mark_refusal(actor, &generate);
    if (code != 200)
        return;
    actor->rules = actor->client.rules;
    actor->first_ms = actor->first_ms > 0 ? actor->first_ms : at_ms;
    actor->boots = people->world->stats.boots;
}

static void tell_validate(struct actor *actor, int code, int64_t at_ms)
{
    const struct model_try try = {
        .account = actor->account,
        .address = meant_address(actor),
        .session = actor->session,
        .guess = actor->guess,
        .is_drawn = actor->is_drawn,
        .rules = actor->client.rules,
        .code = is_unable(code) ? MODEL_UNKNOWN : code,
        .is_batched = actor->client.is_batched,
        .asked_ms = actor->tried_ms,
        .at_ms = at_ms,
    };
    model_on_validate(actor->people->model, &try);
    uint64_t *marks = actor->people->world->stats.marks;
    bool is_login = code == 200 && actor->step == ACTOR_VALIDATING;
    marks[MARK_CHANGE_BETWEEN] += is_login && actor->rules != actor->client.rules;
    marks[MARK_RESTART_BETWEEN] += is_login && actor->boots != actor->people->world->stats.boots;
}

static void on_answer(void *ctx, int status, int code, const char *body, int64_t at_ms)
{
    struct actor *actor = ctx;
    struct people *people = actor->people;
    enum actor_step step = actor->step;
    people->seen[seen_of(actor, status, code)]++;
    world_trace(people->world, (uint64_t)status * 10000U + (uint64_t)code);
    if (step == ACTOR_OPENING)
        on_opened(actor, code, body, at_ms);
    if (step == ACTOR_GENERATING) {
        tell_generate(actor, code, at_ms);
        on_generated(actor, code);
    }
    if (step == ACTOR_VALIDATING || step == ACTOR_REPLAYING)
        tell_validate(actor, code, at_ms);
    if (step == ACTOR_VALIDATING)
        on_validated(actor, code);
    if (step == ACTOR_REPLAYING)
        rest_long(actor);
}

void people_on_message(void *ctx, struct span to, struct span otp, int64_t at_ms)
{
    struct people *people = ctx;
    size_t person = 0;
    ASSERT(person_of(to, &person) && person < people->persons_held + 1);
    struct mailbox *mailbox = &people->mailboxes[person];
    ASSERT(otp.len < sizeof mailbox->code);
    memcpy(mailbox->code, otp.data, otp.len);
    mailbox->code[otp.len] = 0;
    mailbox->at_ms = at_ms;
    model_on_message(people->model, person, mailbox->code, at_ms);
    world_trace(people->world, person);
}

void people_on_failure(struct people *people, struct span to, bool is_final, int64_t at_ms)
{
    size_t person = 0;
    ASSERT(person_of(to, &person) && person < people->persons_held + 1);
    model_on_failure(people->model, person, is_final, at_ms);
}

// The account of the honest actor of that number.
static size_t account_of(const struct people *people, size_t number)
{
    size_t persons = people->persons_held;
    size_t sharer = number - persons - people->usernames_held;
    if (number < persons)
        return number;
    if (number < persons + people->usernames_held)
        return first_username(people) + number - persons;
    return (SHARED + sharer) % persons;
}

static void actor_begin(struct actor *actor, size_t account)
{
    struct people *people = actor->people;
    actor->account = account;
    actor->address = owner_of(people, account);
    actor->sharer = who(actor);
    sim_client_init(&actor->client, people->world);
    actor->client.on_answer = on_answer;
    actor->client.ctx = actor;
    actor->is_web = below(actor, 3) == 0;
    rest_long(actor);
}

static void honest_init(struct people *people, size_t number)
{
    struct actor *actor = &people->actors[number];
    size_t account = account_of(people, number);
    bool is_sharer = number >= people->persons_held + people->usernames_held;
    *actor = (struct actor){.people = people, .home = account};
    actor_begin(actor, account);
    actor->device = (unsigned)actor->address + (is_sharer ? 500000U : 0);
    if (!is_sharer)
        return;
    actor->is_web = false;
    actor->sharer = account;
    people->actors[account].sharer = number;
}

// An attacker's own number is that of somebody without a username.
static void attacker_init(struct people *people, struct actor *actor, size_t number)
{
    *actor = (struct actor){.people = people, .is_attacker = true};
    actor->home = (OWNERS + number) % people->persons_held;
    actor->device = 1000000 + (unsigned)number;
    actor_begin(actor, number % people->persons_held);
}

void people_init(struct people *people, struct world *world, struct model *model,
                 const struct people_counts *counts)
{
    *people = (struct people){.world = world,
                              .model = model,
                              .persons_held = counts->persons,
                              .usernames_held = counts->usernames};
    sim_bus_init(&people->bus, world);
    size_t honest = counts->persons + counts->usernames + counts->sharers;
    people->actors_held = honest + counts->attackers;
    people->actors = calloc(people->actors_held, sizeof *people->actors);
    people->mailboxes = calloc(counts->persons + 1, sizeof *people->mailboxes);
    ASSERT(people->actors != NULL && people->mailboxes != NULL);
    for (size_t i = 0; i < honest; i++)
        honest_init(people, i);
    for (size_t i = honest; i < people->actors_held; i++)
        attacker_init(people, &people->actors[i], i - honest);
}

void people_fini(struct people *people)
{
    for (size_t i = 0; i < people->actors_held; i++)
        sim_client_fini(&people->actors[i].client);
    sim_bus_fini(&people->bus);
    free(people->actors);
    free(people->mailboxes);
    *people = (struct people){0};
}
