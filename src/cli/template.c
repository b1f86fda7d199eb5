// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"
#include "cli/lint.h"
#include "cli/trial.h"
#include "daemon/serve.h"

#include <stdio.h>

int cli_template(const struct cli *cli)
{
    struct cli_words words;
    struct cli inner = *cli;
    if (cli->arguments_count == 0 || !span_eq(span_of_text(cli->arguments[0]), SPAN("lint"))) {
        cli_put_usage(cli_row_find(SPAN("template")), stderr);
        return EXIT_STATUS_USAGE;
    }
    inner.arguments++;
    inner.arguments_count--;
    if (!cli_words_take(&inner, NULL, NULL, 0, &words))
        return EXIT_STATUS_USAGE;
    struct config *config = cli_load_config(&words.sources);
    if (config == NULL)
        return EXIT_STATUS_CONFIG;
    int status = EXIT_STATUS_OK;
    for (size_t i = 0; i < config->brands_held; i++) {
        const struct config_brand *brand = config->brands[i];
        if (lint_print(brand->name, &brand->settings) != EXIT_STATUS_OK)
            status = EXIT_STATUS_DATA;
    }
    if (config->brands_held == 0)
        (void)printf("the configuration has no brands\n");
    config_destroy(&config);
    return status;
}
