// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Batches, against what single calls answer: two servers that draw the same random values are asked
// the same things, one of them call by call.
#include "api/batch.h"
#include "rig/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define TOKEN "/auth/v1/token/generate"
#define WEB_TOKEN "/auth/v1/web/token/generate"
#define GENERATE "/auth/v1/otp/generate"
#define WEB_GENERATE "/auth/v1/web/otp/generate"
#define VALIDATE "/auth/v1/otp/validate"
#define WEB_VALIDATE "/auth/v1/web/otp/validate"

#define JSON "Content-Type: application/json\r\n"
#define BRAND "\"brand\":\"DocDemo\""
#define MOBILE_ID "\"identifierType\":\"MOBILE\",\"identifierValue\":\"12025550147\""
#define PERSON MOBILE_ID "," BRAND ",\"deviceId\":\"123456785\""

#define STATUS(success, code, text) \
    "{\"status\":{\"success\":" success ",\"code\":" code ",\"message\":\"" text "\"}}"
#define SUCCESS STATUS("true", "200", "SUCCESS")
#define MALFORMED(fault) STATUS("false", "1519", "Invalid details for respective API: " fault)
#define SENDS_SPENT \
    STATUS("false", "1534", "Reached the maximum number of OTPs allowed per customer")
#define BUSY STATUS("false", "503", "Service Unavailable")

#define ENTRIES_MAX 128U
#define ITEM_BYTES_MAX 512U

struct items {
    size_t count;
    char texts[API_BATCH_MAX + 1][ITEM_BYTES_MAX];
};

struct pair {
    struct rig *single;
    struct rig *batched;
    struct items items;
    char expected[RIG_REPLY_BYTES_MAX]; // the replies of the single calls, as an array
};

static struct rig *create_rig_with_brands(void)
{
    struct rig *rig = rig_create_for(ENTRIES_MAX);
    struct brand_settings settings;
    brand_settings_init(&settings);
    rig_put_brand(rig, "Other", &settings);
    return rig;
}

static int create_pair(void **state)
{
    struct pair *pair = calloc(1, sizeof *pair);
    assert_non_null(pair);
    pair->single = create_rig_with_brands();
    pair->batched = create_rig_with_brands();
    *state = pair;
    return 0;
}

static int destroy_pair(void **state)
{
    struct pair *pair = *state;
    rig_destroy(pair->single);
    rig_destroy(pair->batched);
    free(pair);
    return 0;
}

static void add(struct items *items, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct items *items, const char *format, ...)
{
    va_list args;
    assert_true(items->count < COUNT_OF(items->texts));
    va_start(args, format);
    int len = vsnprintf(items->texts[items->count++], ITEM_BYTES_MAX, format, args);
    va_end(args);
    assert_in_range(len, 1, ITEM_BYTES_MAX - 1);
}

static void append(char *out, size_t cap, const char *first, const char *text)
{
    size_t len = strlen(out);
    int added = snprintf(out + len, cap - len, "%s%s", first, text);
    assert_in_range(added, 0, cap - len - 1);
}

static void post_batch(struct rig *rig, const char *path, const char *fields,
                       const struct items *items)
{
    size_t cap = items->count * (ITEM_BYTES_MAX + 1) + 3;
    char *body = calloc(1, cap);
    assert_non_null(body);
    append(body, cap, items->count == 0 ? "[" : "", "");
    for (size_t i = 0; i < items->count; i++)
        append(body, cap, i == 0 ? "[" : ",", items->texts[i]);
    append(body, cap, "", "]");
    rig_post(rig, path, fields, body);
    free(body);
}

static void post_singly(struct pair *pair, const char *path)
{
    pair->expected[0] = '\0';
    for (size_t i = 0; i < pair->items.count; i++) {
        rig_post(pair->single, path, JSON, pair->items.texts[i]);
        append(pair->expected, sizeof pair->expected, i == 0 ? "[" : ",", pair->single->body);
    }
    append(pair->expected, sizeof pair->expected, "", "]");
}

static void assert_batch(const struct rig *rig, const char *body)
{
    size_t same = 0;
    assert_int_equal(rig->status, 200);
    while (body[same] != '\0' && rig->body[same] == body[same])
        same++;
    if (rig->body[same] != body[same])
        fail_msg("from %zu on, expected: %.200s, got: %.200s", same, body + same, rig->body + same);
}

