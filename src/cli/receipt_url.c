// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A receipt URL is as good as a password towards us, so that it is printed where it is asked for by
// name and nowhere else.
#include "cli/receipt_url.h"

#include "cli/cli.h"
#include "cli/trial.h"
#include "crypto/pure/random.h"
#include "daemon/keys.h"
#include "daemon/serve.h"
#include "receipt/receipt_http.h"

#include <stdio.h>

#define URL_BYTES_MAX 1024U

static int fail(const char *name, const char *what)
{
    (void)fprintf(stderr, "otpd: %s: %s\n", name, what);
    return EXIT_STATUS_CONFIG;
}

static bool has_reports(const struct config_provider *provider)
{
    return provider->recipe != NULL && recipe_has_reports(provider->recipe);
}

static const struct config_provider *find(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->providers_held; i++) {
        if (span_eq(span_of_text(config->providers[i]->name), span_of_text(name)))
            return config->providers[i];
    }
    return NULL;
}

static int print_url(const struct config *config, const struct config_provider *provider)
{
    uint8_t room[URL_BYTES_MAX];
    struct strbuf url = strbuf_over(room, sizeof room);
    struct err_info info = {0};
    struct keyring *keyring = NULL;
    struct span name = span_of_text(provider->name);
    struct span help = recipe_receipt_help(provider->recipe);
    if (crypto_init() != ERR_OK || daemon_keys_open(config, &keyring, &info) != ERR_OK)
        return fail(provider->name, info.text);
    receipt_url_put(config_public_url(&config->server), name, provider_tag_of(name),
                    keyring_index(keyring), &url);
    keyring_destroy(&keyring);
    (void)printf("%.*s\n", (int)url.len, (const char *)url.data);
    if (help.len == 0)
        help = SPAN("Nothing has to be registered: each message says where to report");
    (void)fprintf(stderr, "%.*s.\n", (int)help.len, (const char *)help.data);
    return EXIT_STATUS_OK;
}

static int run(const struct config *config, const char *name)
{
    const struct config_provider *provider = find(config, name);
    if (provider == NULL)
        return fail(name, "the configuration has no provider of that name");
    if (!has_reports(provider))
        return fail(name, "this provider does not report what becomes of messages");
    if (config->is_dev || config->server.public_url[0] == '\0')
        return fail(name, "providers can report where publicUrl is set, and not with --dev");
    return print_url(config, provider);
}

int cli_receipt_url(const struct cli *cli)
{
    struct cli_words words;
    struct cli inner = *cli;
    if (cli->arguments_count < 2) {
        cli_put_usage(cli_row_find(SPAN("provider")), stderr);
        return EXIT_STATUS_USAGE;
    }
    inner.arguments += 2;
    inner.arguments_count -= 2;
    if (!cli_words_take(&inner, NULL, NULL, 0, &words))
        return EXIT_STATUS_USAGE;
    struct config *config = cli_load_config(&words.sources);
    if (config == NULL)
        return EXIT_STATUS_CONFIG;
    int status = run(config, cli->arguments[1]);
    config_destroy(&config);
    return status;
}

static const char *about_signatures(const struct config_provider *provider)
{
    struct report_reader *reader = NULL;
    struct err_info info;
    if (!recipe_signs_reports(provider->recipe))
        return "";
    if (config_provider_receive(provider, &reader, &info) != ERR_OK)
        return "";
    bool is_checked = report_reader_checks(reader);
    report_reader_destroy(&reader);
    return is_checked ? "; signatures are checked"
                      : "; signatures are not checked, since their secret is not set";
}

void cli_receipts_print(const struct config *config)
{
    for (size_t i = 0; i < config->providers_held; i++) {
        const struct config_provider *provider = config->providers[i];
        if (config->server.public_url[0] == '\0' || !has_reports(provider))
            continue;
        bool is_registered = recipe_receipt_help(provider->recipe).len > 0;
        (void)printf("%s: receipts: %s%s%s\n", provider->name,
                     is_registered ? "register what is printed by otpd provider receipt-url "
                                   : "each message says where to report",
                     is_registered ? provider->name : "", about_signatures(provider));
    }
}
