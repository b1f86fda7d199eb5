// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "config/test_rig.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define GOOD_SECRET "dGhpcyBpcyBhIGdvb2Qgc2VjcmV0IG9mIGZvcnR5IGJ5dGVz"

static const char *const no_environment[] = {NULL};

// Loads with those flags; a NULL ends them.
static enum err load(struct fixture *fixture, const char *const *flags,
                     const char *const *environment)
{
    struct config_sources sources = {.arguments = flags, .environment = environment};
    while (flags[sources.arguments_count] != NULL)
        sources.arguments_count++;
    config_destroy(&fixture->config);
    enum err err = load_into(fixture, &sources, &fixture->config);
    assert_int_equal(fixture->config != NULL, err == ERR_OK);
    return err;
}

static enum err load_dev(struct fixture *fixture, const char *text)
{
    static const char *const flags[] = {"--dev", "--config", "c.yaml", NULL};
    write_file("c.yaml", span_of_text(text), 0644);
    return load(fixture, flags, no_environment);
}

static void load_good(struct fixture *fixture, const char *text)
{
    enum err err = load_dev(fixture, text);
    assert_string_equal(fixture->lines, "");
    assert_int_equal(err, ERR_OK);
}

struct error_case {
    const char *text;
    const char *lines;
};

static const struct error_case error_cases[] = {
    {"lisen: 127.0.0.1:8480\n",
     "c.yaml:1:1: error: unknown option \"lisen\"; did you mean \"listen\"?\n"},
    {"loops: 5\n", "c.yaml:1:8: error: loops: \"5\" is not 0 to 4\n"},
    {"loops:\n", "c.yaml:1:7: error: loops: it cannot be null\n"},
    {"loops: [1]\n", "c.yaml:1:8: error: loops: one value is wanted here, no list\n"},
    {"loops:\n  a: 1\n", "c.yaml:2:3: error: loops: one value is wanted here, no list\n"},
    {"logLevel: verbose\n",
     "c.yaml:1:11: error: logLevel: \"verbose\" is not debug, info, warning or error\n"},
    {"loops: 1\nlogLevel: info\nloops: 2\n",
     "c.yaml:3:1: error: \"loops\" is given twice; first in line 1\n"},
    {"brand: []\n", "c.yaml:1:1: error: unknown option \"brand\"; did you mean \"brands\"?\n"},
    {"something: 1\n", "c.yaml:1:1: error: unknown option \"something\"\n"},
    {"[a]: 1\n", "c.yaml:1:1: error: unknown option \"\"\n"},
    {"Loops: 1\n", "c.yaml:1:1: error: unknown option \"Loops\"; did you mean \"loops\"?\n"},
    {"drainTimeoutSeconds: 20s\n",
     "c.yaml:1:22: error: drainTimeoutSeconds: \"20s\" is not 0 to 3600 seconds\n"},
    {"- listen\n", "c.yaml:1:1: error: lines such as \"listen: 127.0.0.1:8480\" are wanted\n"},
    {"word\n", "c.yaml:1:1: error: lines such as \"listen: 127.0.0.1:8480\" are wanted\n"},
    {"loops: 1\n\tlogLevel: info\n",
     "c.yaml:2:1: error: a tab that indents; use spaces (in what begins in line 1)\n"},
    {"listen: nowhere\n", "c.yaml:1:9: error: listen: \"nowhere\" is not an IP address and a port, "
                          "as in 127.0.0.1:8480 or [::1]:8480\n"},
    {"metricsListen: 127.0.0.1\n",
     "c.yaml:1:16: error: metricsListen: \"127.0.0.1\" is not an IP address and a port, as in "
     "127.0.0.1:8480 or [::1]:8480\n"},
    {"trustedProxies: 127.0.0.1 10.0.0.1/8\n",
     "c.yaml:1:17: error: trustedProxies: \"10.0.0.1/8\" has bits set behind its prefix\n"},
    {"listen: 0.0.0.0:8480\n",
     "c.yaml:1:9: error: listen: \"0.0.0.0:8480\" is no loopback address; --dev shows every code "
     "to whoever can reach it\n"},
    {"a: 1\nlisten: 1\n\nlogFormat: xml\nloops: 9 # too many\n",
     "c.yaml:1:1: error: unknown option \"a\"\n"
     "c.yaml:4:12: error: logFormat: \"xml\" is not auto, json or text\n"
     "c.yaml:5:8: error: loops: \"9\" is not 0 to 4\n"
     "c.yaml:2:9: error: listen: \"1\" is not an IP address and a port, as in 127.0.0.1:8480 or "
     "[::1]:8480\n"},
};