static void assert_same(struct pair *pair, const char *path)
{
    post_singly(pair, path);
    post_batch(pair->batched, path, JSON, &pair->items);
    assert_batch(pair->batched, pair->expected);
    pair->items.count = 0;
}

// How often `text` is in the batch's answer.
static size_t times(const struct rig *rig, const char *text)
{
    size_t count = 0;
    const char *at = rig->body;
    while ((at = strstr(at, text)) != NULL) {
        at += strlen(text);
        count++;
    }
    return count;
}

// On both rigs, which give the same id.
static void open_session(struct pair *pair, const char *path, const char *person,
                         char session_id[SESSION_ID_TEXT_BYTES + 1])
{
    char other[SESSION_ID_TEXT_BYTES + 1];
    rig_postf(pair->single, path, "{%s}", person);
    rig_session_id(pair->single, session_id);
    rig_postf(pair->batched, path, "{%s}", person);
    rig_session_id(pair->batched, other);
    assert_string_equal(other, session_id);
}

static void send_code(struct pair *pair, const char *path, const char *person,
                      const char *session_id, struct rig_message *message)
{
    struct rig_message other;
    rig_postf(pair->single, path, "{%s,\"sessionId\":\"%s\"}", person, session_id);
    assert_true(rig_take_message(pair->single, message));
    rig_postf(pair->batched, path, "{%s,\"sessionId\":\"%s\"}", person, session_id);
    assert_true(rig_take_message(pair->batched, &other));
    assert_string_equal(other.otp, message->otp);
}

static const char *const malformed[] = {
    "5",
    "null",
    "\"x\"",
    "true",
    "-1.5",
    "{}",
    "{" MOBILE_ID "}",
    "{" MOBILE_ID "," BRAND "," BRAND "}",
    "{\"identifierType\":\"FAX\",\"identifierValue\":\"1\"," BRAND "}",
    "{" MOBILE_ID "," BRAND ",\"x\":nul}",
};

static void ten_malformed_of_a_hundred_harm_no_other(void **state)
{
    struct pair *pair = *state;
    const char *const paths[] = {TOKEN, WEB_TOKEN};
    for (size_t p = 0; p < COUNT_OF(paths); p++) {
        for (unsigned i = 0; i < API_BATCH_MAX; i++) {
            if (i % 10 == 3)
                add(&pair->items, "%s", malformed[i / 10]);
            else
                add(&pair->items,
                    "{\"identifierType\":\"EMAIL\",\"identifierValue\":\"p%u@example.com\","
                    "\"brand\":\"%s\",\"deviceId\":%u}",
                    i, i % 10 == 5 ? "Other" : "docdemo", i);
        }
        assert_same(pair, paths[p]);
        assert_int_equal(times(pair->batched, "\"code\":200,"), 90);
        assert_int_equal(times(pair->batched, "\"code\":1519,"), 9);
        assert_int_equal(times(pair->batched, "\"code\":1546,"), 1);
        assert_int_equal(times(pair->batched, "not valid JSON\""), 1);
        assert_int_equal(times(pair->batched, "not an object\""), 5);
    }
}

// Every kind of refusal, in the midst of successes.
static void items_of_sending_answer_as_single_calls(void **state)
{
    struct pair *pair = *state;
    char id[SESSION_ID_TEXT_BYTES + 1];
    open_session(pair, TOKEN, PERSON, id);
    add(&pair->items, "{" PERSON ",\"sessionId\":\"%s\"}", id);
    add(&pair->items, "{" PERSON "}");
    add(&pair->items, "{" PERSON ",\"sessionId\":\"x\"}");
    add(&pair->items, "{" MOBILE_ID "," BRAND ",\"sessionId\":\"%s\"}", id);
    add(&pair->items, "{" MOBILE_ID "," BRAND ",\"deviceId\":\"1\",\"sessionId\":\"%s\"}", id);
    add(&pair->items, "{" MOBILE_ID ",\"brand\":\"Other\",\"sessionId\":\"%s\"}", id);
    add(&pair->items, "{" MOBILE_ID ",\"brand\":\"Nobody\",\"sessionId\":\"%s\"}", id);
    add(&pair->items, "{" PERSON ",\"sessionId\":\"%s\"}", id);
    assert_same(pair, GENERATE);
    assert_int_equal(times(pair->batched, SUCCESS), 2);
    assert_int_equal(times(pair->batched, "\"code\":1508,"), 1);
    assert_int_equal(times(pair->batched, "\"code\":1509,"), 1);
}

