// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The calls about messages and people, beside the API that makes them, on one connection.
#include "admin/outbox_http.h"

#include "rig/rig.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define PERSON "\"identifierType\":\"MOBILE\",\"identifierValue\":\"919999999993\",\"brand\":\"%s\""
#define LOG_BYTES_MAX 16384U

struct fixture {
    struct rig *rig;
    struct outbox_http http;
    struct http_route routes[API_ROUTES + OUTBOX_ROUTES_COUNT];
    int log[2];
    char log_text[LOG_BYTES_MAX];
    char session[SESSION_ID_TEXT_BYTES + 1];
    char otp[CODE_DIGITS_MAX + 1]; // of the latest message that was taken
};

static int64_t rig_wall(void *ctx)
{
    return ((struct rig *)ctx)->now_ms;
}

static struct mono rig_clock(void *ctx)
{
    return (struct mono){((struct rig *)ctx)->now_ms - RIG_START_MS};
}

static void make_log(struct fixture *f)
{
    assert_int_equal(pipe(f->log), 0);
    const struct logger_options options = {
        .descriptor = f->log[1],
        .format = LOG_FORMAT_JSON,
        .least = LOG_INFO,
        .clock = {rig_wall, rig_clock, f->rig},
    };
    assert_int_equal(logger_create(&options, &f->http.log), ERR_OK);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->rig = rig_create_for(1000);
    make_log(f);
    f->http.history = (struct history){
        .store = f->rig->store, .keyring = f->rig->keyring, .routes = f->rig->ways};
    f->http.brands = f->rig->brands;
    memcpy(f->routes, f->rig->routes, sizeof f->rig->routes);
    outbox_routes(&f->http, f->routes + API_ROUTES);
    f->rig->router.routes = f->routes;
    f->rig->router.count = COUNT_OF(f->routes);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    rig_destroy(f->rig);
    logger_destroy(&f->http.log);
    (void)close(f->log[0]);
    (void)close(f->log[1]);
    free(f);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

// --- asking ------------------------------------------------------------------------------------

static const char *get(struct fixture *f, const char *path)
{
    char request[512];
    int len = snprintf(request, sizeof request,
                       "GET /admin/v1/%s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    rig_send(f->rig, request, (size_t)len);
    return f->rig->body;
}

static const char *post(struct fixture *f, const char *path, const char *body)
{
    char whole[64];
    (void)snprintf(whole, sizeof whole, "/admin/v1/%s", path);
    rig_post(f->rig, whole, "Content-Type: application/json\r\n", body);
    return f->rig->body;
}

static const char *explain(struct fixture *f, const char *who)
{
    char body[512];
    (void)snprintf(body, sizeof body, "{\"who\":\"%s\"}", who);
    return post(f, "explain", body);
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("%s is not in %s", part, text);
}

static void assert_has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("%s is in %s", part, text);
}

// --- people and their messages -----------------------------------------------------------------

static void open_session(struct fixture *f, const char *brand)
{
    rig_postf(f->rig, "/auth/v1/web/token/generate", "{" PERSON "}", brand);
    rig_session_id(f->rig, f->session);
}

static int generate_in(struct fixture *f, const char *brand)
{
    rig_postf(f->rig, "/auth/v1/web/otp/generate", "{" PERSON ",\"sessionId\":\"%s\"}", brand,
              f->session);
    return f->rig->status == 200 ? rig_code(f->rig) : f->rig->status;
}

static int validate(struct fixture *f, const char *otp)
{
    rig_postf(f->rig, "/auth/v1/web/otp/validate",
              "{" PERSON ",\"sessionId\":\"%s\",\"otp\":\"%s\"}", "DocDemo", f->session, otp);
    return f->rig->status == 200 ? rig_code(f->rig) : f->rig->status;
}

// A message to 919999999993 that waits.
static void promise(struct fixture *f)
{
    open_session(f, "DocDemo");
    assert_int_equal(generate_in(f, "DocDemo"), 200);
}

struct change {
    struct delivery_op op;
    struct delivery delivery;
};

static void apply_change(struct delivery_op *op, const struct outbox_entry *entry,
                         const struct record *record, struct delivery *delivery, int64_t now_ms)
{
    (void)entry;
    (void)record;
    (void)now_ms;
    *delivery = ((struct change *)(void *)op)->delivery;
    op->is_changed = true;
}

static void assert_changed(struct delivery_op *op, enum store_outcome outcome)
{
    assert_true(op->is_found);
    assert_int_equal(outcome, STORE_COMMITTED);
}

// One try with that end, 300 ms long, and the entry is over.
static void end_as(struct fixture *f, uint64_t handle, enum delivery_state ended,
                   enum send_reason reason)
{
    struct change change = {
        .op = {.handle = handle, .transition = apply_change, .done = assert_changed},
        .delivery = {.state = (uint8_t)ended,
                     .tries = 1,
                     .attempts_held = 1,
                     .provider = routes_tag(f->rig->ways, 0),
                     .due_at_ms = STORE_NEVER,
                     .words_len = 4,
                     .words = "\"no\xFF"},
    };
    change.delivery.attempts[0] = (struct attempt){
        .provider = routes_tag(f->rig->ways, 0),
        .state = (uint8_t)ended,
        .reason = (uint8_t)reason,
        .at_ms = f->rig->now_ms,
        .answered_after_ms = 300,
    };
    store_deliver(f->rig->store, &change.op);
}

static void take(struct fixture *f)
{
    struct rig_message message;
    assert_true(rig_take_message(f->rig, &message));
    memcpy(f->otp, message.otp, sizeof f->otp);
}

static void limit_sends(struct fixture *f, const char *brand, uint32_t max, uint32_t minutes)
{
    struct brand_settings settings;
    brand_settings_init(&settings);
    settings.otp_max_count = max;
    settings.otp_time_out_minutes = minutes;
    rig_put_brand(f->rig, brand, &settings);
}

// --- lists -------------------------------------------------------------------------------------

#define NOW "\"2026-09-21T14:13:20.000Z\""
#define CODE_END "\"2026-09-21T14:33:20.000Z\""

static void a_message_as_json(void **state)
{
    struct fixture *f = *state;
    promise(f);
    assert_string_equal(
        get(f, "outbox"),
        "{\"now\":" NOW ",\"messages\":[{\"handle\":1,\"brand\":\"DocDemo\",\"channel\":\"SMS\","
        "\"to\":\"+91•••••993\",\"state\":\"queued\",\"what\":\"it waits to be sent\","
        "\"isOpen\":true,\"createdAt\":" NOW ",\"dueAt\":" NOW ",\"codeEndsAt\":" CODE_END
        ",\"tries\":0,\"provider\":\"texts\",\"words\":null,\"reference\":null,"
        "\"attempts\":[]}],\"next\":null}");
    end_as(f, 1, DELIVERY_FAILED, SEND_QUOTA);
    assert_string_equal(
        get(f, "outbox/message?handle=1"),
        "{\"now\":" NOW ",\"message\":{\"handle\":1,\"brand\":\"DocDemo\",\"channel\":\"SMS\","
        "\"to\":\"+91•••••993\",\"state\":\"failed\",\"what\":\"nobody took it\","
        "\"isOpen\":false,\"createdAt\":" NOW ",\"dueAt\":null,\"codeEndsAt\":" CODE_END
        ",\"tries\":1,\"provider\":\"texts\",\"words\":\"\\\"no?\",\"reference\":null,"
        "\"attempts\":[{\"provider\":\"texts\",\"at\":" NOW ",\"state\":\"failed\","
        "\"reason\":\"quota_or_balance\",\"sentence\":\"the account has no money or quota left\","
        "\"advice\":\"top up the account at the provider\",\"answeredAfterMs\":300,"
        "\"reportedAfterMs\":null}]}}");
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
        count++;
    return count;
}

static void what_was_taken_is_only_in_the_whole_list(void **state)
{
    struct fixture *f = *state;
    promise(f);
    promise(f);
    promise(f);
    end_as(f, 1, DELIVERY_ACCEPTED, SEND_REASON_NONE);
    end_as(f, 2, DELIVERY_UNKNOWN, SEND_VENDOR_DOWN);
    const char *troubled = get(f, "outbox");
    assert_int_equal(count_of(troubled, "\"handle\":"), 2);
    assert_has_not(troubled, "\"handle\":1,");
    assert_int_equal(count_of(get(f, "outbox?all=true"), "\"handle\":"), 3);
}

static void a_list_comes_in_pages(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 5; i++)
        promise(f);
    const char *page = get(f, "outbox?limit=2");
    assert_has(page, "\"handle\":1,");
    assert_has(page, "\"handle\":2,");
    assert_int_equal(count_of(page, "\"handle\":"), 2);
    assert_has(page, "\"next\":2}");
    page = get(f, "outbox?limit=2&after=3");
    assert_has(page, "\"handle\":4,");
    assert_has(page, "\"handle\":5,");
    assert_has(page, "\"next\":null}");
    assert_has(get(f, "outbox?after=5"), "\"messages\":[],\"next\":null}");
}

