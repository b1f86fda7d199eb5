// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A plan is a recipe with the values of its parameters in place: runs of literal bytes, encoded for
// where they stand, between the few things that each message brings. What a value holds has no say
// in the structure, and sending does nothing but copy and encode.
#include "base/assert.h"
#include "channel/recipe_inside.h"
#include "crypto/pure/base64.h"
#include "crypto/pure/mac.h"

#include <stdlib.h>

#define MS_PER_DAY ((int64_t)24 * 3600 * 1000)
#define SECRET_SHOWN_LEAST 4U // shorter ones would blot out half of what a provider says

struct plan_mark plan_mark(const struct recipe_plan *plan)
{
    struct plan_mark mark = {plan->ops_count, plan->literals.hidden.len, {0}};
    if (plan->ops_count > 0)
        mark.last = plan->ops[plan->ops_count - 1];
    return mark;
}

void plan_rewind(struct recipe_plan *plan, const struct plan_mark *mark)
{
    plan->ops_count = mark->ops_count;
    plan->literals.hidden.len = mark->literals_len;
    if (mark->ops_count > 0)
        plan->ops[mark->ops_count - 1] = mark->last;
}

static void add_op(struct recipe_plan *plan, struct plan_op op)
{
    if (plan->ops_count == PLAN_OPS_MAX) {
        plan->has_too_many = true;
        return;
    }
    plan->ops[plan->ops_count++] = op;
}

void plan_put_literal(struct recipe_plan *plan, enum wire_encoding encoding, struct span literal)
{
    size_t from = plan->literals.hidden.len;
    wire_put(&plan->literals, encoding, literal);
    size_t len = plan->literals.hidden.len - from;
    struct plan_op *last = plan->ops_count > 0 ? &plan->ops[plan->ops_count - 1] : NULL;
    if (len == 0)
        return;
    if (last != NULL && last->kind == PLAN_LITERAL && (size_t)last->from + last->len == from)
        last->len = (uint16_t)(last->len + len);
    else
        add_op(plan, (struct plan_op){PLAN_LITERAL, WIRE_RAW, (uint16_t)from, (uint16_t)len});
}

// False when the messages lack it. What the forms have to tell apart is noted on the way.
static bool put_value(struct recipe_plan *plan, const struct plan_binding *binding,
                      enum wire_encoding encoding, size_t value)
{
    if (value >= RECIPE_VALUES_ALWAYS) {
        plan->used |= RECIPE_PRESENT(value);
        if ((binding->present & RECIPE_PRESENT(value)) == 0)
            return false;
    }
    add_op(plan, (struct plan_op){
                     .kind = PLAN_VALUE, .encoding = (uint8_t)encoding, .from = (uint16_t)value});
    return true;
}

static bool put_parameter(struct recipe_plan *plan, const struct plan_binding *binding,
                          struct plan_encodings encodings, const struct recipe_part *part)
{
    uint8_t overrider = binding->recipe->overriders[part->index];
    struct span value = binding->values[part->index];
    if (overrider != 0 && put_value(plan, binding, encodings.data, overrider))
        return true;
    if (value.data == NULL)
        return false;
    if (plan->is_noting && part->filter != RECIPE_FILTER_URL)
        plan->probed |= 1U << part->index;
    plan_put_literal(plan, part->filter == RECIPE_FILTER_URL ? WIRE_RAW : encodings.data, value);
    return true;
}

static bool put_part(struct recipe_plan *plan, const struct plan_binding *binding,
                     struct plan_encodings encodings, const struct recipe_part *part)
{
    switch (part->kind) {
    case RECIPE_PART_LITERAL:
        plan_put_literal(plan, encodings.literal, part->literal);
        return true;
    case RECIPE_PART_VALUE:
        if (part->index == RECIPE_TOKEN_PROOF && plan->proof_key.data == NULL)
            return false;
        return put_value(plan, binding, encodings.data, part->index);
    case RECIPE_PART_PARAMETER:
        return put_parameter(plan, binding, encodings, part);
    }
    UNREACHABLE();
}

