// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "sim/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void model_init(struct model *model, const struct model_rules *rules, size_t people)
{
    *model = (struct model){.rules = *rules, .people_held = people};
    model->people = calloc(people, sizeof *model->people);
    if (model->people == NULL)
        abort();
}

void model_fini(struct model *model)
{
    for (size_t i = 0; i < model->people_held; i++) {
        free(model->people[i].messages);
        free(model->people[i].sessions);
        free(model->people[i].accepted_at_ms);
        free(model->people[i].wrong_at_ms);
    }
    free(model->people);
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

static struct model_session *session_of(struct model_person *person, const char *text)
{
    for (size_t i = person->sessions_held; i > 0; i--) {
        if (strcmp(person->sessions[i - 1].text, text) == 0)
            return &person->sessions[i - 1];
    }
    struct model_session *session =
        push((void **)&person->sessions, &person->sessions_held, sizeof *session);
    (void)snprintf(session->text, sizeof session->text, "%s", text);
    return session;
}

void model_on_message(struct model *model, size_t person, const char *code, int64_t at_ms)
{
    struct model_person *p = &model->people[person];
    struct model_message *message = push((void **)&p->messages, &p->messages_held, sizeof *message);
    message->at_ms = at_ms;
    (void)snprintf(message->code, sizeof message->code, "%s", code);
}

// Promise 3: no span of the window holds more than max_count accepted generates.
void model_on_generate(struct model *model, size_t person, const char *session, int code,
                       int64_t at_ms)
{
    struct model_person *p = &model->people[person];
    if (code != 200)
        return;
    if (session_of(p, session)->successes > 0)
        complain(model, "person %zu: a spent session issued a code", person);
    int64_t *accepted =
        push((void **)&p->accepted_at_ms, &p->accepted_held, sizeof *p->accepted_at_ms);
    *accepted = at_ms;
    if (model->rules.max_count == 0)
        return;
    unsigned in_span = 0;
    for (size_t i = 0; i < p->accepted_held; i++)
        in_span += p->accepted_at_ms[i] > at_ms - model->rules.window_ms;
    if (in_span > model->rules.max_count)
        complain(model, "person %zu: %u generates accepted within %lld ms", person, in_span,
                 (long long)model->rules.window_ms);
}

static bool was_sent_lately(const struct model *model, const struct model_person *person,
                            const struct model_try *try)
{
    for (size_t i = 0; i < person->messages_held; i++) {
        if (strcmp(person->messages[i].code, try->guess) == 0 &&
            try->at_ms - person->messages[i].at_ms <= model->rules.ttl_ms)
            return true;
    }
    return false;
}

static void forget_wrong(struct model_person *person)
{
    person->wrong_held = 0;
    free(person->wrong_at_ms);
    person->wrong_at_ms = NULL;
}

// Promise 1: a code validates once, and only one that was sent to that person and is alive.
static void on_success(struct model *model, size_t person, struct model_session *session,
                       const struct model_try *try)
{
    struct model_person *p = &model->people[person];
    session->successes++;
    forget_wrong(p);
    if (session->successes > 1)
        complain(model, "person %zu: session %s validated twice", person, session->text);
    if (session->wrong >= model->rules.attempts_max)
        complain(model, "person %zu: validated after %u wrong tries", person, session->wrong);
    model->lucky += try->is_drawn;
    if (!try->is_drawn && !was_sent_lately(model, p, try))
        complain(model, "person %zu: %s validated at %lld but was not sent lately", person,
                 try->guess, (long long)try->at_ms);
}

// After `lock_after` wrong answers in a row each lock lets at most one more through in each of the
// two parts of the budget.
static void on_wrong(struct model *model, size_t person, struct model_session *session,
                     const struct model_try *try)
{
    struct model_person *p = &model->people[person];
    session->wrong++;
    int64_t *wrong = push((void **)&p->wrong_at_ms, &p->wrong_held, sizeof *p->wrong_at_ms);
    *wrong = try->at_ms;
    if (session->wrong > model->rules.attempts_max)
        complain(model, "person %zu: %u wrong tries evaluated in one session", person,
                 session->wrong);
    if (p->wrong_held <= model->rules.lock_after)
        return;
    int64_t since_ms = try->at_ms - p->wrong_at_ms[0];
    size_t budget = model->rules.lock_after + 2 * (size_t)(since_ms / model->rules.lock_ms);
    if (p->wrong_held > budget)
        complain(model, "person %zu: %zu wrong tries evaluated in a row", person, p->wrong_held);
}

void model_on_validate(struct model *model, size_t person, const struct model_try *try)
{
    struct model_session *session = session_of(&model->people[person], try->session);
    if (try->code == 200)
        on_success(model, person, session, try);
    if (try->code == 1506)
        on_wrong(model, person, session, try);
    if (try->code == MODEL_UNKNOWN && was_sent_lately(model, &model->people[person], try))
        forget_wrong(&model->people[person]); // it may have been a success
}
