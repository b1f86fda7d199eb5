// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// otpd hash-debug: why a request's hash is refused, for whoever writes the app. A client is told
// 5004 and nothing else; here the private key is at hand, in a file or with the running server, and
// what the server would say is said in words. The judgement is the server's own
// (cli/hash_report.h).
//
// The body comes from a file, since it holds what somebody wrote about a person.
#include "base/number.h"
#include "cli/admin.h"
#include "cli/hash_report.h"
#include "config/source.h"
#include "crypto/pure/base64.h"
#include "service/brand.h"

#define VALID_SECONDS_USUAL 120U
#define VALID_SECONDS_MAX 3600U
#define OPENED_MAX BRAND_ENCRYPTION_KEYS_MAX

enum flag {
    FLAG_BRAND,
    FLAG_FILE,
    FLAG_PRIVATE_KEY,
    FLAG_AT,
    FLAG_VALID_SECONDS,
    FLAG_SOCKET,
    FLAG_DATA_DIR,
    FLAG_OAEP,
    FLAG_WEB,
    FLAG_COUNT_,
};

static const char *const flag_names[FLAG_COUNT_] = {
    [FLAG_BRAND] = "--brand",
    [FLAG_FILE] = "--file",
    [FLAG_PRIVATE_KEY] = "--private-key",
    [FLAG_AT] = "--at",
    [FLAG_VALID_SECONDS] = "--valid-seconds",
    [FLAG_SOCKET] = "--socket",
    [FLAG_DATA_DIR] = "--data-dir",
    [FLAG_OAEP] = "--oaep",
    [FLAG_WEB] = "--web",
};

struct debug {
    const char *values[FLAG_COUNT_]; // "" for one that stands alone
    struct admin admin;
    struct hash_report *report;
    int64_t now_ms;
    int64_t valid_ms;
    struct rsa_key *key;                     // of the file; NULL: the server is asked
    struct rsa_message messages[OPENED_MAX]; // what each key has made of the hash
    uint32_t numbers[OPENED_MAX];            // of the keys; 0: of the file
    size_t messages_held;
};

// --- what was asked --------------------------------------------------------------------------

static enum flag find_flag(struct span name)
{
    int flag = 0;
    while (flag < FLAG_COUNT_ && !span_eq(span_of_text(flag_names[flag]), name))
        flag++;
    return (enum flag)flag;
}

static int take_flag(struct debug *debug, const struct cli *cli, int *at)
{
    struct span value;
    struct span word = span_of_text(cli->arguments[*at]);
    struct span name = span_split(word, '=', &value);
    enum flag flag = find_flag(name);
    if (flag == FLAG_COUNT_) {
        const char *nearest = cli_nearest(flag_names, FLAG_COUNT_, name);
        return admin_refuse(EXIT_STATUS_USAGE, "there is no option \"%.*s\"%s%s%s", (int)name.len,
                            (const char *)name.data, nearest != NULL ? "; did you mean " : "",
                            nearest != NULL ? nearest : "", nearest != NULL ? "?" : "");
    }
    if (flag >= FLAG_OAEP || name.len < word.len) {
        debug->values[flag] = (const char *)value.data;
        return EXIT_STATUS_OK;
    }
    if (*at + 1 >= cli->arguments_count)
        return admin_refuse(EXIT_STATUS_USAGE, "%s: a value has to follow", flag_names[flag]);
    debug->values[flag] = cli->arguments[++*at];
    return EXIT_STATUS_OK;
}

static int take_number(const struct debug *debug, enum flag flag, uint64_t max, int64_t *in_out)
{
    uint64_t number;
    if (debug->values[flag] == NULL)
        return EXIT_STATUS_OK;
    if (!parse_u64(span_of_text(debug->values[flag]), max, &number))
        return admin_refuse(EXIT_STATUS_USAGE, "%s: a whole number is wanted", flag_names[flag]);
    *in_out = (int64_t)number;
    return EXIT_STATUS_OK;
}

