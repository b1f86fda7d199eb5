// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// otpd fsck: looks at all of a data directory while no server has it open.
//
// The table is mapped into memory, so a file that is cut short, or whose pages point nowhere, ends
// the process that reads it by a signal. It is read by a child, and such an end is a fault like any
// other.
#include "store/embedded/fsck.h"
#include "cli/admin.h"
#include "crypto/keyring/keyring.h"
#include "crypto/pure/random.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAULTS_SHOWN_MAX 100U
#define PATH_BYTES_MAX 4096U
#define VARIABLE "OTPD_DATA_DIR="

struct call {
    const char *data_dir; // NULL: not given
    const char *key_file; // NULL: none
    struct digest128 fingerprint;
    bool has_fingerprint;
    uint64_t faults;
};

// --- what was asked --------------------------------------------------------------------------

static int take_flag(struct call *call, const struct cli *cli, int *at)
{
    static const char *const names[] = {"--data-dir", "--key-file"};
    const char **const values[] = {&call->data_dir, &call->key_file};
    struct span value;
    struct span word = span_of_text(cli->arguments[*at]);
    struct span name = span_split(word, '=', &value);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!span_eq(span_of_text(names[i]), name))
            continue;
        bool is_next = name.len == word.len;
        if (is_next && ++*at >= cli->arguments_count)
            return admin_refuse(EXIT_STATUS_USAGE, "%s: a value has to follow", names[i]);
        *values[i] = is_next ? cli->arguments[*at] : (const char *)value.data;
        return EXIT_STATUS_OK;
    }
    const char *nearest = cli_nearest(names, sizeof names / sizeof names[0], name);
    return admin_refuse(EXIT_STATUS_USAGE, "there is no option \"%.*s\"%s%s%s", (int)name.len,
                        (const char *)name.data, nearest != NULL ? "; did you mean " : "",
                        nearest != NULL ? nearest : "", nearest != NULL ? "?" : "");
}

static int take_flags(struct call *call, const struct cli *cli)
{
    int status = EXIT_STATUS_OK;
    for (int at = 0; at < cli->arguments_count && status == EXIT_STATUS_OK; at++)
        status = take_flag(call, cli, &at);
    for (char **each = cli->environment; call->data_dir == NULL && *each != NULL; each++) {
        if (span_starts_with(span_of_text(*each), SPAN(VARIABLE)))
            call->data_dir = *each + sizeof VARIABLE - 1;
    }
    bool has_folder = call->data_dir != NULL && call->data_dir[0] != '\0';
    if (status == EXIT_STATUS_OK && !has_folder)
        status = admin_refuse(EXIT_STATUS_USAGE, "which directory? give --data-dir DIR");
    return status;
}

// --- keys ------------------------------------------------------------------------------------

// Those of a development server lie in its directory.
static bool find_keys(const struct call *call, char out[PATH_BYTES_MAX])
{
    struct stat facts;
    if (call->key_file != NULL)
        (void)snprintf(out, PATH_BYTES_MAX, "%s", call->key_file);
    else
        (void)snprintf(out, PATH_BYTES_MAX, "%s/keys", call->data_dir);
    return call->key_file != NULL || stat(out, &facts) == 0;
}

static int read_keys(struct call *call)
{
    char path[PATH_BYTES_MAX];
    struct err_info info = {0};
    struct keyring *keyring = NULL;
    if (!find_keys(call, path))
        return EXIT_STATUS_OK;
    enum err err = crypto_init();
    if (err == ERR_OK)
        err = keyring_load(path, KEYRING_EPOCH_MS_DEFAULT, &keyring, &info);
    if (err != ERR_OK)
        return admin_refuse(exit_status_of(err), "%s", info.text);
    keyring_fingerprint(keyring, &call->fingerprint);
    keyring_destroy(&keyring);
    call->has_fingerprint = true;
    return EXIT_STATUS_OK;
}

// --- what was found --------------------------------------------------------------------------

static bool is_name(struct span key)
{
    for (size_t i = 0; i < key.len; i++) {
        if (key.data[i] < ' ' || key.data[i] > '~')
            return false;
    }
    return true;
}

// A brand's name as it is, all else as hex.
static void print_key(struct span key)
{
    bool is_text = is_name(key);
    (void)printf("%s", key.len > 0 ? " " : "");
    for (size_t i = 0; i < key.len; i++)
        (void)printf(is_text ? "%c" : "%02x", key.data[i]);
}