static void a_fallback_channel_is_for_all_items(void **state)
{
    struct pair *pair = *state;
    char id[SESSION_ID_TEXT_BYTES + 1];
    const char *const queries[] = {"EMAIL", "WHATSAPP", "ZALO", "FAX"};
    open_session(pair, TOKEN, PERSON, id);
    for (size_t i = 0; i < COUNT_OF(queries); i++) {
        char path[64];
        (void)snprintf(path, sizeof path, GENERATE "?fallbackChannel=%s", queries[i]);
        for (int item = 0; item < 3; item++)
            add(&pair->items, "{" PERSON ",\"sessionId\":\"%s\"}", id);
        add(&pair->items, "{}");
        assert_same(pair, path);
    }
    assert_int_equal(times(pair->batched, "must be SMS, WHATSAPP, ZALO or EMAIL"), 3);
}

// Both families of a person each: wrong, right, spent.
static void items_of_validating_answer_as_single_calls(void **state)
{
    struct pair *pair = *state;
    struct rig_message message;
    char id[SESSION_ID_TEXT_BYTES + 1];
    open_session(pair, TOKEN, PERSON, id);
    send_code(pair, GENERATE, PERSON, id, &message);
    const char *const guesses[] = {"x", "", message.otp, message.otp};
    for (size_t i = 0; i < COUNT_OF(guesses); i++)
        add(&pair->items, "{" PERSON ",\"sessionId\":\"%s\",\"otp\":\"%s\"}", id, guesses[i]);
    add(&pair->items, "{" PERSON ",\"sessionId\":\"%s\"}", id);
    assert_same(pair, VALIDATE);
    assert_int_equal(times(pair->batched, "\"code\":1506,"), 2);
    assert_int_equal(times(pair->batched, "\"role\":\"USER\""), 1);
    assert_int_equal(times(pair->batched, "\"code\":1505,"), 1);

    open_session(pair, WEB_TOKEN, MOBILE_ID "," BRAND, id);
    send_code(pair, WEB_GENERATE, MOBILE_ID "," BRAND, id, &message);
    for (size_t i = 0; i < COUNT_OF(guesses); i++)
        add(&pair->items, "{" MOBILE_ID "," BRAND ",\"sessionId\":\"%s\",\"otp\":\"%s\"}", id,
            guesses[i]);
    assert_same(pair, WEB_VALIDATE);
    assert_int_equal(times(pair->batched, "\"user\":null"), 1);
}

static void tries_are_counted_within_a_batch(void **state)
{
    struct pair *pair = *state;
    struct rig_message message;
    char id[SESSION_ID_TEXT_BYTES + 1];
    open_session(pair, TOKEN, PERSON, id);
    send_code(pair, GENERATE, PERSON, id, &message);
    for (int i = 0; i < 7; i++)
        add(&pair->items, "{" PERSON ",\"sessionId\":\"%s\",\"otp\":\"x\"}", id);
    add(&pair->items, "{" PERSON ",\"sessionId\":\"%s\",\"otp\":\"%s\"}", id, message.otp);
    assert_same(pair, VALIDATE);
    assert_int_equal(times(pair->batched, "\"code\":1506,"), 5);
    assert_int_equal(times(pair->batched, "\"code\":1518,"), 3);
    const char *spent = strstr(pair->batched->body, "\"code\":1518,");
    assert_null(strstr(spent, "\"code\":1506,"));
}

// 70 times the same person: so many go through, and not one more.
static void send_seventy(struct pair *pair, uint32_t count_max)
{
    char id[SESSION_ID_TEXT_BYTES + 1];
    char expected[70 * 128] = "";
    char value[64];
    struct brand_settings settings;
    brand_settings_init(&settings);
    settings.otp_max_count = count_max;
    settings.otp_time_out_minutes = 10;
    rig_put_brand(pair->single, "DocDemo", &settings);
    rig_put_brand(pair->batched, "DocDemo", &settings);
    open_session(pair, TOKEN, PERSON, id);
    for (uint32_t i = 0; i < 70; i++) {
        add(&pair->items, "{" PERSON ",\"sessionId\":\"%s\"}", id);
        append(expected, sizeof expected, i == 0 ? "[" : ",",
               i < count_max ? SUCCESS : SENDS_SPENT);
    }
    append(expected, sizeof expected, "", "]");
    assert_same(pair, GENERATE);
    assert_batch(pair->batched, expected);
    assert_null(rig_field(pair->batched, "Retry-After", value, sizeof value));
    assert_non_null(rig_field(pair->single, "Retry-After", value, sizeof value));
}