static void a_list_may_be_of_one_brand(void **state)
{
    struct fixture *f = *state;
    limit_sends(f, "Shop", 0, 0);
    promise(f);
    open_session(f, "Shop");
    assert_int_equal(generate_in(f, "Shop"), 200);
    const char *list = get(f, "outbox?brand=shop&limit=1");
    assert_has(list, "\"brand\":\"Shop\"");
    assert_has_not(list, "DocDemo");
    assert_has(list, "\"next\":null}");
}

static void what_cannot_be_asked(void **state)
{
    static const struct {
        const char *path;
        int status;
        const char *detail;
    } rows[] = {
        {"outbox?limit=101", 400, "limit: a number of 1 to 100 is wanted"},
        {"outbox?limit=0", 400, "limit: a number"},
        {"outbox?after=x", 400, "after: a number"},
        {"outbox?brand=Nobody", 404, "there is no brand \\\"Nobody\\\""},
        {"outbox/message", 404, "there is no such message"},
        {"outbox/message?handle=1", 404, "there is no such message"},
        {"outbox/message?handle=-1", 400, "handle: a number"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *answer = get(f, rows[i].path);
        assert_row_equal(rows[i].path, f->rig->status, rows[i].status);
        assert_has(answer, rows[i].detail);
    }
}

// --- retry and drop ----------------------------------------------------------------------------

static void nobody_took_it_and_it_is_tried_again_once(void **state)
{
    struct fixture *f = *state;
    promise(f);
    end_as(f, 1, DELIVERY_FAILED, SEND_QUOTA);
    assert_string_equal(post(f, "outbox/retry", "{\"handles\":[1,2]}"),
                        "{\"results\":[{\"handle\":1,\"isDone\":true,\"why\":null},"
                        "{\"handle\":2,\"isDone\":false,\"why\":\"there is no such message; they "
                        "are kept for a day\"}]}");
    assert_has(post(f, "outbox/retry", "{\"handles\":[1]}"), "it is not over yet");
    take(f);
    assert_int_equal(store_entries(f->rig->store), 0);
    assert_has(post(f, "outbox/retry", "{\"handles\":[1]}"), "a provider has taken it already");
    assert_int_equal(validate(f, f->otp), 200);
}

static void why_it_is_not_tried_again(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++)
        promise(f);
    end_as(f, 1, DELIVERY_DELIVERED, SEND_REASON_NONE);
    end_as(f, 2, DELIVERY_FAILED, SEND_QUOTA);
    take(f); // number 3
    assert_has(post(f, "outbox/retry", "{\"handles\":[1]}"), "it was delivered already");
    f->rig->now_ms += 20 * 60000;
    assert_has(post(f, "outbox/retry", "{\"handles\":[2]}"), "its code has ended");
}

