// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "telemetry/metrics.h"

#include "telemetry/process.h"

#include "unit/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS 4
#define COUNTS 20000

struct fixture {
    struct metrics *metrics;
    char *page;
};

// The clock stands still: a duration is what its test says that it is.
static int64_t stopped_ns(void)
{
    return INT64_C(1) << 40;
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    const struct metrics_options options = {SPAN("1.2.3\"\\\n"), stopped_ns};
    assert_int_equal(metrics_create(&options, &fixture->metrics), ERR_OK);
    fixture->page = malloc(METRICS_PAGE_BYTES_MAX + 1);
    assert_non_null(fixture->page);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    metrics_destroy(&fixture->metrics);
    free(fixture->page);
    free(fixture);
    return 0;
}

static const char *page_of(struct fixture *fixture)
{
    struct strbuf out = strbuf_over(fixture->page, METRICS_PAGE_BYTES_MAX);
    metrics_write(fixture->metrics, &out);
    assert_false(out.is_overflowed);
    fixture->page[out.len] = '\0';
    return fixture->page;
}

// The page has that whole line.
static void assert_line(struct fixture *fixture, const char *line)
{
    const char *page = page_of(fixture);
    const char *at = strstr(page, line);
    if (at == NULL || (at != page && at[-1] != '\n') || at[strlen(line)] != '\n')
        fail_msg("no line %s", line);
}

static void name_routes(struct fixture *fixture)
{
    static const struct metrics_route routes[] = {{SPAN("GET"), SPAN("/a")},
                                                  {SPAN("POST"), SPAN("/b\"\\\nc")}};
    metrics_name_routes(fixture->metrics, routes, 2);
}

static void answer_after(struct fixture *fixture, size_t route, int status, int64_t duration_ns)
{
    metrics_answer(fixture->metrics, route, status, stopped_ns() - duration_ns);
}

static void a_family_has_help_and_type_once_and_before_its_samples(void **state)
{
    struct fixture *fixture = *state;
    const char *page = page_of(fixture);
    size_t families = 0;
    for (const char *at = strstr(page, "# HELP "); at != NULL; at = strstr(at + 1, "# HELP ")) {
        char name[100] = {0};
        char sample[104] = "\n";
        size_t len = strcspn(at + 7, " ");
        assert_in_range(len, 1, sizeof name - 1);
        memcpy(name, at + 7, len);
        memcpy(sample + 1, name, len);
        const char *type = strchr(at, '\n') + 1;
        assert_int_equal(strncmp(type, "# TYPE ", 7), 0);
        assert_int_equal(strncmp(type + 7, name, len), 0);
        const char *first = strstr(page, sample);
        assert_true(first == NULL || first > type);
        families++;
    }
    // Build, requests and their durations; logins and commits; attempts and deliveries.
    assert_int_equal(families, METRIC_COUNT_ + 3 + 2 + 2 + METRIC_PROVIDER_COUNT_);
}

static void a_counter_starts_at_zero_and_counts(void **state)
{
    struct fixture *fixture = *state;
    assert_line(fixture, "otpd_sessions_total 0");
    metrics_count(fixture->metrics, METRIC_SESSIONS, 0, 0);
    metrics_count(fixture->metrics, METRIC_SESSIONS, 0, 0);
    assert_line(fixture, "otpd_sessions_total 2");
    assert_line(fixture, "# TYPE otpd_sessions_total counter");
}

struct label_row {
    enum metric metric;
    unsigned label, second;
    const char *line;
};

