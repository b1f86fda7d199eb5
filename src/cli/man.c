// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The man pages otpd(8) and otpd.conf(5), from the tables of commands, of the server's options and
// of a brand's settings. What is written here by hand is what no table knows.
#include "cli/cli.h"
#include "cli/mdoc.h"
#include "config/recipe_file.h"
#include "daemon/serve.h"

#define WORD_BYTES_MAX 256U

static void put_head(struct mdoc *mdoc, const char *title, const char *name, const char *what)
{
    (void)fprintf(mdoc->out, ".Dd November 23, 2026\n.Dt %s\n.Os\n.Sh NAME\n.Nm %s\n.Nd %s\n",
                  title, name, what);
}

static void put_paragraph(struct mdoc *mdoc, const char *text)
{
    mdoc_macro(mdoc, ".Pp");
    mdoc_text(mdoc, text);
}

// --- otpd(8) ---------------------------------------------------------------------------------

static void put_call(struct mdoc *mdoc, const char *macro, const struct cli_row *row,
                     const struct cli_action *action)
{
    const char *space = action->verb[0] != '\0' ? " " : "";
    char line[WORD_BYTES_MAX];
    (void)snprintf(line, sizeof line, "%s%s%s%s", macro, row->name, space, action->verb);
    mdoc_macro(mdoc, line);
    mdoc_words(mdoc, action->arguments);
}

static void put_synopsis(struct mdoc *mdoc)
{
    mdoc_macro(mdoc, ".Sh SYNOPSIS");
    for (const struct cli_row *row = cli_rows; row->name != NULL; row++) {
        for (const struct cli_action *action = row->actions; action->verb != NULL; action++) {
            mdoc_macro(mdoc, ".Nm");
            put_call(mdoc, ".Cm ", row, action);
        }
    }
}

static void put_action(struct mdoc *mdoc, const struct cli_row *row,
                       const struct cli_action *action)
{
    put_call(mdoc, ".It Xo\n.Cm ", row, action);
    mdoc_macro(mdoc, ".Xc");
    mdoc_sentence(mdoc, action->help);
}

static void put_commands(struct mdoc *mdoc)
{
    mdoc_macro(mdoc, ".Sh COMMANDS");
    for (const struct cli_row *row = cli_rows; row->name != NULL; row++) {
        char title[WORD_BYTES_MAX];
        (void)snprintf(title, sizeof title, ".Ss otpd %s", row->name);
        mdoc_macro(mdoc, title);
        mdoc_macro(mdoc, ".Bl -tag -width Ds");
        for (const struct cli_action *action = row->actions; action->verb != NULL; action++)
            put_action(mdoc, row, action);
        mdoc_macro(mdoc, ".El");
        if (row->about != NULL)
            put_paragraph(mdoc, row->about);
    }
}

static void put_special_flags(struct mdoc *mdoc)
{
    for (size_t i = 0; i < CONFIG_SPECIAL_FLAGS_COUNT; i++) {
        char line[WORD_BYTES_MAX];
        struct span value;
        struct span flag = span_split(span_of_text(config_special_flags[i].flag), ' ', &value);
        (void)snprintf(line, sizeof line, ".It Fl %.*s%s%.*s", (int)flag.len - 1,
                       (const char *)flag.data + 1, value.len > 0 ? " Ar " : "", (int)value.len,
                       (const char *)value.data);
        mdoc_macro(mdoc, line);
        mdoc_sentence(mdoc, config_special_flags[i].help);
    }
}

// "Default: 20 seconds."
static void put_preset(struct mdoc *mdoc, const struct option *option)
{
    mdoc_text(mdoc, "Default:");
    const char *preset = option->preset != NULL ? option->preset : "null";
    mdoc_sentence(mdoc, preset[0] != '\0' ? preset : "none, it has to be given");
}

static void put_help(struct mdoc *mdoc, const struct option *option)
{
    mdoc_sentence(mdoc, option->help);
}

static void put_server_flag(struct mdoc *mdoc, const struct option *option)
{
    char flag[WORD_BYTES_MAX] = "";
    char value[WORD_BYTES_MAX] = "";
    char line[3 * WORD_BYTES_MAX];
    struct strbuf flag_out = strbuf_over(flag, sizeof flag - 1);
    struct strbuf value_out = strbuf_over(value, sizeof value - 1);
    config_put_flag(option, &flag_out);
    config_put_placeholder(option, &value_out);
    (void)snprintf(line, sizeof line, ".It Fl %s Ar %s", flag + 1, value);
    mdoc_macro(mdoc, line);
    put_help(mdoc, option);
    put_preset(mdoc, option);
}

