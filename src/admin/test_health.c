// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Health and metrics through a real connection on invented time.
#include "admin/health.h"
#include "admin/metrics_http.h"

#include "http/test_rig.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#define ROUTES (HEALTH_ROUTES_COUNT + 1U)

struct fixture {
    struct rig rig;
    bool is_store_ok;
    bool is_outbox_ok;
    struct health_check checks[2];
    struct health health;
    struct metrics *metrics;
    struct metrics_http page;
    struct http_route routes[ROUTES];
    int64_t age_ms; // of the oldest message
    char text[sizeof((struct rig *)NULL)->out + 1];
};

static int64_t stopped_ns(void)
{
    return 0;
}

static bool is_set(void *ctx)
{
    return *(const bool *)ctx;
}

static void measure(void *ctx)
{
    const struct fixture *f = ctx;
    metrics_set(f->metrics, METRIC_OUTBOX_OLDEST_AGE_MS, f->age_ms);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const struct metrics_options options = {SPAN("1.2.3"), stopped_ns};
    assert_non_null(f);
    assert_int_equal(metrics_create(&options, &f->metrics), ERR_OK);
    f->is_store_ok = f->is_outbox_ok = true;
    f->checks[0] = (struct health_check){SPAN("store"), is_set, &f->is_store_ok};
    f->checks[1] = (struct health_check){SPAN("outbox"), is_set, &f->is_outbox_ok};
    f->health = (struct health){f->checks, 2};
    f->page = (struct metrics_http){f->metrics, measure, f};
    health_routes(&f->health, f->routes);
    f->routes[HEALTH_ROUTES_COUNT] = metrics_http_route(&f->page);
    rig_init_counted(&f->rig, &http_limits_default, f->metrics);
    f->rig.router.routes = f->routes;
    f->rig.router.count = ROUTES;
    metrics_http_name_routes(f->metrics, &f->rig.router);
    rig_connect(&f->rig);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    rig_fini(&f->rig);
    metrics_destroy(&f->metrics);
    free(f);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static const char *ask(struct fixture *f, const char *what)
{
    char head[256];
    f->rig.out_bytes = 0;
    int len = snprintf(head, sizeof head, "%s HTTP/1.1\r\nHost: example.com\r\n\r\n", what);
    assert_int_equal(rig_send(&f->rig, span_make(head, (size_t)len)), len);
    struct span out = rig_output(&f->rig);
    memcpy(f->text, out.data, out.len);
    f->text[out.len] = '\0';
    return f->text;
}

static void assert_answer(struct fixture *f, const char *what, int status, const char *body)
{
    char line[32];
    const char *answer = ask(f, what);
    (void)snprintf(line, sizeof line, "HTTP/1.1 %d ", status);
    assert_int_equal(strncmp(answer, line, strlen(line)), 0);
    assert_string_equal(strstr(answer, "\r\n\r\n") + 4, body);
}

static void assert_has(const char *text, const char *what)
{
    if (strstr(text, what) == NULL)
        fail_msg("it does not have %s", what);
}

static void a_healthy_server_is_alive_and_ready(void **state)
{
    struct fixture *f = *state;
    assert_answer(f, "GET /livez", 200, "ok\n");
    assert_answer(f, "GET /readyz", 200, "ok\n");
    assert_answer(f, "GET /healthz", 200, "ok\n");
    assert_answer(f, "HEAD /readyz", 200, "");
    assert_answer(f, "GET /readyz?verbose", 200, "[+]store ok\n[+]outbox ok\nready\n");
}

static void one_failing_check_makes_it_not_ready(void **state)
{
    struct fixture *f = *state;
    f->is_outbox_ok = false;
    assert_answer(f, "GET /readyz", 503, "not ready\n");
    assert_answer(f, "GET /healthz", 503, "not ready\n");
    assert_answer(f, "GET /readyz?verbose=1", 503, "[+]store ok\n[-]outbox failed\nnot ready\n");
    assert_answer(f, "GET /livez", 200, "ok\n");
    f->is_outbox_ok = true;
    f->is_store_ok = false;
    assert_answer(f, "GET /readyz?a=b&verbose", 503, "[-]store failed\n[+]outbox ok\nnot ready\n");
    f->is_store_ok = true;
    assert_answer(f, "GET /readyz", 200, "ok\n");
}

static void answers_are_plain_text_that_nobody_keeps(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {"GET /livez", "GET /readyz", "GET /healthz"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const char *answer = ask(f, paths[i]);
        assert_has(answer, "\r\nContent-Type: text/plain; charset=utf-8\r\n");
        assert_has(answer, "\r\nCache-Control: no-store\r\n");
    }
}

static void only_get_and_head_are_served(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {"POST /livez", "DELETE /readyz", "PUT /metrics"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const char *answer = ask(f, paths[i]);
        assert_has(answer, "HTTP/1.1 405 ");
        assert_has(answer, "\r\nAllow: GET, HEAD\r\n");
    }
}

static void the_page_says_its_format_and_is_measured_when_asked_for(void **state)
{
    struct fixture *f = *state;
    f->age_ms = 1500;
    const char *answer = ask(f, "GET /metrics");
    assert_has(answer, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
    assert_has(answer, "\notpd_build_info{version=\"1.2.3\"} 1\n");
    assert_has(answer, "\notpd_outbox_oldest_age_seconds 1.5\n");
    assert_null(strstr(answer, "\nprocess_open_fds 0\n"));
    f->age_ms = 0;
    assert_has(ask(f, "GET /metrics"), "\notpd_outbox_oldest_age_seconds 0\n");
}

// Also what no handler answers, once each.
static void every_answer_is_counted_by_its_route(void **state)
{
    struct fixture *f = *state;
    f->is_store_ok = false;
    (void)ask(f, "GET /livez");
    (void)ask(f, "HEAD /livez");
    (void)ask(f, "GET /readyz");
    (void)ask(f, "GET /nowhere");
    (void)ask(f, "POST /livez");
    const char *page = ask(f, "GET /metrics");
    assert_has(page, "{route=\"/livez\",method=\"GET\",code=\"200\"} 2\n");
    assert_has(page, "{route=\"/readyz\",method=\"GET\",code=\"503\"} 1\n");
    assert_has(page, "{route=\"other\",method=\"other\",code=\"404\"} 1\n");
    assert_has(page, "{route=\"other\",method=\"other\",code=\"405\"} 1\n");
    assert_has(page, "_duration_seconds_count{route=\"/livez\",method=\"GET\"} 2\n");
    assert_null(strstr(page, "_requests_total{route=\"/metrics\""));
    page = ask(f, "GET /metrics");
    assert_has(page, "_requests_total{route=\"/metrics\",method=\"GET\",code=\"200\"} 1\n");
}

static void a_refused_request_belongs_to_no_route(void **state)
{
    struct fixture *f = *state;
    (void)ask(f, "GET /livez");
    (void)ask(f, "GET  /livez"); // two spaces: refused, and the connection closes
    assert_has(f->text, "HTTP/1.1 400 ");
    rig_close(&f->rig);
    rig_connect(&f->rig);
    const char *page = ask(f, "GET /metrics");
    assert_has(page, "{route=\"other\",method=\"other\",code=\"400\"} 1\n");
    assert_has(page, "_requests_total{route=\"/livez\",method=\"GET\",code=\"200\"} 1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_healthy_server_is_alive_and_ready),
        TEST(one_failing_check_makes_it_not_ready),
        TEST(answers_are_plain_text_that_nobody_keeps),
        TEST(only_get_and_head_are_served),
        TEST(the_page_says_its_format_and_is_measured_when_asked_for),
        TEST(every_answer_is_counted_by_its_route),
        TEST(a_refused_request_belongs_to_no_route),
    };
    return cmocka_run_group_tests_name("admin/health", tests, NULL, NULL);
}
