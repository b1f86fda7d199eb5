// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The real thing on loopback: several loops in threads, blocking clients with a time-out.
#include "http/limits.h"
#include "http/listen.h"
#include "http/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define CLIENTS 200U
#define LOOPS 3U
#define CLERKS_MAX 100U
#define POST "POST /echo HTTP/1.1\r\nHost: a\r\n"

// What each loop's owner keeps for it.
struct desk {
    struct site *site;
    uv_async_t async; // stands for the owner's own handles
    atomic_size_t requests;
    struct http_exchange *owed; // by GET /never
    bool is_stopped;
};

struct site {
    struct http_server *server;
    struct http_limits limits;
    struct http_router router;
    struct http_route routes[7];
    struct entropy entropy;
    struct clock clock;
    uv_thread_t clerks[CLERKS_MAX]; // by GET /elsewhere
    atomic_size_t clerks_held;
    struct desk desks[LOOPS];
    size_t desks_held;
    atomic_size_t gone;
    size_t big_bytes;
    struct http_exchange *asked; // by GET /turn, until its loop's turn ends
};

static void fill_random(void *ctx, void *out, size_t len)
{
    (void)ctx;
    memset(out, 7, len);
}

static void write_error(int status, struct strbuf *out)
{
    strbuf_put_u64(out, (uint64_t)status);
}

static void reply_text(struct http_exchange *exchange, struct span text)
{
    struct http_reply reply = {.status = 200, .content_type = SPAN("text/plain"), .body = text};
    http_reply(exchange, &reply);
}

static void on_echo(void *ctx, struct http_exchange *exchange)
{
    (void)ctx;
    struct desk *desk = exchange->worker;
    atomic_fetch_add(&desk->requests, 1);
    reply_text(exchange, exchange->request.body.len > 0 ? exchange->request.body : exchange->peer);
}

static void on_wake(struct http_exchange *exchange, void *ctx, struct mono now, bool is_gone)
{
    struct site *site = ctx;
    assert_true(is_gone || now.ms >= exchange->received_at.ms + 50);
    if (is_gone)
        atomic_fetch_add(&site->gone, 1);
    reply_text(exchange, SPAN("later"));
}

// GET /later?50: answered after so many ms.
static void on_later(void *ctx, struct http_exchange *exchange)
{
    struct desk *desk = exchange->worker;
    bool is_long = exchange->request.query.len > 2;
    atomic_fetch_add(&desk->requests, 1);
    http_exchange_wake(exchange, mono_after(exchange->received_at, is_long ? 60000 : 50), on_wake,
                       ctx);
}

static void on_never(void *ctx, struct http_exchange *exchange)
{
    (void)ctx;
    struct desk *desk = exchange->worker;
    desk->owed = exchange;
    atomic_fetch_add(&desk->requests, 1);
}

struct errand {
    struct http_task task;
    struct http_exchange *exchange;
    uv_thread_t loop;
    unsigned runs;
};

static void run_errand(struct http_task *task)
{
    struct errand *errand = (struct errand *)(void *)task;
    uv_thread_t self = uv_thread_self();
    assert_true(uv_thread_equal(&self, &errand->loop));
    if (++errand->runs == 2)
        reply_text(errand->exchange, SPAN("done"));
}

static void be_clerk(void *ctx)
{
    struct errand *errand = ctx;
    http_exchange_post(errand->exchange, &errand->task);
}

// GET /elsewhere: answered by what another thread posts, after a first run at once on its own.
static void on_elsewhere(void *ctx, struct http_exchange *exchange)
{
    struct site *site = ctx;
    struct errand *errand = arena_alloc(&exchange->arena, sizeof *errand);
    size_t number = atomic_fetch_add(&site->clerks_held, 1);
    assert_true(number < CLERKS_MAX);
    *errand = (struct errand){{run_errand, NULL}, exchange, uv_thread_self(), 0};
    http_exchange_post(exchange, &errand->task);
    assert_int_equal(errand->runs, 1);
    assert_int_equal(uv_thread_create(&site->clerks[number], be_clerk, errand), 0);
}

