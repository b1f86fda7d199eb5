// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// otpd provider: the tokens of providers that renew them; receipt-url is in receipt_url.c.
#include "cli/admin.h"
#include "cli/receipt_url.h"
#include "cli/secret.h"

#define TOKENS_PATH "/admin/v1/provider/tokens"
#define BODY_BYTES_MAX (6U * SECRET_BYTES_MAX + 32U)

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

// By hand: what jansson builds is freed without being wiped.
static int send_token(const struct admin *admin, const struct secret *secret,
                      struct control_reply *out)
{
    uint8_t storage[BODY_BYTES_MAX];
    struct strbuf body = strbuf_over(storage, sizeof storage);
    strbuf_put_text(&body, "{\"refreshToken\":");
    strbuf_put_json_string(&body, secret_span(secret));
    strbuf_put_byte(&body, '}');
    ASSERT(!body.is_overflowed);
    const struct control_request request = {.method = "POST",
                                            .path = TOKENS_PATH,
                                            .name = span_of_text(admin->words[0]),
                                            .body = strbuf_span(&body)};
    int status = admin_ask(admin, &request, out);
    explicit_bzero(storage, sizeof storage);
    return status;
}

static int take_secret(const struct admin *admin, struct secret *secret)
{
    struct err_info info;
    struct span from;
    struct span name = span_split(span_of_text(admin->words[1]), '=', &from);
    if (!span_eq(name, SPAN("refreshToken")) || from.len == 0)
        return admin_refuse_usage(admin);
    if (secret_read("refreshToken", from, secret, &info) != ERR_OK)
        return admin_refuse(EXIT_STATUS_DATA, "%s", info.text);
    return EXIT_STATUS_OK;
}

static int provider_tokens_set(struct admin *admin)
{
    struct control_reply reply = {0};
    struct secret secret = {0};
    int status = take_secret(admin, &secret);
    if (status == EXIT_STATUS_OK)
        status = send_token(admin, &secret, &reply);
    secret_wipe(&secret);
    if (status == EXIT_STATUS_OK) {
        print(admin, &reply);
        bool is_ready = state_of(&reply) == &states[0];
        status = is_ready ? EXIT_STATUS_OK : EXIT_STATUS_UNAVAILABLE;
    }
    control_reply_fini(&reply);
    return status;
}
