// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Items of a batch share commits, and still see each other in order: what each is answered is what
// it would have been one by one, whenever the store is done with which of them.
#include "api/batch.h"
#include "rig/durable_rig.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define TOKEN "/auth/v1/token/generate"
#define GENERATE "/auth/v1/otp/generate"
#define VALIDATE "/auth/v1/otp/validate"
#define JSON "Content-Type: application/json\r\n"
#define REST "\"brand\":\"DocDemo\",\"deviceId\":\"d\""

#define BODY_BYTES_MAX 65536U
#define ENTRIES_MAX 4096U
#define RUN_ITEMS 12U
#define RUNS 150U
#define NOTHING_DELAYED UINT_MAX
#define ALL_DELAYED (UINT_MAX - 1)

// Ways to name somebody. Two usernames share a number with its owner; what is not named is looked
// up.
enum who { A, B, ONE_A, ONE_B, ONE, TWO_A, TWO, WHO_COUNT_ };

static const char *const naming[WHO_COUNT_] = {
    [A] = "\"identifierType\":\"MOBILE\",\"identifierValue\":\"12025550101\"",
    [B] = "\"identifierType\":\"MOBILE\",\"identifierValue\":\"12025550102\"",
    [ONE_A] = "\"identifierType\":\"USERNAME\",\"identifierValue\":\"one\","
              "\"mobile\":\"12025550101\"",
    [ONE_B] = "\"identifierType\":\"USERNAME\",\"identifierValue\":\"one\","
              "\"mobile\":\"12025550102\"",
    [ONE] = "\"identifierType\":\"USERNAME\",\"identifierValue\":\"one\"",
    [TWO_A] = "\"identifierType\":\"USERNAME\",\"identifierValue\":\"two\","
              "\"mobile\":\"12025550101\"",
    [TWO] = "\"identifierType\":\"USERNAME\",\"identifierValue\":\"two\"",
};

// Who opened the session that one of that naming goes on with.
static const enum who opener[WHO_COUNT_] = {
    [A] = A,       [B] = B,         [ONE_A] = ONE_A, [ONE_B] = ONE_B,
    [ONE] = ONE_A, [TWO_A] = TWO_A, [TWO] = TWO_A,
};

struct visitors {
    char ids[WHO_COUNT_][SESSION_ID_TEXT_BYTES + 1];
    char otps[WHO_COUNT_][CODE_DIGITS_MAX + 1];
};

struct body {
    size_t len;
    char text[BODY_BYTES_MAX];
};

static void put(struct body *body, const char *format, ...) __attribute__((format(printf, 2, 3)));

// One more item of an array.
static void put(struct body *body, const char *format, ...)
{
    va_list args;
    body->text[0] = '[';
    if (body->len > 0)
        body->text[body->len - 1] = ',';
    body->len += body->len == 0;
    va_start(args, format);
    int len = vsnprintf(body->text + body->len, BODY_BYTES_MAX - body->len, format, args);
    va_end(args);
    assert_in_range(len, 1, BODY_BYTES_MAX - body->len - 2);
    body->len += (size_t)len;
    body->text[body->len++] = ']';
    body->text[body->len] = '\0';
}

static void set_limits(struct rig *rig, uint32_t count)
{
    struct brand_settings settings;
    brand_settings_init(&settings);
    settings.otp_max_count = count;
    settings.otp_time_out_minutes = 10;
    rig_put_brand(rig, "DocDemo", &settings);
}

static void open_sessions(struct rig *rig, struct visitors *visitors)
{
    for (size_t who = 0; who < WHO_COUNT_; who++) {
        if (opener[who] != who)
            continue;
        rig_postf(rig, TOKEN, "{%s," REST "}", naming[who]);
        rig_session_id(rig, visitors->ids[who]);
    }
    for (size_t who = 0; who < WHO_COUNT_; who++)
        memcpy(visitors->ids[who], visitors->ids[opener[who]], sizeof visitors->ids[who]);
}

// The codes in an answer, in order, of one status or an array.
static size_t codes_in(const char *body, int *codes, size_t max)
{
    size_t count = 0;
    const char *at = body;
    while ((at = strstr(at, "\"code\":")) != NULL) {
        assert_true(count < max);
        at += 7;
        codes[count++] = (int)strtol(at, NULL, 10);
    }
    return count;
}

static size_t times(const char *body, const char *text)
{
    size_t count = 0;
    for (const char *at = strstr(body, text); at != NULL; at = strstr(at + 1, text))
        count++;
    return count;
}

// --- as if one by one ---

struct run {
    unsigned seed;
    struct rig *single;
    struct rig *batched;
    struct visitors visitors[2]; // of the one, of the other
    int expected[RUN_ITEMS];
    int answered[RUN_ITEMS];
    struct body body;
};

