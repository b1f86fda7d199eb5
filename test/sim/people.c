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

static uint64_t below(struct actor *actor, uint64_t bound)
{
    return seeded_below(&actor->people->world->dice, bound);
}

static bool is_number(size_t person)
{
    return person < NUMBERS;
}

// Any spelling of the identifier will do.
static void print_spelling(struct actor *actor, char *out, size_t cap)
{
    static const char *const number_forms[] = {"120255501%02zu", "+1 202 555 01%02zu",
                                               "001-202-555-01%02zu"};
    static const char *const email_forms[] = {"person%zu@example.com", "Person%zu@EXAMPLE.com",
                                              "PERSON%zu@Example.Com"};
    const char *const *forms = is_number(actor->person) ? number_forms : email_forms;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(out, cap, forms[below(actor, 3)], actor->person);
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

static void post(struct actor *actor, const char *endpoint, const char *more)
{
    char identifier[64], body[512], path[64], device[48] = "";
    print_spelling(actor, identifier, sizeof identifier);
    if (!actor->is_web)
        (void)snprintf(device, sizeof device, ",\"deviceId\":\"device-%u\"", actor->device);
    (void)snprintf(path, sizeof path, "/auth/v1/%s%s", actor->is_web ? "web/" : "", endpoint);
    (void)snprintf(
        body, sizeof body,
        "{\"identifierType\":\"%s\",\"identifierValue\":\"%s\",\"brand\":\"DocDemo\"%s%s}",
        is_number(actor->person) ? "MOBILE" : "EMAIL", identifier, device, more);
    sim_client_post(&actor->client, path, body);
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
    actor->people->attempts += !actor->is_attacker;
    if (actor->is_attacker)
        actor->person = below(actor, 1 + actor->people->persons_held / 20);
    post(actor, "token/generate", "");
}

static void generate(struct actor *actor)
{
    char more[128];
    actor->step = ACTOR_GENERATING;
    (void)snprintf(more, sizeof more, ",\"sessionId\":\"%s\"", actor->session);
    post(actor, "otp/generate", more);
}

static void random_guess(struct actor *actor)
{
    (void)snprintf(actor->guess, sizeof actor->guess, "%06u", (unsigned)below(actor, 1000000));
}

// Honest people type what came last, and one in eight slips; attackers draw.
static void choose_guess(struct actor *actor)
{
    const struct mailbox *mailbox = &actor->people->mailboxes[actor->person];
    actor->is_drawn = actor->is_attacker || below(actor, 8) == 0;
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
    post(actor, "otp/validate", more);
}

static void validate(void *ctx, uint64_t argument)
{
    struct actor *actor = ctx;
    (void)argument;
    if (actor->step != ACTOR_WAITING || actor->client.is_waiting || actor->client.is_lost)
        return;
    const struct mailbox *mailbox = &actor->people->mailboxes[actor->person];
    if (!actor->is_attacker && mailbox->code[0] == 0 && actor->resends_left-- > 0) {
        generate(actor);
        return;
    }
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

static void on_opened(struct actor *actor, int code, const char *body)
{
    const char *at = strstr(body, "\"sessionId\":\"");
    if (code != 200 || at == NULL) {
        rest_long(actor);
        return;
    }
    (void)snprintf(actor->session, sizeof actor->session, "%.38s", at + 13);
    bool is_thief = actor->is_attacker && below(actor, 8) == 0;
    if (is_thief && below(actor, 2) == 0)
        actor->device++; // somebody else's device
    else if (is_thief)
        actor->person++;                   // somebody else's number
    bool is_hasty = below(actor, 50) == 0; // validates before it has asked for a code
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

static void on_generated(struct actor *actor, int code)
{
    bool may_go_on = code == 200 || code == 0 || is_unable(code);
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
    actor->people->logins += is_in && !actor->is_attacker;
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
        [SEEN_1518] = 1518, [SEEN_1534] = 1534, [SEEN_1537] = 1537, [SEEN_503] = 503,
        [SEEN_1502] = 1502, [SEEN_1503] = 1503};
    if (status == 0)
        return SEEN_LOST;
    if (code == 200 && (actor->step == ACTOR_VALIDATING || actor->step == ACTOR_REPLAYING))
        return SEEN_LOGIN;
    for (int i = 0; i < SEEN_COUNT_; i++) {
        if (codes[i] == code)
            return (enum seen)i;
    }
    return SEEN_OTHER;
}

static void on_answer(void *ctx, int status, int code, const char *body, int64_t at_ms)
{
    struct actor *actor = ctx;
    struct people *people = actor->people;
    enum actor_step step = actor->step;
    people->seen[seen_of(actor, status, code)]++;
    world_trace(people->world, (uint64_t)status * 10000U + (uint64_t)code);
    if (step == ACTOR_OPENING)
        on_opened(actor, code, body);
    if (step == ACTOR_GENERATING) {
        model_on_generate(people->model, actor->person, actor->session, code, at_ms);
        on_generated(actor, code);
    }
    if (step == ACTOR_VALIDATING || step == ACTOR_REPLAYING) {
        int known = is_unable(code) ? MODEL_UNKNOWN : code;
        struct model_try try = {actor->session, actor->guess, actor->is_drawn, known, at_ms};
        model_on_validate(people->model, actor->person, &try);
    }
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

static void actor_init(struct people *people, struct actor *actor, size_t person, bool is_attacker)
{
    *actor = (struct actor){.people = people, .person = person, .is_attacker = is_attacker};
    sim_client_init(&actor->client, people->world);
    actor->client.on_answer = on_answer;
    actor->client.ctx = actor;
    actor->device = is_attacker ? 1000000 + (unsigned)person : (unsigned)person;
    actor->is_web = below(actor, 3) == 0;
    rest_long(actor);
}

void people_init(struct people *people, struct world *world, struct model *model, size_t persons,
                 size_t attackers)
{
    *people = (struct people){.world = world, .model = model, .persons_held = persons};
    people->actors_held = persons + attackers;
    people->actors = calloc(people->actors_held, sizeof *people->actors);
    people->mailboxes = calloc(persons + 1, sizeof *people->mailboxes);
    ASSERT(people->actors != NULL && people->mailboxes != NULL);
    for (size_t i = 0; i < people->actors_held; i++)
        actor_init(people, &people->actors[i], i < persons ? i : i - persons, i >= persons);
}

void people_fini(struct people *people)
{
    for (size_t i = 0; i < people->actors_held; i++)
        sim_client_fini(&people->actors[i].client);
    free(people->actors);
    free(people->mailboxes);
    *people = (struct people){0};
}
