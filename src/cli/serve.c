// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "daemon/serve.h"
#include "cli/cli.h"

#include <stdio.h>

static void print_report(const struct config_report *report)
{
    for (size_t i = 0; i < report->held; i++)
        (void)fprintf(stderr, "%s\n", report->lines[i]);
    if (report->left_off > 0)
        (void)fprintf(stderr, "and %zu more\n", report->left_off);
}

// Development shows codes to whoever asks, so nobody but this machine may.
static const char *find_fault(const struct config *config)
{
    struct config_address address;
    bool is_address = config_listen_parse(span_of_text(config->server.listen), &address);
    if (config->is_dev && is_address && !address.is_loopback)
        return "--dev shows every code in its inbox and listens on loopback addresses alone; "
               "leave --listen out, or give 127.0.0.1:PORT";
    if (!config->is_dev && config->server.key_file[0] == '\0')
        return "no key file is set; make one with: otpd init --key-file FILE\n"
               "otpd: and set keyFile in the configuration, or pass --key-file FILE\n"
               "otpd: to try it out without any configuration: otpd serve --dev";
    if (!config->is_dev && config->server.data_dir[0] == '\0')
        return "no data directory is set; people, limits and promised messages are kept in it\n"
               "otpd: set dataDir in the configuration, or pass --data-dir DIR; it is made\n"
               "otpd: to try it out without any configuration: otpd serve --dev";
    return NULL;
}

struct config *cli_load_config(const struct config_sources *sources)
{
    struct config_report report;
    struct config *config = NULL;
    if (config_load(sources, &config, &report) != ERR_OK) {
        print_report(&report);
        return NULL;
    }
    const char *fault = find_fault(config);
    if (fault == NULL)
        return config;
    (void)fprintf(stderr, "otpd: %s\n", fault);
    config_destroy(&config);
    return NULL;
}

static int serve(const struct cli *cli, struct config *config, const struct config_sources *sources)
{
    struct err_info info = {0};
    enum exit_status status = daemon_serve(config, sources, cli->began, &info);
    if (info.text[0] != '\0')
        (void)fprintf(stderr, "otpd: %s\n", info.text);
    return (int)status;
}

int cli_serve(const struct cli *cli)
{
    struct config_sources sources = {
        .arguments = (const char *const *)cli->arguments,
        .arguments_count = (size_t)cli->arguments_count,
        .environment = (const char *const *)cli->environment,
    };
    struct config *config = cli_load_config(&sources);
    return config != NULL ? serve(cli, config, &sources) : EXIT_STATUS_CONFIG;
}