static int take_flags(struct debug *debug, const struct cli *cli)
{
    int64_t valid_s = VALID_SECONDS_USUAL;
    int status = EXIT_STATUS_OK;
    for (int at = 0; at < cli->arguments_count && status == EXIT_STATUS_OK; at++)
        status = take_flag(debug, cli, &at);
    if (status == EXIT_STATUS_OK && debug->values[FLAG_FILE] == NULL)
        status = admin_refuse(EXIT_STATUS_USAGE, "--file: the request's body is needed");
    bool has_key = debug->values[FLAG_PRIVATE_KEY] != NULL;
    if (status == EXIT_STATUS_OK && !has_key && debug->values[FLAG_BRAND] == NULL)
        status = admin_refuse(EXIT_STATUS_USAGE, "--brand or --private-key is needed");
    if (status == EXIT_STATUS_OK)
        status = take_number(debug, FLAG_AT, INT64_MAX, &debug->now_ms);
    if (status == EXIT_STATUS_OK)
        status = take_number(debug, FLAG_VALID_SECONDS, VALID_SECONDS_MAX, &valid_s);
    debug->valid_ms = valid_s * 1000;
    debug->admin.socket = debug->values[FLAG_SOCKET];
    debug->admin.data_dir = debug->values[FLAG_DATA_DIR];
    return status;
}

// --- the request -----------------------------------------------------------------------------

static int read_request(struct debug *debug)
{
    uint8_t body[HASH_REQUEST_BYTES_MAX];
    struct file_facts facts;
    struct err_info info;
    const char *path = debug->values[FLAG_FILE];
    bool is_web = debug->values[FLAG_WEB] != NULL;
    enum err err = config_file_read(path, body, sizeof body, &facts, &info);
    if (err == ERR_OK)
        err = hash_report_read(debug->report, span_make(body, facts.len), is_web, &info);
    if (err == ERR_OK)
        return EXIT_STATUS_OK;
    return admin_refuse(EXIT_STATUS_DATA, "%s: %s", path, info.text);
}

static int tell(struct span reason)
{
    (void)printf("The server answers 5004: %.*s.\n", (int)reason.len, (const char *)reason.data);
    return EXIT_STATUS_DATA;
}

static int look_outside(struct debug *debug)
{
    struct span reason = hash_report_outside(debug->report);
    size_t len = hash_report_cipher(debug->report).len;
    if (!span_is_empty(reason))
        return tell(reason);
    (void)printf("hash: %zu bytes, as an RSA key of %zu bits makes them\n", len, len * 8);
    return EXIT_STATUS_OK;
}

// --- opening it ------------------------------------------------------------------------------

static int read_key(struct debug *debug)
{
    struct err_info info;
    struct file_facts facts;
    uint8_t bytes[RSA_IMPORT_BYTES_MAX];
    const char *path = debug->values[FLAG_PRIVATE_KEY];
    enum err err = config_file_read(path, bytes, sizeof bytes, &facts, &info);
    if (err == ERR_OK)
        err = rsa_key_import(span_make(bytes, facts.len), &debug->key, &info);
    explicit_bzero(bytes, sizeof bytes);
    if (err == ERR_OK)
        return EXIT_STATUS_OK;
    return admin_refuse(EXIT_STATUS_DATA, "%s: %s", path, info.text);
}

static void open_with_file(struct debug *debug, enum rsa_padding padding)
{
    struct span cipher = hash_report_cipher(debug->report);
    debug->messages_held = rsa_key_bytes(debug->key) == cipher.len ? 1 : 0;
    rsa_decrypt(debug->key, padding, cipher, &debug->messages[0]);
}

static void take_messages(struct debug *debug, const json_t *messages)
{
    size_t i;
    json_t *each;
    debug->messages_held = 0;
    json_array_foreach(messages, i, each)
    {
        if (debug->messages_held == OPENED_MAX)
            return;
        struct rsa_message *message = &debug->messages[debug->messages_held];
        struct span plain = span_of_text(control_text(each, "plain"));
        debug->numbers[debug->messages_held] =
            (uint32_t)json_integer_value(json_object_get(each, "number"));
        if (base64_take(plain, message->bytes, sizeof message->bytes, &message->len))
            debug->messages_held++;
    }
}

static struct span name_of(const struct debug *debug)
{
    ASSERT(debug->values[FLAG_BRAND] != NULL); // or there is a private key
    return span_of_text(debug->values[FLAG_BRAND]);
}

static int open_with_server(struct debug *debug, enum rsa_padding padding)
{
    char text[1024] = {0};
    struct strbuf hash = strbuf_over(text, sizeof text - 1);
    struct control_reply reply = {0};
    struct control_request request = {
        .method = "POST", .path = "/admin/v1/brand/encryption/open", .name = name_of(debug)};
    base64_put(&hash, hash_report_cipher(debug->report));
    json_t *body = json_pack("{s:s,s:b}", "hash", text, "isOaep", padding == RSA_PADDING_OAEP);
    int status = admin_send(&debug->admin, &request, body, &reply);
    if (status == EXIT_STATUS_OK)
        take_messages(debug, json_object_get(reply.json, "messages"));
    control_reply_fini(&reply);
    return status;
}

