// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// A small server on a thread, which does to each request what the test has asked for.
#include "channel/http_transport_curl.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define REQUESTS_MAX 8U

// What is sent back for each request, one after the other; NULL: the connection is closed, "":
// held.
struct server {
    int fd;
    uint16_t port;
    pthread_t thread;
    const char *const *replies;
    atomic_size_t requests, connections;
    atomic_bool is_ending;
    char last[4096];
};

static bool wait_readable(const struct server *server, int fd)
{
    while (!server->is_ending) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, 20) > 0)
            return true;
    }
    return false;
}

// The tests' bodies end in a dot; a GET has none.
static bool is_whole(const struct server *server, size_t len)
{
    struct span got = span_make(server->last, len);
    if (span_starts_with(got, SPAN("GET ")))
        return len > 4 && memcmp(server->last + len - 4, "\r\n\r\n", 4) == 0;
    return len > 0 && server->last[len - 1] == '.';
}

static bool read_request(struct server *server, int fd)
{
    size_t len = 0;
    while (!is_whole(server, len)) {
        if (!wait_readable(server, fd))
            return false;
        ssize_t got = read(fd, server->last + len, sizeof server->last - 1 - len);
        if (got <= 0)
            return false;
        len += (size_t)got;
    }
    server->last[len] = '\0';
    return true;
}

static void talk(struct server *server, int fd)
{
    while (read_request(server, fd)) {
        const char *reply = server->replies[server->requests++];
        if (reply == NULL)
            return;
        if (write(fd, reply, strlen(reply)) < 0)
            return;
    }
}

static void *serve(void *ctx)
{
    struct server *server = ctx;
    while (wait_readable(server, server->fd)) {
        int fd = accept(server->fd, NULL, NULL);
        if (fd < 0)
            continue;
        server->connections++;
        talk(server, fd);
        (void)close(fd);
    }
    return NULL;
}

