// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// otpd backup and otpd restore. Neither asks a server anything: a backup reads the data directory
// beside the one that runs, and a restore makes one that nobody has yet.
#include "cli/admin.h"
#include "crypto/pure/random.h"
#include "store/embedded/fsck.h"
#include "store/embedded/transfer.h"

#include <inttypes.h>

#define VARIABLE "OTPD_DATA_DIR="

struct call {
    const char *folder;   // of the backup
    const char *data_dir; // NULL: not given
};

static int take_word(struct call *call, const struct cli *cli, int *at)
{
    static const char *const names[] = {"--data-dir"};
    struct span value;
    struct span word = span_of_text(cli->arguments[*at]);
    struct span name = span_split(word, '=', &value);
    if (!span_starts_with(word, SPAN("--")) && call->folder == NULL) {
        call->folder = cli->arguments[*at];
        return EXIT_STATUS_OK;
    }
    if (!span_eq(name, span_of_text(names[0]))) {
        bool is_near = cli_nearest(names, 1, name) != NULL;
        return admin_refuse(EXIT_STATUS_USAGE, "what is \"%s\"?%s", cli->arguments[*at],
                            is_near ? " Did you mean --data-dir?" : "");
    }
    if (name.len < word.len) {
        call->data_dir = (const char *)value.data;
        return EXIT_STATUS_OK;
    }
    if (++*at >= cli->arguments_count)
        return admin_refuse(EXIT_STATUS_USAGE, "--data-dir: a value has to follow");
    call->data_dir = cli->arguments[*at];
    return EXIT_STATUS_OK;
}

static int take_words(struct call *call, const struct cli *cli)
{
    int status = EXIT_STATUS_OK;
    for (int at = 0; at < cli->arguments_count && status == EXIT_STATUS_OK; at++)
        status = take_word(call, cli, &at);
    for (char **each = cli->environment; call->data_dir == NULL && *each != NULL; each++) {
        if (span_starts_with(span_of_text(*each), SPAN(VARIABLE)))
            call->data_dir = *each + sizeof VARIABLE - 1;
    }
    bool has_all = call->folder != NULL && call->folder[0] != '\0' && call->data_dir != NULL &&
                   call->data_dir[0] != '\0';
    if (status == EXIT_STATUS_OK && !has_all)
        status = admin_refuse(EXIT_STATUS_USAGE, "a directory for the backup and --data-dir DIR "
                                                 "are needed");
    return status;
}

static int refuse(enum err err, const struct err_info *info)
{
    enum exit_status status = exit_status_of(err);
    if (err == ERR_NOT_FOUND)
        status = EXIT_STATUS_NO_INPUT;
    if (err == ERR_INVALID)
        status = EXIT_STATUS_DATA;
    if (err == ERR_EXISTS)
        status = EXIT_STATUS_CANNOT_CREATE;
    if (err == ERR_BUSY)
        status = EXIT_STATUS_TRY_AGAIN;
    return admin_refuse(status, "%s", info->text);
}

static void on_fault(void *ctx, const struct survey_fault *fault)
{
    uint64_t *faults = ctx;
    ++*faults;
    (void)fprintf(stderr, "otpd: %s %s; %s\n", fault->what, fault->why, fault->then);
}

// What was written is read again.
static int check(const char *folder)
{
    uint64_t faults = 0;
    struct err_info info = {0};
    struct fsck fsck = {.directory = folder, .on_fault = on_fault, .ctx = &faults};
    enum err err = fsck_run(&fsck, &info);
    if (err != ERR_OK)
        return refuse(err, &info);
    if (faults == 0)
        return EXIT_STATUS_OK;
    return admin_refuse(EXIT_STATUS_DATA,
                        "%s has faults; so has the data directory, as it seems: "
                        "look at it by otpd fsck",
                        folder);
}

static void print(const struct transfer *transfer)
{
    (void)printf("%s: people %" PRIu64 ", settings %" PRIu64 ", messages %" PRIu64 "\n",
                 transfer->to, transfer->rows[TABLE_RECORDS], transfer->rows[TABLE_SETTINGS],
                 transfer->rows[TABLE_ENTRIES]);
}

static int run(const struct transfer *call,
               enum err (*transfer)(struct transfer *transfer, struct err_info *info))
{
    struct transfer copy = *call;
    struct err_info info = {0};
    enum err err = transfer(&copy, &info);
    int status = err == ERR_OK ? check(copy.to) : refuse(err, &info);
    if (status == EXIT_STATUS_OK)
        print(&copy);
    return status;
}

int cli_backup(const struct cli *cli)
{
    struct call call = {.folder = NULL};
    int status = take_words(&call, cli);
    const struct transfer transfer = {.from = call.data_dir, .to = call.folder};
    return status == EXIT_STATUS_OK ? run(&transfer, backup_run) : status;
}

int cli_restore(const struct cli *cli)
{
    struct call call = {.folder = NULL};
    int status = take_words(&call, cli);
    const struct transfer transfer = {
        .from = call.folder, .to = call.data_dir, .entropy = entropy_system()};
    if (crypto_init() != ERR_OK)
        return EXIT_STATUS_OS;
    return status == EXIT_STATUS_OK ? run(&transfer, restore_run) : status;
}
