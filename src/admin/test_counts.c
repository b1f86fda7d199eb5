// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What logins leave in the counters, and a failing store in the service's health.
#include "rig/visit.h"
#include "service/service.h"
#include "telemetry/metrics.h"

#include "unit/unit.h"

#include <stdlib.h>

#define PERSON                                                            \
    "\"identifierType\":\"MOBILE\",\"identifierValue\":\"919999999993\"," \
    "\"brand\":\"DocDemo\",\"deviceId\":\"1\""

struct fixture {
    struct rig *rig;
    char session[SESSION_ID_TEXT_BYTES + 1];
    char *page;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->rig = rig_create();
    f->page = malloc(METRICS_PAGE_BYTES_MAX + 1);
    assert_non_null(f->page);
    rig_postf(f->rig, "/auth/v1/token/generate", "{" PERSON "}");
    rig_session_id(f->rig, f->session);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    rig_destroy(f->rig);
    free(f->page);
    free(f);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static int generate(struct fixture *f)
{
    rig_postf(f->rig, "/auth/v1/otp/generate", "{" PERSON ",\"sessionId\":\"%s\"}", f->session);
    return f->rig->status == 200 ? rig_code(f->rig) : f->rig->status;
}

static int validate(struct fixture *f, const char *otp)
{
    rig_postf(f->rig, "/auth/v1/otp/validate", "{" PERSON ",\"sessionId\":\"%s\",\"otp\":\"%s\"}",
              f->session, otp);
    return f->rig->status == 200 ? rig_code(f->rig) : f->rig->status;
}

static void assert_line(struct fixture *f, const char *line)
{
    struct strbuf out = strbuf_over(f->page, METRICS_PAGE_BYTES_MAX);
    metrics_write(f->rig->metrics, &out);
    f->page[out.len] = '\0';
    const char *at = strstr(f->page, line);
    if (at == NULL || at[-1] != '\n' || at[strlen(line)] != '\n')
        fail_msg("no line %s", line);
}

static void a_login_is_counted_step_by_step(void **state)
{
    struct fixture *f = *state;
    struct rig_message message;
    assert_line(f, "otpd_sessions_total 1");
    assert_int_equal(validate(f, "000000"), 1537);
    assert_line(f, "otpd_otp_validated_total{result=\"no_code\"} 1");
    assert_int_equal(generate(f), 200);
    assert_line(f, "otpd_otp_issued_total{channel=\"SMS\"} 1");
    assert_true(rig_take_message(f->rig, &message));
    message.otp[0] ^= 1;
    assert_int_equal(validate(f, message.otp), 1506);
    assert_line(f, "otpd_otp_validated_total{result=\"wrong\"} 1");
    message.otp[0] ^= 1;
    assert_int_equal(validate(f, message.otp), 200);
    assert_line(f, "otpd_otp_validated_total{result=\"ok\"} 1");
    assert_int_equal(validate(f, message.otp), 1505);
    assert_line(f, "otpd_otp_validated_total{result=\"session\"} 1");
    assert_line(f, "otpd_otp_issued_total{channel=\"SMS\"} 1");
    assert_line(f, "otpd_store_errors_total{outcome=\"failed\"} 0");
}

static void limits_are_counted(void **state)
{
    struct fixture *f = *state;
    struct brand_settings settings;
    brand_settings_init(&settings);
    settings.otp_max_count = 2;
    settings.otp_time_out_minutes = 60;
    rig_put_brand(f->rig, "DocDemo", &settings);
    assert_int_equal(generate(f), 200);
    assert_int_equal(generate(f), 200);
    assert_int_equal(generate(f), 1534);
    assert_line(f, "otpd_rate_limited_total{policy=\"sends\"} 1");
    assert_line(f, "otpd_otp_issued_total{channel=\"SMS\"} 2");
    int code = 0;
    for (unsigned i = 0; i < 100 && code != 1518; i++)
        code = validate(f, "000000");
    assert_int_equal(code, 1518);
    assert_line(f, "otpd_rate_limited_total{policy=\"tries\"} 1");
    assert_line(f, "otpd_otp_validated_total{result=\"exhausted\"} 1");
}

struct fault_row {
    enum memory_fault fault;
    const char *line;
};

static const struct fault_row fault_rows[] = {
    {MEMORY_FAULT_FAILURE, "otpd_store_errors_total{outcome=\"failed\"} 1"},
    {MEMORY_FAULT_CRASH_AFTER, "otpd_store_errors_total{outcome=\"unknown\"} 1"},
};

static void a_store_that_fails_is_counted_and_in_doubt_until_it_works(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof fault_rows / sizeof fault_rows[0]; i++) {
        assert_false(service_is_store_failing(&f->rig->service));
        f->rig->fault = fault_rows[i].fault;
        assert_int_not_equal(generate(f), 200);
        assert_line(f, fault_rows[i].line);
        assert_true(service_is_store_failing(&f->rig->service));
        memory_store_recover(f->rig->store);
        assert_true(service_is_store_failing(&f->rig->service));
        assert_int_equal(generate(f), 200);
    }
    assert_false(service_is_store_failing(&f->rig->service));
}

static void doubt_ends_so_that_somebody_may_try_again(void **state)
{
    struct fixture *f = *state;
    f->rig->fault = MEMORY_FAULT_FAILURE;
    assert_int_not_equal(generate(f), 200);
    f->rig->now_ms += SERVICE_STORE_DOUBT_MS - 1;
    assert_true(service_is_store_failing(&f->rig->service));
    f->rig->now_ms += 1;
    assert_false(service_is_store_failing(&f->rig->service));
}

static void a_full_outbox_is_counted_and_no_reason_for_doubt(void **state)
{
    struct fixture *f = *state;
    rig_fill_outbox(f->rig);
    assert_int_not_equal(generate(f), 200);
    assert_line(f, "otpd_store_errors_total{outcome=\"busy\"} 1");
    assert_false(service_is_store_failing(&f->rig->service));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_login_is_counted_step_by_step),
        TEST(limits_are_counted),
        TEST(a_store_that_fails_is_counted_and_in_doubt_until_it_works),
        TEST(doubt_ends_so_that_somebody_may_try_again),
        TEST(a_full_outbox_is_counted_and_no_reason_for_doubt),
    };
    return cmocka_run_group_tests_name("admin/counts", tests, NULL, NULL);
}
