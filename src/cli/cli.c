// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"

#include "daemon/serve.h"

#define NAMES_MAX 64U
#define CALL_COLUMN 44 // where the sentences of --help begin

static const struct cli_action serve_actions[] = {
    {"", "[OPTION...]", "Run the server in the foreground until a signal ends it", NULL, 0, 0, 0},
    {0},
};

static const struct cli_action init_actions[] = {
    {"", "--key-file FILE", "Make FILE with fresh keys, and print a configuration to begin with",
     NULL, 0, 0, 0},
    {0},
};

static const struct cli_action check_actions[] = {
    {"", "[--online] [OPTION...]",
     "Look for mistakes in the configuration that serve would start with, and tell all", NULL, 0, 0,
     0},
    {0},
};

static const struct cli_action send_test_actions[] = {
    {"", "--channel CHANNEL --to ADDRESS [--provider NAME] [OPTION...]",
     "Send one real message, with a code that is none, and print what the provider says", NULL, 0,
     0, 0},
    {0},
};

static const struct cli_action template_actions[] = {
    {"lint", "[OPTION...]",
     "Say of each brand's texts how many SMS they make and why, and what phones will not take",
     NULL, 0, 0, 0},
    {0},
};

static const struct cli_action doctor_actions[] = {
    {"", "DIRECTORY", "Measure how long a commit waits for the disk that DIRECTORY is on", NULL, 0,
     0, 0},
    {0},
};

static const struct cli_action fsck_actions[] = {
    {"", "--data-dir DIR [--key-file FILE]",
     "Look for damage in the data directory of a server that does not run; changes nothing", NULL,
     0, 0, 0},
    {0},
};

static const struct cli_action backup_actions[] = {
    {"", "BACKUP --data-dir DIR",
     "Copy the data directory of a server, which may run, to the new directory BACKUP", NULL, 0, 0,
     0},
    {0},
};

static const struct cli_action restore_actions[] = {
    {"", "BACKUP --data-dir DIR", "Make the new data directory DIR of a backup", NULL, 0, 0, 0},
    {0},
};

static const struct cli_action hash_debug_actions[] = {
    {"", "--file FILE --brand NAME|--private-key KEY [OPTION...]",
     "Say why the hash of a request is refused", NULL, 0, 0, 0},
    {0},
};

static const struct cli_action man_actions[] = {
    {"", "[PAGE]", "Print the man page otpd, the default, or otpd.conf, as mdoc", NULL, 0, 0, 0},
    {0},
};

static const struct cli_action version_actions[] = {
    {"", "", "Print the versions of otpd and its libraries", NULL, 0, 0, 0},
    {0},
};

static const struct cli_action help_actions[] = {
    {"", "[COMMAND]", "Print the commands, or how one of them is used", NULL, 0, 0, 0},
    {0},
};

