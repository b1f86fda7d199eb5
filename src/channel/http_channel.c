// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A job is one message on its way; the transport reads the request from the job's own storage, and
// the courier's message is borrowed until its result has been told.
//
//   waiting ──ready──▶ asking ──go──▶ written, on its way ──▶ result
//
// The request is written when a connection is ready and the message is wanted. Until then it has
// nothing but the place that it leads to.
#include "channel/http_channel.h"

#include "crypto/pure/mac.h"

#include <stdlib.h>

struct job {
    struct http_channel *channel;
    struct job *next_free;
    struct sending *sending; // NULL: nobody is asked before it goes
    const struct send_request *message;
    send_done *on_result;
    void *ctx;
    struct vendor_request request;
    struct token_text token; // empty: the plan wants none
    uint64_t token_version;
    uint8_t url[HTTP_URL_BYTES_MAX];
    uint8_t headers[HTTP_HEADERS_BYTES_MAX];
    uint8_t body[HTTP_BODY_BYTES_MAX];
};

struct http_channel {
    struct channel base;
    struct http_transport transport;
    struct recipe_plan *plan;
    struct token_source *tokens; // NULL: none, or nobody set it
    struct job *jobs;
    struct job *first_free;
    size_t in_flight;
    struct message probe_text;
    struct send_request probe; // stands for a message in probes
};

// Nothing is started that would come after its code's end.
static int64_t wait_ms_of(const struct send_request *message)
{
    int64_t left_ms = message->deadline_at_ms - message->sent_at_ms;
    if (left_ms < 0)
        return 0;
    return left_ms < HTTP_WAIT_MS_MAX ? left_ms : HTTP_WAIT_MS_MAX;
}

static void job_begin(struct job *job, const struct sending *sending)
{
    struct http_channel *channel = job->channel;
    channel->first_free = job->next_free;
    channel->in_flight++;
    job->sending = NULL;
    job->message = sending->request;
    job->on_result = sending->on_result;
    job->ctx = sending->ctx;
    job->request = (struct vendor_request){
        .url = wire_over(job->url, sizeof job->url),
        .headers = wire_over(job->headers, sizeof job->headers),
        .body = wire_over(job->body, sizeof job->body),
        .wait_ms = wait_ms_of(sending->request),
    };
}

static void job_end(struct job *job)
{
    struct http_channel *channel = job->channel;
    wire_wipe(&job->request.url);
    wire_wipe(&job->request.headers);
    wire_wipe(&job->request.body);
    wipe(job->token.bytes, job->token.len);
    job->token.len = 0;
    job->next_free = channel->first_free;
    channel->first_free = job;
    channel->in_flight--;
}

// The job is free before the result is told: whoever is told may send at once.
static void on_outcome(void *ctx, const struct http_outcome *outcome)
{
    struct job *job = ctx;
    struct recipe_verdict verdict;
    send_done *on_result = job->on_result;
    void *result_ctx = job->ctx;
    struct token_source *tokens = job->channel->tokens;
    recipe_judge(job->channel->plan, job->message, token_span(&job->token), outcome, &verdict);
    if (verdict.result.reason == SEND_TOKEN_ENDED)
        token_source_refused(tokens, job->token_version, &verdict.result);
    job_end(job);
    on_result(result_ctx, &verdict.result);
}

static void end_unsent(struct job *job, const struct send_result *result)
{
    send_done *on_result = job->on_result;
    void *ctx = job->ctx;
    job_end(job);
    on_result(ctx, result);
}

// The same message would not fit the next time either.
static struct send_result refusal(const struct err_info *info)
{
    return (struct send_result){
        .outcome = SEND_REFUSED,
        .reason = SEND_TEMPLATE_PARAMS,
        .words = span_of_text(info->text),
    };
}

// False: there is no access token, and *result_out says what becomes of the message.
static bool take_token(struct job *job, struct send_result *result_out)
{
    struct http_channel *channel = job->channel;
    if (!recipe_plan_is_rotating(channel->plan))
        return true;
    if (channel->tokens != NULL)
        return token_source_use(channel->tokens, &job->token, &job->token_version, result_out);
    *result_out = (struct send_result){
        .outcome = SEND_REFUSED,
        .reason = SEND_AUTH_FAILED,
        .words = SPAN("the access token of this provider is the running server's alone; otpd "
                      "provider tokens show tells how it is"),
    };
    return false;
}

static void refuse_crowd(send_done *on_result, void *ctx)
{
    on_result(ctx, &(struct send_result){
                       .outcome = SEND_RETRY,
                       .reason = SEND_THROTTLED,
                       .words = SPAN("too many messages are on their way to this provider"),
                   });
}

// False: it cannot be sent, and has ended.
static bool write_request(struct job *job, struct send_result *unsent_out, struct err_info *info)
{
    if (!take_token(job, unsent_out))
        return false;
    wire_wipe(&job->request.url);
    if (recipe_render(job->channel->plan, job->message, token_span(&job->token), &job->request,
                      info) == ERR_OK)
        return true;
    *unsent_out = refusal(info);
    return false;
}

static void start(struct job *job, http_done *on_done)
{
    const struct http_transport *transport = &job->channel->transport;
    transport->start(transport->transport, &job->request, on_done, job);
}

static void on_ready(void *ctx)
{
    struct job *job = ctx;
    job->sending->held = job;
    job->sending->on_ready(job->sending);
}

