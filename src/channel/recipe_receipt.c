// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The part of a recipe that says how its provider reports: one table of the keys below "receipt".
#include "channel/recipe_inside.h"
#include "channel/report.h"

struct receipt_rule {
    const char *key;
    enum err (*take)(struct recipe *recipe, void *at, const struct recipe_field *field,
                     struct err_info *info);
    size_t offset; // in struct recipe_receipt
    size_t depth;  // keys of the field
};

static enum err take_text(struct recipe *recipe, void *at, const struct recipe_field *field,
                          struct err_info *info)
{
    return recipe_keep(recipe, field->text, at, info);
}

// A path may begin with "^.": from what the list stands in.
static enum err take_paths(struct recipe *recipe, void *at, const struct recipe_field *field,
                           struct err_info *info)
{
    struct span rest = field->text;
    do {
        struct span path = span_split(rest, ' ', &rest);
        bool is_outer = span_starts_with(path, SPAN("^."));
        enum err err = recipe_paths_check(span_from(path, is_outer ? 2 : 0), info);
        if (err != ERR_OK)
            return err;
    } while (rest.len > 0);
    return recipe_keep(recipe, field->text, at, info);
}

// "." is the whole.
static enum err take_list(struct recipe *recipe, void *at, const struct recipe_field *field,
                          struct err_info *info)
{
    struct span rest = field->text;
    do {
        struct span path = span_split(rest, ' ', &rest);
        enum err err = span_eq(path, SPAN(".")) ? ERR_OK : recipe_paths_check(path, info);
        if (err != ERR_OK)
            return err;
    } while (rest.len > 0);
    return recipe_keep(recipe, field->text, at, info);
}

static enum err take_secret(struct recipe *recipe, void *at, const struct recipe_field *field,
                            struct err_info *info)
{
    enum err err = recipe_template_check(recipe, RECIPE_IN_RECEIPT, field->text, info);
    return err == ERR_OK ? recipe_keep(recipe, field->text, at, info) : err;
}

static enum err take_signature(struct recipe *recipe, void *at, const struct recipe_field *field,
                               struct err_info *info)
{
    static const char *const signatures[] = {
        [RECIPE_SIGNATURE_NONE] = "none",
        [RECIPE_SIGNATURE_TWILIO] = "twilio",
        [RECIPE_SIGNATURE_VONAGE] = "vonage",
        [RECIPE_SIGNATURE_HUB] = "hub",
        [RECIPE_SIGNATURE_STANDARD_WEBHOOKS] = "standardWebhooks",
        [RECIPE_SIGNATURE_ZALO] = "zalo",
        [RECIPE_SIGNATURE_SNS] = "sns",
        NULL,
    };
    (void)recipe;
    return recipe_choose(signatures, field->text, at, info);
}

static enum err take_lenient(struct recipe *recipe, void *at, const struct recipe_field *field,
                             struct err_info *info)
{
    static const char *const words[] = {"false", "true", NULL};
    (void)recipe;
    return recipe_choose(words, field->text, at, info);
}

static enum err take_forms(struct recipe *recipe, void *at, const struct recipe_field *field,
                           struct err_info *info)
{
    static const char *const forms[] = {
        [RECIPE_RECEIPT_JSON] = "json",
        [RECIPE_RECEIPT_FORM] = "form",
        [RECIPE_RECEIPT_QUERY] = "query",
        NULL,
    };
    uint32_t *bits = at;
    struct span rest = field->text;
    (void)recipe;
    do {
        uint32_t form;
        enum err err = recipe_choose(forms, span_split(rest, ' ', &rest), &form, info);
        if (err != ERR_OK)
            return err;
        *bits |= 1U << form;
    } while (rest.len > 0);
    return ERR_OK;
}