static void server_open(struct server *server, const char *const *replies)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    memset(server, 0, sizeof *server);
    server->replies = replies;
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(server->fd, 8), 0);
    assert_int_equal(getsockname(server->fd, (struct sockaddr *)&address, &len), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void server_close(struct server *server)
{
    server->is_ending = true;
    (void)pthread_join(server->thread, NULL);
    (void)close(server->fd);
}

struct fixture {
    struct outbound *outbound;
    struct http_curl *http;
    struct vendor_request request;
    uint8_t url[128], headers[128], body[128];
    unsigned ready, told;
    struct http_outcome outcome;
    char failure[128], reply[128], retry_after[64];
};

static void keep(char *room, size_t cap, struct span text)
{
    struct strbuf out = strbuf_over(room, cap);
    strbuf_put(&out, text);
    strbuf_put_byte(&out, '\0');
    assert_false(out.is_overflowed);
}

static void on_done(void *ctx, const struct http_outcome *outcome)
{
    struct fixture *f = ctx;
    f->told++;
    f->outcome = *outcome;
    if (outcome->failure != NULL)
        memcpy(f->failure, outcome->failure, strnlen(outcome->failure, sizeof f->failure - 1) + 1);
    keep(f->reply, sizeof f->reply, outcome->body);
    keep(f->retry_after, sizeof f->retry_after, outcome->retry_after);
}

static void fixture_open(struct fixture *f, uint16_t port, bool may_use_private)
{
    const struct clock clock = clock_system();
    const struct http_curl_settings settings = {
        .connections_max = 2, .timeout_ms = 300, .may_use_private = may_use_private};
    *f = (struct fixture){0};
    assert_int_equal(outbound_create(&clock, 8, &f->outbound), ERR_OK);
    assert_int_equal(http_curl_create(f->outbound, &settings, &f->http), ERR_OK);
    f->request = (struct vendor_request){
        .method = "POST",
        .url = wire_over(f->url, sizeof f->url),
        .headers = wire_over(f->headers, sizeof f->headers),
        .body = wire_over(f->body, sizeof f->body),
        .wait_ms = 1000,
    };
    wire_put(&f->request.url, WIRE_RAW, SPAN("http://127.0.0.1:"));
    wire_put_u64(&f->request.url, port);
    wire_put(&f->request.url, WIRE_RAW, SPAN("/a?b\0"));
    wire_put(&f->request.headers, WIRE_RAW, SPAN("X-A: 1\0Content-Type: text/plain\0"));
    wire_put(&f->request.body, WIRE_RAW, SPAN("code 012345."));
}

static void fixture_close(struct fixture *f)
{
    http_curl_destroy(&f->http);
    outbound_destroy(&f->outbound);
}

static void send_one(struct fixture *f)
{
    struct http_transport transport = http_curl_transport(f->http);
    unsigned before = f->told;
    transport.start(transport.transport, &f->request, on_done, f);
    for (unsigned i = 0; i < 1000 && f->told == before; i++)
        outbound_wait(f->outbound, 20);
    assert_int_equal(f->told, before + 1);
}

static void request_arrives_as_it_is_and_the_reply_comes_back(void **state)
{
    static const char *const replies[] = {
        "HTTP/1.1 429 Slow\r\nretry-After:  7 \r\nContent-Length: 4\r\n\r\nslow"};
    struct server server;
    struct fixture f;
    (void)state;
    server_open(&server, replies);
    fixture_open(&f, server.port, true);
    send_one(&f);
    assert_int_equal(f.outcome.phase, HTTP_REPLIED);
    assert_int_equal(f.outcome.status, 429);
    assert_string_equal(f.retry_after, "7");
    assert_string_equal(f.reply, "slow");
    fixture_close(&f);
    server_close(&server);
    char expected[256];
    struct strbuf out = strbuf_over(expected, sizeof expected);
    strbuf_put_text(&out, "POST /a?b HTTP/1.1\r\nHost: 127.0.0.1:");
    strbuf_put_u64(&out, server.port);
    strbuf_put_text(&out, "\r\nAccept: */*\r\nX-A: 1\r\nContent-Type: text/plain\r\n"
                          "Content-Length: 12\r\n\r\ncode 012345.");
    assert_true(span_eq(span_of_text(server.last), strbuf_span(&out)));
}

static void failures_say_how_far_it_came(void **state)
{
    static const char *const closed[] = {NULL};
    static const char *const held[] = {""};
    static const char *const half[] = {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a", NULL};
    static const char *const *const all[] = {closed, held, half};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct server server;
        struct fixture f;
        server_open(&server, all[i]);
        fixture_open(&f, server.port, true);
        send_one(&f);
        assert_int_equal(f.outcome.phase, HTTP_SENT);
        assert_int_equal(server.requests, 1);
        fixture_close(&f);
        server_close(&server);
    }
}

static void nobody_there_means_not_sent(void **state)
{
    static const char *const none[] = {NULL};
    struct server server;
    struct fixture f;
    (void)state;
    server_open(&server, none);
    server_close(&server); // its port is free again
    fixture_open(&f, server.port, true);
    send_one(&f);
    assert_int_equal(f.outcome.phase, HTTP_NOT_SENT);
    assert_string_equal(f.failure, "Couldn't connect to server");
    fixture_close(&f);
}

static void private_addresses_are_not_connected_to(void **state)
{
    static const char *const replies[] = {OK_REPLY};
    struct server server;
    struct fixture f;
    (void)state;
    server_open(&server, replies);
    fixture_open(&f, server.port, false);
    send_one(&f);
    assert_int_equal(f.outcome.phase, HTTP_NOT_SENT);
    assert_string_equal(f.failure, "its name leads to a private address");
    assert_int_equal(server.requests, 0);
    fixture_close(&f);
    server_close(&server);
}

// A connection is kept, and the request on it that gets no reply is not sent a second time.
static void assert_nothing_is_repeated(const char *method, const char *aws_sigv4)
{
    static const char *const replies[] = {OK_REPLY, NULL, OK_REPLY};
    struct server server;
    struct fixture f;
    server_open(&server, replies);
    fixture_open(&f, server.port, true);
    f.request.method = method;
    f.request.aws_sigv4 = aws_sigv4;
    f.request.aws_user = "AKIAEXAMPLE:example-secret";
    send_one(&f);
    assert_int_equal(f.outcome.status, 200);
    send_one(&f);
    assert_int_equal(f.outcome.phase, HTTP_SENT);
    assert_string_equal(f.failure, "the connection ended without a reply");
    assert_int_equal(server.requests, 2);
    send_one(&f);
    assert_int_equal(f.outcome.status, 200);
    fixture_close(&f);
    server_close(&server);
}

static void kept_connection_that_ends_repeats_nothing(void **state)
{
    (void)state;
    assert_nothing_is_repeated("POST", NULL);
    assert_nothing_is_repeated("GET", NULL);
    assert_nothing_is_repeated("POST", "aws:amz:ap-south-1:sns");
}

// A handle is used again; nothing of the last request is in the next one.
static void requests_know_nothing_of_each_other(void **state)
{
    static const char *const replies[] = {OK_REPLY, OK_REPLY, OK_REPLY};
    struct server server;
    struct fixture f;
    (void)state;
    server_open(&server, replies);
    fixture_open(&f, server.port, true);
    f.request.aws_sigv4 = "aws:amz:ap-south-1:sns";
    f.request.aws_user = "AKIAEXAMPLE:example-secret";
    send_one(&f);
    assert_non_null(strstr(server.last, "Authorization: "));
    f.request.aws_sigv4 = f.request.aws_user = NULL;
    f.request.method = "GET";
    send_one(&f);
    assert_true(span_starts_with(span_of_text(server.last), SPAN("GET /a?b HTTP/1.1\r\n")));
    assert_null(strstr(server.last, "Authorization: "));
    assert_null(strstr(server.last, "012345"));
    f.request.method = "POST";
    wire_wipe(&f.request.headers);
    send_one(&f);
    assert_null(strstr(server.last, "X-A: "));
    assert_non_null(strstr(server.last, "\r\n\r\ncode 012345."));
    assert_int_equal(server.connections, 1);
    fixture_close(&f);
    server_close(&server);
}

static void redirects_are_replies(void **state)
{
    static const char *const replies[] = {
        "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", OK_REPLY};
    struct server server;
    struct fixture f;
    (void)state;
    server_open(&server, replies);
    fixture_open(&f, server.port, true);
    send_one(&f);
    assert_int_equal(f.outcome.status, 302);
    assert_int_equal(server.requests, 1);
    fixture_close(&f);
    server_close(&server);
}

static void too_long_a_reply_is_given_up(void **state)
{
    static char reply[HTTP_REPLY_BYTES_MAX + 128] =
        "HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n";
    const char *const replies[] = {reply};
    struct server server;
    struct fixture f;
    (void)state;
    size_t head = strlen(reply);
    memset(reply + head, 'x', HTTP_REPLY_BYTES_MAX + 1);
    server_open(&server, replies);
    fixture_open(&f, server.port, true);
    send_one(&f);
    assert_int_equal(f.outcome.phase, HTTP_SENT);
    assert_string_equal(f.failure, "the reply is longer than 64 KiB");
    fixture_close(&f);
    server_close(&server);
}

static void amazon_s_signature_is_libcurl_s(void **state)
{
    static const char *const replies[] = {OK_REPLY};
    struct server server;
    struct fixture f;
    (void)state;
    server_open(&server, replies);
    fixture_open(&f, server.port, true);
    f.request.aws_sigv4 = "aws:amz:ap-south-1:sns";
    f.request.aws_user = "AKIAEXAMPLE:example-secret";
    send_one(&f);
    assert_int_equal(f.outcome.status, 200);
    assert_non_null(strstr(server.last, "Authorization: AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/"));
    assert_non_null(strstr(server.last, "/ap-south-1/sns/aws4_request, SignedHeaders="));
    assert_null(strstr(server.last, "example-secret"));
    assert_non_null(strstr(server.last, "\r\n\r\ncode 012345."));
    fixture_close(&f);
    server_close(&server);
}

static void end_cuts_what_is_on_its_way(void **state)
{
    static const char *const held[] = {""};
    struct server server;
    struct fixture f;
    (void)state;
    server_open(&server, held);
    fixture_open(&f, server.port, true);
    struct http_transport transport = http_curl_transport(f.http);
    transport.start(transport.transport, &f.request, on_done, &f);
    for (unsigned i = 0; i < 1000 && server.requests == 0; i++)
        outbound_wait(f.outbound, 10);
    outbound_end(f.outbound, 0);
    assert_int_equal(f.told, 1);
    assert_int_equal(f.outcome.phase, HTTP_SENT);
    assert_string_equal(f.failure, "the server is going down");
    fixture_close(&f);
    server_close(&server);
}

static void on_ready(void *ctx)
{
    ((struct fixture *)ctx)->ready++;
}

// Until a connection is ready for it.
static void approach(struct fixture *f)
{
    struct http_transport transport = http_curl_transport(f->http);
    unsigned before = f->ready;
    f->request.on_ready = on_ready;
    transport.start(transport.transport, &f->request, on_done, f);
    for (unsigned i = 0; i < 1000 && f->ready == before; i++)
        outbound_wait(f->outbound, 20);
    assert_int_equal(f->ready, before + 1);
    assert_int_equal(f->told, 0);
}

static void go(struct fixture *f, bool is_wanted)
{
    struct http_transport transport = http_curl_transport(f->http);
    transport.go(transport.transport, &f->request, is_wanted);
    for (unsigned i = 0; is_wanted && i < 1000 && f->told == 0; i++)
        outbound_wait(f->outbound, 20);
    assert_int_equal(f->told, is_wanted);
    f->told = 0;
}

// If libcurl did not keep the connection that it was only asked to make, there would be two.
static void nothing_leaves_before_it_may(void **state)
{
    static const char *const replies[] = {OK_REPLY, OK_REPLY};
    struct server server;
    struct fixture f;
    (void)state;
    server_open(&server, replies);
    fixture_open(&f, server.port, true);
    for (unsigned i = 0; i < 2; i++) {
        approach(&f);
        assert_int_equal(server.requests, i);
        go(&f, true);
        assert_int_equal(f.outcome.status, 200);
    }
    assert_int_equal(server.requests, 2);
    assert_int_equal(server.connections, 1);
    fixture_close(&f);
    server_close(&server);
}

static void connection_of_what_is_not_wanted_serves_the_next(void **state)
{
    static const char *const replies[] = {OK_REPLY};
    struct server server;
    struct fixture f;
    (void)state;
    server_open(&server, replies);
    fixture_open(&f, server.port, true);
    approach(&f);
    go(&f, false);
    approach(&f);
    go(&f, true);
    assert_int_equal(f.outcome.status, 200);
    assert_int_equal(server.requests, 1);
    assert_int_equal(server.connections, 1);
    fixture_close(&f);
    server_close(&server);
}

// The request that is ready then has one of its own, and does not have to make it.
static void connection_that_the_provider_ends_is_not_counted_on(void **state)
{
    static const char *const replies[] = {
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", OK_REPLY};
    (void)state;
    struct server server;
    struct fixture f;
    server_open(&server, replies);
    fixture_open(&f, server.port, true);
    for (unsigned i = 0; i < 3; i++) {
        approach(&f);
        for (unsigned n = 0; n < 1000 && server.connections == i; n++)
            outbound_wait(f.outbound, 10);
        assert_int_equal(server.connections, i + 1);
        assert_int_equal(server.requests, i);
        go(&f, true);
        assert_int_equal(server.connections, i + 1);
    }
    fixture_close(&f);
    server_close(&server);
}

static void end_cuts_what_is_ready(void **state)
{
    static const char *const none[] = {NULL};
    struct server server;
    struct fixture f;
    (void)state;
    server_open(&server, none);
    fixture_open(&f, server.port, true);
    approach(&f);
    outbound_end(f.outbound, 0);
    assert_int_equal(f.told, 1);
    assert_int_equal(f.outcome.phase, HTTP_NOT_SENT);
    assert_int_equal(server.requests, 0);
    fixture_close(&f);
    server_close(&server);
}

static void approach_that_fails_has_sent_nothing(void **state)
{
    static const char *const none[] = {NULL};
    struct server server;
    struct fixture f;
    (void)state;
    server_open(&server, none);
    server_close(&server);
    fixture_open(&f, server.port, true);
    f.request.on_ready = on_ready;
    send_one(&f);
    assert_int_equal(f.ready, 0);
    assert_int_equal(f.outcome.phase, HTTP_NOT_SENT);
    assert_string_equal(f.failure, "Couldn't connect to server");
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_arrives_as_it_is_and_the_reply_comes_back),
        cmocka_unit_test(failures_say_how_far_it_came),
        cmocka_unit_test(nobody_there_means_not_sent),
        cmocka_unit_test(private_addresses_are_not_connected_to),
        cmocka_unit_test(kept_connection_that_ends_repeats_nothing),
        cmocka_unit_test(requests_know_nothing_of_each_other),
        cmocka_unit_test(redirects_are_replies),
        cmocka_unit_test(too_long_a_reply_is_given_up),
        cmocka_unit_test(amazon_s_signature_is_libcurl_s),
        cmocka_unit_test(end_cuts_what_is_on_its_way),
        cmocka_unit_test(nothing_leaves_before_it_may),
        cmocka_unit_test(connection_of_what_is_not_wanted_serves_the_next),
        cmocka_unit_test(connection_that_the_provider_ends_is_not_counted_on),
        cmocka_unit_test(end_cuts_what_is_ready),
        cmocka_unit_test(approach_that_fails_has_sent_nothing),
    };
    return cmocka_run_group_tests_name("channel/http_transport_curl", tests, NULL, NULL);
}