static void the_widest_limit_holds_within_a_batch(void **state)
{
    send_seventy(*state, 64);
}

static void a_limit_holds_within_a_batch(void **state)
{
    send_seventy(*state, 5);
}

struct shape_row {
    const char *body;
    int status;
    const char *reply;
};

#define NOT_OBJECT MALFORMED("not an object")
#define NOT_JSON MALFORMED("not valid JSON")
#define NOT_SO_MANY MALFORMED("an array must have 1 to 100 items")

static const struct shape_row shape_rows[] = {
    {"[]", 400, NOT_SO_MANY},
    {" [ ] ", 400, NOT_SO_MANY},
    {"[", 400, NOT_JSON},
    {"[1", 400, NOT_JSON},
    {"[1,]", 400, NOT_JSON},
    {"[1]]", 400, NOT_JSON},
    {"[{]", 400, NOT_JSON},
    {"[\"]", 400, NOT_JSON},
    {"[[]]", 200, "[" NOT_OBJECT "]"},
    {"[[[]]]", 200, "[" NOT_OBJECT "]"},
    {"[[{" PERSON "}]]", 200, "[" NOT_OBJECT "]"},
    {"[[1,2],{bad},\"]\"]", 200, "[" NOT_OBJECT "," NOT_JSON "," NOT_OBJECT "]"},
    {"\xEF\xBB\xBF\n[ \t1 ]\r\n", 200, "[" NOT_OBJECT "]"},
    {"[{}]", 200, "[" MALFORMED("brand is missing") "]"},
};

static void shapes_of_arrays(void **state)
{
    struct pair *pair = *state;
    for (size_t i = 0; i < COUNT_OF(shape_rows); i++) {
        const struct shape_row *row = &shape_rows[i];
        rig_post(pair->batched, TOKEN, JSON, row->body);
        if (pair->batched->status != row->status || strcmp(pair->batched->body, row->reply) != 0)
            fail_msg("%s: got %s", row->body, pair->batched->reply);
    }
}

static void a_hundred_items_at_most(void **state)
{
    struct pair *pair = *state;
    for (unsigned i = 0; i < API_BATCH_MAX; i++)
        add(&pair->items, "{" PERSON "}");
    post_batch(pair->batched, TOKEN, JSON, &pair->items);
    assert_int_equal(pair->batched->status, 200);
    assert_int_equal(times(pair->batched, "\"code\":200,"), API_BATCH_MAX);
    add(&pair->items, "{" PERSON "}");
    post_batch(pair->batched, TOKEN, JSON, &pair->items);
    assert_int_equal(pair->batched->status, 400);
    assert_string_equal(pair->batched->body, NOT_SO_MANY);
    rig_post(pair->batched, TOKEN, "Content-Type: text/plain\r\n", "[{" PERSON "}]");
    assert_int_equal(pair->batched->status, 415);
}

// What all of them would copy into the arena does not fit it.
static void items_use_the_same_memory(void **state)
{
    struct pair *pair = *state;
    char id[SESSION_ID_TEXT_BYTES + 1];
    char person[ITEM_BYTES_MAX / 2];
    char device[129] = "";
    memset(device, 'd', sizeof device - 1);
    (void)snprintf(person, sizeof person, MOBILE_ID "," BRAND ",\"deviceId\":\"%s\"", device);
    open_session(pair, TOKEN, person, id);
    for (unsigned i = 0; i < API_BATCH_MAX; i++)
        add(&pair->items, "{%s,\"sessionId\":\"%s\"}", person, id);
    assert_same(pair, GENERATE "?fallbackChannel=WHATSAPP");
    assert_int_equal(times(pair->batched, SUCCESS), API_BATCH_MAX);
}

