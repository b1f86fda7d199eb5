// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "config/source.h"

#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct listen_case {
    const char *text;
    const char *host; // NULL: refused
    uint16_t port;
    bool is_ipv6;
    bool is_loopback;
};

static const struct listen_case listen_cases[] = {
    {"127.0.0.1:8480", "127.0.0.1", 8480, false, true},
    {"127.1.2.3:0", "127.1.2.3", 0, false, true},
    {"localhost:80", "127.0.0.1", 80, false, true},
    {"0.0.0.0:65535", "0.0.0.0", 65535, false, false},
    {"192.0.2.1:1", "192.0.2.1", 1, false, false},
    {"[::1]:8480", "::1", 8480, true, true},
    {"[::]:8480", "::", 8480, true, false},
    {"[2001:db8::1]:443", "2001:db8::1", 443, true, false},
    {"127.0.0.1", NULL, 0, false, false},
    {"127.0.0.1:", NULL, 0, false, false},
    {"127.0.0.1:65536", NULL, 0, false, false},
    {"127.0.0.1:-1", NULL, 0, false, false},
    {"127.0.0.1:http", NULL, 0, false, false},
    {"127.0.0.1:80:80", NULL, 0, false, false},
    {":8480", NULL, 0, false, false},
    {"8480", NULL, 0, false, false},
    {"", NULL, 0, false, false},
    {"::1:8480", NULL, 0, false, false},
    {"[127.0.0.1]:80", NULL, 0, false, false},
    {"[]:80", NULL, 0, false, false},
    {"[::1:80", NULL, 0, false, false},
    {"example.com:80", NULL, 0, false, false},
    {"127.1:80", NULL, 0, false, false},
    {"[fe80:fe80:fe80:fe80:fe80:fe80:fe80:fe80:fe80:fe80]:80", NULL, 0, false, false},
};

static void test_listen_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(listen_cases); i++) {
        const struct listen_case *c = &listen_cases[i];
        struct config_address address;
        bool is_taken = config_listen_parse(span_of_text(c->text), &address);
        assert_int_equal(is_taken, c->host != NULL);
        if (!is_taken)
            continue;
        assert_string_equal(address.host, c->host);
        assert_int_equal(address.port, c->port);
        assert_int_equal(address.is_ipv6, c->is_ipv6);
        assert_int_equal(address.is_loopback, c->is_loopback);
    }
}

static const struct {
    const char *url;
    const char *below; // NULL: refused
} public_urls[] = {
    {"https://otp.example.com", "https://otp.example.com"},
    {"https://otp.example.com/", "https://otp.example.com"},
    {"https://otp.example.com:8443/a/b-c_d.e~f/", "https://otp.example.com:8443/a/b-c_d.e~f"},
    {"https://192.0.2.1", "https://192.0.2.1"},
    {"http://127.0.0.1:8480", "http://127.0.0.1:8480"},
    {"http://localhost", "http://localhost"},
    {"http://[::1]:8480/x", "http://[::1]:8480/x"},
    {"http://otp.example.com", NULL},
    {"http://127.0.0.1.example.com", NULL},
    {"http://127.0.0.1@example.com", NULL},
    {"https://", NULL},
    {"https:///a", NULL},
    {"https://:443", NULL},
    {"https://a:", NULL},
    {"https://a:443x", NULL},
    {"https://a:443443", NULL},
    {"https://user@otp.example.com", NULL},
    {"https://otp.example.com?a", NULL},
    {"https://otp.example.com/a?b=c", NULL},
    {"https://otp.example.com/#a", NULL},
    {"https://otp.example.com/a//b", NULL},
    {"https://otp.example.com/%61", NULL},
    {"https://otp example.com", NULL},
    {"https://[::2]", NULL},
    {"otp.example.com", NULL},
    {"HTTPS://otp.example.com", NULL},
    {"ftp://localhost", NULL},
};

static void test_public_urls(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(public_urls); i++) {
        struct err_info info;
        struct config_server server = {.listen = ""};
        memcpy(server.public_url, public_urls[i].url, strlen(public_urls[i].url));
        bool is_taken = config_public_url_check(&server, &info) == ERR_OK;
        assert_row_equal(public_urls[i].url, is_taken, public_urls[i].below != NULL);
        struct span below = config_public_url(&server);
        if (is_taken)
            assert_true(span_eq(below, span_of_text(public_urls[i].below)));
    }
}

struct name_case {
    enum config_option_id id;
    const char *flag;
    const char *variable;
};

