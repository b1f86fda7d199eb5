// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "channel/capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct seen {
    unsigned messages;
    unsigned results;
    char line[256];
};

static void keep(void *ctx, const struct captured_message *message)
{
    struct seen *seen = ctx;
    seen->messages++;
    assert_int_equal(seen->results + 1, seen->messages); // shown before it counts as sent
    (void)snprintf(seen->line, sizeof seen->line, "%.*s|%.*s|%.*s|%.*s|%.*s|%lld",
                   (int)message->kind.len, (const char *)message->kind.data,
                   (int)message->brand.len, (const char *)message->brand.data, (int)message->to.len,
                   (const char *)message->to.data, (int)message->text.len,
                   (const char *)message->text.data, (int)message->otp.len,
                   (const char *)message->otp.data, (long long)message->sent_at_ms);
}

static void count_result(void *ctx, const struct send_result *result)
{
    struct seen *seen = ctx;
    assert_int_equal(result->outcome, SEND_ACCEPTED);
    seen->results++;
}

static void every_kind_is_shown_and_accepted(void **state)
{
    static const char *const kinds[] = {"SMS", "WHATSAPP", "ZALO", "EMAIL"};
    struct seen seen = {0};
    struct channel *channel = NULL;
    struct message text;
    struct message otp;
    (void)state;
    message_init(&text);
    message_put(&text, SPAN("123456 is your code"));
    message_init(&otp);
    message_put(&otp, SPAN("123456"));
    assert_int_equal(capture_create(&(struct capture_sink){keep, &seen}, &channel), ERR_OK);
    for (enum channel_kind kind = CHANNEL_SMS; kind < CHANNEL_COUNT_; kind++) {
        char expected[128];
        const struct send_request request = {.id = 1,
                                             .kind = kind,
                                             .brand = SPAN("DocDemo"),
                                             .to = SPAN("919999999993"),
                                             .text = &text,
                                             .otp_only = &otp,
                                             .sent_at_ms = 1760000000000};
        struct sending sending = {.request = &request, .on_result = count_result, .ctx = &seen};
        channel->ops->send(channel, &sending);
        assert_int_equal(seen.results, kind + 1);
        (void)snprintf(expected, sizeof expected,
                       "%s|DocDemo|919999999993|123456 is your code|123456|1760000000000",
                       kinds[kind]);
        assert_string_equal(seen.line, expected);
        assert_string_equal(channel_name(kind), kinds[kind]);
    }
    channel->ops->destroy(channel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_shown_and_accepted),
    };
    return cmocka_run_group_tests_name("channel/capture", tests, NULL, NULL);
}
