// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The state machine. What each stage does when something has changed is its step; steps run until
// one has nothing to do (advance). No step calls another, and a reply that a handler gives at once
// only leaves its bytes and the new stage behind, so a long pipeline does not deepen the stack.
//
//   IDLE ──byte──▶ HEAD ──whole──▶ BODY ──whole──▶ HANDLING ──http_reply──▶ WRITING
//                  HEAD, BODY ──refused──▶ WRITING     BODY ──whole, no route──▶ WRITING
//   WRITING ──sent──▶ IDLE, or after the last answer LINGERING, or at once FINISHED
//
// - `deadline` is that of the stage, set when it is entered and never moved by bytes that arrive.
// - Input is moved only where no span points into it: not while HANDLING.
// - The next request is looked at when the last answer is sent in full: at most one answer waits,
// whatever is
//   pipelined.
// - LINGERING: nothing more is written, input is thrown away; closing at once would make the kernel
//   send a reset when input is unread, which can overtake the answer (RFC 9112 section 9.6).
// - A connection that is closed while HANDLING (`is_orphan`) lives until the handler has replied.

#include "http/conn.h"

#include "base/assert.h"
#include "http/bytes.h"
#include "http/chunked.h"
#include "http/client_address.h"
#include "http/input.h"
#include "http/output.h"
#include "http/parser.h"
#include "http/reply.h"
#include "http/router.h"
#include "http/worker.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

enum conn_stage {
    STAGE_IDLE,
    STAGE_HEAD,
    STAGE_BODY,
    STAGE_HANDLING,
    STAGE_WRITING,
    STAGE_LINGERING,
    STAGE_FINISHED,
    STAGE_COUNT_,
};

struct http_conn {
    struct http_worker *worker;
    void (*on_output)(void *ctx);
    void *ctx;
    enum conn_stage stage;
    struct mono deadline;
    struct mono started_at; // first byte of this request
    struct mono now;        // of the driver's latest call
    unsigned calls;         // of the driver that are on the stack
    size_t body_at;         // from the request's first byte on
    size_t next_at;         // in the input: where the next request begins
    size_t discarded_bytes;
    bool is_peer_gone; // its FIN has come
    bool is_orphan;
    bool is_draining;
    bool is_head_done; // head may be believed
    bool closes;       // after this answer
    bool lingers;
    struct http_scratch *scratch; // while HANDLING
    size_t route;                 // of the router, or METRICS_NO_ROUTE
    int64_t handled_at_ns;        // when its handler was called
    void (*on_wake)(struct http_exchange *exchange, void *ctx, struct mono now, bool is_gone);
    void *wake_ctx;
    bool is_told_gone;
    struct http_head head;
    struct http_chunked chunked;
    struct http_input input;
    struct http_output output;
    uint32_t requests;  // begun, this one included
    struct span client; // of this request: the peer, or whom a proxy names
    uint8_t client_text[IP_TEXT_BYTES_MAX];
    size_t peer_bytes;
    uint8_t peer[HTTP_PEER_BYTES_MAX];
};

static const struct mono never = {INT64_MAX};

size_t http_conn_bytes(void)
{
    return sizeof(struct http_conn);
}

static void enter(struct http_conn *conn, enum conn_stage stage, struct mono deadline)
{
    conn->stage = stage;
    conn->deadline = deadline;
}

static bool finish(struct http_conn *conn)
{
    http_output_fini(&conn->output);
    http_input_fini(&conn->input);
    enter(conn, STAGE_FINISHED, never);
    return true;
}

// What a client sent is not in it but for the id, which has been looked at: a path or a query may
// hold anything.
static void log_answer(const struct http_conn *conn, int status, struct span request_id)
{
    const struct http_router *router = conn->worker->options.router;
    bool has_route = conn->route != METRICS_NO_ROUTE;
    LOG_EVENT(conn->worker->options.log, LOG_DEBUG, "http.answer",
              log_text("route", has_route ? router->routes[conn->route].path : SPAN("other")),
              log_number("status", status),
              log_number("tookMs", conn->now.ms - conn->started_at.ms),
              log_number("nth", conn->requests), log_network("client", conn->client),
              log_text("requestId", request_id));
}