static void put_outbox_flags(struct mdoc *mdoc)
{
    mdoc_macro(mdoc, ".It Fl -brand Ar NAME");
    mdoc_text(mdoc, "What is of that brand alone.");
    mdoc_macro(mdoc, ".It Fl -troubled");
    mdoc_text(mdoc, "List messages that are not over, and those that nobody took; the default.");
    mdoc_macro(mdoc, ".It Fl -all");
    mdoc_text(mdoc, "List also those that were taken or delivered.");
    mdoc_macro(mdoc, ".It Fl -limit Ar N");
    mdoc_text(mdoc, "List at most so many, 1 to 100. Default: 50.");
    mdoc_macro(mdoc, ".It Fl -after Ar HANDLE");
    mdoc_text(mdoc, "List from the message behind that one on.");
}

static void put_server_flags(struct mdoc *mdoc)
{
    mdoc_macro(mdoc, ".Sh OPTIONS");
    mdoc_text(mdoc, "Those of");
    mdoc_macro(mdoc, ".Cm serve :\n.Bl -tag -width Ds");
    put_special_flags(mdoc);
    for (size_t i = 0; i < CONFIG_OPTION_COUNT_; i++)
        put_server_flag(mdoc, &config_options[i]);
    mdoc_macro(mdoc, ".El\n.Pp");
    mdoc_text(mdoc, "Those of");
    mdoc_macro(mdoc, ".Cm brand , brands , explain\nand\n.Cm outbox :\n.Bl -tag -width Ds\n"
                     ".It Fl -data-dir Ar DIR");
    mdoc_text(mdoc, "The data directory of the server to ask, which has its control socket.");
    mdoc_macro(mdoc, ".It Fl -socket Ar PATH");
    mdoc_text(mdoc, "The control socket itself. The banner of a server names it, and the event "
                    "control.listening in its log.");
    mdoc_macro(mdoc, ".It Fl -json");
    mdoc_text(mdoc, "Print the server's answer as it is.");
    mdoc_macro(mdoc, ".It Fl -yes");
    mdoc_text(mdoc, "Remove without asking.");
    mdoc_macro(mdoc, ".It Fl -force");
    mdoc_text(mdoc, "Change also what is dangerous to people who are known already; otpd brand "
                    "options says why.");
    put_outbox_flags(mdoc);
    mdoc_macro(mdoc, ".El\n.Pp");
    mdoc_text(mdoc, "Every command takes");
    mdoc_macro(mdoc, ".Fl -help .");
}

static void put_variable(struct mdoc *mdoc, const char *name, const char *text)
{
    mdoc_item(mdoc, "Ev", name);
    mdoc_text(mdoc, text);
}

static void put_environment(struct mdoc *mdoc)
{
    mdoc_macro(mdoc, ".Sh ENVIRONMENT\n.Bl -tag -width Ds");
    put_variable(mdoc, "OTPD_CONTROL_SOCKET",
                 "The control socket, where --socket does not say it.");
    put_variable(mdoc, "OTPD_DATA_DIR", "The data directory, where --data-dir does not say it.");
    put_variable(mdoc, "OTPD_LISTEN, OTPD_LOG_LEVEL, ...",
                 "Each option of serve but --config and --dev has a variable: --log-level has "
                 "OTPD_LOG_LEVEL. Flags win over variables, variables over the file.");
    mdoc_macro(mdoc, ".El");
}

static void put_signals(struct mdoc *mdoc)
{
    mdoc_macro(mdoc, ".Sh SIGNALS\n.Bl -tag -width Ds");
    mdoc_item(mdoc, "Dv", "SIGTERM, SIGINT");
    mdoc_text(mdoc, "Stop accepting, answer what was begun, and exit 0. A second one ends the "
                    "server at once.");
    mdoc_item(mdoc, "Dv", "SIGHUP");
    mdoc_text(mdoc, "Read the configuration again. A wrong one changes nothing.");
    mdoc_macro(mdoc, ".El");
}

