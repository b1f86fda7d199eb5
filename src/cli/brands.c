// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// otpd brands: the settings of all brands as one file of JSON. What is exported is laid out in
// lines, so that a version control system can show what changed.
#include "cli/admin.h"
#include "cli/show.h"

#include <stdlib.h>

#define IMPORT_BYTES_MAX (1024U * 1024U)
#define LAYOUT (JSON_INDENT(2))

static int brands_export(struct admin *admin);
static int brands_import(struct admin *admin);

const struct cli_action brands_actions[] = {
    {"export", "[FILE]", "Write them to FILE; none or -: to standard output", brands_export, 0, 1,
     CLI_SERVER | CLI_JSON},
    {"import", "FILE", "Take them from FILE; -: from standard input", brands_import, 1, 1,
     CLI_SERVER | CLI_JSON | CLI_FORCE},
    {0},
};

static bool is_standard(const char *path)
{
    return span_eq(span_of_text(path), SPAN("-"));
}

int cli_brands(const struct cli *cli)
{
    return admin_main(cli, cli_row_find(SPAN("brands")));
}

static int refuse_file(enum exit_status status, const char *path, const char *why)
{
    return admin_refuse(status, "%.500s: %s", path, why);
}

// The file is opened when all that goes into it has come.
static int write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return refuse_file(EXIT_STATUS_CANNOT_CREATE, path, "cannot write it");
    bool is_written = fprintf(file, "%s\n", text) >= 0;
    if (fclose(file) != 0 || !is_written)
        return refuse_file(EXIT_STATUS_CANNOT_CREATE, path, "not all of it could be written");
    return EXIT_STATUS_OK;
}

static int put_export(const struct admin *admin, const struct control_reply *reply)
{
    char *laid_out = admin->is_json ? NULL : json_dumps(reply->json, LAYOUT);
    const char *text = admin->is_json ? reply->text : laid_out;
    int status = EXIT_STATUS_OK;
    if (text == NULL)
        return admin_refuse(EXIT_STATUS_OS, "out of memory");
    if (admin->words_count > 0 && !is_standard(admin->words[0]))
        status = write_file(admin->words[0], text);
    else
        (void)printf("%s\n", text);
    free(laid_out);
    return status;
}

static int brands_export(struct admin *admin)
{
    struct control_reply reply;
    const struct control_request request = {.method = "GET", .path = "/admin/v1/export"};
    int status = admin_ask(admin, &request, &reply);
    if (status == EXIT_STATUS_OK)
        status = put_export(admin, &reply);
    control_reply_fini(&reply);
    return status;
}

// Reads it all; its length, or IMPORT_BYTES_MAX + 1 when there is more.
static int read_text(const char *path, char *text, size_t *len_out)
{
    bool is_stdin = is_standard(path);
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    if (file == NULL)
        return refuse_file(EXIT_STATUS_NO_INPUT, path, "cannot open it");
    *len_out = fread(text, 1, IMPORT_BYTES_MAX + 1, file);
    bool has_failed = ferror(file) != 0;
    if (!is_stdin)
        (void)fclose(file);
    if (has_failed)
        return refuse_file(EXIT_STATUS_NO_INPUT, path, "cannot read it");
    if (*len_out > IMPORT_BYTES_MAX)
        return refuse_file(EXIT_STATUS_DATA, path, "it has more than 1 MiB");
    return EXIT_STATUS_OK;
}

// Only that it is JSON: whether the settings are good is for the server to say, of all of them.
static int check_json(const char *path, const char *text, size_t len)
{
    json_error_t error;
    json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    bool is_object = json_is_object(json);
    if (json == NULL)
        return admin_refuse(EXIT_STATUS_DATA, "%.500s:%d:%d: %s", path, error.line, error.column,
                            error.text);
    json_decref(json);
    if (!is_object)
        return refuse_file(EXIT_STATUS_DATA, path,
                           "it is not what otpd brands export writes: an object is wanted");
    return EXIT_STATUS_OK;
}

static int send_import(const struct admin *admin, struct span text)
{
    struct control_reply reply;
    const struct control_request request = {
        .method = "POST",
        .path = "/admin/v1/import",
        .is_forced = admin->is_forced,
        .body = text,
    };
    int status = admin_ask(admin, &request, &reply);
    if (status == EXIT_STATUS_OK && admin->is_json)
        admin_print_json(&reply);
    if (status == EXIT_STATUS_OK && !admin->is_json)
        show_import(reply.json, stdout);
    control_reply_fini(&reply);
    return status;
}

static int brands_import(struct admin *admin)
{
    size_t len = 0;
    char *text = malloc(IMPORT_BYTES_MAX + 1);
    if (text == NULL)
        return admin_refuse(EXIT_STATUS_OS, "out of memory");
    int status = read_text(admin->words[0], text, &len);
    if (status == EXIT_STATUS_OK)
        status = check_json(admin->words[0], text, len);
    if (status == EXIT_STATUS_OK)
        status = send_import(admin, span_make(text, len));
    free(text);
    return status;
}
