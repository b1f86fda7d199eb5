// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// One libcurl multi handle. Its own queue for connections is not used, because a transfer's
// time-outs run while it stands there: a busy provider would look like a dead one.
//
// libcurl says which sockets it waits for and until when (curl_multi_socket_action), and an epoll
// has them, the watches' sockets and the one for wake-ups. So what a wait costs depends on what is
// ready, and not on how many connections wait for a provider that does not answer. What belongs to
// an event is in its data: a watch's address, or a socket of libcurl's with its lowest bit set, or
// nothing.
//
// All state belongs to the driving thread; outbound_wakeup alone is for others. A wake-up is not
// lost: it is a number in an eventfd that the next wait finds.
#include "channel/outbound.h"

#include "base/assert.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EXPIRY_CHECK_MS 100 // waiting jobs are looked at so often
#define EVENTS_MAX 256
#define NS_PER_MS INT64_C(1000000)
#define CA_CACHE_SECONDS 3600L

// Kept by libcurl itself for its own transfers, beside those that are only made.
#define CONNECTIONS_MAX (2L * OUTBOUND_WATCHES_MAX)

struct outbound {
    CURLM *multi;
    int epoll;
    int wakeup;
    int64_t multi_due_ns; // when libcurl wants to go on by itself; INT64_MAX: it does not
    struct clock clock;
    struct outbound_lane *lanes;
    struct outbound_job *running_first; // newest first
    size_t running, running_max;
    size_t waiting;
    struct mono next_expiry_check;
    bool is_ending;
    size_t watches_held;
    struct outbound_watch *watches[OUTBOUND_WATCHES_MAX];
};

struct mono outbound_now(const struct outbound *outbound)
{
    return clock_mono(&outbound->clock);
}

// --- sockets -----------------------------------------------------------------------------------

