// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the commands for administrators share: their flags, the search for the action that the words
// name, and asking the server.

#include "cli/cli.h"
#include "cli/control.h"
#include "daemon/serve.h"

#define ADMIN_WORDS_MAX 128U

struct admin {
    const struct cli *cli;
    const struct cli_row *row;
    const struct cli_action *action;
    const char *words[ADMIN_WORDS_MAX]; // after the verb, without flags
    size_t words_count;
    const char *socket, *data_dir; // NULL: not given
    const char *brand, *limit, *after;
    bool is_json, is_yes, is_forced, is_all, is_troubled;
};

// Runs the action of `row` that the words name. What main returns.
int admin_main(const struct cli *cli, const struct cli_row *row);

// The functions below return an exit status. They have told what is wrong when it is not
// EXIT_STATUS_OK.

// Writes "otpd: STORY" and returns `status`.
int admin_refuse(enum exit_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// How the action is used; EXIT_STATUS_USAGE.
int admin_refuse_usage(const struct admin *admin);

// Is it a name that a brand can have?
int admin_check_name(struct span name);

// A refusal by the server (status 400 and above) is told here; *out is to be ended in any case.
int admin_ask(const struct admin *admin, const struct control_request *request,
              struct control_reply *out);

// The same, with `body`, which it takes over, as the request's. NULL stands for a want of memory.
int admin_send(const struct admin *admin, struct control_request *request, json_t *body,
               struct control_reply *out);

// Prints the server's JSON as it came, ending in a line feed.
void admin_print_json(const struct control_reply *reply);