static const struct {
    enum exit_status status;
    const char *text;
} exit_rows[] = {
    {EXIT_STATUS_OK, "All is done."},
    {EXIT_STATUS_USAGE, "The command is not used so."},
    {EXIT_STATUS_DATA,
     "A value was refused, there is no such brand or message, a message could not "
     "be tried again or dropped, or a data directory is damaged."},
    {EXIT_STATUS_NO_INPUT, "A file cannot be read, or a directory is no data directory."},
    {EXIT_STATUS_UNAVAILABLE, "No server answers, or the address is in use."},
    {EXIT_STATUS_SOFTWARE, "The server failed."},
    {EXIT_STATUS_OS, "The system refused memory or the like."},
    {EXIT_STATUS_CANNOT_CREATE, "A file cannot be written."},
    {EXIT_STATUS_TRY_AGAIN, "The server cannot do it now; try again."},
    {EXIT_STATUS_PERMISSION, "This user may not do that, or others may read a key file."},
    {EXIT_STATUS_CONFIG, "The configuration is wrong."},
};

static void put_exit_statuses(struct mdoc *mdoc)
{
    mdoc_macro(mdoc, ".Sh EXIT STATUS\n.Bl -tag -width Ds");
    for (size_t i = 0; i < sizeof exit_rows / sizeof exit_rows[0]; i++) {
        char line[WORD_BYTES_MAX];
        (void)snprintf(line, sizeof line, ".It %d", (int)exit_rows[i].status);
        mdoc_macro(mdoc, line);
        mdoc_text(mdoc, exit_rows[i].text);
    }
    mdoc_macro(mdoc, ".El");
}

static const struct span command_examples =
    SPAN("otpd serve --dev\n"
         "otpd init --key-file /etc/otpd/keys > otpd.yaml\n"
         "otpd check --online --config otpd.yaml\n"
         "otpd send-test --channel sms --to +12025550147 --config otpd.yaml\n"
         "otpd serve --config otpd.yaml\n"
         "otpd brand set DocDemo otpMaxCount=3 otpTimeOut=10 --data-dir DIR\n"
         "otpd brand keys rotate DocDemo secret=@FILE --data-dir DIR\n"
         "otpd brands export brands.json --data-dir DIR\n"
         "otpd explain +12025550147 --data-dir DIR\n"
         "otpd outbox list --data-dir DIR\n");

static void put_examples(struct mdoc *mdoc, struct span text)
{
    mdoc_macro(mdoc, ".Sh EXAMPLES\n.Bd -literal");
    mdoc_literal(mdoc, text);
    mdoc_macro(mdoc, ".Ed");
}

static void put_program_page(struct mdoc *mdoc)
{
    put_head(mdoc, "OTPD 8", "otpd", "issues and checks one-time codes");
    put_synopsis(mdoc);
    mdoc_macro(mdoc, ".Sh DESCRIPTION\n.Nm");
    mdoc_text(mdoc, "issues one-time codes to a brand's customers and checks them, over HTTP.");
    put_paragraph(mdoc, "A running server listens to administrators on a control socket in its "
                        "data directory, which only the user that it runs as can connect to.");
    put_commands(mdoc);
    put_server_flags(mdoc);
    put_signals(mdoc);
    put_environment(mdoc);
    put_exit_statuses(mdoc);
    put_examples(mdoc, command_examples);
    mdoc_macro(mdoc, ".Sh SEE ALSO\n.Xr otpd.conf 5");
}

// --- otpd.conf(5) ----------------------------------------------------------------------------

static void put_option(struct mdoc *mdoc, const struct option *option)
{
    char range[WORD_BYTES_MAX] = "";
    struct strbuf range_out = strbuf_over(range, sizeof range - 1);
    mdoc_item(mdoc, "Ic", option->name);
    put_help(mdoc, option);
    option_describe_range(option, &range_out);
    mdoc_text(mdoc, "Value:");
    mdoc_sentence(mdoc, range);
    put_preset(mdoc, option);
}

static void put_options(struct mdoc *mdoc, struct option_table table)
{
    mdoc_macro(mdoc, ".Bl -tag -width Ds");
    for (size_t i = 0; i < table.count; i++)
        put_option(mdoc, &table.options[i]);
    mdoc_macro(mdoc, ".El");
}

static const struct span config_example = SPAN("listen: 127.0.0.1:8480\n"
                                               "keyFile: /etc/otpd/keys\n"
                                               "dataDir: /var/lib/otpd\n"
                                               "logLevel: info\n"
                                               "brands:\n"
                                               "  - name: 'DocDemo'\n"
                                               "    defaultCountry: IN\n"
                                               "    otpMaxCount: 3\n"
                                               "    otpTimeOut: 10\n");