static struct run *run_begin(unsigned seed)
{
    struct run *run = calloc(1, sizeof *run);
    assert_non_null(run);
    run->seed = seed;
    run->single = rig_create_for(ENTRIES_MAX);
    run->batched = rig_create_for(ENTRIES_MAX);
    set_limits(run->single, 1 + seed % 4);
    set_limits(run->batched, 1 + seed % 4);
    open_sessions(run->single, &run->visitors[0]);
    open_sessions(run->batched, &run->visitors[1]);
    return run;
}

static void run_end(struct run *run)
{
    rig_destroy(run->single);
    rig_destroy(run->batched);
    free(run);
}

// Posts the body while the store delays ops; how often it had to be released.
static size_t post_delayed(struct rig *rig, const char *path, const char *body, unsigned delay)
{
    size_t releases = 0;
    rig->fault = delay == NOTHING_DELAYED ? MEMORY_FAULT_NONE : MEMORY_FAULT_DELAY;
    rig->fault_stays = delay == ALL_DELAYED;
    rig->fault_skips = rig->fault_stays || delay == NOTHING_DELAYED ? 0 : delay;
    rig_post(rig, path, JSON, body);
    while (rig->reply[0] == '\0' && memory_store_release(rig->store) > 0) {
        rig_receive(rig);
        releases++;
    }
    rig->fault = MEMORY_FAULT_NONE;
    rig->fault_skips = 0;
    assert_int_equal(rig->status, 200);
    return releases;
}

static void compare(struct run *run, const char *path, unsigned delay)
{
    (void)post_delayed(run->batched, path, run->body.text, delay);
    size_t count = codes_in(run->batched->body, run->answered, RUN_ITEMS);
    assert_int_equal(count, RUN_ITEMS);
    for (size_t i = 0; i < RUN_ITEMS; i++) {
        if (run->answered[i] != run->expected[i])
            fail_msg("run %u, delay %u, item %zu of %s: %d instead of %d", run->seed, delay, i,
                     path, run->answered[i], run->expected[i]);
    }
}

static void send_codes(struct run *run, struct seeded *dice, unsigned delay)
{
    run->body.len = 0;
    for (size_t i = 0; i < RUN_ITEMS; i++) {
        size_t who = seeded_below(dice, WHO_COUNT_);
        rig_postf(run->single, GENERATE, "{%s," REST ",\"sessionId\":\"%s\"}", naming[who],
                  run->visitors[0].ids[who]);
        run->expected[i] = rig_code(run->single);
        put(&run->body, "{%s," REST ",\"sessionId\":\"%s\"}", naming[who],
            run->visitors[1].ids[who]);
    }
    compare(run, GENERATE, delay);
}

// Who shares a number gets each other's; the latest counts for the reader.
static void read_codes(struct rig *rig, char otp[2][CODE_DIGITS_MAX + 1])
{
    struct rig_message message;
    while (rig_take_first(rig, &message))
        memcpy(otp[message.to[10] == '2'], message.otp, sizeof message.otp);
}

static void try_codes(struct run *run, struct seeded *dice, unsigned delay)
{
    char otps[2][2][CODE_DIGITS_MAX + 1] = {{"x", "x"}, {"x", "x"}};
    read_codes(run->single, otps[0]);
    read_codes(run->batched, otps[1]);
    run->body.len = 0;
    for (size_t i = 0; i < RUN_ITEMS; i++) {
        static const char format[] = "{%s," REST ",\"sessionId\":\"%s\",\"otp\":\"%s\"}";
        size_t who = seeded_below(dice, WHO_COUNT_);
        size_t number = opener[who] == B || opener[who] == ONE_B;
        bool is_wrong = seeded_below(dice, 3) == 0;
        rig_postf(run->single, VALIDATE, format, naming[who], run->visitors[0].ids[who],
                  is_wrong ? "x" : otps[0][number]);
        run->expected[i] = rig_code(run->single);
        put(&run->body, format, naming[who], run->visitors[1].ids[who],
            is_wrong ? "x" : otps[1][number]);
    }
    compare(run, VALIDATE, delay);
}

static void run_once(unsigned seed, unsigned delay)
{
    struct seeded dice;
    struct run *run = run_begin(seed);
    seeded_init(&dice, seed);
    send_codes(run, &dice, delay);
    try_codes(run, &dice, delay);
    send_codes(run, &dice, delay);
    try_codes(run, &dice, delay);
    run_end(run);
}

static void answers_are_those_of_single_calls(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= RUNS; seed++) {
        run_once(seed, NOTHING_DELAYED);
        run_once(seed, ALL_DELAYED);
        run_once(seed, seed % 40);
    }
}

// --- what is under way together ---

