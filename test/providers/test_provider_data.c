// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// Each file in test/data/providers is one recipe's: exact requests, and replies and receipts with
// what they mean. Signatures were made by Python's hmac and hashlib.
#include "providers/rig.h"

#include <stdio.h>
#include <stdlib.h>

#define FILES_MAX 32U

struct provider {
    char name[160];
    json_t *file;
    struct recipe *recipe;
};

static struct span text_of(json_t *object, const char *name, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, name));
    return span_of_text(text != NULL ? text : otherwise);
}

static void assert_text(const char *row, const char *what, struct span actual, struct span expected)
{
    if (!span_eq(actual, expected))
        fail_msg("%s: %s is\n%.*s\ninstead of\n%.*s", row, what, (int)actual.len,
                 (const char *)actual.data, (int)expected.len, (const char *)expected.data);
}

static void message_of(json_t *row, struct rig_message *out)
{
    struct span to = text_of(row, "to", "12025550147");
    json_t *seconds = json_object_get(row, "seconds");
    rig_message(out, to, text_of(row, "text", "012345 is your DocDemo code."),
                text_of(row, "otp", "012345"));
    out->request.sender = text_of(row, "sender", "");
    out->request.template_id = text_of(row, "templateId", "");
    out->request.language = text_of(row, "language", "");
    message_init(&out->subject);
    message_put(&out->subject, text_of(row, "subject", ""));
    out->request.subject = &out->subject;
    out->request.receipt_url = text_of(row, "receiptUrl", "");
    if (seconds != NULL)
        out->request.deadline_at_ms = out->request.sent_at_ms + json_integer_value(seconds) * 1000;
}

// As lines, for the comparison.
static void assert_headers(const char *name, const struct vendor_request *request, json_t *expected)
{
    struct span rest = wire_reveal(&request->headers);
    for (size_t i = 0; i < json_array_size(expected); i++) {
        struct span line = span_split(rest, '\0', &rest);
        assert_text(name, "a header", line,
                    span_of_text(json_string_value(json_array_get(expected, i))));
    }
    assert_text(name, "what is behind the headers", rest, SPAN(""));
}

static void assert_signature(const char *name, const struct vendor_request *request, json_t *row)
{
    assert_text(name, "sigv4", span_of_text(request->aws_sigv4 != NULL ? request->aws_sigv4 : ""),
                text_of(row, "sigv4", ""));
    assert_text(name, "user", span_of_text(request->aws_user != NULL ? request->aws_user : ""),
                text_of(row, "awsUser", ""));
}

static void check_request(const struct provider *provider, json_t *row)
{
    struct rendered rendered;
    struct rig_message message;
    struct err_info info;
    const char *name = json_string_value(json_object_get(row, "name"));
    json_t *settings = json_object_get(row, "settings");
    if (settings == NULL)
        settings = json_object_get(provider->file, "settings");
    struct recipe_plan *plan = rig_plan(provider->recipe, settings);
    message_of(row, &message);
    if (rig_render(plan, &message, &rendered, &info) != ERR_OK)
        fail_msg("%s: %s", name, info.text);
    const struct vendor_request *request = &rendered.request;
    struct span url = wire_reveal(&request->url);
    assert_int_equal(url.data[url.len - 1], '\0');
    assert_text(name, "URL", span_first(url, url.len - 1), text_of(row, "url", ""));
    assert_string_equal(request->method, "POST");
    assert_headers(name, request, json_object_get(row, "headers"));
    assert_text(name, "body", wire_reveal(&request->body), text_of(row, "body", ""));
    assert_signature(name, request, row);
    recipe_plan_destroy(&plan);
}

static void requests_are_these_bytes(void **state)
{
    const struct provider *provider = *state;
    json_t *rows = json_object_get(provider->file, "requests");
    assert_true(json_array_size(rows) > 0);
    for (size_t i = 0; i < json_array_size(rows); i++)
        check_request(provider, json_array_get(rows, i));
}

typedef void judge(const struct recipe_plan *plan, const struct rig_message *message,
                   const struct http_outcome *outcome, struct recipe_verdict *out);

static void judge_message(const struct recipe_plan *plan, const struct rig_message *message,
                          const struct http_outcome *outcome, struct recipe_verdict *out)
{
    recipe_judge(plan, &message->request, message->token, outcome, out);
}

