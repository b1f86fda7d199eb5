// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "service/history.h"

#include "sim/seeded.h"
#include "store/memory/memory.h"
#include "unit/unit.h"

#include <stdlib.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define START_MS INT64_C(1790000000000)
#define TWO_PROVIDERS 2U
#define OWN_ADVICE "turn it off and on again"

static const struct key wrap_key = {"a wrap key of thirty-two bytes.."};

struct fixture {
    struct store *store;
    struct seeded seeded;
    struct entropy entropy;
    struct brands *brands;
    const struct brand_set *set;
    const struct brand *brand;
    struct routes *routes;
    struct history history;
    struct delivery_row row; // of the brand, SMS; a test fills in what has become of it
};

static int64_t wall_ms(void *ctx)
{
    (void)ctx;
    return START_MS;
}

static struct mono mono(void *ctx)
{
    (void)ctx;
    return (struct mono){0};
}

// The recipe of "one" knows what to do when the provider is down.
static struct span advice(void *ctx, struct span provider, enum send_reason reason)
{
    (void)ctx;
    bool is_known = span_eq(provider, SPAN("one")) && reason == SEND_VENDOR_DOWN;
    return is_known ? SPAN(OWN_ADVICE) : span_make(NULL, 0);
}

static void make_routes(struct fixture *f)
{
    const struct route_provider providers[TWO_PROVIDERS] = {{SPAN("one"), 1U << CHANNEL_SMS},
                                                            {SPAN("two"), 1U << CHANNEL_SMS}};
    const struct route_rule rule = {
        .channel = CHANNEL_SMS, .prefix = SPAN("84"), .providers = {1}, .providers_count = 1};
    const struct routes_options options = {providers, TWO_PROVIDERS, &rule, 1};
    assert_int_equal(routes_create(&options, &f->routes, NULL), ERR_OK);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct memory_store_options options = memory_store_defaults;
    assert_non_null(f);
    options.clock = (struct clock){wall_ms, mono, NULL};
    assert_int_equal(memory_store_create(&options, &f->store), ERR_OK);
    seeded_init(&f->seeded, 1);
    f->entropy = seeded_entropy(&f->seeded);
    assert_int_equal(brands_create(f->store, &wrap_key, &f->entropy, &f->brands), ERR_OK);
    assert_int_equal(brands_add(f->brands, SPAN("Shop"), (struct brand_edits){0}, NULL), ERR_OK);
    f->set = brands_acquire(f->brands);
    f->brand = brand_set_find(f->set, SPAN("Shop"));
    make_routes(f);
    f->history = (struct history){.store = f->store, .routes = f->routes, .advice = advice};
    f->row = (struct delivery_row){
        .handle = 12,
        .entry = {.brand_id = f->brand->id,
                  .channel = CHANNEL_SMS,
                  .created_at_ms = START_MS,
                  .deadline_at_ms = START_MS + 60000,
                  .masked = "+12•••••147"},
        .delivery = {.due_at_ms = STORE_NEVER},
    };
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    brands_release(f->brands, &f->set);
    brands_destroy(&f->brands);
    routes_destroy(&f->routes);
    store_destroy(&f->store);
    free(f);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static void add_attempt(struct fixture *f, const char *provider, enum delivery_state attempt_state,
                        enum send_reason reason)
{
    struct delivery *delivery = &f->row.delivery;
    struct attempt *attempt = &delivery->attempts[delivery->attempts_held];
    *attempt = (struct attempt){
        .provider = provider_tag_of(span_of_text(provider)),
        .state = (uint8_t)attempt_state,
        .reason = (uint8_t)reason,
        .at_ms = START_MS + 200 * delivery->attempts_held,
        .answered_after_ms = 300,
    };
    delivery->attempts_held++;
    delivery->tries++;
    delivery->provider = attempt->provider;
}

static void be(struct fixture *f, enum delivery_state delivery_state)
{
    f->row.delivery.state = (uint8_t)delivery_state;
}

static const char *conclusion(struct fixture *f, char out[512])
{
    struct told_message told;
    struct strbuf text = strbuf_over(out, 511);
    history_tell(&f->history, f->set, &f->row, &told);
    history_conclude(&told, &text);
    out[text.len] = '\0';
    return out;
}

static void assert_concluded(struct fixture *f, const char *expected)
{
    char text[512];
    assert_string_equal(conclusion(f, text), expected);
}

// --- one message in words ----------------------------------------------------------------------

static void each_state_has_words(void **state)
{
    static const char *const expected[DELIVERY_STATE_COUNT_] = {
        [DELIVERY_QUEUED] = "it waits to be sent",
        [DELIVERY_SUBMITTED] = "it is being sent",
        [DELIVERY_ACCEPTED] = "a provider took it and has not reported that it arrived",
        [DELIVERY_DELIVERED] = "delivered",
        [DELIVERY_FAILED] = "nobody took it",
        [DELIVERY_EXPIRED] = "its code ended before anybody took it",
        [DELIVERY_UNKNOWN] = "it may have arrived or not: a provider did not answer",
        [DELIVERY_OBSOLETE] = "its code was used or replaced before it was sent",
        [DELIVERY_DROPPED] = "a person dropped it",
    };
    struct fixture *f = *state;
    for (enum delivery_state each = 0; each < DELIVERY_STATE_COUNT_; each++) {
        struct told_message told;
        be(f, each);
        history_tell(&f->history, f->set, &f->row, &told);
        assert_string_equal(told.state, delivery_state_name(each));
        assert_non_null(told.what);
        assert_concluded(f, expected[each]);
    }
}

static void each_reason_is_said_with_what_to_do(void **state)
{
    struct fixture *f = *state;
    for (enum send_reason reason = SEND_REASON_NONE + 1; reason < SEND_REASON_COUNT_; reason++) {
        char expected[512];
        struct told_message told;
        f->row.delivery.attempts_held = 0;
        be(f, DELIVERY_FAILED);
        add_attempt(f, "two", DELIVERY_FAILED, reason);
        history_tell(&f->history, f->set, &f->row, &told);
        assert_string_equal(told.attempts[0].reason, send_reason_name(reason));
        assert_string_equal(told.attempts[0].sentence, send_reason_sentence(reason));
        assert_true(span_eq(told.attempts[0].advice, span_of_text(send_reason_advice(reason))));
        struct strbuf text = strbuf_over(expected, sizeof expected - 1);
        strbuf_put_text(&text, "nobody took it: ");
        strbuf_put_text(&text, send_reason_sentence(reason));
        expected[text.len] = '\0';
        assert_concluded(f, expected);
    }
}

static void a_message_is_told(void **state)
{
    struct fixture *f = *state;
    struct told_message told;
    be(f, DELIVERY_QUEUED);
    f->row.delivery.due_at_ms = START_MS + 1000;
    add_attempt(f, "one", DELIVERY_QUEUED, SEND_THROTTLED);
    history_tell(&f->history, f->set, &f->row, &told);
    assert_int_equal(told.handle, 12);
    assert_ptr_equal(told.brand, f->brand);
    assert_string_equal(told.channel, "SMS");
    assert_string_equal(told.to, "+12•••••147");
    assert_true(told.is_open);
    assert_int_equal(told.due_at_ms, START_MS + 1000);
    assert_int_equal(told.tries, 1);
    assert_true(span_eq(told.provider, SPAN("one")));
    assert_int_equal(told.attempts_count, 1);
    assert_true(span_eq(told.attempts[0].provider, SPAN("one")));
    assert_string_equal(told.attempts[0].state, "retry");
    assert_int_equal(told.attempts[0].at_ms, START_MS);
    assert_int_equal(told.attempts[0].answered_after_ms, 300);
}

static void what_is_not_known_any_more_is_no_error(void **state)
{
    struct fixture *f = *state;
    struct told_message told;
    be(f, DELIVERY_FAILED);
    add_attempt(f, "of last week", DELIVERY_FAILED, SEND_QUOTA);
    f->row.delivery.attempts[0].reason = 200; // of a later version
    f->row.entry.brand_id++;
    history_tell(&f->history, f->set, &f->row, &told);
    assert_null(told.brand);
    assert_int_equal(told.provider.len, 0);
    assert_int_equal(told.attempts[0].provider.len, 0);
    assert_string_equal(told.attempts[0].reason, "unclassified");
}

static void the_recipe_knows_better(void **state)
{
    struct fixture *f = *state;
    struct told_message told;
    be(f, DELIVERY_FAILED);
    add_attempt(f, "one", DELIVERY_FAILED, SEND_VENDOR_DOWN);
    add_attempt(f, "two", DELIVERY_FAILED, SEND_VENDOR_DOWN);
    history_tell(&f->history, f->set, &f->row, &told);
    assert_true(span_eq(told.attempts[0].advice, SPAN(OWN_ADVICE)));
    assert_true(
        span_eq(told.attempts[1].advice, span_of_text(send_reason_advice(SEND_VENDOR_DOWN))));
}

static void words_come_without_the_advice(void **state)
{
    static const struct {
        const char *kept;
        const char *told;
    } rows[] = {
        {"HTTP 503: down (" OWN_ADVICE ")", "HTTP 503: down"},
        {"HTTP 503: down (turn it of", "HTTP 503: down"}, // cut off
        {"HTTP 503: down (for a while)", "HTTP 503: down (for a while)"},
        {"down (a) b (" OWN_ADVICE ")", "down (a) b"},
        {"HTTP 503", "HTTP 503"},
        {"", ""},
    };
    struct fixture *f = *state;
    be(f, DELIVERY_FAILED);
    add_attempt(f, "one", DELIVERY_FAILED, SEND_VENDOR_DOWN);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct told_message told;
        struct span kept = span_of_text(rows[i].kept);
        memcpy(f->row.delivery.words, kept.data, kept.len);
        f->row.delivery.words_len = (uint8_t)kept.len;
        history_tell(&f->history, f->set, &f->row, &told);
        if (!span_eq(told.words, span_of_text(rows[i].told)))
            fail_msg("%s: %.*s", rows[i].kept, (int)told.words.len, (const char *)told.words.data);
    }
}