static void put_send(struct body *body, const struct visitors *visitors, enum who who)
{
    put(body, "{%s," REST ",\"sessionId\":\"%s\"}", naming[who], visitors->ids[who]);
}

struct together_row {
    enum who items[3];
    size_t releases; // of a store that delays each op
};

// A username's otp/generate is three ops, or four with its address looked up.
static const struct together_row together_rows[] = {
    {{A, A, A}, 1},         {{A, B, A}, 1},         {{ONE_A, B, B}, 3},
    {{ONE_A, A, A}, 4},     {{A, A, ONE_A}, 4},     {{ONE_A, A, B}, 4},
    {{ONE_A, TWO_A, B}, 6}, {{ONE_B, TWO_A, B}, 4}, {{TWO_A, TWO_A, TWO_A}, 9},
};

static void only_what_shares_a_record_waits(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(together_rows); i++) {
        const struct together_row *row = &together_rows[i];
        struct rig *rig = rig_create_for(ENTRIES_MAX);
        struct visitors visitors;
        struct body body = {.len = 0};
        open_sessions(rig, &visitors);
        for (size_t item = 0; item < COUNT_OF(row->items); item++)
            put_send(&body, &visitors, row->items[item]);
        size_t releases = post_delayed(rig, GENERATE, body.text, ALL_DELAYED);
        if (releases != row->releases)
            fail_msg("row %zu: %zu releases instead of %zu", i, releases, row->releases);
        assert_int_equal(times(rig->body, "\"code\":200,"), COUNT_OF(row->items));
        rig_destroy(rig);
    }
}

// While it is being looked up where a username's code goes, that may be anybody's number.
static void an_address_that_is_looked_up_may_be_anybodys(void **state)
{
    struct rig *rig = rig_create_for(ENTRIES_MAX);
    struct visitors visitors;
    struct body body = {.len = 0};
    (void)state;
    set_limits(rig, 2);
    open_sessions(rig, &visitors);
    rig_postf(rig, GENERATE, "{%s," REST ",\"sessionId\":\"%s\"}", naming[ONE_A],
              visitors.ids[ONE_A]);
    assert_int_equal(rig_code(rig), 200);
    put_send(&body, &visitors, ONE);
    put_send(&body, &visitors, B);
    put_send(&body, &visitors, A);
    assert_int_equal(post_delayed(rig, GENERATE, body.text, ALL_DELAYED), 5);
    int codes[3];
    assert_int_equal(codes_in(rig->body, codes, 3), 3);
    assert_int_equal(codes[0], 200);
    assert_int_equal(codes[1], 200);
    assert_int_equal(codes[2], 1534);
    rig_destroy(rig);
}

static void one_code_opens_once_in_a_batch(void **state)
{
    static const unsigned delays[] = {NOTHING_DELAYED, ALL_DELAYED, 0, 1};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(delays); i++) {
        struct rig *rig = rig_create_for(ENTRIES_MAX);
        struct visitors visitors;
        struct rig_message message;
        struct body body = {.len = 0};
        open_sessions(rig, &visitors);
        rig_postf(rig, GENERATE, "{%s," REST ",\"sessionId\":\"%s\"}", naming[A], visitors.ids[A]);
        assert_true(rig_take_message(rig, &message));
        for (size_t item = 0; item < 2; item++)
            put(&body, "{%s," REST ",\"sessionId\":\"%s\",\"otp\":\"%s\"}", naming[A],
                visitors.ids[A], message.otp);
        (void)post_delayed(rig, VALIDATE, body.text, delays[i]);
        int codes[2];
        assert_int_equal(codes_in(rig->body, codes, 2), 2);
        assert_int_equal(codes[0], 200);
        assert_int_equal(codes[1], 1505);
        rig_destroy(rig);
    }
}

// --- what it costs ---

struct durable {
    struct model_disk disk;
    struct rig *rig;
};

static int create_durable(void **state)
{
    struct durable *durable = calloc(1, sizeof *durable);
    assert_non_null(durable);
    durable->rig = durable_rig_create(&durable->disk);
    *state = durable;
    return 0;
}

static int destroy_durable(void **state)
{
    struct durable *durable = *state;
    rig_destroy(durable->rig);
    model_disk_fini(&durable->disk);
    free(durable);
    return 0;
}

static void print_person(bool is_username, size_t person, char out[160])
{
    if (is_username)
        (void)snprintf(out, 160,
                       "\"identifierType\":\"USERNAME\",\"identifierValue\":\"somebody%zu\","
                       "\"email\":\"somebody%zu@example.com\"",
                       person, person);
    else
        (void)snprintf(out, 160,
                       "\"identifierType\":\"MOBILE\",\"identifierValue\":\"120255501%02zu\"",
                       person);
}

