// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What fields of a recipe demand of each other, when each of them has been taken.
#include "channel/recipe_inside.h"

struct demand {
    bool is_met;
    const char *story;
};

struct checker {
    const struct recipe *recipe;
    recipe_on_fault *on_fault;
    void *ctx;
};

static void check(const struct checker *checker, const struct demand *demands, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!demands[i].is_met)
            checker->on_fault(checker->ctx, demands[i].story);
    }
}

static void check_request(const struct checker *checker)
{
    const struct recipe *recipe = checker->recipe;
    bool has_form = recipe->form.count > 0;
    bool has_body = recipe->json != NULL || has_form;
    const struct demand demands[] = {
        {recipe->name.data != NULL, "there is no \"recipe\", which names it"},
        {recipe->channels != 0, "there are no \"channels\""},
        {recipe->url.data != NULL, "there is no \"request.url\""},
        {recipe->json == NULL || !has_form, "there are both \"json\" and \"form\""},
        {recipe->method != RECIPE_GET || !has_body, "a GET has no body"},
    };
    check(checker, demands, sizeof demands / sizeof demands[0]);
}

// What the ways of proving who one is need.
static void check_auth(const struct checker *checker)
{
    const struct recipe *recipe = checker->recipe;
    bool has_user = recipe->user.data != NULL && recipe->password.data != NULL;
    bool has_scope = recipe->region.data != NULL && recipe->service.data != NULL;
    bool is_pair = recipe->auth == RECIPE_AUTH_BASIC || recipe->auth == RECIPE_AUTH_AWS;
    const struct demand demands[] = {
        {!is_pair || has_user, "\"auth.user\" and \"auth.password\" are missing"},
        {recipe->auth != RECIPE_AUTH_AWS || has_scope,
         "\"auth.region\" and \"auth.service\" are missing"},
        {recipe->auth != RECIPE_AUTH_BEARER || recipe->token.data != NULL,
         "\"auth.token\" is missing"},
        {recipe->auth != RECIPE_AUTH_STANDARD_WEBHOOKS || recipe->secret.data != NULL,
         "\"auth.secret\" is missing"},
    };
    check(checker, demands, sizeof demands / sizeof demands[0]);
}

static bool has_token_reason(const struct recipe *recipe)
{
    const struct recipe_map *const maps[] = {&recipe->statuses, &recipe->codes, &recipe->texts};
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        for (size_t k = 0; k < maps[i]->count; k++) {
            if (maps[i]->held[k].reason == SEND_TOKEN_ENDED)
                return true;
        }
    }
    return false;
}

static void check_token(const struct checker *checker)
{
    const struct recipe *recipe = checker->recipe;
    const struct recipe_renewal *token = &recipe->renewal;
    bool is_rotating = recipe->auth == RECIPE_AUTH_ROTATING;
    bool has_request = token->url.data != NULL && token->form.count > 0;
    bool has_paths =
        token->access.data != NULL && token->refresh.data != NULL && token->seconds.data != NULL;
    bool has_any = token->url.data != NULL || token->form.count > 0 || token->headers.count > 0;
    const struct demand demands[] = {
        {!is_rotating || has_request, "\"token.url\" and \"token.form\" are missing"},
        {!is_rotating || has_paths,
         "\"token.access\", \"token.refresh\" and \"token.seconds\" are missing"},
        {!is_rotating || token->refresh_days > 0, "\"token.refreshDays\" is missing"},
        {is_rotating || !has_any, "\"token\" is of no use without \"auth.kind: rotating\""},
        {is_rotating || !has_token_reason(recipe),
         "\"token_ended\" is of no use without \"auth.kind: rotating\""},
    };
    check(checker, demands, sizeof demands / sizeof demands[0]);
}

static bool has_probe_part(const struct recipe_probe *probe)
{
    return probe->help.data != NULL || probe->user.data != NULL || probe->password.data != NULL ||
           probe->headers.count > 0 || probe->form.count > 0 || probe->json != NULL ||
           probe->statuses.count > 0 || probe->codes.count > 0 || probe->texts.count > 0 ||
           probe->method != RECIPE_PROBE_GET || probe->reply.accepted_path.data != NULL ||
           probe->reply.accepted_values.data != NULL || probe->reply.code.data != NULL ||
           probe->reply.words.data != NULL;
}

static void check_probe(const struct checker *checker)
{
    const struct recipe_probe *probe = &checker->recipe->probe;
    bool has_path = probe->reply.accepted_path.data != NULL;
    bool has_body = probe->json != NULL || probe->form.count > 0;
    const struct demand demands[] = {
        {probe->url.data != NULL || !has_probe_part(probe),
         "\"probe\" is of no use without \"probe.url\""},
        {(probe->user.data == NULL) == (probe->password.data == NULL),
         "\"probe.user\" and \"probe.password\" belong together"},
        {probe->json == NULL || probe->form.count == 0,
         "there are both \"probe.json\" and \"probe.form\""},
        {probe->method == RECIPE_PROBE_POST || !has_body, "a probe by GET has no body"},
        {probe->reply.accepted_values.data == NULL || has_path,
         "\"probe.acceptedValues\" is of no use without \"probe.acceptedPath\""},
        {!has_path || checker->recipe->reply.format != RECIPE_NOTHING,
         "a reply of no format has no \"probe.acceptedPath\""},
    };
    check(checker, demands, sizeof demands / sizeof demands[0]);
}

static void check_replies(const struct checker *checker)
{
    const struct recipe_reply *reply = &checker->recipe->reply;
    bool has_path = reply->accepted_path.data != NULL;
    const struct demand demands[] = {
        {reply->accepted_values.data == NULL || has_path,
         "\"reply.acceptedValues\" is of no use without \"reply.acceptedPath\""},
        {!has_path || reply->format != RECIPE_NOTHING,
         "a reply of no format has no \"reply.acceptedPath\""},
    };
    check(checker, demands, sizeof demands / sizeof demands[0]);
}

// What overrides a secret would be told where secrets are kept out.
static void check_overriders(const struct checker *checker)
{
    const struct recipe *recipe = checker->recipe;
    struct demand demand = {true, "a secret parameter has no \"overriddenBy\""};
    for (size_t i = 0; i < recipe->parameters_count; i++)
        demand.is_met &= !recipe->parameters[i].is_secret || recipe->overriders[i] == 0;
    check(checker, &demand, 1);
}

static void check_receipts(const struct checker *checker)
{
    const char *fault = recipe_receipt_fault(checker->recipe);
    const struct demand demand = {fault == NULL, fault};
    check(checker, &demand, 1);
}

void recipe_check_whole(const struct recipe *recipe, recipe_on_fault *on_fault, void *ctx)
{
    const struct checker checker = {recipe, on_fault, ctx};
    check_overriders(&checker);
    check_request(&checker);
    check_auth(&checker);
    check_token(&checker);
    check_probe(&checker);
    check_replies(&checker);
    check_receipts(&checker);
}