static void judge_probe(const struct recipe_plan *plan, const struct rig_message *message,
                        const struct http_outcome *outcome, struct recipe_verdict *out)
{
    recipe_probe_judge(plan, &message->request, message->token, outcome, out);
}

static void check_reply(const struct recipe_plan *plan, json_t *row, judge *judge_it)
{
    static const char *const outcomes[] = {"accepted", "retry", "refused", "unknown"};
    struct rig_message message;
    struct recipe_verdict verdict;
    const char *name = json_string_value(json_object_get(row, "name"));
    message_of(row, &message);
    const struct http_outcome outcome = {
        .phase = HTTP_REPLIED,
        .status = (unsigned)json_integer_value(json_object_get(row, "status")),
        .retry_after = text_of(row, "retryAfter", ""),
        .body = text_of(row, "body", ""),
    };
    judge_it(plan, &message, &outcome, &verdict);
    assert_text(name, "outcome", span_of_text(outcomes[verdict.result.outcome]),
                text_of(row, "outcome", ""));
    assert_text(name, "reason", span_of_text(send_reason_name(verdict.result.reason)),
                text_of(row, "reason", "none"));
    assert_text(name, "id", verdict.result.provider_ref, text_of(row, "id", ""));
    assert_text(name, "words", verdict.result.words, text_of(row, "words", ""));
    assert_int_equal(verdict.result.retry_after_ms,
                     json_integer_value(json_object_get(row, "retryAfterMs")));
}

static void replies_mean_this(void **state)
{
    const struct provider *provider = *state;
    json_t *rows = json_object_get(provider->file, "replies");
    struct recipe_plan *plan =
        rig_plan(provider->recipe, json_object_get(provider->file, "settings"));
    assert_true(json_array_size(rows) > 0);
    for (size_t i = 0; i < json_array_size(rows); i++)
        check_reply(plan, json_array_get(rows, i), judge_message);
    recipe_plan_destroy(&plan);
}

// Of a provider whose access token is fetched: the request for a pair, and what is said to it.
static void check_token_request(const struct recipe_plan *plan, json_t *tokens)
{
    struct err_info info;
    struct rendered rendered;
    struct vendor_request *request = rig_room(&rendered);
    struct span refresh = text_of(tokens, "refresh", "");
    if (recipe_token_render(plan, refresh, request, &info) != ERR_OK)
        fail_msg("%s", info.text);
    struct span url = wire_reveal(&request->url);
    assert_text("tokens", "URL", span_first(url, url.len - 1), text_of(tokens, "url", ""));
    assert_string_equal(request->method, "POST");
    assert_headers("tokens", request, json_object_get(tokens, "headers"));
    assert_text("tokens", "body", wire_reveal(&request->body), text_of(tokens, "body", ""));
}

static void check_token_reply(const struct recipe_plan *plan, struct span refresh, json_t *row)
{
    static const char *const answers[] = {"given", "spent", "refused", "lost", "not asked"};
    static struct token_reply reply;
    const char *name = json_string_value(json_object_get(row, "name"));
    const struct http_outcome outcome = {
        .phase = HTTP_REPLIED,
        .status = (unsigned)json_integer_value(json_object_get(row, "status")),
        .body = text_of(row, "body", ""),
    };
    recipe_token_judge(plan, refresh, &outcome, &reply);
    assert_text(name, "answer", span_of_text(answers[reply.answer]), text_of(row, "answer", ""));
    assert_text(name, "words", token_reply_words(&reply), text_of(row, "words", ""));
    if (reply.answer != TOKEN_GIVEN)
        return;
    assert_text(name, "access", token_span(&reply.access), text_of(row, "access", ""));
    assert_text(name, "refresh", token_span(&reply.refresh), text_of(row, "refresh", ""));
    assert_int_equal(reply.seconds, json_integer_value(json_object_get(row, "seconds")));
}

