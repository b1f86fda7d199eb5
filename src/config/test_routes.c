// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "config/test_rig.h"

#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))

#define PROVIDERS                                                 \
    "providers:\n"                                                \
    "  - {name: mail, kind: smtp, host: m, from: a@b.example}\n"  \
    "  - {name: alpha, kind: webhook, url: 'https://a.example/'," \
    " channels: 'SMS WHATSAPP', signingSecretFile: key}\n"        \
    "  - {name: beta, kind: webhook, url: 'https://b.example/',"  \
    " channels: SMS, signingSecretFile: key}\n"
#define SECRET "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static struct config *load(struct fixture *fixture, const char *text)
{
    static const char *const flags[] = {"--dev", "--config", "c.yaml"};
    static const char *const no_environment[] = {NULL};
    const struct config_sources sources = {flags, 3, no_environment};
    struct config *config = NULL;
    write_file("key", SPAN(SECRET), 0600);
    write_file("c.yaml", span_of_text(text), 0644);
    (void)load_into(fixture, &sources, &config);
    return config;
}

static struct config *load_good(struct fixture *fixture, const char *text)
{
    struct config *config = load(fixture, text);
    assert_string_equal(fixture->lines, "");
    return config;
}

struct error_case {
    const char *routes; // from line 5 on
    const char *lines;
};

static const struct error_case error_cases[] = {
    {"routes: alpha\n",
     "c.yaml:5:9: error: routes: a list is wanted, each entry with a dash before its name\n"},
    {"route: []\n", "c.yaml:5:1: error: unknown option \"route\"; did you mean \"routes\"?\n"},
    {"routes: []\nroutes: []\n", "c.yaml:6:1: error: \"routes\" is given twice; first in line 5\n"},
    {"routes:\n  - {prefix: 91}\n", "c.yaml:6:5: error: a route without channel\n"
                                    "c.yaml:6:5: error: a route without providers\n"},
    {"routes:\n  - {chanel: SMS, providers: beta}\n",
     "c.yaml:6:6: error: unknown option \"chanel\"; did you mean \"channel\"?\n"
     "c.yaml:6:5: error: a route without channel\n"},
    {"routes:\n  - {channel: FAX, providers: beta}\n",
     "c.yaml:6:15: error: channel: \"FAX\" is not SMS, WHATSAPP, ZALO or EMAIL\n"},
    {"routes:\n  - {channel: SMS, providers: alpa beta}\n",
     "c.yaml:6:31: error: providers: there is no provider \"alpa\"; did you mean \"alpha\"?\n"},
    {"routes:\n  - {channel: SMS, providers: somebody}\n",
     "c.yaml:6:31: error: providers: there is no provider \"somebody\"\n"},
    {"routes:\n  - {channel: WHATSAPP, providers: alpha beta}\n",
     "c.yaml:6:36: error: providers: \"beta\" does not carry that channel\n"},
    {"routes:\n  - {channel: SMS, providers: beta alpha beta}\n",
     "c.yaml:6:31: error: providers: \"beta\" is named twice\n"},
    {"routes:\n  - {channel: SMS, prefix: '+91', providers: beta}\n",
     "c.yaml:6:28: error: prefix: \"+91\": digits are wanted, the country code first, as in 91\n"},
    {"routes:\n  - {channel: SMS, prefix: '0091', providers: beta}\n",
     "c.yaml:6:28: error: prefix: \"0091\": digits are wanted, the country code first, as in 91\n"},
    {"routes:\n  - {channel: EMAIL, prefix: 91, providers: mail}\n",
     "c.yaml:6:30: error: prefix: e-mail addresses have none\n"},
    {"routes:\n  - {channel: SMS, brand: \"a\\tb\", providers: beta}\n",
     "c.yaml:6:27: error: brand: \"a?b\" is not name of at most 64 bytes, in UTF-8 without "
     "control characters, or null\n"},
    {"routes:\n  - {channel: SMS, fallbackAfterSeconds: 0, providers: beta}\n",
     "c.yaml:6:42: error: fallbackAfterSeconds: \"0\" is not 1 to 3600 seconds, or null\n"},
    {"routes:\n  - {channel: SMS, prefix: 91, brand: Acme, providers: beta}\n"
     "  - {channel: SMS, prefix: 91, brand: ACME, providers: alpha}\n",
     "c.yaml:7:5: error: a second route for the same messages; the first is in line 6\n"},
};

static void each_mistake_is_named_where_it_stands(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT_OF(error_cases); i++) {
        char text[1024] = PROVIDERS;
        memcpy(text + strlen(text), error_cases[i].routes, strlen(error_cases[i].routes) + 1);
        struct config *config = load(fixture, text);
        assert_string_equal(fixture->lines, error_cases[i].lines);
        assert_null(config);
    }
}

static void routes_may_stand_before_their_providers(void **state)
{
    struct fixture *fixture = *state;
    fixture->config =
        load_good(fixture, "routes:\n"
                           "  - {channel: SMS, prefix: 91, providers: beta  alpha, "
                           "fallbackAfterSeconds: 8}\n"
                           "  - {channel: EMAIL, brand: Acme, providers: mail}\n" PROVIDERS);
    const struct config *config = fixture->config;
    assert_int_equal(config->routes_held, 2);
    assert_int_equal(config->routes[0]->channel, CHANNEL_SMS);
    assert_string_equal(config->routes[0]->prefix, "91");
    assert_string_equal(config->routes[0]->brand, "");
    assert_int_equal(config->routes[0]->providers_held, 2);
    assert_int_equal(config->routes[0]->providers[0], 2);
    assert_int_equal(config->routes[0]->providers[1], 1);
    assert_int_equal(config->routes[0]->fallback_after_seconds, 8);
    assert_string_equal(config->routes[1]->brand, "Acme");
    assert_int_equal(config->routes[1]->fallback_after_seconds, 0);
}

static void several_providers_may_carry_a_channel(void **state)
{
    struct fixture *fixture = *state;
    fixture->config = load_good(fixture, PROVIDERS);
    assert_int_equal(fixture->config->providers_held, 3);
    assert_int_equal(fixture->config->routes_held, 0);
}

static void a_running_server_keeps_its_routes(void **state)
{
    struct fixture *fixture = *state;
    uint8_t room[64];
    struct strbuf names = strbuf_over(room, sizeof room);
    fixture->config =
        load_good(fixture, PROVIDERS "routes:\n  - {channel: SMS, providers: beta}\n");
    struct config *fresh =
        load_good(fixture, PROVIDERS "routes:\n  - {channel: SMS, providers: alpha}\n");
    config_restart_options(fixture->config, fresh, &names);
    assert_true(span_eq(strbuf_span(&names), SPAN("routes")));
    config_keep_providers(fixture->config, fresh);
    assert_string_equal(fresh->routes[0]->names, "beta");
    config_destroy(&fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_mistake_is_named_where_it_stands, set_up, tear_down),
        cmocka_unit_test_setup_teardown(routes_may_stand_before_their_providers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(several_providers_may_carry_a_channel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_running_server_keeps_its_routes, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("config/routes", tests, NULL, NULL);
}
