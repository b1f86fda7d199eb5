// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "config/test_rig.h"

#include "config/recipe_file.h"

#include <stdio.h>

static struct config *load(struct fixture *fixture, const char *text)
{
    static const char *const flags[] = {"--dev", "--config", "c.yaml"};
    static const char *const no_environment[] = {NULL};
    const struct config_sources sources = {flags, 3, no_environment};
    struct config *config = NULL;
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

#define MAIL "providers:\n  - name: mail\n    kind: smtp\n    host: m.example.com\n"
#define FROM "    from: codes@example.com\n"

#define SIGNING_SECRET "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define HOOK "providers:\n  - name: hook\n    kind: webhook\n"
#define URL "    url: https://example.com/\n"
#define CUSTOM "providers:\n  - name: own\n    kind: custom\n"

struct error_case {
    const char *text;
    const char *lines;
};

static const struct error_case error_cases[] = {
    {"providers: smtp\n",
     "c.yaml:1:12: error: providers: a list is wanted, each entry with a dash before its name\n"},
    {"provider: []\n",
     "c.yaml:1:1: error: unknown option \"provider\"; did you mean \"providers\"?\n"},
    {"providers: []\nproviders: []\n",
     "c.yaml:2:1: error: \"providers\" is given twice; first in line 1\n"},
    {MAIL, "c.yaml:2:5: error: from: the address that mails come from is wanted\n"},
    {MAIL FROM "    hosts: a\n",
     "c.yaml:6:5: error: unknown option \"hosts\"; did you mean \"host\"?\n"},
    {MAIL FROM "    host: a\n", "c.yaml:6:5: error: \"host\" is given twice; first in line 4\n"},
    {MAIL FROM "    tls: no\n", "c.yaml:6:10: error: tls: \"no\" is not starttls, tls or none\n"},
    {MAIL FROM "    port: 0\n", "c.yaml:6:11: error: port: \"0\" is not 1 to 65535, or null\n"},
    {MAIL FROM "    timeoutMs: 60000\n",
     "c.yaml:6:16: error: timeoutMs: \"60000\" is not 100 to 45000 ms\n"},
    {MAIL FROM "    connectionsMax: 65\n",
     "c.yaml:6:21: error: connectionsMax: \"65\" is not 1 to 64\n"},
    {MAIL FROM "    user: me\n",
     "c.yaml:6:11: error: user: without passwordFile it cannot log in\n"},
    {MAIL FROM "    tls: none\n    user: me\n    passwordFile: nowhere\n",
     "c.yaml:7:11: error: user: no password is sent over a connection with tls: none\n"
     "c.yaml:8:19: error: passwordFile: nowhere: cannot open it: No such file or directory\n"},
    {"providers:\n  - host: a b\n    from: x\n    port: -1\n",
     "c.yaml:2:5: error: a provider without a name\n"
     "c.yaml:2:5: error: a provider without a kind\n"
     "c.yaml:4:11: error: port: \"-1\" is not 1 to 65535, or null\n"
     "c.yaml:2:11: error: host: \"a b\" is no host name; the port is an option of its own\n"
     "c.yaml:3:11: error: from: \"x\" is no address such as codes@example.com\n"},
    {"providers:\n  - {name: '', kind: fax, host: a, from: a@b.example}\n",
     "c.yaml:2:12: error: a provider without a name\n"
     "c.yaml:2:22: error: kind: \"fax\" is not smtp, custom, aws-eum, aws-sns, gupshup, infobip, "
     "kaleyra, msg91, twilio, vonage, webhook, whatsapp-cloud or zalo\n"},
    {MAIL FROM "  - name: mail\n    kind: webhook\n" URL
               "    channels: SMS\n    signingSecretFile: key\n",
     "c.yaml:6:11: error: name: \"mail\" is taken; first in line 2\n"},
    {MAIL FROM "    password: x\n",
     "c.yaml:6:5: error: unknown option \"password\"; did you mean \"passwordFile\"?\n"},
    {HOOK "    url: https://example.com/\n",
     "c.yaml:2:5: error: signingSecretFile: it is missing: \"whsec_\" and the base64 of 24 to 64 "
     "random bytes\n"},
    {HOOK "    signingSecret: x\n    url: null\n",
     "c.yaml:4:5: error: unknown option \"signingSecret\"; did you mean \"signingSecretFile\"?\n"
     "c.yaml:5:10: error: url: it is empty: Where to post to\n"
     "c.yaml:2:5: error: signingSecretFile: it is missing: \"whsec_\" and the base64 of 24 to 64 "
     "random bytes\n"},
    {HOOK URL "    signingSecretFile: nowhere\n    allowPrivat: true\n",
     "c.yaml:6:5: error: unknown option \"allowPrivat\"; did you mean \"allowPrivate\"?\n"
     "c.yaml:5:24: error: signingSecretFile: nowhere: cannot open it: No such file or directory\n"},
    {HOOK "    url: http://example.com/\n    signingSecretFile: key\n",
     "c.yaml:4:10: error: url: an https:// URL is wanted (http:// for this machine alone)\n"},
    {HOOK "    url: http://127.0.0.1/\n    signingSecretFile: key\n",
     "c.yaml:2:5: error: allowPrivate: http:// to this machine needs allowPrivate: true\n"},
    {HOOK URL "    signingSecretFile: key\n    channels: SMS FAX\n",
     "c.yaml:6:15: error: channels: \"FAX\" is none of the recipe's: SMS, WHATSAPP, ZALO, EMAIL\n"},
    {HOOK URL "    signingSecretFile: key\n    recipeFile: r.yaml\n",
     "c.yaml:6:17: error: recipeFile: it is for kind: custom alone\n"},
    {"publicUrl: https://otp.example.com\nproviders:\n  - name: a hook\n    kind: webhook\n" URL
     "    signingSecretFile: key\n",
     "c.yaml:3:5: error: name: with publicUrl it stands in a URL: letters, digits, \"-\", \".\", "
     "\"_\" and \"~\"\n"},
    {"publicUrl: http://otp.example.com\n",
     "c.yaml:1:12: error: publicUrl: \"http://otp.example.com\" is not https://HOST, with a port "
     "and "
     "a path if need be, and nothing behind (http:// for this machine alone)\n"},
    {CUSTOM, "c.yaml:2:5: error: recipeFile: the file with the recipe is wanted\n"},
    {CUSTOM "    recipeFile: nowhere\n",
     "c.yaml:4:17: error: recipeFile: nowhere: cannot open it: No such file or directory\n"},
    {CUSTOM "    recipeFile: bad.yaml\n",
     "bad.yaml:1:9: error: a name has up to 64 letters, digits and \"-\"\n"},
    {CUSTOM "    recipeFile: own.yaml\n    cafFile: x\n",
     "c.yaml:4:17: error: recipeFile: its parameter \"caFile\" has the name of an option\n"
     "c.yaml:5:5: error: unknown option \"cafFile\"; did you mean \"caFile\"?\n"
     "c.yaml:2:5: error: caFile: it is missing: Anything\n"},
};

#define OWN_RECIPE                                                                           \
    "recipe: own\ntitle: Own\nchannels: SMS\nparameters:\n  caFile:\n    help: Anything\n"   \
    "request:\n  url: https://example.com/{caFile}\nform:\n  To: '{to}'\n  Text: '{text}'\n" \
    "reply:\n  format: nothing\n"

static void every_error_is_said_with_its_place(void **state)
{
    struct fixture *fixture = *state;
    write_file("key", SPAN(SIGNING_SECRET), 0600);
    write_file("bad.yaml", SPAN("recipe: a b\n"), 0600);
    write_file("own.yaml", SPAN(OWN_RECIPE), 0600);
    for (size_t i = 0; i < sizeof error_cases / sizeof error_cases[0]; i++) {
        assert_null(load(fixture, error_cases[i].text));
        assert_string_equal(fixture->lines, error_cases[i].lines);
    }
}

static void values_are_taken(void **state)
{
    struct fixture *fixture = *state;
    write_file("pw", SPAN("pass word\xc3\xa4\r\n"), 0600);
    fixture->config = load_good(fixture, MAIL FROM "    user: me\n    passwordFile: pw\n"
                                                   "    fromName: Codes\n");
    assert_int_equal(fixture->config->providers_held, 1);
    const struct config_provider *provider = fixture->config->providers[0];
    assert_string_equal(provider->name, "mail");
    assert_int_equal(provider->kind, CONFIG_PROVIDER_SMTP);
    assert_string_equal(provider->smtp.host, "m.example.com");
    assert_string_equal(provider->smtp.user, "me");
    assert_string_equal(provider->password, "pass word\xc3\xa4");
    assert_string_equal(provider->smtp.from_name, "Codes");
    assert_int_equal(provider->smtp.tls, SMTP_TLS_STARTTLS);
    assert_int_equal(provider->smtp.timeout_ms, 30000);
}

static bool needs_restart(const struct config *running, const struct config *fresh)
{
    char names[64] = {0};
    struct strbuf out = strbuf_over(names, sizeof names - 1);
    config_restart_options(running, fresh, &out);
    assert_true(out.len == 0 || span_eq(strbuf_span(&out), SPAN("providers")));
    return out.len > 0;
}

static void recipe_is_bound(void **state)
{
    struct fixture *fixture = *state;
    struct err_info info;
    struct recipe_plan *plan = NULL;
    write_file("key", SPAN(SIGNING_SECRET "\n"), 0600);
    static const char text[] = HOOK "    url: http://127.0.0.1:1/\n    allowPrivate: true\n"
                                    "    signingSecretFile: key\n    channels: sms ZALO\n";
    fixture->config = load_good(fixture, text);
    const struct config_provider *provider = fixture->config->providers[0];
    assert_string_equal(config_provider_kind_name(provider), "webhook");
    assert_int_equal(provider->channels, 1U << CHANNEL_SMS | 1U << CHANNEL_ZALO);
    assert_true(provider->http.may_use_private);
    assert_int_equal(provider->http.timeout_ms, 10000);
    assert_int_equal(config_provider_bind(provider, &plan, &info), ERR_OK);
    assert_true(recipe_plan_is_plain(plan));
    recipe_plan_destroy(&plan);
    struct config *fresh = load_good(fixture, text);
    assert_false(needs_restart(fixture->config, fresh));
    config_destroy(&fresh);
    write_file("key", SPAN("whsec_BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), 0600);
    fresh = load_good(fixture, text);
    assert_true(needs_restart(fixture->config, fresh));
    config_destroy(&fresh);
}

static void every_shipped_recipe_is_a_kind(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; config_recipe_shipped_name(i).data != NULL; i++) {
        char text[256];
        struct span name = config_recipe_shipped_name(i);
        (void)snprintf(text, sizeof text, "providers:\n  - name: x\n    kind: %.*s\n",
                       (int)name.len, (const char *)name.data);
        assert_null(load(fixture, text));
        assert_non_null(strstr(fixture->lines, ": it is missing: "));
    }
}

struct password_case {
    struct span text;
    mode_t mode;
    const char *story; // NULL: taken
};

static const struct password_case password_cases[] = {
    {SPAN("x"), 0600, NULL},
    {SPAN("x\n"), 0640, NULL},
    {SPAN("x"), 0604, "others may read or change it; chmod 600 pw"},
    {SPAN("x"), 0660, "others may read or change it; chmod 600 pw"},
    {SPAN(""), 0600, "it is empty"},
    {SPAN("\n"), 0600, "it is empty"},
    {SPAN("a\nb"), 0600, "it has more than one line, or control characters"},
    {SPAN("a\0b"), 0600, "it has more than one line, or control characters"},
    {SPAN("a\n\n"), 0600, "it has more than one line, or control characters"},
};

static void passwords_are_private_and_of_one_line(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof password_cases / sizeof password_cases[0]; i++) {
        const struct password_case *row = &password_cases[i];
        write_file("pw", row->text, row->mode);
        struct config *config = load(fixture, MAIL FROM "    user: me\n    passwordFile: pw\n");
        assert_int_equal(config != NULL, row->story == NULL);
        config_destroy(&config);
        if (row->story != NULL)
            assert_non_null(strstr(fixture->lines, row->story));
    }
}

static void password_has_a_bound(void **state)
{
    char text[SMTP_PASSWORD_BYTES_MAX + 10];
    struct fixture *fixture = *state;
    memset(text, 'x', sizeof text);
    write_file("pw", span_make(text, SMTP_PASSWORD_BYTES_MAX), 0600);
    fixture->config = load_good(fixture, MAIL FROM "    user: me\n    passwordFile: pw\n");
    assert_int_equal(strlen(fixture->config->providers[0]->password), SMTP_PASSWORD_BYTES_MAX);
    for (size_t len = SMTP_PASSWORD_BYTES_MAX + 1; len <= sizeof text; len++) {
        write_file("pw", span_make(text, len), 0600);
        assert_null(load(fixture, MAIL FROM "    user: me\n    passwordFile: pw\n"));
        assert_non_null(strstr(fixture->lines, "passwordFile: pw: it has more than "));
    }
}

static void reload_tells_other_providers_and_keeps_the_running_ones(void **state)
{
    static const char same[] = MAIL FROM "    user: me\n    passwordFile: pw\n";
    static const char *const others[] = {
        "listen: 127.0.0.1:8480\n",
        MAIL FROM "    user: you\n    passwordFile: pw\n",
        MAIL FROM "    user: me\n    passwordFile: pw\n    fromName: Codes\n",
    };
    struct fixture *fixture = *state;
    write_file("pw", SPAN("one"), 0600);
    fixture->config = load_good(fixture, same);
    struct config *fresh = load_good(fixture, same);
    assert_false(needs_restart(fixture->config, fresh));
    config_destroy(&fresh);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        fresh = load_good(fixture, others[i]);
        assert_true(needs_restart(fixture->config, fresh));
        config_destroy(&fresh);
    }
    write_file("pw", SPAN("two"), 0600);
    fresh = load_good(fixture, same);
    assert_true(needs_restart(fixture->config, fresh));
    config_keep_providers(fixture->config, fresh);
    assert_string_equal(fresh->providers[0]->password, "one");
    assert_string_equal(fixture->config->providers[0]->password, "two");
    config_destroy(&fresh);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(every_error_is_said_with_its_place),
        WITH_FIXTURE(values_are_taken),
        WITH_FIXTURE(recipe_is_bound),
        WITH_FIXTURE(every_shipped_recipe_is_a_kind),
        WITH_FIXTURE(passwords_are_private_and_of_one_line),
        WITH_FIXTURE(password_has_a_bound),
        WITH_FIXTURE(reload_tells_other_providers_and_keeps_the_running_ones),
    };
    return cmocka_run_group_tests_name("config/providers", tests, NULL, NULL);
}