static void http_channel_send(struct channel *base, struct sending *sending)
{
    struct http_channel *channel = (struct http_channel *)base;
    struct job *job = channel->first_free;
    struct send_result unsent;
    struct err_info info;
    if (job == NULL) {
        refuse_crowd(sending->on_result, sending->ctx);
        return;
    }
    job_begin(job, sending);
    if (sending->on_ready != NULL) {
        job->sending = sending;
        job->request.on_ready = on_ready;
        recipe_render_place(channel->plan, &job->request.url);
        start(job, on_outcome);
    } else if (write_request(job, &unsent, &info)) {
        start(job, on_outcome);
    } else {
        end_unsent(job, &unsent);
    }
}

static void http_channel_go(struct channel *base, struct sending *sending, bool is_wanted)
{
    struct http_channel *channel = (struct http_channel *)base;
    struct job *job = sending->held;
    struct send_result unsent;
    struct err_info info;
    bool is_written = is_wanted && write_request(job, &unsent, &info);
    channel->transport.go(channel->transport.transport, &job->request, is_written);
    if (!is_wanted)
        job_end(job);
    else if (!is_written)
        end_unsent(job, &unsent);
}

static void on_answered(void *ctx, const struct http_outcome *outcome)
{
    struct job *job = ctx;
    struct recipe_verdict verdict;
    recipe_probe_judge(job->channel->plan, job->message, token_span(&job->token), outcome,
                       &verdict);
    end_unsent(job, &verdict.result);
}

static void on_connected(void *ctx, const struct http_outcome *outcome)
{
    struct job *job = ctx;
    bool is_ready = outcome->phase == HTTP_CONNECTED;
    const struct send_result result = {
        .outcome = is_ready ? SEND_ACCEPTED : SEND_RETRY,
        .reason = is_ready ? SEND_REASON_NONE : SEND_VENDOR_DOWN,
        .words = is_ready ? SPAN("") : span_of_text(outcome->failure),
    };
    end_unsent(job, &result);
}

bool http_channel_can_ask(const struct channel *base)
{
    const struct http_channel *channel = (const struct http_channel *)base;
    bool has_token = !recipe_plan_is_rotating(channel->plan) || channel->tokens != NULL;
    return recipe_plan_has_probe(channel->plan) && has_token;
}

static enum err render_probe(struct job *job, struct err_info *info)
{
    const struct http_channel *channel = job->channel;
    const struct recipe_question question = {job->message->id, job->message->sent_at_ms,
                                             token_span(&job->token)};
    if (job->request.is_probe)
        return recipe_render(channel->plan, job->message, SPAN(""), &job->request, info);
    return recipe_probe_render(channel->plan, &question, &job->request, info);
}

static void start_probe(struct job *job)
{
    const struct http_channel *channel = job->channel;
    struct err_info info;
    struct send_result unsent;
    job->request.is_probe = !http_channel_can_ask(&channel->base);
    if (!job->request.is_probe && !take_token(job, &unsent)) {
        end_unsent(job, &unsent);
        return;
    }
    if (render_probe(job, &info) == ERR_OK) {
        start(job, job->request.is_probe ? on_connected : on_answered);
        return;
    }
    unsent = refusal(&info);
    end_unsent(job, &unsent);
}

void http_channel_probe(struct channel *base, uint64_t id, int64_t now_ms, send_done *on_result,
                        void *ctx)
{
    struct http_channel *channel = (struct http_channel *)base;
    struct job *job = channel->first_free;
    if (job == NULL) {
        refuse_crowd(on_result, ctx);
        return;
    }
    message_init(&channel->probe_text);
    channel->probe = (struct send_request){
        .id = id,
        .to = SPAN("12025550100"),
        .text = &channel->probe_text,
        .otp_only = &channel->probe_text,
        .sent_at_ms = now_ms,
        .deadline_at_ms = now_ms + HTTP_WAIT_MS_MAX,
    };
    job_begin(job,
              &(struct sending){.request = &channel->probe, .on_result = on_result, .ctx = ctx});
    start_probe(job);
}

void http_channel_set_tokens(struct channel *base, struct token_source *tokens)
{
    struct http_channel *channel = (struct http_channel *)base;
    ASSERT(channel->in_flight == 0);
    channel->tokens = tokens;
}

const struct recipe_plan *http_channel_plan(const struct channel *base)
{
    return ((const struct http_channel *)base)->plan;
}

static void http_channel_destroy(struct channel *base)
{
    struct http_channel *channel = (struct http_channel *)base;
    ASSERT(channel->in_flight == 0);
    recipe_plan_destroy(&channel->plan);
    free(channel->jobs);
    free(channel);
}

static const struct channel_ops http_channel_ops = {
    .send = http_channel_send,
    .go = http_channel_go,
    .destroy = http_channel_destroy,
};

enum err http_channel_create(struct recipe_plan **plan, const struct http_transport *transport,
                             size_t in_flight_max, struct channel **out)
{
    struct http_channel *channel = calloc(1, sizeof *channel);
    struct job *jobs = calloc(in_flight_max, sizeof *jobs);
    ASSERT(in_flight_max > 0);
    if (channel == NULL || jobs == NULL) {
        free(channel);
        free(jobs);
        recipe_plan_destroy(plan);
        return ERR_NO_MEMORY;
    }
    *channel = (struct http_channel){
        .base = {&http_channel_ops}, .transport = *transport, .plan = *plan, .jobs = jobs};
    *plan = NULL;
    for (size_t i = 0; i < in_flight_max; i++) {
        jobs[i].channel = channel;
        jobs[i].next_free = channel->first_free;
        channel->first_free = &jobs[i];
    }
    *out = &channel->base;
    return ERR_OK;
}