bool plan_put_template(struct recipe_plan *plan, const struct plan_binding *binding,
                       struct plan_encodings encodings, struct span template)
{
    bool is_set = true;
    while (template.len > 0) { // to its end, since `used` is to know all of it
        struct recipe_part part;
        enum err err = recipe_part_take(binding->recipe, &template, &part, NULL);
        ASSERT(err == ERR_OK); // checked when the recipe was compiled
        is_set = put_part(plan, binding, encodings, &part) && is_set;
    }
    return is_set;
}

// "name=value" pairs behind `separator`, then "&". Pairs with an unset parameter are left out.
static void put_pairs(struct recipe_plan *plan, const struct plan_binding *binding,
                      const struct recipe_pairs *pairs, const char *separator)
{
    for (size_t i = 0; i < pairs->count; i++) {
        const struct recipe_pair *pair = &pairs->held[i];
        static const struct plan_encodings form = {WIRE_FORM, WIRE_FORM};
        static const struct plan_encodings query = {WIRE_URL, WIRE_URL};
        bool is_form = pairs != &binding->recipe->query;
        struct plan_mark mark = plan_mark(plan);
        plan_put_literal(plan, WIRE_RAW, span_of_text(separator));
        plan_put_literal(plan, is_form ? WIRE_FORM : WIRE_URL, pair->name);
        plan_put_literal(plan, WIRE_RAW, SPAN("="));
        if (plan_put_template(plan, binding, is_form ? form : query, pair->template))
            separator = "&";
        else
            plan_rewind(plan, &mark);
    }
}

static void put_url(struct recipe_plan *plan, const struct plan_binding *binding)
{
    static const struct plan_encodings url = {WIRE_RAW, WIRE_URL};
    bool is_set = plan_put_template(plan, binding, url, binding->recipe->url);
    ASSERT(is_set); // an optional parameter may not stand there
    put_pairs(plan, binding, &binding->recipe->query, "?");
    plan_put_literal(plan, WIRE_RAW, SPAN("\0"));
}

static void put_header(struct recipe_plan *plan, const struct plan_binding *binding,
                       struct span name, struct span template)
{
    // Literals were looked at when the recipe was compiled; one may end in a space.
    static const struct plan_encodings encodings = {WIRE_RAW, WIRE_HEADER};
    struct plan_mark mark = plan_mark(plan);
    plan_put_literal(plan, WIRE_RAW, name);
    plan_put_literal(plan, WIRE_RAW, SPAN(": "));
    if (!plan_put_template(plan, binding, encodings, template))
        plan_rewind(plan, &mark);
    else
        plan_put_literal(plan, WIRE_RAW, SPAN("\0"));
}

// A text of parameters alone, NUL-terminated, in the literals but of no op.
static struct span put_aside(struct recipe_plan *plan, const struct plan_binding *binding,
                             struct span template)
{
    static const struct plan_encodings raw = {WIRE_RAW, WIRE_RAW};
    size_t ops_count = plan->ops_count;
    size_t from = plan->literals.hidden.len;
    // An op of its own, for the next literal to begin another one.
    add_op(plan, (struct plan_op){.kind = PLAN_VALUE});
    bool is_set = plan_put_template(plan, binding, raw, template);
    ASSERT(is_set);
    size_t len = plan->literals.hidden.len - from;
    wire_put(&plan->literals, WIRE_RAW, SPAN("\0"));
    plan->ops_count = ops_count;
    return span_make(plan->literals_held + from, len);
}

static struct span put_aside_joined(struct recipe_plan *plan, struct span a, struct span b)
{
    size_t from = plan->literals.hidden.len;
    wire_put(&plan->literals, WIRE_RAW, a);
    wire_put(&plan->literals, WIRE_RAW, SPAN(":"));
    wire_put(&plan->literals, WIRE_RAW, b);
    size_t len = plan->literals.hidden.len - from;
    wire_put(&plan->literals, WIRE_RAW, SPAN("\0"));
    return span_make(plan->literals_held + from, len);
}

static void put_basic(struct recipe_plan *plan, struct span user_password)
{
    plan_put_literal(plan, WIRE_RAW, SPAN("Authorization: Basic "));
    uint8_t text[4 * RECIPE_VALUE_BYTES_MAX];
    struct strbuf base64 = strbuf_over(text, sizeof text);
    base64_put(&base64, user_password);
    if (base64.is_overflowed)
        plan->has_too_many = true;
    plan_put_literal(plan, WIRE_RAW, strbuf_span(&base64));
    plan_put_literal(plan, WIRE_RAW, SPAN("\0"));
    wipe(text, sizeof text);
}

