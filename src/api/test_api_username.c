// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Usernames: who may log in to one, by which address, and what a number's window makes of it. A is
// the owner's number, B a stranger's.
#include "rig/visit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define A ",\"mobile\":\"12025550101\""
#define B ",\"mobile\":\"12025550102\""
#define NONE ""

#define LIMIT 3

static int create_rig(void **state)
{
    *state = rig_create_for(1000);
    return 0;
}

static int destroy_rig(void **state)
{
    rig_destroy(*state);
    return 0;
}

static void a_username_logs_in_by_its_number(void **state)
{
    struct rig *rig = *state;
    struct rig_message message;
    struct visit visit = visit_issue(rig, "Somebody", A, &message);
    assert_string_equal(message.to, "12025550101");
    assert_int_equal(message.channel, CHANNEL_SMS);
    visit.name = "SOMEBODY";
    assert_int_equal(visit_validate(rig, &visit, A, message.otp), 200);
    // {"idv":["MOBILE|12025550101","USERNAME|somebody"],"dev":"d","org":"DOCDEMO",…
    assert_non_null(strstr(rig->body, "\"token\":\"eyJpZHYiOlsiTU9CSUxFfDEyMDI1NTUwMTAxIiwiVVNFUk5B"
                                      "TUV8c29tZWJvZHkiXSwiZGV2IjoiZCIs"));
    assert_int_equal(visit_generate(rig, &visit, A), 1505);
    assert_int_equal(visit_validate(rig, &visit, A, message.otp), 1505);
}

static void a_username_logs_in_by_its_email(void **state)
{
    struct rig *rig = *state;
    struct rig_message message;
    struct visit visit = visit_issue(rig, "somebody", ",\"email\":\"A@example.com\"", &message);
    assert_string_equal(message.to, "a@example.com");
    assert_int_equal(message.channel, CHANNEL_EMAIL);
    assert_int_equal(visit_validate(rig, &visit, ",\"email\":\"a@EXAMPLE.com\"", message.otp), 200);
    struct visit other = visit_open(rig, "somebody", A);
    assert_int_equal(visit_generate(rig, &other, A), 1543);
}

static void a_number_goes_before_an_email(void **state)
{
    struct rig *rig = *state;
    struct rig_message message;
    struct visit visit = visit_issue(rig, "somebody", A ",\"email\":\"a@example.com\"", &message);
    assert_string_equal(message.to, "12025550101");
    assert_int_equal(visit_validate(rig, &visit, ",\"email\":\"a@example.com\"", message.otp),
                     1541);
    assert_int_equal(visit_validate(rig, &visit, A, message.otp), 200);
}

static void a_stranger_gets_nothing_and_pays_nothing(void **state)
{
    struct rig *rig = *state;
    rig_set_limit(rig, LIMIT);
    visit_log_in(rig, "somebody", A);
    struct visit visit = visit_open(rig, "somebody", B);
    for (int i = 0; i < 10; i++)
        assert_int_equal(visit_generate(rig, &visit, B), 1543);
    assert_int_equal(visit_generate(rig, &visit, NONE), 1543);
    assert_int_equal(visit_validate(rig, &visit, B, "123456"), 1543);
    assert_int_equal(visit_validate(rig, &visit, NONE, "123456"), 1543);
    rig_assert_no_message(rig);
    rig->now_ms += RIG_WINDOW_MINUTES * 60000;
    visit_log_in(rig, "somebody", A);
    assert_int_equal(rig_room_of(rig, "12025550102"), LIMIT);
}

static void the_first_of_two_to_validate_binds(void **state)
{
    struct rig *rig = *state;
    struct rig_message to_a, to_b;
    struct visit of_a = visit_issue(rig, "somebody", A, &to_a);
    struct visit of_b = visit_issue(rig, "somebody", B, &to_b);
    assert_int_equal(visit_validate(rig, &of_a, A, to_a.otp), 200);
    assert_int_equal(visit_validate(rig, &of_b, B, to_b.otp), 1543);
    assert_int_equal(visit_validate(rig, &of_b, NONE, to_b.otp), 1543);
    assert_int_equal(visit_validate(rig, &of_b, A, to_b.otp), 1541);
    assert_null(strstr(rig->body, "token"));
    // The card is the owner's, though the stranger's code was the later one.
    struct visit again = visit_open(rig, "somebody", A);
    assert_int_equal(visit_generate(rig, &again, NONE), 200);
    assert_string_equal(rig_message_of(rig).to, "12025550101");
}

