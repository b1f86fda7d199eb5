// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// One watch is both the port's bell and the alarm clock. The alarm rings now and then without need:
// wall time may step, and ends of tokens are told in it.
#include "channel/token_source.h"

#include "base/assert.h"
#include "crypto/pure/mac.h"

#include <stdlib.h>

#define CHECK_MS_MAX ((int64_t)30 * 1000)
#define DAY_MS ((int64_t)24 * 3600 * 1000)
#define NEWS_FIELDS_MAX 5U
#define WORDS_BYTES_MAX (TOKEN_WORDS_BYTES_MAX + 256U)

struct token_source {
    struct outbound_watch watch; // first
    struct token_source_deps deps;
    struct token_keeper keeper;
    struct token_event event; // scratch
    struct token_reply reply; // scratch
    struct vendor_request request;
    bool is_asking;
    bool has_warned;
    int64_t warned_at_ms;
    uint8_t words[WORDS_BYTES_MAX]; // of the last result
    uint8_t url[HTTP_URL_BYTES_MAX];
    uint8_t headers[HTTP_HEADERS_BYTES_MAX];
    uint8_t body[HTTP_BODY_BYTES_MAX];
};

static int64_t now_ms(const struct token_source *source)
{
    return clock_wall_ms(&source->deps.clock);
}

// --- what people are told --------------------------------------------------------------------

struct news_row {
    enum log_level level;
    const char *event;
    const char *what;
};

#define MEND "otpd provider tokens set"

static const struct news_row news_rows[] = {
    [KEEPER_RENEWED] = {LOG_INFO, "token.renewed", ""},
    [KEEPER_NOT_RENEWED] = {LOG_ERROR, "token.not_renewed", "it is tried again"},
    [KEEPER_NOT_WRITTEN] = {LOG_ERROR, "token.not_written",
                            "the new tokens cannot be stored, so they are not used; it is tried "
                            "again"},
    [KEEPER_SPENT] = {LOG_ERROR, "token.spent",
                      "the refresh token was used already: by another program, or by otpd when it "
                      "ended before it could store the new one; get another one and: " MEND},
    [KEEPER_NONE] = {LOG_ERROR, "token.missing",
                     "there is no refresh token yet; get one and: " MEND},
};

static struct span words_of(const struct token_keeper *keeper)
{
    return span_make(keeper->words, keeper->words_len);
}

static void log_news(struct token_source *source)
{
    enum keeper_news news = keeper_take_news(&source->keeper);
    const struct token_pair *held = &source->keeper.held;
    if (news == KEEPER_NO_NEWS)
        return;
    const struct news_row *row = &news_rows[news];
    struct log_field fields[NEWS_FIELDS_MAX] = {
        log_text("provider", source->deps.name),
        log_number("accessEndsAt", held->access_ends_at_ms),
        log_number("refreshEndsAt", held->refresh_ends_at_ms),
    };
    size_t count = 3;
    if (row->what[0] != '\0')
        fields[count++] = log_text("what", span_of_text(row->what));
    if (source->keeper.words_len > 0)
        fields[count++] = log_text("words", words_of(&source->keeper));
    log_event(source->deps.log, row->level, row->event, fields, count);
}

static void warn_in_time(struct token_source *source)
{
    int64_t at_ms = now_ms(source);
    bool is_new = !source->has_warned || at_ms - source->warned_at_ms >= DAY_MS;
    if (!keeper_ends_soon(&source->keeper, at_ms)) {
        source->has_warned = false;
        return;
    }
    if (!is_new)
        return;
    source->has_warned = true;
    source->warned_at_ms = at_ms;
    LOG_EVENT(source->deps.log, LOG_WARNING, "token.ends_soon",
              log_text("provider", source->deps.name),
              log_text("what", SPAN("the refresh token has not been renewed for long; see "
                                    "token.not_renewed, or get another one and: " MEND)),
              log_number("refreshEndsAt", source->keeper.held.refresh_ends_at_ms));
}

