// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// otpd provider: the tokens of providers that renew them; receipt-url is in receipt_url.c.
#include "cli/admin_secret.h"
#include "cli/receipt_url.h"

#define TOKENS_PATH "/admin/v1/provider/tokens"

static int provider_tokens_show(struct admin *admin);
static int provider_tokens_set(struct admin *admin);

const struct cli_action provider_actions[] = {
    {"tokens show", "NAME", "How its tokens are, and when they end", provider_tokens_show, 1, 1,
     CLI_SERVER | CLI_JSON},
    {"tokens set", "NAME refreshToken=@FILE", "Give it a refresh token, and try it",
     provider_tokens_set, 2, 2, CLI_SERVER | CLI_JSON},
    {"receipt-url", "NAME [OPTION...]", "Print the URL that it is to report to", NULL, 0, 0, 0},
    {0},
};

int cli_provider(const struct cli *cli)
{
    // The one verb that asks no server.
    if (cli->arguments_count > 0 && span_eq(span_of_text(cli->arguments[0]), SPAN("receipt-url")))
        return cli_receipt_url(cli);
    return admin_main(cli, cli_row_find(SPAN("provider")));
}

struct state_row {
    const char *name, *sentence;
};

static const struct state_row states[] = {
    {"ready", "messages can be sent"},
    {"reading", "being looked at"},
    {"renewing", "the access token is being fetched, and tried again if that fails"},
    {"missing", "there is no refresh token; otpd provider tokens set gives it one"},
    {"spent", "the refresh token was used already; get another one, and: otpd provider tokens set"},
    {"refused", "the provider does not renew the tokens"},
};

static const struct state_row *state_of(const struct control_reply *reply)
{
    const char *name = control_text(reply->json, "state");
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        if (span_eq(span_of_text(states[i].name), span_of_text(name)))
            return &states[i];
    }
    return &states[1];
}

static void print(const struct admin *admin, const struct control_reply *reply)
{
    static const char *const times[][2] = {{"access token ends", "accessEndsAt"},
                                           {"refresh token ends", "refreshEndsAt"}};
    if (admin->is_json) {
        admin_print_json(reply);
        return;
    }
    const struct state_row *state = state_of(reply);
    (void)printf("%s: %s: %s\n", admin->words[0], state->name, state->sentence);
    for (size_t i = 0; i < 2; i++) {
        const char *time = control_text(reply->json, times[i][1]);
        if (time[0] != '\0')
            (void)printf("  %s: %s\n", times[i][0], time);
    }
    const char *words = control_text(reply->json, "words");
    if (words[0] != '\0')
        (void)printf("  it says: %s\n", words);
}

static int ask(const struct admin *admin, struct control_reply *out)
{
    const struct control_request request = {
        .method = "GET", .path = TOKENS_PATH, .name = span_of_text(admin->words[0])};
    return admin_ask(admin, &request, out);
}

static int provider_tokens_show(struct admin *admin)
{
    struct control_reply reply;
    int status = ask(admin, &reply);
    if (status == EXIT_STATUS_OK)
        print(admin, &reply);
    control_reply_fini(&reply);
    return status;
}

static const struct admin_secret refresh_token = {"refreshToken", TOKENS_PATH, secret_read};

static int provider_tokens_set(struct admin *admin)
{
    struct control_reply reply = {0};
    struct secret secret = {0};
    int status = admin_secret_take(admin, &refresh_token, &secret);
    if (status == EXIT_STATUS_OK)
        status = admin_secret_send(admin, &refresh_token, &secret, &reply);
    secret_wipe(&secret);
    if (status == EXIT_STATUS_OK) {
        print(admin, &reply);
        bool is_ready = state_of(&reply) == &states[0];
        status = is_ready ? EXIT_STATUS_OK : EXIT_STATUS_UNAVAILABLE;
    }
    control_reply_fini(&reply);
    return status;
}