static const struct error_case brand_error_cases[] = {
    {"brands: DocDemo\n",
     "c.yaml:1:9: error: brands: a list is wanted, each entry with a dash before its name\n"},
    {"brands: [DocDemo]\n",
     "c.yaml:1:10: error: brands: an entry such as \"name: DocDemo\" is wanted\n"},
    {"brands: []\nbrands: []\n", "c.yaml:2:1: error: \"brands\" is given twice; first in line 1\n"},
    {"brands:\n  - otpLength: 6\n", "c.yaml:2:5: error: a brand without a name\n"},
    {"brands:\n  - name:\n", "c.yaml:2:10: error: name: it cannot be null\n"},
    {"brands:\n  - name: ''\n",
     "c.yaml:2:11: error: name: a brand's name is not empty and has no spaces at its ends\n"},
    {"brands:\n  - name: 'A '\n",
     "c.yaml:2:11: error: name: a brand's name is not empty and has no spaces at its ends\n"},
    {"brands:\n  - name: 'A|B'\n",
     "c.yaml:2:11: error: name: \"A|B\" has a |, which separates parts of tokens\n"},
    {"brands:\n  - name: [A]\n", "c.yaml:2:11: error: name: one value is wanted here, no list\n"},
    {"brands:\n  - name: A\n    nmae: B\n", "c.yaml:3:5: error: unknown option \"nmae\"\n"},
    {"brands:\n  - name: A\n    otpmaxcount: 3\n",
     "c.yaml:3:5: error: unknown option \"otpmaxcount\"; did you mean \"otpMaxCount\"?\n"},
    {"brands:\n  - name: A\n    tokenKeyfile: 3\n",
     "c.yaml:3:5: error: unknown option \"tokenKeyfile\"; did you mean \"tokenKeyFile\"?\n"},
    {"brands:\n  - name: A\n    rejectWithoutHeaderValue: x\n",
     "c.yaml:3:5: error: unknown option \"rejectWithoutHeaderValue\"; did you mean "
     "\"rejectWithoutHeaderValueFile\"?\n"},
    {"brands:\n  - name: A\n    otpMaxCount: 65\n",
     "c.yaml:3:18: error: otpMaxCount: \"65\" is not 1 to 64, or null\n"},
    {"brands:\n  - name: A\n    otpMaxCount: 0\n",
     "c.yaml:3:18: error: otpMaxCount: \"0\" is not 1 to 64, or null\n"},
    {"brands:\n  - name: A\n    otpLength: ~\n",
     "c.yaml:3:16: error: otpLength: it cannot be null\n"},
    {"brands:\n  - name: A\n    resend: new\n    resend: same\n",
     "c.yaml:4:5: error: \"resend\" is given twice; first in line 3\n"},
    {"brands:\n  - {name: A}\n  - {name: B}\n  - {name: a}\n",
     "c.yaml:4:12: error: brand \"A\" is given twice; first in line 2\n"},
    {"brands:\n  - name: A\n    issuer: x\n    smsTemplate: no code in it\n",
     "c.yaml:4:18: error: smsTemplate: template: no {otp} in it\n"},
    {"brands:\n  - name: A\n    translations:\n      vi:\n        smsTemplate: no code\n",
     "c.yaml:5:22: error: translations.vi.smsTemplate: template: no {otp} in it\n"},
    {"brands:\n  - name: A\n    translations:\n      vi:\n        smstemplate: '{otp}'\n",
     "c.yaml:5:9: error: translations.vi: a translation has no \"smstemplate\"; did you mean "
     "smsTemplate?\n"},
    {"brands:\n  - name: A\n    translations:\n      vi: '{otp}'\n",
     "c.yaml:4:11: error: translations.vi: lines below it are wanted, such as \"smsTemplate: "
     "…\"\n"},
    {"brands:\n  - name: A\n    translations:\n      vi:\n        smsTemplate: [1]\n",
     "c.yaml:5:22: error: translations.vi.smsTemplate: one text is wanted here\n"},
    {"brands:\n  - name: A\n    translations: [vi]\n",
     "c.yaml:3:19: error: translations: lines below it are wanted, such as \"vi:\"\n"},
    {"brands:\n  - name: A\n    translations:\n      vi:\n        emailSubject: ~\n",
     "c.yaml:5:23: error: translations.vi.emailSubject: one text is wanted here\n"},
    {"brands:\n  - name: A\n    translations:\n      VI:\n        emailSubject: a\n",
     "c.yaml:5:23: error: translations.VI.emailSubject: a language and a text are wanted, as in "
     "translations.vi.smsTemplate\n"},
    {"brands:\n  - name: A\n    translations:\n      vi:\n        emailSubject: a\n"
     "        emailSubject: b\n",
     "c.yaml:6:9: error: \"emailSubject\" is given twice; first in line 5\n"},
    {"brands:\n  - name: A\n    language: pt_BR\n",
     "c.yaml:3:15: error: language: \"pt_BR\" is no language, spelt as in vi, pt-BR or zh-Hant\n"},
    {"brands:\n  - name: A\n    lockAfterFailures: 5\n    otpMaxAttempts: 6\n",
     "c.yaml:4:21: error: otpMaxAttempts: 6 is more than lockAfterFailures, which is 5\n"},
    {"brands:\n  - name: A\n    corsOrigins: https://example.com/\n",
     "c.yaml:3:18: error: corsOrigins: \"https://example.com/\": its host is not a name in ASCII "
     "or "
     "an address; a path or a final slash does not belong there\n"},
    {"brands:\n  - name: A\n    defaultCountry: IND\n",
     "c.yaml:3:21: error: defaultCountry: \"IND\" is not country code of at most 2 bytes, in UTF-8 "
     "without control characters, or null\n"},
    {"brands:\n  - name: A\n    defaultCountry: XX\n",
     "c.yaml:3:21: error: defaultCountry: no country with numbers of its own is called \"XX\"\n"},
    {"brands:\n  - {name: A, otpLength: 3}\n  - {otpLenght: 6}\nloops: x\n",
     "c.yaml:2:26: error: otpLength: \"3\" is not 4 to 10 digits\n"
     "c.yaml:3:6: error: unknown option \"otpLenght\"; did you mean \"otpLength\"?\n"
     "c.yaml:3:5: error: a brand without a name\n"
     "c.yaml:4:8: error: loops: \"x\" is not 0 to 4\n"},
};