static const struct label_row label_rows[] = {
    {METRIC_OTP_ISSUED, 0, 0, "otpd_otp_issued_total{channel=\"SMS\"} 1"},
    {METRIC_OTP_ISSUED, 3, 0, "otpd_otp_issued_total{channel=\"EMAIL\"} 1"},
    {METRIC_OTP_VALIDATED, METRIC_VALIDATED_OK, 0, "otpd_otp_validated_total{result=\"ok\"} 1"},
    {METRIC_OTP_VALIDATED, METRIC_VALIDATED_SESSION, 0,
     "otpd_otp_validated_total{result=\"session\"} 1"},
    {METRIC_RATE_LIMITED, METRIC_LIMIT_TRIES, 0, "otpd_rate_limited_total{policy=\"tries\"} 1"},
    {METRIC_DELIVERY_ATTEMPTS, 0, METRIC_ATTEMPT_ACCEPTED,
     "otpd_delivery_attempts_total{channel=\"SMS\",result=\"accepted\"} 1"},
    {METRIC_DELIVERY_ATTEMPTS, 2, METRIC_ATTEMPT_RETRY,
     "otpd_delivery_attempts_total{channel=\"ZALO\",result=\"retry\"} 1"},
    {METRIC_DELIVERY_ATTEMPTS, 3, METRIC_ATTEMPT_PERMANENT,
     "otpd_delivery_attempts_total{channel=\"EMAIL\",result=\"permanent\"} 1"},
    {METRIC_DELIVERIES_ENDED, METRIC_ENDING_EXPIRED, 0,
     "otpd_deliveries_ended_total{state=\"expired\"} 1"},
    {METRIC_STORE_ERRORS, METRIC_STORE_UNKNOWN, 0,
     "otpd_store_errors_total{outcome=\"unknown\"} 1"},
};

static void labels_stand_beside_their_count(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof label_rows / sizeof label_rows[0]; i++) {
        const struct label_row *row = &label_rows[i];
        metrics_count(fixture->metrics, row->metric, row->label, row->second);
        assert_line(fixture, row->line);
    }
    assert_line(fixture, "otpd_otp_issued_total{channel=\"ZALO\"} 0");
    assert_line(fixture, "otpd_delivery_attempts_total{channel=\"ZALO\",result=\"accepted\"} 0");
}

struct measured_row {
    enum metric metric;
    int64_t value;
    const char *line;
};

static const struct measured_row measured_rows[] = {
    {METRIC_OUTBOX_MESSAGES, 100000, "otpd_outbox_messages{state=\"queued\"} 100000"},
    {METRIC_OUTBOX_OLDEST_AGE_MS, 0, "otpd_outbox_oldest_age_seconds 0"},
    {METRIC_OUTBOX_OLDEST_AGE_MS, 1, "otpd_outbox_oldest_age_seconds 0.001"},
    {METRIC_OUTBOX_OLDEST_AGE_MS, 60050, "otpd_outbox_oldest_age_seconds 60.05"},
    {METRIC_OUTBOX_OLDEST_AGE_MS, 7000, "otpd_outbox_oldest_age_seconds 7"},
    {METRIC_STARTED_AT_MS, INT64_C(1790000000123), "process_start_time_seconds 1790000000.123"},
    {METRIC_CPU_US, 1000001, "process_cpu_seconds_total 1.000001"},
    {METRIC_RESIDENT_BYTES, INT64_MAX, "process_resident_memory_bytes 9223372036854775807"},
};

static void what_is_measured_is_shown_in_its_unit(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof measured_rows / sizeof measured_rows[0]; i++) {
        metrics_set(fixture->metrics, measured_rows[i].metric, measured_rows[i].value);
        assert_line(fixture, measured_rows[i].line);
    }
}

static void label_values_are_escaped(void **state)
{
    struct fixture *fixture = *state;
    name_routes(fixture);
    answer_after(fixture, 1, 200, 0);
    assert_line(fixture, "otpd_build_info{version=\"1.2.3\\\"\\\\\\n\"} 1");
    assert_line(fixture, "otpd_http_requests_total{route=\"/b\\\"\\\\\\nc\",method=\"POST\","
                         "code=\"200\"} 1");
}