static void another_address_is_1541(void **state)
{
    struct rig *rig = *state;
    struct visit visit = visit_open(rig, "somebody", A);
    assert_int_equal(visit_generate(rig, &visit, B), 1541);
    assert_int_equal(visit_generate(rig, &visit, ",\"email\":\"a@example.com\""), 1541);
    rig_assert_no_message(rig);
    assert_int_equal(visit_generate(rig, &visit, A), 200);
    struct rig_message message = rig_message_of(rig);
    assert_int_equal(visit_validate(rig, &visit, B, message.otp), 1541);
    assert_null(strstr(rig->body, "token"));
    visit.name = "nobody";
    assert_int_equal(visit_validate(rig, &visit, A, message.otp), 1541);
    visit.name = "somebody";
    assert_int_equal(visit_validate(rig, &visit, ",\"mobile\":\"+1 202 555 0101\"", message.otp),
                     200);
}

static void an_address_known_need_not_be_named(void **state)
{
    struct rig *rig = *state;
    struct visit visit = visit_open(rig, "somebody", A);
    assert_int_equal(visit_generate(rig, &visit, NONE), 1540);
    assert_int_equal(visit_validate(rig, &visit, NONE, "123456"), 1537);
    assert_int_equal(visit_validate(rig, &visit, A, "123456"), 1537);
    assert_int_equal(visit_generate(rig, &visit, A), 200);
    struct rig_message message = rig_message_of(rig);
    assert_int_equal(visit_generate(rig, &visit, NONE), 200);
    assert_string_equal(rig_message_of(rig).to, "12025550101");
    assert_int_equal(visit_validate(rig, &visit, NONE, message.otp), 200);
    assert_non_null(strstr(rig->body, "\"token\":\"eyJpZHYiOlsiTU9CSUxFfDEyMDI1NTUwMTAxIiwi"));
    visit = visit_open(rig, "somebody", A);
    assert_int_equal(visit_generate(rig, &visit, NONE), 200);
}

// Until somebody has logged in, the latest code says where codes go; a session says only whether
// that is its address.
static void an_address_that_is_not_known_must_be_named(void **state)
{
    struct rig *rig = *state;
    struct rig_message to_a, to_b;
    struct visit of_a = visit_issue(rig, "somebody", A, &to_a);
    (void)visit_issue(rig, "somebody", B, &to_b);
    assert_int_equal(visit_generate(rig, &of_a, NONE), 1540);
    assert_int_equal(visit_validate(rig, &of_a, NONE, to_a.otp), 1540);
    assert_int_equal(visit_validate(rig, &of_a, A, to_a.otp), 200);
}

static void a_window_is_of_the_number(void **state)
{
    struct rig *rig = *state;
    char retry_after[16];
    rig_set_limit(rig, LIMIT);
    struct visit one = visit_open(rig, "one", A), two = visit_open(rig, "two", A);
    assert_int_equal(visit_generate(rig, &one, A), 200);
    rig->now_ms += 60000;
    assert_int_equal(rig_generate_by_number(rig, "12025550101"), 200);
    assert_int_equal(visit_generate(rig, &two, A), 200);
    assert_int_equal(visit_generate(rig, &one, NONE), 1534);
    assert_string_equal(rig_field(rig, "Retry-After", retry_after, sizeof retry_after), "540");
    assert_int_equal(visit_generate(rig, &two, A), 1534);
    assert_int_equal(rig_generate_by_number(rig, "12025550101"), 1534);
    rig->now_ms = RIG_START_MS + RIG_WINDOW_MINUTES * 60000 - 1;
    assert_int_equal(visit_generate(rig, &two, A), 1534);
    rig->now_ms++;
    assert_int_equal(visit_generate(rig, &two, A), 200);
    assert_int_equal(rig_generate_by_number(rig, "12025550101"), 1534);
}

