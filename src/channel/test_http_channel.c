// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "channel/http_channel.h"
#include "channel/test_recipe_lines.h"

// A transport that keeps what it is given, and tells what it is told to tell.
struct fake {
    struct vendor_request *requests[4];
    http_done *on_done[4];
    void *ctx[4];
    size_t count;
    unsigned gone, let_off;
};

struct told {
    unsigned count;
    struct send_result result;
    uint8_t words[RECIPE_WORDS_BYTES_MAX];
};

static void fake_start(void *transport, struct vendor_request *request, http_done *on_done,
                       void *ctx)
{
    struct fake *fake = transport;
    assert_true(fake->count < 4);
    fake->requests[fake->count] = request;
    fake->on_done[fake->count] = on_done;
    fake->ctx[fake->count++] = ctx;
}

static void fake_go(void *transport, struct vendor_request *request, bool is_wanted)
{
    struct fake *fake = transport;
    (void)request;
    fake->gone += is_wanted;
    fake->let_off += !is_wanted;
}

static void on_error(void *ctx, uint32_t line, uint32_t column, const struct err_info *info)
{
    (void)ctx;
    fail_msg("%u:%u: %s", line, column, info->text);
}

static void on_result(void *ctx, const struct send_result *result)
{
    struct told *told = ctx;
    told->count++;
    told->result = *result;
    struct strbuf words = strbuf_over(told->words, sizeof told->words);
    strbuf_put(&words, result->words);
    told->result.words = strbuf_span(&words);
}

struct fixture {
    struct fake fake;
    struct recipe *recipe;
    struct channel *channel;
    struct message text, otp;
    struct send_request message;
};

static void fixture_open(struct fixture *f)
{
    struct recipe_field fields[16];
    struct recipe_plan *plan = NULL;
    const struct recipe_complaints complaints = {on_error, NULL};
    static const struct span lines =
        SPAN("recipe=x\nchannels=SMS\nrequest.url=https://example.com/{to}\n"
             "request.textBytesMax=64\nform.text={text}");
    *f = (struct fixture){0};
    size_t count = recipe_lines_split(lines, fields, 16);
    assert_int_equal(recipe_compile(fields, count, &complaints, &f->recipe), ERR_OK);
    assert_int_equal(recipe_bind(f->recipe, NULL, 0, &plan, NULL), ERR_OK);
    const struct http_transport transport = {fake_start, fake_go, &f->fake};
    assert_int_equal(http_channel_create(&plan, &transport, 2, &f->channel), ERR_OK);
    assert_null(plan);
    message_init(&f->text);
    message_init(&f->otp);
    message_put(&f->text, SPAN("012345"));
    message_put(&f->otp, SPAN("012345"));
    f->message = (struct send_request){.kind = CHANNEL_SMS,
                                       .to = SPAN("12025550147"),
                                       .text = &f->text,
                                       .otp_only = &f->otp,
                                       .deadline_at_ms = 60000};
}

static void fixture_close(struct fixture *f)
{
    f->channel->ops->destroy(f->channel);
    recipe_destroy(&f->recipe);
}

static void send_one(struct fixture *f, struct told *told)
{
    struct sending sending = {.request = &f->message, .on_result = on_result, .ctx = told};
    f->channel->ops->send(f->channel, &sending);
}

static void end(struct fake *fake, size_t index, const struct http_outcome *outcome)
{
    fake->on_done[index](fake->ctx[index], outcome);
}

static void request_goes_out_and_its_outcome_comes_back(void **state)
{
    struct fixture f;
    struct told told = {0};
    (void)state;
    fixture_open(&f);
    send_one(&f, &told);
    assert_int_equal(f.fake.count, 1);
    assert_int_equal(told.count, 0);
    assert_string_equal((const char *)wire_reveal(&f.fake.requests[0]->url).data,
                        "https://example.com/%2B12025550147");
    assert_true(span_eq(wire_reveal(&f.fake.requests[0]->body), SPAN("text=012345")));
    const struct wire *body = &f.fake.requests[0]->body;
    end(&f.fake, 0, &(struct http_outcome){.phase = HTTP_REPLIED, .status = 200});
    assert_int_equal(told.count, 1);
    assert_int_equal(told.result.outcome, SEND_ACCEPTED);
    // The code is gone as soon as the outcome is known.
    assert_null(memmem(body->hidden.data, HTTP_BODY_BYTES_MAX, "012345", 6));
    fixture_close(&f);
}

