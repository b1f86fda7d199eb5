// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// How reports are found in a call, by recipes that no provider has. Real calls and signatures are
// tested with the providers' data; Zalo's were made by Python's hashlib.
#include "channel/report.h"
#include "channel/test_recipe_lines.h"

#include <stdio.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define STORY_BYTES_MAX 600U
#define HEAD                                                                             \
    "recipe=x\nchannels=SMS\nrequest.url=https://example.com/\nparameters.key.optional=" \
    "true\ncodes.7=unreachable\ncodes.8=unknown\ntexts.nobody=invalid_number\n"
#define STATES "receipt.states.1=delivered\nreceipt.states.No=failed\nreceipt.states.w=onItsWay\n"
#define USUAL                                                                              \
    HEAD STATES "receipt.accept=json form query\nreceipt.id=id\nreceipt.state=s\nreceipt." \
                "code=c d\nreceipt.words=t\n"

// What has been told, as text: "failed:unreachable:id:words "
struct told {
    char text[1024];
    size_t len;
    size_t reports_left; // until no more is taken
};

static bool take(void *ctx, const struct report *report)
{
    static const char *const states[] = {"delivered", "failed", "onItsWay"};
    struct told *told = ctx;
    if (told->reports_left-- == 0)
        return false;
    int len = snprintf(
        told->text + told->len, sizeof told->text - told->len, "%s%s:%s:%.*s:%.*s:%.*s ",
        states[report->state], report->is_state_known ? "" : "?", send_reason_name(report->reason),
        (int)report->ref.len, (const char *)report->ref.data, (int)report->words.len,
        (const char *)report->words.data, (int)report->echo.len, (const char *)report->echo.data);
    assert_true(len > 0 && told->len + (size_t)len < sizeof told->text);
    told->len += (size_t)len;
    return true;
}

static void on_error(void *ctx, uint32_t line, uint32_t column, const struct err_info *info)
{
    char *first = ctx;
    (void)column;
    if (first[0] == '\0')
        (void)snprintf(first, STORY_BYTES_MAX, "%u: %s", line, info->text);
}

static struct recipe *compile(const char *text, char story_out[STORY_BYTES_MAX])
{
    static struct recipe_field fields[RECIPE_FIELDS_MAX];
    struct recipe *recipe = NULL;
    const struct recipe_complaints complaints = {on_error, story_out};
    size_t count = recipe_lines_split(span_of_text(text), fields, COUNT_OF(fields));
    story_out[0] = '\0';
    enum err err = recipe_compile(fields, count, &complaints, &recipe);
    assert_int_equal(err, story_out[0] != '\0' ? ERR_INVALID : ERR_OK);
    return recipe;
}

static struct span no_header(const void *ctx, struct span name)
{
    (void)ctx;
    (void)name;
    return SPAN("");
}

static enum report_verdict read_by(const char *text, struct report_request request,
                                   struct told *told)
{
    char story[STORY_BYTES_MAX];
    uint8_t room[REPORT_ANSWER_BYTES_MAX];
    struct strbuf answer = strbuf_over(room, sizeof room);
    struct report_reader *reader = NULL;
    struct recipe *recipe = compile(text, story);
    const struct report_taker taker = {take, told};
    assert_string_equal(story, "");
    assert_int_equal(report_reader_create(recipe, NULL, 0, &reader, NULL), ERR_OK);
    request.header = no_header;
    enum report_verdict verdict = report_read(reader, &request, &taker, &answer);
    report_reader_destroy(&reader);
    recipe_destroy(&recipe);
    return verdict;
}

struct reading {
    const char *name, *recipe, *body, *told; // told NULL: unreadable
};

static void check_reading(const struct reading *row, struct report_request request)
{
    struct told told = {.reports_left = SIZE_MAX};
    enum report_verdict verdict = read_by(row->recipe, request, &told);
    const char *expected = row->told != NULL ? row->told : "";
    if (strcmp(told.text, expected) != 0)
        fail_msg("%s: \"%s\" instead of \"%s\"", row->name, told.text, expected);
    assert_int_equal(verdict, row->told != NULL ? REPORT_READ : REPORT_UNREADABLE);
}