static void answers_are_counted_by_route_and_status(void **state)
{
    struct fixture *fixture = *state;
    name_routes(fixture);
    answer_after(fixture, 0, 200, 0);
    answer_after(fixture, 0, 200, 0);
    answer_after(fixture, 0, 503, 0);
    answer_after(fixture, 0, 299, 0);
    answer_after(fixture, METRICS_NO_ROUTE, 404, 0);
    assert_line(fixture, "otpd_http_requests_total{route=\"/a\",method=\"GET\",code=\"200\"} 2");
    assert_line(fixture, "otpd_http_requests_total{route=\"/a\",method=\"GET\",code=\"503\"} 1");
    assert_line(fixture, "otpd_http_requests_total{route=\"/a\",method=\"GET\",code=\"other\"} 1");
    assert_line(fixture,
                "otpd_http_requests_total{route=\"other\",method=\"other\",code=\"404\"} 1");
    assert_null(strstr(page_of(fixture), "code=\"400\""));
}

#define SERIES(suffix) "otpd_http_request_duration_seconds_" suffix "{route=\"/a\",method=\"GET\""

static void a_duration_falls_into_its_bucket_and_all_above(void **state)
{
    struct fixture *fixture = *state;
    name_routes(fixture);
    answer_after(fixture, 0, 200, 100000); // a bound belongs to its bucket
    answer_after(fixture, 0, 200, 100001);
    answer_after(fixture, 0, 200, INT64_C(11000000000));
    assert_line(fixture, SERIES("bucket") ",le=\"0.0001\"} 1");
    assert_line(fixture, SERIES("bucket") ",le=\"0.00025\"} 2");
    assert_line(fixture, SERIES("bucket") ",le=\"10\"} 2");
    assert_line(fixture, SERIES("bucket") ",le=\"+Inf\"} 3");
    assert_line(fixture, SERIES("count") "} 3");
    assert_line(fixture, SERIES("sum") "} 11.000200001");
}

static void an_answer_that_reached_no_route_has_no_duration(void **state)
{
    struct fixture *fixture = *state;
    name_routes(fixture);
    answer_after(fixture, METRICS_NO_ROUTE, 400, 0);
    assert_null(strstr(page_of(fixture), "otpd_http_request_duration_seconds_bucket"));
}

static void name_two(struct fixture *fixture)
{
    static const struct span names[] = {SPAN("texts"), SPAN("the \"other\"")};
    metrics_name_providers(fixture->metrics, names, 2);
}

#define CIRCUIT_OF_OTHER "otpd_provider_circuit_state{provider=\"the \\\"other\\\"\",state=\""

static void providers_are_counted_by_name(void **state)
{
    struct fixture *fixture = *state;
    name_two(fixture);
    metrics_count_attempt(fixture->metrics, 0, METRIC_ATTEMPT_ACCEPTED);
    metrics_count_attempt(fixture->metrics, 1, METRIC_ATTEMPT_UNKNOWN);
    metrics_count_attempt(fixture->metrics, 1, METRIC_ATTEMPT_UNKNOWN);
    metrics_set_provider(fixture->metrics, 1, METRIC_PROVIDER_BREAKER, 2);
    metrics_set_provider(fixture->metrics, 0, METRIC_PROVIDER_IN_FLIGHT, 128);
    metrics_set_provider(fixture->metrics, 0, METRIC_PROVIDER_OLDEST_AGE_MS, 1500);
    assert_line(fixture, "otpd_provider_attempts_total{provider=\"texts\",result=\"accepted\"} 1");
    assert_line(fixture, "otpd_provider_attempts_total{provider=\"texts\",result=\"unknown\"} 0");
    assert_line(
        fixture,
        "otpd_provider_attempts_total{provider=\"the \\\"other\\\"\",result=\"unknown\"} 2");
    assert_line(fixture, "otpd_provider_circuit_state{provider=\"texts\",state=\"closed\"} 1");
    assert_line(fixture, "otpd_provider_circuit_state{provider=\"texts\",state=\"open\"} 0");
    assert_line(fixture, CIRCUIT_OF_OTHER "closed\"} 0");
    assert_line(fixture, CIRCUIT_OF_OTHER "half_open\"} 0");
    assert_line(fixture, CIRCUIT_OF_OTHER "open\"} 1");
    assert_line(fixture, "otpd_provider_in_flight{provider=\"texts\"} 128");
    assert_line(fixture, "otpd_provider_oldest_age_seconds{provider=\"texts\"} 1.5");
}

