// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "crypto/pure/message.h"
#include "crypto/pure/test_help.h"

static void parts_follow_each_other(void **state)
{
    (void)state;
    struct message message;
    message_init(&message);
    assert_true(span_is_empty(message_reveal(&message)));
    message_put(&message, SPAN("Valid for "));
    message_put_u64(&message, 0);
    message_put(&message, SPAN(" or "));
    message_put_u64(&message, UINT64_MAX);
    message_put(&message, SPAN(""));
    message_put(&message, SPAN(" minutes"));
    assert_true(
        span_eq(message_reveal(&message), SPAN("Valid for 0 or 18446744073709551615 minutes")));
}

static void a_full_message_is_whole(void **state)
{
    (void)state;
    const uint8_t text[MESSAGE_TEXT_BYTES_MAX] = {0};
    struct message message;
    message_init(&message);
    message_put(&message, span_make(text, sizeof text));
    assert_false(message.is_overflowed);
    assert_int_equal(message_reveal(&message).len, MESSAGE_TEXT_BYTES_MAX);
    message_put(&message, SPAN(""));
    assert_false(message.is_overflowed);
}

static struct message overflowed(void)
{
    const uint8_t text[MESSAGE_TEXT_BYTES_MAX - 1] = {0};
    struct message message;
    message_init(&message);
    message_put(&message, span_make(text, sizeof text));
    message_put(&message, SPAN("ab"));
    return message;
}

static void nothing_follows_what_did_not_fit(void **state)
{
    (void)state;
    struct message message = overflowed();
    assert_true(message.is_overflowed);
    message_put(&message, SPAN("c"));
    message_put_u64(&message, 7);
    assert_true(message.is_overflowed);
    assert_int_equal(message.len, MESSAGE_TEXT_BYTES_MAX - 1);
}

static void reveal_a_cut_message(void)
{
    struct message message = overflowed();
    (void)message_reveal(&message);
}

static void a_cut_message_is_never_read(void **state)
{
    (void)state;
    assert_true(is_fatal(reveal_a_cut_message));
}

static void a_wiped_message_is_gone_and_can_be_used_again(void **state)
{
    (void)state;
    struct message message;
    message_init(&message);
    message_put(&message, SPAN("code 008516"));
    message_wipe(&message);
    assert_int_equal(message.len, 0);
    for (size_t i = 0; i < 11; i++)
        assert_int_equal(message.bytes[i], 0);
    message_put(&message, SPAN("x"));
    assert_true(span_eq(message_reveal(&message), SPAN("x")));
    message = overflowed();
    message_wipe(&message);
    assert_false(message.is_overflowed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_follow_each_other),
        cmocka_unit_test(a_full_message_is_whole),
        cmocka_unit_test(nothing_follows_what_did_not_fit),
        cmocka_unit_test(a_cut_message_is_never_read),
        cmocka_unit_test(a_wiped_message_is_gone_and_can_be_used_again),
    };
    return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
