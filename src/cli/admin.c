// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/admin.h"

#include <stdarg.h>
#include <stdlib.h>

#define VERBS_MAX 16U
#define VERB_BYTES_MAX 32U

int admin_refuse(enum exit_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fprintf(stderr, "otpd: ");
    (void)vfprintf(stderr, format, args);
    (void)fprintf(stderr, "\n");
    va_end(args);
    return (int)status;
}

int admin_refuse_usage(const struct admin *admin)
{
    (void)fprintf(stderr, "otpd: usage: ");
    cli_put_call(admin->row, admin->action, stderr);
    (void)fprintf(stderr, "\n");
    return EXIT_STATUS_USAGE;
}

// --- words and flags -------------------------------------------------------------------------

// What a flag sets; one of the two.
struct flag_row {
    struct span name;
    uint32_t flag; // of enum cli_flags: which actions take it
    const char **value;
    bool *is_given;
};

// Where flags end, at "--", words that begin with dashes begin.
struct word_reader {
    struct admin *admin;
    int at;
    bool has_ended;
    uint32_t seen; // of enum cli_flags
};

static int refuse_flag(struct span word)
{
    static const char *const names[] = {"--data-dir", "--socket",  "--json", "--yes",
                                        "--help",     "--brand",   "--all",  "--limit",
                                        "--after",    "--troubled"};
    struct span name = span_first(word, span_find(word, '='));
    const char *nearest = cli_nearest(names, sizeof names / sizeof names[0], name);
    return admin_refuse(EXIT_STATUS_USAGE, "there is no option \"%.*s\"%s%s%s", (int)name.len,
                        (const char *)name.data, nearest != NULL ? "; did you mean " : "",
                        nearest != NULL ? nearest : "", nearest != NULL ? "?" : "");
}

static int take_value(struct word_reader *reader, const struct flag_row *row, struct span word)
{
    const struct cli *cli = reader->admin->cli;
    if (word.len > row->name.len) {
        *row->value = (const char *)word.data + row->name.len + 1;
    } else {
        if (reader->at + 1 >= cli->arguments_count)
            return admin_refuse(EXIT_STATUS_USAGE, "%.*s: a value has to follow",
                                (int)row->name.len, (const char *)row->name.data);
        *row->value = cli->arguments[++reader->at];
    }
    if (**row->value == '\0')
        return admin_refuse(EXIT_STATUS_USAGE, "%.*s: its value is empty", (int)row->name.len,
                            (const char *)row->name.data);
    return EXIT_STATUS_OK;
}