// Without memory for an answer the connection ends without one.
static void put_reply(struct http_conn *conn, const struct http_reply *reply,
                      struct span request_id)
{
    struct http_reply_frame frame = {
        .request_id = request_id,
        .is_head = conn->is_head_done && conn->head.method == HTTP_HEAD,
        .is_closing = conn->closes,
        .is_http_1_0 = conn->is_head_done && conn->head.is_http_1_0,
    };
    struct strbuf out;
    if (!http_output_begin(&conn->output, http_reply_bytes_max(reply, &frame), &out)) {
        (void)finish(conn);
        return;
    }
    http_reply_write(reply, &frame, &out);
    http_output_end(&conn->output, &out);
    metrics_answer(conn->worker->options.metrics, conn->route, reply->status, conn->handled_at_ns);
    log_answer(conn, reply->status, request_id);
    enter(conn, STAGE_WRITING, mono_after(conn->now, conn->worker->limits.write_ms_max));
}

// The caller's id when it may appear in an answer and in a log line.
static struct span request_id(struct http_conn *conn, uint8_t made[2 * HTTP_MADE_ID_BYTES])
{
    if (conn->is_head_done) {
        struct span id = http_head_part(&conn->head, http_input_pending(&conn->input).data,
                                        HTTP_HEAD_REQUEST_ID);
        if (id.len > 0 && id.len <= HTTP_REQUEST_ID_BYTES_MAX && http_bytes_are(id, HTTP_BYTE_ID))
            return id;
    }
    return http_worker_make_id(conn->worker, made);
}

static void put_error(struct http_conn *conn, int status, struct span allow)
{
    uint8_t body_bytes[HTTP_ERROR_BODY_BYTES_MAX];
    uint8_t made_id[2 * HTTP_MADE_ID_BYTES];
    struct strbuf body = strbuf_over(body_bytes, sizeof body_bytes);
    struct http_reply reply = http_reply_of_error(conn->worker->options.router, status, &body);
    if (allow.len > 0)
        http_reply_add(&reply, SPAN("Allow"), allow);
    put_reply(conn, &reply, request_id(conn, made_id));
}

// Where the next request would begin is not known, so this answer is the last.
static bool refuse(struct http_conn *conn, int status)
{
    conn->closes = true;
    conn->lingers = true;
    put_error(conn, status, span_make(NULL, 0));
    return true;
}

// An answer of ours to a request that was read in full.
static void answer_error(struct http_conn *conn, int status, struct span path)
{
    uint8_t allow_bytes[64];
    struct strbuf allow = strbuf_over(allow_bytes, sizeof allow_bytes);
    if (status == 405)
        http_router_allow(conn->worker->options.router, path, &allow);
    ASSERT(!allow.is_overflowed);
    put_error(conn, status, strbuf_span(&allow));
}

// Its spans point into the input, which stays where it is until the reply.
static struct http_request make_request(struct http_conn *conn, struct http_field *fields)
{
    const struct http_head *head = &conn->head;
    const uint8_t *base = http_input_pending(&conn->input).data;
    bool is_chunked = http_head_has(head, HTTP_HEAD_TRANSFER_ENCODING);
    http_head_fields(head, base, fields);
    return (struct http_request){
        .method = head->method,
        .path = http_head_part(head, base, HTTP_HEAD_PATH),
        .query = http_head_part(head, base, HTTP_HEAD_QUERY),
        .host = http_head_part(head, base, HTTP_HEAD_HOST),
        .content_type = http_head_part(head, base, HTTP_HEAD_CONTENT_TYPE),
        .origin = http_head_part(head, base, HTTP_HEAD_ORIGIN),
        .body = span_make(base + conn->body_at,
                          is_chunked ? conn->chunked.body_bytes : head->content_length),
        .fields = fields,
        .fields_held = head->fields_held,
    };
}

// A client that said "close" and sent nothing more can be left at once: there is no unread input
// that would turn the close into a reset.
static void settle_closing(struct http_conn *conn)
{
    bool has_surplus = conn->next_at < conn->input.end;
    bool keeps_alive = http_head_keeps_alive(&conn->head);
    conn->closes = !keeps_alive || conn->is_draining;
    conn->lingers = keeps_alive || has_surplus;
}

static void find_client(struct http_conn *conn, const struct http_request *request)
{
    const struct ip_ranges *trusted = conn->worker->options.trusted_proxies;
    if (trusted != NULL)
        conn->client = http_client_address(trusted, conn->client, request, conn->client_text);
}