// --- conclusions -------------------------------------------------------------------------------

static void delivered_counts_from_the_promise(void **state)
{
    static const struct {
        uint32_t reported_after_ms;
        const char *conclusion;
    } rows[] = {
        {50, "delivered after 250 ms"},       {3000, "delivered after 3.2 s"},
        {9799, "delivered after 9.9 s"},      {9800, "delivered after 10 s"},
        {119799, "delivered after 119 s"},    {119800, "delivered after 2 min"},
        {7200000, "delivered after 120 min"},
    };
    struct fixture *f = *state;
    be(f, DELIVERY_DELIVERED);
    add_attempt(f, "one", DELIVERY_FAILED, SEND_UNREACHABLE);
    add_attempt(f, "two", DELIVERY_DELIVERED, SEND_REASON_NONE);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        f->row.delivery.attempts[1].reported_after_ms = rows[i].reported_after_ms;
        assert_concluded(f, rows[i].conclusion);
    }
}

static void taken_says_by_whom(void **state)
{
    struct fixture *f = *state;
    be(f, DELIVERY_ACCEPTED);
    add_attempt(f, "one", DELIVERY_FAILED, SEND_UNREACHABLE);
    add_attempt(f, "two", DELIVERY_ACCEPTED, SEND_REASON_NONE);
    assert_concluded(f, "two took it after 500 ms and has not reported that it arrived");
    f->row.delivery.due_at_ms = START_MS + 30000;
    assert_concluded(f, "two took it after 500 ms and has not reported that it arrived; if it does "
                        "not, another provider is asked");
}

