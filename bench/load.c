// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A load generator for loopback: `load PORT CONNECTIONS REQUESTS ANSWERS [RATE]`.
//
// REQUESTS is a file of whole HTTP requests, each after its length in four little-endian bytes.
// Every one is sent once, over CONNECTIONS keep-alive connections with one request under way on
// each. With a RATE so many begin in a second, whether or not earlier ones are answered, and
// waiting for a free connection is part of a latency. The bodies of the answers go to ANSWERS, one
// a line, in the order of the requests. The last line on standard output is JSON: requests,
// seconds, latencies, and how many answers were not 200.

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// A batch of 100 answers fits; pages that no answer reaches are never touched.
#define RESPONSE_BYTES_MAX 262144
#define EVENTS_MAX 1024
#define WAIT_MS_MAX 10000

struct request {
    const char *data;
    size_t len;
    char *answer;
    size_t answer_len;
    uint32_t latency_us;
    int status;
};

struct peer {
    int fd;
    size_t request; // under way
    int64_t sent_ns;
    size_t len;
    char response[RESPONSE_BYTES_MAX];
};

struct load {
    struct request *requests;
    size_t count;
    size_t next;
    size_t finished;
    double rate; // 0: as fast as they are answered
    int64_t began_ns;
    struct peer **idle; // with a rate: a ring, so that no connection is idle for long
    size_t idle_first;
    size_t idle_held;
    size_t peers_held;
    int epoll;
    struct sockaddr_in address;
};

static void die(const char *what)
{
    (void)fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void read_requests(struct load *load, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0)
        die(path);
    size_t size = (size_t)info.st_size;
    const char *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        die(path);
    (void)close(fd);
    load->requests = calloc(size / 20 + 1, sizeof *load->requests);
    if (load->requests == NULL)
        die("memory");
    for (size_t at = 0; at + 4 <= size;) {
        uint32_t len;
        memcpy(&len, data + at, 4);
        load->requests[load->count++] = (struct request){.data = data + at + 4, .len = len};
        at += 4 + len;
    }
}

// When the next request is to begin.
static int64_t due_ns(const struct load *load)
{
    return load->began_ns + (int64_t)((double)load->next * 1e9 / load->rate);
}

// Requests are smaller than an empty socket buffer, so that one write always takes all.
static void send_next(struct load *load, struct peer *peer)
{
    if (load->next == load->count)
        return;
    if (load->rate > 0 && due_ns(load) > now_ns()) {
        load->idle[(load->idle_first + load->idle_held++) % load->peers_held] = peer;
        return;
    }
    peer->sent_ns = load->rate > 0 ? due_ns(load) : now_ns();
    peer->request = load->next++;
    peer->len = 0;
    const struct request *request = &load->requests[peer->request];
    if (send(peer->fd, request->data, request->len, MSG_NOSIGNAL) != (ssize_t)request->len)
        die("send");
}

static void open_peer(struct load *load, struct peer *peer)
{
    int one = 1;
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (peer->fd < 0 ||
        connect(peer->fd, (struct sockaddr *)&load->address, sizeof load->address) != 0)
        die("connect");
    (void)setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = peer}};
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, peer->fd, &event) != 0)
        die("epoll");
}

// The body when the whole response is there.
static const char *whole_body(const struct peer *peer, size_t *len_out)
{
    const char *end = memmem(peer->response, peer->len, "\r\n\r\n", 4);
    const char *length = memmem(peer->response, peer->len, "ontent-Length: ", 15);
    if (end == NULL || length == NULL)
        return NULL;
    size_t head = (size_t)(end + 4 - peer->response);
    *len_out = strtoul(length + 15, NULL, 10);
    return peer->len >= head + *len_out ? end + 4 : NULL;
}

static void finish(struct load *load, struct peer *peer, const char *body, size_t len)
{
    struct request *request = &load->requests[peer->request];
    request->latency_us = (uint32_t)((now_ns() - peer->sent_ns) / 1000);
    request->status = (int)strtol(peer->response + 9, NULL, 10);
    request->answer = malloc(len + 1);
    if (request->answer == NULL)
        die("memory");
    memcpy(request->answer, body, len);
    request->answer_len = len;
    load->finished++;
    send_next(load, peer);
}