static void who_is_refused_leaves_the_window_alone(void **state)
{
    struct rig *rig = *state;
    struct rig_message message;
    rig_set_limit(rig, LIMIT);
    struct visit spent = visit_issue(rig, "somebody", A, &message);
    assert_int_equal(visit_validate(rig, &spent, A, message.otp), 200);
    struct visit exhausted = visit_issue(rig, "somebody", A, &message);
    for (int i = 0; i < 5; i++)
        assert_int_equal(visit_validate(rig, &exhausted, A, "x"), 1506);
    for (int i = 0; i < LIMIT; i++) {
        assert_int_equal(visit_generate(rig, &spent, A), 1505);
        assert_int_equal(visit_generate(rig, &exhausted, A), 1518);
    }
    assert_int_equal(rig_room_of(rig, "12025550101"), LIMIT - 2);
}

static void refusals_come_before_the_limit(void **state)
{
    struct rig *rig = *state;
    struct rig_message message;
    rig_set_limit(rig, 1);
    struct visit spent = visit_issue(rig, "somebody", A, &message);
    assert_int_equal(visit_validate(rig, &spent, A, message.otp), 200);
    assert_int_equal(rig_room_of(rig, "12025550102"), 1);
    struct visit stranger = visit_open(rig, "somebody", B);
    assert_int_equal(visit_generate(rig, &spent, A), 1505);
    assert_int_equal(visit_generate(rig, &stranger, B), 1543);
}

// A message that waits is sent once, however often it is asked for; but only to its own address.
static void each_address_has_a_message_of_its_own(void **state)
{
    struct rig *rig = *state;
    struct rig_message first, second;
    struct visit of_a = visit_open(rig, "somebody", A);
    struct visit of_b = visit_open(rig, "somebody", B);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(visit_generate(rig, &of_a, A), 200);
        rig->now_ms++;
        assert_int_equal(visit_generate(rig, &of_b, B), 200);
    }
    assert_int_equal(store_entries(rig->store), 2);
    assert_true(rig_take_first(rig, &first));
    assert_true(rig_take_message(rig, &second));
    assert_string_equal(first.to, "12025550101");
    assert_string_equal(second.to, "12025550102");
    assert_int_equal(visit_validate(rig, &of_b, B, first.otp), 1506);
    assert_int_equal(visit_validate(rig, &of_a, A, second.otp), 1506);
    assert_int_equal(visit_validate(rig, &of_b, B, second.otp), 200);
    assert_int_equal(visit_validate(rig, &of_a, A, first.otp), 1543);
}

// Another address that the visit's session takes for its own: its tag in the id is the same.
static void find_alike(struct rig *rig, const struct visit *visit, char *out, size_t cap)
{
    struct session session;
    struct address name, other;
    enum session_family family;
    char spelling[64];
    const struct brand_set *set = brands_acquire(rig->brands);
    const struct epoch_set *epochs = keyring_epochs(rig->keyring, rig->now_ms);
    struct session_binding binding = {.brand_id = brand_set_find(set, SPAN("DocDemo"))->id,
                                      .device = SPAN("d")};
    assert_true(address_parse(ADDRESS_USERNAME, span_of_text(visit->name), SPAN(""), &name));
    assert_true(session_id_open(epochs, span_of_text(visit->id), rig->now_ms, &session));
    binding.identifier = address_identifier(&name);
    for (unsigned i = 0; span_is_empty(binding.address); i++) {
        (void)snprintf(spelling, sizeof spelling, "person%u@example.com", i);
        assert_true(address_parse(ADDRESS_EMAIL, span_of_text(spelling), SPAN(""), &other));
        binding.address = address_identifier(&other);
        enum session_check check = session_differs(epochs, &session, &binding, false, &family);
        assert_true(check == SESSION_IS_SAME || check == SESSION_OTHER_ADDRESS);
        if (check == SESSION_OTHER_ADDRESS)
            binding.address = SPAN("");
    }
    (void)snprintf(out, cap, ",\"email\":\"%s\"", spelling);
    brands_release(rig->brands, &set);
}