static void a_used_code_is_not_sent_again(void **state)
{
    struct fixture *f = *state;
    promise(f);
    take(f);
    end_as(f, 1, DELIVERY_FAILED, SEND_QUOTA); // as a receipt may say
    assert_int_equal(validate(f, f->otp), 200);
    assert_has(post(f, "outbox/retry", "{\"handles\":[1]}"), "its code was used or replaced");
}

static void what_is_dropped_is_not_sent(void **state)
{
    struct fixture *f = *state;
    struct rig_message message;
    promise(f);
    assert_has(post(f, "outbox/drop", "{\"handles\":[1]}"), "\"isDone\":true");
    assert_false(rig_take_message(f->rig, &message));
    assert_has(post(f, "outbox/drop", "{\"handles\":[1]}"), "it is over already");
    assert_has(get(f, "outbox"), "\"state\":\"dropped\"");
}

static void orders_that_are_none(void **state)
{
    static const char *const bodies[] = {
        "{}",
        "{\"handles\":[]}",
        "{\"handles\":[0]}",
        "{\"handles\":[\"1\"]}",
        "{\"handles\":1}",
        "{\"handles\":[1,-1]}",
    };
    struct fixture *f = *state;
    promise(f);
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        assert_has(post(f, "outbox/drop", bodies[i]), "a list of 1 to 128 numbers");
        assert_row_equal(bodies[i], f->rig->status, 422);
    }
    (void)post(f, "outbox/drop", "{\"handle\":[1]}");
    assert_int_equal(f->rig->status, 400);
    assert_has(get(f, "outbox"), "\"state\":\"queued\"");
}