static void check_errors(struct fixture *fixture, const struct error_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(load_dev(fixture, cases[i].text), ERR_INVALID);
        assert_string_equal(fixture->lines, cases[i].lines);
    }
}

static void test_every_error_of_a_file_is_said_with_its_place(void **state)
{
    check_errors(*state, error_cases, COUNT_OF(error_cases));
}

static void test_every_error_of_a_brand_is_said_with_its_place(void **state)
{
    check_errors(*state, brand_error_cases, COUNT_OF(brand_error_cases));
}

static void test_nothing_given_is_all_defaults(void **state)
{
    struct fixture *fixture = *state;
    static const char *const flags[] = {"--dev", NULL};
    assert_int_equal(load(fixture, flags, no_environment), ERR_OK);
    const struct config *config = fixture->config;
    assert_true(config->is_dev);
    assert_string_equal(config->file, "");
    assert_int_equal(config->brands_held, 0);
    for (size_t i = 0; i < CONFIG_OPTION_COUNT_; i++) {
        assert_true(option_is_preset(&config_options[i], &config->server));
        assert_int_equal(config->origins[i].source, CONFIG_FROM_DEFAULT);
    }
}

static void test_an_empty_file_is_all_defaults(void **state)
{
    struct fixture *fixture = *state;
    static const char *const texts[] = {"", "# only this\n", "---\n", "brands:\n", "{}"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        load_good(fixture, texts[i]);
        assert_string_equal(fixture->config->server.listen, "127.0.0.1:8480");
        assert_int_equal(fixture->config->brands_held, 0);
    }
}