struct span recipe_signing_key(struct span secret, uint8_t *room, size_t cap)
{
    static const struct span prefix = SPAN("whsec_");
    size_t len = 0;
    if (!span_starts_with(secret, prefix))
        return secret;
    if (!base64_take(span_from(secret, prefix.len), room, cap, &len))
        return (struct span){0};
    return span_make(room, len);
}

static struct span put_signing_key(struct recipe_plan *plan, struct span secret)
{
    size_t from = plan->literals.hidden.len;
    uint8_t *room = plan->literals_held + from;
    struct span key = recipe_signing_key(secret, room, PLAN_LITERALS_BYTES_MAX - from);
    if (key.data == room)
        plan->literals.hidden.len += key.len;
    return key;
}

// Its parameters are set.
static bool is_proof_wanted(const struct plan_binding *binding)
{
    struct span rest = binding->recipe->proof;
    bool is_set = rest.len > 0;
    while (rest.len > 0) {
        struct recipe_part part;
        enum err err = recipe_part_take(binding->recipe, &rest, &part, NULL);
        ASSERT(err == ERR_OK); // checked when the recipe was compiled
        if (part.kind == RECIPE_PART_PARAMETER && binding->values[part.index].data == NULL)
            is_set = false;
    }
    return is_set;
}

static void put_auth_aside(struct recipe_plan *plan, const struct plan_binding *binding)
{
    const struct recipe *recipe = binding->recipe;
    if (recipe->auth == RECIPE_AUTH_STANDARD_WEBHOOKS) {
        plan->signing_key = put_signing_key(plan, put_aside(plan, binding, recipe->secret));
        return;
    }
    if (recipe->auth == RECIPE_AUTH_ROTATING && is_proof_wanted(binding))
        plan->proof_key = put_aside(plan, binding, recipe->proof);
    if (recipe->auth != RECIPE_AUTH_AWS)
        return;
    struct span region = put_aside(plan, binding, recipe->region);
    struct span service = put_aside(plan, binding, recipe->service);
    struct span user = put_aside(plan, binding, recipe->user);
    struct span password = put_aside(plan, binding, recipe->password);
    plan->aws_user = (const char *)put_aside_joined(plan, user, password).data;
    plan->aws_sigv4 = (const char *)plan->literals_held + plan->literals.hidden.len;
    wire_put(&plan->literals, WIRE_RAW, SPAN("aws:amz:"));
    (void)put_aside_joined(plan, region, service);
}

static void put_auth_header(struct recipe_plan *plan, const struct plan_binding *binding)
{
    const struct recipe *recipe = binding->recipe;
    if (recipe->auth == RECIPE_AUTH_BASIC) {
        struct span user = put_aside(plan, binding, recipe->user);
        struct span password = put_aside(plan, binding, recipe->password);
        put_basic(plan, put_aside_joined(plan, user, password));
    }
    if (recipe->auth == RECIPE_AUTH_BEARER) {
        struct span token = put_aside(plan, binding, recipe->token);
        plan_put_literal(plan, WIRE_RAW, SPAN("Authorization: Bearer "));
        plan_put_literal(plan, WIRE_HEADER, token);
        plan_put_literal(plan, WIRE_RAW, SPAN("\0"));
    }
}

static bool has_pair(const struct recipe_pairs *pairs, struct span name)
{
    for (size_t i = 0; i < pairs->count; i++) {
        if (span_eq_nocase(pairs->held[i].name, name))
            return true;
    }
    return false;
}

static void put_content_type(struct recipe_plan *plan, const struct plan_binding *binding,
                             const json_t *json, const struct recipe_pairs *form)
{
    if (json != NULL)
        put_header(plan, binding, SPAN("Content-Type"), SPAN("application/json"));
    if (form->count > 0)
        put_header(plan, binding, SPAN("Content-Type"), SPAN("application/x-www-form-urlencoded"));
}

static void put_headers(struct recipe_plan *plan, const struct plan_binding *binding)
{
    const struct recipe *recipe = binding->recipe;
    put_auth_header(plan, binding);
    if (!has_pair(&recipe->headers, SPAN("content-type")))
        put_content_type(plan, binding, recipe->json, &recipe->form);
    for (size_t i = 0; i < recipe->headers.count; i++)
        put_header(plan, binding, recipe->headers.held[i].name, recipe->headers.held[i].template);
}