static bool dispatch(struct http_conn *conn)
{
    const struct http_route *route;
    struct http_worker *worker = conn->worker;
    settle_closing(conn);
    struct http_scratch *scratch = pool_get(&worker->scratches);
    if (scratch == NULL) {
        answer_error(conn, 503, span_make(NULL, 0));
        return true;
    }
    struct http_exchange *exchange = &scratch->exchange;
    exchange->request = make_request(conn, scratch->fields);
    find_client(conn, &exchange->request);
    int status = http_router_match(worker->options.router, &exchange->request, &route);
    if (status != 200) {
        answer_error(conn, status, exchange->request.path);
        pool_put(&worker->scratches, scratch);
        return true;
    }
    scratch->conn = conn;
    exchange->arena = arena_over(scratch->arena, sizeof scratch->arena);
    exchange->request_id = request_id(conn, scratch->made_id);
    exchange->peer = conn->client;
    exchange->worker = worker->options.user;
    exchange->received_at = conn->now;
    conn->scratch = scratch;
    conn->route = (size_t)(route - worker->options.router->routes);
    conn->handled_at_ns = metrics_now_ns(worker->options.metrics);
    enter(conn, STAGE_HANDLING, never);
    route->handler(route->ctx, exchange);
    return true;
}

// The clock of a request starts when it is looked at: one that waited behind another is not late by
// it.
static bool step_idle(struct http_conn *conn)
{
    const struct http_limits *limits = &conn->worker->limits;
    if (http_input_pending(&conn->input).len == 0) {
        bool is_over = conn->is_peer_gone || conn->is_draining;
        return is_over && finish(conn);
    }
    http_head_start(&conn->head, limits->head_bytes_max, limits->body_bytes_max);
    conn->is_head_done = false;
    conn->route = METRICS_NO_ROUTE;
    conn->requests++;
    conn->client = span_make(conn->peer, conn->peer_bytes);
    conn->started_at = conn->now;
    enter(conn, STAGE_HEAD, mono_after(conn->now, limits->head_ms_max));
    return true;
}

// The request is not whole. A big buffer is borrowed only when the own one is full, not on the word
// of a Content-Length.
static bool await_more(struct http_conn *conn)
{
    if (conn->is_peer_gone)
        return finish(conn);
    size_t bytes = http_input_pending(&conn->input).len + 1;
    return !http_input_fit(&conn->input, bytes) && refuse(conn, 503);
}

static void put_continue(struct http_conn *conn)
{
    const struct span line = SPAN("HTTP/1.1 100 Continue\r\n\r\n");
    struct strbuf out;
    bool is_ok = http_output_begin(&conn->output, line.len, &out);
    ASSERT(is_ok); // nothing else is in the buffer
    strbuf_put(&out, line);
    http_output_end(&conn->output, &out);
}

// RFC 9110 section 10.1.1: not to HTTP/1.0, and not to who has begun to send.
static bool owes_continue(const struct http_conn *conn)
{
    const struct http_head *head = &conn->head;
    bool has_body = head->content_length > 0 || http_head_has(head, HTTP_HEAD_TRANSFER_ENCODING);
    return http_head_has(head, HTTP_HEAD_EXPECT) && !head->is_http_1_0 && has_body &&
           http_input_pending(&conn->input).len == conn->body_at;
}

static bool step_head(struct http_conn *conn)
{
    struct span pending = http_input_pending(&conn->input);
    enum http_head_state state = http_head_feed(&conn->head, pending);
    if (state == HTTP_HEAD_MORE)
        return await_more(conn);
    if (state == HTTP_HEAD_REFUSED)
        return refuse(conn, conn->head.status);
    const struct http_limits *limits = &conn->worker->limits;
    conn->is_head_done = true;
    conn->body_at = conn->head.line_at;
    http_chunked_start(&conn->chunked, limits->body_bytes_max);
    if (owes_continue(conn))
        put_continue(conn);
    enter(conn, STAGE_BODY, mono_after(conn->started_at, limits->body_ms_max));
    return true;
}

static bool step_sized_body(struct http_conn *conn)
{
    size_t bytes = conn->body_at + conn->head.content_length;
    if (http_input_pending(&conn->input).len < bytes)
        return await_more(conn);
    conn->next_at = conn->input.at + bytes;
    return dispatch(conn);
}

// The frames go as they come, so what is pending never exceeds the head, the decoded body and one
// read.
static bool step_chunked_body(struct http_conn *conn)
{
    size_t used;
    struct http_chunked *chunked = &conn->chunked;
    uint8_t *body = conn->input.data + conn->input.at + conn->body_at;
    uint8_t *raw_at = body + chunked->body_bytes;
    struct span raw = span_make(raw_at, (size_t)(conn->input.data + conn->input.end - raw_at));
    enum http_chunked_state state = http_chunked_feed(chunked, body, raw, &used);
    if (state == HTTP_CHUNKED_REFUSED)
        return refuse(conn, chunked->status);
    if (state == HTTP_CHUNKED_MORE) {
        conn->input.end = conn->input.at + conn->body_at + chunked->body_bytes;
        return await_more(conn);
    }
    conn->next_at = (size_t)(raw_at - conn->input.data) + used;
    return dispatch(conn);
}