static int take_flag(struct word_reader *reader, struct span word)
{
    struct admin *admin = reader->admin;
    const struct flag_row rows[] = {
        {SPAN("--data-dir"), CLI_SERVER, &admin->data_dir, NULL},
        {SPAN("--socket"), CLI_SERVER, &admin->socket, NULL},
        {SPAN("--json"), CLI_JSON, NULL, &admin->is_json},
        {SPAN("--yes"), CLI_YES, NULL, &admin->is_yes},
        {SPAN("--force"), CLI_FORCE, NULL, &admin->is_forced},
        {SPAN("--brand"), CLI_BRAND, &admin->brand, NULL},
        {SPAN("--all"), CLI_PAGES, NULL, &admin->is_all},
        {SPAN("--troubled"), CLI_PAGES, NULL, &admin->is_troubled},
        {SPAN("--limit"), CLI_PAGES, &admin->limit, NULL},
        {SPAN("--after"), CLI_PAGES, &admin->after, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct flag_row *row = &rows[i];
        struct span name = row->value != NULL ? span_first(word, span_find(word, '=')) : word;
        if (!span_eq(name, row->name))
            continue;
        reader->seen |= row->flag;
        if (row->value != NULL)
            return take_value(reader, row, word);
        *row->is_given = true;
        return EXIT_STATUS_OK;
    }
    return refuse_flag(word);
}

static int take_word(struct word_reader *reader)
{
    struct admin *admin = reader->admin;
    const char *text = admin->cli->arguments[reader->at];
    struct span word = span_of_text(text);
    bool is_flag = !reader->has_ended && span_starts_with(word, SPAN("--"));
    if (is_flag && word.len == 2) {
        reader->has_ended = true;
        return EXIT_STATUS_OK;
    }
    if (is_flag)
        return take_flag(reader, word);
    if (admin->words_count == ADMIN_WORDS_MAX)
        return admin_refuse(EXIT_STATUS_USAGE, "more than %u words", ADMIN_WORDS_MAX);
    admin->words[admin->words_count++] = text;
    return EXIT_STATUS_OK;
}

static int take_words(struct admin *admin, uint32_t *seen_out)
{
    struct word_reader reader = {.admin = admin};
    int status = EXIT_STATUS_OK;
    for (; reader.at < admin->cli->arguments_count && status == EXIT_STATUS_OK; reader.at++)
        status = take_word(&reader);
    *seen_out = reader.seen;
    return status;
}

// --- which action ----------------------------------------------------------------------------

// How many of the words the verb is; 0: the words are another's.
static size_t match_verb(const char *verb, const struct admin *admin)
{
    size_t matched = 0;
    struct span rest = span_of_text(verb);
    while (rest.len > 0) {
        struct span part = span_split(rest, ' ', &rest);
        if (matched == admin->words_count || !span_eq(part, span_of_text(admin->words[matched])))
            return 0;
        matched++;
    }
    return matched;
}

// Some verbs are of two words: is the first one that of such a verb?
static bool begins_verb(const struct admin *admin, struct span word)
{
    for (const struct cli_action *each = admin->row->actions; each->verb != NULL; each++) {
        struct span rest;
        struct span first = span_split(span_of_text(each->verb), ' ', &rest);
        if (rest.len > 0 && span_eq(first, word))
            return true;
    }
    return false;
}

static const char *nearest_verb(const struct admin *admin, const char *said)
{
    const char *names[VERBS_MAX];
    size_t count = 0;
    for (const struct cli_action *each = admin->row->actions; each->verb != NULL; each++) {
        ASSERT(count < VERBS_MAX);
        names[count++] = each->verb;
    }
    return cli_nearest(names, count, span_of_text(said));
}

static int refuse_verb(const struct admin *admin)
{
    char said[2 * VERB_BYTES_MAX];
    const char *command = admin->row->name;
    if (admin->words_count == 0)
        return admin_refuse(EXIT_STATUS_USAGE, "%s: do what? otpd help %s", command, command);
    bool has_two = admin->words_count > 1 && begins_verb(admin, span_of_text(admin->words[0]));
    (void)snprintf(said, sizeof said, "%.30s%s%.30s", admin->words[0], has_two ? " " : "",
                   has_two ? admin->words[1] : "");
    const char *nearest = nearest_verb(admin, said);
    if (nearest == NULL)
        return admin_refuse(EXIT_STATUS_USAGE, "there is no \"otpd %s %s\"; otpd help %s", command,
                            said, command);
    return admin_refuse(EXIT_STATUS_USAGE, "there is no \"otpd %s %s\"; did you mean otpd %s %s?",
                        command, said, command, nearest);
}

// NULL: told why there is none.
static const struct cli_action *choose_action(struct admin *admin)
{
    for (const struct cli_action *each = admin->row->actions; each->verb != NULL; each++) {
        size_t matched = match_verb(each->verb, admin);
        if (matched == 0 && each->verb[0] != '\0')
            continue;
        admin->words_count -= matched;
        memmove(admin->words, admin->words + matched, admin->words_count * sizeof *admin->words);
        return each;
    }
    (void)refuse_verb(admin);
    return NULL;
}

static int check_call(const struct admin *admin, uint32_t seen)
{
    const struct cli_action *action = admin->action;
    bool has_words =
        admin->words_count >= action->words_least && admin->words_count <= action->words_most;
    if (!has_words || (seen & ~action->flags) != 0)
        return admin_refuse_usage(admin);
    return EXIT_STATUS_OK;
}

int admin_main(const struct cli *cli, const struct cli_row *row)
{
    uint32_t seen;
    struct admin admin = {.cli = cli, .row = row};
    int status = take_words(&admin, &seen);
    if (status != EXIT_STATUS_OK)
        return status;
    admin.action = choose_action(&admin);
    if (admin.action == NULL)
        return EXIT_STATUS_USAGE;
    status = check_call(&admin, seen);
    if (status != EXIT_STATUS_OK)
        return status;
    status = admin.action->run(&admin);
    // A disk that is full or a pipe that nobody reads must not pass for success.
    if (fflush(stdout) != 0 && status == EXIT_STATUS_OK)
        return admin_refuse(EXIT_STATUS_CANNOT_CREATE, "cannot write to standard output");
    return status;
}

// --- the server ------------------------------------------------------------------------------

int admin_check_name(struct span name)
{
    struct err_info info;
    if (brand_name_check(name, &info) == ERR_OK)
        return EXIT_STATUS_OK;
    return admin_refuse(EXIT_STATUS_DATA, "%s", info.text);
}

static enum exit_status status_of(enum err err)
{
    static const enum exit_status statuses[ERR_COUNT_] = {
        [ERR_NO_MEMORY] = EXIT_STATUS_OS,          [ERR_TIMEOUT] = EXIT_STATUS_TRY_AGAIN,
        [ERR_IO] = EXIT_STATUS_UNAVAILABLE,        [ERR_NOT_FOUND] = EXIT_STATUS_UNAVAILABLE,
        [ERR_PERMISSION] = EXIT_STATUS_PERMISSION, [ERR_INVALID] = EXIT_STATUS_UNAVAILABLE,
    };
    ASSERT(err != ERR_OK);
    ASSERT(statuses[err] != EXIT_STATUS_OK);
    return statuses[err];
}

// The server's own words, without what would command a terminal.
static void put_printable(const char *text, struct strbuf *out)
{
    for (; *text != '\0'; text++) {
        bool is_control = (uint8_t)*text < 0x20 || *text == 0x7F;
        strbuf_put_byte(out, is_control ? '?' : (uint8_t)*text);
    }
}

// What shows the things of which that one is not there.
static const char *hint_of(const struct control_reply *reply)
{
    static const struct {
        struct span title;
        const char *hint;
    } hints[] = {
        {SPAN("No such brand"), "; otpd brand list shows what there is"},
        {SPAN("No such message"), "; otpd outbox list --all shows what there is"},
    };
    struct span title = span_of_text(control_text(reply->json, "title"));
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        if (span_eq(title, hints[i].title))
            return hints[i].hint;
    }
    return "";
}