static void add_nested(struct items *items, size_t arrays)
{
    char open[JSON_DEPTH_MAX];
    char close[JSON_DEPTH_MAX];
    memset(open, '[', sizeof open);
    memset(close, ']', sizeof close);
    add(items, "{" PERSON ",\"x\":%.*s%.*s}", (int)arrays, open, (int)arrays, close);
}

// As deep as a single call may be: the array around it does not count. One deeper is no batch.
static void depth_is_that_of_a_single_call(void **state)
{
    struct pair *pair = *state;
    struct rig *rig = pair->batched;
    add_nested(&pair->items, 1);
    add_nested(&pair->items, JSON_DEPTH_MAX - 1);
    assert_same(pair, TOKEN);
    assert_int_equal(times(rig, "\"code\":200,"), 2);
    add_nested(&pair->items, JSON_DEPTH_MAX);
    post_batch(rig, TOKEN, JSON, &pair->items);
    assert_int_equal(rig->status, 400);
    assert_string_equal(rig->body, NOT_JSON);
}

static void add_sends(struct pair *pair, size_t count)
{
    char id[SESSION_ID_TEXT_BYTES + 1];
    for (size_t i = 0; i < count; i++) {
        char person[256];
        (void)snprintf(person, sizeof person,
                       "\"identifierType\":\"EMAIL\",\"identifierValue\":\"p%zu@example.com\","
                       "\"deviceId\":\"d%zu\"," BRAND,
                       i, i);
        open_session(pair, TOKEN, person, id);
        add(&pair->items, "{%s,\"sessionId\":\"%s\"}", person, id);
    }
}

static void ignore_output(void *ctx)
{
    (void)ctx;
}

// Another client of the same loop.
static struct http_conn *open_connection(struct rig *rig)
{
    struct mono now = {rig->now_ms - RIG_START_MS};
    struct http_conn *conn = http_conn_open(rig->http, SPAN("192.0.2.2"), now, ignore_output, NULL);
    assert_non_null(conn);
    return conn;
}

static void speak_by(struct rig *rig, struct http_conn **conn)
{
    struct http_conn *spare = rig->conn;
    rig->conn = *conn;
    *conn = spare;
}

// Every item is done later, and in between the loop parses the bodies of somebody else.
static void items_that_are_done_later(void **state)
{
    struct pair *pair = *state;
    struct rig *rig = pair->batched;
    struct http_conn *other = open_connection(rig);
    add_sends(pair, 20);
    add(&pair->items, "7");
    post_singly(pair, GENERATE);
    rig->fault = MEMORY_FAULT_DELAY;
    rig->fault_stays = true;
    post_batch(rig, GENERATE, JSON, &pair->items);
    assert_string_equal(rig->reply, "");
    assert_int_equal(memory_store_records(rig->store), 0);
    speak_by(rig, &other);
    rig_post(rig, GENERATE, JSON, "[{\"brand\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxx\"},[7],8]");
    assert_int_equal(rig->status, 200);
    speak_by(rig, &other);
    rig_receive(rig);
    assert_string_equal(rig->reply, "");
    assert_int_equal(memory_store_release(rig->store), 20);
    rig_receive(rig);
    assert_batch(rig, pair->expected);
    http_conn_close(&other);
}

// Who is done later holds up nobody, and is answered in place.
static void some_later_and_some_at_once(void **state)
{
    struct pair *pair = *state;
    struct rig *rig = pair->batched;
    add_sends(pair, 9);
    add(&pair->items, "7");
    post_singly(pair, GENERATE);
    rig->fault = MEMORY_FAULT_DELAY;
    rig->fault_skips = 4;
    post_batch(rig, GENERATE, JSON, &pair->items);
    assert_string_equal(rig->reply, "");
    assert_int_equal(memory_store_records(rig->store), 8);
    assert_int_equal(memory_store_release(rig->store), 1);
    rig_receive(rig);
    assert_batch(rig, pair->expected);
    assert_int_equal(memory_store_records(rig->store), 9);
}

static void a_failure_is_that_of_its_item(void **state)
{
    struct pair *pair = *state;
    struct rig *rig = pair->batched;
    char value[64];
    add_sends(pair, 4);
    rig->fault = MEMORY_FAULT_FAILURE;
    rig->fault_skips = 2;
    post_batch(rig, GENERATE, JSON, &pair->items);
    assert_batch(rig, "[" SUCCESS "," SUCCESS "," BUSY "," SUCCESS "]");
    assert_null(rig_field(rig, "Retry-After", value, sizeof value));
    assert_int_equal(memory_store_records(rig->store), 3);
}