static const struct reading json_readings[] = {
    {"one", USUAL, "{\"id\":\"a\",\"s\":1}", "delivered:none:a:: "},
    {"a word in any case", USUAL, "{\"id\":\"a\",\"s\":\"NO\"}", "failed:unclassified:a:: "},
    {"an id that is a number", USUAL, "{\"id\":17,\"s\":\"1\"}", "delivered:none:17:: "},
    {"an id that is true", USUAL, "{\"id\":true,\"s\":\"1\"}", "delivered:none:true:: "},
    {"no id", USUAL, "{\"s\":\"1\"}", "delivered:none::: "},
    {"an id with a space", USUAL, "{\"id\":\"a b\",\"s\":\"1\"}", "delivered:none::: "},
    {"no state", USUAL, "{\"id\":\"a\"}", ""},
    {"a state that is a list", USUAL, "{\"id\":\"a\",\"s\":[1]}", ""},
    {"an unknown state", USUAL, "{\"id\":\"a\",\"s\":\"x\"}", "onItsWay?:none:a:: "},
    {"a code", USUAL, "{\"id\":\"a\",\"s\":\"no\",\"c\":7}", "failed:unreachable:a:7: "},
    {"the second code", USUAL, "{\"id\":\"a\",\"s\":\"no\",\"c\":1,\"d\":7}",
     "failed:unreachable:a:7: "},
    {"no known code", USUAL, "{\"id\":\"a\",\"s\":\"no\",\"c\":1,\"d\":2}",
     "failed:unclassified:a:1: "},
    {"a code that says nothing", USUAL, "{\"id\":\"a\",\"s\":\"no\",\"c\":8}",
     "onItsWay:none:a:: "},
    {"words", USUAL, "{\"id\":\"a\",\"s\":\"no\",\"t\":\"Nobody there\"}",
     "failed:invalid_number:a:Nobody there: "},
    {"a number and a code in the words", USUAL,
     "{\"id\":\"a\",\"s\":\"no\",\"c\":7,\"t\":\"+12025550147 got 1234, not 123\\n\"}",
     "failed:unreachable:a:7: +*** got ***, not 123 : "},
    {"own codes", USUAL "receipt.codes.9=throttled\n", "{\"s\":\"no\",\"c\":9}",
     "failed:throttled::9: "},
    {"own codes alone", USUAL "receipt.codes.9=throttled\n", "{\"s\":\"no\",\"c\":7}",
     "failed:unclassified::7: "},
    {"the first known state of two", HEAD STATES "receipt.accept=json\nreceipt.state=x s\n",
     "{\"x\":\"news\",\"s\":\"1\"}", "delivered:none::: "},
    {"a list", USUAL "receipt.list=*\n", "[{\"s\":1,\"id\":1},{\"s\":\"w\",\"id\":2},{}]",
     "delivered:none:1:: onItsWay:none:2:: "},
    {"a list in lists", USUAL "receipt.list=a.*.b.*\n",
     "{\"a\":[{\"b\":[{\"s\":1,\"id\":1},{\"s\":1,\"id\":2}]},{},{\"b\":[]},"
     "{\"b\":[{\"s\":1,\"id\":3}]}]}",
     "delivered:none:1:: delivered:none:2:: delivered:none:3:: "},
    {"from what the list stands in",
     HEAD STATES "receipt.accept=json\nreceipt.state=s\nreceipt.list=*.b.*\nreceipt.id=^.id id\n",
     "[{\"id\":\"out\",\"b\":[{\"s\":1,\"id\":\"in\"}]},{\"b\":[{\"s\":1,\"id\":\"in\"}]}]",
     "delivered:none:out:: delivered:none:in:: "},
    {"the second path of a list", USUAL "receipt.list=* .\n", "{\"s\":1}", "delivered:none::: "},
    {"a list that is none", USUAL "receipt.list=a.*\n", "{\"a\":{\"s\":1}}", ""},
    {"a list of numbers", USUAL "receipt.list=a.*\n", "{\"a\":[1,\"x\",null,[]]}", ""},
    {"only with", USUAL "receipt.list=*\nreceipt.onlyWith=m.t\n",
     "[{\"s\":1,\"id\":1},{\"s\":1,\"id\":2,\"m\":{\"t\":0}}]", "delivered:none:2:: "},
    {"an echo", USUAL "receipt.echo=e\n", "{\"s\":1,\"e\":\"https://x/y\"}",
     "delivered:none:::https://x/y "},
    {"inside", USUAL "receipt.inside=m n\n", "{\"n\":\"{\\\"s\\\":1}\",\"s\":\"w\"}",
     "delivered:none::: "},
    {"nothing inside", USUAL "receipt.inside=m n\n", "{\"n\":1,\"s\":\"w\"}", "onItsWay:none::: "},
    {"rubbish inside", USUAL "receipt.inside=m\n", "{\"m\":\"[\",\"s\":\"w\"}", NULL},
    {"no JSON", USUAL, "s=1", NULL},
    {"no body", USUAL, "", NULL},
    {"a scalar", USUAL, "1", NULL},
    {"a member twice", USUAL, "{\"s\":1,\"s\":\"no\"}", NULL},
    {"no UTF-8", USUAL, "{\"s\":1,\"id\":\"\xFF\"}", NULL},
    {"no JSON is taken", HEAD STATES "receipt.accept=form query\nreceipt.state=s\n", "{\"s\":1}",
     NULL},
};

