// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// otpd brand: a table of actions, a function each. What can be refused here is refused before the
// server is asked; the server checks all of it again.
#include "cli/admin.h"
#include "cli/assign.h"
#include "cli/brand_encryption.h"
#include "cli/brand_keys.h"
#include "cli/lint.h"
#include "cli/show.h"
#include "service/brand_json.h"

#include <unistd.h>

#define BRAND_PATH "/admin/v1/brand"
#define SECRET_WORD "tokenSecret="

static int brand_list(struct admin *admin);
static int brand_show(struct admin *admin);
static int brand_set(struct admin *admin);
static int brand_unset(struct admin *admin);
static int brand_add(struct admin *admin);
static int brand_remove(struct admin *admin);
static int brand_list_options(struct admin *admin);
static int brand_lint_texts(struct admin *admin);

#define ANY ADMIN_WORDS_MAX
#define ASKS (CLI_SERVER | CLI_JSON)

const struct cli_action brand_actions[] = {
    {"list", "", "Brands, one a line", brand_list, 0, 0, ASKS},
    {"show", "NAME", "Its settings and token keys", brand_show, 1, 1, ASKS},
    {"set", "NAME KEY=VALUE...", "Change settings", brand_set, 2, ANY, ASKS | CLI_FORCE},
    {"unset", "NAME KEY...", "Give settings their defaults back", brand_unset, 2, ANY,
     ASKS | CLI_FORCE},
    {"add", "NAME [KEY=VALUE...] [tokenSecret=@FILE]", "Add a brand", brand_add, 1, ANY, ASKS},
    {"remove", "NAME [--yes]", "Remove a brand with its settings and keys", brand_remove, 1, 1,
     ASKS | CLI_YES},
    {"keys list", "NAME", "The keys that its tokens are signed with", brand_keys_list, 1, 1, ASKS},
    {"keys rotate", "NAME [secret=@FILE]", "Sign with a new key, a random one unless told",
     brand_keys_rotate, 1, 2, ASKS},
    {"keys retire", "NAME NUMBER", "Forget an older key; the one that signs stays",
     brand_keys_retire, 2, 2, ASKS},
    {"encryption add", "NAME [bits=4096|privateKey=@FILE]",
     "A key for apps; prints its public half", brand_encryption_add, 1, 2, ASKS},
    {"encryption list", "NAME [NUMBER]", "These keys, or the public half of one",
     brand_encryption_list, 1, 2, ASKS},
    {"encryption retire", "NAME NUMBER", "Forget a key that no app uses any more",
     brand_encryption_retire, 2, 2, ASKS},
    {"lint", "NAME", "How many SMS its texts make, and why", brand_lint_texts, 1, 1, CLI_SERVER},
    {"options", "[KEY]", "What can be set, its range and its default", brand_list_options, 0, 1, 0},
    {0},
};

int cli_brand(const struct cli *cli)
{
    return admin_main(cli, cli_row_find(SPAN("brand")));
}

static struct span name_of(const struct admin *admin)
{
    return span_of_text(admin->words[0]);
}

// --- looking ---------------------------------------------------------------------------------

static int brand_list(struct admin *admin)
{
    struct control_reply reply;
    const struct control_request request = {.method = "GET", .path = "/admin/v1/brands"};
    int status = admin_ask(admin, &request, &reply);
    if (status == EXIT_STATUS_OK && admin->is_json)
        admin_print_json(&reply);
    if (status == EXIT_STATUS_OK && !admin->is_json)
        show_brands(reply.json, stdout);
    control_reply_fini(&reply);
    return status;
}

static int get_brand(struct admin *admin, struct control_reply *out)
{
    const struct control_request request = {
        .method = "GET", .path = BRAND_PATH, .name = name_of(admin)};
    *out = (struct control_reply){0};
    int status = admin_check_name(request.name);
    return status == EXIT_STATUS_OK ? admin_ask(admin, &request, out) : status;
}

static void print_brand(const struct admin *admin, const struct control_reply *reply)
{
    if (admin->is_json)
        admin_print_json(reply);
    else
        show_brand(reply->json, brand_option_table(), stdout);
}

static int brand_show(struct admin *admin)
{
    struct control_reply reply;
    int status = get_brand(admin, &reply);
    if (status == EXIT_STATUS_OK)
        print_brand(admin, &reply);
    control_reply_fini(&reply);
    return status;
}

