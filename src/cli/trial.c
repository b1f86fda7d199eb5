// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/trial.h"

#include <signal.h>
#include <stdio.h>

#define WAIT_MS 1000

static const struct cli_word *find_word(const struct cli_word *own, size_t count, struct span flag)
{
    for (size_t i = 0; i < count; i++) {
        if (span_eq(span_of_text(own[i].flag), flag))
            return &own[i];
    }
    return NULL;
}

bool cli_words_take(const struct cli *cli, const struct cli_word *own, const char **values_out,
                    size_t count, struct cli_words *out)
{
    size_t held = 0;
    if (cli->arguments_count > (int)CLI_WORDS_MAX) {
        (void)fprintf(stderr, "otpd: more than %u arguments\n", CLI_WORDS_MAX);
        return false;
    }
    for (int i = 0; i < cli->arguments_count; i++) {
        const struct cli_word *word = find_word(own, count, span_of_text(cli->arguments[i]));
        if (word == NULL) {
            out->rest[held++] = cli->arguments[i];
            continue;
        }
        if (word->has_value && ++i == cli->arguments_count) {
            (void)fprintf(stderr, "otpd: \"%s\" needs a value\n", word->flag);
            return false;
        }
        values_out[word - own] = cli->arguments[i];
    }
    out->sources = (struct config_sources){
        .arguments = out->rest,
        .arguments_count = held,
        .environment = (const char *const *)cli->environment,
    };
    return true;
}

enum err trial_init(struct trial *trial, const struct config *config, struct err_info *info)
{
    *trial = (struct trial){.config = config, .clock = clock_system()};
    (void)signal(SIGPIPE, SIG_IGN); // a relay that hangs up is an answer too
    enum err err = providers_create(&trial->providers, config, &trial->clock, info);
    if (err != ERR_OK)
        providers_destroy(&trial->providers);
    return err;
}

void trial_fini(struct trial *trial)
{
    providers_destroy(&trial->providers);
}

void trial_on_result(void *ctx, const struct send_result *result)
{
    struct trial *trial = ctx;
    trial->is_done = true;
    trial->outcome = result->outcome;
    trial->reason = result->reason;
    (void)snprintf(trial->words, sizeof trial->words, "%.*s", (int)result->words.len,
                   (const char *)result->words.data);
    (void)snprintf(trial->ref, sizeof trial->ref, "%.*s", (int)result->provider_ref.len,
                   (const char *)result->provider_ref.data);
}

void trial_await(struct trial *trial)
{
    while (!trial->is_done)
        outbound_wait(trial->providers.outbound, WAIT_MS);
    trial->is_done = false;
}

void trial_print(const struct trial *trial, const char *name, const char *good, const char *bad)
{
    const char *verdict = trial->outcome == SEND_ACCEPTED ? good : bad;
    if (trial->outcome == SEND_UNKNOWN)
        verdict = "perhaps sent";
    (void)printf("%s: %s", name, verdict);
    if (trial->outcome != SEND_ACCEPTED)
        (void)printf(": %s (%s)", send_reason_sentence(trial->reason),
                     send_reason_name(trial->reason));
    (void)printf("\n");
    if (trial->ref[0] != '\0')
        (void)printf("  it calls it: %s\n", trial->ref);
    if (trial->words[0] != '\0')
        (void)printf("  it says: %s\n", trial->words);
}