#define LENIENT USUAL "receipt.lenient=true\n"
#define OPEN "\xE2\x80\x9C"
#define CLOSE "\xE2\x80\x9D"

static const struct reading lenient_readings[] = {
    {"typographic quotes", LENIENT, "{" OPEN "id" CLOSE ":" OPEN "a" CLOSE "," OPEN "s" CLOSE ":1}",
     "delivered:none:a:: "},
    {"quotes in quotes", LENIENT, "{" OPEN "s" CLOSE ":\"no\",t:" OPEN "a \"b\"" CLOSE "}",
     "failed:unclassified::a \"b\": "},
    {"the other way round", LENIENT, "{s:\"no\",\"t\":\"a " OPEN "b" CLOSE "\\\" }\"}",
     "failed:unclassified::a " OPEN "b" CLOSE "\" }: "},
    {"bare words", LENIENT, "{id: 349-22_a.b, s :no, c:7}", "failed:unreachable:349-22_a.b:7: "},
    {"numbers and literals", LENIENT, "{id:true,s:1,c:-1.5e3,d:null}", "delivered:none:true:: "},
    {"a number that is too long", LENIENT, "{id:34928112345678901234,s:1}",
     "delivered:none:34928112345678901234:: "},
    {"JSON", LENIENT, "{\"id\":\"a\",\"s\":1}", "delivered:none:a:: "},
    {"a quote that is not closed", LENIENT, "{id:\"a", NULL},
    {"a typographic one", LENIENT, "{id:" OPEN "a", NULL},
    {"half a character", LENIENT, "{id:" OPEN "a\xE2\x80", NULL},
    {"a brace too few", LENIENT, "{s:1", NULL},
    {"a name twice", LENIENT, "{s:1,s:no}", NULL},
    {"nothing", LENIENT, "", NULL},
    {"not for others", USUAL, "{s:1}", NULL},
};

static void what_is_nearly_json_is_mended(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lenient_readings); i++)
        check_reading(&lenient_readings[i],
                      (struct report_request){.body = span_of_text(lenient_readings[i].body)});
}

static void reports_are_found_in_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(json_readings); i++)
        check_reading(&json_readings[i],
                      (struct report_request){.body = span_of_text(json_readings[i].body)});
}

static const struct reading form_readings[] = {
    {"one", USUAL, "id=a&s=1", "delivered:none:a:: "},
    {"encoded", USUAL, "%69d=a%2Fb%2b&s=n%6F&t=Nobody+%74here",
     "failed:invalid_number:a/b+:Nobody there: "},
    {"empty pairs and values", USUAL, "&&id=&s=1&x&", "delivered:none::: "},
    {"a value with =", USUAL, "id=a=b&s=1", "delivered:none:a=b:: "},
    {"nothing", USUAL, "", ""},
    {"no name", USUAL, "=a&s=1", NULL},
    {"a name twice", USUAL, "s=1&s=no", NULL},
    {"a name twice, spelt otherwise", USUAL, "s=1&%73=no", NULL},
    {"a cut escape", USUAL, "s=1&id=%4", NULL},
    {"a wrong escape", USUAL, "s=1&id=%4g", NULL},
    {"no UTF-8", USUAL, "s=1&id=%FF", NULL},
    {"no form is taken", HEAD STATES "receipt.accept=json\nreceipt.state=s\n", "s=1", NULL},
};

static void reports_are_found_in_forms_and_queries(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(form_readings); i++) {
        struct span text = span_of_text(form_readings[i].body);
        check_reading(&form_readings[i],
                      (struct report_request){
                          .content_type = SPAN("Application/x-www-form-urlencoded; charset=utf-8"),
                          .body = text});
        check_reading(&form_readings[i], (struct report_request){.is_get = true, .query = text});
    }
}

static void a_form_has_so_many_members(void **state)
{
    char text[1024];
    size_t len = 0;
    struct told told = {.reports_left = SIZE_MAX};
    (void)state;
    for (unsigned i = 0; i < 63; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "a%u=&", i);
    (void)snprintf(text + len, sizeof text - len, "s=1&x=1");
    struct report_request request = {.is_get = true, .query = span_make(text, len + 3)};
    assert_int_equal(read_by(USUAL, request, &told), REPORT_READ);
    assert_string_equal(told.text, "delivered:none::: ");
    request.query = span_make(text, len + 7);
    assert_int_equal(read_by(USUAL, request, &told), REPORT_UNREADABLE);
}