static void a_full_outbox_refuses_the_rest(void **state)
{
    struct pair *pair = *state;
    struct rig *small = rig_create();
    rig_destroy(pair->batched);
    rig_destroy(pair->single);
    pair->batched = small;
    pair->single = rig_create();
    add_sends(pair, 6);
    assert_same(pair, GENERATE);
    assert_batch(small, "[" SUCCESS "," SUCCESS "," SUCCESS "," SUCCESS "," BUSY "," BUSY "]");
}

// The third of five is the last that the store hears of.
static void crash_at_third(struct pair *pair, enum memory_fault crash, size_t records)
{
    struct rig *rig = pair->batched;
    add_sends(pair, 5);
    rig->fault = crash;
    rig->fault_skips = 2;
    post_batch(rig, GENERATE, JSON, &pair->items);
    assert_batch(rig, "[" SUCCESS "," SUCCESS "," BUSY "," BUSY "," BUSY "]");
    memory_store_recover(rig->store);
    assert_int_equal(memory_store_records(rig->store), records);
    post_batch(rig, GENERATE, JSON, &pair->items);
    assert_int_equal(times(rig, SUCCESS), 5);
}

static void a_crash_before_an_item_is_saved(void **state)
{
    crash_at_third(*state, MEMORY_FAULT_CRASH_BEFORE, 2);
}

static void a_crash_after_an_item_is_saved(void **state)
{
    crash_at_third(*state, MEMORY_FAULT_CRASH_AFTER, 3);
}

// The op that is out when the store dies is told so; those that were done before are not.
static void a_crash_while_an_item_waits(void **state)
{
    struct pair *pair = *state;
    struct rig *rig = pair->batched;
    struct http_conn *other = open_connection(rig);
    add_sends(pair, 3);
    rig->fault = MEMORY_FAULT_DELAY;
    rig->fault_skips = 1;
    post_batch(rig, GENERATE, JSON, &pair->items);
    assert_string_equal(rig->reply, "");
    speak_by(rig, &other);
    rig->fault = MEMORY_FAULT_CRASH_BEFORE;
    rig_post(rig, GENERATE, JSON, pair->items.texts[2]);
    assert_int_equal(rig->status, 503);
    speak_by(rig, &other);
    memory_store_recover(rig->store);
    rig_receive(rig);
    assert_batch(rig, "[" SUCCESS "," BUSY "," SUCCESS "]");
    assert_int_equal(memory_store_records(rig->store), 2);
    http_conn_close(&other);
}

static void a_client_that_leaves_stops_nothing(void **state)
{
    struct pair *pair = *state;
    struct rig *rig = pair->batched;
    add_sends(pair, 6);
    rig->fault = MEMORY_FAULT_DELAY;
    rig->fault_skips = 3;
    post_batch(rig, GENERATE, JSON, &pair->items);
    http_conn_close(&rig->conn);
    rig->conn = open_connection(rig);
    assert_int_equal(memory_store_records(rig->store), 5);
    assert_int_equal(memory_store_release(rig->store), 1);
    assert_int_equal(memory_store_records(rig->store), 6);
    rig_post(rig, GENERATE, JSON, "[5]");
    assert_batch(rig, "[" NOT_OBJECT "]");
}

static void the_next_request_waits_for_the_batch(void **state)
{
    struct pair *pair = *state;
    struct rig *rig = pair->batched;
    add_sends(pair, 2);
    rig->fault = MEMORY_FAULT_DELAY;
    post_batch(rig, GENERATE, JSON, &pair->items);
    rig_post(rig, GENERATE, JSON, "{}");
    assert_string_equal(rig->reply, "");
    assert_int_equal(memory_store_release(rig->store), 1);
    rig_receive(rig);
    const char *second = strstr(rig->body, "HTTP/1.1 400 ");
    assert_non_null(second);
    assert_memory_equal(rig->body, "[" SUCCESS "," SUCCESS "]", (size_t)(second - rig->body));
}

struct cors_row {
    const char *items;
    const char *origin; // that may read the answer; NULL: none
};