// GET /left: as /elsewhere, but the clerk leaves the task, and then wakes all loops.
static void be_slow_clerk(void *ctx)
{
    struct errand *errand = ctx;
    const struct desk *desk = errand->exchange->worker;
    struct http_server *server = desk->site->server; // the exchange is gone once the task has run
    http_exchange_leave(errand->exchange, &errand->task);
    http_server_wake(server);
}

static void on_left(void *ctx, struct http_exchange *exchange)
{
    struct site *site = ctx;
    struct errand *errand = arena_alloc(&exchange->arena, sizeof *errand);
    size_t number = atomic_fetch_add(&site->clerks_held, 1);
    assert_true(number < CLERKS_MAX);
    *errand = (struct errand){{run_errand, NULL}, exchange, uv_thread_self(), 1};
    assert_int_equal(uv_thread_create(&site->clerks[number], be_slow_clerk, errand), 0);
}

// GET /turn: answered when the turn of the (only) loop ends in which it came.
static void on_turn_asked(void *ctx, struct http_exchange *exchange)
{
    ((struct site *)ctx)->asked = exchange;
}

static void on_turn(void *ctx)
{
    struct site *site = ctx;
    struct http_exchange *asked = site->asked;
    site->asked = NULL;
    if (asked != NULL)
        reply_text(asked, SPAN("turned"));
}

static void on_big(void *ctx, struct http_exchange *exchange)
{
    const struct site *site = ctx;
    uint8_t *body = calloc(1, site->big_bytes);
    reply_text(exchange, span_make(body, site->big_bytes));
    free(body);
}

static void on_async(uv_async_t *async)
{
    (void)async;
}

static enum err on_worker(void *ctx, uv_loop_t *loop, struct http_worker_options *out)
{
    struct site *site = ctx;
    struct desk *desk = &site->desks[site->desks_held++];
    desk->site = site;
    out->router = &site->router;
    out->entropy = &site->entropy;
    out->user = desk;
    return uv_async_init(loop, &desk->async, on_async) == 0 ? ERR_OK : ERR_NO_MEMORY;
}

static void on_worker_stop(void *ctx, void *user)
{
    struct desk *desk = user;
    assert_ptr_equal(desk->site, ctx);
    desk->is_stopped = true;
    uv_close((uv_handle_t *)&desk->async, NULL);
}

static enum err create(struct site *site, struct span address, size_t loops)
{
    struct err_info info;
    struct http_server_options options = {
        .address = address,
        .loops_count = loops,
        .limits = &site->limits,
        .clock = site->clock,
        .on_worker = on_worker,
        .on_worker_stop = on_worker_stop,
        .on_turn = loops == 1 ? on_turn : NULL,
        .ctx = site,
    };
    return http_server_create(&options, &site->server, &info);
}

static int set_up(void **state)
{
    struct site *site = calloc(1, sizeof *site);
    const struct http_route routes[] = {
        {HTTP_POST, SPAN("/echo"), on_echo, site},
        {HTTP_GET, SPAN("/later"), on_later, site},
        {HTTP_GET, SPAN("/big"), on_big, site},
        {HTTP_GET, SPAN("/never"), on_never, site},
        {HTTP_GET, SPAN("/elsewhere"), on_elsewhere, site},
        {HTTP_GET, SPAN("/left"), on_left, site},
        {HTTP_GET, SPAN("/turn"), on_turn_asked, site},
    };
    memcpy(site->routes, routes, sizeof routes);
    site->router = (struct http_router){site->routes, COUNT(routes), write_error};
    site->limits = http_limits_default;
    site->entropy = (struct entropy){fill_random, NULL};
    site->clock = clock_system();
    *state = site;
    return 0;
}