static void a_store_that_fails_says_so(void **state)
{
    struct fixture *f = *state;
    promise(f);
    f->rig->fault = MEMORY_FAULT_FAILURE;
    assert_has(post(f, "outbox/drop", "{\"handles\":[1]}"), "the store failed");
    f->rig->fault = MEMORY_FAULT_FAILURE;
    (void)explain(f, "919999999993");
    assert_int_equal(f->rig->status, 503);
}

// --- people ------------------------------------------------------------------------------------

static void a_person_as_json(void **state)
{
    struct fixture *f = *state;
    limit_sends(f, "DocDemo", 1, 10);
    promise(f);
    end_as(f, 1, DELIVERY_ACCEPTED, SEND_REASON_NONE);
    f->rig->now_ms += 60000;
    assert_int_equal(validate(f, "000000"), 1506);
    assert_string_equal(
        explain(f, "+91 99999 99993"),
        "{\"now\":\"2026-09-21T14:14:20.000Z\",\"asked\":\"+91•••••993\",\"session\":null,"
        "\"people\":[{\"brand\":\"DocDemo\",\"kind\":\"MOBILE\",\"who\":\"+91•••••993\","
        "\"to\":null,\"sends\":{\"used\":1,\"most\":1,\"windowMinutes\":10,"
        "\"freeAt\":\"2026-09-21T14:23:20.000Z\"},\"failures\":{\"count\":1,\"most\":100,"
        "\"lockedUntil\":null,\"mayOwnDeviceTry\":false},\"codes\":[{\"channel\":\"SMS\","
        "\"endsAt\":" CODE_END ",\"isOver\":false,\"triesLeft\":4}],\"messages\":[{\"handle\":1,"
        "\"brand\":\"DocDemo\",\"channel\":\"SMS\",\"to\":\"+91•••••993\","
        "\"state\":\"accepted\",\"what\":\"a provider took it, and has not said that it "
        "arrived\",\"isOpen\":false,\"createdAt\":" NOW ",\"dueAt\":null,\"codeEndsAt\":" CODE_END
        ",\"tries\":1,\"provider\":\"texts\",\"words\":\"\\\"no?\",\"reference\":null,"
        "\"attempts\":[{\"provider\":\"texts\",\"at\":" NOW ",\"state\":\"accepted\","
        "\"reason\":null,\"sentence\":null,\"advice\":null,\"answeredAfterMs\":300,"
        "\"reportedAfterMs\":null}],\"route\":[\"texts\"]}],\"leftOut\":0,"
        "\"conclusion\":\"texts took it after 300 ms and has not reported that it arrived; the "
        "limit "
        "of sends is reached\"}],\"conclusion\":null}");
}

