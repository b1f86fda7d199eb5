// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "http/test_rig.h"

#include "base/assert.h"
#include "base/number.h"
#include "http/limits.h"

#include <assert.h>

static int64_t rig_wall_ms(void *ctx)
{
    const struct rig *rig = ctx;
    return rig->now.ms;
}

static struct mono rig_mono(void *ctx)
{
    const struct rig *rig = ctx;
    return rig->now;
}

static void rig_entropy(void *ctx, void *out, size_t len)
{
    struct rig *rig = ctx;
    uint8_t *to = out;
    for (size_t i = 0; i < len; i++)
        to[i] = (uint8_t)(rig->entropy_count++ / 16);
}

static void write_error(int status, struct strbuf *out)
{
    strbuf_put(out, SPAN("{\"code\":"));
    strbuf_put_u64(out, (uint64_t)status);
    strbuf_put(out, SPAN("}"));
}

static uint64_t checksum(struct span bytes)
{
    uint64_t sum = 14695981039346656037U;
    for (size_t i = 0; i < bytes.len; i++)
        sum = (sum ^ bytes.data[i]) * 1099511628211U;
    return sum;
}

static void reply_text(struct http_exchange *exchange, struct span text)
{
    struct http_reply reply = {.status = 200, .content_type = SPAN("text/plain"), .body = text};
    http_reply(exchange, &reply);
}

static void on_echo(void *ctx, struct http_exchange *exchange)
{
    struct rig *rig = ctx;
    uint8_t text[512];
    struct strbuf out = strbuf_over(text, sizeof text);
    const struct http_request *request = &exchange->request;
    rig->requests++;
    uint64_t slack =
        checksum(span_make(request->body.data + request->body.len, HTTP_BODY_SLACK_BYTES));
    strbuf_put_u64(&out, (uint64_t)request->method);
    strbuf_put(&out, span_first(request->query, 100));
    strbuf_put_byte(&out, slack == 0 ? '!' : ' ');
    strbuf_put_u64(&out, request->body.len);
    strbuf_put_byte(&out, ' ');
    strbuf_put_u64(&out, checksum(request->body));
    strbuf_put_byte(&out, ' ');
    strbuf_put(&out, span_first(request->content_type, 100));
    reply_text(exchange, strbuf_span(&out));
}

static void on_held(void *ctx, struct http_exchange *exchange)
{
    struct rig *rig = ctx;
    rig->requests++;
    rig->held = exchange;
}

static void on_big(void *ctx, struct http_exchange *exchange)
{
    static const uint8_t zeros[HTTP_REPLY_BYTES_MAX];
    const struct rig *rig = ctx;
    reply_text(exchange, span_make(zeros, rig->big_bytes));
}

static void on_last(void *ctx, struct http_exchange *exchange)
{
    (void)ctx;
    struct http_reply reply = {.status = 204, .is_last = true};
    http_reply(exchange, &reply);
}

static void on_wake(struct http_exchange *exchange, void *ctx, struct mono now, bool is_gone)
{
    struct rig *rig = ctx;
    ASSERT(now.ms == rig->now.ms);
    rig->held = NULL;
    reply_text(exchange, is_gone ? SPAN("gone") : SPAN("woken"));
}

static void on_wake_request(void *ctx, struct http_exchange *exchange)
{
    struct rig *rig = ctx;
    rig->requests++;
    rig->held = exchange;
    http_exchange_wake(exchange, mono_after(exchange->received_at, 500), on_wake, rig);
}

static void on_peer(void *ctx, struct http_exchange *exchange)
{
    (void)ctx;
    reply_text(exchange, exchange->peer);
}

static void set_routes(struct rig *rig)
{
    const struct http_route routes[] = {
        {HTTP_POST, SPAN("/echo"), on_echo, rig}, {HTTP_OPTIONS, SPAN("/echo"), on_echo, rig},
        {HTTP_GET, SPAN("/held"), on_held, rig},  {HTTP_GET, SPAN("/big"), on_big, rig},
        {HTTP_GET, SPAN("/last"), on_last, rig},  {HTTP_GET, SPAN("/wake"), on_wake_request, rig},
        {HTTP_GET, SPAN("/peer"), on_peer, rig},
    };
    static_assert(sizeof routes == sizeof rig->routes, "one row for each");
    memcpy(rig->routes, routes, sizeof routes);
    rig->router = (struct http_router){
        .routes = rig->routes,
        .count = sizeof routes / sizeof routes[0],
        .write_error = write_error,
    };
}

void rig_init(struct rig *rig, const struct http_limits *limits)
{
    rig_init_counted(rig, limits, NULL);
}

