// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "core/decide.h"

#include "unit/unit.h"

#include <string.h>

#define NOW_MS INT64_C(1770000000000)
#define TTL_MS INT64_C(1200000)
#define EPOCH_NUMBER 20485U

// One person and the commands that reach the rules.
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
        .policy = {.otp_ttl_ms = TTL_MS,
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

static struct command command_of(struct fixture *fixture, enum command_kind kind, uint64_t session)
{
    return (struct command){
        .kind = kind,
        .key = {{{7}}},
        .session = {.id = session, .binding = session ^ 0xFF},
        .session_expires_at_ms = NOW_MS + TTL_MS,
        .device = 5,
        .random_salt = fixture->salts++,
        .random_uid = UINT64_MAX,
        .epochs = &fixture->epochs,
    };
}

static struct decision generate(struct fixture *fixture, uint64_t session, int64_t now_ms)
{
    struct command command = command_of(fixture, COMMAND_GENERATE, session);
    return decide(&fixture->policy, &fixture->record, &command, now_ms);
}

static struct decision try_guess(struct fixture *fixture, uint64_t session, struct span guess,
                                 int64_t now_ms)
{
    struct command command = command_of(fixture, COMMAND_VALIDATE, session);
    command.guess = guess;
    return decide(&fixture->policy, &fixture->record, &command, now_ms);
}

// What the courier would put into the message.
static struct span code_sent(struct fixture *fixture, uint64_t session, const struct decision *sent,
                             struct message *message)
{
    struct command command = command_of(fixture, COMMAND_VALIDATE, session);
    struct code_source source;
    struct code code;
    code_source_of(&command.key, &command.session, sent->send.salt, &source);
    code_derive(&epoch_find(&fixture->epochs, sent->send.epoch)->code, &source, sent->send.length,
                &code);
    message_init(message);
    code_render(&code, message);
    return message_reveal(message);
}

static enum verdict try_right(struct fixture *fixture, uint64_t session,
                              const struct decision *sent, int64_t now_ms)
{
    struct message message;
    struct span code = code_sent(fixture, session, sent, &message);
    return try_guess(fixture, session, code, now_ms).verdict;
}

static void test_right_code_validates_once(void **state)
{
    struct fixture *fixture = *state;
    struct decision sent = generate(fixture, 1, NOW_MS);
    assert_int_equal(sent.verdict, VERDICT_DONE);
    assert_true(sent.has_send && sent.is_record_changed);
    struct message message;
    struct span code = code_sent(fixture, 1, &sent, &message);
    assert_int_equal(code.len, 6);
    struct decision first = try_guess(fixture, 1, code, NOW_MS + 1);
    assert_int_equal(first.verdict, VERDICT_DONE);
    assert_true(first.code_age_ms == 1);
    assert_true(first.uid > 0 && first.uid <= (uint64_t)INT64_MAX + 1);
    struct decision second = try_guess(fixture, 1, code, NOW_MS + 2);
    assert_int_equal(second.verdict, VERDICT_SESSION_INVALID);
    assert_false(second.is_record_changed);
    assert_int_equal(generate(fixture, 1, NOW_MS + 3).verdict, VERDICT_SESSION_INVALID);
}

static void test_uid_never_changes(void **state)
{
    struct fixture *fixture = *state;
    struct decision sent = generate(fixture, 1, NOW_MS);
    assert_int_equal(try_right(fixture, 1, &sent, NOW_MS), VERDICT_DONE);
    uint64_t uid = fixture->record.uid;
    sent = generate(fixture, 2, NOW_MS);
    assert_int_equal(try_right(fixture, 2, &sent, NOW_MS), VERDICT_DONE);
    assert_true(fixture->record.uid == uid);
}

static void test_fifth_wrong_try_still_says_wrong(void **state)
{
    struct fixture *fixture = *state;
    struct decision sent = generate(fixture, 1, NOW_MS);
    for (int i = 0; i < 5; i++) {
        struct decision wrong = try_guess(fixture, 1, SPAN(""), NOW_MS);
        assert_int_equal(wrong.verdict, VERDICT_WRONG_CODE);
        assert_true(wrong.is_record_changed);
    }
    assert_int_equal(try_right(fixture, 1, &sent, NOW_MS), VERDICT_TOO_MANY_TRIES);
    assert_int_equal(generate(fixture, 1, NOW_MS).verdict, VERDICT_TOO_MANY_TRIES);
    assert_int_equal(generate(fixture, 2, NOW_MS).verdict, VERDICT_DONE);
}

static void test_expiry_is_exact(void **state)
{
    struct fixture *fixture = *state;
    struct decision sent = generate(fixture, 1, NOW_MS);
    assert_int_equal(sent.send.expires_at_ms, NOW_MS + TTL_MS);
    assert_int_equal(try_right(fixture, 1, &sent, NOW_MS + TTL_MS), VERDICT_WRONG_CODE);
    assert_int_equal(try_right(fixture, 1, &sent, NOW_MS + TTL_MS - 1), VERDICT_DONE);
}

static void test_code_outlives_its_session(void **state)
{
    struct fixture *fixture = *state;
    struct decision sent = generate(fixture, 1, NOW_MS + TTL_MS - 1);
    assert_int_equal(generate(fixture, 1, NOW_MS + TTL_MS).verdict, VERDICT_SESSION_INVALID);
    assert_int_equal(try_right(fixture, 1, &sent, NOW_MS + 2 * TTL_MS - 2), VERDICT_DONE);
}

static void test_resend_is_the_same_until_half(void **state)
{
    struct fixture *fixture = *state;
    struct decision first = generate(fixture, 1, NOW_MS);
    struct decision same = generate(fixture, 1, NOW_MS + TTL_MS / 2);
    assert_true(same.send.salt == first.send.salt);
    assert_int_equal(same.send.expires_at_ms, first.send.expires_at_ms);
    struct decision fresh = generate(fixture, 1, NOW_MS + TTL_MS / 2 + 1);
    assert_true(fresh.send.salt != first.send.salt);
    assert_int_equal(fresh.send.expires_at_ms, NOW_MS + TTL_MS / 2 + 1 + TTL_MS);
    assert_int_equal(try_right(fixture, 1, &first, NOW_MS + TTL_MS / 2 + 2), VERDICT_WRONG_CODE);
    assert_int_equal(try_right(fixture, 1, &fresh, NOW_MS + TTL_MS / 2 + 3), VERDICT_DONE);
}

static void test_resend_new_always_differs(void **state)
{
    struct fixture *fixture = *state;
    fixture->policy.is_resend_new = true;
    struct decision first = generate(fixture, 1, NOW_MS);
    struct decision second = generate(fixture, 1, NOW_MS);
    assert_true(second.send.salt != first.send.salt);
}

static void test_tries_count_on_over_resends(void **state)
{
    struct fixture *fixture = *state;
    fixture->policy.is_resend_new = true;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(generate(fixture, 1, NOW_MS).verdict, VERDICT_DONE);
        assert_int_equal(try_guess(fixture, 1, SPAN("x"), NOW_MS).verdict, VERDICT_WRONG_CODE);
    }
    assert_int_equal(generate(fixture, 1, NOW_MS).verdict, VERDICT_TOO_MANY_TRIES);
}

