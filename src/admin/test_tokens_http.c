// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Tokens of providers through a real connection.
#include "admin/tokens_http.h"

#include "http/test_rig.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#define ANSWER_BYTES_MAX 4096U
#define PATH "/admin/v1/provider/tokens"
#define PROBE_PATH "/admin/v1/provider/probe"

struct fixture {
    struct tokens_http http;
    struct http_route routes[TOKENS_ROUTES_COUNT];
    struct rig rig;
    struct tokens_page page;
    struct tokens_probe_page probe_page;
    enum err set_err;
    unsigned sets;
    char token[64];
    char answer[ANSWER_BYTES_MAX];
};

static bool show(void *ctx, struct span provider, struct tokens_page *out)
{
    const struct fixture *f = ctx;
    *out = f->page;
    return span_eq(provider, SPAN("my zalo"));
}

static enum err set(void *ctx, struct span provider, struct span refresh)
{
    struct fixture *f = ctx;
    struct strbuf token = strbuf_over(f->token, sizeof f->token - 1);
    assert_true(span_eq(provider, SPAN("my zalo")));
    strbuf_put(&token, refresh);
    f->token[token.len] = '\0';
    f->sets++;
    return f->set_err;
}

static bool probe(void *ctx, struct span provider, struct tokens_probe_page *out)
{
    const struct fixture *f = ctx;
    *out = f->probe_page;
    return span_eq(provider, SPAN("my zalo"));
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->page = (struct tokens_page){.state = "ready",
                                   .access_ends_at_ms = INT64_C(1790000000000),
                                   .refresh_ends_at_ms = INT64_C(1797776000000)};
    f->http = (struct tokens_http){.show = show, .set = set, .probe = probe, .ctx = f};
    tokens_routes(&f->http, f->routes);
    rig_init(&f->rig, &http_limits_default);
    f->rig.router.routes = f->routes;
    f->rig.router.count = TOKENS_ROUTES_COUNT;
    rig_connect(&f->rig);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    rig_fini(&f->rig);
    free(f);
    return 0;
}

// Status and body, as "200 {…}".
static const char *ask(struct fixture *f, const char *call, const char *body)
{
    char request[2048];
    int len = snprintf(request, sizeof request,
                       "%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s", call,
                       strlen(body), body);
    f->rig.out_bytes = 0;
    assert_int_equal(rig_send(&f->rig, span_make(request, (size_t)len)), len);
    struct span out = rig_output(&f->rig);
    const char *end = memmem(out.data, out.len, "\r\n\r\n", 4);
    assert_non_null(end);
    size_t head_len = (size_t)(end - (const char *)out.data) + 4;
    struct span text = span_from(out, head_len);
    (void)snprintf(f->answer, sizeof f->answer, "%.3s %.*s", (const char *)out.data + 9,
                   (int)text.len, (const char *)text.data);
    return f->answer;
}

#define NAMED PATH "?name=my%20zalo"
#define READY                                                                               \
    "200 {\"provider\":\"my zalo\",\"state\":\"ready\",\"needsPerson\":false,"              \
    "\"accessEndsAt\":\"2026-09-21T14:13:20Z\",\"refreshEndsAt\":\"2026-12-20T14:13:20Z\"," \
    "\"words\":\"\"}"

static void how_they_are_is_shown(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(ask(f, "GET " NAMED, ""), READY);
    f->page = (struct tokens_page){
        .state = "spent", .needs_person = true, .words_len = 5, .words = "a \"b\""};
    assert_string_equal(ask(f, "GET " NAMED, ""),
                        "200 {\"provider\":\"my zalo\",\"state\":\"spent\",\"needsPerson\":true,"
                        "\"accessEndsAt\":null,\"refreshEndsAt\":null,\"words\":\"a \\\"b\\\"\"}");
}

static void a_token_is_set_and_the_outcome_shown(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(ask(f, "POST " NAMED, "{\"refreshToken\":\"R1\"}"), READY);
    assert_string_equal(f->token, "R1");
    assert_int_equal(f->sets, 1);
}

static void what_the_provider_says_to_a_probe_is_shown(void **state)
{
    struct fixture *f = *state;
    f->probe_page = (struct tokens_probe_page){.is_ready = true, .reason = "none"};
    assert_string_equal(ask(f, "POST " PROBE_PATH "?name=my%20zalo", ""),
                        "200 {\"provider\":\"my zalo\",\"ready\":true,\"reason\":\"none\","
                        "\"words\":\"\"}");
    f->probe_page =
        (struct tokens_probe_page){.reason = "token_ended", .words_len = 5, .words = "a \"b\""};
    assert_string_equal(ask(f, "POST " PROBE_PATH "?name=my%20zalo", ""),
                        "200 {\"provider\":\"my zalo\",\"ready\":false,\"reason\":"
                        "\"token_ended\",\"words\":\"a \\\"b\\\"\"}");
    assert_int_equal(f->sets, 0);
}

struct refusal {
    const char *call, *body;
    enum err set_err;
    const char *answer;
    unsigned sets;
};

#define NO_TOKEN                                                                                   \
    "422 {\"title\":\"Not a possible value\",\"status\":422,\"detail\":\"refreshToken: 1 to 2048 " \
    "characters of printable ASCII without spaces are wanted, and nothing else\"}"
#define STRANGER                                                                              \
    "404 {\"title\":\"Not found\",\"status\":404,\"detail\":\"no provider \\\"x\\\" that is " \
    "running has tokens to renew\"}"

static const struct refusal refusals[] = {
    {"GET " PATH, "", ERR_OK,
     "400 {\"title\":\"Bad request\",\"status\":400,\"detail\":\"the query names no provider, as "
     "in "
     "?name=my-zalo\"}",
     0},
    {"GET " PATH "?name=x", "", ERR_OK, STRANGER, 0},
    {"POST " PATH "?name=x", "{\"refreshToken\":\"R1\"}", ERR_OK, STRANGER, 0},
    {"POST " PROBE_PATH "?name=x", "", ERR_OK, STRANGER, 0},
    {"POST " NAMED, "", ERR_OK, NO_TOKEN, 0},
    {"POST " NAMED, "{\"refreshToken\":\"R1\"", ERR_OK, NO_TOKEN, 0},
    {"POST " NAMED, "[\"R1\"]", ERR_OK, NO_TOKEN, 0},
    {"POST " NAMED, "{\"refreshToken\":7}", ERR_OK, NO_TOKEN, 0},
    {"POST " NAMED, "{\"refreshToken\":\"R1\",\"accessToken\":\"A1\"}", ERR_OK, NO_TOKEN, 0},
    {"POST " NAMED, "{\"refreshToken\":\"a b\"}", ERR_INVALID, NO_TOKEN, 1},
    {"POST " NAMED, "{\"refreshToken\":\"R1\"}", ERR_IO,
     "503 {\"title\":\"Not possible now\",\"status\":503,\"detail\":\"store the token: input or "
     "output failed\"}",
     1},
};

static void what_is_wrong_is_told_and_changes_nothing(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        f->set_err = refusals[i].set_err;
        f->sets = 0;
        assert_string_equal(ask(f, refusals[i].call, refusals[i].body), refusals[i].answer);
        assert_int_equal(f->sets, refusals[i].sets);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(how_they_are_is_shown),
        TEST(a_token_is_set_and_the_outcome_shown),
        TEST(what_the_provider_says_to_a_probe_is_shown),
        TEST(what_is_wrong_is_told_and_changes_nothing),
    };
    return cmocka_run_group_tests_name("admin/tokens_http", tests, NULL, NULL);
}
