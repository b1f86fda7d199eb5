// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"
#include "cli/provider.h"
#include "cli/trial.h"
#include "daemon/serve.h"

#include <stdio.h>

static bool probe(struct trial *trial, size_t index)
{
    const char *name = trial->config->providers[index]->name;
    providers_probe(&trial->providers, index, trial_on_result, trial);
    trial_await(trial);
    trial_print(trial, name, "ready", "not ready");
    return trial->outcome == SEND_ACCEPTED;
}

static int check_online(const struct config *config)
{
    struct trial trial;
    struct err_info info = {0};
    bool are_ready = true;
    if (trial_init(&trial, config, &info) != ERR_OK) {
        (void)fprintf(stderr, "otpd: %s\n", info.text);
        return EXIT_STATUS_OS;
    }
    for (size_t i = 0; i < config->providers_held; i++)
        are_ready = probe(&trial, i) && are_ready;
    trial_fini(&trial);
    return are_ready ? EXIT_STATUS_OK : EXIT_STATUS_UNAVAILABLE;
}

int cli_check(const struct cli *cli)
{
    struct cli_words words;
    const struct cli_word own[] = {{.flag = "--online"}};
    const char *values[] = {NULL};
    if (!cli_words_take(cli, own, values, sizeof own / sizeof own[0], &words))
        return EXIT_STATUS_USAGE;
    struct config *config = cli_load_config(&words.sources);
    if (config == NULL)
        return EXIT_STATUS_CONFIG;
    (void)printf("configuration: ok (brands: %zu, providers: %zu)\n", config->brands_held,
                 config->providers_held);
    cli_receipts_print(config);
    int status = values[0] != NULL ? check_online(config) : EXIT_STATUS_OK;
    config_destroy(&config);
    return status;
}
