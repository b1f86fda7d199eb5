// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "address/address.h"
#include "cli/cli.h"
#include "cli/trial.h"
#include "crypto/pure/random.h"
#include "daemon/serve.h"

#include <stdio.h>

// Codes come from keys that this command does not even read.
#define TEST_CODE "000000"
#define TEST_TEXT "This is a test of otpd. " TEST_CODE " is no code: nobody can log in with it."

#define TEST_SUBJECT "Your otpd test code"

#define TEST_MS_MAX 60000

enum { WORD_CHANNEL, WORD_TO, WORD_PROVIDER, WORDS_COUNT };

static void say(const char *what)
{
    (void)fprintf(stderr, "otpd: %s\n", what);
}

static int fail(const char *what, int status)
{
    say(what);
    return status;
}

// CHANNEL_COUNT_: no such channel.
static enum channel_kind channel_of(const char *word)
{
    enum channel_kind kind = 0;
    while (kind < CHANNEL_COUNT_ &&
           !span_eq_nocase(span_of_text(channel_name(kind)), span_of_text(word)))
        kind++;
    return kind;
}

struct test {
    enum channel_kind kind;
    struct span to;
    const char *provider; // NULL: the only one
};

// The provider of that channel and name; NULL, which has been said: there is none, or several and
// nothing says which.
static struct channel *find_channel(const struct trial *trial, const struct test *test)
{
    struct channel *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < trial->config->providers_held; i++) {
        const struct config_provider *provider = trial->config->providers[i];
        bool is_it = (provider->channels >> test->kind & 1U) != 0 &&
                     (test->provider == NULL ||
                      span_eq(span_of_text(test->provider), span_of_text(provider->name)));
        if (!is_it)
            continue;
        found = trial->providers.list[i].channel;
        count++;
    }
    if (count == 1)
        return found;
    if (count > 1)
        say("several providers carry that channel; --provider NAME says which");
    else if (test->provider != NULL)
        say("no provider of that name carries that channel");
    else
        say("no provider of the configuration carries that channel");
    return NULL;
}

static void send_by(struct trial *trial, struct channel *channel, const struct test *test)
{
    struct message text;
    struct message code;
    struct message subject;
    struct entropy entropy = entropy_system();
    int64_t now_ms = clock_wall_ms(&trial->clock);
    message_init(&text);
    message_init(&code);
    message_init(&subject);
    message_put(&text, SPAN(TEST_TEXT));
    message_put(&code, SPAN(TEST_CODE));
    message_put(&subject, SPAN(TEST_SUBJECT));
    const struct send_request request = {
        .id = entropy_u64(&entropy),
        .kind = test->kind,
        .brand = SPAN("otpd test"),
        .to = test->to,
        .text = &text,
        .otp_only = &code,
        .subject = test->kind == CHANNEL_EMAIL ? &subject : NULL,
        .sent_at_ms = now_ms,
        .deadline_at_ms = now_ms + TEST_MS_MAX,
    };
    struct sending sending = {.request = &request, .on_result = trial_on_result, .ctx = trial};
    channel->ops->send(channel, &sending);
    trial_await(trial);
}

static int try_channel(const struct config *config, const struct test *test)
{
    struct trial trial;
    struct err_info info = {0};
    if (trial_init(&trial, config, &info) != ERR_OK)
        return fail(info.text, EXIT_STATUS_OS);
    struct channel *channel = find_channel(&trial, test);
    if (channel == NULL) {
        trial_fini(&trial);
        return EXIT_STATUS_CONFIG;
    }
    send_by(&trial, channel, test);
    trial_print(&trial, channel_name(test->kind), "sent", "not sent");
    bool is_sent = trial.outcome == SEND_ACCEPTED;
    trial_fini(&trial);
    return is_sent ? EXIT_STATUS_OK : EXIT_STATUS_UNAVAILABLE;
}

int cli_send_test(const struct cli *cli)
{
    static const struct cli_word own[WORDS_COUNT] = {
        [WORD_CHANNEL] = {"--channel", true},
        [WORD_TO] = {"--to", true},
        [WORD_PROVIDER] = {"--provider", true},
    };
    const char *values[WORDS_COUNT] = {NULL};
    struct cli_words words;
    struct address to;
    if (!cli_words_take(cli, own, values, WORDS_COUNT, &words))
        return EXIT_STATUS_USAGE;
    if (values[WORD_CHANNEL] == NULL || values[WORD_TO] == NULL)
        return fail("send-test needs --channel and --to; otpd send-test --help", EXIT_STATUS_USAGE);
    enum channel_kind kind = channel_of(values[WORD_CHANNEL]);
    if (kind == CHANNEL_COUNT_)
        return fail("--channel: SMS, WHATSAPP, ZALO or EMAIL", EXIT_STATUS_USAGE);
    enum address_kind address_kind = kind == CHANNEL_EMAIL ? ADDRESS_EMAIL : ADDRESS_MOBILE;
    if (!address_parse(address_kind, span_of_text(values[WORD_TO]), SPAN(""), &to))
        return fail("--to: no address that this channel can send to", EXIT_STATUS_USAGE);
    struct config *config = cli_load_config(&words.sources);
    if (config == NULL)
        return EXIT_STATUS_CONFIG;
    const struct test test = {kind, address_value(&to), values[WORD_PROVIDER]};
    int status = try_channel(config, &test);
    config_destroy(&config);
    return status;
}
