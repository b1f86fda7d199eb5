// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Each provider is asked by this process, with the file's own credentials; but for those whose
// access token is renewed: that is the running server's alone, so the server asks.
#include "cli/online.h"

#include "channel/http_channel.h"
#include "cli/cli.h"
#include "cli/control.h"
#include "cli/trial.h"
#include "crypto/pure/random.h"
#include "daemon/serve.h"

#include <stdio.h>

#define PROBE_PATH "/admin/v1/provider/probe"

static bool is_refused(const struct trial *trial)
{
    return trial->outcome != SEND_ACCEPTED &&
           (trial->reason == SEND_AUTH_FAILED || trial->reason == SEND_TOKEN_ENDED);
}

static void print(const struct trial *trial, const char *name)
{
    bool is_strange = trial->reason == SEND_UNCLASSIFIED;
    trial_print(trial, name, "ready", is_strange ? "not understood" : "not ready");
}

// --- asked from here -------------------------------------------------------------------------

static void ask(struct trial *trial, size_t index)
{
    struct entropy entropy = entropy_system();
    const struct provider_probe probe = {entropy_u64(&entropy), clock_wall_ms(&trial->clock)};
    providers_probe(&trial->providers, index, &probe, trial_on_result, trial);
    trial_await(trial);
}

// What the provider was shown, and where to get each of it.
static void advise_parameters(const struct config_provider *provider,
                              const struct recipe_plan *plan)
{
    const struct recipe_parameter *parameters;
    size_t count = recipe_parameters(provider->recipe, &parameters);
    for (size_t i = 0; i < count; i++) {
        if ((recipe_plan_probed(plan) >> i & 1U) == 0)
            continue;
        (void)printf("  look at %.*s%s: %.*s\n", (int)parameters[i].name.len,
                     (const char *)parameters[i].name.data, parameters[i].is_secret ? "File" : "",
                     (int)parameters[i].help.len, (const char *)parameters[i].help.data);
    }
}

static void advise(const struct trial *trial, size_t index)
{
    const struct config_provider *provider = trial->config->providers[index];
    if (provider->recipe != NULL)
        advise_parameters(provider, http_channel_plan(trial->providers.list[index].channel));
    else
        (void)printf("  look at user and passwordFile: the login at the mail relay\n");
}

static bool probe(struct trial *trial, size_t index)
{
    const struct provider *provider = &trial->providers.list[index];
    const char *name = trial->config->providers[index]->name;
    bool is_asked = provider->http == NULL || http_channel_can_ask(provider->channel);
    ask(trial, index);
    bool is_ready = trial->outcome == SEND_ACCEPTED;
    if (is_ready && !is_asked)
        (void)printf("%s: connected; the credentials were not tried, since its recipe has no "
                     "\"probe\"\n",
                     name);
    else
        print(trial, name);
    if (is_refused(trial))
        advise(trial, index);
    return is_ready;
}

// --- asked by the running server -------------------------------------------------------------

static bool is_rotating(const struct trial *trial, size_t index)
{
    const struct provider *provider = &trial->providers.list[index];
    return provider->http != NULL && recipe_plan_is_rotating(http_channel_plan(provider->channel));
}

static enum send_reason reason_of(const char *name)
{
    for (unsigned i = 0; i < SEND_REASON_COUNT_; i++) {
        if (span_eq(span_of_text(send_reason_name((enum send_reason)i)), span_of_text(name)))
            return (enum send_reason)i;
    }
    return SEND_UNCLASSIFIED;
}

static bool take_reply(struct trial *trial, const char *name, const struct control_reply *reply)
{
    if (reply->status != 200) {
        (void)printf("%s: not asked: %s\n", name, control_text(reply->json, "detail"));
        return false;
    }
    bool is_ready = json_is_true(json_object_get(reply->json, "ready"));
    trial->outcome = is_ready ? SEND_ACCEPTED : SEND_REFUSED;
    trial->reason = reason_of(control_text(reply->json, "reason"));
    (void)snprintf(trial->words, sizeof trial->words, "%s", control_text(reply->json, "words"));
    print(trial, name);
    if (is_refused(trial))
        (void)printf("  look at otpd provider tokens show %s\n", name);
    return is_ready;
}

// Nobody has its token: what can be tried without one is.
static bool connect_alone(struct trial *trial, size_t index, const struct err_info *why)
{
    const char *name = trial->config->providers[index]->name;
    ask(trial, index);
    if (trial->outcome == SEND_ACCEPTED)
        (void)printf("%s: not asked: it can be reached, but its access token is the running "
                     "server's: %s\n",
                     name, why->text);
    else
        print(trial, name);
    return false;
}

static bool probe_by_server(struct trial *trial, size_t index)
{
    static const char *const no_environment[] = {NULL};
    struct control control;
    struct control_reply reply = {0};
    struct err_info info = {0};
    const char *name = trial->config->providers[index]->name;
    const struct control_hints hints = {.data_dir_flag = trial->config->server.data_dir,
                                        .environment = no_environment};
    const struct control_request request = {
        .method = "POST", .path = PROBE_PATH, .name = span_of_text(name)};
    enum err err = control_find(&hints, &control, &info);
    if (err == ERR_OK)
        err = control_ask(&control, &request, &reply, &info);
    bool is_ready =
        err == ERR_OK ? take_reply(trial, name, &reply) : connect_alone(trial, index, &info);
    control_reply_fini(&reply);
    return is_ready;
}

int cli_online(const struct config *config)
{
    struct trial trial;
    struct err_info info = {0};
    bool are_ready = true;
    if (trial_init(&trial, config, &info) != ERR_OK) {
        (void)fprintf(stderr, "otpd: %s\n", info.text);
        return EXIT_STATUS_OS;
    }
    for (size_t i = 0; i < config->providers_held; i++) {
        bool is_ready = is_rotating(&trial, i) ? probe_by_server(&trial, i) : probe(&trial, i);
        are_ready = is_ready && are_ready;
    }
    trial_fini(&trial);
    return are_ready ? EXIT_STATUS_OK : EXIT_STATUS_UNAVAILABLE;
}
