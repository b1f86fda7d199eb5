// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "channel/sms_lint.h"
#include "cli/cli.h"
#include "cli/trial.h"
#include "daemon/serve.h"

#include <stdio.h>

#define SECONDS_PER_MINUTE 60U

// Eight is as wide as any digit.
static struct code longest_code(uint32_t length)
{
    struct code code = {.length = (uint8_t)length};
    for (uint32_t i = 0; i < length; i++)
        code.digits[i] = '8';
    return code;
}

static bool lint(const struct config_brand *brand)
{
    uint8_t room[SMS_LINT_BYTES_MAX];
    struct strbuf out = strbuf_over(room, sizeof room);
    struct template template;
    struct err_info info;
    const struct brand_settings *settings = &brand->settings;
    const struct code code = longest_code(settings->otp_length);
    const struct template_values values = {
        .code = &code,
        .brand = span_of_text(brand->name),
        .minutes = (settings->otp_ttl_seconds + SECONDS_PER_MINUTE - 1) / SECONDS_PER_MINUTE,
    };
    bool is_sound = false;
    if (template_compile(span_of_text(settings->sms_template), &template, &info) == ERR_OK)
        is_sound = sms_lint(&template, &values, &out);
    else
        strbuf_put_text(&out, info.text);
    struct span rest = strbuf_span(&out);
    while (rest.len > 0) {
        struct span line = span_split(rest, '\n', &rest);
        (void)printf("%s: smsTemplate: %.*s\n", brand->name, (int)line.len,
                     (const char *)line.data);
    }
    return is_sound;
}

int cli_template(const struct cli *cli)
{
    struct cli_words words;
    struct cli inner = *cli;
    if (cli->arguments_count == 0 || !span_eq(span_of_text(cli->arguments[0]), SPAN("lint"))) {
        cli_put_usage(cli_row_find(SPAN("template")), stderr);
        return EXIT_STATUS_USAGE;
    }
    inner.arguments++;
    inner.arguments_count--;
    if (!cli_words_take(&inner, NULL, NULL, 0, &words))
        return EXIT_STATUS_USAGE;
    struct config *config = cli_load_config(&words.sources);
    if (config == NULL)
        return EXIT_STATUS_CONFIG;
    bool are_sound = true;
    for (size_t i = 0; i < config->brands_held; i++)
        are_sound = lint(config->brands[i]) && are_sound;
    if (config->brands_held == 0)
        (void)printf("the configuration has no brands\n");
    config_destroy(&config);
    return are_sound ? EXIT_STATUS_OK : EXIT_STATUS_DATA;
}