static void test_values_of_a_file(void **state)
{
    struct fixture *fixture = *state;
    load_good(fixture, "listen: '[::1]:9000'\ntrustedProxies: 127.0.0.1 2001:db8::/32\n"
                       "dataDir: /var/lib/otpd\nkeyFile: \"/etc/otpd/keys\"\n"
                       "loops: 3\nlogFormat: json\nlogLevel: error\nconnectionsMax: 100\n"
                       "headTimeoutMs: 1000\nbodyTimeoutMs: 2000\nidleTimeoutMs: 3000\n"
                       "writeTimeoutMs: 4000\ndrainTimeoutSeconds: 0\noutboxMax: 7\n");
    const struct config_server *server = &fixture->config->server;
    assert_string_equal(server->listen, "[::1]:9000");
    assert_string_equal(server->trusted_proxies, "127.0.0.1 2001:db8::/32");
    assert_string_equal(server->data_dir, "/var/lib/otpd");
    assert_string_equal(server->key_file, "/etc/otpd/keys");
    assert_int_equal(server->loops, 3);
    assert_int_equal(server->log_format, CONFIG_LOG_JSON);
    assert_int_equal(server->log_level, 3);
    assert_int_equal(server->connections_max, 100);
    assert_int_equal(server->head_timeout_ms, 1000);
    assert_int_equal(server->body_timeout_ms, 2000);
    assert_int_equal(server->idle_timeout_ms, 3000);
    assert_int_equal(server->write_timeout_ms, 4000);
    assert_int_equal(server->drain_timeout_seconds, 0);
    assert_int_equal(server->outbox_max, 7);
}

static void test_brands_of_a_file(void **state)
{
    struct fixture *fixture = *state;
    load_good(fixture, "brands:\n"
                       "  - name: DocDemo\n"
                       "    defaultCountry: NO\n"
                       "    otpMaxCount: 3\n"
                       "    otpTimeOut: null\n"
                       "    corsOrigins: >-\n"
                       "      https://a.example.com\n"
                       "      https://b.example.com\n"
                       "    smsTemplate: |-\n"
                       "      {otp} for {brand}\n"
                       "      @example.com #{otp}\n"
                       "  - name: Other Brand\n");
    assert_int_equal(fixture->config->brands_held, 2);
    const struct config_brand *brand = fixture->config->brands[0];
    assert_string_equal(brand->name, "DocDemo");
    assert_string_equal(brand->settings.default_country, "NO");
    assert_int_equal(brand->settings.otp_max_count, 3);
    assert_int_equal(brand->settings.otp_time_out_minutes, 0);
    assert_string_equal(brand->settings.cors_origins,
                        "https://a.example.com https://b.example.com");
    assert_string_equal(brand->settings.words.channels[CHANNEL_SMS].template,
                        "{otp} for {brand}\n@example.com #{otp}");
    assert_int_equal(brand->settings.otp_length, 6);
    assert_int_equal(brand->token_secret_len, 0);
    assert_int_equal(brand->line, 2);
    assert_string_equal(fixture->config->brands[1]->name, "Other Brand");
}

static void test_translations_of_a_file(void **state)
{
    struct fixture *fixture = *state;
    load_good(fixture, "brands:\n"
                       "  - name: DocDemo\n"
                       "    translations:\n"
                       "      vi:\n"
                       "        smsTemplate: |-\n"
                       "          \"{otp}\"\n"
                       "          @example.com #{otp}\n"
                       "      ar: {emailSubject: '{otp}'}\n"
                       "  - {name: None, translations: {}}\n"
                       "  - {name: Null, translations: ~}\n");
    struct config_brand *const *brands = fixture->config->brands;
    assert_string_equal(brands[0]->settings.translations,
                        "{\"ar\":{\"emailSubject\":\"{otp}\"},\"vi\":{\"smsTemplate\":"
                        "\"\\\"{otp}\\\"\\n@example.com #{otp}\"}}");
    assert_string_equal(brands[1]->settings.translations, "");
    assert_string_equal(brands[2]->settings.translations, "");
}

// Each with the line where it is found again.
static void test_a_brand_remembers_what_it_names(void **state)
{
    struct fixture *fixture = *state;
    static const char *const named[] = {"otpMaxCount", "otpTimeOut", "smsTemplate"};
    write_file("key", SPAN(GOOD_SECRET), 0600);
    load_good(fixture, "brands:\n"
                       "  - name: DocDemo\n"
                       "    otpMaxCount: 3\n"
                       "    tokenKeyFile: key\n"
                       "    otpTimeOut: null\n"
                       "    smsTemplate: |-\n"
                       "      {otp} for {brand}\n"
                       "  - {name: Other, tokenKeyFile: ~, otpLength: 6}\n");
    static const uint32_t lines[] = {3, 5, 6};
    const struct config_brand *brand = fixture->config->brands[0];
    uint32_t sum = 0;
    for (size_t i = 0; i < COUNT_OF(named); i++) {
        const struct option *option = option_find(brand_option_table(), span_of_text(named[i]));
        assert_int_equal(brand->setting_lines[option - brand_options], lines[i]);
    }
    for (size_t i = 0; i < BRAND_OPTIONS_MAX; i++)
        sum += brand->setting_lines[i];
    assert_int_equal(sum, 3 + 5 + 6);
    assert_int_equal(brand->token_key_line, 4);
    assert_int_equal(fixture->config->brands[1]->token_key_line, 0);
    assert_int_equal(fixture->config->brands[1]->setting_lines[2], 8);
}

