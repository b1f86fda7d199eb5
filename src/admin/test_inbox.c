// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "admin/inbox.h"

#include "sim/seeded.h"
#include "unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static const char long_text[INBOX_TEXT_BYTES_MAX];

static int setup(void **state)
{
    return inbox_create((struct inbox **)state) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    inbox_destroy((struct inbox **)state);
    return *state == NULL ? 0 : -1;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static void add(struct inbox *inbox, const char *to, const char *text)
{
    const struct inbox_message message = {.brand = SPAN("DocDemo"),
                                          .channel = SPAN("SMS"),
                                          .to = span_of_text(to),
                                          .text = span_of_text(text),
                                          .otp = SPAN("123456"),
                                          .sent_at_ms = 1760000000000};
    inbox_add(inbox, &message);
}

struct seen {
    size_t count;
    size_t stop_after;
    uint64_t ids[INBOX_MESSAGES_MAX];
};

static bool keep_id(void *ctx, const struct inbox_message *message)
{
    struct seen *seen = ctx;
    seen->ids[seen->count++] = message->id;
    return seen->count != seen->stop_after;
}

static const struct seen *look(struct inbox *inbox, const char *to, uint64_t after, size_t limit)
{
    static struct seen seen;
    const struct inbox_query query = {span_of_text(to), after, limit};
    seen.count = 0;
    seen.stop_after = 0;
    size_t shown = inbox_each(inbox, &query, keep_id, &seen);
    assert_int_equal(shown, seen.count);
    return &seen;
}

static bool check_fields(void *ctx, const struct inbox_message *message)
{
    bool *is_seen = ctx;
    assert_true(span_eq(message->brand, SPAN("DocDemo")));
    assert_true(span_eq(message->channel, SPAN("SMS")));
    assert_true(span_eq(message->to, SPAN("919999999993")));
    assert_true(span_eq(message->text, SPAN("123456 is\nyour \"code\"")));
    assert_true(span_eq(message->otp, SPAN("123456")));
    assert_int_equal(message->sent_at_ms, 1760000000000);
    assert_int_equal(message->id, 1);
    *is_seen = true;
    return true;
}

static void message_comes_back_as_it_was_added(void **state)
{
    bool is_seen = false;
    add(*state, "919999999993", "123456 is\nyour \"code\"");
    assert_int_equal(inbox_each(*state, &(struct inbox_query){.limit = 10}, check_fields, &is_seen),
                     1);
    assert_true(is_seen);
}

static void nothing_is_shown_at_first(void **state)
{
    assert_int_equal(inbox_last_id(*state), 0);
    assert_int_equal(look(*state, "", 0, 100)->count, 0);
    inbox_clear(*state);
    assert_int_equal(look(*state, "", 0, 100)->count, 0);
}

struct query_row {
    const char *to;
    uint64_t after;
    size_t limit;
    const char *ids;
};

// 1 and 4 to a, 2, 3 and 5 to b.
static const struct query_row query_rows[] = {
    {"", 0, 100, "5 4 3 2 1 "}, {"", 0, 2, "5 4 "},      {"", 3, 100, "5 4 "}, {"", 5, 100, ""},
    {"", 6, 100, ""},           {"a", 0, 100, "4 1 "},   {"a", 1, 100, "4 "},  {"a", 4, 100, ""},
    {"b", 0, 100, "5 3 2 "},    {"b", 0, 1, "5 "},       {"b", 2, 1, "5 "},    {"c", 0, 100, ""},
    {"ab", 0, 100, ""},         {"", UINT64_MAX, 1, ""}, {"", 0, 0, ""},
};

static void queries_choose(void **state)
{
    static const char *const to[] = {"a", "b", "b", "a", "b"};
    for (size_t i = 0; i < 5; i++)
        add(*state, to[i], "text");
    for (size_t i = 0; i < sizeof query_rows / sizeof query_rows[0]; i++) {
        const struct query_row *row = &query_rows[i];
        const struct seen *seen = look(*state, row->to, row->after, row->limit);
        char ids[64] = "";
        for (size_t at = 0; at < seen->count; at++)
            (void)snprintf(ids + strlen(ids), sizeof ids - strlen(ids), "%u ",
                           (unsigned)seen->ids[at]);
        assert_string_equal(ids, row->ids);
    }
}

static void a_look_ends_when_told(void **state)
{
    static struct seen seen = {.stop_after = 3};
    for (unsigned i = 0; i < 10; i++)
        add(*state, "a", "text");
    assert_int_equal(inbox_each(*state, &(struct inbox_query){.limit = 10}, keep_id, &seen), 3);
    assert_int_equal(seen.ids[2], 8);
}

static void the_last_ten_thousand_are_kept(void **state)
{
    for (unsigned i = 1; i <= INBOX_MESSAGES_MAX + 50; i++)
        add(*state, i % 2 == 0 ? "even" : "odd", "text");
    const struct seen *seen = look(*state, "", 0, SIZE_MAX);
    assert_int_equal(seen->count, INBOX_MESSAGES_MAX);
    assert_int_equal(seen->ids[0], INBOX_MESSAGES_MAX + 50);
    assert_int_equal(seen->ids[INBOX_MESSAGES_MAX - 1], 51);
    assert_int_equal(look(*state, "odd", 0, SIZE_MAX)->count, INBOX_MESSAGES_MAX / 2);
    assert_int_equal(look(*state, "", 10, SIZE_MAX)->count, INBOX_MESSAGES_MAX);
}

static void clear_forgets_but_ids_go_on(void **state)
{
    for (unsigned i = 0; i < 3; i++)
        add(*state, "a", "text");
    inbox_clear(*state);
    assert_int_equal(look(*state, "", 0, 100)->count, 0);
    assert_int_equal(inbox_last_id(*state), 3);
    add(*state, "a", "text");
    const struct seen *seen = look(*state, "", 0, 100);
    assert_int_equal(seen->count, 1);
    assert_int_equal(seen->ids[0], 4);
    assert_int_equal(look(*state, "", 3, 100)->count, 1);
}

// What message `n` of the tests below holds follows from n alone.
static struct inbox_message numbered(uint64_t n, size_t text_len, uint8_t storage[])
{
    memset(storage, (int)('a' + n % 26), text_len);
    if (text_len >= sizeof n)
        memcpy(storage, &n, sizeof n);
    return (struct inbox_message){.brand = span_make(long_text, n % (INBOX_BRAND_BYTES_MAX + 1)),
                                  .channel = SPAN("WHATSAPP"),
                                  .to = span_make(long_text, n % (INBOX_TO_BYTES_MAX + 1)),
                                  .text = span_make(storage, text_len),
                                  .otp = SPAN("0123456789"),
                                  .sent_at_ms = (int64_t)n};
}

static bool check_numbered(void *ctx, const struct inbox_message *message)
{
    const size_t *text_lens = ctx;
    uint8_t storage[INBOX_TEXT_BYTES_MAX];
    const struct inbox_message expected =
        numbered(message->id, text_lens[message->id % INBOX_MESSAGES_MAX], storage);
    assert_true(span_eq(message->text, expected.text));
    assert_true(span_eq(message->brand, expected.brand));
    assert_true(span_eq(message->channel, expected.channel));
    assert_true(span_eq(message->to, expected.to));
    assert_true(span_eq(message->otp, expected.otp));
    assert_int_equal(message->sent_at_ms, message->id);
    return true;
}

static void add_numbered(struct inbox *inbox, size_t *text_lens, size_t text_len)
{
    uint8_t storage[INBOX_TEXT_BYTES_MAX];
    uint64_t id = inbox_last_id(inbox) + 1;
    const struct inbox_message message = numbered(id, text_len, storage);
    text_lens[id % INBOX_MESSAGES_MAX] = text_len;
    inbox_add(inbox, &message);
}

static void ten_thousand_of_the_longest_fit(void **state)
{
    static size_t text_lens[INBOX_MESSAGES_MAX];
    for (unsigned i = 0; i < 2 * INBOX_MESSAGES_MAX + 777; i++)
        add_numbered(*state, text_lens, INBOX_TEXT_BYTES_MAX);
    assert_int_equal(
        inbox_each(*state, &(struct inbox_query){.limit = SIZE_MAX}, check_numbered, text_lens),
        INBOX_MESSAGES_MAX);
}

static void messages_of_any_length_stay_whole(void **state)
{
    static size_t text_lens[INBOX_MESSAGES_MAX];
    struct seeded random;
    size_t held = 0;
    seeded_init(&random, 4);
    for (unsigned i = 0; i < 40000; i++) {
        // Long runs of short texts, then of long ones: blocks fill and empty unevenly.
        uint64_t most = i / 3000 % 2 == 0 ? 100 : INBOX_TEXT_BYTES_MAX;
        add_numbered(*state, text_lens, (size_t)seeded_below(&random, most + 1));
        held = held < INBOX_MESSAGES_MAX ? held + 1 : held;
        if (seeded_below(&random, 20000) == 0) {
            inbox_clear(*state);
            held = 0;
        }
        if (i % 4999 == 0)
            assert_int_equal(inbox_each(*state, &(struct inbox_query){.limit = SIZE_MAX},
                                        check_numbered, text_lens),
                             held);
    }
}

static void *add_many(void *arg)
{
    for (unsigned i = 0; i < 20000; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "text %u", i + 1);
        add(arg, i % 2 == 0 ? "a" : "b", text);
    }
    return NULL;
}

