// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "core/decide.h"

#include "base/assert.h"
#include "core/budget.h"
#include "core/window.h"

#define VERDICT_TEXT(name, text) [name] = text,
static const char *const verdict_texts[] = {VERDICT_LIST(VERDICT_TEXT)};
#undef VERDICT_TEXT

_Static_assert(sizeof verdict_texts / sizeof verdict_texts[0] == VERDICT_COUNT_, "all have a text");

const char *verdict_text(enum verdict verdict)
{
    ASSERT(verdict < VERDICT_COUNT_);
    return verdict_texts[verdict];
}

// All that one decision reads and writes.
struct context {
    const struct policy *policy;
    struct record *record;
    const struct command *command;
    int64_t now_ms;
    struct live_code *code; // of the command's session, or NULL
    struct decision decision;
};

static bool is_session_over(const struct context *context)
{
    return context->command->kind == COMMAND_GENERATE &&
           context->now_ms >= context->command->session_expires_at_ms;
}

static bool is_exhausted(const struct live_code *code)
{
    return code->tries >= code->tries_max;
}

static bool is_of_username(const struct context *context)
{
    return context->command->card != NULL;
}

static bool is_taken(const struct context *context)
{
    return is_of_username(context) && context->record->is_bound &&
           context->record->card.tag != context->command->card->tag;
}

// What refuses before the limit or the code is looked at, in the order of contract section 4.
static enum verdict check_session(const struct context *context)
{
    const struct command *command = context->command;
    if (is_session_over(context) || record_is_spent(context->record, command->session.id))
        return VERDICT_SESSION_INVALID;
    if (context->code != NULL && context->code->session.binding != command->session.binding)
        return VERDICT_BINDING_DIFFERS;
    if (context->code != NULL && is_exhausted(context->code))
        return VERDICT_TOO_MANY_TRIES;
    if (!budget_allows(context->record, context->policy, command->device, context->now_ms))
        return VERDICT_TOO_MANY_TRIES;
    return is_taken(context) ? VERDICT_USERNAME_TAKEN : VERDICT_DONE;
}

// The same code goes out again while at least half of its life is left.
static bool may_resend_same(const struct context *context)
{
    const struct live_code *code = context->code;
    int64_t left_ms = code->expires_at_ms - context->now_ms;
    bool has_keys = epoch_find(context->command->epochs, code->epoch) != NULL;
    return !context->policy->is_resend_new && left_ms * 2 >= (int64_t)code->ttl_ms && has_keys;
}

// A new code for the session, with a full life. Tries already made count on, and so does their
// limit.
static void issue_code(const struct context *context, struct live_code *code)
{
    const struct policy *policy = context->policy;
    code->salt = context->command->random_salt;
    code->epoch = epoch_current(context->command->epochs)->number;
    code->length = policy->otp_length;
    code->ttl_ms = (uint32_t)policy->otp_ttl_ms;
    code->expires_at_ms = context->now_ms + policy->otp_ttl_ms;
}

static struct live_code *add_code(const struct context *context)
{
    const struct command *command = context->command;
    struct live_code *code = record_code_add(context->record);
    code->session = command->session;
    code->device = command->device;
    code->session_expires_at_s = (uint32_t)(command->session_expires_at_ms / 1000);
    code->tries_max = context->policy->otp_attempts_max;
    issue_code(context, code);
    return code;
}

static void order_send(struct context *context, const struct live_code *code)
{
    context->decision.has_send = true;
    context->decision.send = (struct send_order){
        .salt = code->salt,
        .epoch = code->epoch,
        .length = code->length,
        .channel = code->channel,
        .expires_at_ms = code->expires_at_ms,
    };
}

static struct live_code *code_to_send(const struct context *context)
{
    if (context->code == NULL)
        return add_code(context);
    if (!may_resend_same(context))
        issue_code(context, context->code);
    return context->code;
}

// A bound card stays as it is, sealing and all.
static void keep_card(const struct context *context)
{
    if (!context->record->is_bound)
        context->record->card = *context->command->card;
}

static int64_t wait_to_send_ms(const struct context *context)
{
    if (is_of_username(context))
        return 0;
    return window_wait_ms(context->record, context->policy, context->now_ms);
}

static void note_send(const struct context *context)
{
    if (is_of_username(context))
        keep_card(context);
    else
        window_add(context->record, context->now_ms);
}

static enum verdict generate(struct context *context)
{
    int64_t wait_ms = wait_to_send_ms(context);
    context->decision.retry_after_ms = wait_ms;
    if (wait_ms > 0)
        return VERDICT_TOO_MANY_SENDS;
    struct live_code *code = code_to_send(context);
    ASSERT(code->expires_at_ms > context->now_ms);
    code->channel = context->command->channel;
    note_send(context);
    order_send(context, code);
    context->decision.is_record_changed = true;
    return VERDICT_DONE;
}

static bool is_right_guess(const struct context *context)
{
    const struct command *command = context->command;
    const struct live_code *code = context->code;
    const struct epoch *epoch = epoch_find(command->epochs, code->epoch);
    if (context->now_ms >= code->expires_at_ms || epoch == NULL)
        return false;
    struct code_source source;
    struct code right;
    code_source_of(&command->key, &code->session, code->salt, &source);
    code_derive(&epoch->code, &source, code->length, &right);
    bool is_right = code_matches(&right, command->guess);
    code_wipe(&right);
    return is_right;
}

static enum verdict count_wrong_guess(struct context *context)
{
    ASSERT(context->code->tries < context->code->tries_max);
    context->code->tries++;
    budget_count_failure(context->record, context->policy, context->now_ms);
    return VERDICT_WRONG_CODE;
}

static void bind_username(const struct context *context)
{
    keep_card(context);
    context->record->is_bound = true;
}

static int64_t age_ms(const struct live_code *code, int64_t now_ms)
{
    return now_ms - (code->expires_at_ms - code->ttl_ms);
}

static enum verdict log_in(struct context *context)
{
    struct record *record = context->record;
    ASSERT(context->code != NULL);
    if (record->uid == 0)
        record->uid = (context->command->random_uid >> 1) + 1;
    context->decision.uid = record->uid;
    context->decision.code_age_ms = age_ms(context->code, context->now_ms);
    context->decision.code_channel = context->code->channel;
    if (is_of_username(context))
        bind_username(context);
    budget_clear(record, context->command->device);
    record_code_spend(record, context->code);
    return VERDICT_DONE;
}

static enum verdict validate(struct context *context)
{
    if (context->code == NULL)
        return VERDICT_NO_CODE;
    context->decision.is_record_changed = true;
    return is_right_guess(context) ? log_in(context) : count_wrong_guess(context);
}

typedef enum verdict rule(struct context *context);

static rule *const rules[] = {
    [COMMAND_GENERATE] = generate,
    [COMMAND_VALIDATE] = validate,
};

struct decision decide(const struct policy *policy, struct record *record,
                       const struct command *command, int64_t now_ms)
{
    struct context context = {
        .policy = policy, .record = record, .command = command, .now_ms = now_ms};
    policy_assert(policy);
    record_assert(record);
    ASSERT(now_ms > 0);
    record_prune(record, now_ms);
    if (is_of_username(&context))
        record_be_username(record);
    context.code = record_code_find(record, command->session.id);
    enum verdict verdict = check_session(&context);
    if (verdict == VERDICT_DONE)
        verdict = rules[command->kind](&context);
    context.decision.verdict = verdict;
    ASSERT(context.decision.has_send <= context.decision.is_record_changed);
    record_assert(record);
    return context.decision;
}