// A hundred items for so many people, each in his session and with a wrong guess.
static void put_hundred(struct rig *rig, struct body *body, bool is_username, size_t people)
{
    char ids[API_BATCH_MAX][SESSION_ID_TEXT_BYTES + 1];
    for (size_t i = 0; i < API_BATCH_MAX; i++) {
        char person[160];
        print_person(is_username, i % people, person);
        if (i < people) {
            rig_postf(rig, TOKEN, "{%s," REST "}", person);
            rig_session_id(rig, ids[i]);
        }
        put(body, "{%s," REST ",\"sessionId\":\"%s\",\"otp\":\"x\"}", person, ids[i % people]);
    }
}

// Commits that a post of the body makes; every item is answered `code`.
static size_t commits_of(struct durable *durable, const char *path, const struct body *body,
                         const char *code)
{
    size_t commits = durable->disk.commits;
    rig_post(durable->rig, path, JSON, body->text);
    assert_int_equal(durable->rig->status, 200);
    assert_int_equal(times(durable->rig->body, code), API_BATCH_MAX);
    return durable->disk.commits - commits;
}

static void a_hundred_items_are_one_commit(void **state)
{
    struct durable *durable = *state;
    struct body body = {.len = 0};
    put_hundred(durable->rig, &body, false, API_BATCH_MAX);
    assert_int_equal(commits_of(durable, GENERATE, &body, "\"code\":200,"), 1);
    assert_int_equal(commits_of(durable, VALIDATE, &body, "\"code\":1506,"), 1);
}

static void a_hundred_items_of_few_people_are_one_commit(void **state)
{
    struct durable *durable = *state;
    struct body body = {.len = 0};
    put_hundred(durable->rig, &body, false, 3);
    assert_int_equal(commits_of(durable, GENERATE, &body, "\"code\":200,"), 1);
}

// The reservations are one, the decisions another.
static void a_hundred_usernames_are_two_commits(void **state)
{
    struct durable *durable = *state;
    struct body body = {.len = 0};
    put_hundred(durable->rig, &body, true, API_BATCH_MAX);
    assert_int_equal(commits_of(durable, GENERATE, &body, "\"code\":200,"), 2);
    assert_int_equal(commits_of(durable, VALIDATE, &body, "\"code\":1506,"), 1);
}

// --- memory ---

#define CROWD 12U // batches of a hundred: more items than there are places

static void ignore_output(void *ctx)
{
    (void)ctx;
}

// All have begun that there is a place for, and then each batch goes on by its own.
static void batches_without_a_place_go_on_item_by_item(void **state)
{
    struct rig *rig = rig_create_for(ENTRIES_MAX);
    struct http_conn *conns[CROWD];
    struct body body = {.len = 0};
    size_t done = 0, expected = CROWD * API_BATCH_MAX;
    (void)state;
    put_hundred(rig, &body, false, API_BATCH_MAX);
    struct http_conn *own = rig->conn;
    rig->fault = MEMORY_FAULT_DELAY;
    rig->fault_stays = true;
    for (size_t i = 0; i < CROWD; i++) {
        struct mono now = {rig->now_ms - RIG_START_MS};
        conns[i] = http_conn_open(rig->http, SPAN("192.0.2.2"), now, ignore_output, NULL);
        rig->conn = conns[i];
        rig_post(rig, VALIDATE, JSON, body.text);
        assert_string_equal(rig->reply, "");
    }
    size_t first = memory_store_release(rig->store);
    assert_int_equal(first, API_BATCH_PLACES_MAX + CROWD);
    for (size_t more = first; more > 0; more = memory_store_release(rig->store))
        done += more;
    assert_int_equal(done, expected);
    for (size_t i = 0; i < CROWD; i++) {
        rig->conn = conns[i];
        rig_receive(rig);
        assert_int_equal(times(rig->body, "\"code\":1537,"), API_BATCH_MAX);
        http_conn_close(&conns[i]);
    }
    rig->conn = own;
    rig_destroy(rig);
}

#define DURABLE_TEST(test) cmocka_unit_test_setup_teardown(test, create_durable, destroy_durable)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_those_of_single_calls),
        cmocka_unit_test(only_what_shares_a_record_waits),
        cmocka_unit_test(an_address_that_is_looked_up_may_be_anybodys),
        cmocka_unit_test(one_code_opens_once_in_a_batch),
        DURABLE_TEST(a_hundred_items_are_one_commit),
        DURABLE_TEST(a_hundred_items_of_few_people_are_one_commit),
        DURABLE_TEST(a_hundred_usernames_are_two_commits),
        cmocka_unit_test(batches_without_a_place_go_on_item_by_item),
    };
    return cmocka_run_group_tests_name("api_batch_order", tests, NULL, NULL);
}
