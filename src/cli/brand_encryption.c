// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A new key is made here and not by the server: it takes a second or more, for which nobody should
// wait who asks the server something else. It goes through the control socket, as secrets do.
#include "cli/brand_encryption.h"

#include "base/number.h"
#include "cli/secret.h"
#include "cli/show.h"
#include "crypto/rsa/rsa.h"

#define KEYS_PATH "/admin/v1/brand/encryption"
#define BITS_USUAL 4096U
#define BITS_STEP 1024U

// Line feeds are two characters in JSON; PEM has no others that are more than one.
#define BODY_BYTES_MAX (2U * RSA_PRIVATE_PEM_BYTES_MAX)

static struct span name_of(const struct admin *admin)
{
    return span_of_text(admin->words[0]);
}

static void print(const struct admin *admin, const struct control_reply *reply)
{
    if (admin->is_json)
        admin_print_json(reply);
    else
        show_encryption_keys(reply->json, stdout);
}

static int tell_number(const struct admin *admin, const char *word)
{
    return admin_refuse(EXIT_STATUS_USAGE,
                        "\"%.64s\" is no number of a key; otpd brand encryption list %s tells them",
                        word, admin->words[0]);
}

static int take_number(const struct admin *admin, uint32_t *out)
{
    uint64_t number;
    if (!parse_u64(span_of_text(admin->words[1]), UINT32_MAX, &number) || number == 0)
        return tell_number(admin, admin->words[1]);
    *out = (uint32_t)number;
    return EXIT_STATUS_OK;
}

static int print_public(const struct admin *admin, const struct control_reply *reply,
                        uint32_t number)
{
    if (show_encryption_key(reply->json, number, stdout))
        return EXIT_STATUS_OK;
    return admin_refuse(EXIT_STATUS_DATA,
                        "there is no encryption key %u; otpd brand encryption "
                        "list %s tells which there are",
                        number, admin->words[0]);
}

int brand_encryption_list(struct admin *admin)
{
    struct control_reply reply = {0};
    uint32_t number = 0;
    const struct control_request request = {
        .method = "GET", .path = KEYS_PATH, .name = name_of(admin)};
    int status = admin_check_name(request.name);
    if (status == EXIT_STATUS_OK && admin->words_count > 1)
        status = take_number(admin, &number);
    if (status == EXIT_STATUS_OK)
        status = admin_ask(admin, &request, &reply);
    if (status == EXIT_STATUS_OK && number > 0 && !admin->is_json)
        status = print_public(admin, &reply, number);
    else if (status == EXIT_STATUS_OK)
        print(admin, &reply);
    control_reply_fini(&reply);
    return status;
}

// By hand: what jansson builds is freed without being wiped.
static int send_key(const struct admin *admin, struct span pem, struct control_reply *out)
{
    uint8_t storage[BODY_BYTES_MAX];
    struct strbuf body = strbuf_over(storage, sizeof storage);
    strbuf_put_text(&body, "{\"privateKey\":");
    strbuf_put_json_string(&body, pem);
    strbuf_put_byte(&body, '}');
    const struct control_request request = {
        .method = "POST", .path = KEYS_PATH, .name = name_of(admin), .body = strbuf_span(&body)};
    int status = body.is_overflowed
                     ? admin_refuse(EXIT_STATUS_DATA, "the private key is no RSA key in PEM")
                     : admin_ask(admin, &request, out);
    explicit_bzero(storage, sizeof storage);
    return status;
}

static int send_generated(const struct admin *admin, unsigned bits, struct control_reply *out)
{
    uint8_t storage[RSA_PRIVATE_PEM_BYTES_MAX];
    struct strbuf pem = strbuf_over(storage, sizeof storage);
    struct rsa_key *key = NULL;
    enum err err = rsa_key_generate(bits, &key);
    if (err == ERR_OK)
        err = rsa_key_put_private_pem(key, &pem);
    rsa_key_destroy(&key);
    int status = err == ERR_OK ? send_key(admin, strbuf_span(&pem), out)
                               : admin_refuse(EXIT_STATUS_OS, "%s", err_text(err));
    explicit_bzero(storage, sizeof storage);
    return status;
}

static int send_imported(const struct admin *admin, struct span from, struct control_reply *out)
{
    struct err_info info;
    struct secret secret;
    if (secret_read("privateKey", from, &secret, &info) != ERR_OK)
        return admin_refuse(EXIT_STATUS_DATA, "%s", info.text);
    int status = send_key(admin, secret_span(&secret), out);
    secret_wipe(&secret);
    return status;
}

static int add_from_word(const struct admin *admin, struct control_reply *out)
{
    struct span value;
    uint64_t bits;
    struct span name = span_split(span_of_text(admin->words[1]), '=', &value);
    if (span_eq(name, SPAN("privateKey")) && value.len > 0)
        return send_imported(admin, value, out);
    if (!span_eq(name, SPAN("bits")))
        return admin_refuse_usage(admin);
    if (!parse_u64(value, RSA_KEY_BITS_MAX, &bits) || bits < RSA_KEY_BITS_MIN ||
        bits % BITS_STEP != 0)
        return admin_refuse(EXIT_STATUS_DATA, "bits: 2048, 3072 or 4096 are possible");
    return send_generated(admin, (unsigned)bits, out);
}

// A brand that is not there is told before a key is made for it.
static int check_brand(const struct admin *admin)
{
    struct control_reply reply = {0};
    const struct control_request request = {
        .method = "GET", .path = KEYS_PATH, .name = name_of(admin)};
    int status = admin_check_name(request.name);
    if (status == EXIT_STATUS_OK)
        status = admin_ask(admin, &request, &reply);
    control_reply_fini(&reply);
    return status;
}

int brand_encryption_add(struct admin *admin)
{
    struct control_reply reply = {0};
    int status = check_brand(admin);
    if (status == EXIT_STATUS_OK && admin->words_count > 1)
        status = add_from_word(admin, &reply);
    else if (status == EXIT_STATUS_OK)
        status = send_generated(admin, BITS_USUAL, &reply);
    if (status == EXIT_STATUS_OK && admin->is_json)
        admin_print_json(&reply);
    if (status == EXIT_STATUS_OK && !admin->is_json)
        show_newest_encryption_key(reply.json, stdout);
    control_reply_fini(&reply);
    return status;
}

int brand_encryption_retire(struct admin *admin)
{
    struct control_reply reply = {0};
    uint32_t number = 0;
    int status = admin_check_name(name_of(admin));
    if (status == EXIT_STATUS_OK)
        status = take_number(admin, &number);
    struct control_request request = {
        .method = "DELETE", .path = KEYS_PATH, .name = name_of(admin), .number = number};
    if (status == EXIT_STATUS_OK)
        status = admin_send(admin, &request, json_object(), &reply);
    if (status == EXIT_STATUS_OK)
        print(admin, &reply);
    control_reply_fini(&reply);
    return status;
}
