// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A channel with a rotating plan, its source of tokens, and between them and the world a transport
// and a port that do as they are told.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "channel/http_channel.h"
#include "channel/test_recipe_lines.h"

#include <sys/eventfd.h>
#include <unistd.h>

#define BEGIN_MS INT64_C(1790000000000)
#define HOUR_MS INT64_C(3600000)
#define CALLS_MAX 8U

struct call {
    const struct vendor_request *request;
    http_done *on_done;
    void *ctx;
};

struct fixture {
    int64_t now_ms;
    struct outbound *outbound;
    struct recipe *recipe;
    struct channel *channel;
    struct token_source *source;
    struct call calls[CALLS_MAX];
    size_t calls_held;
    struct token_pair stored;
    uint64_t version;
    int fd;
    bool has_event;
    struct token_event event;
    struct token_status status;
    struct message text, otp;
    struct send_request message;
};

struct told {
    unsigned count;
    struct send_result result;
    char words[512];
};

static int64_t wall(void *ctx)
{
    return ((struct fixture *)ctx)->now_ms;
}

static struct mono mono(void *ctx)
{
    return (struct mono){((struct fixture *)ctx)->now_ms};
}

static void on_error(void *ctx, uint32_t line, uint32_t column, const struct err_info *info)
{
    (void)ctx;
    fail_msg("%u:%u: %s", line, column, info->text);
}

static void start(void *transport, struct vendor_request *request, http_done *on_done, void *ctx)
{
    struct fixture *f = transport;
    assert_true(f->calls_held < CALLS_MAX);
    f->calls[f->calls_held++] = (struct call){request, on_done, ctx};
}

static void happen(struct fixture *f, struct token_event event)
{
    assert_false(f->has_event);
    f->event = event;
    f->has_event = true;
    assert_int_equal(eventfd_write(f->fd, 1), 0);
}

static void port_read(void *port)
{
    struct fixture *f = port;
    happen(f, (struct token_event){
                  .kind = TOKEN_EVENT_READ, .pair = f->stored, .version = f->version});
}

static void port_write(void *port, const struct token_pair *pair, uint64_t version)
{
    struct fixture *f = port;
    assert_int_equal(version, f->version + 1);
    f->stored = *pair;
    f->version = version;
    happen(f, (struct token_event){.kind = TOKEN_EVENT_WRITTEN});
}

static bool port_take(void *port, struct token_event *out)
{
    struct fixture *f = port;
    bool has_event = f->has_event;
    eventfd_t rung;
    (void)eventfd_read(f->fd, &rung);
    *out = f->event;
    f->has_event = false;
    return has_event;
}

static void port_tell(void *port, const struct token_status *status)
{
    ((struct fixture *)port)->status = *status;
}

static void make_channel(struct fixture *f)
{
    static const struct span lines =
        SPAN("recipe=x\nchannels=ZALO\nrequest.url=https://example.com/send\nauth.kind=rotating\n"
             "token.url=https://example.com/renew\ntoken.form.r={refreshToken}\ntoken.access=a\n"
             "token.refresh=r\ntoken.seconds=s\ntoken.code=e\ntoken.words=w\ntoken.spentCodes=9\n"
             "token.refreshDays=90\nheaders.token={token}\nform.text={otp}\nreply.acceptedPath=e\n"
             "reply.acceptedValues=0\nreply.code=e\nreply.words=w\ncodes.-124=token_ended");
    struct recipe_field fields[24];
    struct recipe_plan *plan = NULL;
    const struct recipe_complaints complaints = {on_error, NULL};
    const struct http_transport transport = {.start = start, .transport = f};
    size_t count = recipe_lines_split(lines, fields, 24);
    assert_int_equal(recipe_compile(fields, count, &complaints, &f->recipe), ERR_OK);
    assert_int_equal(recipe_bind(f->recipe, NULL, 0, &plan, NULL), ERR_OK);
    assert_int_equal(http_channel_create(&plan, &transport, 4, &f->channel), ERR_OK);
}

static void make_source(struct fixture *f)
{
    const struct token_source_deps deps = {
        .outbound = f->outbound,
        .clock = {wall, mono, f},
        .plan = http_channel_plan(f->channel),
        .transport = {.start = start, .transport = f},
        .port = {f, f->fd, port_read, port_write, port_take, port_tell},
        .name = SPAN("oa"),
    };
    assert_int_equal(token_source_create(&deps, &f->source), ERR_OK);
    http_channel_set_tokens(f->channel, f->source);
}