// As the server tells them. One of another version may have settings that are not known here; they
// are no texts.
static int read_settings(json_t *object, struct brand_settings *out)
{
    const char *name;
    json_t *value;
    brand_settings_init(out);
    json_object_foreach(object, name, value)
    {
        char storage[BRAND_SETTING_OBJECT_MAX];
        struct strbuf room = strbuf_over(storage, sizeof storage);
        struct err_info info;
        struct span text;
        const struct option *option = option_find(brand_option_table(), span_of_text(name));
        if (option == NULL)
            continue;
        if (!brand_setting_text(option, value, &room, &text) ||
            option_set(option, out, text, &info) != ERR_OK)
            return admin_refuse(EXIT_STATUS_SOFTWARE, "the server's %s cannot be read", name);
    }
    return EXIT_STATUS_OK;
}

static int brand_lint_texts(struct admin *admin)
{
    struct control_reply reply;
    struct brand_settings settings;
    int status = get_brand(admin, &reply);
    if (status == EXIT_STATUS_OK)
        status = read_settings(json_object_get(reply.json, "settings"), &settings);
    if (status == EXIT_STATUS_OK) {
        const char *name = json_string_value(json_object_get(reply.json, "name"));
        status = lint_print(name != NULL ? name : admin->words[0], &settings);
    }
    control_reply_fini(&reply);
    return status;
}

static int brand_list_options(struct admin *admin)
{
    struct err_info info;
    const struct option *option;
    if (admin->words_count == 0) {
        show_options(brand_option_table(), stdout);
        return EXIT_STATUS_OK;
    }
    struct span name = span_of_text(admin->words[0]);
    if (assign_find(brand_option_table(), name, &option, &info) != ERR_OK)
        return admin_refuse(EXIT_STATUS_USAGE, "%s", info.text);
    show_option(option, stdout);
    return EXIT_STATUS_OK;
}

// --- changing --------------------------------------------------------------------------------

// The settings that the words from the second on give, as an object.
static int take_settings(const struct admin *admin, const char *const *words, size_t count,
                         json_t *values)
{
    struct brand_settings settings;
    struct err_info info;
    struct assign assign = {brand_option_table(), &settings, values};
    brand_settings_init(&settings);
    int status = admin_check_name(name_of(admin));
    for (size_t i = 0; i < count && status == EXIT_STATUS_OK; i++) {
        enum err err = assign_word(&assign, words[i], &info);
        if (err == ERR_NO_MEMORY)
            status = admin_refuse(EXIT_STATUS_OS, "%s", err_text(err));
        else if (err != ERR_OK)
            status = admin_refuse(EXIT_STATUS_DATA, "%s", info.text);
    }
    return status;
}

static void print_changes(const struct admin *admin, const struct control_reply *before,
                          const struct control_reply *after, const json_t *names)
{
    if (admin->is_json)
        admin_print_json(after);
    else
        show_changes(before->json, after->json, names, stdout);
}

// Words on standard error, which a script that reads the answer does not see.
static void warn(const struct admin *admin, const struct control_reply *after, const json_t *names)
{
    struct brand_settings settings;
    json_t *told = json_object_get(after->json, "settings");
    if (!admin->is_json && read_settings(told, &settings) == EXIT_STATUS_OK)
        lint_warn(admin->words[0], &settings, names);
}

// Looks, changes, and tells the difference. Takes `body` over.
static int change(struct admin *admin, json_t *body, const json_t *names)
{
    struct control_reply after = {0};
    struct control_reply before;
    struct control_request request = {
        .method = "PUT", .path = BRAND_PATH, .name = name_of(admin), .is_forced = admin->is_forced};
    int status = get_brand(admin, &before);
    if (status == EXIT_STATUS_OK)
        status = admin_send(admin, &request, body, &after);
    else
        json_decref(body);
    if (status == EXIT_STATUS_OK) {
        print_changes(admin, &before, &after, names);
        warn(admin, &after, names);
    }
    control_reply_fini(&before);
    control_reply_fini(&after);
    return status;
}

static json_t *keys_of(json_t *object)
{
    json_t *names = json_array();
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at))
        (void)json_array_append_new(names, json_string(json_object_iter_key(at)));
    return names;
}

static int brand_set(struct admin *admin)
{
    json_t *values = json_object();
    int status = take_settings(admin, admin->words + 1, admin->words_count - 1, values);
    if (status == EXIT_STATUS_OK) {
        json_t *names = keys_of(values);
        status = change(admin, json_pack("{s:O}", "settings", values), names);
        json_decref(names);
    }
    json_decref(values);
    return status;
}