static void assert_origin(const struct config *config, enum config_option_id id,
                          enum config_source source, uint32_t line)
{
    assert_int_equal(config->origins[id].source, source);
    assert_int_equal(config->origins[id].line, line);
}

static void test_flag_over_environment_over_file_over_default(void **state)
{
    struct fixture *fixture = *state;
    static const char *const flags[] = {"--config=c.yaml", "--dev", "--loops", "1", NULL};
    static const char *const environment[] = {"HOME=/",
                                              "OTPD_LOOPS=2",
                                              "OTPD_LOG_LEVEL=debug",
                                              "OTPD_PORT=tcp://10.0.0.1:80",
                                              "OTPD_LOOPSX=9",
                                              "OTPD_LOG_FORMAT",
                                              NULL};
    write_file("c.yaml", SPAN("loops: 3\nlogLevel: error\n\nlogFormat: text\n"), 0644);
    enum err err = load(fixture, flags, environment);
    assert_string_equal(fixture->lines, "");
    assert_int_equal(err, ERR_OK);
    const struct config *config = fixture->config;
    assert_int_equal(config->server.loops, 1);
    assert_int_equal(config->server.log_level, 0);
    assert_int_equal(config->server.log_format, CONFIG_LOG_TEXT);
    assert_string_equal(config->server.listen, "127.0.0.1:8480");
    assert_origin(config, CONFIG_LOOPS, CONFIG_FROM_FLAG, 0);
    assert_origin(config, CONFIG_LOG_LEVEL, CONFIG_FROM_ENVIRONMENT, 0);
    assert_origin(config, CONFIG_LOG_FORMAT, CONFIG_FROM_FILE, 4);
    assert_origin(config, CONFIG_LISTEN, CONFIG_FROM_DEFAULT, 0);
}

static void test_a_flag_mends_nothing_that_is_wrong_in_the_file(void **state)
{
    struct fixture *fixture = *state;
    static const char *const flags[] = {"--dev", "--config", "c.yaml", "--loops", "1", NULL};
    write_file("c.yaml", SPAN("loops: many\n"), 0644);
    assert_int_equal(load(fixture, flags, no_environment), ERR_INVALID);
    assert_string_equal(fixture->lines, "c.yaml:1:8: error: loops: \"many\" is not 0 to 4\n");
}

struct flags_case {
    const char *flags[6];
    const char *lines;
};