static void put_body(struct recipe_plan *plan, const struct plan_binding *binding)
{
    if (binding->recipe->json != NULL)
        plan_put_json(plan, binding, binding->recipe->json);
    else
        put_pairs(plan, binding, &binding->recipe->form, "");
}

static void put_token_url(struct recipe_plan *plan, const struct plan_binding *binding)
{
    static const struct plan_encodings url = {WIRE_RAW, WIRE_URL};
    bool is_set = plan_put_template(plan, binding, url, binding->recipe->renewal.url);
    ASSERT(is_set); // an optional parameter may not stand there
    plan_put_literal(plan, WIRE_RAW, SPAN("\0"));
}

static void put_token_headers(struct recipe_plan *plan, const struct plan_binding *binding)
{
    const struct recipe_pairs *headers = &binding->recipe->renewal.headers;
    put_header(plan, binding, SPAN("Content-Type"), SPAN("application/x-www-form-urlencoded"));
    for (size_t i = 0; i < headers->count; i++)
        put_header(plan, binding, headers->held[i].name, headers->held[i].template);
}

static void put_token_body(struct recipe_plan *plan, const struct plan_binding *binding)
{
    put_pairs(plan, binding, &binding->recipe->renewal.form, "");
}

static void put_probe_url(struct recipe_plan *plan, const struct plan_binding *binding)
{
    static const struct plan_encodings url = {WIRE_RAW, WIRE_URL};
    bool is_set = plan_put_template(plan, binding, url, binding->recipe->probe.url);
    ASSERT(is_set); // an optional parameter may not stand there
    plan_put_literal(plan, WIRE_RAW, SPAN("\0"));
}

static void put_probe_login(struct recipe_plan *plan, const struct plan_binding *binding)
{
    const struct recipe_probe *probe = &binding->recipe->probe;
    if (probe->user.data == NULL) {
        put_auth_header(plan, binding);
        return;
    }
    struct span user = put_aside(plan, binding, probe->user);
    struct span password = put_aside(plan, binding, probe->password);
    put_basic(plan, put_aside_joined(plan, user, password));
}

// The recipe's own, but for those that the probe has too.
static void put_probe_headers(struct recipe_plan *plan, const struct plan_binding *binding)
{
    const struct recipe_pairs *usual = &binding->recipe->headers;
    const struct recipe_probe *probe = &binding->recipe->probe;
    bool has_type =
        has_pair(usual, SPAN("content-type")) || has_pair(&probe->headers, SPAN("content-type"));
    put_probe_login(plan, binding);
    if (!has_type)
        put_content_type(plan, binding, probe->json, &probe->form);
    for (size_t i = 0; i < usual->count; i++) {
        if (!has_pair(&probe->headers, usual->held[i].name))
            put_header(plan, binding, usual->held[i].name, usual->held[i].template);
    }
    for (size_t i = 0; i < probe->headers.count; i++)
        put_header(plan, binding, probe->headers.held[i].name, probe->headers.held[i].template);
}

static void put_probe_body(struct recipe_plan *plan, const struct plan_binding *binding)
{
    const struct recipe_probe *probe = &binding->recipe->probe;
    if (probe->json != NULL)
        plan_put_json(plan, binding, probe->json);
    else
        put_pairs(plan, binding, &probe->form, "");
}

static void keep_secrets(struct recipe_plan *plan, const struct plan_binding *binding)
{
    for (size_t i = 0; i < binding->recipe->parameters_count; i++) {
        struct span value = binding->values[i];
        if (!binding->recipe->parameters[i].is_secret || value.len < SECRET_SHOWN_LEAST)
            continue;
        size_t from = plan->literals.hidden.len;
        wire_put(&plan->literals, WIRE_RAW, value);
        plan->secrets[plan->secrets_count++] = span_make(plan->literals_held + from, value.len);
    }
}