static const struct name_case name_cases[] = {
    {CONFIG_LISTEN, "--listen", "OTPD_LISTEN"},
    {CONFIG_METRICS_LISTEN, "--metrics-listen", "OTPD_METRICS_LISTEN"},
    {CONFIG_TRUSTED_PROXIES, "--trusted-proxies", "OTPD_TRUSTED_PROXIES"},
    {CONFIG_PUBLIC_URL, "--public-url", "OTPD_PUBLIC_URL"},
    {CONFIG_DATA_DIR, "--data-dir", "OTPD_DATA_DIR"},
    {CONFIG_LOG_LEVEL, "--log-level", "OTPD_LOG_LEVEL"},
    {CONFIG_DRAIN_TIMEOUT, "--drain-timeout-seconds", "OTPD_DRAIN_TIMEOUT_SECONDS"},
};

static void test_names_of_flags_and_variables(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(name_cases); i++) {
        char flag[64] = {0};
        char variable[64] = {0};
        struct strbuf flag_out = strbuf_over(flag, sizeof flag - 1);
        struct strbuf variable_out = strbuf_over(variable, sizeof variable - 1);
        config_put_flag(&config_options[name_cases[i].id], &flag_out);
        config_put_environment(&config_options[name_cases[i].id], &variable_out);
        assert_string_equal(flag, name_cases[i].flag);
        assert_string_equal(variable, name_cases[i].variable);
    }
}

static void test_every_row_is_well_made(void **state)
{
    (void)state;
    struct config_server server;
    option_table_preset(config_option_table(), &server);
    for (size_t i = 0; i < CONFIG_OPTION_COUNT_; i++) {
        const struct option *option = &config_options[i];
        size_t help_len = strlen(option->help);
        assert_in_range(help_len, 5, 70);
        assert_int_not_equal(option->help[help_len - 1], '.');
        assert_true(option->type != OPTION_TEXT || option->unit != NULL);
        assert_true(option->type != OPTION_BOOL); // a flag has a value
        assert_true(option_is_preset(option, &server));
    }
}

// Each flag has a line, and the text fits a terminal of 24 lines and 100 columns.
static void test_help_is_complete_and_short(void **state)
{
    (void)state;
    char help[CONFIG_HELP_BYTES_MAX] = {0};
    struct strbuf out = strbuf_over(help, sizeof help - 1);
    config_put_help(&out);
    assert_false(out.is_overflowed);
    for (size_t i = 0; i < CONFIG_OPTION_COUNT_; i++) {
        char flag[64] = "\n  ";
        struct strbuf flag_out = strbuf_over(flag + 3, sizeof flag - 4);
        config_put_flag(&config_options[i], &flag_out);
        assert_non_null(strstr(help, flag));
    }
    assert_non_null(strstr(help, "  --listen HOST:PORT                  Address to serve on "
                                 "[127.0.0.1:8480]\n"));
    assert_non_null(strstr(help, "--log-format auto|json|text "));
    size_t lines = 0;
    for (struct span rest = strbuf_span(&out); rest.len > 0; lines++)
        assert_in_range(span_split(rest, '\n', &rest).len, 1, 100);
    assert_in_range(lines, CONFIG_OPTION_COUNT_ + 2, 24);
}

static void write_text(const char *path, struct span text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.data, 1, text.len, file), text.len);
    assert_int_equal(fclose(file), 0);
}

// Takes the "#" off what is commented out: "#key: value" and the indented lines of the brands.
static size_t uncomment(struct span text, char *out)
{
    size_t len = 0;
    while (text.len > 0) {
        struct span line = span_split(text, '\n', &text);
        bool is_remark = line.len > 2 && line.data[1] == ' ' && line.data[2] != ' ';
        if (line.len > 1 && line.data[0] == '#' && !is_remark)
            line = span_from(line, 1);
        memcpy(out + len, line.data, line.len);
        len += line.len;
        out[len++] = '\n';
    }
    return len;
}

struct sample_test {
    struct config_server server;
    struct config_report report;
    struct config *config;
    char text[CONFIG_SAMPLE_BYTES_MAX];
    struct strbuf out;
};

static void load_sample(struct sample_test *test, struct span text)
{
    char path[] = "/tmp/otpd-sample-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    write_text(path, text);
    const char *const flags[] = {"--config", path};
    const char *const environment[] = {NULL};
    const struct config_sources sources = {flags, 2, environment};
    enum err err = config_load(&sources, &test->config, &test->report);
    (void)unlink(path);
    assert_string_equal(test->report.held > 0 ? test->report.lines[0] : "", "");
    assert_int_equal(err, ERR_OK);
}

static struct sample_test *sample_create(void)
{
    struct sample_test *test = calloc(1, sizeof *test);
    assert_non_null(test);
    option_table_preset(config_option_table(), &test->server);
    test->out = strbuf_over(test->text, sizeof test->text);
    memcpy(test->server.key_file, "/etc/it's", sizeof "/etc/it's");
    test->server.loops = 2;
    config_put_sample(&test->server, &test->out);
    assert_false(test->out.is_overflowed);
    return test;
}