#define TEXTS_BY_SMS "{provider=\"texts\",channel=\"SMS\""

static void time_to_delivery_falls_into_its_bucket(void **state)
{
    struct fixture *fixture = *state;
    name_two(fixture);
    assert_null(strstr(page_of(fixture), "otpd_delivery_latency_seconds_bucket"));
    metrics_delivered(fixture->metrics, 0, 0, 2000);
    metrics_delivered(fixture->metrics, 0, 0, 2001);
    metrics_delivered(fixture->metrics, 0, 0, 86400000);
    assert_line(fixture, "otpd_delivery_latency_seconds_bucket" TEXTS_BY_SMS ",le=\"1\"} 0");
    assert_line(fixture, "otpd_delivery_latency_seconds_bucket" TEXTS_BY_SMS ",le=\"2\"} 1");
    assert_line(fixture, "otpd_delivery_latency_seconds_bucket" TEXTS_BY_SMS ",le=\"5\"} 2");
    assert_line(fixture, "otpd_delivery_latency_seconds_bucket" TEXTS_BY_SMS ",le=\"300\"} 2");
    assert_line(fixture, "otpd_delivery_latency_seconds_bucket" TEXTS_BY_SMS ",le=\"+Inf\"} 3");
    assert_line(fixture, "otpd_delivery_latency_seconds_sum" TEXTS_BY_SMS "} 86404.001");
    assert_line(fixture, "otpd_delivery_latency_seconds_count" TEXTS_BY_SMS "} 3");
    assert_null(strstr(page_of(fixture), "channel=\"EMAIL\",le="));
}

static void time_to_a_login_is_told_by_channel(void **state)
{
    struct fixture *fixture = *state;
    assert_null(strstr(page_of(fixture), "otpd_otp_time_to_validate_seconds_bucket"));
    metrics_validated(fixture->metrics, 3, 500);
    metrics_validated(fixture->metrics, 3, 1200000);
    assert_line(fixture,
                "otpd_otp_time_to_validate_seconds_bucket{channel=\"EMAIL\",le=\"0.5\"} 1");
    assert_line(fixture,
                "otpd_otp_time_to_validate_seconds_bucket{channel=\"EMAIL\",le=\"300\"} 1");
    assert_line(fixture, "otpd_otp_time_to_validate_seconds_sum{channel=\"EMAIL\"} 1200.5");
    assert_line(fixture, "otpd_otp_time_to_validate_seconds_count{channel=\"EMAIL\"} 2");
}

static void fill_providers(struct fixture *fixture, char name[METRICS_PROVIDER_BYTES_MAX])
{
    struct span names[METRICS_PROVIDERS_MAX];
    memset(name, '"', METRICS_PROVIDER_BYTES_MAX);
    for (size_t i = 0; i < METRICS_PROVIDERS_MAX; i++)
        names[i] = span_make(name, METRICS_PROVIDER_BYTES_MAX);
    metrics_name_providers(fixture->metrics, names, METRICS_PROVIDERS_MAX);
    for (size_t i = 0; i < METRICS_PROVIDERS_MAX; i++) {
        for (unsigned channel = 0; channel < METRIC_CHANNELS; channel++)
            metrics_delivered(fixture->metrics, i, channel, 1000);
    }
}

