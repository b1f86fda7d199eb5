// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// One call is read and its reports are handed over within its handler: nothing of it is kept, so
// that a provider that is not answered 200 can simply repeat all of it.
#include "receipt/receipt_http.h"

#include "outbox/receipt_path.h"

#define PREFIX SPAN("/receipts/")
#define MS_PER_MINUTE 60000
#define ERROR_BODY_BYTES_MAX 512U

// One call; on the handler's stack.
struct call {
    struct receipt_http *http;
    struct http_exchange *exchange;
    const struct receipt_source *source;
    struct span token;
    uint64_t handle; // of the token
};

// --- the log ---------------------------------------------------------------------------------

// Two threads that begin a minute at once may let some lines more through.
static bool may_log(struct receipt_log_gate *gate, const struct clock *clock)
{
    int64_t minute = clock_mono(clock).ms / MS_PER_MINUTE + 1;
    if (atomic_exchange_explicit(&gate->minute, minute, memory_order_relaxed) != minute)
        atomic_store_explicit(&gate->lines, 0, memory_order_relaxed);
    if (atomic_load_explicit(&gate->lines, memory_order_relaxed) >= RECEIPT_LOG_LINES_MAX)
        return false;
    return atomic_fetch_add_explicit(&gate->lines, 1, memory_order_relaxed) < RECEIPT_LOG_LINES_MAX;
}

static bool may_log_of_provider(const struct call *call)
{
    return may_log(&call->http->providers, &call->http->deps.clock);
}

static void log_about(const struct call *call, const char *event, const char *name,
                      struct span text)
{
    if (may_log_of_provider(call))
        LOG_EVENT(call->http->deps.log, LOG_WARNING, event,
                  log_text("provider", call->source->name), log_text(name, text));
}

static void log_stranger(struct receipt_http *http, const struct http_exchange *exchange)
{
    if (may_log(&http->strangers, &http->deps.clock))
        LOG_EVENT(http->deps.log, LOG_WARNING, "receipt.unknown_url",
                  log_network("from", exchange->peer),
                  log_text("what", SPAN("no provider of this server was given that URL")));
}

// --- replies ---------------------------------------------------------------------------------

static void add_common_fields(struct http_reply *reply)
{
    http_reply_add(reply, SPAN("Cache-Control"), SPAN("no-store"));
    http_reply_add(reply, SPAN("X-Content-Type-Options"), SPAN("nosniff"));
}

static void refuse(struct receipt_http *http, struct http_exchange *exchange, int status)
{
    uint8_t room[ERROR_BODY_BYTES_MAX];
    struct strbuf body = strbuf_over(room, sizeof room);
    http->deps.write_error(status, &body);
    struct http_reply reply = {
        .status = status, .content_type = SPAN("application/json"), .body = strbuf_span(&body)};
    add_common_fields(&reply);
    if (status == 503)
        http_reply_add(&reply, SPAN("Retry-After"), SPAN("5"));
    http_reply(exchange, &reply);
}

static void accept(const struct call *call, struct span answer)
{
    struct http_reply reply = {.status = 200};
    if (answer.len > 0) {
        reply.content_type = SPAN("text/plain; charset=utf-8");
        reply.body = answer;
        http_reply_add(&reply, SPAN("Content-Security-Policy"), SPAN("default-src 'none'"));
    }
    add_common_fields(&reply);
    http_reply(call->exchange, &reply);
}

// --- who calls -------------------------------------------------------------------------------

static const struct receipt_source *find_source(const struct receipt_http *http, struct span name)
{
    for (size_t i = 0; i < http->deps.sources_held; i++) {
        if (span_eq(http->deps.sources[i].name, name))
            return &http->deps.sources[i];
    }
    return NULL;
}

static bool find(struct call *call)
{
    const struct receipt_http_deps *deps = &call->http->deps;
    struct span rest = span_from(call->exchange->request.path, PREFIX.len);
    struct span name = span_split(rest, '/', &call->token);
    call->source = find_source(call->http, name);
    return call->source != NULL &&
           receipt_path_open(deps->index_key, call->source->provider, call->token, &call->handle);
}

// As the provider knows it: a proxy in front may have taken a prefix off the path.
static bool put_public_url(const struct call *call, struct strbuf *out)
{
    const struct http_request *request = &call->exchange->request;
    strbuf_put(out, call->http->deps.public_url);
    strbuf_put(out, request->path);
    if (request->query.len > 0)
        strbuf_put_byte(out, '?');
    strbuf_put(out, request->query);
    return !out->is_overflowed;
}

// --- reports ---------------------------------------------------------------------------------

// The token at the end of a URL that a message took along.
static uint64_t handle_of_echo(const struct call *call, struct span echo)
{
    uint64_t handle = 0;
    if (echo.len > RECEIPT_TOKEN_BYTES)
        (void)receipt_path_open(call->http->deps.index_key, call->source->provider,
                                span_from(echo, echo.len - RECEIPT_TOKEN_BYTES), &handle);
    return handle;
}