static int open_hash(struct debug *debug, enum rsa_padding padding)
{
    if (debug->key == NULL)
        return open_with_server(debug, padding);
    open_with_file(debug, padding);
    return EXIT_STATUS_OK;
}

// The window that the brand has now.
static int ask_window(struct debug *debug)
{
    struct control_reply reply = {0};
    const struct control_request request = {
        .method = "GET", .path = "/admin/v1/brand", .name = name_of(debug)};
    int status = admin_ask(&debug->admin, &request, &reply);
    const json_t *settings = json_object_get(reply.json, "settings");
    json_int_t seconds = json_integer_value(json_object_get(settings, "encryption.validSeconds"));
    if (status == EXIT_STATUS_OK && seconds > 0 && debug->values[FLAG_VALID_SECONDS] == NULL)
        debug->valid_ms = seconds * 1000;
    control_reply_fini(&reply);
    return status;
}

// --- telling ---------------------------------------------------------------------------------

static void print_opened(const struct debug *debug, size_t index, enum rsa_padding padding)
{
    const struct rsa_message *message = &debug->messages[index];
    const char *name = padding == RSA_PADDING_OAEP ? "OAEP" : "PKCS#1 v1.5";
    if (debug->numbers[index] > 0)
        (void)printf("opened by key %u, with %s padding\n", debug->numbers[index], name);
    else
        (void)printf("opened by the private key, with %s padding\n", name);
    (void)printf("it says: ");
    for (size_t i = 0; i < message->len; i++) {
        uint8_t byte = message->bytes[i];
        (void)putchar(byte < 0x20 || byte == 0x7F ? '?' : byte);
    }
    (void)printf("\n");
}

static struct hash_finding judge(struct debug *debug)
{
    return hash_report_judge(debug->report, debug->messages, debug->messages_held, debug->now_ms,
                             debug->valid_ms);
}

static int tell_other_padding(enum rsa_padding padding)
{
    return tell(padding == RSA_PADDING_OAEP
                    ? SPAN("its padding is PKCS#1 v1.5, but the header X-CAP-USE-NEW-ENCRYPTION: "
                           "true (--oaep) says OAEP")
                    : SPAN("its padding is OAEP, but the header X-CAP-USE-NEW-ENCRYPTION: true "
                           "(--oaep) is missing"));
}

static int explain_unreadable(struct debug *debug, enum rsa_padding padding, struct span reason)
{
    enum rsa_padding other = padding == RSA_PADDING_OAEP ? RSA_PADDING_PKCS1 : RSA_PADDING_OAEP;
    int status = open_hash(debug, other);
    if (status != EXIT_STATUS_OK)
        return status;
    return judge(debug).is_readable ? tell_other_padding(padding) : tell(reason);
}

static int explain(struct debug *debug)
{
    enum rsa_padding padding =
        debug->values[FLAG_OAEP] != NULL ? RSA_PADDING_OAEP : RSA_PADDING_PKCS1;
    int status = open_hash(debug, padding);
    if (status != EXIT_STATUS_OK)
        return status;
    struct hash_finding finding = judge(debug);
    if (!finding.is_readable)
        return explain_unreadable(debug, padding, finding.text);
    print_opened(debug, finding.best, padding);
    if (!finding.is_right)
        return tell(finding.text);
    (void)printf(
        "This hash is right. The server takes it once; whether it has is not looked at.\n");
    return EXIT_STATUS_OK;
}

static int run(struct debug *debug, const struct cli *cli)
{
    int status = take_flags(debug, cli);
    if (status == EXIT_STATUS_OK)
        status = read_request(debug);
    if (status == EXIT_STATUS_OK)
        status = look_outside(debug);
    if (status == EXIT_STATUS_OK && debug->values[FLAG_PRIVATE_KEY] != NULL)
        status = read_key(debug);
    else if (status == EXIT_STATUS_OK)
        status = ask_window(debug);
    return status == EXIT_STATUS_OK ? explain(debug) : status;
}

int cli_hash_debug(const struct cli *cli)
{
    struct clock clock = clock_system();
    struct debug debug = {.admin = {.cli = cli}, .now_ms = clock_wall_ms(&clock)};
    debug.report = hash_report_create();
    if (debug.report == NULL)
        return admin_refuse(EXIT_STATUS_OS, "%s", err_text(ERR_NO_MEMORY));
    int status = run(&debug, cli);
    hash_report_destroy(&debug.report);
    rsa_key_destroy(&debug.key);
    explicit_bzero(&debug, sizeof debug);
    return status;
}
