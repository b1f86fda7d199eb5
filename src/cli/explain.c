// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// otpd explain: whom it asks about goes in the request's body, because URLs are logged on the way.
#include "cli/admin.h"
#include "cli/show_outbox.h"

static int explain(struct admin *admin);

const struct cli_action explain_actions[] = {
    {"", "NAME [--brand BRAND]", "Tell what became of a person's codes in the last day", explain, 1,
     1, CLI_SERVER | CLI_JSON | CLI_BRAND},
    {0},
};

int cli_explain(const struct cli *cli)
{
    return admin_main(cli, cli_row_find(SPAN("explain")));
}

static int explain(struct admin *admin)
{
    struct control_reply reply;
    struct control_request request = {.method = "POST", .path = "/admin/v1/explain"};
    json_t *body = json_pack("{s:s}", "who", admin->words[0]);
    if (body == NULL)
        return admin_refuse(EXIT_STATUS_DATA, "that is no UTF-8");
    if (admin->brand != NULL)
        (void)json_object_set_new(body, "brand", json_string(admin->brand));
    int status = admin_send(admin, &request, body, &reply);
    if (status == EXIT_STATUS_OK && admin->is_json)
        admin_print_json(&reply);
    if (status == EXIT_STATUS_OK && !admin->is_json)
        show_explained(reply.json, stdout);
    control_reply_fini(&reply);
    return status;
}