static void put_brand_settings(struct mdoc *mdoc)
{
    mdoc_macro(mdoc, ".Sh BRANDS");
    mdoc_text(mdoc, "The key");
    mdoc_macro(mdoc, ".Ic brands");
    mdoc_text(mdoc, "holds a list. An entry has the brand's name and whichever of its settings "
                    "the file is to rule:");
    mdoc_macro(mdoc, ".Bl -tag -width Ds");
    mdoc_item(mdoc, "Ic", "name");
    mdoc_text(mdoc, "Name of the brand, as clients send it.");
    mdoc_item(mdoc, "Ic", "tokenKeyFile");
    mdoc_text(mdoc, "File with the secret that tokens are signed with: 32 to 254 bytes that "
                    "nobody else may read. Default: null, and the server makes one of its own.");
    mdoc_item(mdoc, "Ic", "rejectWithoutHeaderValueFile");
    mdoc_text(mdoc, "File with rejectWithoutHeaderValue, which is a secret and does not stand in "
                    "the configuration itself.");
    mdoc_macro(mdoc, ".El");
    mdoc_macro(mdoc, ".Pp");
    mdoc_text(mdoc, "What the file does not name is changed while the server runs, by");
    mdoc_macro(mdoc, ".Xr otpd 8\n.Cm brand set :");
    put_options(mdoc, brand_option_table());
}

static void put_kinds(struct mdoc *mdoc)
{
    mdoc_text(mdoc, "smtp,");
    for (size_t i = 0; config_recipe_shipped_name(i).data != NULL; i++) {
        char word[WORD_BYTES_MAX];
        struct span name = config_recipe_shipped_name(i);
        (void)snprintf(word, sizeof word, "%.*s,", (int)name.len, (const char *)name.data);
        mdoc_text(mdoc, word);
    }
    mdoc_text(mdoc, "or custom, which is spoken to as recipeFile says.");
}

static void put_provider_settings(struct mdoc *mdoc)
{
    mdoc_macro(mdoc, ".Sh PROVIDERS");
    mdoc_text(mdoc, "The key");
    mdoc_macro(mdoc, ".Ic providers");
    mdoc_text(mdoc, "holds a list of those that carry messages, at most one for each channel. "
                    "Changes take effect at a restart. An entry has:");
    mdoc_macro(mdoc, ".Bl -tag -width Ds");
    mdoc_item(mdoc, "Ic", "name");
    mdoc_text(mdoc, "Name of the provider, for people and logs.");
    mdoc_item(mdoc, "Ic", "kind");
    put_kinds(mdoc);
    mdoc_macro(mdoc, ".El\n.Pp");
    mdoc_text(mdoc, "With kind: smtp it also has");
    put_options(mdoc, smtp_option_table());
    mdoc_macro(mdoc, ".Pp");
    mdoc_text(mdoc, "With any other kind it has the parameters of that provider's recipe, where a "
                    "secret is the name of a file that nobody else may read (authTokenFile), and");
    put_options(mdoc, http_option_table());
}

static void put_file_page(struct mdoc *mdoc)
{
    put_head(mdoc, "OTPD.CONF 5", "otpd.conf", "configuration file of otpd");
    mdoc_macro(mdoc, ".Sh DESCRIPTION");
    mdoc_text(mdoc, "A file of YAML, which");
    mdoc_macro(mdoc, ".Ql otpd serve --config FILE");
    mdoc_text(mdoc, "reads at its start and again at SIGHUP. All that is wrong with it is told at "
                    "once, with line and column. A key that is not there has its default; null "
                    "stands for none.");
    mdoc_macro(mdoc, ".Sh SERVER");
    put_options(mdoc, config_option_table());
    put_brand_settings(mdoc);
    put_provider_settings(mdoc);
    put_examples(mdoc, config_example);
    mdoc_macro(mdoc, ".Sh SEE ALSO\n.Xr otpd 8");
}

static const struct {
    struct span name;
    void (*put)(struct mdoc *mdoc);
} pages[] = {
    {SPAN("otpd"), put_program_page},
    {SPAN("otpd.conf"), put_file_page},
};

int cli_man(const struct cli *cli)
{
    struct mdoc mdoc = {.out = stdout};
    struct span wanted = cli->arguments_count > 0 ? span_of_text(cli->arguments[0]) : pages[0].name;
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        if (!span_eq(pages[i].name, wanted))
            continue;
        pages[i].put(&mdoc);
        return EXIT_STATUS_OK;
    }
    (void)fprintf(stderr, "otpd: there is no page \"%s\"; there are otpd and otpd.conf\n",
                  cli->arguments[0]);
    return EXIT_STATUS_USAGE;
}