const struct cli_row cli_rows[] = {
    {"serve", cli_serve, "run the server; --dev needs nothing else", serve_actions, NULL,
     config_put_help},
    {"init", cli_init, "make a key file, and print a configuration to begin with", init_actions,
     "The file is readable by its owner alone. An existing file is never touched. Keep a copy of "
     "it apart from the data: without its index key every person's record is lost, and no backup "
     "has it.",
     NULL},
    {"brand", cli_brand, "show and change the brands of a running server", brand_actions,
     "A change takes effect at the next request and is kept in the data directory. A VALUE is "
     "checked before "
     "the server is asked; null stands for none where that is allowed. What is secret comes from "
     "a file (secret=@FILE, which nobody else may read) or from standard input (secret=-), "
     "because every user of a machine can see its command lines. What the configuration file "
     "sets is changed there.",
     NULL},
    {"brands", cli_brands, "export and import the settings of all brands", brands_actions,
     "The file is JSON without secrets, for those who keep their settings under version control. "
     "An import adds what is missing and sets exactly these settings on what is there; it "
     "removes no brand, and changes nothing when anything in the file is wrong.",
     NULL},
    {"provider", cli_provider, "tokens of a running server's providers; where providers report to",
     provider_actions,
     "tokens: for providers whose access token is renewed by a refresh token, such as zalo. The "
     "refresh token comes from a file (refreshToken=@FILE, which nobody else may read) or from "
     "standard input (refreshToken=-). It is tried at once, and works once: otpd keeps the next "
     "one, encrypted, in the data directory. docs/providers tells where the first one comes from. "
     "receipt-url: it is as good as a password, is to be registered with those providers that do "
     "not take one with each message, and holds as long as the key file. It wants publicUrl; the "
     "other options are those of serve, --config FILE first.",
     NULL},
    {"explain", cli_explain, "why a code did not arrive: the last day of one person",
     explain_actions,
     "NAME is a mobile number, an e-mail address, a username or a session id. Printed are the "
     "limits, the codes that live (never the code itself), and each message of the last day with "
     "its route, each try with the provider's answer and what to do about it, and receipts. "
     "Addresses are masked. Without --brand it is looked for in all brands.",
     NULL},
    {"outbox", cli_outbox, "show messages of the last day, and try again or drop them",
     outbox_actions,
     "Messages are kept for a day after they were made. Only one that nobody took can be tried "
     "again, and only while its code lives; one that a provider may have taken can then arrive "
     "twice. Exits 65 when one of several could not be tried again or dropped.",
     NULL},
    {"check", cli_check, "look for mistakes in a configuration; --online tries the providers too",
     check_actions,
     "Where several providers carry a channel it says which route messages take. --online asks "
     "every provider something that shows whether it takes the credentials; nothing is sent, and "
     "nothing is paid for. A provider whose access token is renewed is asked by the running "
     "server. The other options are those of serve: --config FILE first. Exits 78 for a wrong "
     "configuration, 69 for a provider that is not ready.",
     NULL},
    {"send-test", cli_send_test, "send one real message, and print what the provider says",
     send_test_actions,
     "CHANNEL is SMS, WHATSAPP, ZALO or EMAIL; NAME is needed where several providers carry it. "
     "The other options are those of serve: --config FILE "
     "first. Exits 0 when the provider has taken the message, 69 when it has not.",
     NULL},
    {"template", cli_template, "template lint: how many SMS the texts of brands make, and why",
     template_actions,
     "Each text of the configuration file is looked at with the longest values that it will have, "
     "in all its languages; it is also told whether phones will fill the code in. The options are "
     "those of serve: --config FILE first. Exits 65 if a line that is meant for phones is not as "
     "they want it. For what a running server has: otpd brand lint NAME.",
     NULL},
    {"doctor", cli_doctor, "measure how long a commit waits for a disk", doctor_actions,
     "It overwrites blocks of a file of its own there and syncs each, as the journal does, and "
     "says what group commit makes of that: who waits at the same time is committed together.",
     NULL},
    {"fsck", cli_fsck, "look for damage in a data directory", fsck_actions,
     "It reads the journal as a start would, and each row of the table: its checksum, and what "
     "rows have to say of each other. Each fault is a line, with what it does and what mends it; "
     "counts follow. A record that was torn at the journal's end is what a crash leaves, and no "
     "fault. With FILE, or a development server's own keys, it is told whether the data was made "
     "with these. OTPD_DATA_DIR stands for --data-dir. Exits 0 without a fault, 65 with one, 66 "
     "for what is no data directory, 69 while a server has it open.",
     NULL},
    {"backup", cli_backup, "copy a data directory, of a running server too", backup_actions,
     "It has all as it was at one moment, and no commit waits for it. It has no keys: keep the key "
     "file apart from it. Run it as the server's own user. OTPD_DATA_DIR stands for --data-dir. "
     "Exits 73 when BACKUP is there and not empty, 75 when the server has too much to do.",
     NULL},
    {"restore", cli_restore, "make a data directory of a backup", restore_actions,
     "No code of then validates any more, as it may have been used since, and no message of then "
     "is sent: both are left out. People, what limits them, sessions that were spent, and settings "
     "are as they were. A server wants the same key file as before. Refresh tokens of providers "
     "that work once may have been used since: see otpd provider.",
     NULL},
    {"hash-debug", cli_hash_debug, "say what is wrong with a hash of payload encryption",
     hash_debug_actions,
     "FILE is the JSON body of an otp/generate. Its hash is opened by the running server, with the "
     "keys of the brand, or without one, with the RSA key in the PEM file KEY. --oaep: the request "
     "had "
     "the header X-CAP-USE-NEW-ENCRYPTION: true. --web: it went to the web/ URI. --at MS: the time "
     "to judge it at, in milliseconds since 1970; now, unless given. --valid-seconds N: the "
     "window; the brand's, or 120 with KEY. --socket and --data-dir say where the server is. Exits "
     "0 for a hash that is right, 65 for any other.",
     NULL},
    {"man", cli_man, "print a man page", man_actions,
     "To read it: otpd man | mandoc -l - (or man -l -).", NULL},
    {"version", cli_version, "print the versions of otpd and its libraries", version_actions, NULL,
     NULL},
    {"help", cli_help, "print this text, or how a command is used", help_actions, NULL, NULL},
    {0},
};

