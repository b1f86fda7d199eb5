// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"

#include "daemon/serve.h"

#include <stdio.h>

struct command {
    const char *name;
    cli_command *run;
    const char *help;
};

static const struct command commands[] = {
    {"serve", cli_serve, "run the server; --dev needs nothing else"},
    {"init", cli_init, "make a key file, and print a configuration to begin with"},
    {"check", cli_check, "look for mistakes in a configuration; --online tries the providers too"},
    {"send-test", cli_send_test, "send one real message, and print what the provider says"},
    {"template", cli_template, "template lint: how many SMS a brand's text makes, and why"},
    {"version", cli_version, "print the versions of otpd and its libraries"},
    {"help", cli_help, "print this text"},
};

#define COMMANDS_COUNT (sizeof commands / sizeof commands[0])

int cli_help(const struct cli *cli)
{
    (void)cli;
    (void)printf("usage: otpd COMMAND [OPTION…]\n\n");
    for (size_t i = 0; i < COMMANDS_COUNT; i++)
        (void)printf("  %-10s %s\n", commands[i].name, commands[i].help);
    (void)printf("\notpd COMMAND --help tells a command's options.\n");
    return EXIT_STATUS_OK;
}

static const struct command *command_find(struct span name)
{
    static const struct {
        struct span flag;
        size_t command;
    } flags[] = {{SPAN("--help"), 6}, {SPAN("-h"), 6}, {SPAN("--version"), 5}};
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        if (span_eq(span_of_text(commands[i].name), name))
            return &commands[i];
    }
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (span_eq(flags[i].flag, name))
            return &commands[flags[i].command];
    }
    return NULL;
}

int cli_main(int argc, char **argv, char **environment)
{
    struct clock clock = clock_system();
    struct cli cli = {.environment = environment, .began = clock_mono(&clock)};
    if (argc < 2) {
        (void)fprintf(stderr, "otpd: which command? otpd help lists them\n");
        return EXIT_STATUS_USAGE;
    }
    const struct command *command = command_find(span_of_text(argv[1]));
    if (command == NULL) {
        (void)fprintf(stderr, "otpd: there is no command \"%s\"; otpd help lists them\n", argv[1]);
        return EXIT_STATUS_USAGE;
    }
    cli.arguments_count = argc - 2;
    cli.arguments = argv + 2;
    return command->run(&cli);
}