static void test_validate_before_generate(void **state)
{
    struct fixture *fixture = *state;
    struct decision decision = try_guess(fixture, 1, SPAN("123456"), NOW_MS);
    assert_int_equal(decision.verdict, VERDICT_NO_CODE);
    assert_false(decision.is_record_changed);
}

static void test_sessions_are_independent(void **state)
{
    struct fixture *fixture = *state;
    struct decision one = generate(fixture, 1, NOW_MS);
    struct decision two = generate(fixture, 2, NOW_MS);
    struct message message;
    struct span code = code_sent(fixture, 1, &one, &message);
    assert_int_equal(try_guess(fixture, 2, code, NOW_MS).verdict, VERDICT_WRONG_CODE);
    assert_int_equal(try_right(fixture, 2, &two, NOW_MS), VERDICT_DONE);
    assert_int_equal(try_right(fixture, 1, &one, NOW_MS), VERDICT_DONE);
}

static void test_binding_is_exact_after_generate(void **state)
{
    struct fixture *fixture = *state;
    (void)generate(fixture, 1, NOW_MS);
    struct command command = command_of(fixture, COMMAND_VALIDATE, 1);
    command.session.binding++;
    struct decision decision = decide(&fixture->policy, &fixture->record, &command, NOW_MS);
    assert_int_equal(decision.verdict, VERDICT_BINDING_DIFFERS);
}