static void set_interest(const struct outbound *outbound, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event event = {.events = events, .data = {.u64 = data}};
    if (epoll_ctl(outbound->epoll, EPOLL_CTL_MOD, fd, &event) == 0)
        return;
    ASSERT(epoll_ctl(outbound->epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

// One that is closed has left by itself.
static void drop_interest(const struct outbound *outbound, int fd)
{
    (void)epoll_ctl(outbound->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    static const uint32_t wanted[] = {
        [CURL_POLL_NONE] = 0,
        [CURL_POLL_IN] = EPOLLIN,
        [CURL_POLL_OUT] = EPOLLOUT,
        [CURL_POLL_INOUT] = EPOLLIN | EPOLLOUT,
    };
    (void)easy;
    (void)socket_ctx;
    if (what == CURL_POLL_REMOVE)
        drop_interest(ctx, fd);
    else
        set_interest(ctx, fd, wanted[what], (uint64_t)fd << 1 | 1U);
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *ctx)
{
    struct outbound *outbound = ctx;
    (void)multi;
    outbound->multi_due_ns =
        timeout_ms < 0 ? INT64_MAX : clock_system_ns() + (int64_t)timeout_ms * NS_PER_MS;
    return 0;
}

static void set_multi(struct outbound *outbound)
{
    (void)curl_multi_setopt(outbound->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX);
    (void)curl_multi_setopt(outbound->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(outbound->multi, CURLMOPT_SOCKETDATA, outbound);
    (void)curl_multi_setopt(outbound->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    (void)curl_multi_setopt(outbound->multi, CURLMOPT_TIMERDATA, outbound);
}

static bool open_parts(struct outbound *outbound)
{
    outbound->multi = curl_multi_init();
    outbound->epoll = epoll_create1(EPOLL_CLOEXEC);
    outbound->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return outbound->multi != NULL && outbound->epoll >= 0 && outbound->wakeup >= 0;
}

static void close_parts(struct outbound *outbound)
{
    (void)curl_multi_cleanup(outbound->multi);
    if (outbound->epoll >= 0)
        (void)close(outbound->epoll);
    if (outbound->wakeup >= 0)
        (void)close(outbound->wakeup);
    free(outbound);
    curl_global_cleanup();
}

// --- life --------------------------------------------------------------------------------------

enum err outbound_create(const struct clock *clock, size_t running_max, struct outbound **out)
{
    ASSERT(running_max > 0);
    struct outbound *outbound = calloc(1, sizeof *outbound);
    if (outbound == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(outbound);
        return ERR_NO_MEMORY;
    }
    if (!open_parts(outbound)) {
        close_parts(outbound);
        return ERR_NO_MEMORY;
    }
    outbound->clock = *clock;
    outbound->running_max = running_max;
    outbound->next_expiry_check = outbound_now(outbound);
    outbound->multi_due_ns = INT64_MAX;
    set_multi(outbound);
    set_interest(outbound, outbound->wakeup, EPOLLIN, 0);
    *out = outbound;
    return ERR_OK;
}

void outbound_destroy(struct outbound **outbound)
{
    if (*outbound == NULL)
        return;
    ASSERT((*outbound)->running == 0);
    ASSERT((*outbound)->waiting == 0);
    ASSERT((*outbound)->watches_held == 0);
    close_parts(*outbound);
    *outbound = NULL;
}

void outbound_lane_init(struct outbound_lane *lane, struct outbound *outbound, size_t running_max)
{
    ASSERT(running_max > 0);
    *lane = (struct outbound_lane){.outbound = outbound, .running_max = running_max};
    lane->next = outbound->lanes;
    outbound->lanes = lane;
}

// --- jobs --------------------------------------------------------------------------------------

static void append_waiting(struct outbound_lane *lane, struct outbound_job *job)
{
    struct outbound_job **end = lane->last != NULL ? &lane->last->next : &lane->first;
    job->next = NULL;
    job->previous = lane->last;
    *end = job;
    lane->last = job;
    lane->outbound->waiting++;
}

static void remove_waiting(struct outbound_job *job)
{
    struct outbound_lane *lane = job->lane;
    struct outbound_job **before = job->previous != NULL ? &job->previous->next : &lane->first;
    struct outbound_job **after = job->next != NULL ? &job->next->previous : &lane->last;
    *before = job->next;
    *after = job->previous;
    lane->outbound->waiting--;
}

static bool has_room(const struct outbound_lane *lane)
{
    const struct outbound *outbound = lane->outbound;
    return !outbound->is_ending && lane->running < lane->running_max &&
           outbound->running < outbound->running_max;
}

static void run(struct outbound_job *job)
{
    struct outbound *outbound = job->lane->outbound;
    job->previous = NULL;
    job->next = outbound->running_first;
    if (job->next != NULL)
        job->next->previous = job;
    outbound->running_first = job;
    outbound->running++;
    job->lane->running++;
    job->is_running = true;
    job->on_turn(job);
}

void outbound_release(struct outbound_job *job)
{
    struct outbound *outbound = job->lane->outbound;
    struct outbound_job **before =
        job->previous != NULL ? &job->previous->next : &outbound->running_first;
    ASSERT(job->is_running);
    *before = job->next;
    if (job->next != NULL)
        job->next->previous = job->previous;
    outbound->running--;
    job->lane->running--;
    job->is_running = false;
}

void outbound_add(struct outbound_lane *lane, struct outbound_job *job, int64_t wait_ms)
{
    ASSERT(wait_ms <= OUTBOUND_WAIT_MS_MAX);
    job->is_running = false;
    job->lane = lane;
    job->waits_until = mono_after(outbound_now(lane->outbound), wait_ms);
    if (lane->first == NULL && has_room(lane))
        run(job);
    else
        append_waiting(lane, job);
}

// One of each lane in turn, so that none takes all the room that there is.
static void run_waiting(struct outbound *outbound)
{
    bool is_moving = outbound->waiting > 0;
    while (is_moving) {
        is_moving = false;
        for (struct outbound_lane *lane = outbound->lanes; lane != NULL; lane = lane->next) {
            struct outbound_job *job = lane->first;
            if (job == NULL || !has_room(lane))
                continue;
            remove_waiting(job);
            run(job);
            is_moving = true;
        }
    }
}

static void cut_waiting(struct outbound_lane *lane, struct mono at)
{
    struct outbound_job *next;
    for (struct outbound_job *job = lane->first; job != NULL; job = next) {
        next = job->next;
        if (!lane->outbound->is_ending && !mono_is_due(job->waits_until, at))
            continue;
        remove_waiting(job);
        job->on_cut(job);
    }
}

static void cut_expired(struct outbound *outbound)
{
    struct mono at = outbound_now(outbound);
    if (!outbound->is_ending && !mono_is_due(outbound->next_expiry_check, at))
        return;
    outbound->next_expiry_check = mono_after(at, EXPIRY_CHECK_MS);
    for (struct outbound_lane *lane = outbound->lanes; lane != NULL; lane = lane->next)
        cut_waiting(lane, at);
}

// --- transfers ---------------------------------------------------------------------------------

enum err outbound_start(struct outbound *outbound, struct outbound_transfer *transfer)
{
    bool is_added = curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer) == CURLE_OK &&
                    curl_multi_add_handle(outbound->multi, transfer->easy) == CURLM_OK;
    return is_added ? ERR_OK : ERR_NO_MEMORY;
}

void outbound_remove(struct outbound *outbound, struct outbound_transfer *transfer)
{
    (void)curl_multi_remove_handle(outbound->multi, transfer->easy);
}

static void tell_done(struct outbound *outbound)
{
    int left;
    const CURLMsg *message;
    while ((message = curl_multi_info_read(outbound->multi, &left)) != NULL) {
        char *private = NULL;
        CURLcode code = message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        struct outbound_transfer *transfer = (struct outbound_transfer *)(void *)private;
        transfer->on_done(transfer, code);
    }
}

// --- watches -----------------------------------------------------------------------------------

static void set_watched(const struct outbound *outbound, struct outbound_watch *watch)
{
    uint32_t events = watch->wants_write ? EPOLLIN | EPOLLOUT : EPOLLIN;
    if (watch->events != events)
        set_interest(outbound, watch->fd, events, (uint64_t)(uintptr_t)watch);
    watch->events = events;
}

void outbound_watch(struct outbound *outbound, struct outbound_watch *watch)
{
    ASSERT(outbound->watches_held < OUTBOUND_WATCHES_MAX);
    watch->index = outbound->watches_held++;
    watch->is_ready = false;
    watch->events = 0;
    outbound->watches[watch->index] = watch;
    set_watched(outbound, watch);
}

void outbound_unwatch(struct outbound *outbound, struct outbound_watch *watch)
{
    struct outbound_watch *last = outbound->watches[--outbound->watches_held];
    ASSERT(outbound->watches[watch->index] == watch || last == watch);
    outbound->watches[watch->index] = last;
    last->index = watch->index;
    drop_interest(outbound, watch->fd);
}

// What their owners have changed since, and until when may be waited.
static int64_t look_at_watches(const struct outbound *outbound, int64_t timeout_ms)
{
    struct mono at = outbound_now(outbound);
    for (size_t i = 0; i < outbound->watches_held; i++) {
        struct outbound_watch *watch = outbound->watches[i];
        int64_t left_ms = watch->until.ms - at.ms;
        set_watched(outbound, watch);
        if (left_ms < timeout_ms)
            timeout_ms = left_ms > 0 ? left_ms : 0;
    }
    return timeout_ms;
}

// Marked first and told then: whoever is told may end watches, its own and others.
static void tell_ready(struct outbound *outbound)
{
    struct mono at = outbound_now(outbound);
    for (size_t i = outbound->watches_held; i > 0; i--) {
        if (i > outbound->watches_held)
            continue;
        struct outbound_watch *watch = outbound->watches[i - 1];
        bool is_late = mono_is_due(watch->until, at);
        if (!watch->is_ready && !is_late)
            continue;
        watch->is_ready = false;
        watch->on_ready(watch, is_late);
    }
}

// --- driving -----------------------------------------------------------------------------------

// Rounded up: a wait that ends too early would only begin again.
static int64_t until_multi_ms(const struct outbound *outbound, int64_t timeout_ms)
{
    if (outbound->multi_due_ns == INT64_MAX)
        return timeout_ms;
    int64_t left_ns = outbound->multi_due_ns - clock_system_ns();
    int64_t left_ms = left_ns > 0 ? (left_ns + NS_PER_MS - 1) / NS_PER_MS : 0;
    return left_ms < timeout_ms ? left_ms : timeout_ms;
}

static void act(struct outbound *outbound, curl_socket_t fd, int events)
{
    int running;
    (void)curl_multi_socket_action(outbound->multi, fd, events, &running);
}

// libcurl may close sockets that later events are of, and knows them no more then.
static void take_event(struct outbound *outbound, const struct epoll_event *event)
{
    uint64_t data = event->data.u64;
    eventfd_t count;
    if (data == 0) {
        (void)eventfd_read(outbound->wakeup, &count);
        return;
    }
    if ((data & 1U) == 0) {
        ((struct outbound_watch *)(uintptr_t)data)->is_ready = true;
        return;
    }
    bool has_failed = (event->events & (EPOLLERR | EPOLLHUP)) != 0;
    int events = ((event->events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                 ((event->events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                 (has_failed ? CURL_CSELECT_ERR : 0);
    act(outbound, (curl_socket_t)(data >> 1), events);
}

static void act_when_due(struct outbound *outbound)
{
    if (outbound->multi_due_ns > clock_system_ns())
        return;
    outbound->multi_due_ns = INT64_MAX;
    act(outbound, CURL_SOCKET_TIMEOUT, 0);
}

void outbound_wait(struct outbound *outbound, int64_t timeout_ms)
{
    struct epoll_event events[EVENTS_MAX];
    if (outbound->waiting > 0 && timeout_ms > EXPIRY_CHECK_MS)
        timeout_ms = EXPIRY_CHECK_MS;
    timeout_ms = look_at_watches(outbound, timeout_ms < INT_MAX ? timeout_ms : INT_MAX);
    timeout_ms = until_multi_ms(outbound, timeout_ms);
    int count = epoll_wait(outbound->epoll, events, EVENTS_MAX, (int)timeout_ms);
    for (int i = 0; i < count; i++)
        take_event(outbound, &events[i]);
    tell_ready(outbound);
    act_when_due(outbound);
    tell_done(outbound);
    cut_expired(outbound);
    run_waiting(outbound);
}

void outbound_wakeup(struct outbound *outbound)
{
    (void)eventfd_write(outbound->wakeup, 1);
}

void outbound_stop(struct outbound *outbound)
{
    outbound->is_ending = true;
    cut_expired(outbound);
}

void outbound_end(struct outbound *outbound, int64_t patience_ms)
{
    struct mono end = mono_after(outbound_now(outbound), patience_ms);
    outbound_stop(outbound);
    while (outbound->running > 0 && !mono_is_due(end, outbound_now(outbound)))
        outbound_wait(outbound, end.ms - outbound_now(outbound).ms);
    while (outbound->running_first != NULL)
        outbound->running_first->on_cut(outbound->running_first);
}

bool outbound_rule(CURL *easy, const struct outbound_rules *rules)
{
    ASSERT(rules->total_ms <= OUTBOUND_TOTAL_MS_MAX);
    // Of these only the texts can fail, for want of memory.
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, rules->connect_ms);
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, rules->total_ms);
    // One file and no directory: only then does libcurl keep the parsed certificates.
    (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    (void)curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_SECONDS);
    bool is_set = curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, rules->protocols) == CURLE_OK;
    if (is_set && rules->ca_file != NULL)
        is_set = curl_easy_setopt(easy, CURLOPT_CAINFO, rules->ca_file) == CURLE_OK;
    return is_set;
}