static enum err take_state(struct recipe *recipe, void *at, const struct recipe_field *field,
                           struct err_info *info)
{
    static const char *const names[] = {
        [REPORT_DELIVERED] = "delivered",
        [REPORT_FAILED] = "failed",
        [REPORT_ON_ITS_WAY] = "onItsWay",
        NULL,
    };
    struct recipe_states *states = at;
    if (states->count == RECIPE_STATES_MAX) {
        err_info_set(info, "more than %u of them", RECIPE_STATES_MAX);
        return ERR_INVALID;
    }
    struct recipe_state *state = &states->held[states->count];
    enum err err = recipe_choose(names, field->text, &state->state, info);
    if (err == ERR_OK)
        err = recipe_keep(recipe, field->keys[2], &state->word, info);
    if (err == ERR_OK)
        states->count++;
    return err;
}

static enum err take_code(struct recipe *recipe, void *at, const struct recipe_field *field,
                          struct err_info *info)
{
    return recipe_map_add(recipe, at, field->keys[2], field->text, info);
}

#define AT(member) offsetof(struct recipe_receipt, member)

static const struct receipt_rule rules[] = {
    {"signature", take_signature, AT(signature), 2},
    {"secret", take_secret, AT(secret), 2},
    {"verifyToken", take_secret, AT(verify), 2},
    {"appId", take_secret, AT(app), 2},
    {"accept", take_forms, AT(forms), 2},
    {"lenient", take_lenient, AT(is_lenient), 2},
    {"inside", take_paths, AT(inside), 2},
    {"list", take_list, AT(list), 2},
    {"onlyWith", take_paths, AT(only_with), 2},
    {"id", take_paths, AT(id), 2},
    {"echo", take_paths, AT(echo), 2},
    {"state", take_paths, AT(state), 2},
    {"code", take_paths, AT(code), 2},
    {"words", take_paths, AT(words), 2},
    {"register", take_text, AT(help), 2},
    {"states", take_state, AT(states), 3},
    {"codes", take_code, AT(codes), 3},
};

enum err recipe_receipt_take(struct recipe *recipe, const struct recipe_field *field,
                             struct err_info *info)
{
    recipe->receipt.is_given = true;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        bool is_it = span_eq(span_of_text(rules[i].key), field->keys[1]);
        if (is_it && rules[i].depth == field->depth)
            return rules[i].take(recipe, (uint8_t *)&recipe->receipt + rules[i].offset, field,
                                 info);
    }
    err_info_set(info, "a receipt has no \"%.*s\"%s", (int)span_first(field->keys[1], 64).len,
                 (const char *)field->keys[1].data, field->depth > 2 ? " with keys below" : "");
    return ERR_INVALID;
}

const char *recipe_receipt_fault(const struct recipe *recipe)
{
    const struct recipe_receipt *receipt = &recipe->receipt;
    bool is_signed =
        receipt->signature != RECIPE_SIGNATURE_NONE && receipt->signature != RECIPE_SIGNATURE_SNS;
    if (!receipt->is_given)
        return NULL;
    if (receipt->forms == 0)
        return "\"receipt.accept\" is missing: json, form or query";
    if (receipt->state.data == NULL || receipt->states.count == 0)
        return "\"receipt.state\" and \"receipt.states\" are missing";
    if (is_signed != (receipt->secret.data != NULL))
        return "\"receipt.secret\" is for a \"receipt.signature\", which needs it";
    if (receipt->verify.data != NULL && receipt->signature != RECIPE_SIGNATURE_HUB)
        return "\"receipt.verifyToken\" is for \"receipt.signature: hub\"";
    if ((receipt->app.data != NULL) != (receipt->signature == RECIPE_SIGNATURE_ZALO))
        return "\"receipt.appId\" is for \"receipt.signature: zalo\", which needs it";
    return NULL;
}

bool recipe_has_reports(const struct recipe *recipe)
{
    return recipe->receipt.forms != 0;
}

bool recipe_signs_reports(const struct recipe *recipe)
{
    return recipe->receipt.secret.data != NULL;
}

struct span recipe_receipt_help(const struct recipe *recipe)
{
    return recipe->receipt.help;
}
