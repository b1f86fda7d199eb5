// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What people read about the options: --help and the sample file.
#include "config/config.h"

#define HELP_COLUMN 38U // where the explanations of --help begin

// Of the command line alone: a file cannot name itself, and nobody should be in development mode by
// what a file somewhere says.
const struct config_special_flag config_special_flags[CONFIG_SPECIAL_FLAGS_COUNT] = {
    {"--config FILE", "Configuration file"},
    {"--dev", "Development: inbox, brand DocDemo, own keys, loopback only"},
};

// At least one space, also after what is longer than the column.
static void pad_to(struct strbuf *out, size_t line_start, size_t column)
{
    do {
        strbuf_put_byte(out, ' ');
    } while (!out->is_overflowed && out->len < line_start + column);
}

static void put_choices(const struct option *option, struct strbuf *out)
{
    for (size_t i = 0; option->choices[i] != NULL; i++) {
        if (i > 0)
            strbuf_put_byte(out, '|');
        strbuf_put_text(out, option->choices[i]);
    }
}

void config_put_placeholder(const struct option *option, struct strbuf *out)
{
    if (option->type == OPTION_CHOICE) {
        put_choices(option, out);
        return;
    }
    const char *word = option->type == OPTION_TEXT ? option->unit : "N";
    for (const char *at = word; *at != '\0'; at++)
        strbuf_put_byte(out, ascii_upper((uint8_t)*at));
}

static void put_help_line(const struct option *option, struct strbuf *out)
{
    size_t start = out->len;
    strbuf_put_text(out, "  ");
    config_put_flag(option, out);
    strbuf_put_byte(out, ' ');
    config_put_placeholder(option, out);
    pad_to(out, start, HELP_COLUMN);
    strbuf_put_text(out, option->help);
    if (option->preset != NULL) {
        strbuf_put_text(out, " [");
        strbuf_put_text(out, option->preset);
        strbuf_put_byte(out, ']');
    }
    strbuf_put_byte(out, '\n');
}

void config_put_help(struct strbuf *out)
{
    for (size_t i = 0; i < CONFIG_SPECIAL_FLAGS_COUNT; i++) {
        size_t start = out->len;
        strbuf_put_text(out, "  ");
        strbuf_put_text(out, config_special_flags[i].flag);
        pad_to(out, start, HELP_COLUMN);
        strbuf_put_text(out, config_special_flags[i].help);
        strbuf_put_byte(out, '\n');
    }
    for (size_t i = 0; i < CONFIG_OPTION_COUNT_; i++)
        put_help_line(&config_options[i], out);
    strbuf_put_text(out, "Each but the first two is a key of the file too (--log-level: logLevel) "
                         "and a variable\n(OTPD_LOG_LEVEL). Flags win over variables, variables "
                         "over the file.\n");
}

static void put_comment(const struct option *option, const char *indent, struct strbuf *out)
{
    strbuf_put_text(out, indent);
    strbuf_put_text(out, "# ");
    strbuf_put_text(out, option->help);
    strbuf_put_byte(out, '.');
    if (option->type != OPTION_TEXT) {
        strbuf_put_byte(out, ' ');
        option_describe_range(option, out);
        strbuf_put_byte(out, '.');
    }
    strbuf_put_byte(out, '\n');
}

// A text in single quotes, in which only the quote itself is special (YAML 1.2 section 7.3.2).
static void put_quoted(struct span text, struct strbuf *out)
{
    strbuf_put_byte(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\'')
            strbuf_put_byte(out, '\'');
        strbuf_put_byte(out, text.data[i]);
    }
    strbuf_put_byte(out, '\'');
}

static void put_assignment(const struct option *option, struct span value, struct strbuf *out)
{
    strbuf_put_text(out, option->name);
    strbuf_put_text(out, ": ");
    if (option->type == OPTION_TEXT && !span_eq(value, SPAN("null")))
        put_quoted(value, out);
    else
        strbuf_put(out, value);
    strbuf_put_byte(out, '\n');
}

static void put_server_option(const struct option *option, const struct config_server *server,
                              struct strbuf *out)
{
    uint8_t storage[CONFIG_PATH_BYTES_MAX];
    struct strbuf value = strbuf_over(storage, sizeof storage);
    option_show(option, server, &value);
    put_comment(option, "", out);
    if (option_is_preset(option, server))
        strbuf_put_byte(out, '#');
    put_assignment(option, strbuf_span(&value), out);
    strbuf_put_byte(out, '\n');
}

// One of an entry of a list, commented out.
static void put_entry_option(const struct option *option, const char *value, struct strbuf *out)
{
    put_comment(option, "#    ", out);
    strbuf_put_text(out, "#    ");
    put_assignment(option, span_of_text(value), out);
}

static const char *preset_of(const struct option *option)
{
    return option->preset != NULL ? option->preset : "null";
}

// What has no default is shown with an example.
static const char *example_of(const struct option *option)
{
    static const struct {
        struct span name;
        const char *value;
    } examples[] = {{SPAN("host"), "smtp.example.com"}, {SPAN("from"), "codes@example.com"}};
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        if (span_eq(examples[i].name, span_of_text(option->name)))
            return examples[i].value;
    }
    return preset_of(option);
}

static void put_providers(struct strbuf *out)
{
    strbuf_put_text(out, "\n# Who carries the messages. docs/providers.md tells what to set. Try "
                         "it:\n# otpd check --online --config FILE, and otpd "
                         "send-test --channel email --to ADDRESS --config FILE\n#providers:\n"
                         "#  - name: 'mail'\n#    kind: smtp\n");
    for (size_t i = 0; i < smtp_options_count; i++)
        put_entry_option(&smtp_options[i], example_of(&smtp_options[i]), out);
    strbuf_put_text(
        out,
        "\n# By which of them, where several carry a channel; without a route by all of them, in "
        "their order.\n# For one brand alone, or for numbers that begin so (prefix: '91'); the "
        "longest prefix wins.\n#routes:\n#  - channel: EMAIL\n#    prefix: null\n"
        "#    brand: null\n#    providers: 'mail'\n#    fallbackAfterSeconds: null\n");
}

// A secret stands in a file of its own.
static void put_brand_option(const struct option *option, struct strbuf *out)
{
    if (!option->is_secret) {
        put_entry_option(option, preset_of(option), out);
        return;
    }
    put_comment(option, "#    ", out);
    strbuf_put_text(out, "#    ");
    strbuf_put_text(out, option->name);
    strbuf_put_text(out, "File: null\n");
}

void config_put_sample(const struct config_server *server, struct strbuf *out)
{
    strbuf_put_text(out, "# Configuration of otpd. What is commented out has the value shown.\n"
                         "# Serve with it: otpd serve --config FILE\n\n");
    for (size_t i = 0; i < CONFIG_OPTION_COUNT_; i++)
        put_server_option(&config_options[i], server, out);
    strbuf_put_text(out,
                    "# Brands. Secrets stay out of this file: tokenKeyFile names a file of mode "
                    "0600 with 32 to 254\n# bytes, made by: head -c 48 /dev/urandom | base64 > "
                    "FILE && chmod 600 FILE\n# Without it the server makes a key of its own and "
                    "keeps it sealed in the store.\n# What an entry names is ruled by this file; "
                    "the rest is changed while the server runs.\n#brands:\n#  - name: 'DocDemo'\n"
                    "#    tokenKeyFile: null\n");
    for (size_t i = 0; i < brand_options_count; i++)
        put_brand_option(&brand_options[i], out);
    put_providers(out);
}
