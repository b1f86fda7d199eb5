// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A load generator for loopback: `load PORT CONNECTIONS REQUESTS ANSWERS [RATE]`.
//
// REQUESTS is a file of whole HTTP requests, each after its length in four little-endian bytes.
// Every one is sent once, over CONNECTIONS keep-alive connections with one request under way on
// each. With a RATE so many begin in a second, evenly spaced, whether or not earlier ones are
// answered. A latency is then the time from the moment when a request was due, so that waiting for
// a free connection is part of it, until its answer had come to the socket by the kernel's own
// stamp, so that waiting for the generator to run is not. How late the generator itself was with a
// request is in it, and reported beside it. The bodies of the answers go to ANSWERS, one a line, in
// the order of the requests. The last line on standard output is JSON: requests, seconds,
// latencies, and how many answers were not 200.

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
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// A batch of 100 answers fits; pages that no answer reaches are never touched.
#define RESPONSE_BYTES_MAX 262144
#define EVENTS_MAX 1024
#define WAIT_NS_MAX 10000000000

struct request {
    const char *data;
    size_t len;
    char *answer;
    size_t answer_len;
    uint32_t latency_us;
    uint32_t late_us; // between when it was due and when it was sent
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
    int64_t wall_ns;    // by how much the wall clock, which the kernel stamps by, is ahead of ours
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

static int64_t ns_of(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return ns_of(&now);
}

static int64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
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
    struct request *request = &load->requests[peer->request];
    request->late_us = (uint32_t)((now_ns() - peer->sent_ns) / 1000);
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
    if (load->rate > 0)
        (void)setsockopt(peer->fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
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

struct answer {
    const char *body;
    size_t len;
    int64_t came_ns;
};

static void finish(struct load *load, struct peer *peer, const struct answer *answer)
{
    struct request *request = &load->requests[peer->request];
    request->latency_us = (uint32_t)((answer->came_ns - peer->sent_ns) / 1000);
    request->status = (int)strtol(peer->response + 9, NULL, 10);
    request->answer = malloc(answer->len + 1);
    if (request->answer == NULL)
        die("memory");
    memcpy(request->answer, answer->body, answer->len);
    request->answer_len = answer->len;
    load->finished++;
    send_next(load, peer);
}

// When the last of the bytes came, which is now when the kernel does not say it.
static int64_t came_ns(const struct load *load, struct msghdr *message)
{
    struct cmsghdr *head = CMSG_FIRSTHDR(message);
    struct timespec stamp;
    if (head == NULL || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_TIMESTAMPNS)
        return now_ns();
    memcpy(&stamp, CMSG_DATA(head), sizeof stamp);
    return ns_of(&stamp) - load->wall_ns;
}

static void receive(struct load *load, struct peer *peer)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct timespec))];
    struct iovec room = {peer->response + peer->len, RESPONSE_BYTES_MAX - 1 - peer->len};
    struct msghdr message = {.msg_iov = &room,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    ssize_t got = recvmsg(peer->fd, &message, 0);
    if (got <= 0)
        die("the server closed a connection");
    peer->len += (size_t)got;
    peer->response[peer->len] = 0;
    struct answer answer = {.came_ns = came_ns(load, &message)};
    answer.body = whole_body(peer, &answer.len);
    if (answer.body != NULL)
        finish(load, peer, &answer);
}

// What is due goes out by the connections that have nothing to do. How long until the next one.
static int64_t send_due(struct load *load)
{
    while (load->idle_held > 0 && load->next < load->count && due_ns(load) <= now_ns()) {
        struct peer *peer = load->idle[load->idle_first];
        load->idle_first = (load->idle_first + 1) % load->peers_held;
        load->idle_held--;
        send_next(load, peer);
    }
    if (load->idle_held == 0 || load->next == load->count)
        return WAIT_NS_MAX;
    int64_t wait_ns = due_ns(load) - now_ns();
    return wait_ns > 0 ? wait_ns : 0;
}

static void run(struct load *load, struct peer *peers, size_t count)
{
    struct epoll_event events[EVENTS_MAX];
    for (size_t i = 0; i < count; i++)
        send_next(load, &peers[i]);
    while (load->finished < load->count) {
        int64_t wait_ns = send_due(load);
        struct timespec wait = {wait_ns / 1000000000, wait_ns % 1000000000};
        int ready = epoll_pwait2(load->epoll, events, EVENTS_MAX, &wait, NULL);
        if (ready == 0)
            errno = ETIMEDOUT;
        if (ready < 0 || (ready == 0 && wait_ns == WAIT_NS_MAX))
            die("wait");
        for (int i = 0; i < ready; i++)
            receive(load, events[i].data.ptr);
    }
}

static int by_size(const void *a, const void *b)
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

static uint32_t *new_list(const struct load *load)
{
    uint32_t *list = calloc(load->count, sizeof *list);
    if (list == NULL)
        die("memory");
    return list;
}

static uint32_t per_mille(const uint32_t *sorted, size_t count, size_t share)
{
    return sorted[count * share / 1000];
}

static void report(const struct load *load, double seconds)
{
    uint32_t *latencies = new_list(load);
    uint32_t *late = new_list(load);
    size_t failed = 0;
    size_t count = load->count;
    for (size_t i = 0; i < count; i++) {
        latencies[i] = load->requests[i].latency_us;
        late[i] = load->requests[i].late_us;
        failed += load->requests[i].status != 200;
    }
    qsort(latencies, count, sizeof *latencies, by_size);
    qsort(late, count, sizeof *late, by_size);
    (void)printf("{\"requests\":%zu,\"seconds\":%.4f,\"p50_us\":%u,\"p99_us\":%u,\"p999_us\":%u,"
                 "\"late_p50_us\":%u,\"late_p99_us\":%u,\"not_200\":%zu}\n",
                 count, seconds, per_mille(latencies, count, 500), per_mille(latencies, count, 990),
                 per_mille(latencies, count, 999), per_mille(late, count, 500),
                 per_mille(late, count, 990), failed);
    free(latencies);
    free(late);
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
    (void)prctl(PR_SET_TIMERSLACK, 1UL); // or the kernel wakes it up to 50 us later
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    struct peer *peers = calloc(count, sizeof *peers);
    load.idle = calloc(count, sizeof *load.idle);
    load.peers_held = count;
    load.rate = argc > 5 ? strtod(argv[5], NULL) : 0;
    if (load.epoll < 0 || peers == NULL || load.idle == NULL || load.count == 0)
        die("start");
    for (size_t i = 0; i < count; i++)
        open_peer(&load, &peers[i]);
    load.wall_ns = clock_ns(CLOCK_REALTIME) - now_ns();
    load.began_ns = now_ns();
    run(&load, peers, count);
    double seconds = (double)(now_ns() - load.began_ns) / 1e9;
    write_answers(&load, argv[4]);
    report(&load, seconds);
    return 0;
}
