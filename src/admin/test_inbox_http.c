// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The inbox through a real connection on invented time.
#include "admin/inbox_http.h"

#include "http/test_rig.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#define HOST "Host: 127.0.0.1:8480\r\n"
#define POLL_MS_MAX 10

struct fixture {
    struct rig rig;
    struct inbox *inbox;
    struct inbox_http http;
    struct http_route routes[INBOX_ROUTES_COUNT];
    char text[sizeof((struct rig *)NULL)->out + 1];
};

// Digits without plus and spaces, or an e-mail address in lower case; nothing with a "!".
static bool canonical(void *ctx, bool is_email, struct span spelling, struct strbuf *out)
{
    (void)ctx;
    for (size_t i = 0; i < spelling.len; i++) {
        uint8_t byte = spelling.data[i];
        if (byte == '!' || (!is_email && byte == '+' && i > 0))
            return false;
        if (is_email || ascii_is_digit(byte))
            strbuf_put_byte(out, ascii_lower(byte));
    }
    return is_email || (spelling.len > 0 && spelling.data[0] == '+');
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    assert_int_equal(inbox_create(&f->inbox), ERR_OK);
    f->http = (struct inbox_http){.inbox = f->inbox, .canonical = canonical};
    inbox_routes(&f->http, f->routes);
    rig_init(&f->rig, &http_limits_default);
    f->rig.router.routes = f->routes;
    f->rig.router.count = INBOX_ROUTES_COUNT;
    rig_connect(&f->rig);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    rig_fini(&f->rig);
    inbox_destroy(&f->inbox);
    free(f);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static void add(struct fixture *f, const char *to, const char *text)
{
    const struct inbox_message message = {.brand = SPAN("DocDemo"),
                                          .channel = SPAN("SMS"),
                                          .to = span_of_text(to),
                                          .text = span_of_text(text),
                                          .otp = SPAN("123456"),
                                          .sent_at_ms = 1760000000000};
    inbox_add(f->inbox, &message);
}

static const char *output(struct fixture *f)
{
    struct span out = rig_output(&f->rig);
    memcpy(f->text, out.data, out.len);
    f->text[out.len] = '\0';
    return f->text;
}

// Sends "METHOD TARGET" with further head lines; the answer so far, empty while it waits.
static const char *ask(struct fixture *f, const char *what, const char *fields)
{
    char head[1024];
    f->rig.out_bytes = 0;
    int len = snprintf(head, sizeof head, "%s HTTP/1.1\r\n%s\r\n", what, fields);
    assert_int_equal(rig_send(&f->rig, span_make(head, (size_t)len)), len);
    return output(f);
}

static const char *get(struct fixture *f, const char *query)
{
    char what[512];
    (void)snprintf(what, sizeof what, "GET /dev/inbox%s", query);
    return ask(f, what, HOST);
}

static const char *body_of(const char *answer)
{
    const char *body = strstr(answer, "\r\n\r\n");
    assert_non_null(body);
    return body + 4;
}

static void assert_status(const char *answer, const char *status)
{
    if (strncmp(answer, "HTTP/1.1 ", 9) != 0 || strncmp(answer + 9, status, 3) != 0)
        fail_msg("expected %s: %.200s", status, answer);
}

// The ids in an answer, "5 4 ".
static void ids_of(const char *answer, char *out, size_t cap)
{
    out[0] = '\0';
    for (const char *at = answer; (at = strstr(at, "{\"id\":\"")) != NULL;) {
        at += 7;
        (void)snprintf(out + strlen(out), cap - strlen(out), "%.*s ", (int)strcspn(at, "\""), at);
    }
}

static void assert_ids(const char *query, const char *answer, const char *expected)
{
    char ids[256];
    assert_status(answer, "200");
    ids_of(answer, ids, sizeof ids);
    if (strcmp(ids, expected) != 0)
        fail_msg("%s: got %s, expected %s", query, ids, expected);
}

static void empty_inbox_answers_at_once(void **state)
{
    struct fixture *f = *state;
    const char *answer = get(f, "");
    assert_status(answer, "200");
    assert_non_null(strstr(answer, "\r\nContent-Type: application/json\r\n"));
    assert_string_equal(body_of(answer), "{\"messages\":[]}");
}

static void message_is_written_as_json(void **state)
{
    struct fixture *f = *state;
    add(f, "919999999993", "first");
    add(f, "captest@example.com", "\"quoted\"\n<b>\xC3\xA9</b>");
    assert_string_equal(
        body_of(get(f, "")),
        "{\"messages\":[{\"id\":\"2\",\"brand\":\"DocDemo\",\"channel\":\"SMS\","
        "\"to\":\"captest@example.com\",\"text\":\"\\\"quoted\\\"\\n<b>\xC3\xA9</b>\","
        "\"otp\":\"123456\",\"sentAt\":1760000000000},"
        "{\"id\":\"1\",\"brand\":\"DocDemo\",\"channel\":\"SMS\",\"to\":\"919999999993\","
        "\"text\":\"first\",\"otp\":\"123456\",\"sentAt\":1760000000000}]}");
}

struct query_row {
    const char *query;
    const char *ids;
};

// 1, 3 and 5 to the number, 2 and 4 to the e-mail address.
static const struct query_row query_rows[] = {
    {"", "5 4 3 2 1 "},
    {"?", "5 4 3 2 1 "},
    {"?to=%2B919999999993", "5 3 1 "},
    {"?to=+919999999993", "5 3 1 "},
    {"?to=%2B91+99999+99993", "5 3 1 "},
    {"?to=+91%2099999%2099993", "5 3 1 "},
    {"?to=captest@example.com", "4 2 "},
    {"?to=CapTest%40Example.COM", "4 2 "},
    {"?to=nobody@example.com", ""},
    {"?to=%2B12025550147", ""},
    {"?limit=2", "5 4 "},
    {"?limit=10000", "5 4 3 2 1 "},
    {"?after=3", "5 4 "},
    {"?after=5", ""},
    {"?after=0", "5 4 3 2 1 "},
    {"?after=6", "5 4 3 2 1 "},
    {"?after=18446744073709551615", "5 4 3 2 1 "},
    {"?to=captest@example.com&after=2&limit=1", "4 "},
    {"?wait=60s", "5 4 3 2 1 "},
    {"?wait=0", "5 4 3 2 1 "},
    {"?after=5&wait=0", ""},
    {"?unknown=%zz&limit=1", "5 "},
};

static void queries_choose(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 1; i <= 5; i++)
        add(f, i % 2 == 0 ? "captest@example.com" : "919999999993", "text");
    for (size_t i = 0; i < sizeof query_rows / sizeof query_rows[0]; i++)
        assert_ids(query_rows[i].query, get(f, query_rows[i].query), query_rows[i].ids);
}