static void a_full_page_fits(void **state)
{
    struct fixture *fixture = *state;
    struct metrics_route routes[METRICS_ROUTES_MAX];
    char path[METRICS_PATH_BYTES_MAX];
    char provider[METRICS_PROVIDER_BYTES_MAX];
    fill_providers(fixture, provider);
    memset(path, 'p', sizeof path);
    for (size_t i = 0; i < METRICS_ROUTES_MAX; i++)
        routes[i] = (struct metrics_route){SPAN("OPTIONS"), span_make(path, sizeof path)};
    metrics_name_routes(fixture->metrics, routes, METRICS_ROUTES_MAX);
    for (size_t i = 0; i < METRICS_ROUTES_MAX; i++) {
        for (int status = 200; status < 600; status++)
            answer_after(fixture, i, status, INT64_C(1000000000) * status);
    }
    assert_in_range(strlen(page_of(fixture)), 100000, METRICS_PAGE_BYTES_MAX);
}

static void without_metrics_nothing_is_counted(void **state)
{
    (void)state;
    metrics_count(NULL, METRIC_SESSIONS, 0, 0);
    metrics_answer(NULL, 0, 200, 0);
    assert_int_equal(metrics_now_ns(NULL), 0);
}

static void *count_many(void *ctx)
{
    struct fixture *fixture = ctx;
    for (unsigned i = 0; i < COUNTS; i++) {
        metrics_count(fixture->metrics, METRIC_OTP_ISSUED, i % 4, 0);
        answer_after(fixture, 0, 200, 1000000);
    }
    return NULL;
}

// Pages are written meanwhile; none of them shows a histogram that contradicts itself.
static void no_count_is_lost_among_threads(void **state)
{
    struct fixture *fixture = *state;
    pthread_t threads[THREADS];
    name_routes(fixture);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_many, fixture), 0);
    for (size_t i = 0; i < 20; i++) {
        const char *page = page_of(fixture);
        const char *all = strstr(page, SERIES("bucket") ",le=\"+Inf\"} ");
        const char *count = strstr(page, SERIES("count") "} ");
        if (all == NULL)
            continue;
        assert_int_equal(strtoull(strchr(all, ' '), NULL, 10),
                         strtoull(strchr(count, ' '), NULL, 10));
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_line(fixture, "otpd_otp_issued_total{channel=\"WHATSAPP\"} 20000");
    assert_line(fixture, SERIES("count") "} 80000");
    assert_line(fixture, SERIES("sum") "} 80");
}

static unsigned long long shown(struct fixture *fixture, const char *name)
{
    const char *at = strstr(page_of(fixture), name);
    assert_non_null(at);
    return strtoull(at + strlen(name), NULL, 10);
}

static void the_process_is_measured(void **state)
{
    struct fixture *fixture = *state;
    process_measure(fixture->metrics);
    unsigned long long fds = shown(fixture, "\nprocess_open_fds ");
    assert_in_range(shown(fixture, "\nprocess_resident_memory_bytes "), 100000, UINT32_MAX);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    process_measure(fixture->metrics);
    assert_int_equal(shown(fixture, "\nprocess_open_fds "), fds + 1);
    (void)close(fd);
    assert_null(strstr(page_of(fixture), "\nprocess_cpu_seconds_total 0\n"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_family_has_help_and_type_once_and_before_its_samples),
        TEST(a_counter_starts_at_zero_and_counts),
        TEST(labels_stand_beside_their_count),
        TEST(what_is_measured_is_shown_in_its_unit),
        TEST(label_values_are_escaped),
        TEST(answers_are_counted_by_route_and_status),
        TEST(a_duration_falls_into_its_bucket_and_all_above),
        TEST(an_answer_that_reached_no_route_has_no_duration),
        TEST(providers_are_counted_by_name),
        TEST(time_to_delivery_falls_into_its_bucket),
        TEST(time_to_a_login_is_told_by_channel),
        TEST(a_full_page_fits),
        TEST(without_metrics_nothing_is_counted),
        TEST(no_count_is_lost_among_threads),
        TEST(the_process_is_measured),
    };
    return cmocka_run_group_tests_name("telemetry/metrics", tests, NULL, NULL);
}
