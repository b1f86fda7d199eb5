// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "channel/smtp_settings.h"

#include "unit/unit.h"

struct row {
    const char *option; // given besides host and from, or instead of them
    const char *value;
    const char *story; // NULL: valid
};

static const struct row rows[] = {
    {"host", "mail.example.com", NULL},
    {"host", "192.0.2.1", NULL},
    {"host", "2001:db8::1", NULL},
    {"host", "", "host: the name of the mail relay is wanted"},
    {"host", "mail.example.com:25",
     "host: \"mail.example.com:25\" is no host name; the port is an option of its own"},
    {"host", "mail/../x", "host: \"mail/../x\" is no host name; the port is an option of its own"},
    {"host", "a@b", "host: \"a@b\" is no host name; the port is an option of its own"},
    {"host", "a..b", "host: \"a..b\" is no host name; the port is an option of its own"},
    {"host", "-a", "host: \"-a\" is no host name; the port is an option of its own"},
    {"host", ".a", "host: \".a\" is no host name; the port is an option of its own"},
    {"host", "1:2", "host: \"1:2\" is no host name; the port is an option of its own"},
    {"from", "", "from: the address that mails come from is wanted"},
    {"from", "Codes <codes@example.com>",
     "from: \"Codes <codes@example.com>\" is no address such as codes@example.com"},
    {"from", "j\xc3\xbc@example.com",
     "from: \"j\xc3\xbc@example.com\" is no address such as codes@example.com"},
    {"helloName", "otp.example.com", NULL},
    {"helloName", "otp example", "helloName: \"otp example\" is no host name"},
    {"user", "codes", "user: without passwordFile it cannot log in"},
    {"passwordFile", "/run/password", "passwordFile: there is no user that it belongs to"},
    {"fromName", "\xe6\x9d\xb1\xe4\xba\xac", NULL},
};

static void set(struct smtp_settings *settings, const char *name, const char *value)
{
    const struct option *option = option_find(smtp_option_table(), span_of_text(name));
    assert_non_null(option);
    assert_int_equal(option_set(option, settings, span_of_text(value), NULL), ERR_OK);
}

static struct smtp_settings valid_settings(void)
{
    struct smtp_settings settings = {.port = 0};
    option_table_preset(smtp_option_table(), &settings);
    set(&settings, "host", "mail.example.com");
    set(&settings, "from", "codes@example.com");
    return settings;
}

// The story of the first check that fails; empty when all hold.
static struct err_info first_story(const struct smtp_settings *settings)
{
    struct err_info info = {.text = ""};
    for (unsigned i = 0; i < SMTP_CHECKS_COUNT; i++) {
        if (smtp_settings_check(settings, i, &info) != ERR_OK)
            return info;
    }
    return info;
}

static void each_value_is_taken_or_refused_with_its_story(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct smtp_settings settings = valid_settings();
        set(&settings, rows[i].option, rows[i].value);
        struct err_info info = first_story(&settings);
        assert_string_equal(info.text, rows[i].story != NULL ? rows[i].story : "");
    }
}

static void login_needs_tls(void **state)
{
    struct smtp_settings settings = valid_settings();
    (void)state;
    set(&settings, "user", "codes");
    set(&settings, "passwordFile", "/run/password");
    assert_string_equal(first_story(&settings).text, "");
    set(&settings, "tls", "none");
    assert_string_equal(first_story(&settings).text,
                        "user: no password is sent over a connection with tls: none");
}

static void port_follows_tls_unless_it_is_set(void **state)
{
    struct smtp_settings settings = valid_settings();
    (void)state;
    assert_int_equal(smtp_settings_port(&settings), 587);
    set(&settings, "tls", "tls");
    assert_int_equal(smtp_settings_port(&settings), 465);
    set(&settings, "port", "2525");
    assert_int_equal(smtp_settings_port(&settings), 2525);
}

static void all_checks_are_made_though_one_fails(void **state)
{
    struct smtp_settings settings = {.port = 0};
    struct err_info info;
    unsigned failed = 0;
    (void)state;
    option_table_preset(smtp_option_table(), &settings);
    set(&settings, "user", "codes");
    for (unsigned i = 0; i < SMTP_CHECKS_COUNT; i++)
        failed += smtp_settings_check(&settings, i, &info) != ERR_OK ? 1 : 0;
    assert_int_equal(failed, 3); // host, from, user
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_is_taken_or_refused_with_its_story),
        cmocka_unit_test(login_needs_tls),
        cmocka_unit_test(port_follows_tls_unless_it_is_set),
        cmocka_unit_test(all_checks_are_made_though_one_fails),
    };
    return cmocka_run_group_tests_name("channel/smtp_settings", tests, NULL, NULL);
}