void rig_init_counted(struct rig *rig, const struct http_limits *limits, struct metrics *metrics)
{
    const struct http_worker_options own = {.metrics = metrics};
    rig_init_with(rig, limits, &own);
}

void rig_init_with(struct rig *rig, const struct http_limits *limits,
                   const struct http_worker_options *own)
{
    rig->now = (struct mono){RIG_START_MS};
    rig->limits = *limits;
    rig->conn = NULL;
    rig->is_stuck = false;
    rig->requests = 0;
    rig->told = 0;
    rig->big_bytes = 0;
    rig->held = NULL;
    rig->out_bytes = 0;
    rig->entropy_count = 0;
    rig->entropy = (struct entropy){rig_entropy, rig};
    rig->clock = (struct clock){.wall_ms = rig_wall_ms, .mono = rig_mono, .ctx = rig};
    set_routes(rig);
    struct http_worker_options options = {
        .router = &rig->router,
        .limits = &rig->limits,
        .clock = rig->clock,
        .entropy = &rig->entropy,
        .user = rig,
        .metrics = own->metrics,
        .log = own->log,
        .trusted_proxies = own->trusted_proxies,
    };
    rig->worker = http_worker_create(&options);
    ASSERT(rig->worker != NULL);
}

void rig_fini(struct rig *rig)
{
    if (rig->conn != NULL)
        rig_close(rig);
    http_worker_destroy(&rig->worker);
}

static void on_output(void *ctx)
{
    struct rig *rig = ctx;
    rig->told++;
}

void rig_connect(struct rig *rig)
{
    ASSERT(rig->conn == NULL);
    rig->conn = http_conn_open(rig->worker, SPAN("192.0.2.1"), rig->now, on_output, rig);
    ASSERT(rig->conn != NULL);
}

void rig_close(struct rig *rig)
{
    http_conn_close(&rig->conn);
}

void rig_take(struct rig *rig)
{
    struct span unsent;
    while (!rig->is_stuck && (unsent = http_conn_output(rig->conn)).len > 0) {
        ASSERT(unsent.len <= sizeof rig->out - rig->out_bytes);
        memcpy(rig->out + rig->out_bytes, unsent.data, unsent.len);
        rig->out_bytes += unsent.len;
        http_conn_sent(rig->conn, unsent.len, rig->now);
    }
}

size_t rig_send(struct rig *rig, struct span bytes)
{
    size_t done = 0;
    while (done < bytes.len) {
        size_t room;
        uint8_t *to = http_conn_input(rig->conn, &room);
        struct span next = span_first(span_from(bytes, done), room);
        if (room == 0)
            break;
        memcpy(to, next.data, next.len);
        http_conn_received(rig->conn, next.len, rig->now);
        rig_take(rig);
        done += next.len;
    }
    return done;
}

void rig_send_end(struct rig *rig)
{
    http_conn_received_end(rig->conn, rig->now);
    rig_take(rig);
}

void rig_wait(struct rig *rig, int64_t ms)
{
    rig->now = mono_after(rig->now, ms);
    if (mono_is_due(http_conn_deadline(rig->conn), rig->now))
        http_conn_tick(rig->conn, rig->now);
    rig_take(rig);
}

void rig_reply_held(struct rig *rig)
{
    struct http_exchange *exchange = rig->held;
    rig->held = NULL;
    reply_text(exchange, SPAN("held"));
    if (rig->conn != NULL)
        rig_take(rig);
}

static size_t find_text(struct span text, struct span what)
{
    for (size_t at = 0; at + what.len <= text.len; at++) {
        if (span_eq(span_first(span_from(text, at), what.len), what))
            return at;
    }
    return text.len;
}

static size_t body_bytes(struct span head)
{
    uint64_t bytes = 0;
    const struct span name = SPAN("Content-Length: ");
    struct span rest = span_from(head, find_text(head, name) + name.len);
    (void)parse_u64(span_split(rest, '\r', &rest), SIZE_MAX, &bytes);
    return (size_t)bytes;
}

struct span rig_statuses(const struct rig *rig, struct strbuf *out)
{
    struct span rest = rig_output(rig);
    while (rest.len > 0) {
        size_t head_bytes = find_text(rest, SPAN("\r\n\r\n")) + 4;
        ASSERT(span_starts_with(rest, SPAN("HTTP/1.1 ")));
        strbuf_put(out, out->len > 0 ? SPAN(" ") : SPAN(""));
        strbuf_put(out, span_first(span_from(rest, 9), 3));
        rest = span_from(rest, head_bytes + body_bytes(span_first(rest, head_bytes)));
    }
    return strbuf_span(out);
}