struct refusal_row {
    const char *query;
    const char *message;
};

#define BAD_TO "to must be a mobile number or an e-mail address"
#define BAD_WAIT "wait must be a time such as 5s, at most 60s"
#define BAD_QUERY "The query is not well-formed"

static const struct refusal_row refusal_rows[] = {
    {"?to=", BAD_TO},
    {"?to", BAD_TO},
    {"?to=nonsense", BAD_TO},
    {"?to=a!@example.com", BAD_TO},
    {"?to=+91+!", BAD_TO},
    {"?to=%zz", BAD_QUERY},
    {"?limit=1&to=%4", BAD_QUERY},
    {"?wait=soon", BAD_WAIT},
    {"?wait=-1s", BAD_WAIT},
    {"?wait=61s", BAD_WAIT},
    {"?wait=", BAD_WAIT},
    {"?limit=0", "limit must be 1 to 10000"},
    {"?limit=10001", "limit must be 1 to 10000"},
    {"?limit=ten", "limit must be 1 to 10000"},
    {"?after=x", "after must be the id of a message"},
    {"?after=18446744073709551616", "after must be the id of a message"},
};

static void bad_queries_are_refused(void **state)
{
    struct fixture *f = *state;
    add(f, "919999999993", "text");
    for (size_t i = 0; i < sizeof refusal_rows / sizeof refusal_rows[0]; i++) {
        char expected[256];
        const char *answer = get(f, refusal_rows[i].query);
        if (strstr(answer, " 400 ") == NULL)
            fail_msg("%s: %s", refusal_rows[i].query, answer);
        (void)snprintf(expected, sizeof expected,
                       "{\"status\":{\"success\":false,\"code\":400,\"message\":\"%s\"}}",
                       refusal_rows[i].message);
        assert_string_equal(body_of(answer), expected);
    }
}

static void overlong_address_is_refused(void **state)
{
    struct fixture *f = *state;
    char query[400] = "?to=";
    memset(query + 4, 'a', 300);
    memcpy(query + 304, "@example.com", 13);
    assert_status(get(f, query), "400");
}