static void nobody_knows(void **state)
{
    struct fixture *f = *state;
    assert_has(explain(f, "919999999993"),
               "\"asked\":\"+91•••••993\",\"session\":null,\"people\":[],"
               "\"conclusion\":\"nobody of that name has asked for a code in the last day\"}");
    assert_has(explain(f, "somebody"), "\"asked\":\"s•••\"");
    assert_has(explain(f, "a@example.com"), "\"asked\":\"•••@example.com\"");
}

static void a_day_later_the_limits_are_known(void **state)
{
    struct fixture *f = *state;
    promise(f);
    take(f);
    assert_int_equal(validate(f, f->otp), 200); // who has logged in is known for good
    f->rig->now_ms += STORE_HISTORY_MS + 1000;
    const char *answer = explain(f, "919999999993");
    assert_has(answer, "\"messages\":[]");
    assert_has(answer, "the person has not asked for a code in the last day");
}

static void locked(void **state)
{
    struct fixture *f = *state;
    struct brand_settings settings;
    brand_settings_init(&settings);
    settings.lock_after_failures = 5;
    settings.lock_seconds = 600;
    rig_put_brand(f->rig, "DocDemo", &settings);
    promise(f);
    for (int i = 0; i < 5; i++)
        assert_int_equal(validate(f, "000000"), 1506);
    const char *answer = explain(f, "919999999993");
    assert_has(answer, "\"count\":5,\"most\":5,\"lockedUntil\":\"2026-09-21T14:23:20.000Z\"");
    assert_has(answer, "\"triesLeft\":0");
    assert_has(answer, "no code is accepted now, after too many wrong ones");
}

static void every_brand_unless_one_is_named(void **state)
{
    struct fixture *f = *state;
    limit_sends(f, "Shop", 0, 0);
    promise(f);
    open_session(f, "Shop");
    assert_int_equal(generate_in(f, "Shop"), 200);
    const char *answer = explain(f, "919999999993");
    assert_has(answer, "\"people\":[{\"brand\":\"DocDemo\"");
    assert_has(answer, "},{\"brand\":\"Shop\"");
    assert_int_equal(count_of(answer, "\"handle\":"), 2);
    answer = post(f, "explain", "{\"who\":\"919999999993\",\"brand\":\"shop\"}");
    assert_has(answer, "\"people\":[{\"brand\":\"Shop\"");
    assert_has_not(answer, "DocDemo");
    (void)post(f, "explain", "{\"who\":\"919999999993\",\"brand\":\"Nobody\"}");
    assert_int_equal(f->rig->status, 404);
}

static void a_session_is_its_own_messages(void **state)
{
    struct fixture *f = *state;
    char first[sizeof f->session];
    promise(f);
    memcpy(first, f->session, sizeof first);
    take(f);
    promise(f);
    const char *answer = explain(f, first);
    assert_has(answer, "\"session\":{\"state\":\"open\",\"endsAt\":" CODE_END "}");
    assert_int_equal(count_of(answer, "\"handle\":"), 1);
    assert_int_equal(count_of(answer, "\"triesLeft\":"), 1);
    assert_has(answer, "\"kind\":\"MOBILE\",\"who\":\"+91•••••993\"");
    assert_has_not(answer, first);
    take(f);
    assert_int_equal(validate(f, f->otp), 200);
    assert_has(explain(f, f->session), "\"state\":\"logged in\"");
    f->rig->now_ms += 20 * 60000;
    assert_has(explain(f, first), "\"session\":{\"state\":\"over\"");
}

static void a_session_without_a_code(void **state)
{
    struct fixture *f = *state;
    open_session(f, "DocDemo");
    assert_has(explain(f, f->session), "\"people\":[],\"conclusion\":\"no code was asked for in "
                                       "this session in the last day\"");
    f->session[4] = f->session[4] == '0' ? '1' : '0';
    assert_has(explain(f, f->session), "that is no session of this server");
    assert_int_equal(f->rig->status, 422);
}

#define USERNAME                                                                       \
    "\"identifierType\":\"USERNAME\",\"identifierValue\":\"919999999993\",\"mobile\":" \
    "\"12025550147\",\"brand\":\"DocDemo\""

