// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/brand_keys.h"

#include "base/number.h"
#include "cli/show.h"

#define KEYS_PATH "/admin/v1/brand/keys"

// Each byte may become six, and there is a little around it.
#define BODY_BYTES_MAX (6U * CONFIG_TOKEN_SECRET_BYTES_MAX + 32U)

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

// By hand: what jansson builds is freed without being wiped.
int brand_keys_send(const struct admin *admin, const struct secret *secret,
                    struct control_reply *out)
{
    uint8_t storage[BODY_BYTES_MAX];
    struct strbuf body = strbuf_over(storage, sizeof storage);
    strbuf_put_byte(&body, '{');
    if (secret->len > 0) {
        strbuf_put_text(&body, "\"secret\":");
        strbuf_put_json_string(&body, secret_span(secret));
    }
    strbuf_put_byte(&body, '}');
    ASSERT(!body.is_overflowed);
    const struct control_request request = {
        .method = "POST", .path = KEYS_PATH, .name = name_of(admin), .body = strbuf_span(&body)};
    int status = admin_ask(admin, &request, out);
    explicit_bzero(storage, sizeof storage);
    return status;
}

static int take_secret(const struct admin *admin, struct secret *secret)
{
    struct err_info info;
    struct span from;
    struct span name = span_split(span_of_text(admin->words[1]), '=', &from);
    if (!span_eq(name, SPAN("secret")) || from.len == 0)
        return admin_refuse_usage(admin);
    if (secret_read_token_key("secret", from, secret, &info) != ERR_OK)
        return admin_refuse(EXIT_STATUS_DATA, "%s", info.text);
    return EXIT_STATUS_OK;
}

int brand_keys_rotate(struct admin *admin)
{
    struct control_reply reply = {0};
    struct secret secret = {0};
    int status = admin_check_name(name_of(admin));
    if (status == EXIT_STATUS_OK && admin->words_count > 1)
        status = take_secret(admin, &secret);
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