static bool take_report(void *ctx, const struct report *report)
{
    static const enum receipt_kind kinds[REPORT_STATE_COUNT_] = {
        [REPORT_DELIVERED] = RECEIPT_DELIVERED,
        [REPORT_FAILED] = RECEIPT_FAILED,
        [REPORT_ON_ITS_WAY] = RECEIPT_ON_ITS_WAY,
    };
    const struct call *call = ctx;
    const struct receipt_report taken = {
        .provider = call->source->provider,
        .handle = call->handle != 0 ? call->handle : handle_of_echo(call, report->echo),
        .ref = report->ref,
        .kind = kinds[report->state],
        .reason = report->reason,
        .words = report->words,
    };
    if (!report->is_state_known)
        log_about(call, "receipt.unknown_state", "what",
                  SPAN("the recipe does not know what its state means; it changes nothing"));
    if (taken.handle == 0 && taken.ref.len == 0) {
        log_about(call, "receipt.nameless", "what", SPAN("it does not say which message it is of"));
        return true;
    }
    return call->http->deps.take(call->http->deps.ctx, &taken) == ERR_OK;
}

static struct span header(const void *ctx, struct span name)
{
    return http_request_field(ctx, name);
}

static enum report_verdict read_call(struct call *call, struct span url, struct strbuf *answer)
{
    const struct http_request *request = &call->exchange->request;
    const struct report_request report = {
        .is_get = request->method != HTTP_POST,
        .url = url,
        .query = request->query,
        .content_type = request->content_type,
        .body = request->body,
        .header = header,
        .ctx = request,
        .now_ms = clock_wall_ms(&call->http->deps.clock),
    };
    const struct report_taker taker = {take_report, call};
    return report_read(call->source->reader, &report, &taker, answer);
}

static void refuse_counted(const struct call *call, int status)
{
    metrics_count(call->http->deps.metrics, METRIC_RECEIPTS, METRIC_RECEIPT_REFUSED, 0);
    refuse(call->http, call->exchange, status);
}

static void refuse_call(const struct call *call, int status, struct span why)
{
    log_about(call, "receipt.refused", "why", why);
    refuse_counted(call, status);
}

static void answer_call(const struct call *call, enum report_verdict verdict, struct span answer)
{
    switch (verdict) {
    case REPORT_READ:
        accept(call, SPAN(""));
        return;
    case REPORT_GREETED:
        accept(call, answer);
        return;
    case REPORT_SUBSCRIPTION:
        log_about(call, "receipt.confirm", "open", answer);
        accept(call, SPAN(""));
        return;
    case REPORT_STRANGE:
        log_about(call, "receipt.strange_subscription", "host", answer);
        refuse_counted(call, 403);
        return;
    case REPORT_FORGED:
        refuse_call(call, 403, SPAN("its signature is missing or wrong"));
        return;
    case REPORT_STALE:
        refuse_call(call, 403, SPAN("it was signed more than five minutes ago or ahead"));
        return;
    case REPORT_UNREADABLE:
        refuse_call(call, 400, SPAN("it cannot be read"));
        return;
    case REPORT_STOPPED:
        refuse(call->http, call->exchange, 503);
        return;
    case REPORT_VERDICT_COUNT_:
        break;
    }
    UNREACHABLE();
}

// HEAD is served by the row of GET, and asks for nothing to be done.
static void handle(void *ctx, struct http_exchange *exchange)
{
    struct call call = {.http = ctx, .exchange = exchange};
    const struct http_request *request = &exchange->request;
    uint8_t answer_room[REPORT_ANSWER_BYTES_MAX];
    struct strbuf answer = strbuf_over(answer_room, sizeof answer_room);
    size_t url_len = call.http->deps.public_url.len + request->path.len + request->query.len + 1;
    uint8_t *url_room = arena_alloc(&exchange->arena, url_len);
    if (url_room == NULL || request->method == HTTP_HEAD || !find(&call)) {
        log_stranger(call.http, exchange);
        refuse(call.http, exchange, 404);
        return;
    }
    struct strbuf url = strbuf_over(url_room, url_len);
    bool is_whole = put_public_url(&call, &url);
    ASSERT(is_whole);
    enum report_verdict verdict = read_call(&call, strbuf_span(&url), &answer);
    answer_call(&call, verdict, strbuf_span(&answer));
}

void receipt_http_init(struct receipt_http *http, const struct receipt_http_deps *deps)
{
    *http = (struct receipt_http){.deps = *deps};
    ASSERT(deps->sources_held <= RECEIPT_PROVIDERS_MAX);
}

void receipt_http_routes(struct receipt_http *http, struct http_route out[RECEIPT_ROUTES_COUNT])
{
    out[0] = (struct http_route){HTTP_GET, SPAN("/receipts/*"), handle, http};
    out[1] = (struct http_route){HTTP_POST, SPAN("/receipts/*"), handle, http};
}

void receipt_url_put(struct span public_url, struct span name, provider_tag provider,
                     const struct key *index_key, struct strbuf *out)
{
    strbuf_put(out, public_url);
    strbuf_put(out, PREFIX);
    strbuf_put(out, name);
    strbuf_put_byte(out, '/');
    receipt_path_put(index_key, provider, 0, out);
}