static void a_username_that_looks_like_a_number(void **state)
{
    struct fixture *f = *state;
    limit_sends(f, "DocDemo", 3, 10);
    rig_postf(f->rig, "/auth/v1/web/token/generate", "{" USERNAME "}");
    rig_session_id(f->rig, f->session);
    rig_postf(f->rig, "/auth/v1/web/otp/generate", "{" USERNAME ",\"sessionId\":\"%s\"}",
              f->session);
    assert_int_equal(rig_code(f->rig), 200);
    const char *answer = explain(f, "919999999993");
    assert_int_equal(count_of(answer, "\"kind\":"), 1);
    assert_has(answer, "\"kind\":\"USERNAME\",\"who\":\"9•••\",\"to\":\"+12•••••147\","
                       "\"sends\":{\"used\":1,\"most\":3,\"windowMinutes\":10,");
    assert_has(answer, "\"route\":[\"texts\"]");
    assert_has(explain(f, f->session), "\"kind\":\"USERNAME\"");
    promise(f);
    assert_int_equal(count_of(explain(f, "919999999993"), "\"kind\":"), 2);
}

static void the_newest_hundred_are_told(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 103; i++) {
        promise(f);
        take(f);
    }
    const char *answer = explain(f, "919999999993");
    assert_int_equal(count_of(answer, "\"handle\":"), 100);
    assert_has(answer, "\"messages\":[{\"handle\":4,");
    assert_has(answer, "\"leftOut\":3");
    assert_true(strstr(answer, "\"handle\":102,") < strstr(answer, "\"handle\":103,"));
}

static void who_cannot_be_anybody(void **state)
{
    static const char *const bodies[] = {"{}", "{\"who\":\"\"}", "{\"who\":\"a|b\"}",
                                         "{\"who\":5}"};
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        assert_has(post(f, "explain", bodies[i]),
                   "that is no number, e-mail address, username or session id");
        assert_row_equal(bodies[i], f->rig->status, 422);
    }
}

// --- what is never told ------------------------------------------------------------------------

static void no_code_and_no_address_is_told(void **state)
{
    struct fixture *f = *state;
    promise(f);
    take(f);
    const char *const answers[] = {"outbox?all=true", "outbox/message?handle=1"};
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        const char *answer = get(f, answers[i]);
        assert_has(answer, "\"handle\":1,");
        assert_has_not(answer, f->otp);
        assert_has_not(answer, "9999999993");
    }
    const char *answer = explain(f, "919999999993");
    assert_has_not(answer, f->otp);
    assert_has_not(answer, "9999999993");
    (void)post(f, "outbox/retry", "{\"handles\":[1]}");
    ssize_t len = read(f->log[0], f->log_text, sizeof f->log_text - 1);
    assert_in_range(len, 1, sizeof f->log_text - 1);
    assert_has(f->log_text,
               "\"event\":\"person.explained\",\"who\":\"+91•••••993\",\"messages\":1");
    assert_has(f->log_text, "\"event\":\"outbox.retried\",\"handle\":1");
    assert_has_not(f->log_text, "9999999993");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_message_as_json),
        TEST(what_was_taken_is_only_in_the_whole_list),
        TEST(a_list_comes_in_pages),
        TEST(a_list_may_be_of_one_brand),
        TEST(what_cannot_be_asked),
        TEST(nobody_took_it_and_it_is_tried_again_once),
        TEST(why_it_is_not_tried_again),
        TEST(a_used_code_is_not_sent_again),
        TEST(what_is_dropped_is_not_sent),
        TEST(orders_that_are_none),
        TEST(a_store_that_fails_says_so),
        TEST(a_person_as_json),
        TEST(nobody_knows),
        TEST(a_day_later_the_limits_are_known),
        TEST(locked),
        TEST(every_brand_unless_one_is_named),
        TEST(a_session_is_its_own_messages),
        TEST(a_session_without_a_code),
        TEST(a_username_that_looks_like_a_number),
        TEST(the_newest_hundred_are_told),
        TEST(who_cannot_be_anybody),
        TEST(no_code_and_no_address_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
