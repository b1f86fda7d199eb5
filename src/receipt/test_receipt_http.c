// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Calls through a real connection. What a call means is tested with the providers' data.
#include "receipt/receipt_http.h"

#include "channel/test_recipe_lines.h"
#include "http/test_rig.h"
#include "outbox/receipt_path.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define PLAIN UINT32_C(0x11111111)
#define META UINT32_C(0x22222222)
#define HEAD \
    "recipe=x\nchannels=SMS\nrequest.url=https://example.com/\nparameters.key.secret=true\n"
#define RECEIPT                                                                            \
    "receipt.accept=json form query\nreceipt.id=id\nreceipt.echo=e\nreceipt.list=* .\n"    \
    "receipt.state=s\nreceipt.states.yes=delivered\nreceipt.states.no=failed\nreceipt."    \
    "states.soon=onItsWay\nreceipt.code=c\ncodes.7=unreachable\nparameters.key.optional=t" \
    "rue\n"
#define SIGNED "receipt.signature=hub\nreceipt.secret={key}\nreceipt.verifyToken={key}\n"

static const struct key index_key = {"an index key of thirty-two bytes"};

struct fixture {
    struct recipe *recipes[2];
    struct report_reader *readers[2];
    struct receipt_http http;
    struct http_route routes[RECEIPT_ROUTES_COUNT];
    struct rig rig;
    int log[2];
    int64_t now_ms;
    size_t room_left; // reports that are taken
    char told[2048];
    size_t told_len;
    char text[8192];
};

static enum err take(void *ctx, const struct receipt_report *report)
{
    struct fixture *f = ctx;
    if (f->room_left-- == 0)
        return ERR_BUSY;
    int len = snprintf(
        f->told + f->told_len, sizeof f->told - f->told_len, "%x/%llu/%.*s/%d/%s/%.*s ",
        report->provider, (unsigned long long)report->handle, (int)report->ref.len,
        (const char *)report->ref.data, (int)report->kind, send_reason_name(report->reason),
        (int)report->words.len, (const char *)report->words.data);
    assert_true(len > 0 && f->told_len + (size_t)len < sizeof f->told);
    f->told_len += (size_t)len;
    return ERR_OK;
}

static void write_error(int status, struct strbuf *out)
{
    strbuf_put_u64(out, (uint64_t)status);
}

static void on_error(void *ctx, uint32_t line, uint32_t column, const struct err_info *info)
{
    (void)ctx;
    fail_msg("%u:%u: %s", line, column, info->text);
}

static void make_source(struct fixture *f, size_t i, const char *text)
{
    struct recipe_field fields[32];
    const struct recipe_setting key = {SPAN("key"), SPAN("example-key")};
    const struct recipe_complaints complaints = {on_error, NULL};
    size_t count = recipe_lines_split(span_of_text(text), fields, COUNT_OF(fields));
    assert_int_equal(recipe_compile(fields, count, &complaints, &f->recipes[i]), ERR_OK);
    assert_int_equal(report_reader_create(f->recipes[i], &key, 1, &f->readers[i], NULL), ERR_OK);
}

static int64_t wall_ms(void *ctx)
{
    return ((struct fixture *)ctx)->now_ms;
}

static struct mono mono(void *ctx)
{
    return (struct mono){((struct fixture *)ctx)->now_ms};
}

static struct logger *make_log(struct fixture *f)
{
    struct logger *log;
    assert_int_equal(pipe(f->log), 0);
    const struct logger_options options = {
        .descriptor = f->log[1],
        .format = LOG_FORMAT_TEXT,
        .least = LOG_INFO,
        .clock = clock_system(),
    };
    assert_int_equal(logger_create(&options, &log), ERR_OK);
    return log;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    make_source(f, 0, HEAD RECEIPT);
    make_source(f, 1, HEAD RECEIPT SIGNED);
    const struct receipt_http_deps deps = {
        .sources = {{SPAN("plain"), PLAIN, f->readers[0]}, {SPAN("meta"), META, f->readers[1]}},
        .sources_held = 2,
        .public_url = SPAN("https://otp.example.com/in"),
        .index_key = &index_key,
        .take = take,
        .ctx = f,
        .write_error = write_error,
        .clock = {wall_ms, mono, f},
        .log = make_log(f),
    };
    f->room_left = SIZE_MAX;
    receipt_http_init(&f->http, &deps);
    receipt_http_routes(&f->http, f->routes);
    rig_init(&f->rig, &http_limits_default);
    f->rig.router.routes = f->routes;
    f->rig.router.count = RECEIPT_ROUTES_COUNT;
    rig_connect(&f->rig);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    rig_fini(&f->rig);
    logger_destroy(&f->http.deps.log);
    (void)close(f->log[0]);
    (void)close(f->log[1]);
    for (size_t i = 0; i < 2; i++) {
        report_reader_destroy(&f->readers[i]);
        recipe_destroy(&f->recipes[i]);
    }
    free(f);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

struct token {
    char text[RECEIPT_TOKEN_BYTES + 1];
};

static struct token token_of(provider_tag provider, uint64_t handle)
{
    struct token token = {""};
    struct strbuf out = strbuf_over(token.text, RECEIPT_TOKEN_BYTES);
    receipt_path_put(&index_key, provider, handle, &out);
    return token;
}

// The status of the answer, which is in f->text.
static int call_with(struct fixture *f, const char *head, const char *path, const char *fields,
                     const char *body)
{
    char request[4096];
    int status = 0;
    int len =
        snprintf(request, sizeof request,
                 "%s /receipts/%s HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %zu\r\n\r\n%s",
                 head, path, fields, strlen(body), body);
    f->rig.out_bytes = 0;
    f->told_len = 0;
    f->told[0] = '\0';
    assert_int_equal(rig_send(&f->rig, span_make(request, (size_t)len)), len);
    struct span out = rig_output(&f->rig);
    assert_true(out.len < sizeof f->text);
    memcpy(f->text, out.data, out.len);
    f->text[out.len] = '\0';
    assert_int_equal(strncmp(f->text, "HTTP/1.1 ", 9), 0);
    for (size_t i = 9; i < 12; i++)
        status = 10 * status + (f->text[i] - '0');
    return status;
}

static int call(struct fixture *f, const char *name, const char *token, const char *body)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", name, token);
    return call_with(f, "POST", path, "", body);
}