static const struct flags_case flags_cases[] = {
    {{"--dev", "--lisen", "x"},
     "command line: error: unknown option \"--lisen\"; did you mean \"--listen\"?\n"
     "command line: error: unexpected argument \"x\"\n"},
    {{"--dev", "--logLevel=info"}, "command line: error: unknown option \"--logLevel\"\n"},
    {{"--dev", "--loglevel=info"},
     "command line: error: unknown option \"--loglevel\"; did you mean \"--log-level\"?\n"},
    {{"--dev", "--log-level"}, "command line: error: \"--log-level\" needs a value\n"},
    {{"--log-level", "--dev"}, "command line: error: \"--log-level\" needs a value\n"},
    {{"--dev", "--config"}, "command line: error: \"--config\" needs a value\n"},
    {{"--dev", "--log-level=loud"},
     "--log-level: error: logLevel: \"loud\" is not debug, info, warning or error\n"},
    {{"--dev", "--loops="}, "--loops: error: loops: \"\" is not 0 to 4\n"},
    {{"--dev", "--listen", "0.0.0.0:80"},
     "--listen: error: listen: \"0.0.0.0:80\" is no loopback address; --dev shows every code to "
     "whoever can reach it\n"},
    {{"--dev", "--trusted-proxies=127.0.0.1,::1"},
     "--trusted-proxies: error: trustedProxies: \"127.0.0.1,::1\" is no IP address or range of "
     "them, as in 10.0.0.0/8 or 2001:db8::1\n"},
    {{"--dev=yes"},
     "command line: error: unknown option \"--dev\"\n"
     "default: error: keyFile: there is none; make one: otpd init --key-file FILE, "
     "and name it by keyFile or --key-file (or try otpd serve --dev)\n"},
    {{"--dev", "--"}, "command line: error: unknown option \"--\"\n"},
    {{"--dev", "--brands", "x"},
     "command line: error: unknown option \"--brands\"\n"
     "command line: error: unexpected argument \"x\"\n"},
    {{"--dev", "--config", "missing.yaml"},
     "missing.yaml: error: cannot open it: No such file or directory\n"},
    {{"--dev", "--config", "/tmp"}, "/tmp: error: it is no regular file\n"},
    {{"--data-dir", "/d/", "--key-file", "/d/keys"},
     "--key-file: error: keyFile: \"/d/keys\" is within dataDir; keys never lie beside the data\n"},
    {{"--data-dir", "/", "--key-file", "/keys"},
     "--key-file: error: keyFile: \"/keys\" is within dataDir; keys never lie beside the data\n"},
};

static void test_errors_of_the_command_line(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT_OF(flags_cases); i++) {
        assert_int_equal(load(fixture, flags_cases[i].flags, no_environment), ERR_INVALID);
        assert_string_equal(fixture->lines, flags_cases[i].lines);
    }
}

static void test_errors_of_the_environment(void **state)
{
    struct fixture *fixture = *state;
    static const char *const flags[] = {"--dev", NULL};
    static const char *const environment[] = {"OTPD_LOOPS=9", "OTPD_LISTEN=here", NULL};
    assert_int_equal(load(fixture, flags, environment), ERR_INVALID);
    assert_string_equal(fixture->lines,
                        "OTPD_LOOPS: error: loops: \"9\" is not 0 to 4\n"
                        "OTPD_LISTEN: error: listen: \"here\" is not an IP address and a port, as "
                        "in 127.0.0.1:8480 or [::1]:8480\n");
}

static void test_outside_development_keys_and_any_address(void **state)
{
    struct fixture *fixture = *state;
    static const char *const flags[] = {"--listen=0.0.0.0:80", "--key-file", "/data-keys",
                                        "--data-dir=/data", NULL};
    assert_int_equal(load(fixture, flags, no_environment), ERR_OK);
    assert_false(fixture->config->is_dev);
}

static void test_of_two_equal_flags_the_last_holds(void **state)
{
    struct fixture *fixture = *state;
    static const char *const flags[] = {"--dev", "--loops", "1", "--loops=2", NULL};
    assert_int_equal(load(fixture, flags, no_environment), ERR_OK);
    assert_int_equal(fixture->config->server.loops, 2);
}

static void test_a_token_key_is_read_without_its_line_end(void **state)
{
    struct fixture *fixture = *state;
    write_file("key", SPAN(GOOD_SECRET "\r\n"), 0600);
    load_good(fixture, "brands:\n  - {name: A, tokenKeyFile: key}\n");
    const struct config_brand *brand = fixture->config->brands[0];
    assert_int_equal(brand->token_secret_len, strlen(GOOD_SECRET));
    assert_memory_equal(brand->token_secret, GOOD_SECRET, strlen(GOOD_SECRET));
    assert_string_equal(brand->token_key_file, "key");
}

struct key_case {
    struct span text;
    mode_t mode;
    const char *story; // NULL: taken
};

#define PLACE "c.yaml:2:29: error: tokenKeyFile: key: "
#define MEND "; make one: head -c 48 /dev/urandom | base64 > key && chmod 600 key\n"
#define EXPOSED PLACE "others may read or change it; chmod 600 key\n"
#define PLACEHOLDER PLACE "it holds a placeholder" MEND

