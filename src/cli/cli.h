// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The commands of otpd: a table, a file each. Help and the man page are made from the same table,
// so that they cannot disagree with what is there.

#include "base/env.h"
#include "base/option.h"

#include <stdio.h>

struct cli {
    int arguments_count; // after the command's own name
    char **arguments;
    char **environment;
    struct mono began; // when the process did
};

typedef int cli_command(const struct cli *cli);

struct admin; // cli/admin.h

typedef int cli_action_run(struct admin *admin);

// Flags that an action takes, besides --help.
enum cli_flags {
    CLI_SERVER = 1, // --data-dir, --socket
    CLI_JSON = 2,
    CLI_YES = 4,
    CLI_FORCE = 8,
    CLI_BRAND = 16, // --brand
    CLI_PAGES = 32, // --all, --troubled, --limit, --after
};

// One way to call a command. Words in capitals stand for what the user fills in.
struct cli_action {
    const char *verb;      // "set", "keys rotate"; "": the command has no verbs
    const char *arguments; // "NAME KEY=VALUE...", each optional one in brackets
    const char *help;      // one sentence, no full stop
    cli_action_run *run;   // NULL: the command's own `run` does it all
    uint32_t words_least, words_most;
    uint32_t flags; // of enum cli_flags
};

struct cli_row {
    const char *name;
    cli_command *run;
    const char *help;                        // one line for the list of commands
    const struct cli_action *actions;        // ends with a NULL verb
    const char *about;                       // sentences after the list of actions, or NULL
    void (*put_options)(struct strbuf *out); // NULL: none of its own; at most CONFIG_HELP_BYTES_MAX
};

// Ends with a NULL name.
extern const struct cli_row cli_rows[];

// NULL: there is none.
const struct cli_row *cli_row_find(struct span name);

// The name in the table that is nearest to a mistyped one, or NULL.
const char *cli_nearest(const char *const *names, size_t count, struct span name);

// What `otpd COMMAND --help` prints.
void cli_put_usage(const struct cli_row *row, FILE *out);

// "otpd brand set NAME KEY=VALUE..."
void cli_put_call(const struct cli_row *row, const struct cli_action *action, FILE *out);

extern const struct cli_action brand_actions[];
extern const struct cli_action brands_actions[];
extern const struct cli_action explain_actions[];
extern const struct cli_action outbox_actions[];
extern const struct cli_action provider_actions[];

cli_command cli_serve;
cli_command cli_init;
cli_command cli_check;
cli_command cli_send_test;
cli_command cli_template;
cli_command cli_brand;
cli_command cli_brands;
cli_command cli_doctor;
cli_command cli_fsck;
cli_command cli_backup;
cli_command cli_restore;
cli_command cli_hash_debug;
cli_command cli_explain;
cli_command cli_outbox;
cli_command cli_provider;
cli_command cli_man;
cli_command cli_version;
cli_command cli_help;

struct config;
struct config_sources;

// Loads the configuration that `sources` tell of. NULL: what is wrong with it has been printed.
struct config *cli_load_config(const struct config_sources *sources);

// What main returns.
int cli_main(int argc, char **argv, char **environment);