static bool step_body(struct http_conn *conn)
{
    bool is_chunked = http_head_has(&conn->head, HTTP_HEAD_TRANSFER_ENCODING);
    return is_chunked ? step_chunked_body(conn) : step_sized_body(conn);
}

static bool step_nothing(struct http_conn *conn)
{
    (void)conn;
    return false;
}

static bool end_writing(struct http_conn *conn)
{
    if (!conn->lingers)
        return finish(conn);
    conn->discarded_bytes = 0;
    enter(conn, STAGE_LINGERING, mono_after(conn->now, HTTP_LINGER_MS));
    return true;
}

static bool step_writing(struct http_conn *conn)
{
    if (http_output_unsent(&conn->output).len > 0)
        return false;
    if (conn->closes)
        return end_writing(conn);
    http_input_use(&conn->input, conn->next_at);
    enter(conn, STAGE_IDLE, mono_after(conn->now, conn->worker->limits.idle_ms_max));
    return true;
}

static bool step_lingering(struct http_conn *conn)
{
    conn->discarded_bytes += http_input_pending(&conn->input).len;
    http_input_use(&conn->input, conn->input.end);
    bool is_over = conn->is_peer_gone || conn->discarded_bytes > HTTP_LINGER_BYTES_MAX;
    return is_over && finish(conn);
}

static void advance(struct http_conn *conn)
{
    // True: the stage has changed, or what it waits for may have come.
    static bool (*const steps[STAGE_COUNT_])(struct http_conn * conn) = {
        [STAGE_IDLE] = step_idle,        [STAGE_HEAD] = step_head,
        [STAGE_BODY] = step_body,        [STAGE_HANDLING] = step_nothing,
        [STAGE_WRITING] = step_writing,  [STAGE_LINGERING] = step_lingering,
        [STAGE_FINISHED] = step_nothing,
    };
    while (steps[conn->stage](conn)) {
    }
}

// Wraps every call of the driver's, so that http_reply can tell whether the driver will look
// anyway.
static void begin_call(struct http_conn *conn, struct mono now)
{
    conn->now = now;
    conn->calls++;
}

static void end_call(struct http_conn *conn)
{
    advance(conn);
    conn->calls--;
}

static void tell_driver(struct http_conn *conn)
{
    if (conn->calls == 0)
        conn->on_output(conn->ctx);
}

static void wake(struct http_conn *conn, bool is_gone)
{
    struct http_exchange *exchange = &conn->scratch->exchange;
    void (*on_wake)(struct http_exchange *, void *, struct mono, bool) = conn->on_wake;
    conn->on_wake = NULL;
    conn->deadline = never;
    conn->is_told_gone = is_gone;
    on_wake(exchange, conn->wake_ctx, conn->now, is_gone);
}

// The client has left; whoever waits for a later moment need not wait on.
static void wake_now(struct http_conn *conn)
{
    if (conn->stage == STAGE_HANDLING && conn->on_wake != NULL)
        wake(conn, true);
}

// For a connection that owes nothing to a handler.
static void release(struct http_conn *conn)
{
    http_output_fini(&conn->output);
    http_input_fini(&conn->input);
    pool_put(&conn->worker->conns, conn);
}

void http_reply(struct http_exchange *exchange, const struct http_reply *reply)
{
    struct http_scratch *scratch = (struct http_scratch *)(void *)exchange;
    struct http_conn *conn = scratch->conn;
    ASSERT(conn->stage == STAGE_HANDLING);
    ASSERT(conn->scratch == scratch);
    conn->scratch = NULL;
    conn->on_wake = NULL;
    conn->is_told_gone = false;
    if (conn->calls == 0)
        conn->now = clock_mono(&conn->worker->options.clock);
    if (!conn->is_orphan) {
        conn->closes |= reply->is_last || conn->is_draining;
        put_reply(conn, reply, exchange->request_id);
    }
    pool_put(&conn->worker->scratches, scratch);
    if (conn->is_orphan)
        release(conn);
    else
        tell_driver(conn);
}

void http_exchange_post(struct http_exchange *exchange, struct http_task *task)
{
    const struct http_conn *conn = ((struct http_scratch *)(void *)exchange)->conn;
    const struct http_worker_options *options = &conn->worker->options;
    if (options->post != NULL)
        options->post(options->post_ctx, task);
    else
        task->run(task);
}