static void test_token_keys_that_will_not_do(void **state)
{
    struct fixture *fixture = *state;
    static const char zeros[300];
    const struct key_case cases[] = {
        {SPAN(GOOD_SECRET), 0400, NULL},
        {SPAN(GOOD_SECRET), 0640, NULL},
        {SPAN(GOOD_SECRET), 0644, EXPOSED},
        {SPAN(GOOD_SECRET), 0620, EXPOSED},
        {SPAN(""), 0600, PLACE "it has fewer than 32 bytes" MEND},
        {SPAN("0123456789abcdef0123456789abcde\n"), 0600, PLACE "it has fewer than 32 bytes" MEND},
        {SPAN("0123456789abcdef0123456789abcdef\n"), 0600, NULL},
        {span_make(zeros, 255), 0600, PLACE "it has more than 254 bytes" MEND},
        {SPAN("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), 0600, PLACEHOLDER},
        {SPAN("secretsecretsecretsecretsecretsecret"), 0600, PLACEHOLDER},
        {SPAN("Please-Change-Me-to-48-random-bytes-9876"), 0600, PLACEHOLDER},
        {SPAN("0123456789abcdef-CHANGEME-0123456789abcdef"), 0600, PLACEHOLDER},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        (void)unlink("key");
        write_file("key", cases[i].text, cases[i].mode);
        enum err err = load_dev(fixture, "brands:\n  - {name: A, tokenKeyFile: key}\n");
        assert_string_equal(fixture->lines, cases[i].story != NULL ? cases[i].story : "");
        assert_int_equal(err == ERR_OK, cases[i].story == NULL);
    }
}

#define HEADER_FILE "brands:\n  - {name: A, rejectWithoutHeaderValueFile: value}\n"
#define HEADER_PLACE "c.yaml:2:45: error: rejectWithoutHeaderValueFile: value: "

static void test_what_a_header_holds_stands_in_a_file(void **state)
{
    struct fixture *fixture = *state;
    static const char longest[128] = {[0 ... 127] = 'v'};
    const struct key_case cases[] = {
        {SPAN("knock knock\r\n"), 0600, NULL},
        {span_make(longest, 128), 0600, NULL},
        {SPAN("knock"), 0644, HEADER_PLACE "others may read or change it; chmod 600 value\n"},
        {SPAN("\n"), 0600, HEADER_PLACE "it is empty\n"},
        {SPAN("a\nb"), 0600, HEADER_PLACE "it has more than one line, or control characters\n"},
        {SPAN("\xFF"), 0600,
         "c.yaml:2:45: error: rejectWithoutHeaderValue: the value is not text of at most 128 "
         "bytes, in UTF-8 without control characters, or null\n"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        (void)unlink("value");
        write_file("value", cases[i].text, cases[i].mode);
        enum err err = load_dev(fixture, HEADER_FILE);
        assert_string_equal(fixture->lines, cases[i].story != NULL ? cases[i].story : "");
        assert_int_equal(err == ERR_OK, cases[i].story == NULL);
    }
}

static void test_a_header_of_the_file_is_ruled_by_it(void **state)
{
    struct fixture *fixture = *state;
    const struct option *option =
        option_find(brand_option_table(), SPAN("rejectWithoutHeaderValue"));
    size_t row = (size_t)(option - brand_options);
    write_file("value", SPAN("knock knock\n"), 0600);
    load_good(fixture, "brands:\n"
                       "  - name: A\n"
                       "    rejectWithoutHeader: X-Cdn\n"
                       "    rejectWithoutHeaderValueFile: value\n"
                       "  - {name: B, rejectWithoutHeaderValueFile: ~}\n"
                       "  - name: C\n");
    struct config_brand *const *brands = fixture->config->brands;
    static const uint32_t lines[] = {4, 5, 0};
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        assert_int_equal(brands[i]->setting_lines[row], lines[i]);
    assert_string_equal(brands[0]->settings.required_header, "X-Cdn");
    assert_string_equal(brands[0]->settings.required_header_value, "knock knock");
    assert_string_equal(brands[1]->settings.required_header_value, "");
}

static void test_a_missing_token_key_names_the_command(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(load_dev(fixture, "brands:\n  - {name: A, tokenKeyFile: key}\n"), ERR_INVALID);
    assert_string_equal(fixture->lines, PLACE "cannot open it: No such file or directory" MEND);
}

static void test_a_file_has_at_most_a_mebibyte(void **state)
{
    struct fixture *fixture = *state;
    static const char *const flags[] = {"--dev", "--config", "c.yaml", NULL};
    char *text = malloc(CONFIG_FILE_BYTES_MAX + 1);
    assert_non_null(text);
    memset(text, ' ', CONFIG_FILE_BYTES_MAX + 1);
    text[0] = '#';
    write_file("c.yaml", span_make(text, CONFIG_FILE_BYTES_MAX), 0600);
    assert_int_equal(load(fixture, flags, no_environment), ERR_OK);
    write_file("c.yaml", span_make(text, CONFIG_FILE_BYTES_MAX + 1), 0600);
    assert_int_equal(load(fixture, flags, no_environment), ERR_INVALID);
    assert_string_equal(fixture->lines, "c.yaml: error: it has more than 1048576 bytes\n");
    free(text);
}

static void put_brands(struct strbuf *out, unsigned count)
{
    strbuf_put_text(out, "brands:\n");
    for (unsigned i = 0; i < count; i++) {
        strbuf_put_text(out, "- name: B");
        strbuf_put_u64(out, i);
        strbuf_put_byte(out, '\n');
    }
    strbuf_put_byte(out, '\0');
}

static void test_256_brands_are_the_most(void **state)
{
    struct fixture *fixture = *state;
    char text[8192];
    struct strbuf out = strbuf_over(text, sizeof text);
    put_brands(&out, CONFIG_BRANDS_MAX);
    load_good(fixture, text);
    assert_int_equal(fixture->config->brands_held, CONFIG_BRANDS_MAX);
    out.len = 0;
    put_brands(&out, CONFIG_BRANDS_MAX + 1);
    assert_int_equal(load_dev(fixture, text), ERR_INVALID);
    assert_string_equal(fixture->lines, "c.yaml:258:3: error: brands: more than 256\n");
}

static void test_the_report_is_bounded(void **state)
{
    struct fixture *fixture = *state;
    char text[2048];
    struct strbuf out = strbuf_over(text, sizeof text);
    for (unsigned i = 0; i < CONFIG_ERRORS_MAX + 7; i++) {
        strbuf_put_text(&out, "wrong");
        strbuf_put_u64(&out, i);
        strbuf_put_text(&out, ": 1\n");
    }
    strbuf_put_byte(&out, '\0');
    assert_int_equal(load_dev(fixture, text), ERR_INVALID);
    assert_int_equal(fixture->report.held, CONFIG_ERRORS_MAX);
    assert_int_equal(fixture->report.left_off, 7);
}

static void test_a_huge_key_is_cut(void **state)
{
    struct fixture *fixture = *state;
    char text[512];
    memset(text, 'k', sizeof text);
    memcpy(text + sizeof text - 4, ": 1", 4);
    assert_int_equal(load_dev(fixture, text), ERR_INVALID);
    assert_string_equal(fixture->lines,
                        "c.yaml:1:1: error: unknown option "
                        "\"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\"\n");
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_every_error_of_a_file_is_said_with_its_place),
        WITH_FIXTURE(test_every_error_of_a_brand_is_said_with_its_place),
        WITH_FIXTURE(test_nothing_given_is_all_defaults),
        WITH_FIXTURE(test_an_empty_file_is_all_defaults),
        WITH_FIXTURE(test_values_of_a_file),
        WITH_FIXTURE(test_brands_of_a_file),
        WITH_FIXTURE(test_translations_of_a_file),
        WITH_FIXTURE(test_a_brand_remembers_what_it_names),
        WITH_FIXTURE(test_flag_over_environment_over_file_over_default),
        WITH_FIXTURE(test_a_flag_mends_nothing_that_is_wrong_in_the_file),
        WITH_FIXTURE(test_errors_of_the_command_line),
        WITH_FIXTURE(test_errors_of_the_environment),
        WITH_FIXTURE(test_outside_development_keys_and_any_address),
        WITH_FIXTURE(test_of_two_equal_flags_the_last_holds),
        WITH_FIXTURE(test_a_token_key_is_read_without_its_line_end),
        WITH_FIXTURE(test_token_keys_that_will_not_do),
        WITH_FIXTURE(test_what_a_header_holds_stands_in_a_file),
        WITH_FIXTURE(test_a_header_of_the_file_is_ruled_by_it),
        WITH_FIXTURE(test_a_missing_token_key_names_the_command),
        WITH_FIXTURE(test_a_file_has_at_most_a_mebibyte),
        WITH_FIXTURE(test_256_brands_are_the_most),
        WITH_FIXTURE(test_the_report_is_bounded),
        WITH_FIXTURE(test_a_huge_key_is_cut),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