// One in 16384 passes for the owner, and sends the owner a code that is of no use to him.
static void who_passes_for_the_owner_is_sent_nothing(void **state)
{
    struct rig *rig = *state;
    char alike[96];
    visit_log_in(rig, "somebody", A);
    struct visit owners = visit_open(rig, "somebody", A);
    find_alike(rig, &owners, alike, sizeof alike);
    struct visit visit = visit_open(rig, "somebody", alike);
    assert_int_equal(visit_generate(rig, &visit, alike), 1543);
    rig_assert_no_message(rig);
    assert_int_equal(visit_generate(rig, &visit, NONE), 200);
    struct rig_message message = rig_message_of(rig);
    assert_string_equal(message.to, "12025550101");
    assert_int_equal(visit_generate(rig, &visit, alike), 1541);
    assert_int_equal(visit_validate(rig, &visit, alike, message.otp), 1541);
    assert_null(strstr(rig->body, "token"));
}

static void a_fallback_channel_is_for_the_same_address(void **state)
{
    struct rig *rig = *state;
    struct visit visit = visit_open(rig, "somebody", A);
    char rest[96];
    (void)snprintf(rest, sizeof rest, ",\"sessionId\":\"%s\"", visit.id);
    assert_int_equal(visit_post(rig, "otp/generate?fallbackChannel=EMAIL", "somebody", A, rest),
                     1602);
    assert_int_equal(visit_post(rig, "otp/generate?fallbackChannel=ZALO", "somebody", A, rest),
                     1603);
    assert_int_equal(visit_post(rig, "otp/generate?fallbackChannel=WHATSAPP", "somebody", A, rest),
                     200);
    assert_int_equal(rig_message_of(rig).channel, CHANNEL_WHATSAPP);
    assert_int_equal(visit_post(rig, "otp/generate?fallbackChannel=EMAIL", "somebody", NONE, rest),
                     1602);
    visit = visit_open(rig, "other", ",\"email\":\"a@example.com\"");
    (void)snprintf(rest, sizeof rest, ",\"email\":\"a@example.com\",\"sessionId\":\"%s\"",
                   visit.id);
    assert_int_equal(visit_post(rig, "otp/generate?fallbackChannel=SMS", "other", "", rest), 1601);
}

static void items_of_a_batch_see_each_other(void **state)
{
    struct rig *rig = *state;
    struct visit visit = visit_open(rig, "somebody", A);
    char item[256];
    (void)snprintf(item, sizeof item,
                   "{\"identifierType\":\"USERNAME\",\"identifierValue\":\"somebody\","
                   "\"brand\":\"DocDemo\",\"deviceId\":\"d\",\"sessionId\":\"%s\"",
                   visit.id);
    rig_set_limit(rig, 2);
    rig_postf(rig, "/auth/v1/otp/generate", "[%s},%s" A "},%s},%s" A "}]", item, item, item, item);
    const char *at = rig->body;
    static const char *const codes[] = {"\"code\":1540", "\"code\":200", "\"code\":200",
                                        "\"code\":1534"};
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        at = strstr(at, codes[i]);
        assert_non_null(at);
        at++;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create_rig, destroy_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_username_logs_in_by_its_number),
        TEST(a_username_logs_in_by_its_email),
        TEST(a_number_goes_before_an_email),
        TEST(a_stranger_gets_nothing_and_pays_nothing),
        TEST(the_first_of_two_to_validate_binds),
        TEST(another_address_is_1541),
        TEST(each_address_has_a_message_of_its_own),
        TEST(who_passes_for_the_owner_is_sent_nothing),
        TEST(an_address_known_need_not_be_named),
        TEST(an_address_that_is_not_known_must_be_named),
        TEST(a_window_is_of_the_number),
        TEST(who_is_refused_leaves_the_window_alone),
        TEST(refusals_come_before_the_limit),
        TEST(a_fallback_channel_is_for_the_same_address),
        TEST(items_of_a_batch_see_each_other),
    };
    return cmocka_run_group_tests_name("api_username", tests, NULL, NULL);
}