static size_t log_lines(struct fixture *f, const char *needle)
{
    static char text[65536];
    size_t count = 0;
    LOG_EVENT(f->http.deps.log, LOG_INFO, "end", log_number("n", 0)); // so that there is something
    ssize_t len = read(f->log[0], text, sizeof text - 1);
    assert_true(len > 0);
    text[len] = '\0';
    for (const char *at = text; (at = strstr(at, needle)) != NULL; at++)
        count++;
    return count;
}

static void a_report_is_handed_over(void **state)
{
    struct fixture *f = *state;
    const struct token own = token_of(PLAIN, 7);
    assert_int_equal(call(f, "plain", own.text, "{\"s\":\"yes\",\"id\":\"a\"}"), 200);
    assert_string_equal(f->told, "11111111/7/a/0/none/ ");
    assert_non_null(strstr(f->text, "Content-Length: 0\r\n"));
    assert_non_null(strstr(f->text, "Cache-Control: no-store\r\n"));
    assert_int_equal(call(f, "plain", own.text, "{\"s\":\"no\",\"c\":7}"), 200);
    assert_string_equal(f->told, "11111111/7//1/unreachable/7 ");
    assert_int_equal(call(f, "plain", own.text, "{\"s\":\"soon\"}"), 200);
    assert_string_equal(f->told, "11111111/7//2/none/ ");
}

static void many_by_the_url_for_all(void **state)
{
    struct fixture *f = *state;
    const struct token all = token_of(PLAIN, 0), own = token_of(PLAIN, 9);
    char body[512];
    (void)snprintf(
        body, sizeof body,
        "[{\"s\":\"yes\",\"id\":\"a\"},{\"s\":\"yes\"},{\"s\":\"no\",\"e\":\"https://x/%s\"},"
        "{\"s\":\"yes\",\"id\":\"b\",\"e\":\"https://x/%s0\"}]",
        own.text, own.text);
    assert_int_equal(call(f, "plain", all.text, body), 200);
    assert_string_equal(f->told, "11111111/0/a/0/none/ 11111111/9//1/unclassified/ "
                                 "11111111/0/b/0/none/ ");
    assert_int_equal(log_lines(f, "receipt.nameless"), 1);
}

static void by_get_and_by_form(void **state)
{
    struct fixture *f = *state;
    const struct token own = token_of(PLAIN, 7);
    char path[256];
    (void)snprintf(path, sizeof path, "plain/%s?s=yes&id=%%61", own.text);
    assert_int_equal(call_with(f, "GET", path, "", ""), 200);
    assert_string_equal(f->told, "11111111/7/a/0/none/ ");
    (void)snprintf(path, sizeof path, "plain/%s", own.text);
    assert_int_equal(
        call_with(f, "POST", path, "Content-Type: application/x-www-form-urlencoded\r\n", "s=yes"),
        200);
    assert_string_equal(f->told, "11111111/7//0/none/ ");
}