static void tokens_are_renewed_so(void **state)
{
    const struct provider *provider = *state;
    json_t *tokens = json_object_get(provider->file, "tokens");
    json_t *rows = json_object_get(tokens, "replies");
    struct recipe_plan *plan =
        rig_plan(provider->recipe, json_object_get(provider->file, "settings"));
    assert_true(recipe_plan_is_rotating(plan));
    check_token_request(plan, tokens);
    assert_true(json_array_size(rows) > 0);
    for (size_t i = 0; i < json_array_size(rows); i++)
        check_token_reply(plan, text_of(tokens, "refresh", ""), json_array_get(rows, i));
    recipe_plan_destroy(&plan);
}

// A question that costs nothing, and what the answers to it mean.
static void check_probe_request(const struct recipe_plan *plan, json_t *probe)
{
    struct err_info info;
    struct rendered rendered;
    struct vendor_request *request = rig_room(&rendered);
    const struct recipe_question question = {0x0123456789ABCDEFU, 1767225600000, SPAN(RIG_TOKEN)};
    if (recipe_probe_render(plan, &question, request, &info) != ERR_OK)
        fail_msg("%s", info.text);
    struct span url = wire_reveal(&request->url);
    assert_text("probe", "URL", span_first(url, url.len - 1), text_of(probe, "url", ""));
    assert_text("probe", "method", span_of_text(request->method), text_of(probe, "method", "GET"));
    assert_headers("probe", request, json_object_get(probe, "headers"));
    assert_text("probe", "body", wire_reveal(&request->body), text_of(probe, "body", ""));
    assert_signature("probe", request, probe);
}

// Those whose names stand in "shown", and no others.
static void check_probed(const struct provider *provider, const struct recipe_plan *plan,
                         json_t *probe)
{
    uint8_t room[512];
    struct strbuf shown = strbuf_over(room, sizeof room);
    const struct recipe_parameter *parameters;
    size_t count = recipe_parameters(provider->recipe, &parameters);
    for (size_t i = 0; i < count; i++) {
        if ((recipe_plan_probed(plan) >> i & 1U) == 0)
            continue;
        strbuf_put_text(&shown, shown.len > 0 ? " " : "");
        strbuf_put(&shown, parameters[i].name);
    }
    assert_text("probe", "what it shows", strbuf_span(&shown), text_of(probe, "shown", ""));
}

static void probes_ask_and_mean_this(void **state)
{
    const struct provider *provider = *state;
    json_t *probe = json_object_get(provider->file, "probe");
    json_t *rows = json_object_get(probe, "replies");
    struct recipe_plan *plan =
        rig_plan(provider->recipe, json_object_get(provider->file, "settings"));
    assert_true(recipe_plan_has_probe(plan));
    check_probe_request(plan, probe);
    check_probed(provider, plan, probe);
    assert_true(json_array_size(rows) > 0);
    for (size_t i = 0; i < json_array_size(rows); i++)
        check_reply(plan, json_array_get(rows, i), judge_probe);
    recipe_plan_destroy(&plan);
}

// --- receipts --------------------------------------------------------------------------------

struct receipt_row {
    json_t *row, *expected;
    const char *name;
    size_t told;
};

static struct span header_of(const void *ctx, struct span name)
{
    const json_t *row = ctx;
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(row, "headers"), key, value)
    {
        if (span_eq_nocase(span_of_text(key), name))
            return span_of_text(json_string_value(value));
    }
    return SPAN("");
}

static bool check_report(void *ctx, const struct report *report)
{
    static const char *const states[] = {"delivered", "failed", "onItsWay"};
    struct receipt_row *row = ctx;
    json_t *expected = json_array_get(row->expected, row->told++);
    if (expected == NULL)
        fail_msg("%s: a report too many", row->name);
    assert_text(row->name, "state", span_of_text(states[report->state]),
                text_of(expected, "state", ""));
    assert_text(row->name, "reason", span_of_text(send_reason_name(report->reason)),
                text_of(expected, "reason", "none"));
    assert_text(row->name, "ref", report->ref, text_of(expected, "ref", ""));
    assert_text(row->name, "echo", report->echo, text_of(expected, "echo", ""));
    assert_text(row->name, "words", report->words, text_of(expected, "words", ""));
    assert_int_equal(report->is_state_known, !json_is_true(json_object_get(expected, "unknown")));
    return true;
}