static void names_are_not_cut(void **state)
{
    char body[2048];
    struct told told = {.reports_left = SIZE_MAX};
    (void)state;
    int len = snprintf(body, sizeof body,
                       "[{\"s\":1,\"id\":\"%0128d\"},{\"s\":1,\"id\":\"%0129d\"}]", 0, 0);
    struct report_request request = {.body = span_make(body, (size_t)len)};
    assert_int_equal(read_by(USUAL "receipt.list=*\n", request, &told), REPORT_READ);
    assert_int_equal(told.len, sizeof "delivered:none:::  delivered:none:::  " - 1 - 2 + 128);
}

static void it_stops_when_it_is_told_to(void **state)
{
    struct told told = {.reports_left = 1};
    const struct report_request request = {.body = SPAN("[{\"s\":1},{\"s\":1},{\"s\":1}]")};
    (void)state;
    assert_int_equal(read_by(USUAL "receipt.list=*\n", request, &told), REPORT_STOPPED);
    assert_string_equal(told.text, "delivered:none::: ");
}

#define SIGNED "receipt.secret={key}\nreceipt.signature="

static const struct {
    const char *recipe, *story;
} wrongs[] = {
    {HEAD "receipt.colour=red\n", "8: a receipt has no \"colour\""},
    {HEAD "receipt.state.x=y\n", "8: a receipt has no \"state\" with keys below"},
    {HEAD "receipt.states=y\n", "8: a receipt has no \"states\""},
    {HEAD "receipt.states.x=gone\n", "8: \"gone\" is none of delivered, failed, onItsWay"},
    {HEAD "receipt.accept=json xml\n", "8: \"xml\" is none of json, form, query"},
    {HEAD "receipt.signature=hmac\n",
     "8: \"hmac\" is none of none, twilio, vonage, hub, standardWebhooks, zalo, sns"},
    {HEAD "receipt.secret={otp}\n", "8: only parameters are for credentials"},
    {HEAD "receipt.id=a..b\n",
     "8: a path is names, numbers and \"*\" with dots between, at most 8"},
    {HEAD "receipt.id=^a\n", "8: a path is names, numbers and \"*\" with dots between, at most 8"},
    {HEAD "receipt.codes.7=sad\n", NULL},
    {HEAD "receipt.id=a\n", "1: \"receipt.accept\" is missing: json, form or query"},
    {HEAD "receipt.accept=json\nreceipt.state=s\n",
     "1: \"receipt.state\" and \"receipt.states\" are missing"},
    {USUAL "receipt.signature=hub\n",
     "1: \"receipt.secret\" is for a \"receipt.signature\", which needs it"},
    {USUAL "receipt.secret={key}\n",
     "1: \"receipt.secret\" is for a \"receipt.signature\", which needs it"},
    {USUAL SIGNED "vonage\nreceipt.verifyToken={key}\n",
     "1: \"receipt.verifyToken\" is for \"receipt.signature: hub\""},
    {USUAL SIGNED "zalo\n",
     "1: \"receipt.appId\" is for \"receipt.signature: zalo\", which needs it"},
    {HEAD "query.r={receiptUrl}\n",
     "8: a code, a text or a secret must not stand in a URL: URLs are logged"},
};

static void what_is_wrong_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrongs); i++) {
        char story[STORY_BYTES_MAX];
        struct recipe *recipe = compile(wrongs[i].recipe, story);
        assert_null(recipe);
        if (wrongs[i].story != NULL)
            assert_string_equal(story, wrongs[i].story);
    }
}

static void a_signing_key_is_looked_at(void **state)
{
    const struct recipe_setting wrong = {SPAN("key"), SPAN("whsec_!")};
    char story[STORY_BYTES_MAX];
    struct err_info info;
    struct report_reader *reader = NULL;
    struct recipe *recipe = compile(USUAL SIGNED "standardWebhooks\n", story);
    (void)state;
    assert_int_equal(report_reader_create(recipe, &wrong, 1, &reader, &info), ERR_INVALID);
    assert_string_equal(info.text, "the signing secret is no \"whsec_\" with base64 behind it");
    assert_null(reader);
    assert_int_equal(report_reader_create(recipe, NULL, 0, &reader, &info), ERR_OK);
    assert_false(report_reader_checks(reader));
    report_reader_destroy(&reader);
    recipe_destroy(&recipe);
}