// A name that there is not is answered like a token that is not right.
static void strangers_learn_nothing(void **state)
{
    struct fixture *f = *state;
    const struct token own = token_of(PLAIN, 7), other = token_of(META, 7);
    static const char body[] = "{\"s\":\"yes\",\"id\":\"a\"}";
    char first[sizeof f->text], wrong[64];
    assert_int_equal(call(f, "nobody", own.text, body), 404);
    (void)snprintf(first, sizeof first, "%s", strstr(f->text, "\r\n\r\n"));
    assert_int_equal(call(f, "plain", other.text, body), 404);
    assert_string_equal(strstr(f->text, "\r\n\r\n"), first);
    (void)snprintf(wrong, sizeof wrong, "%s/", own.text);
    assert_int_equal(call(f, "plain", wrong, body), 404);
    (void)snprintf(wrong, sizeof wrong, "%%30%s", own.text + 1);
    assert_int_equal(call(f, "plain", wrong, body), 404);
    assert_int_equal(call(f, "plain", "", body), 404);
    assert_int_equal(call_with(f, "POST", "plain", "", body), 404);
    assert_int_equal(call_with(f, "POST", "", "", body), 404);
    (void)snprintf(wrong, sizeof wrong, "plain/%s", own.text);
    assert_int_equal(call_with(f, "HEAD", wrong, "", ""), 404);
    assert_int_equal(call_with(f, "PUT", wrong, "", body), 405);
    assert_string_equal(f->told, "");
}

static void what_is_not_signed_is_refused(void **state)
{
    struct fixture *f = *state;
    const struct token own = token_of(META, 7);
    char path[256];
    assert_int_equal(call(f, "meta", own.text, "{\"s\":\"yes\",\"id\":\"a\"}"), 403);
    assert_string_equal(f->told, "");
    (void)snprintf(path, sizeof path, "meta/%s", own.text);
    assert_int_equal(
        call_with(f, "POST", path,
                  "X-Hub-Signature-256: "
                  "sha256=56d87cf04aeea1921503375dd531c821a89a2572cec64da4c1cc7f1902c9e547\r\n",
                  "{\"s\":\"yes\",\"id\":\"a\"}"),
        200);
    assert_string_equal(f->told, "22222222/7/a/0/none/ ");
    assert_int_equal(log_lines(f, "receipt.refused"), 1);
}

static void a_challenge_is_given_back(void **state)
{
    struct fixture *f = *state;
    const struct token all = token_of(META, 0);
    char path[256];
    (void)snprintf(path, sizeof path,
                   "meta/%s?hub.mode=subscribe&hub.verify_token=example-key&hub.challenge=17",
                   all.text);
    assert_int_equal(call_with(f, "GET", path, "", ""), 200);
    assert_non_null(strstr(f->text, "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
    assert_non_null(strstr(f->text, "\r\nX-Content-Type-Options: nosniff\r\n"));
    assert_string_equal(strstr(f->text, "\r\n\r\n"), "\r\n\r\n17");
}

static void rubbish_and_no_room(void **state)
{
    struct fixture *f = *state;
    const struct token all = token_of(PLAIN, 0);
    assert_int_equal(call(f, "plain", all.text, "{\"s\":"), 400);
    f->room_left = 1;
    assert_int_equal(
        call(f, "plain", all.text, "[{\"s\":\"yes\",\"id\":\"a\"},{\"s\":\"yes\",\"id\":\"b\"}]"),
        503);
    assert_string_equal(f->told, "11111111/0/a/0/none/ ");
    assert_non_null(strstr(f->text, "\r\nRetry-After: 5\r\n"));
}

// Strangers cannot keep the lines about providers out either.
static void the_log_cannot_be_flooded(void **state)
{
    struct fixture *f = *state;
    const struct token all = token_of(PLAIN, 0);
    for (unsigned i = 0; i < 10 * RECEIPT_LOG_LINES_MAX; i++)
        assert_int_equal(call(f, "nobody", all.text, ""), 404);
    for (unsigned i = 0; i < 10 * RECEIPT_LOG_LINES_MAX; i++)
        assert_int_equal(call(f, "plain", all.text, ""), 400);
    assert_int_equal(log_lines(f, "receipt."), 2 * RECEIPT_LOG_LINES_MAX);
    f->now_ms += 60000;
    assert_int_equal(call(f, "plain", all.text, ""), 400);
    assert_int_equal(log_lines(f, "receipt.refused"), 1);
}

static void the_url_to_register(void **state)
{
    uint8_t room[256];
    char expected[256];
    struct strbuf out = strbuf_over(room, sizeof room);
    const struct token all = token_of(PLAIN, 0);
    (void)state;
    receipt_url_put(SPAN("https://otp.example.com/in"), SPAN("plain"), PLAIN, &index_key, &out);
    int len = snprintf(expected, sizeof expected, "https://otp.example.com/in/receipts/plain/%s",
                       all.text);
    assert_int_equal(out.len, len);
    assert_memory_equal(out.data, expected, out.len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_report_is_handed_over),
        TEST(many_by_the_url_for_all),
        TEST(by_get_and_by_form),
        TEST(strangers_learn_nothing),
        TEST(what_is_not_signed_is_refused),
        TEST(a_challenge_is_given_back),
        TEST(rubbish_and_no_room),
        TEST(the_log_cannot_be_flooded),
        cmocka_unit_test(the_url_to_register),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