static bool check_text(void *ctx, const struct inbox_message *message)
{
    char text[32];
    uint64_t *last = ctx;
    (void)snprintf(text, sizeof text, "text %u", (unsigned)message->id);
    assert_true(span_eq(message->text, span_of_text(text)));
    assert_true(message->id < *last);
    *last = message->id;
    return true;
}

static void one_thread_adds_while_another_looks(void **state)
{
    pthread_t adder;
    assert_int_equal(pthread_create(&adder, NULL, add_many, *state), 0);
    while (inbox_last_id(*state) < 20000) {
        uint64_t last = UINT64_MAX;
        (void)inbox_each(*state, &(struct inbox_query){.to = SPAN("a"), .limit = 50}, check_text,
                         &last);
    }
    (void)pthread_join(adder, NULL);
    assert_int_equal(look(*state, "", 0, SIZE_MAX)->count, INBOX_MESSAGES_MAX);
}

static void waits_end_for_good(void **state)
{
    assert_false(inbox_has_ended_waits(*state));
    inbox_end_waits(*state);
    assert_true(inbox_has_ended_waits(*state));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(message_comes_back_as_it_was_added),
        TEST(nothing_is_shown_at_first),
        TEST(queries_choose),
        TEST(a_look_ends_when_told),
        TEST(the_last_ten_thousand_are_kept),
        TEST(clear_forgets_but_ids_go_on),
        TEST(ten_thousand_of_the_longest_fit),
        TEST(messages_of_any_length_stay_whole),
        TEST(one_thread_adds_while_another_looks),
        TEST(waits_end_for_good),
    };
    return cmocka_run_group_tests_name("admin/inbox", tests, NULL, NULL);
}
