// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What the model makes of stories that are rare in a world: it must neither complain of what is
// right nor let pass what is not.
#include "sim/model.h"

#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define OWNER 1
#define STRANGER 2
#define NAME 3 // the account of a username: there are three addresses
#define DAYS_MS INT64_C(700000000)

static const struct model_rules rules = {
    .ttl_ms = 300000,
    .attempts_max = 5,
    .lock_after = 100,
    .lock_ms = 300000,
    .session_ms = 1200000,
};

static int create_model(void **state)
{
    struct model *model = calloc(1, sizeof *model);
    assert_non_null(model);
    model_init(model, &rules, 3, 1);
    model_on_up(model, 0);
    *state = model;
    return 0;
}

static int destroy_model(void **state)
{
    model_fini(*state);
    free(*state);
    return 0;
}

struct story {
    size_t address;
    bool is_unnamed;
    const char *session;
    int64_t at_ms;
};

static size_t ask(struct model *model, const struct story *story)
{
    const struct model_ask asked = {
        .account = NAME,
        .address = story->address,
        .is_unnamed = story->is_unnamed,
        .at_ms = story->at_ms,
    };
    return model_on_ask(model, &asked);
}

static void answer(struct model *model, const struct story *story, size_t send, int code)
{
    const struct model_generate generate = {
        .account = NAME,
        .address = story->address,
        .send = send,
        .session = story->session,
        .code = code,
        .at_ms = story->at_ms + 10,
    };
    model_on_generate(model, &generate);
}

static void be_sent(struct model *model, const struct story *story, const char *code)
{
    answer(model, story, ask(model, story), 200);
    model_on_message(model, story->address, code, story->at_ms + 20);
}

// `answered_ms` is when the answer, or its loss, was told.
static void try_code(struct model *model, const struct story *story, const char *guess, int code,
                     int64_t answered_ms)
{
    const struct model_try try = {
        .account = NAME,
        .address = story->address,
        .session = story->session,
        .guess = guess,
        .code = code,
        .asked_ms = story->at_ms + 1000,
        .at_ms = answered_ms,
    };
    model_on_try(model, NAME);
    model_on_validate(model, &try);
}

static void log_in(struct model *model, size_t address, int64_t at_ms)
{
    const struct story story = {address, false, "login", at_ms};
    be_sent(model, &story, "111111");
    try_code(model, &story, "111111", 200, at_ms + 1010);
}

// The process died after the login, and the clock of the machine that was started again is ahead.
static void a_login_whose_answer_was_lost_may_have_bound(void **state)
{
    struct model *model = *state;
    const struct story owners = {OWNER, false, "a", 1000};
    const struct story strangers = {STRANGER, false, "b", DAYS_MS + 1000};
    be_sent(model, &owners, "123456");
    try_code(model, &owners, "123456", MODEL_UNKNOWN, DAYS_MS);
    answer(model, &strangers, ask(model, &strangers), 1543);
    assert_int_equal(model->violations, 0);
}

static void a_wrong_guess_whose_answer_was_lost_has_not(void **state)
{
    struct model *model = *state;
    const struct story owners = {OWNER, false, "a", 1000};
    const struct story strangers = {STRANGER, false, "b", DAYS_MS + 1000};
    be_sent(model, &owners, "123456");
    try_code(model, &owners, "654321", MODEL_UNKNOWN, DAYS_MS);
    answer(model, &strangers, ask(model, &strangers), 1543);
    assert_int_equal(model->violations, 1);
}

static void a_code_that_had_ended_before_the_loss_has_not(void **state)
{
    struct model *model = *state;
    const struct story owners = {OWNER, false, "a", 1000};
    const struct story late = {OWNER, false, "a", 400000};
    be_sent(model, &owners, "123456");
    try_code(model, &late, "123456", MODEL_UNKNOWN, DAYS_MS);
    answer(model, &late, ask(model, &late), 1543);
    assert_int_equal(model->violations, 1);
}

