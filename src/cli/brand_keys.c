// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/brand_keys.h"

#include "base/number.h"
#include "cli/admin_secret.h"
#include "cli/show.h"

#define KEYS_PATH "/admin/v1/brand/keys"

static struct span name_of(const struct admin *admin)
{
    return span_of_text(admin->words[0]);
}

static void print(const struct admin *admin, const struct control_reply *reply)
{
    if (admin->is_json)
        admin_print_json(reply);
    else
        show_keys(reply->json, stdout);
}

int brand_keys_list(struct admin *admin)
{
    struct control_reply reply = {0};
    const struct control_request request = {
        .method = "GET", .path = "/admin/v1/brand", .name = name_of(admin)};
    int status = admin_check_name(request.name);
    if (status == EXIT_STATUS_OK)
        status = admin_ask(admin, &request, &reply);
    if (status == EXIT_STATUS_OK)
        print(admin, &reply);
    control_reply_fini(&reply);
    return status;
}

static const struct admin_secret signing_key = {"secret", KEYS_PATH, secret_read_token_key};

int brand_keys_send(const struct admin *admin, const struct secret *secret,
                    struct control_reply *out)
{
    return admin_secret_send(admin, &signing_key, secret, out);
}

int brand_keys_rotate(struct admin *admin)
{
    struct control_reply reply = {0};
    struct secret secret = {0};
    int status = admin_check_name(name_of(admin));
    if (status == EXIT_STATUS_OK && admin->words_count > 1)
        status = admin_secret_take(admin, &signing_key, &secret);
    if (status == EXIT_STATUS_OK)
        status = brand_keys_send(admin, &secret, &reply);
    secret_wipe(&secret);
    if (status == EXIT_STATUS_OK)
        print(admin, &reply);
    control_reply_fini(&reply);
    return status;
}

int brand_keys_retire(struct admin *admin)
{
    uint64_t number;
    struct control_reply reply;
    int status = admin_check_name(name_of(admin));
    if (status != EXIT_STATUS_OK)
        return status;
    if (!parse_u64(span_of_text(admin->words[1]), UINT32_MAX, &number) || number == 0)
        return admin_refuse(EXIT_STATUS_USAGE,
                            "\"%.64s\" is no number of a key; otpd brand keys list %s tells them",
                            admin->words[1], admin->words[0]);
    struct control_request request = {
        .method = "DELETE", .path = KEYS_PATH, .name = name_of(admin), .number = (uint32_t)number};
    status = admin_send(admin, &request, json_object(), &reply);
    if (status == EXIT_STATUS_OK)
        print(admin, &reply);
    control_reply_fini(&reply);
    return status;
}