static void sample_destroy(struct sample_test *test)
{
    config_destroy(&test->config);
    free(test);
}

static void assert_sample_says_what_was_set(const struct sample_test *test)
{
    for (size_t i = 0; i < CONFIG_OPTION_COUNT_; i++)
        assert_true(option_is_equal(&config_options[i], &test->config->server, &test->server));
}

static void test_the_sample_sets_what_was_asked_for(void **state)
{
    (void)state;
    struct sample_test *test = sample_create();
    load_sample(test, strbuf_span(&test->out));
    assert_sample_says_what_was_set(test);
    assert_int_equal(test->config->origins[CONFIG_LOOPS].source, CONFIG_FROM_FILE);
    assert_int_equal(test->config->origins[CONFIG_LISTEN].source, CONFIG_FROM_DEFAULT);
    assert_int_equal(test->config->brands_held, 0);
    sample_destroy(test);
}

static void test_the_sample_without_its_comment_signs_says_the_defaults(void **state)
{
    (void)state;
    struct sample_test *test = sample_create();
    char *text = malloc(CONFIG_SAMPLE_BYTES_MAX);
    assert_non_null(text);
    size_t len = uncomment(strbuf_span(&test->out), text);
    load_sample(test, span_make(text, len));
    free(text);
    assert_sample_says_what_was_set(test);
    for (size_t i = 0; i < CONFIG_OPTION_COUNT_; i++)
        assert_int_equal(test->config->origins[i].source, CONFIG_FROM_FILE);
    assert_int_equal(test->config->brands_held, 1);
    assert_string_equal(test->config->brands[0]->name, "DocDemo");
    for (size_t i = 0; i < brand_options_count; i++)
        assert_true(option_is_preset(&brand_options[i], &test->config->brands[0]->settings));
    assert_int_equal(test->config->providers_held, 1);
    const struct config_provider *provider = test->config->providers[0];
    assert_string_equal(provider->smtp.host, "smtp.example.com");
    assert_string_equal(provider->smtp.from, "codes@example.com");
    assert_int_equal(provider->smtp.connections_max, 8);
    sample_destroy(test);
}

static void test_what_a_reload_cannot_change_is_named(void **state)
{
    (void)state;
    char names[128] = {0};
    struct strbuf out = strbuf_over(names, sizeof names - 1);
    struct config *running = calloc(1, sizeof *running);
    struct config *fresh = calloc(1, sizeof *fresh);
    assert_true(running != NULL && fresh != NULL);
    option_table_preset(config_option_table(), &running->server);
    fresh->server = running->server;
    fresh->server.log_level = 0;
    fresh->server.drain_timeout_seconds = 1;
    config_restart_options(running, fresh, &out);
    assert_string_equal(names, "");
    fresh->server.loops = 4;
    fresh->server.outbox_max = 1;
    fresh->server.listen[0] = '8';
    fresh->server.metrics_listen[0] = '8';
    fresh->server.trusted_proxies[0] = '8';
    fresh->server.public_url[0] = '8';
    config_restart_options(running, fresh, &out);
    assert_string_equal(names,
                        "listen, metricsListen, trustedProxies, publicUrl, loops, outboxMax");
    config_destroy(&running);
    config_destroy(&fresh);
}

static void test_a_report_line_is_cut_not_overrun(void **state)
{
    (void)state;
    struct err_info info;
    char source[CONFIG_PATH_BYTES_MAX];
    struct config_report *report = malloc(sizeof *report);
    assert_non_null(report);
    config_report_init(report);
    memset(source, 's', sizeof source);
    source[sizeof source - 1] = '\0';
    memset(info.text, 't', sizeof info.text);
    info.text[sizeof info.text - 1] = '\0';
    config_report_add(report, (struct config_place){source, 1, 2}, &info);
    assert_int_equal(report->held, 1);
    assert_int_equal(strlen(report->lines[0]), CONFIG_ERROR_BYTES_MAX / 4 + 4 + 9 + 511);
    free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listen_addresses),
        cmocka_unit_test(test_public_urls),
        cmocka_unit_test(test_names_of_flags_and_variables),
        cmocka_unit_test(test_every_row_is_well_made),
        cmocka_unit_test(test_help_is_complete_and_short),
        cmocka_unit_test(test_the_sample_sets_what_was_asked_for),
        cmocka_unit_test(test_the_sample_without_its_comment_signs_says_the_defaults),
        cmocka_unit_test(test_what_a_reload_cannot_change_is_named),
        cmocka_unit_test(test_a_report_line_is_cut_not_overrun),
    };
    return cmocka_run_group_tests_name("config_parts", tests, NULL, NULL);
}