// The message may come before the answer.
static void a_code_for_nobody_named_may_go_to_the_owner(void **state)
{
    for (int is_early = 0; is_early < 2; is_early++) {
        (void)destroy_model(state);
        (void)create_model(state);
        struct model *model = *state;
        const struct story story = {STRANGER, true, "b", 5000};
        log_in(model, OWNER, 1000);
        size_t send = ask(model, &story);
        if (is_early)
            model_on_message(model, OWNER, "222222", story.at_ms + 5);
        answer(model, &story, send, 200);
        if (!is_early)
            model_on_message(model, OWNER, "222222", story.at_ms + 15);
        model_check_promises(model);
        assert_int_equal(model->violations, 0);
        assert_int_equal(model->astray, 1);
    }
}

static void before_there_is_an_owner_it_may_go_to_who_asked_last(void **state)
{
    struct model *model = *state;
    const struct story first = {OWNER, false, "a", 1000};
    const struct story story = {STRANGER, true, "b", 5000};
    be_sent(model, &first, "111111");
    answer(model, &story, ask(model, &story), 200);
    model_on_message(model, 0, "222222", story.at_ms + 15);
    assert_int_equal(model->violations, 1); // nobody has asked for that
    model_on_message(model, OWNER, "333333", story.at_ms + 15);
    assert_int_equal(model->violations, 1);
    model_check_promises(model);
    assert_int_equal(model->violations, 1);
    assert_int_equal(model->astray, 1);
}

static void what_never_came_anywhere_is_a_violation(void **state)
{
    struct model *model = *state;
    const struct story first = {OWNER, false, "a", 1000};
    const struct story story = {STRANGER, true, "b", 5000};
    be_sent(model, &first, "111111");
    answer(model, &story, ask(model, &story), 200);
    model_on_down(model, 400000);
    model_check_promises(model);
    assert_int_equal(model->violations, 1);
}

static void a_code_for_a_stranger_who_is_named_is_a_violation(void **state)
{
    struct model *model = *state;
    const struct story story = {STRANGER, false, "b", 5000};
    log_in(model, OWNER, 1000);
    size_t send = ask(model, &story);
    answer(model, &story, send, 200);
    assert_int_equal(model->violations, 1);
    assert_non_null(strstr(model->complaint, "a code went to a stranger"));
}

// Whose window is full is the owner, not the stranger.
static void a_refusal_may_be_for_the_owners_sends(void **state)
{
    struct model *model = *state;
    struct model_rules strict = rules;
    strict.max_count = 1;
    strict.window_ms = 60000;
    const struct story story = {STRANGER, true, "b", 5000};
    const struct story named = {STRANGER, false, "b", 5100};
    const struct story late = {STRANGER, true, "b", 70000};
    model->rules[0] = strict;
    log_in(model, OWNER, 1000);
    answer(model, &story, ask(model, &story), 1534);
    assert_int_equal(model->violations, 0);
    assert_int_equal(model->astray, 1);
    answer(model, &named, ask(model, &named), 1534);
    assert_int_equal(model->violations, 1);
    answer(model, &late, ask(model, &late), 1534);
    assert_int_equal(model->violations, 2);
}

static void a_code_astray_does_not_reach_the_stranger(void **state)
{
    struct model *model = *state;
    const struct story story = {STRANGER, true, "b", 5000};
    log_in(model, OWNER, 1000);
    answer(model, &story, ask(model, &story), 200);
    model_on_message(model, STRANGER, "222222", story.at_ms + 15);
    assert_int_equal(model->violations, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create_model, destroy_model)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_login_whose_answer_was_lost_may_have_bound),
        TEST(a_wrong_guess_whose_answer_was_lost_has_not),
        TEST(a_code_that_had_ended_before_the_loss_has_not),
        TEST(a_code_for_nobody_named_may_go_to_the_owner),
        TEST(before_there_is_an_owner_it_may_go_to_who_asked_last),
        TEST(what_never_came_anywhere_is_a_violation),
        TEST(a_code_for_a_stranger_who_is_named_is_a_violation),
        TEST(a_refusal_may_be_for_the_owners_sends),
        TEST(a_code_astray_does_not_reach_the_stranger),
    };
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
