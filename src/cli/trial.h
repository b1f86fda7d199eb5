// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the commands that try providers share: their own flags beside those of the configuration,
// and one provider asked one thing, with its answer waited for.

#include "cli/cli.h"
#include "config/config.h"
#include "daemon/providers.h"

#define CLI_WORDS_MAX 64U

struct cli_word {
    const char *flag;
    bool has_value; // the next argument; else the value is the flag itself
};

struct cli_words {
    const char *rest[CLI_WORDS_MAX];
    struct config_sources sources; // the rest, and the environment; borrows this struct and `cli`
};

// False: a value is missing or there are too many words, which has been printed. values_out[i]
// stays as it is when own[i] is not given.
bool cli_words_take(const struct cli *cli, const struct cli_word *own, const char **values_out,
                    size_t count, struct cli_words *out);

struct trial {
    const struct config *config;
    struct clock clock;
    struct providers providers;
    bool is_done;
    enum send_outcome outcome;
    enum send_reason reason;
    char words[512];
    char
        ref[RECIPE_REF_BYTES_MAX + 1]; // how the provider calls the message; empty: it does not say
};

// `config` is borrowed. On failure there is nothing to trial_fini.
MUST_CHECK enum err trial_init(struct trial *trial, const struct config *config,
                               struct err_info *info);
void trial_fini(struct trial *trial);

// A send_done, with the trial as its context.
void trial_on_result(void *ctx, const struct send_result *result);

// Drives the providers until the result is there.
void trial_await(struct trial *trial);

// What became of it in our words, the provider's name for the message, and its own words.
void trial_print(const struct trial *trial, const char *name, const char *good, const char *bad);