static int tell_refusal(const struct control_reply *reply)
{
    char storage[1024];
    struct strbuf story = strbuf_over(storage, sizeof storage);
    const char *detail = control_text(reply->json, "detail");
    put_printable(detail[0] != '\0' ? detail : control_text(reply->json, "title"), &story);
    if (story.len == 0)
        put_printable("it does not say why; its log may", &story);
    int len = (int)story.len;
    if (reply->status == 503 || reply->status == 429)
        return admin_refuse(EXIT_STATUS_TRY_AGAIN, "the server cannot do it now: %.*s; try again",
                            len, storage);
    if (reply->status >= 500)
        return admin_refuse(EXIT_STATUS_SOFTWARE, "the server failed (%ld): %.*s", reply->status,
                            len, storage);
    return admin_refuse(EXIT_STATUS_DATA, "%.*s%s", len, storage, hint_of(reply));
}

int admin_ask(const struct admin *admin, const struct control_request *request,
              struct control_reply *out)
{
    struct control control;
    struct err_info info;
    const struct control_hints hints = {admin->socket, admin->data_dir,
                                        (const char *const *)admin->cli->environment};
    *out = (struct control_reply){0};
    if (control_find(&hints, &control, &info) != ERR_OK)
        return admin_refuse(EXIT_STATUS_USAGE, "%s", info.text);
    enum err err = control_ask(&control, request, out, &info);
    if (err != ERR_OK)
        return admin_refuse(status_of(err), "%s", info.text);
    return out->status >= 400 ? tell_refusal(out) : EXIT_STATUS_OK;
}

int admin_send(const struct admin *admin, struct control_request *request, json_t *body,
               struct control_reply *out)
{
    *out = (struct control_reply){0};
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    if (text == NULL)
        return admin_refuse(EXIT_STATUS_OS, "out of memory");
    request->body = span_of_text(text);
    int status = admin_ask(admin, request, out);
    explicit_bzero(text, request->body.len);
    request->body = SPAN("");
    free(text);
    return status;
}

void admin_print_json(const struct control_reply *reply)
{
    (void)fwrite(reply->text, 1, reply->len, stdout);
    if (reply->len > 0 && reply->text[reply->len - 1] != '\n')
        (void)fputc('\n', stdout);
}
