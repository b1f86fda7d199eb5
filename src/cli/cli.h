// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The commands of otpd: a table, a file each.

#include "base/env.h"

struct cli {
    int arguments_count; // after the command's own name
    char **arguments;
    char **environment;
    struct mono began; // when the process did
};

typedef int cli_command(const struct cli *cli);

cli_command cli_serve;
cli_command cli_init;
cli_command cli_check;
cli_command cli_send_test;
cli_command cli_template;
cli_command cli_version;
cli_command cli_help;

struct config;
struct config_sources;

// Loads the configuration that `sources` tell of. NULL: what is wrong with it has been printed.
struct config *cli_load_config(const struct config_sources *sources);

// What main returns.
int cli_main(int argc, char **argv, char **environment);