// Zalo's message events, of which those with a time of delivery are receipts.
#define ZALO                                                                                   \
    HEAD "parameters.app.optional=true\nreceipt.accept=json\nreceipt.signature=zalo\nreceipt." \
         "secret={key}\nreceipt.appId={app}\nreceipt.onlyWith=message.delivery_time\nreceipt." \
         "id=message.msg_id\nreceipt.state=event_name\nreceipt.states.user_received_message="  \
         "delivered\n"

static const struct {
    const char *body, *signature;
    enum report_verdict verdict;
    const char *told;
} zalo_rows[] = {
    {"{\"app_id\":\"42\",\"event_name\":\"user_received_message\",\"timestamp\":\"1767225604000\","
     "\"message\":{\"msg_id\":\"z-1\",\"delivery_time\":\"1767225603999\"}}",
     "mac=6715a3299cd8ef3fb7bf0e062dbf8f15c9d39679615a2e593bdfd972baa4e235", REPORT_READ,
     "delivered:none:z-1:: "},
    {"{\"app_id\":\"42\",\"event_name\":\"user_received_message\",\"timestamp\":1767225604000,"
     "\"message\":{\"msg_id\":\"z-1\",\"delivery_time\":\"1767225603999\"}}",
     "5E406387530F4C2B81E9405C80D936F432973C056D0B0D38AC5537CB19C5CFEF", REPORT_READ,
     "delivered:none:z-1:: "},
    {"{\"app_id\":\"42\",\"event_name\":\"user_received_message\",\"timestamp\":\"1767225604000\","
     "\"message\":{\"msg_id\":\"z-1\"}}",
     "mac=04491b56d75527f3c5659b23f8ff181dedd9ce6af71307e8aeac9c9b86affef6", REPORT_READ, ""},
    {"{\"app_id\":\"42\",\"event_name\":\"user_received_message\",\"message\":{\"msg_id\":\"z-1\","
     "\"delivery_time\":\"1767225603999\"}}",
     "mac=7af0d8788544a2e7c207289b87b8efbb424d0e84ba706835a524766072c4f093", REPORT_FORGED, ""},
    {"{\"app_id\":\"42\",\"event_name\":\"user_received_message\",\"timestamp\":\"1767225604000\","
     "\"message\":{\"msg_id\":\"z-1\"}}",
     "mac=6715a3299cd8ef3fb7bf0e062dbf8f15c9d39679615a2e593bdfd972baa4e235", REPORT_FORGED, ""},
    {"{\"app_id\":\"42\",\"event_name\":\"user_received_message\",\"timestamp\":\"1767225604000\","
     "\"message\":{\"msg_id\":\"z-1\",\"delivery_time\":\"1767225603999\"}}",
     "", REPORT_FORGED, ""},
};

static struct span zalo_header(const void *ctx, struct span name)
{
    bool is_it = span_eq_nocase(name, SPAN("X-ZEvent-Signature"));
    return is_it ? span_of_text(ctx) : SPAN("");
}

static void events_of_zalo_are_signed(void **state)
{
    static const struct recipe_setting settings[] = {
        {SPAN("key"), SPAN("example-oa-secret")},
        {SPAN("app"), SPAN("42")},
    };
    char story[STORY_BYTES_MAX];
    struct recipe *recipe = compile(ZALO, story);
    struct report_reader *reader = NULL;
    (void)state;
    assert_int_equal(report_reader_create(recipe, settings, 2, &reader, NULL), ERR_OK);
    assert_true(report_reader_checks(reader));
    for (size_t i = 0; i < COUNT_OF(zalo_rows); i++) {
        uint8_t room[REPORT_ANSWER_BYTES_MAX];
        struct strbuf answer = strbuf_over(room, sizeof room);
        struct told told = {.reports_left = SIZE_MAX};
        const struct report_taker taker = {take, &told};
        const struct report_request request = {
            .body = span_of_text(zalo_rows[i].body),
            .header = zalo_header,
            .ctx = zalo_rows[i].signature,
        };
        assert_int_equal(report_read(reader, &request, &taker, &answer), zalo_rows[i].verdict);
        assert_string_equal(told.text, zalo_rows[i].told);
    }
    report_reader_destroy(&reader);
    recipe_destroy(&recipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_are_found_in_json),
        cmocka_unit_test(what_is_nearly_json_is_mended),
        cmocka_unit_test(reports_are_found_in_forms_and_queries),
        cmocka_unit_test(a_form_has_so_many_members),
        cmocka_unit_test(names_are_not_cut),
        cmocka_unit_test(it_stops_when_it_is_told_to),
        cmocka_unit_test(what_is_wrong_is_told),
        cmocka_unit_test(a_signing_key_is_looked_at),
        cmocka_unit_test(events_of_zalo_are_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