static enum token_state state_of(struct token_source *source)
{
    static const enum token_state problems[] = {
        [KEEPER_NONE] = TOKEN_STATE_NONE,
        [KEEPER_SPENT] = TOKEN_STATE_SPENT,
        [KEEPER_NOT_RENEWED] = TOKEN_STATE_REFUSED,
    };
    struct span token;
    uint64_t version;
    enum keeper_news problem = keeper_problem(&source->keeper);
    enum keeper_look look = source->keeper.look;
    bool is_looking = source->keeper.state == KEEPER_READING &&
                      (look == KEEPER_LOOK || look == KEEPER_LOOK_AFTER_SPENT);
    if (!source->keeper.is_read || is_looking)
        return TOKEN_STATE_READING;
    if (problem != KEEPER_NO_NEWS)
        return problems[problem];
    bool is_usable = keeper_use(&source->keeper, now_ms(source), &token, &version) == KEEPER_USABLE;
    return is_usable ? TOKEN_STATE_READY : TOKEN_STATE_RENEWING;
}

static void tell(struct token_source *source)
{
    const struct token_pair *held = &source->keeper.held;
    struct token_status status = {
        .state = state_of(source),
        .needs_person =
            source->keeper.is_read && (keeper_problem(&source->keeper) != KEEPER_NO_NEWS ||
                                       keeper_ends_soon(&source->keeper, now_ms(source))),
        .access_ends_at_ms = held->access_ends_at_ms,
        .refresh_ends_at_ms = held->refresh_ends_at_ms,
        .words_len = source->keeper.words_len,
    };
    memcpy(status.words, source->keeper.words, source->keeper.words_len);
    source->deps.port.tell(source->deps.port.port, &status);
}

// --- doing what the keeper asks for ----------------------------------------------------------

static void write_fresh(struct token_source *source)
{
    uint64_t version;
    const struct token_pair *fresh = keeper_fresh(&source->keeper, &version);
    source->deps.port.write(source->deps.port.port, fresh, version);
}

static void set_alarm(struct token_source *source)
{
    int64_t left_ms = source->keeper.wakes_at_ms - now_ms(source);
    if (left_ms < 0)
        left_ms = 0;
    source->watch.until = mono_after(outbound_now(source->deps.outbound),
                                     left_ms < CHECK_MS_MAX ? left_ms : CHECK_MS_MAX);
}

// All that the keeper asks for but asking itself, which is the caller's: a transport that cannot
// even begin tells so at once.
static enum keeper_step advance(struct token_source *source)
{
    enum keeper_step step = keeper_next(&source->keeper, now_ms(source));
    set_alarm(source);
    log_news(source);
    warn_in_time(source);
    tell(source);
    if (step == KEEPER_READ)
        source->deps.port.read(source->deps.port.port);
    if (step == KEEPER_WRITE)
        write_fresh(source);
    return step;
}

static void on_outcome(void *ctx, const struct http_outcome *outcome)
{
    struct token_source *source = ctx;
    recipe_token_judge(source->deps.plan, keeper_refresh_token(&source->keeper), outcome,
                       &source->reply);
    wire_wipe(&source->request.url);
    wire_wipe(&source->request.headers);
    wire_wipe(&source->request.body);
    keeper_answered(&source->keeper, now_ms(source), &source->reply);
    wipe(&source->reply, sizeof source->reply);
    source->is_asking = false;
    // At once, not when the watch wakes up: it does not, when the server is going down.
    enum keeper_step step = advance(source);
    ASSERT(step != KEEPER_ASK); // something is read before
}

static void ask(struct token_source *source)
{
    struct err_info info;
    const struct http_transport *transport = &source->deps.transport;
    source->request = (struct vendor_request){
        .url = wire_over(source->url, sizeof source->url),
        .headers = wire_over(source->headers, sizeof source->headers),
        .body = wire_over(source->body, sizeof source->body),
        .wait_ms = HTTP_WAIT_MS_MAX,
    };
    source->is_asking = true;
    if (recipe_token_render(source->deps.plan, keeper_refresh_token(&source->keeper),
                            &source->request, &info) == ERR_OK)
        transport->start(transport->transport, &source->request, on_outcome, source);
    else
        on_outcome(source, &(struct http_outcome){.phase = HTTP_NOT_SENT, .failure = info.text});
}