const struct cli_row *cli_row_find(struct span name)
{
    for (const struct cli_row *row = cli_rows; row->name != NULL; row++) {
        if (span_eq(span_of_text(row->name), name))
            return row;
    }
    return NULL;
}

const char *cli_nearest(const char *const *names, size_t count, struct span name)
{
    struct option options[NAMES_MAX];
    ASSERT(count <= NAMES_MAX);
    for (size_t i = 0; i < count; i++)
        options[i] = (struct option){.name = names[i]};
    const struct option *nearest = option_nearest((struct option_table){options, count}, name);
    return nearest != NULL ? nearest->name : NULL;
}

void cli_put_call(const struct cli_row *row, const struct cli_action *action, FILE *out)
{
    const char *parts[] = {row->name, action->verb, action->arguments};
    (void)fprintf(out, "otpd");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i][0] != '\0')
            (void)fprintf(out, " %s", parts[i]);
    }
}

static int call_width(const struct cli_row *row, const struct cli_action *action)
{
    size_t len = strlen(row->name) + strlen(action->verb) + strlen(action->arguments);
    return (int)len + 5 + (action->verb[0] != '\0') + (action->arguments[0] != '\0');
}

static void put_actions(const struct cli_row *row, FILE *out)
{
    (void)fprintf(out, "usage: ");
    if (row->actions[1].verb == NULL) {
        cli_put_call(row, row->actions, out);
        (void)fprintf(out, "\n\n  %s.\n", row->actions->help);
        return;
    }
    (void)fprintf(out, "otpd %s VERB\n\n", row->name);
    for (const struct cli_action *action = row->actions; action->verb != NULL; action++) {
        int gap = CALL_COLUMN - call_width(row, action);
        (void)fprintf(out, "  ");
        cli_put_call(row, action, out);
        if (gap < 2)
            (void)fprintf(out, "\n%*s", CALL_COLUMN + 2, "");
        (void)fprintf(out, "%*s%s\n", gap < 2 ? 0 : gap, "", action->help);
    }
}

static void put_flags(const struct cli_row *row, FILE *out)
{
    uint32_t flags = 0;
    for (const struct cli_action *action = row->actions; action->verb != NULL; action++)
        flags |= action->flags;
    if ((flags & CLI_SERVER) != 0)
        (void)fprintf(out,
                      "\n  --data-dir DIR   The server's data directory (OTPD_DATA_DIR)\n"
                      "  --socket PATH    The server's control socket (OTPD_CONTROL_SOCKET)\n");
    if ((flags & CLI_JSON) != 0)
        (void)fprintf(out, "  --json           Print the server's answer as it is\n");
    if ((flags & CLI_YES) != 0)
        (void)fprintf(out, "  --yes            Do not ask\n");
    if ((flags & CLI_BRAND) != 0)
        (void)fprintf(out, "  --brand NAME     Of that brand alone\n");
    if ((flags & CLI_PAGES) != 0)
        (void)fprintf(out, "  --troubled       What is not over, or nobody took; the default\n"
                           "  --all            Also what was taken or delivered\n"
                           "  --limit N        At most so many at once, 1 to 100; otherwise 50\n"
                           "  --after HANDLE   From the one behind it on\n");
    if ((flags & CLI_FORCE) != 0)
        (void)fprintf(out,
                      "  --force          Also what is dangerous: otpd brand options says why\n");
}

