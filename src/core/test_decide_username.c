// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The rules for usernames: whose address may log in, and that nothing of a stranger's is looked at.
#include "core/decide.h"

#include "unit/unit.h"

#include <string.h>

#define NOW_MS INT64_C(1770000000000)
#define TTL_MS INT64_C(1200000)
#define EPOCH_NUMBER 20485U

struct fixture {
    struct epoch_set epochs;
    struct policy policy;
    struct record record;
    uint64_t salts;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    struct key root = {{42}};
    fixture = (struct fixture){
        .policy = {.otp_max_count = 1,
                   .otp_window_ms = TTL_MS,
                   .otp_ttl_ms = TTL_MS,
                   .session_ttl_ms = TTL_MS,
                   .lock_ms = 1800000,
                   .otp_length = 6,
                   .otp_attempts_max = 5,
                   .lock_after_failures = 100},
        .salts = 1,
    };
    epoch_set_derive(&root, EPOCH_NUMBER, &fixture.epochs);
    *state = &fixture;
    return 0;
}

static const struct address_card card_a = {.tag = 0xA, .len = 1, .sealed = "a"};
static const struct address_card card_b = {.tag = 0xB, .len = 1, .sealed = "b"};

static struct command command_of(struct fixture *fixture, enum command_kind kind, uint64_t session,
                                 const struct address_card *card)
{
    struct session_ref ref = {.id = session, .binding = session ^ 0xFF00};
    return (struct command){
        .kind = kind,
        .key = {{{7}}},
        .session = session_ref_to(ref, card->tag),
        .session_expires_at_ms = NOW_MS + TTL_MS,
        .device = session,
        .random_salt = fixture->salts++,
        .random_uid = UINT64_MAX,
        .epochs = &fixture->epochs,
        .card = card,
    };
}

static struct decision generate(struct fixture *fixture, uint64_t session,
                                const struct address_card *card)
{
    struct command command = command_of(fixture, COMMAND_GENERATE, session, card);
    return decide(&fixture->policy, &fixture->record, &command, NOW_MS);
}

static struct decision try_guess(struct fixture *fixture, uint64_t session,
                                 const struct address_card *card, struct span guess)
{
    struct command command = command_of(fixture, COMMAND_VALIDATE, session, card);
    command.guess = guess;
    return decide(&fixture->policy, &fixture->record, &command, NOW_MS);
}

// By the code that was sent in the session of `sent_to`, validated as one of `card`.
static enum verdict try_right(struct fixture *fixture, uint64_t session,
                              const struct decision *sent, const struct address_card *sent_to,
                              const struct address_card *card)
{
    struct command command = command_of(fixture, COMMAND_VALIDATE, session, sent_to);
    struct code_source source;
    struct code code;
    struct message message;
    code_source_of(&command.key, &command.session, sent->send.salt, &source);
    code_derive(&epoch_find(&fixture->epochs, sent->send.epoch)->code, &source, 6, &code);
    message_init(&message);
    code_render(&code, &message);
    return try_guess(fixture, session, card, message_reveal(&message)).verdict;
}

static void log_in(struct fixture *fixture, uint64_t session, const struct address_card *card)
{
    struct decision sent = generate(fixture, session, card);
    assert_int_equal(sent.verdict, VERDICT_DONE);
    assert_int_equal(try_right(fixture, session, &sent, card, card), VERDICT_DONE);
}

static void test_the_first_login_binds(void **state)
{
    struct fixture *fixture = *state;
    struct decision sent = generate(fixture, 1, &card_a);
    assert_int_equal(sent.verdict, VERDICT_DONE);
    assert_int_equal(fixture->record.kind, RECORD_OF_USERNAME);
    assert_false(fixture->record.is_bound);
    assert_int_equal(try_right(fixture, 1, &sent, &card_a, &card_a), VERDICT_DONE);
    assert_true(fixture->record.is_bound);
    assert_int_equal(fixture->record.card.tag, card_a.tag);
    assert_true(record_expires_at_ms(&fixture->record) == INT64_MAX);
    log_in(fixture, 2, &card_a);
}

static void test_another_address_is_refused_once_bound(void **state)
{
    struct fixture *fixture = *state;
    log_in(fixture, 1, &card_a);
    struct record before = fixture->record;
    struct decision refused = generate(fixture, 2, &card_b);
    assert_int_equal(refused.verdict, VERDICT_USERNAME_TAKEN);
    assert_false(refused.has_send || refused.is_record_changed);
    refused = try_guess(fixture, 2, &card_b, SPAN("123456"));
    assert_int_equal(refused.verdict, VERDICT_USERNAME_TAKEN);
    assert_false(refused.is_record_changed);
    assert_memory_equal(&before, &fixture->record, sizeof before);
}