static void wait_ends_with_the_first_message(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(get(f, "?to=captest@example.com&wait=5s"), "");
    rig_wait(&f->rig, 3000);
    add(f, "919999999993", "for somebody else");
    rig_wait(&f->rig, POLL_MS_MAX);
    assert_string_equal(output(f), "");
    add(f, "captest@example.com", "for us");
    rig_wait(&f->rig, POLL_MS_MAX);
    assert_ids("wait", output(f), "2 ");
    assert_ids("next request", get(f, ""), "2 1 ");
}

static void wait_ends_at_its_deadline(void **state)
{
    struct fixture *f = *state;
    add(f, "919999999993", "old");
    assert_string_equal(get(f, "?after=1&wait=5s"), "");
    for (unsigned ms = 0; ms < 4999; ms++)
        rig_wait(&f->rig, 1);
    assert_string_equal(output(f), "");
    rig_wait(&f->rig, 1);
    assert_ids("deadline", output(f), "");
}

static void wait_is_for_one_newer_than_after(void **state)
{
    struct fixture *f = *state;
    add(f, "919999999993", "old");
    assert_string_equal(get(f, "?to=+919999999993&after=1&wait=60s"), "");
    rig_wait(&f->rig, 30000);
    add(f, "919999999993", "new");
    rig_wait(&f->rig, POLL_MS_MAX);
    assert_ids("after", output(f), "2 ");
}

// Two came between two looks; the answer has both.
static void wait_shows_all_that_came(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(get(f, "?wait=5s&limit=10"), "");
    add(f, "919999999993", "one");
    add(f, "captest@example.com", "two");
    rig_wait(&f->rig, POLL_MS_MAX);
    assert_ids("both", output(f), "2 1 ");
}

static void client_that_leaves_is_waited_for_no_longer(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(get(f, "?wait=60s"), "");
    rig_close(&f->rig);
    rig_connect(&f->rig);
    add(f, "919999999993", "late");
    assert_ids("other connection", get(f, ""), "1 ");
}

static void stopping_server_keeps_nobody_waiting(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(get(f, "?wait=60s"), "");
    inbox_end_waits(f->inbox);
    rig_wait(&f->rig, POLL_MS_MAX);
    assert_ids("ended", output(f), "");
    assert_ids("later", get(f, "?wait=60s"), "");
}

static void delete_forgets(void **state)
{
    struct fixture *f = *state;
    add(f, "919999999993", "text");
    const char *answer = ask(f, "DELETE /dev/inbox", HOST);
    assert_status(answer, "204");
    assert_string_equal(body_of(answer), "");
    assert_ids("after delete", get(f, ""), "");
}

static void other_methods_and_paths_are_refused(void **state)
{
    struct fixture *f = *state;
    const char *answer = ask(f, "POST /dev/inbox", HOST "Content-Length: 0\r\n");
    assert_status(answer, "405");
    assert_non_null(strstr(answer, "\r\nAllow: GET, HEAD, DELETE\r\n"));
    assert_status(ask(f, "GET /dev/inbox/", HOST), "404");
    assert_status(ask(f, "OPTIONS /dev/inbox", HOST "Origin: http://example.com\r\n"), "405");
}

struct asset_row {
    const char *what;
    const char *fields;
    const char *type;
    const char *begins;
};

static const struct asset_row asset_rows[] = {
    {"GET /dev/inbox", HOST "Accept: text/html,*/*;q=0.8\r\n", "text/html; charset=utf-8",
     "<!doctype html>\n"},
    {"GET /dev/inbox?to=x", HOST "Accept: text/html\r\n", "text/html; charset=utf-8",
     "<!doctype html>\n"},
    {"GET /dev/inbox.js", HOST, "text/javascript; charset=utf-8", "// SPDX"},
    {"GET /dev/inbox.css", HOST, "text/css; charset=utf-8", "/* SPDX"},
};

static void page_is_served(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof asset_rows / sizeof asset_rows[0]; i++) {
        char type[64];
        const char *answer = ask(f, asset_rows[i].what, asset_rows[i].fields);
        assert_status(answer, "200");
        (void)snprintf(type, sizeof type, "\r\nContent-Type: %s\r\n", asset_rows[i].type);
        assert_non_null(strstr(answer, type));
        assert_memory_equal(body_of(answer), asset_rows[i].begins, strlen(asset_rows[i].begins));
    }
}