static void test_limit_refuses_and_says_when(void **state)
{
    struct fixture *fixture = *state;
    fixture->policy.otp_max_count = 2;
    fixture->policy.otp_window_ms = 60000;
    assert_int_equal(generate(fixture, 1, NOW_MS).verdict, VERDICT_DONE);
    assert_int_equal(generate(fixture, 2, NOW_MS + 10).verdict, VERDICT_DONE);
    struct decision refused = generate(fixture, 3, NOW_MS + 20);
    assert_int_equal(refused.verdict, VERDICT_TOO_MANY_SENDS);
    assert_int_equal(refused.retry_after_ms, 60000 - 20);
    assert_false(refused.is_record_changed || refused.has_send);
    assert_int_equal(generate(fixture, 3, NOW_MS + 60000).verdict, VERDICT_DONE);
}

static void test_policy_of_an_issued_code_is_frozen(void **state)
{
    struct fixture *fixture = *state;
    struct decision sent = generate(fixture, 1, NOW_MS);
    fixture->policy.otp_length = 8;
    fixture->policy.otp_ttl_ms = 1000;
    fixture->policy.otp_attempts_max = 1;
    assert_int_equal(try_guess(fixture, 1, SPAN("1"), NOW_MS).verdict, VERDICT_WRONG_CODE);
    assert_int_equal(try_guess(fixture, 1, SPAN("1"), NOW_MS).verdict, VERDICT_WRONG_CODE);
    assert_int_equal(try_right(fixture, 1, &sent, NOW_MS + TTL_MS - 1), VERDICT_DONE);
}

static void test_lock_over_sessions(void **state)
{
    struct fixture *fixture = *state;
    fixture->policy.lock_after_failures = 12;
    unsigned evaluated = 0;
    for (uint64_t session = 1; session <= 10; session++) {
        (void)generate(fixture, session, NOW_MS);
        for (int i = 0; i < 6; i++)
            evaluated +=
                try_guess(fixture, session, SPAN("0"), NOW_MS).verdict == VERDICT_WRONG_CODE;
    }
    assert_int_equal(evaluated, 12);
    assert_int_equal(generate(fixture, 99, NOW_MS).verdict, VERDICT_TOO_MANY_TRIES);
}

static void test_code_survives_its_epoch(void **state)
{
    struct fixture *fixture = *state;
    struct key root = {{42}};
    struct decision sent = generate(fixture, 1, NOW_MS);
    struct message message;
    struct span code = code_sent(fixture, 1, &sent, &message);
    epoch_set_derive(&root, EPOCH_NUMBER + 1, &fixture->epochs);
    assert_int_equal(try_guess(fixture, 1, code, NOW_MS).verdict, VERDICT_DONE);
}

static void test_code_without_keys_is_wrong(void **state)
{
    struct fixture *fixture = *state;
    struct key root = {{42}};
    struct decision sent = generate(fixture, 1, NOW_MS);
    struct message message;
    struct span code = code_sent(fixture, 1, &sent, &message);
    epoch_set_derive(&root, EPOCH_NUMBER + 3, &fixture->epochs);
    assert_int_equal(try_guess(fixture, 1, code, NOW_MS).verdict, VERDICT_WRONG_CODE);
    assert_true(generate(fixture, 1, NOW_MS).send.salt != sent.send.salt);
}

static void test_texts(void **state)
{
    (void)state;
    for (int verdict = 0; verdict < VERDICT_COUNT_; verdict++)
        assert_true(strlen(verdict_text((enum verdict)verdict)) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_right_code_validates_once, set_up),
        cmocka_unit_test_setup(test_uid_never_changes, set_up),
        cmocka_unit_test_setup(test_fifth_wrong_try_still_says_wrong, set_up),
        cmocka_unit_test_setup(test_expiry_is_exact, set_up),
        cmocka_unit_test_setup(test_code_outlives_its_session, set_up),
        cmocka_unit_test_setup(test_resend_is_the_same_until_half, set_up),
        cmocka_unit_test_setup(test_resend_new_always_differs, set_up),
        cmocka_unit_test_setup(test_tries_count_on_over_resends, set_up),
        cmocka_unit_test_setup(test_validate_before_generate, set_up),
        cmocka_unit_test_setup(test_sessions_are_independent, set_up),
        cmocka_unit_test_setup(test_binding_is_exact_after_generate, set_up),
        cmocka_unit_test_setup(test_limit_refuses_and_says_when, set_up),
        cmocka_unit_test_setup(test_policy_of_an_issued_code_is_frozen, set_up),
        cmocka_unit_test_setup(test_lock_over_sessions, set_up),
        cmocka_unit_test_setup(test_code_survives_its_epoch, set_up),
        cmocka_unit_test_setup(test_code_without_keys_is_wrong, set_up),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests_name("decide", tests, NULL, NULL);
}