static void nothing_waits_beyond_its_code_s_end(void **state)
{
    static const struct {
        int64_t deadline_at_ms, wait_ms;
    } rows[] = {{60000, 20000}, {1500, 1500}, {0, 0}, {-5, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        struct told told = {0};
        fixture_open(&f);
        f.message.deadline_at_ms = rows[i].deadline_at_ms;
        send_one(&f, &told);
        assert_int_equal(f.fake.requests[0]->wait_ms, rows[i].wait_ms);
        end(&f.fake, 0, &(struct http_outcome){.phase = HTTP_NOT_SENT, .failure = "cut"});
        fixture_close(&f);
    }
}

struct failure_case {
    enum http_phase phase;
    enum send_outcome outcome;
};

static void failures_are_told_apart_by_how_far_it_came(void **state)
{
    static const struct failure_case cases[] = {
        {HTTP_NOT_SENT, SEND_RETRY},
        {HTTP_SENT, SEND_UNKNOWN},
    };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        struct told told = {0};
        fixture_open(&f);
        send_one(&f, &told);
        end(&f.fake, 0,
            &(struct http_outcome){.phase = cases[i].phase, .failure = "it broke 012345"});
        assert_int_equal(told.result.outcome, cases[i].outcome);
        assert_int_equal(told.result.reason, SEND_VENDOR_DOWN);
        assert_true(span_eq(told.result.words, SPAN("it broke ***")));
        fixture_close(&f);
    }
}

static void more_than_may_be_on_their_way_wait(void **state)
{
    struct fixture f;
    struct told told[3] = {0};
    const struct http_outcome good = {.phase = HTTP_REPLIED, .status = 200};
    (void)state;
    fixture_open(&f);
    for (size_t i = 0; i < 3; i++)
        send_one(&f, &told[i]);
    assert_int_equal(f.fake.count, 2);
    assert_int_equal(told[2].result.outcome, SEND_RETRY);
    assert_int_equal(told[2].result.reason, SEND_THROTTLED);
    end(&f.fake, 1, &good);
    send_one(&f, &told[2]);
    assert_int_equal(f.fake.count, 3);
    end(&f.fake, 0, &good);
    end(&f.fake, 2, &good);
    assert_int_equal(told[0].count + told[1].count, 2);
    fixture_close(&f);
}

// Of a running server they may be: a probe then waits its turn like a message.
static void probe_among_too_many_messages_is_told_to_wait(void **state)
{
    struct fixture f;
    struct told told[3] = {0};
    const struct http_outcome good = {.phase = HTTP_REPLIED, .status = 200};
    (void)state;
    fixture_open(&f);
    for (size_t i = 0; i < 2; i++)
        send_one(&f, &told[i]);
    http_channel_probe(f.channel, 1, 90000, on_result, &told[2]);
    assert_int_equal(f.fake.count, 2);
    assert_int_equal(told[2].count, 1);
    assert_int_equal(told[2].result.reason, SEND_THROTTLED);
    end(&f.fake, 0, &good);
    http_channel_probe(f.channel, 2, 90000, on_result, &told[2]);
    assert_int_equal(f.fake.count, 3);
    assert_true(f.fake.requests[2]->is_probe); // the recipe has no question
    assert_false(http_channel_can_ask(f.channel));
    end(&f.fake, 2, &(struct http_outcome){.phase = HTTP_CONNECTED});
    assert_int_equal(told[2].count, 2);
    assert_int_equal(told[2].result.outcome, SEND_ACCEPTED);
    end(&f.fake, 1, &good);
    fixture_close(&f);
}

