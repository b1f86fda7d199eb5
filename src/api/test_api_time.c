// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What time does to sessions, codes, locks and limits, to the millisecond, as a client sees it.
#include "rig/rig.h"
#include "unit/unit.h"

#include <stdio.h>

#define MINUTE_MS INT64_C(60000)
#define LIFE_MS (20 * MINUTE_MS) // of a session and of a code
#define LOCK_MS MINUTE_MS
#define LOCK_AFTER 5

#define PERSON                                                                                 \
    "\"identifierType\":\"MOBILE\",\"identifierValue\":\"919999999993\",\"brand\":\"Timely\"," \
    "\"deviceId\":\"d\""

struct login {
    char session[SESSION_ID_TEXT_BYTES + 1];
    struct rig_message message;
};

static void put_brand(struct rig *rig, uint32_t count, uint32_t minutes)
{
    struct brand_settings settings;
    brand_settings_init(&settings);
    settings.lock_after_failures = LOCK_AFTER;
    settings.lock_seconds = LOCK_MS / 1000;
    settings.otp_max_count = count;
    settings.otp_time_out_minutes = minutes;
    rig_put_brand(rig, "Timely", &settings);
}

static int create_rig(void **state)
{
    *state = rig_create_for(100);
    put_brand(*state, 0, 0);
    return 0;
}

static int destroy_rig(void **state)
{
    rig_destroy(*state);
    return 0;
}

static void open_session(struct rig *rig, struct login *login)
{
    rig_postf(rig, "/auth/v1/token/generate", "{" PERSON "}");
    rig_session_id(rig, login->session);
}

static int generate(struct rig *rig, const struct login *login)
{
    rig_postf(rig, "/auth/v1/otp/generate", "{" PERSON ",\"sessionId\":\"%s\"}", login->session);
    return rig_code(rig);
}

static void receive(struct rig *rig, struct login *login)
{
    assert_true(rig_take_message(rig, &login->message));
}

static void begin(struct rig *rig, struct login *login)
{
    open_session(rig, login);
    assert_int_equal(generate(rig, login), 200);
    receive(rig, login);
}

static int validate(struct rig *rig, const struct login *login, const char *otp)
{
    rig_postf(rig, "/auth/v1/otp/validate", "{" PERSON ",\"sessionId\":\"%s\",\"otp\":\"%s\"}",
              login->session, otp);
    return rig_code(rig);
}

static int validate_right(struct rig *rig, const struct login *login)
{
    return validate(rig, login, login->message.otp);
}

static int validate_wrong(struct rig *rig, const struct login *login)
{
    char otp[sizeof login->message.otp];
    memcpy(otp, login->message.otp, sizeof otp);
    otp[0] = otp[0] == '9' ? '0' : (char)(otp[0] + 1);
    return validate(rig, login, otp);
}

static void advance_to(struct rig *rig, int64_t since_start_ms)
{
    assert_true(RIG_START_MS + since_start_ms >= rig->now_ms);
    rig->now_ms = RIG_START_MS + since_start_ms;
}

static void a_code_ends_with_its_twentieth_minute(void **state)
{
    struct rig *rig = *state;
    struct login first, second;
    begin(rig, &first);
    begin(rig, &second);
    advance_to(rig, LIFE_MS - 1);
    assert_int_equal(validate_right(rig, &first), 200);
    advance_to(rig, LIFE_MS);
    assert_int_equal(validate_right(rig, &second), 1506);
    assert_int_equal(generate(rig, &second), 1505);
}

static void a_resend_late_in_the_session_outlives_it(void **state)
{
    struct rig *rig = *state;
    struct login login;
    begin(rig, &login);
    advance_to(rig, LIFE_MS - 1);
    assert_int_equal(generate(rig, &login), 200);
    receive(rig, &login);
    advance_to(rig, 2 * LIFE_MS - 2);
    assert_int_equal(generate(rig, &login), 1505);
    assert_int_equal(validate_right(rig, &login), 200);
}

static void a_resend_is_the_same_code_for_half_of_its_life(void **state)
{
    struct rig *rig = *state;
    struct login login;
    begin(rig, &login);
    struct rig_message first = login.message;
    advance_to(rig, LIFE_MS / 2);
    assert_int_equal(generate(rig, &login), 200);
    receive(rig, &login);
    assert_string_equal(login.message.otp, first.otp);
    assert_int_equal(validate_wrong(rig, &login), 1506);
    advance_to(rig, LIFE_MS / 2 + 1);
    assert_int_equal(generate(rig, &login), 200);
    receive(rig, &login);
    assert_string_not_equal(login.message.otp, first.otp);
    assert_int_equal(validate(rig, &login, first.otp), 1506);
    // Its life is whole, but two of its tries were made before it.
    advance_to(rig, LIFE_MS / 2 + LIFE_MS);
    for (int i = 0; i < 2; i++)
        assert_int_equal(validate_wrong(rig, &login), 1506);
    assert_int_equal(validate_right(rig, &login), 200);
}

