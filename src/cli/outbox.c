// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// otpd outbox: messages by their handles, which a list tells.
#include "base/number.h"
#include "cli/admin.h"
#include "cli/show_outbox.h"

#define OUTBOX_PATH "/admin/v1/outbox"
#define PAGE_ROWS_MAX 100U
#define NONE_AT_ALL "There is no message of the last day."
#define NONE_TROUBLED "No message of the last day waits or failed; --all lists the others too."

static int outbox_list(struct admin *admin);
static int outbox_show(struct admin *admin);
static int outbox_retry(struct admin *admin);
static int outbox_drop(struct admin *admin);

#define ASKS (CLI_SERVER | CLI_JSON)

const struct cli_action outbox_actions[] = {
    {"list", "[--all] [--brand NAME] [--limit N] [--after HANDLE]",
     "Messages of the last day, oldest first", outbox_list, 0, 0, ASKS | CLI_BRAND | CLI_PAGES},
    {"show", "HANDLE", "One message, with each try", outbox_show, 1, 1, ASKS},
    {"retry", "HANDLE...", "Try messages again that nobody took", outbox_retry, 1, ADMIN_WORDS_MAX,
     ASKS},
    {"drop", "HANDLE...", "Send messages no more that are not over", outbox_drop, 1,
     ADMIN_WORDS_MAX, ASKS},
    {0},
};

int cli_outbox(const struct cli *cli)
{
    return admin_main(cli, cli_row_find(SPAN("outbox")));
}

// --- looking ---------------------------------------------------------------------------------

static void add_parameter(struct control_request *request, const char *name, const char *value)
{
    ASSERT(request->parameters_count < CONTROL_PARAMETERS_MAX);
    if (value == NULL)
        return;
    request->parameters[request->parameters_count++] =
        (struct control_parameter){name, span_of_text(value)};
}

static int check_number(const char *what, const char *text, uint64_t max)
{
    uint64_t number = 0;
    if (text == NULL || (parse_u64(span_of_text(text), max, &number) && number > 0))
        return EXIT_STATUS_OK;
    return admin_refuse(EXIT_STATUS_DATA, "%s: %.64s: a number of 1 to %llu is wanted", what, text,
                        (unsigned long long)max);
}

static int check_list(const struct admin *admin)
{
    if (admin->is_all && admin->is_troubled)
        return admin_refuse(EXIT_STATUS_USAGE, "--all and --troubled: one of the two");
    int status = check_number("--limit", admin->limit, PAGE_ROWS_MAX);
    if (status != EXIT_STATUS_OK)
        return status;
    return check_number("--after", admin->after, INT64_MAX);
}

static int outbox_list(struct admin *admin)
{
    struct control_reply reply;
    struct control_request request = {.method = "GET", .path = OUTBOX_PATH};
    int status = check_list(admin);
    if (status != EXIT_STATUS_OK)
        return status;
    add_parameter(&request, "all", admin->is_all ? "true" : NULL);
    add_parameter(&request, "brand", admin->brand);
    add_parameter(&request, "limit", admin->limit);
    add_parameter(&request, "after", admin->after);
    status = admin_ask(admin, &request, &reply);
    if (status == EXIT_STATUS_OK && admin->is_json)
        admin_print_json(&reply);
    if (status == EXIT_STATUS_OK && !admin->is_json)
        show_messages(reply.json, admin->is_all ? NONE_AT_ALL : NONE_TROUBLED, stdout);
    control_reply_fini(&reply);
    return status;
}

static int outbox_show(struct admin *admin)
{
    struct control_reply reply;
    struct control_request request = {.method = "GET", .path = OUTBOX_PATH "/message"};
    int status = check_number("HANDLE", admin->words[0], INT64_MAX);
    if (status != EXIT_STATUS_OK)
        return status;
    add_parameter(&request, "handle", admin->words[0]);
    status = admin_ask(admin, &request, &reply);
    if (status == EXIT_STATUS_OK && admin->is_json)
        admin_print_json(&reply);
    if (status == EXIT_STATUS_OK && !admin->is_json)
        show_message(reply.json, stdout);
    control_reply_fini(&reply);
    return status;
}

// --- having something done -------------------------------------------------------------------

static int take_handles(const struct admin *admin, json_t *handles)
{
    for (size_t i = 0; i < admin->words_count; i++) {
        uint64_t handle = 0;
        int status = check_number("HANDLE", admin->words[i], INT64_MAX);
        if (status != EXIT_STATUS_OK)
            return status;
        (void)parse_u64(span_of_text(admin->words[i]), INT64_MAX, &handle);
        (void)json_array_append_new(handles, json_integer((json_int_t)handle));
    }
    return EXIT_STATUS_OK;
}

static bool are_all_done(const json_t *answer)
{
    size_t i;
    json_t *result;
    json_array_foreach(json_object_get(answer, "results"), i, result)
    {
        if (!json_is_true(json_object_get(result, "isDone")))
            return false;
    }
    return true;
}

static int order(struct admin *admin, const char *path, const char *done)
{
    struct control_reply reply = {0};
    struct control_request request = {.method = "POST", .path = path};
    json_t *handles = json_array();
    int status = take_handles(admin, handles);
    if (status == EXIT_STATUS_OK)
        status = admin_send(admin, &request, json_pack("{s:O}", "handles", handles), &reply);
    json_decref(handles);
    if (status == EXIT_STATUS_OK && admin->is_json)
        admin_print_json(&reply);
    if (status == EXIT_STATUS_OK && !admin->is_json)
        show_results(reply.json, done, stdout);
    if (status == EXIT_STATUS_OK && !are_all_done(reply.json))
        status = EXIT_STATUS_DATA;
    control_reply_fini(&reply);
    return status;
}

static int outbox_retry(struct admin *admin)
{
    return order(admin, OUTBOX_PATH "/retry", "is tried again");
}

static int outbox_drop(struct admin *admin)
{
    return order(admin, OUTBOX_PATH "/drop", "is dropped");
}