// A policy that forbids inline code is of use only if the page has none.
static void page_has_nothing_inline(void **state)
{
    static const char *const forbidden[] = {
        " style=", "<style", " onclick=", " onload=", "<script>", "javascript:"};
    struct fixture *f = *state;
    const char *page = body_of(ask(f, "GET /dev/inbox", HOST "Accept: text/html\r\n"));
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++)
        assert_null(strstr(page, forbidden[i]));
    const char *script = body_of(ask(f, "GET /dev/inbox.js", HOST));
    assert_null(strstr(script, "innerHTML"));
    assert_null(strstr(script, "insertAdjacentHTML"));
    assert_null(strstr(script, "eval("));
}

static void every_answer_has_the_security_fields(void **state)
{
    static const char *const fields[] = {
        "\r\nContent-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'\r\n",
        "\r\nReferrer-Policy: no-referrer\r\n",
        "\r\nX-Content-Type-Options: nosniff\r\n",
        "\r\nPermissions-Policy: otp-credentials=(self)\r\n",
        "\r\nCross-Origin-Opener-Policy: same-origin\r\n",
        "\r\nCross-Origin-Resource-Policy: same-origin\r\n",
        "\r\nCache-Control: no-store\r\n",
    };
    static const char *const requests[] = {"GET /dev/inbox", "GET /dev/inbox?to=x",
                                           "GET /dev/inbox.js", "DELETE /dev/inbox"};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        const char *answer = ask(f, requests[i], HOST);
        for (size_t k = 0; k < sizeof fields / sizeof fields[0]; k++)
            assert_non_null(strstr(answer, fields[k]));
        assert_null(strstr(answer, "Access-Control"));
    }
}

static const char *const foreign_fields[] = {
    "Host: example.com\r\n",
    "Host: rebound.example.com:8480\r\n",
    "Host: 192.0.2.7:8480\r\n",
    HOST "Origin: http://example.com\r\n",
    HOST "Origin: http://127.0.0.1:8481\r\n",
    HOST "Origin: null\r\n",
};

static void foreign_hosts_and_origins_are_refused(void **state)
{
    static const char *const requests[] = {"GET /dev/inbox", "DELETE /dev/inbox",
                                           "GET /dev/inbox.js", "GET /dev/inbox.css",
                                           "GET /dev/inbox?wait=60s"};
    struct fixture *f = *state;
    add(f, "919999999993", "secret");
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        for (size_t k = 0; k < sizeof foreign_fields / sizeof foreign_fields[0]; k++) {
            const char *answer = ask(f, requests[i], foreign_fields[k]);
            assert_status(answer, "403");
            assert_non_null(strstr(answer, "{\"status\":{\"success\":false,\"code\":403,"));
            assert_null(strstr(answer, "secret"));
        }
    }
    assert_ids("own origin", ask(f, "GET /dev/inbox", HOST "Origin: http://127.0.0.1:8480\r\n"),
               "1 ");
}

// Texts that grow sixfold as JSON: as many messages as fit, each whole.
static void longest_answer_is_bounded(void **state)
{
    struct fixture *f = *state;
    char text[INBOX_TEXT_BYTES_MAX];
    memset(text, 1, sizeof text);
    for (unsigned i = 0; i < 1000; i++)
        inbox_add(f->inbox, &(struct inbox_message){.text = span_make(text, sizeof text)});
    f->rig.is_stuck = true;
    (void)get(f, "?limit=1000");
    struct span answer = http_conn_output(f->rig.conn);
    assert_in_range(answer.len, 5U << 20, (6U << 20) + 1024);
    assert_memory_equal(answer.data + answer.len - 14, ",\"sentAt\":0}]}", 14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(empty_inbox_answers_at_once),
        TEST(message_is_written_as_json),
        TEST(queries_choose),
        TEST(bad_queries_are_refused),
        TEST(overlong_address_is_refused),
        TEST(wait_ends_with_the_first_message),
        TEST(wait_ends_at_its_deadline),
        TEST(wait_is_for_one_newer_than_after),
        TEST(wait_shows_all_that_came),
        TEST(client_that_leaves_is_waited_for_no_longer),
        TEST(stopping_server_keeps_nobody_waiting),
        TEST(delete_forgets),
        TEST(other_methods_and_paths_are_refused),
        TEST(page_is_served),
        TEST(page_has_nothing_inline),
        TEST(every_answer_has_the_security_fields),
        TEST(foreign_hosts_and_origins_are_refused),
        TEST(longest_answer_is_bounded),
    };
    return cmocka_run_group_tests_name("admin/inbox_http", tests, NULL, NULL);
}