static void check_receipt(const struct provider *provider, json_t *json)
{
    static const char *const verdicts[REPORT_VERDICT_COUNT_] = {
        "read", "greeted", "subscription", "strange", "forged", "stale", "unreadable", "stopped"};
    uint8_t room[REPORT_ANSWER_BYTES_MAX];
    struct strbuf answer = strbuf_over(room, sizeof room);
    struct receipt_row row = {json, json_object_get(json, "reports"), "", 0};
    json_t *settings = json_object_get(json, "settings");
    if (settings == NULL)
        settings = json_object_get(provider->file, "settings");
    row.name = json_string_value(json_object_get(json, "name"));
    struct report_reader *reader = rig_reader(provider->recipe, settings);
    const struct report_request request = {
        .is_get = span_eq(text_of(json, "method", "POST"), SPAN("GET")),
        .url = text_of(json, "url",
                       "https://otp.example.com/receipts/x/"
                       "0000000000000001dd650f8e2cf1d36b057f63725d67e34e"),
        .query = text_of(json, "query", ""),
        .content_type = text_of(json, "type", "application/json"),
        .body = text_of(json, "body", ""),
        .header = header_of,
        .ctx = json,
        .now_ms = 1767225600000,
    };
    const struct report_taker taker = {check_report, &row};
    enum report_verdict verdict = report_read(reader, &request, &taker, &answer);
    assert_text(row.name, "verdict", span_of_text(verdicts[verdict]),
                text_of(json, "verdict", "read"));
    assert_text(row.name, "answer", strbuf_span(&answer), text_of(json, "answer", ""));
    assert_int_equal(row.told, json_array_size(row.expected));
    report_reader_destroy(&reader);
}

static void receipts_mean_this(void **state)
{
    const struct provider *provider = *state;
    json_t *rows = json_object_get(provider->file, "receipts");
    assert_int_equal(json_array_size(rows) > 0, recipe_has_reports(provider->recipe));
    for (size_t i = 0; i < json_array_size(rows); i++)
        check_receipt(provider, json_array_get(rows, i));
}

static int open_provider(void **state)
{
    struct provider *provider = *state;
    const char *name = json_string_value(json_object_get(provider->file, "recipe"));
    provider->recipe = rig_recipe(name);
    return 0;
}

static int close_provider(void **state)
{
    struct provider *provider = *state;
    recipe_destroy(&provider->recipe);
    return 0;
}

struct check {
    const char *what;
    CMUnitTestFunction run;
    const char *only_with; // this member of the file; NULL: for all
};

static const struct check checks[] = {
    {"requests are these bytes", requests_are_these_bytes, NULL},
    {"replies mean this", replies_mean_this, NULL},
    {"receipts mean this", receipts_mean_this, NULL},
    {"tokens are renewed so", tokens_are_renewed_so, "tokens"},
    {"probes ask and mean this", probes_ask_and_mean_this, NULL},
};

#define CHECKS (sizeof checks / sizeof checks[0])

int main(int argc, char **argv)
{
    static struct provider providers[FILES_MAX];
    static struct CMUnitTest tests[CHECKS * FILES_MAX];
    static char names[CHECKS * FILES_MAX][192];
    size_t count = 0;
    for (int i = 1; i < argc && (size_t)i <= FILES_MAX; i++) {
        struct provider *provider = &providers[i - 1];
        json_error_t error;
        provider->file = json_load_file(argv[i], JSON_REJECT_DUPLICATES, &error);
        if (provider->file == NULL) {
            (void)fprintf(stderr, "%s:%d: %s\n", argv[i], error.line, error.text);
            return 1;
        }
        const char *name = json_string_value(json_object_get(provider->file, "recipe"));
        for (size_t k = 0; k < CHECKS; k++) {
            const char *only_with = checks[k].only_with;
            if (only_with != NULL && json_object_get(provider->file, only_with) == NULL)
                continue;
            (void)snprintf(names[count], sizeof names[0], "%s: %s", name, checks[k].what);
            tests[count] = (struct CMUnitTest){names[count], checks[k].run, open_provider,
                                               close_provider, provider};
            count++;
        }
    }
    int failed = _cmocka_run_group_tests("providers", tests, count, NULL, NULL);
    for (size_t i = 0; i < FILES_MAX; i++)
        json_decref(providers[i].file);
    return failed;
}