static void receive(struct load *load, struct peer *peer)
{
    ssize_t got = recv(peer->fd, peer->response + peer->len, RESPONSE_BYTES_MAX - 1 - peer->len, 0);
    if (got <= 0)
        die("the server closed a connection");
    peer->len += (size_t)got;
    peer->response[peer->len] = 0;
    size_t len = 0;
    const char *body = whole_body(peer, &len);
    if (body != NULL)
        finish(load, peer, body, len);
}

// What is due goes out by the connections that have nothing to do. How long until the next one.
static int send_due(struct load *load)
{
    while (load->idle_held > 0 && load->next < load->count && due_ns(load) <= now_ns()) {
        struct peer *peer = load->idle[load->idle_first];
        load->idle_first = (load->idle_first + 1) % load->peers_held;
        load->idle_held--;
        send_next(load, peer);
    }
    if (load->idle_held == 0 || load->next == load->count)
        return WAIT_MS_MAX;
    int64_t wait_ns = due_ns(load) - now_ns();
    return wait_ns > 0 ? (int)(wait_ns / 1000000) : 0;
}

static void run(struct load *load, struct peer *peers, size_t count)
{
    struct epoll_event events[EVENTS_MAX];
    for (size_t i = 0; i < count; i++)
        send_next(load, &peers[i]);
    while (load->finished < load->count) {
        int wait_ms = send_due(load);
        int ready = epoll_wait(load->epoll, events, EVENTS_MAX, wait_ms);
        if (ready == 0)
            errno = ETIMEDOUT;
        if (ready < 0 || (ready == 0 && wait_ms == WAIT_MS_MAX))
            die("wait");
        for (int i = 0; i < ready; i++)
            receive(load, events[i].data.ptr);
    }
}

static int by_latency(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void write_answers(const struct load *load, const char *path)
{
    FILE *file = fopen(path, "we");
    if (file == NULL)
        die(path);
    for (size_t i = 0; i < load->count; i++) {
        (void)fwrite(load->requests[i].answer, 1, load->requests[i].answer_len, file);
        (void)fputc('\n', file);
    }
    if (fclose(file) != 0)
        die(path);
}

static void report(const struct load *load, double seconds)
{
    uint32_t *latencies = calloc(load->count, sizeof *latencies);
    size_t failed = 0;
    if (latencies == NULL)
        die("memory");
    for (size_t i = 0; i < load->count; i++) {
        latencies[i] = load->requests[i].latency_us;
        failed += load->requests[i].status != 200;
    }
    qsort(latencies, load->count, sizeof *latencies, by_latency);
    (void)printf("{\"requests\":%zu,\"seconds\":%.4f,\"p50_us\":%u,\"p99_us\":%u,\"not_200\":%zu,"
                 "\"reopened\":%zu}\n",
                 load->count, seconds, latencies[load->count / 2],
                 latencies[load->count * 99 / 100], failed);
    free(latencies);
}

int main(int argc, char **argv)
{
    static struct load load;
    if (argc != 5 && argc != 6) {
        (void)fprintf(stderr, "usage: load PORT CONNECTIONS REQUESTS ANSWERS [RATE]\n");
        return 64;
    }
    size_t count = strtoul(argv[2], NULL, 10);
    load.address = (struct sockaddr_in){.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10)),
                                        .sin_addr = {htonl(INADDR_LOOPBACK)}};
    read_requests(&load, argv[3]);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    struct peer *peers = calloc(count, sizeof *peers);
    load.idle = calloc(count, sizeof *load.idle);
    load.peers_held = count;
    load.rate = argc > 5 ? strtod(argv[5], NULL) : 0;
    if (load.epoll < 0 || peers == NULL || load.idle == NULL || load.count == 0)
        die("start");
    for (size_t i = 0; i < count; i++)
        open_peer(&load, &peers[i]);
    load.began_ns = now_ns();
    run(&load, peers, count);
    double seconds = (double)(now_ns() - load.began_ns) / 1e9;
    write_answers(&load, argv[4]);
    report(&load, seconds);
    return 0;
}