static int brand_unset(struct admin *admin)
{
    struct err_info info;
    json_t *names = json_array();
    int status = admin_check_name(name_of(admin));
    for (size_t i = 1; i < admin->words_count && status == EXIT_STATUS_OK; i++) {
        const struct option *option;
        struct span name = span_of_text(admin->words[i]);
        if (!assign_is_path(brand_option_table(), name) &&
            assign_find(brand_option_table(), name, &option, &info) != ERR_OK)
            status = admin_refuse(EXIT_STATUS_DATA, "%s", info.text);
        else
            (void)json_array_append_new(names, json_string(admin->words[i]));
    }
    if (status == EXIT_STATUS_OK)
        status = change(admin, json_pack("{s:O}", "unset", names), names);
    json_decref(names);
    return status;
}

// --- adding and removing ---------------------------------------------------------------------

// Takes the word tokenSecret=… out of the words: it is no setting. NULL: there is none.
static const char *take_secret_word(struct admin *admin)
{
    for (size_t i = 1; i < admin->words_count; i++) {
        const char *word = admin->words[i];
        if (!span_starts_with(span_of_text(word), SPAN(SECRET_WORD)))
            continue;
        admin->words_count--;
        memmove(admin->words + i, admin->words + i + 1,
                (admin->words_count - i) * sizeof *admin->words);
        return word + strlen(SECRET_WORD);
    }
    return NULL;
}

// The server makes a random key for a new brand; ours then takes its place. A brand that has only
// the random one is whole, so that a failure in between leaves nothing that is broken.
static int give_secret(struct admin *admin, const struct secret *secret, struct control_reply *out)
{
    int status = brand_keys_send(admin, secret, out);
    if (status == EXIT_STATUS_OK)
        return EXIT_STATUS_OK;
    (void)admin_refuse(EXIT_STATUS_OK,
                       "%s was added, but signs with a random key; give it yours with: otpd brand "
                       "keys rotate %s secret=@FILE",
                       admin->words[0], admin->words[0]);
    return status;
}

static int add(struct admin *admin, json_t *values, const struct secret *secret)
{
    struct control_reply reply;
    struct control_request request = {.method = "POST", .path = BRAND_PATH, .name = name_of(admin)};
    int status = admin_send(admin, &request, json_pack("{s:O}", "settings", values), &reply);
    if (status == EXIT_STATUS_OK && secret->len > 0) {
        control_reply_fini(&reply);
        status = give_secret(admin, secret, &reply);
    }
    if (status == EXIT_STATUS_OK)
        print_brand(admin, &reply);
    control_reply_fini(&reply);
    return status;
}

static int brand_add(struct admin *admin)
{
    struct err_info info;
    struct secret secret = {0};
    json_t *values = json_object();
    const char *from = take_secret_word(admin);
    int status = take_settings(admin, admin->words + 1, admin->words_count - 1, values);
    if (status == EXIT_STATUS_OK && from != NULL &&
        secret_read_token_key("tokenSecret", span_of_text(from), &secret, &info) != ERR_OK)
        status = admin_refuse(EXIT_STATUS_DATA, "%s", info.text);
    if (status == EXIT_STATUS_OK)
        status = add(admin, values, &secret);
    secret_wipe(&secret);
    json_decref(values);
    return status;
}

// Typing a name is slow enough to think.
static int confirm(const struct admin *admin)
{
    char typed[BRAND_NAME_BYTES_MAX + 2] = "";
    const char *name = admin->words[0];
    if (admin->is_yes)
        return EXIT_STATUS_OK;
    if (isatty(STDIN_FILENO) == 0)
        return admin_refuse(EXIT_STATUS_USAGE, "nobody is there to ask; to remove %s, give --yes",
                            name);
    (void)fprintf(stderr,
                  "This removes %s with its settings and keys; nobody can log in to it any more.\n"
                  "To go on, type its name: ",
                  name);
    if (fgets(typed, sizeof typed, stdin) == NULL)
        typed[0] = '\0';
    struct span answer = span_of_text(typed);
    answer = span_first(answer, span_find(answer, '\n'));
    if (span_eq(answer, span_of_text(name)))
        return EXIT_STATUS_OK;
    return admin_refuse(EXIT_STATUS_DATA, "%s was not removed", name);
}

static int brand_remove(struct admin *admin)
{
    struct control_reply reply = {0};
    struct control_request request = {
        .method = "DELETE", .path = BRAND_PATH, .name = name_of(admin)};
    int status = admin_check_name(request.name);
    if (status == EXIT_STATUS_OK)
        status = confirm(admin);
    if (status == EXIT_STATUS_OK)
        status = admin_send(admin, &request, json_object(), &reply);
    if (status == EXIT_STATUS_OK && admin->is_json)
        admin_print_json(&reply);
    if (status == EXIT_STATUS_OK && !admin->is_json)
        (void)printf("removed %s\n", admin->words[0]);
    control_reply_fini(&reply);
    return status;
}