static void exhaust(struct rig *rig, struct login *login)
{
    begin(rig, login);
    for (int i = 0; i < LOCK_AFTER; i++)
        assert_int_equal(validate_wrong(rig, login), 1506);
    assert_int_equal(validate_right(rig, login), 1518);
}

static void a_lock_ends_and_one_more_failure_locks_again(void **state)
{
    struct rig *rig = *state;
    struct login login, next;
    exhaust(rig, &login);
    open_session(rig, &next);
    assert_int_equal(generate(rig, &next), 1518);
    advance_to(rig, LOCK_MS - 1);
    assert_int_equal(generate(rig, &next), 1518);
    assert_int_equal(validate(rig, &next, "000000"), 1518);
    advance_to(rig, LOCK_MS);
    assert_int_equal(validate_right(rig, &login), 1518); // its own tries are spent for good
    assert_int_equal(generate(rig, &next), 200);
    receive(rig, &next);
    assert_int_equal(validate_wrong(rig, &next), 1506);
    assert_int_equal(validate_right(rig, &next), 1518);
    advance_to(rig, 2 * LOCK_MS - 1);
    assert_int_equal(validate_right(rig, &next), 1518);
    advance_to(rig, 2 * LOCK_MS);
    assert_int_equal(validate_right(rig, &next), 200);
}

// After a success all of them may be used again.
static void a_success_takes_the_failures_away(void **state)
{
    struct rig *rig = *state;
    struct login login, next;
    begin(rig, &login);
    for (int i = 1; i < LOCK_AFTER; i++)
        assert_int_equal(validate_wrong(rig, &login), 1506);
    assert_int_equal(validate_right(rig, &login), 200);
    exhaust(rig, &next);
}

static void a_limit_counts_what_was_sent_before_it_was_set(void **state)
{
    struct rig *rig = *state;
    struct login login;
    char seconds[16];
    begin(rig, &login);
    advance_to(rig, MINUTE_MS);
    assert_int_equal(generate(rig, &login), 200);
    receive(rig, &login);
    put_brand(rig, 2, 10);
    assert_int_equal(generate(rig, &login), 1534);
    assert_string_equal(rig_field(rig, "Retry-After", seconds, sizeof seconds), "540");
    put_brand(rig, 3, 10);
    assert_int_equal(generate(rig, &login), 200);
    receive(rig, &login);
    assert_int_equal(generate(rig, &login), 1534);
    put_brand(rig, 1, 0); // half a limit is none
    assert_int_equal(generate(rig, &login), 200);
    receive(rig, &login);
    put_brand(rig, 0, 10);
    assert_int_equal(generate(rig, &login), 200);
    receive(rig, &login);
}

static void refused_requests_do_not_count(void **state)
{
    struct rig *rig = *state;
    struct login login;
    put_brand(rig, 1, 10);
    begin(rig, &login);
    for (int i = 0; i < 100; i++) {
        advance_to(rig, i * 1000);
        assert_int_equal(generate(rig, &login), 1534);
    }
    advance_to(rig, 10 * MINUTE_MS);
    assert_int_equal(generate(rig, &login), 200);
    receive(rig, &login);
}

static void a_spent_session_stays_spent(void **state)
{
    struct rig *rig = *state;
    struct login login;
    const int64_t after_ms[] = {0, 1, LIFE_MS - 1, LIFE_MS, 2 * LIFE_MS - 1};
    begin(rig, &login);
    assert_int_equal(validate_right(rig, &login), 200);
    for (size_t i = 0; i < sizeof after_ms / sizeof after_ms[0]; i++) {
        advance_to(rig, after_ms[i]);
        assert_int_equal(validate_right(rig, &login), 1505);
        assert_int_equal(generate(rig, &login), 1505);
    }
}

#define RIG_TEST(test) cmocka_unit_test_setup_teardown(test, create_rig, destroy_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_code_ends_with_its_twentieth_minute),
        RIG_TEST(a_resend_late_in_the_session_outlives_it),
        RIG_TEST(a_resend_is_the_same_code_for_half_of_its_life),
        RIG_TEST(a_lock_ends_and_one_more_failure_locks_again),
        RIG_TEST(a_success_takes_the_failures_away),
        RIG_TEST(a_limit_counts_what_was_sent_before_it_was_set),
        RIG_TEST(refused_requests_do_not_count),
        RIG_TEST(a_spent_session_stays_spent),
    };
    return cmocka_run_group_tests_name("api_time", tests, NULL, NULL);
}