// Words of `text` in lines of at most 100 columns.
static void put_wrapped(const char *text, FILE *out)
{
    size_t column = 0;
    struct span rest = span_of_text(text);
    while (rest.len > 0) {
        struct span word = span_split(rest, ' ', &rest);
        bool is_new = column == 0 || column + word.len + 1 > 98;
        (void)fprintf(out, "%s%.*s", is_new ? "\n  " : " ", (int)word.len, (const char *)word.data);
        column = (is_new ? 2 : column + 1) + word.len;
    }
    (void)fprintf(out, "\n");
}

void cli_put_usage(const struct cli_row *row, FILE *out)
{
    uint8_t storage[CONFIG_HELP_BYTES_MAX];
    struct strbuf options = strbuf_over(storage, sizeof storage);
    put_actions(row, out);
    put_flags(row, out);
    if (row->put_options != NULL) {
        row->put_options(&options);
        (void)fprintf(out, "\n%.*s", (int)options.len, (const char *)options.data);
    }
    if (row->about != NULL)
        put_wrapped(row->about, out);
}

static int refuse_command(const char *name)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (const struct cli_row *row = cli_rows; row->name != NULL; row++)
        names[count++] = row->name;
    const char *nearest = cli_nearest(names, count, span_of_text(name));
    (void)fprintf(stderr, "otpd: there is no command \"%s\"; ", name);
    if (nearest != NULL)
        (void)fprintf(stderr, "did you mean %s? ", nearest);
    (void)fprintf(stderr, "otpd help lists them\n");
    return EXIT_STATUS_USAGE;
}

static int help_of(const char *name)
{
    const struct cli_row *row = cli_row_find(span_of_text(name));
    if (row == NULL)
        return refuse_command(name);
    cli_put_usage(row, stdout);
    return EXIT_STATUS_OK;
}

int cli_help(const struct cli *cli)
{
    if (cli->arguments_count > 0)
        return help_of(cli->arguments[0]);
    (void)printf("usage: otpd COMMAND [OPTION...]\n\n");
    for (const struct cli_row *row = cli_rows; row->name != NULL; row++)
        (void)printf("  %-9s %s\n", row->name, row->help);
    (void)printf("\notpd COMMAND --help tells how it is used.\n");
    return EXIT_STATUS_OK;
}

static bool wants_help(const struct cli *cli)
{
    for (int i = 0; i < cli->arguments_count; i++) {
        if (span_eq(span_of_text(cli->arguments[i]), SPAN("--help")))
            return true;
        if (span_eq(span_of_text(cli->arguments[i]), SPAN("--")))
            return false;
    }
    return false;
}

static const struct cli_row *command_find(struct span name)
{
    static const struct {
        struct span flag;
        struct span command;
    } flags[] = {
        {SPAN("--help"), SPAN("help")},
        {SPAN("-h"), SPAN("help")},
        {SPAN("--version"), SPAN("version")},
    };
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (span_eq(flags[i].flag, name))
            return cli_row_find(flags[i].command);
    }
    return cli_row_find(name);
}

int cli_main(int argc, char **argv, char **environment)
{
    struct clock clock = clock_system();
    struct cli cli = {.environment = environment, .began = clock_mono(&clock)};
    if (argc < 2) {
        (void)fprintf(stderr, "otpd: which command? otpd help lists them\n");
        return EXIT_STATUS_USAGE;
    }
    const struct cli_row *row = command_find(span_of_text(argv[1]));
    if (row == NULL)
        return refuse_command(argv[1]);
    cli.arguments_count = argc - 2;
    cli.arguments = argv + 2;
    if (!wants_help(&cli))
        return row->run(&cli);
    cli_put_usage(row, stdout);
    return EXIT_STATUS_OK;
}