void http_exchange_leave(struct http_exchange *exchange, struct http_task *task)
{
    const struct http_conn *conn = ((struct http_scratch *)(void *)exchange)->conn;
    const struct http_worker_options *options = &conn->worker->options;
    if (options->leave != NULL)
        options->leave(options->post_ctx, task);
    else
        task->run(task);
}

void http_exchange_wake(struct http_exchange *exchange, struct mono at,
                        void (*on_wake)(struct http_exchange *exchange, void *ctx, struct mono now,
                                        bool is_gone),
                        void *ctx)
{
    struct http_conn *conn = ((struct http_scratch *)(void *)exchange)->conn;
    ASSERT(conn->stage == STAGE_HANDLING);
    ASSERT(conn->on_wake == NULL);
    ASSERT(!conn->is_told_gone); // then only the reply is owed
    conn->on_wake = on_wake;
    conn->wake_ctx = ctx;
    conn->deadline = conn->is_peer_gone ? conn->now : at;
    if (conn->is_orphan)
        wake(conn, true);
    else
        tell_driver(conn);
}

struct http_conn *http_conn_open(struct http_worker *worker, struct span peer, struct mono now,
                                 void (*on_output)(void *ctx), void *ctx)
{
    const int64_t idle_ms = worker->limits.idle_ms_max;
    struct http_conn *conn = pool_get(&worker->conns);
    if (conn == NULL)
        return NULL;
    conn->worker = worker;
    conn->on_output = on_output;
    conn->ctx = ctx;
    conn->now = now;
    conn->calls = 0;
    conn->is_peer_gone = false;
    conn->is_orphan = false;
    conn->is_draining = false;
    conn->is_head_done = false;
    conn->is_told_gone = false;
    conn->requests = 0;
    conn->scratch = NULL;
    conn->on_wake = NULL;
    http_input_init(&conn->input, &worker->big_buffers);
    http_output_init(&conn->output);
    ASSERT(peer.len <= sizeof conn->peer);
    memcpy(conn->peer, peer.data, peer.len);
    conn->peer_bytes = peer.len;
    bool is_short = idle_ms < HTTP_FIRST_BYTE_MS_MAX;
    enter(conn, STAGE_IDLE, mono_after(now, is_short ? idle_ms : HTTP_FIRST_BYTE_MS_MAX));
    return conn;
}

uint8_t *http_conn_input(struct http_conn *conn, size_t *len_out)
{
    bool is_wanted = !conn->is_peer_gone && conn->stage != STAGE_FINISHED;
    *len_out = is_wanted ? conn->input.cap - conn->input.end : 0;
    return conn->input.data + conn->input.end;
}

void http_conn_received(struct http_conn *conn, size_t len, struct mono now)
{
    ASSERT(len <= conn->input.cap - conn->input.end);
    begin_call(conn, now);
    conn->input.end += len;
    end_call(conn);
}

void http_conn_received_end(struct http_conn *conn, struct mono now)
{
    begin_call(conn, now);
    conn->is_peer_gone = true;
    wake_now(conn);
    end_call(conn);
}

struct span http_conn_output(const struct http_conn *conn)
{
    return http_output_unsent(&conn->output);
}

void http_conn_sent(struct http_conn *conn, size_t len, struct mono now)
{
    begin_call(conn, now);
    http_output_sent(&conn->output, len);
    end_call(conn);
}

struct mono http_conn_deadline(const struct http_conn *conn)
{
    return conn->deadline;
}

void http_conn_tick(struct http_conn *conn, struct mono now)
{
    if (!mono_is_due(conn->deadline, now))
        return;
    begin_call(conn, now);
    if (conn->stage == STAGE_HEAD || conn->stage == STAGE_BODY)
        (void)refuse(conn, 408);
    else if (conn->stage == STAGE_HANDLING)
        wake(conn, conn->is_peer_gone);
    else
        (void)finish(conn);
    end_call(conn);
}

bool http_conn_is_lingering(const struct http_conn *conn)
{
    return conn->stage == STAGE_LINGERING;
}

bool http_conn_is_finished(const struct http_conn *conn)
{
    return conn->stage == STAGE_FINISHED;
}

void http_conn_drain(struct http_conn *conn, struct mono now)
{
    begin_call(conn, now);
    conn->is_draining = true;
    end_call(conn);
}

void http_conn_close(struct http_conn **conn_ref)
{
    struct http_conn *conn = *conn_ref;
    *conn_ref = NULL;
    ASSERT(conn->calls == 0);
    if (conn->stage != STAGE_HANDLING) {
        release(conn);
        return;
    }
    conn->is_orphan = true;
    conn->is_peer_gone = true;
    conn->now = clock_mono(&conn->worker->options.clock);
    wake_now(conn);
}