static void on_fault(void *ctx, const struct survey_fault *fault)
{
    struct call *call = ctx;
    if (++call->faults > FAULTS_SHOWN_MAX)
        return;
    (void)printf("fault: %s", fault->what);
    print_key(fault->key);
    (void)printf(" %s; %s\n", fault->why, fault->then);
}

static void print_journal(const struct fsck *fsck)
{
    const struct journal_findings *journal = &fsck->journal;
    if (!fsck->has_journal) {
        (void)printf("journal: none\n");
        return;
    }
    (void)printf("journal: segments %zu, spares %zu; a start reads %" PRIu64 " records, to %" PRIu64
                 " in segment %" PRIx64 " at %" PRIu32 "\n",
                 journal->segments, journal->spares, journal->records, journal->end.sequence,
                 journal->end.segment, journal->end.offset);
    if (journal->is_torn || journal->unfinished > 0)
        (void)printf("journal: behind that lies a commit that was not written to its end, as a "
                     "crash leaves it; nobody was told of it, and the next start drops it\n");
}

static void print_rows(const struct fsck *fsck)
{
    static const struct {
        enum table_space space;
        const char *name;
    } rows[] = {
        {TABLE_RECORDS, "people"},        {TABLE_EXPIRY, "rows of what expires"},
        {TABLE_SETTINGS, "settings"},     {TABLE_SEALED, "sealed addresses"},
        {TABLE_DELIVERIES, "deliveries"}, {TABLE_REFS, "references"},
    };
    (void)printf("table: messages %" PRIu64 " (open %" PRIu64 ")", fsck->rows[TABLE_ENTRIES],
                 fsck->open_entries);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        (void)printf(", %s %" PRIu64, rows[i].name, fsck->rows[rows[i].space]);
    (void)printf("\n");
}

static int print(const struct call *call, const struct fsck *fsck)
{
    if (call->faults > FAULTS_SHOWN_MAX)
        (void)printf("and %" PRIu64 " more\n", call->faults - FAULTS_SHOWN_MAX);
    print_rows(fsck);
    print_journal(fsck);
    (void)printf("keys: %s\n",
                 call->has_fingerprint ? "compared" : "not compared; --key-file FILE names them");
    (void)printf("faults: %" PRIu64 "\n", call->faults);
    return call->faults == 0 ? EXIT_STATUS_OK : EXIT_STATUS_DATA;
}

static int refuse(enum err err, const struct err_info *info)
{
    enum exit_status status = exit_status_of(err);
    if (err == ERR_NOT_FOUND)
        status = EXIT_STATUS_NO_INPUT;
    if (err == ERR_INVALID)
        status = EXIT_STATUS_DATA;
    return admin_refuse(status, "%s", info->text);
}

static int look(struct call *call)
{
    struct err_info info = {0};
    struct fsck fsck = {
        .directory = call->data_dir,
        .fingerprint = call->has_fingerprint ? &call->fingerprint : NULL,
        .on_fault = on_fault,
        .ctx = call,
    };
    enum err err = fsck_run(&fsck, &info);
    return err == ERR_OK ? print(call, &fsck) : refuse(err, &info);
}

// What it prints is whole, and it leaves no image of what it read.
static void look_and_exit(struct call *call)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    int status = look(call);
    bool is_printed = fflush(stdout) == 0;
    _exit(is_printed ? status : EXIT_STATUS_CANNOT_CREATE);
}

static int look_apart(struct call *call)
{
    int how;
    pid_t child = fork();
    if (child == 0)
        look_and_exit(call);
    if (child < 0)
        return admin_refuse(EXIT_STATUS_OS, "no process can be made: %s", strerror(errno));
    while (waitpid(child, &how, 0) < 0)
        ASSERT(errno == EINTR);
    if (WIFEXITED(how))
        return WEXITSTATUS(how);
    (void)printf("fault: the table cannot be read to its end (signal %d): table.mdb is cut short, "
                 "or its pages are damaged; the server does not start with it, or ends later: "
                 "restore a backup\n",
                 WTERMSIG(how));
    return EXIT_STATUS_DATA;
}

int cli_fsck(const struct cli *cli)
{
    struct call call = {.data_dir = NULL};
    int status = take_flags(&call, cli);
    if (status == EXIT_STATUS_OK)
        status = read_keys(&call);
    return status == EXIT_STATUS_OK ? look_apart(&call) : status;
}