static void unknown_says_who_did_not_answer(void **state)
{
    struct fixture *f = *state;
    be(f, DELIVERY_UNKNOWN);
    add_attempt(f, "one", DELIVERY_UNKNOWN, SEND_VENDOR_DOWN);
    add_attempt(f, "two", DELIVERY_FAILED, SEND_QUOTA);
    assert_concluded(f, "it may have arrived or not: one did not answer");
    f->row.delivery.due_at_ms = START_MS + 30000;
    assert_concluded(
        f, "it may have arrived or not: one did not answer; another provider is asked soon");
}

// --- routes ------------------------------------------------------------------------------------

static void the_route_has_names(void **state)
{
    struct fixture *f = *state;
    struct span names[ROUTE_PROVIDERS_MAX];
    assert_int_equal(history_route(&f->history, f->brand, CHANNEL_SMS, SPAN("12025550147"), names),
                     2);
    assert_true(span_eq(names[0], SPAN("one")));
    assert_true(span_eq(names[1], SPAN("two")));
    assert_int_equal(history_route(&f->history, f->brand, CHANNEL_SMS, SPAN("84912345678"), names),
                     1);
    assert_true(span_eq(names[0], SPAN("two")));
    assert_int_equal(history_route(&f->history, f->brand, CHANNEL_EMAIL, SPAN("a@x.test"), names),
                     0);
    f->history.routes = NULL;
    assert_int_equal(history_route(&f->history, f->brand, CHANNEL_SMS, SPAN("12025550147"), names),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_state_has_words),
        TEST(each_reason_is_said_with_what_to_do),
        TEST(a_message_is_told),
        TEST(what_is_not_known_any_more_is_no_error),
        TEST(the_recipe_knows_better),
        TEST(words_come_without_the_advice),
        TEST(delivered_counts_from_the_promise),
        TEST(taken_says_by_whom),
        TEST(unknown_says_who_did_not_answer),
        TEST(the_route_has_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
