// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A provider on loopback that costs little: `sink http|smtp DELAY_MS`.
//
// Takes every message and answers DELAY_MS later, never if that is −1 (HTTP alone). Prints its port
// when it listens, and how many messages it has taken when it is told to end (SIGTERM).
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_BYTES_MAX 32768U
#define EVENTS_MAX 256
#define ANSWERS_MAX 65536U // that wait for their time

struct peer {
    int fd;
    bool is_in_mail;
    size_t len;
    char bytes[REQUEST_BYTES_MAX + 1];
};

struct answer {
    struct peer *peer;
    int64_t due_ms;
};

struct sink {
    int epoll;
    int listener;
    int signals;
    bool is_smtp;
    int64_t delay_ms;
    uint64_t taken;
    struct answer answers[ANSWERS_MAX]; // a ring; all wait equally long, so that they are in order
    size_t first, held;
};

static void die(const char *what)
{
    (void)fprintf(stderr, "sink: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void watch(const struct sink *sink, int fd, void *ptr)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = ptr}};
    if (epoll_ctl(sink->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll");
}

// The other side may be gone.
static void say(const struct peer *peer, const char *text, size_t len)
{
    (void)send(peer->fd, text, len, MSG_NOSIGNAL);
}

static void say_line(const struct peer *peer, const char *line)
{
    say(peer, line, strlen(line));
}

static void hang_up(struct peer *peer)
{
    (void)close(peer->fd);
    free(peer);
}

// --- HTTP --------------------------------------------------------------------------------------

static void answer_request(struct sink *sink, const struct peer *peer)
{
    char text[256];
    char body[64];
    int len = snprintf(body, sizeof body, "{\"provider_message_id\":\"m%016llx\"}",
                       (unsigned long long)++sink->taken);
    len = snprintf(text, sizeof text,
                   "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                   "%s",
                   len, body);
    say(peer, text, (size_t)len);
}

static void answer_later(struct sink *sink, struct peer *peer)
{
    if (sink->held == ANSWERS_MAX)
        die("too many answers wait");
    size_t at = (sink->first + sink->held++) % ANSWERS_MAX;
    sink->answers[at] = (struct answer){peer, now_ms() + sink->delay_ms};
}

// Who waits for one has sent nothing else, so that it is still there.
static void answer_due(struct sink *sink)
{
    while (sink->held > 0 && sink->answers[sink->first].due_ms <= now_ms()) {
        answer_request(sink, sink->answers[sink->first].peer);
        sink->first = (sink->first + 1) % ANSWERS_MAX;
        sink->held--;
    }
}

static void take_request(struct sink *sink, struct peer *peer)
{
    const char *end = strstr(peer->bytes, "\r\n\r\n");
    const char *length = strstr(peer->bytes, "ontent-Length: ");
    if (end == NULL || length == NULL)
        return;
    size_t whole = (size_t)(end + 4 - peer->bytes) + strtoul(length + 15, NULL, 10);
    if (peer->len < whole)
        return;
    peer->len = 0;
    if (sink->delay_ms == 0)
        answer_request(sink, peer);
    else if (sink->delay_ms > 0)
        answer_later(sink, peer);
}

// --- SMTP --------------------------------------------------------------------------------------

static void take_command(struct peer *peer, const char *line)
{
    bool is_data = strncmp(line, "DATA", 4) == 0;
    peer->is_in_mail = is_data;
    say_line(peer, is_data ? "354 go on\r\n" : "250 2.0.0 fine\r\n");
}

static void take_mail(struct sink *sink, struct peer *peer)
{
    char text[64];
    if (peer->len < 5 || memcmp(peer->bytes + peer->len - 5, "\r\n.\r\n", 5) != 0)
        return;
    int len = snprintf(text, sizeof text, "250 2.0.0 queued as %llx\r\n",
                       (unsigned long long)++sink->taken);
    peer->is_in_mail = false;
    peer->len = 0;
    say(peer, text, (size_t)len);
}

// A client that waits for each answer, as otpd does, sends one line or one mail at a time.
static void take_lines(struct sink *sink, struct peer *peer)
{
    if (peer->is_in_mail) {
        take_mail(sink, peer);
        return;
    }
    if (peer->bytes[peer->len - 1] != '\n')
        return;
    take_command(peer, peer->bytes);
    peer->len = 0;
}

// --- connections -------------------------------------------------------------------------------

static void accept_peer(const struct sink *sink)
{
    int one = 1;
    struct peer *peer = calloc(1, sizeof *peer);
    if (peer == NULL)
        die("memory");
    peer->fd = accept4(sink->listener, NULL, NULL, SOCK_CLOEXEC);
    if (peer->fd < 0)
        die("accept");
    (void)setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    watch(sink, peer->fd, peer);
    if (sink->is_smtp)
        say_line(peer, "220 sink\r\n");
}

static void receive(struct sink *sink, struct peer *peer)
{
    ssize_t got = recv(peer->fd, peer->bytes + peer->len, REQUEST_BYTES_MAX - peer->len, 0);
    if (got <= 0 && sink->delay_ms <= 0) {
        hang_up(peer);
        return;
    }
    if (got <= 0) { // an answer to it may wait
        (void)epoll_ctl(sink->epoll, EPOLL_CTL_DEL, peer->fd, NULL);
        return;
    }
    peer->len += (size_t)got;
    peer->bytes[peer->len] = '\0';
    if (sink->is_smtp)
        take_lines(sink, peer);
    else
        take_request(sink, peer);
}

static int listen_anywhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        die("listen");
    (void)printf("%u\n", ntohs(address.sin_port));
    (void)fflush(stdout);
    return fd;
}

static int catch_signals(void)
{
    sigset_t ends;
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &ends, NULL);
    return signalfd(-1, &ends, SFD_CLOEXEC);
}

static void run(struct sink *sink)
{
    struct epoll_event events[EVENTS_MAX];
    for (;;) {
        int ready = epoll_wait(sink->epoll, events, EVENTS_MAX, sink->held > 0 ? 1 : -1);
        if (ready < 0 && errno != EINTR)
            die("wait");
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr == &sink->signals)
                return;
            if (events[i].data.ptr == &sink->listener)
                accept_peer(sink);
            else
                receive(sink, events[i].data.ptr);
        }
        answer_due(sink);
    }
}

int main(int argc, char **argv)
{
    struct sink *sink = calloc(1, sizeof *sink);
    if (argc != 3 || sink == NULL) {
        (void)fprintf(stderr, "usage: sink http|smtp DELAY_MS\n");
        return 64;
    }
    sink->is_smtp = strcmp(argv[1], "smtp") == 0;
    sink->delay_ms = strtoll(argv[2], NULL, 10);
    sink->epoll = epoll_create1(EPOLL_CLOEXEC);
    sink->signals = catch_signals();
    sink->listener = listen_anywhere();
    watch(sink, sink->signals, &sink->signals);
    watch(sink, sink->listener, &sink->listener);
    run(sink);
    (void)printf("%llu\n", (unsigned long long)sink->taken);
    return 0;
}