static void too_long_a_text_is_refused_before_it_leaves(void **state)
{
    struct fixture f;
    struct told told = {0};
    (void)state;
    fixture_open(&f);
    for (size_t i = 0; i < 64; i++)
        message_put(&f.text, SPAN("x"));
    send_one(&f, &told);
    assert_int_equal(f.fake.count, 0);
    assert_int_equal(told.result.outcome, SEND_REFUSED);
    assert_int_equal(told.result.reason, SEND_TEMPLATE_PARAMS);
    assert_true(span_eq(told.result.words,
                        SPAN("the text is longer than the 64 bytes that the provider takes")));
    fixture_close(&f);
}

struct waiter {
    struct sending sending; // first
    unsigned ready;
};

static void on_ready(struct sending *sending)
{
    ((struct waiter *)sending)->ready++;
}

static void wait_with(struct fixture *f, struct waiter *waiter, struct told *told)
{
    const struct sending sending = {
        .request = &f->message, .on_ready = on_ready, .on_result = on_result, .ctx = told};
    *waiter = (struct waiter){.sending = sending};
    f->channel->ops->send(f->channel, &waiter->sending);
}

static void be_ready(const struct fake *fake, size_t index)
{
    fake->requests[index]->on_ready(fake->ctx[index]);
}

// Until then there is no more in it than where it leads to.
static void request_is_written_when_it_may_go(void **state)
{
    struct fixture f;
    struct waiter waiter;
    struct told told = {0};
    (void)state;
    fixture_open(&f);
    wait_with(&f, &waiter, &told);
    const struct vendor_request *request = f.fake.requests[0];
    assert_string_equal((const char *)wire_reveal(&request->url).data, "https://example.com/");
    assert_int_equal(wire_reveal(&request->body).len, 0);
    assert_int_equal(waiter.ready, 0);
    be_ready(&f.fake, 0);
    assert_int_equal(waiter.ready, 1);
    assert_int_equal(wire_reveal(&request->body).len, 0);
    f.channel->ops->go(f.channel, &waiter.sending, true);
    assert_int_equal(f.fake.gone, 1);
    assert_string_equal((const char *)wire_reveal(&request->url).data,
                        "https://example.com/%2B12025550147");
    assert_true(span_eq(wire_reveal(&request->body), SPAN("text=012345")));
    end(&f.fake, 0, &(struct http_outcome){.phase = HTTP_REPLIED, .status = 200});
    assert_int_equal(told.result.outcome, SEND_ACCEPTED);
    assert_int_equal(told.count, 1);
    fixture_close(&f);
}

static void what_is_not_wanted_is_over_without_a_result(void **state)
{
    struct fixture f;
    struct waiter waiter;
    struct told told = {0};
    (void)state;
    fixture_open(&f);
    for (unsigned i = 1; i <= 3; i++) { // there is room for two
        wait_with(&f, &waiter, &told);
        be_ready(&f.fake, i - 1);
        f.channel->ops->go(f.channel, &waiter.sending, false);
        assert_int_equal(f.fake.let_off, i);
    }
    assert_int_equal(told.count + f.fake.gone, 0);
    fixture_close(&f);
}

static void what_cannot_be_written_lets_its_connection_off(void **state)
{
    struct fixture f;
    struct waiter waiter;
    struct told told = {0};
    (void)state;
    fixture_open(&f);
    wait_with(&f, &waiter, &told);
    be_ready(&f.fake, 0);
    for (size_t i = 0; i < 64; i++)
        message_put(&f.text, SPAN("x"));
    f.channel->ops->go(f.channel, &waiter.sending, true);
    assert_int_equal(f.fake.let_off, 1);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.result.outcome, SEND_REFUSED);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_goes_out_and_its_outcome_comes_back),
        cmocka_unit_test(nothing_waits_beyond_its_code_s_end),
        cmocka_unit_test(failures_are_told_apart_by_how_far_it_came),
        cmocka_unit_test(more_than_may_be_on_their_way_wait),
        cmocka_unit_test(probe_among_too_many_messages_is_told_to_wait),
        cmocka_unit_test(too_long_a_text_is_refused_before_it_leaves),
        cmocka_unit_test(request_is_written_when_it_may_go),
        cmocka_unit_test(what_is_not_wanted_is_over_without_a_result),
        cmocka_unit_test(what_cannot_be_written_lets_its_connection_off),
    };
    return cmocka_run_group_tests_name("channel/http_channel", tests, NULL, NULL);
}