static void run(struct token_source *source)
{
    if (advance(source) == KEEPER_ASK)
        ask(source);
}

static void take_event(struct token_source *source)
{
    const struct token_event *event = &source->event;
    switch (event->kind) {
    case TOKEN_EVENT_READ:
        keeper_read(&source->keeper, &event->pair, event->version);
        return;
    case TOKEN_EVENT_WRITTEN:
        keeper_written(&source->keeper, now_ms(source), event->err);
        return;
    case TOKEN_EVENT_CHANGED:
        keeper_changed(&source->keeper);
        return;
    }
    UNREACHABLE();
}

static void on_ready(struct outbound_watch *watch, bool is_late)
{
    struct token_source *source = (struct token_source *)(void *)watch;
    (void)is_late;
    while (source->deps.port.take(source->deps.port.port, &source->event)) {
        take_event(source);
        wipe(&source->event, sizeof source->event);
        run(source);
    }
    run(source);
}

// --- for the channel -------------------------------------------------------------------------

static void refuse(struct token_source *source, struct send_result *result)
{
    struct strbuf words = strbuf_over(source->words, sizeof source->words);
    enum keeper_news problem = keeper_problem(&source->keeper);
    struct span said = words_of(&source->keeper);
    result->outcome = SEND_REFUSED;
    result->reason = SEND_AUTH_FAILED;
    strbuf_put_text(&words, problem != KEEPER_NO_NEWS && problem != KEEPER_NOT_RENEWED
                                ? news_rows[problem].what
                                : "the tokens cannot be renewed");
    strbuf_put_text(&words, said.len > 0 ? "; the provider said: " : "");
    strbuf_put(&words, said);
    result->words = strbuf_span(&words);
}

bool token_source_use(struct token_source *source, struct token_text *token_out,
                      uint64_t *version_out, struct send_result *result_out)
{
    struct span token;
    switch (keeper_use(&source->keeper, now_ms(source), &token, version_out)) {
    case KEEPER_USABLE:
        memcpy(token_out->bytes, token.data, token.len);
        token_out->len = (uint16_t)token.len;
        return true;
    case KEEPER_SOON:
        *result_out = (struct send_result){.outcome = SEND_RETRY, .reason = SEND_TOKEN_ENDED};
        run(source); // a wall clock that has stepped may have made it due
        return false;
    case KEEPER_NEVER:
        *result_out = (struct send_result){0};
        refuse(source, result_out);
        return false;
    }
    UNREACHABLE();
}

void token_source_refused(struct token_source *source, uint64_t version, struct send_result *result)
{
    if (keeper_refused(&source->keeper, now_ms(source), version)) {
        run(source);
        return;
    }
    result->outcome = SEND_REFUSED;
    result->reason = SEND_AUTH_FAILED;
}

enum err token_source_create(const struct token_source_deps *deps, struct token_source **out)
{
    struct token_source *source = calloc(1, sizeof *source);
    if (source == NULL)
        return ERR_NO_MEMORY;
    ASSERT(recipe_plan_is_rotating(deps->plan));
    source->deps = *deps;
    keeper_init(&source->keeper, recipe_plan_refresh_ms(deps->plan));
    source->watch = (struct outbound_watch){.fd = deps->port.fd, .on_ready = on_ready};
    source->watch.until = outbound_now(deps->outbound);
    outbound_watch(deps->outbound, &source->watch);
    *out = source;
    return ERR_OK;
}

void token_source_destroy(struct token_source **source)
{
    if (*source == NULL)
        return;
    ASSERT(!(*source)->is_asking);
    outbound_unwatch((*source)->deps.outbound, &(*source)->watch);
    keeper_wipe(&(*source)->keeper);
    free(*source);
    *source = NULL;
}