static struct plan_ops put_section(struct recipe_plan *plan, const struct plan_binding *binding,
                                   void (*put)(struct recipe_plan *, const struct plan_binding *))
{
    size_t first = plan->ops_count;
    put(plan, binding);
    struct plan_ops section = {first, plan->ops_count - first};
    // What comes next must not grow into this section's last literal.
    wire_put(&plan->literals, WIRE_RAW, SPAN("\0"));
    return section;
}

// Notes on the way which parameters the provider gets to see.
static void put_probe(struct recipe_plan *plan, const struct plan_binding *binding)
{
    plan->is_noting = true;
    plan->probe_url = put_section(plan, binding, put_probe_url);
    plan->probe_headers = put_section(plan, binding, put_probe_headers);
    plan->probe_body = put_section(plan, binding, put_probe_body);
    plan->is_noting = false;
}

static enum err build(struct recipe_plan *plan, const struct plan_binding *binding,
                      struct err_info *info)
{
    plan->is_noting = true; // what signs messages signs probes too
    put_auth_aside(plan, binding);
    plan->is_noting = false;
    keep_secrets(plan, binding);
    plan->url = put_section(plan, binding, put_url);
    plan->headers = put_section(plan, binding, put_headers);
    plan->body = put_section(plan, binding, put_body);
    if (binding->recipe->auth == RECIPE_AUTH_ROTATING) {
        plan->token_url = put_section(plan, binding, put_token_url);
        plan->token_headers = put_section(plan, binding, put_token_headers);
        plan->token_body = put_section(plan, binding, put_token_body);
    }
    if (binding->recipe->probe.url.data != NULL)
        put_probe(plan, binding);
    bool is_signed = binding->recipe->auth == RECIPE_AUTH_STANDARD_WEBHOOKS;
    if (is_signed && plan->signing_key.len == 0) {
        err_info_set(info, "the signing secret is no \"whsec_\" with base64 behind it");
        return ERR_INVALID;
    }
    if (wire_is_whole(&plan->literals) && !plan->has_too_many)
        return ERR_OK;
    err_info_set(info, plan->literals.is_refused ? "a value has a character that a header cannot "
                                                   "have"
                                                 : "the values are too long");
    return ERR_INVALID;
}

// NULL when it fails.
static enum err make_form(const struct plan_binding *binding, struct recipe_plan **out,
                          struct err_info *info)
{
    struct recipe_plan *plan = calloc(1, sizeof *plan);
    *out = NULL;
    if (plan == NULL)
        return ERR_NO_MEMORY;
    plan->recipe = binding->recipe;
    plan->is_plain = binding->is_plain;
    plan->literals = wire_over(plan->literals_held, sizeof plan->literals_held);
    enum err err = build(plan, binding, info);
    if (err != ERR_OK)
        recipe_plan_destroy(&plan);
    *out = plan;
    return err;
}

enum err recipe_bind(const struct recipe *recipe, const struct recipe_setting *settings,
                     size_t count, struct recipe_plan **out, struct err_info *info)
{
    struct plan_binding binding = {.recipe = recipe};
    enum err err = plan_binding_fill(&binding, settings, count, info);
    *out = NULL;
    if (err == ERR_OK)
        err = make_form(&binding, out, info);
    for (uint32_t set = 1; err == ERR_OK && set < PLAN_FORMS_MAX; set++) {
        binding.present = set;
        if ((set & ~(*out)->used) == 0)
            err = make_form(&binding, &(*out)->forms[set], info);
    }
    if (err != ERR_OK)
        recipe_plan_destroy(out);
    return err;
}

bool recipe_plan_is_plain(const struct recipe_plan *plan)
{
    return plan->is_plain;
}

bool recipe_plan_is_rotating(const struct recipe_plan *plan)
{
    return plan->recipe->auth == RECIPE_AUTH_ROTATING;
}

int64_t recipe_plan_refresh_ms(const struct recipe_plan *plan)
{
    return (int64_t)plan->recipe->renewal.refresh_days * MS_PER_DAY;
}

static void form_destroy(struct recipe_plan **form)
{
    if (*form == NULL)
        return;
    wipe(*form, sizeof **form);
    free(*form);
    *form = NULL;
}

void recipe_plan_destroy(struct recipe_plan **plan)
{
    if (*plan == NULL)
        return;
    for (size_t i = 0; i < PLAN_FORMS_MAX; i++)
        form_destroy(&(*plan)->forms[i]);
    form_destroy(plan);
}