static void fixture_open(struct fixture *f)
{
    *f = (struct fixture){.now_ms = BEGIN_MS, .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    const struct clock clock = {wall, mono, f};
    assert_int_equal(outbound_create(&clock, 4, &f->outbound), ERR_OK);
    make_channel(f);
    message_init(&f->text);
    message_init(&f->otp);
    message_put(&f->otp, SPAN("012345"));
    f->message = (struct send_request){.kind = CHANNEL_ZALO,
                                       .to = SPAN("84901234567"),
                                       .text = &f->text,
                                       .otp_only = &f->otp,
                                       .deadline_at_ms = 60000};
}

static void fixture_close(struct fixture *f)
{
    token_source_destroy(&f->source);
    token_source_destroy(&f->source);
    f->channel->ops->destroy(f->channel);
    recipe_destroy(&f->recipe);
    outbound_destroy(&f->outbound);
    (void)close(f->fd);
}

static void store_pair(struct fixture *f)
{
    assert_true(token_text_set(&f->stored.access, SPAN("A1")));
    assert_true(token_text_set(&f->stored.refresh, SPAN("R1")));
    f->stored.obtained_at_ms = BEGIN_MS;
    f->stored.access_ends_at_ms = BEGIN_MS + 25 * HOUR_MS;
    f->stored.refresh_ends_at_ms = BEGIN_MS + 90 * 24 * HOUR_MS;
    f->version = 1;
}

// Until nothing is left to be told.
static void drive(struct fixture *f)
{
    for (unsigned i = 0; i < 4; i++)
        outbound_wait(f->outbound, 0);
    assert_false(f->has_event);
}

static void open_ready(struct fixture *f)
{
    fixture_open(f);
    store_pair(f);
    make_source(f);
    drive(f);
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

static void send_one(struct fixture *f, struct told *told)
{
    *told = (struct told){.count = 0};
    struct sending sending = {.request = &f->message, .on_result = on_result, .ctx = told};
    f->channel->ops->send(f->channel, &sending);
}

static void reply(struct fixture *f, size_t index, struct span body)
{
    const struct http_outcome outcome = {.phase = HTTP_REPLIED, .status = 200, .body = body};
    f->calls[index].on_done(f->calls[index].ctx, &outcome);
}

static void assert_call(const struct fixture *f, size_t index, const char *url, struct span body)
{
    assert_true(index < f->calls_held);
    const struct vendor_request *request = f->calls[index].request;
    assert_string_equal((const char *)wire_reveal(&request->url).data, url);
    assert_true(span_eq(wire_reveal(&request->body), body));
}

static void assert_sent_with(const struct fixture *f, size_t index, const char *header)
{
    struct span headers = wire_reveal(&f->calls[index].request->headers);
    struct span rest;
    (void)span_split(headers, '\0', &rest); // the content's type
    assert_true(span_eq(span_split(rest, '\0', &rest), span_of_text(header)));
}

static void assert_result(const struct told *told, enum send_outcome outcome,
                          enum send_reason reason, const char *words)
{
    assert_int_equal(told->count, 1);
    assert_int_equal(told->result.outcome, outcome);
    assert_int_equal(told->result.reason, reason);
    if (!span_eq(told->result.words, span_of_text(words)))
        fail_msg("%.*s", (int)told->result.words.len, (const char *)told->result.words.data);
}

#define ENDED SPAN("{\"e\":-124,\"w\":\"ended\"}")
#define PAIR SPAN("{\"a\":\"A2\",\"r\":\"R2\",\"s\":\"90000\"}")

static void without_a_source_all_is_refused(void **state)
{
    struct fixture f;
    struct told told;
    (void)state;
    fixture_open(&f);
    send_one(&f, &told);
    assert_result(&told, SEND_REFUSED, SEND_AUTH_FAILED,
                  "the access token of this provider is the running server's alone; otpd provider "
                  "tokens show tells how it is");
    fixture_close(&f);
}

static void messages_wait_until_the_pair_is_read(void **state)
{
    struct fixture f;
    struct told told;
    (void)state;
    fixture_open(&f);
    store_pair(&f);
    make_source(&f);
    send_one(&f, &told);
    assert_result(&told, SEND_RETRY, SEND_TOKEN_ENDED, "");
    drive(&f);
    assert_int_equal(f.status.state, TOKEN_STATE_READY);
    send_one(&f, &told);
    assert_sent_with(&f, 0, "token: A1");
    const struct wire *headers = &f.calls[0].request->headers;
    reply(&f, 0, SPAN("{\"e\":0}"));
    assert_result(&told, SEND_ACCEPTED, SEND_REASON_NONE, "");
    assert_null(memmem(headers->hidden.data, HTTP_HEADERS_BYTES_MAX, "token: A1", 9));
    fixture_close(&f);
}

static void without_a_pair_the_command_is_named(void **state)
{
    struct fixture f;
    struct told told;
    (void)state;
    fixture_open(&f);
    make_source(&f);
    drive(&f);
    send_one(&f, &told);
    assert_result(&told, SEND_REFUSED, SEND_AUTH_FAILED,
                  "there is no refresh token yet; get one and: otpd provider tokens set");
    assert_int_equal(f.status.state, TOKEN_STATE_NONE);
    assert_true(f.status.needs_person);
    fixture_close(&f);
}

static void two_refused_messages_are_one_renewal(void **state)
{
    struct fixture f;
    struct told told[3];
    (void)state;
    open_ready(&f);
    send_one(&f, &told[0]);
    send_one(&f, &told[1]);
    reply(&f, 0, ENDED);
    reply(&f, 1, ENDED);
    assert_result(&told[0], SEND_RETRY, SEND_TOKEN_ENDED, "HTTP 200, -124: ended");
    assert_result(&told[1], SEND_RETRY, SEND_TOKEN_ENDED, "HTTP 200, -124: ended");
    drive(&f);
    assert_int_equal(f.calls_held, 3);
    assert_call(&f, 2, "https://example.com/renew", SPAN("r=R1"));
    assert_int_equal(f.status.state, TOKEN_STATE_RENEWING);
    send_one(&f, &told[2]);
    assert_result(&told[2], SEND_RETRY, SEND_TOKEN_ENDED, "");
    reply(&f, 2, PAIR);
    drive(&f);
    assert_int_equal(f.version, 2);
    assert_int_equal(f.status.state, TOKEN_STATE_READY);
    send_one(&f, &told[2]);
    assert_sent_with(&f, 3, "token: A2");
    reply(&f, 3, ENDED);
    assert_result(&told[2], SEND_REFUSED, SEND_AUTH_FAILED, "HTTP 200, -124: ended");
    drive(&f);
    assert_int_equal(f.calls_held, 4);
    fixture_close(&f);
}

static void the_alarm_renews_before_the_end(void **state)
{
    struct fixture f;
    (void)state;
    open_ready(&f);
    f.now_ms = f.stored.access_ends_at_ms - TOKEN_EARLY_MS - 1;
    drive(&f);
    assert_int_equal(f.calls_held, 0);
    f.now_ms += 30000;
    drive(&f);
    assert_int_equal(f.calls_held, 1);
    reply(&f, 0, PAIR);
    drive(&f);
    assert_int_equal(f.status.access_ends_at_ms, f.now_ms + 25 * HOUR_MS);
    fixture_close(&f);
}

static void a_spent_token_is_told_in_the_provider_s_words(void **state)
{
    struct fixture f;
    struct told told;
    (void)state;
    open_ready(&f);
    f.now_ms = f.stored.access_ends_at_ms;
    drive(&f);
    reply(&f, 0, SPAN("{\"e\":9,\"w\":\"R1 was used\"}"));
    drive(&f);
    assert_int_equal(f.status.state, TOKEN_STATE_SPENT);
    assert_true(
        span_eq(span_make(f.status.words, f.status.words_len), SPAN("HTTP 200, 9: *** was used")));
    send_one(&f, &told);
    assert_int_equal(told.result.reason, SEND_AUTH_FAILED);
    assert_non_null(strstr(told.words, "otpd provider tokens set; the provider said: HTTP 200, 9"));
    fixture_close(&f);
}

static void a_renewal_that_is_cut_is_no_end(void **state)
{
    struct fixture f;
    (void)state;
    open_ready(&f);
    f.now_ms = f.stored.access_ends_at_ms;
    drive(&f);
    f.calls[0].on_done(f.calls[0].ctx,
                       &(struct http_outcome){.phase = HTTP_SENT, .failure = "cut"});
    drive(&f);
    assert_int_equal(f.status.state, TOKEN_STATE_RENEWING);
    f.now_ms += TOKEN_RETRY_FIRST_MS;
    drive(&f);
    assert_call(&f, 1, "https://example.com/renew", SPAN("r=R1"));
    reply(&f, 1, PAIR);
    drive(&f);
    assert_int_equal(f.status.state, TOKEN_STATE_READY);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_source_all_is_refused),
        cmocka_unit_test(messages_wait_until_the_pair_is_read),
        cmocka_unit_test(without_a_pair_the_command_is_named),
        cmocka_unit_test(two_refused_messages_are_one_renewal),
        cmocka_unit_test(the_alarm_renews_before_the_end),
        cmocka_unit_test(a_spent_token_is_told_in_the_provider_s_words),
        cmocka_unit_test(a_renewal_that_is_cut_is_no_end),
    };
    return cmocka_run_group_tests_name("channel/token_source", tests, NULL, NULL);
}