#define OF(brand) "{" MOBILE_ID ",\"brand\":\"" brand "\"}"

static const struct cors_row cors_rows[] = {
    {"[" OF("Shop") "]", "https://shop.example.com"},
    {"[" OF("Shop") "," OF("Nobody") ",5," OF("Shop") "]", "https://shop.example.com"},
    {"[" OF("Nobody") "," OF("Shop") "]", "https://shop.example.com"},
    {"[" OF("Shop") "," OF("Other") "]", NULL},
    {"[" OF("Other") "," OF("Shop") "]", NULL},
    {"[" OF("Nobody") ",5]", NULL},
    {"[]", NULL},
};

static void every_brand_of_a_batch_has_to_allow_the_origin(void **state)
{
    struct pair *pair = *state;
    struct rig *rig = pair->batched;
    struct brand_settings settings;
    brand_settings_init(&settings);
    memcpy(settings.cors_origins, cors_rows[0].origin, strlen(cors_rows[0].origin) + 1);
    rig_put_brand(rig, "Shop", &settings);
    for (size_t i = 0; i < COUNT_OF(cors_rows); i++) {
        char value[64];
        rig_post(rig, WEB_TOKEN, JSON "Origin: https://shop.example.com\r\n", cors_rows[i].items);
        const char *origin = rig_field(rig, "Access-Control-Allow-Origin", value, sizeof value);
        if (cors_rows[i].origin == NULL ? origin != NULL
                                        : origin == NULL || strcmp(origin, cors_rows[i].origin))
            fail_msg("row %zu: got %s", i, rig->reply);
    }
}

// "*" comes without credentials: so does a batch in which one brand says so.
static void credentials_need_every_brand(void **state)
{
    struct pair *pair = *state;
    struct rig *rig = pair->batched;
    struct brand_settings settings;
    char value[64];
    brand_settings_init(&settings);
    memcpy(settings.cors_origins, "*", 2);
    rig_put_brand(rig, "Other", &settings);
    memcpy(settings.cors_origins, "https://shop.example.com", 25);
    rig_put_brand(rig, "Shop", &settings);
    rig_post(rig, WEB_TOKEN, JSON "Origin: https://shop.example.com\r\n", "[" OF("Shop") "]");
    assert_non_null(rig_field(rig, "Access-Control-Allow-Credentials", value, sizeof value));
    rig_post(rig, WEB_TOKEN, JSON "Origin: https://shop.example.com\r\n",
             "[" OF("Shop") "," OF("Other") "]");
    assert_null(rig_field(rig, "Access-Control-Allow-Credentials", value, sizeof value));
    assert_non_null(rig_field(rig, "Access-Control-Allow-Origin", value, sizeof value));
}

#define PAIR_TEST(test) cmocka_unit_test_setup_teardown(test, create_pair, destroy_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(ten_malformed_of_a_hundred_harm_no_other),
        PAIR_TEST(items_of_sending_answer_as_single_calls),
        PAIR_TEST(a_fallback_channel_is_for_all_items),
        PAIR_TEST(items_of_validating_answer_as_single_calls),
        PAIR_TEST(tries_are_counted_within_a_batch),
        PAIR_TEST(the_widest_limit_holds_within_a_batch),
        PAIR_TEST(a_limit_holds_within_a_batch),
        PAIR_TEST(shapes_of_arrays),
        PAIR_TEST(a_hundred_items_at_most),
        PAIR_TEST(items_use_the_same_memory),
        PAIR_TEST(depth_is_that_of_a_single_call),
        PAIR_TEST(items_that_are_done_later),
        PAIR_TEST(some_later_and_some_at_once),
        PAIR_TEST(a_failure_is_that_of_its_item),
        PAIR_TEST(a_full_outbox_refuses_the_rest),
        PAIR_TEST(a_crash_before_an_item_is_saved),
        PAIR_TEST(a_crash_after_an_item_is_saved),
        PAIR_TEST(a_crash_while_an_item_waits),
        PAIR_TEST(a_client_that_leaves_stops_nothing),
        PAIR_TEST(the_next_request_waits_for_the_batch),
        PAIR_TEST(every_brand_of_a_batch_has_to_allow_the_origin),
        PAIR_TEST(credentials_need_every_brand),
    };
    return cmocka_run_group_tests_name("api_batch", tests, NULL, NULL);
}