static int tear_down(void **state)
{
    struct site *site = *state;
    for (size_t i = 0; i < site->desks_held; i++)
        assert_true(site->desks[i].is_stopped);
    free(site);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

static void start(struct site *site, size_t loops)
{
    assert_int_equal(create(site, SPAN("127.0.0.1:0"), loops), ERR_OK);
    assert_int_equal(http_server_start(site->server), ERR_OK);
}

static void stop(struct site *site)
{
    http_server_drain(site->server, 2000);
    assert_int_equal(http_server_join(site->server), ERR_OK);
    http_server_destroy(&site->server);
    assert_null(site->server);
}

static int dial(const struct site *site)
{
    const struct timeval patience = {.tv_sec = 20};
    struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons(http_server_port(site->server)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void say(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        assert_true(sent > 0);
        bytes = span_from(bytes, (size_t)sent);
    }
}

// Reads until `end` has come, or the end of the connection when it is empty.
static struct span hear(int fd, struct span end, struct strbuf *in)
{
    while (end.len == 0 || in->len < end.len ||
           !span_eq(span_make(in->data + in->len - end.len, end.len), end)) {
        ssize_t got = recv(fd, in->data + in->len, in->cap - in->len, 0);
        assert_true(got >= 0);
        if (got == 0)
            break;
        in->len += (size_t)got;
    }
    return strbuf_span(in);
}

static bool has(struct span text, struct span what)
{
    for (size_t at = 0; at + what.len <= text.len; at++) {
        if (span_eq(span_first(span_from(text, at), what.len), what))
            return true;
    }
    return false;
}

// Says it, hears until the end of the connection, and compares the status and the body.
static void assert_last_words(int fd, struct span raw, struct span status, struct span body)
{
    uint8_t memory[4096];
    struct strbuf in = strbuf_over(memory, sizeof memory);
    say(fd, raw);
    struct span heard = hear(fd, SPAN(""), &in);
    assert_true(has(span_first(heard, 13), status));
    assert_true(has(span_from(heard, heard.len - body.len), body));
    assert_true(has(heard, SPAN("Connection: close\r\n")));
    (void)close(fd);
}

static void assert_echo(int fd)
{
    uint8_t memory[1024];
    struct strbuf in = strbuf_over(memory, sizeof memory);
    say(fd, SPAN(POST "Content-Length: 7\r\n\r\nresound"));
    assert_true(has(hear(fd, SPAN("resound"), &in), SPAN("HTTP/1.1 200 OK\r\n")));
}

static void test_one_request(void **state)
{
    struct site *site = *state;
    start(site, 1);
    assert_last_words(dial(site), SPAN(POST "Connection: close\r\n\r\n"), SPAN("200"),
                      SPAN("\r\n\r\n127.0.0.1"));
    stop(site);
}

static void test_ipv6(void **state)
{
    struct site *site = *state;
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    if (create(site, SPAN("[::1]:0"), 1) != ERR_OK)
        skip(); // a machine without IPv6
    assert_int_equal(http_server_start(site->server), ERR_OK);
    to.sin6_port = htons(http_server_port(site->server));
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    assert_last_words(fd, SPAN(POST "Connection: close\r\n\r\n"), SPAN("200"), SPAN("\r\n\r\n::1"));
    stop(site);
}

static void test_unix_socket(void **state)
{
    struct site *site = *state;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    char address[128];
    (void)snprintf(to.sun_path, sizeof to.sun_path, "/tmp/otpd-test-%ld.sock", (long)getpid());
    (void)snprintf(address, sizeof address, "unix:%s", to.sun_path);
    assert_int_equal(create(site, span_of_text(address), 1), ERR_OK);
    assert_int_equal(http_server_start(site->server), ERR_OK);
    assert_int_equal(http_server_port(site->server), 0);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    assert_last_words(fd, SPAN(POST "Connection: close\r\n\r\n"), SPAN("200"),
                      SPAN("\r\n\r\nunix"));
    stop(site);
    assert_int_equal(access(to.sun_path, F_OK), -1);
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct span bad[] = {
        SPAN(""),
        SPAN("127.0.0.1"),
        SPAN("127.0.0.1:"),
        SPAN(":8480"),
        SPAN("localhost:1"),
        SPAN("127.0.0.1:65536"),
        SPAN("127.0.0.1:+1"),
        SPAN("[::1]"),
        SPAN("::1:8480"),
        SPAN("[]:1"),
        SPAN("[127.0.0.1]:1"),
        SPAN("127.0.1:1"),
        SPAN("1.2.3.4.5:1"),
        SPAN("[::1]x:1"),
        SPAN("0127.0.0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0:1"),
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct http_listener listener;
        struct err_info info;
        assert_int_equal(http_listen(bad[i], &listener, &info), ERR_INVALID);
        assert_non_null(strstr(info.text, "is not an address and port"));
    }
}

static void test_address_in_use(void **state)
{
    struct site *site = *state;
    char text[32];
    struct http_listener listener;
    struct err_info info;
    assert_int_equal(http_listen(SPAN("127.0.0.1:0"), &listener, &info), ERR_OK);
    int len = snprintf(text, sizeof text, "127.0.0.1:%u", listener.port);
    assert_int_equal(create(site, span_make(text, (size_t)len), LOOPS), ERR_IN_USE);
    assert_null(site->server);

    char wanted[128];
    struct http_listener other;
    (void)snprintf(wanted, sizeof wanted,
                   "%s is in use; find who has it with: ss -ltnp 'sport = :%u'", text,
                   listener.port);
    assert_int_equal(http_listen(span_make(text, (size_t)len), &other, &info), ERR_IN_USE);
    assert_string_equal(info.text, wanted);
    (void)close(listener.fd);
}

static void test_peer_texts(void **state)
{
    (void)state;
    uint8_t text[HTTP_PEER_BYTES_MAX];
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6};
    struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
    assert_int_equal(http_peer_text(&peer, text, sizeof text), 0);
    mapped.sin6_addr.s6_addr[10] = 0xFF;
    mapped.sin6_addr.s6_addr[11] = 0xFF;
    memcpy(&mapped.sin6_addr.s6_addr[12], "\xC0\x00\x02\x07", 4);
    memcpy(&peer, &mapped, sizeof mapped);
    size_t len = http_peer_text(&peer, text, sizeof text);
    assert_true(span_eq(span_make(text, len), SPAN("192.0.2.7")));
}

// Two hundred at once, five rounds each; every loop gets its share.
static void test_many_clients(void **state)
{
    struct site *site = *state;
    int fds[CLIENTS];
    start(site, LOOPS);
    for (size_t i = 0; i < CLIENTS; i++)
        fds[i] = dial(site);
    for (size_t round = 0; round < 5; round++) {
        for (size_t i = 0; i < CLIENTS; i++)
            say(fds[i], SPAN(POST "Content-Length: 2\r\n\r\nab"));
        for (size_t i = 0; i < CLIENTS; i++) {
            uint8_t memory[1024];
            struct strbuf in = strbuf_over(memory, sizeof memory);
            assert_true(has(hear(fds[i], SPAN("\r\n\r\nab"), &in), SPAN("HTTP/1.1 200 OK\r\n")));
        }
    }
    for (size_t i = 0; i < CLIENTS; i++)
        (void)close(fds[i]);
    stop(site);
    for (size_t i = 0; i < LOOPS; i++)
        assert_in_range(atomic_load(&site->desks[i].requests), 300, 400);
}

static void test_pipeline(void **state)
{
    struct site *site = *state;
    uint8_t memory[8192];
    struct strbuf in = strbuf_over(memory, sizeof memory);
    start(site, LOOPS);
    int fd = dial(site);
    for (int i = 0; i < 9; i++)
        say(fd, SPAN(POST "Content-Length: 1\r\n\r\na"));
    say(fd, SPAN(POST "Content-Length: 1\r\n\r\nz"));
    struct span heard = hear(fd, SPAN("\r\n\r\nz"), &in);
    size_t answers = 0;
    for (size_t at = 0; at < heard.len; at++)
        answers += span_starts_with(span_from(heard, at), SPAN("HTTP/1.1 200 OK\r\n"));
    assert_int_equal(answers, 10);
    (void)close(fd);
    stop(site);
}

static void test_half_closed_client(void **state)
{
    struct site *site = *state;
    uint8_t memory[1024];
    struct strbuf in = strbuf_over(memory, sizeof memory);
    start(site, 1);
    int fd = dial(site);
    say(fd, SPAN(POST "Content-Length: 2\r\n\r\nhi"));
    (void)shutdown(fd, SHUT_WR);
    assert_true(has(hear(fd, SPAN(""), &in), SPAN("\r\n\r\nhi")));
    (void)close(fd);
    stop(site);
}

static void test_wake(void **state)
{
    struct site *site = *state;
    uint8_t memory[1024];
    struct strbuf in = strbuf_over(memory, sizeof memory);
    start(site, 1);
    int fd = dial(site);
    int64_t start_ms = clock_mono(&site->clock).ms;
    say(fd, SPAN("GET /later?50 HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_true(has(hear(fd, SPAN("\r\n\r\nlater"), &in), SPAN("HTTP/1.1 200 OK\r\n")));
    assert_in_range(clock_mono(&site->clock).ms - start_ms, 50, 5000);
    (void)close(fd);
    stop(site);
    assert_int_equal(atomic_load(&site->gone), 0);
}

// Closed with a reset: the handler hears of it at once, long before its minute is over.
static void test_client_gone(void **state)
{
    struct site *site = *state;
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    start(site, LOOPS);
    int fd = dial(site);
    say(fd, SPAN("GET /later?60000 HTTP/1.1\r\nHost: a\r\n\r\n"));
    while (atomic_load(&site->desks[0].requests) == 0)
        sched_yield();
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    (void)close(fd);
    while (atomic_load(&site->gone) == 0)
        sched_yield();
    stop(site);
}

static void test_deadlines(void **state)
{
    struct site *site = *state;
    uint8_t memory[64];
    struct strbuf in = strbuf_over(memory, sizeof memory);
    site->limits.head_ms_max = 60;
    site->limits.body_ms_max = 90;
    site->limits.idle_ms_max = 30;
    start(site, 1);
    int64_t start_ms = clock_mono(&site->clock).ms;
    int fd = dial(site);
    assert_int_equal(hear(fd, SPAN(""), &in).len, 0);
    (void)close(fd);
    assert_last_words(dial(site), SPAN("POST"), SPAN("408"), SPAN("\r\n\r\n408"));
    assert_last_words(dial(site), SPAN(POST "Content-Length: 9\r\n\r\n"), SPAN("408"),
                      SPAN("\r\n\r\n408"));
    assert_in_range(clock_mono(&site->clock).ms - start_ms, 180, 9000);
    stop(site);
}

// The answer to a megabyte reaches a client that sends it all before it reads.
static void test_too_large_is_told(void **state)
{
    struct site *site = *state;
    static const uint8_t megabyte[1024 * 1024];
    start(site, 1);
    int fd = dial(site);
    say(fd, SPAN(POST "Content-Length: 1048576\r\n\r\n"));
    say(fd, span_make(megabyte, sizeof megabyte));
    assert_last_words(fd, SPAN(""), SPAN("413"), SPAN("\r\n\r\n413"));
    stop(site);
}

static void test_big_answer(void **state)
{
    struct site *site = *state;
    site->big_bytes = HTTP_REPLY_BYTES_MAX;
    uint8_t *memory = malloc(site->big_bytes + 1024);
    struct strbuf in = strbuf_over(memory, site->big_bytes + 1024);
    start(site, 1);
    int fd = dial(site);
    say(fd, SPAN("GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    assert_true(hear(fd, SPAN(""), &in).len > site->big_bytes);
    free(memory);
    (void)close(fd);
    stop(site);
}

static void test_no_room(void **state)
{
    struct site *site = *state;
    site->limits.conns_max = 2;
    start(site, 1);
    int first = dial(site);
    int second = dial(site);
    assert_echo(first);
    assert_echo(second);
    assert_last_words(dial(site), SPAN(""), SPAN("503"), SPAN("\r\n\r\n503"));
    assert_echo(first);
    (void)close(first);
    (void)close(second);
    stop(site);
}

static int64_t cpu_ms(void)
{
    struct rusage used;
    assert_int_equal(getrusage(RUSAGE_SELF, &used), 0);
    return (int64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
}

// The lowest limit that leaves no descriptor but the one for `spare` more.
static struct rlimit leave_descriptors(rlim_t spare)
{
    struct rlimit before;
    int probe = dup(0);
    (void)getrlimit(RLIMIT_NOFILE, &before);
    struct rlimit low = {.rlim_cur = (rlim_t)probe + spare, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    (void)close(probe);
    return before;
}

// A client that cannot be accepted waits, the loop does not spin, and when there is a descriptor
// again it is served.
static void test_out_of_descriptors(void **state)
{
    struct site *site = *state;
    uint8_t byte;
    const struct timeval short_patience = {.tv_usec = 300000};
    const struct timeval patience = {.tv_sec = 20};
    start(site, 1);
    int first = dial(site);
    assert_echo(first);
    struct rlimit before = leave_descriptors(1);
    int second = dial(site);
    say(second, SPAN(POST "Connection: close\r\nContent-Length: 2\r\n\r\nhi"));
    int64_t used_ms = cpu_ms();
    (void)setsockopt(second, SOL_SOCKET, SO_RCVTIMEO, &short_patience, sizeof short_patience);
    assert_int_equal(recv(second, &byte, 1, 0), -1);
    assert_int_equal(errno, EAGAIN);
    assert_in_range(cpu_ms() - used_ms, 0, 150);
    (void)setsockopt(second, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)close(first);
    assert_last_words(second, SPAN(""), SPAN("200"), SPAN("\r\n\r\nhi"));
    (void)setrlimit(RLIMIT_NOFILE, &before);
    stop(site);
}

static void join_clerks(struct site *site)
{
    for (size_t i = 0; i < atomic_load(&site->clerks_held); i++)
        assert_int_equal(uv_thread_join(&site->clerks[i]), 0);
}

static void ask_clerks(struct site *site, struct span request)
{
    int fds[CLERKS_MAX];
    start(site, LOOPS);
    for (size_t i = 0; i < CLERKS_MAX; i++)
        fds[i] = dial(site);
    for (size_t i = 0; i < CLERKS_MAX; i++)
        say(fds[i], request);
    for (size_t i = 0; i < CLERKS_MAX; i++)
        assert_last_words(fds[i], SPAN(""), SPAN("200"), SPAN("\r\n\r\ndone"));
    join_clerks(site); // one may still be about to wake the server
    stop(site);
}

static void test_post_from_other_threads(void **state)
{
    ask_clerks(*state, SPAN("GET /elsewhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
}

static void test_leave_and_wake(void **state)
{
    ask_clerks(*state, SPAN("GET /left HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
}

static void test_end_of_turn(void **state)
{
    struct site *site = *state;
    start(site, 1);
    int fd = dial(site);
    say(fd, SPAN("GET /turn HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    assert_last_words(fd, SPAN(""), SPAN("200"), SPAN("\r\n\r\nturned"));
    stop(site);
}

// The client has left, and the server waits for what is owed to it before it ends.
static void test_post_while_draining(void **state)
{
    struct site *site = *state;
    start(site, 1);
    for (size_t i = 0; i < 20; i++) {
        int fd = dial(site);
        say(fd, SPAN("GET /elsewhere HTTP/1.1\r\nHost: a\r\n\r\n"));
        (void)close(fd);
    }
    stop(site);
    assert_int_equal(atomic_load(&site->clerks_held), 20);
    join_clerks(site);
}

static void test_drain(void **state)
{
    struct site *site = *state;
    uint8_t memory[64];
    struct strbuf in = strbuf_over(memory, sizeof memory);
    start(site, LOOPS);
    int idle = dial(site);
    int busy = dial(site);
    assert_echo(idle);
    say(busy, SPAN("GET /later?50 HTTP/1.1\r\nHost: a\r\n\r\n"));
    http_server_drain(site->server, 10000);
    assert_int_equal(hear(idle, SPAN(""), &in).len, 0);
    assert_last_words(busy, SPAN(""), SPAN("200"), SPAN("\r\n\r\nlater"));
    assert_int_equal(http_server_join(site->server), ERR_OK);
    http_server_destroy(&site->server);
    (void)close(idle);
}

// Nobody is waited for past the deadline: neither a client nor a handler that waits for later.
static void test_drain_deadline(void **state)
{
    struct site *site = *state;
    start(site, LOOPS);
    int fd = dial(site);
    say(fd, SPAN("GET /later?60000 HTTP/1.1\r\nHost: a\r\n\r\n"));
    while (atomic_load(&site->desks[0].requests) == 0)
        sched_yield();
    int64_t start_ms = clock_mono(&site->clock).ms;
    http_server_drain(site->server, 100);
    assert_int_equal(http_server_join(site->server), ERR_OK);
    assert_in_range(clock_mono(&site->clock).ms - start_ms, 100, 5000);
    assert_int_equal(atomic_load(&site->gone), 1);
    http_server_destroy(&site->server);
    (void)close(fd);
}

static void test_handler_that_never_answers(void **state)
{
    static void *abandoned[2]; // still reachable, or the leak checker would call it lost
    struct site *site = *state;
    start(site, 1);
    int fd = dial(site);
    say(fd, SPAN("GET /never HTTP/1.1\r\nHost: a\r\n\r\n"));
    while (atomic_load(&site->desks[0].requests) == 0)
        sched_yield();
    http_server_drain(site->server, 0);
    assert_int_equal(http_server_join(site->server), ERR_TIMEOUT);
    abandoned[0] = site->server;
    http_server_destroy(&site->server);
    assert_null(site->server);
    assert_non_null(abandoned[0]);
    site->desks_held = 0; // its owner was never told to stop, and stays
    abandoned[1] = site;
    set_up(state);
    (void)close(fd);
}

static void test_never_started(void **state)
{
    struct site *site = *state;
    assert_int_equal(create(site, SPAN("127.0.0.1:0"), LOOPS), ERR_OK);
    assert_true(http_server_port(site->server) > 0);
    http_server_destroy(&site->server);
    assert_null(site->server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_request),
        TEST(test_ipv6),
        TEST(test_unix_socket),
        TEST(test_addresses),
        TEST(test_address_in_use),
        TEST(test_peer_texts),
        TEST(test_many_clients),
        TEST(test_pipeline),
        TEST(test_half_closed_client),
        TEST(test_wake),
        TEST(test_client_gone),
        TEST(test_deadlines),
        TEST(test_too_large_is_told),
        TEST(test_big_answer),
        TEST(test_no_room),
        TEST(test_out_of_descriptors),
        TEST(test_post_from_other_threads),
        TEST(test_leave_and_wake),
        TEST(test_end_of_turn),
        TEST(test_post_while_draining),
        TEST(test_drain),
        TEST(test_drain_deadline),
        TEST(test_handler_that_never_answers),
        TEST(test_never_started),
    };
    return cmocka_run_group_tests_name("http/server", tests, NULL, NULL);
}