static void test_the_first_of_two_to_validate_binds(void **state)
{
    struct fixture *fixture = *state;
    struct decision to_a = generate(fixture, 1, &card_a);
    struct decision to_b = generate(fixture, 2, &card_b);
    assert_int_equal(fixture->record.card.tag, card_b.tag);
    assert_int_equal(try_right(fixture, 1, &to_a, &card_a, &card_a), VERDICT_DONE);
    // The card is of the address that is bound, not of the latest code.
    assert_int_equal(fixture->record.card.tag, card_a.tag);
    assert_memory_equal(fixture->record.card.sealed, card_a.sealed, 1);
    struct record before = fixture->record;
    assert_int_equal(try_right(fixture, 2, &to_b, &card_b, &card_b), VERDICT_USERNAME_TAKEN);
    assert_int_equal(try_guess(fixture, 2, &card_b, SPAN("")).verdict, VERDICT_USERNAME_TAKEN);
    assert_memory_equal(&before, &fixture->record, sizeof before);
}

static void test_a_code_is_of_the_address_that_it_went_to(void **state)
{
    struct fixture *fixture = *state;
    struct decision to_a = generate(fixture, 1, &card_a);
    struct record before = fixture->record;
    assert_int_equal(try_right(fixture, 1, &to_a, &card_a, &card_b), VERDICT_BINDING_DIFFERS);
    assert_int_equal(generate(fixture, 1, &card_b).verdict, VERDICT_BINDING_DIFFERS);
    assert_memory_equal(&before, &fixture->record, sizeof before);
    assert_int_equal(try_right(fixture, 1, &to_a, &card_a, &card_a), VERDICT_DONE);
}

static void test_a_bound_card_stays_as_it_was_sealed(void **state)
{
    struct fixture *fixture = *state;
    log_in(fixture, 1, &card_a);
    struct address_card sealed_anew = card_a;
    sealed_anew.sealed[0] = 'z';
    log_in(fixture, 2, &sealed_anew);
    assert_int_equal(fixture->record.card.sealed[0], 'a');
}

static void test_sends_are_not_counted_here(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(generate(fixture, 1, &card_a).verdict, VERDICT_DONE);
    assert_int_equal(fixture->record.sends_held, 0);
}

static void test_sessions_and_tries_come_before_the_owner(void **state)
{
    struct fixture *fixture = *state;
    struct decision sent = generate(fixture, 1, &card_b);
    log_in(fixture, 2, &card_a);
    for (int i = 0; i < 5; i++)
        assert_int_equal(try_guess(fixture, 1, &card_b, SPAN("")).verdict, VERDICT_USERNAME_TAKEN);
    assert_int_equal(try_right(fixture, 2, &sent, &card_a, &card_a), VERDICT_SESSION_INVALID);
    fixture->record.failures_open = 95;
    fixture->record.budget.open_locked_until_ms = NOW_MS + 1;
    assert_int_equal(generate(fixture, 1, &card_b).verdict, VERDICT_TOO_MANY_TRIES);
}

static void test_guesses_are_budgeted_for_the_name(void **state)
{
    struct fixture *fixture = *state;
    unsigned evaluated = 0;
    for (uint64_t session = 1; session <= 40; session++) {
        const struct address_card *card = session % 2 == 0 ? &card_a : &card_b;
        if (generate(fixture, session, card).verdict != VERDICT_DONE)
            continue;
        while (try_guess(fixture, session, card, SPAN("")).verdict == VERDICT_WRONG_CODE)
            evaluated++;
    }
    assert_int_equal(evaluated, fixture->policy.lock_after_failures);
}

static void test_the_ninth_session_drops_the_oldest(void **state)
{
    struct fixture *fixture = *state;
    struct decision first = generate(fixture, 1, &card_a);
    for (uint64_t session = 2; session <= 9; session++)
        assert_int_equal(generate(fixture, session, &card_a).verdict, VERDICT_DONE);
    assert_int_equal(fixture->record.codes_held, RECORD_CODES_MAX);
    assert_int_equal(try_right(fixture, 1, &first, &card_a, &card_a), VERDICT_SESSION_INVALID);
    log_in(fixture, 9, &card_a);
    assert_int_equal(generate(fixture, 9, &card_a).verdict, VERDICT_SESSION_INVALID);
}

static void test_a_name_that_nobody_used_may_be_forgotten(void **state)
{
    struct fixture *fixture = *state;
    (void)generate(fixture, 1, &card_a);
    int64_t end_ms = record_expires_at_ms(&fixture->record);
    assert_true(end_ms > NOW_MS + TTL_MS);
    assert_true(end_ms < NOW_MS + TTL_MS + 2 * CODE_LINGER_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_first_login_binds, set_up),
        cmocka_unit_test_setup(test_another_address_is_refused_once_bound, set_up),
        cmocka_unit_test_setup(test_the_first_of_two_to_validate_binds, set_up),
        cmocka_unit_test_setup(test_a_code_is_of_the_address_that_it_went_to, set_up),
        cmocka_unit_test_setup(test_a_bound_card_stays_as_it_was_sealed, set_up),
        cmocka_unit_test_setup(test_sends_are_not_counted_here, set_up),
        cmocka_unit_test_setup(test_sessions_and_tries_come_before_the_owner, set_up),
        cmocka_unit_test_setup(test_guesses_are_budgeted_for_the_name, set_up),
        cmocka_unit_test_setup(test_the_ninth_session_drops_the_oldest, set_up),
        cmocka_unit_test_setup(test_a_name_that_nobody_used_may_be_forgotten, set_up),
    };
    return cmocka_run_group_tests_name("decide_username", tests, NULL, NULL);
}
