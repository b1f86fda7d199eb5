// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// One libcurl multi handle. Its own queue for connections is not used, because a transfer's
// time-outs run while it stands there: a busy provider would look like a dead one.
//
// All state belongs to the driving thread; outbound_wakeup alone is for others, and libcurl allows
// it. A wake-up is not lost: it is a byte in a socket that the next poll finds.
#include "channel/outbound.h"

#include "base/assert.h"

#include <limits.h>
#include <stdlib.h>

#define EXPIRY_CHECK_MS 100 // waiting jobs are looked at so often
#define CA_CACHE_SECONDS 3600L

// Kept by libcurl itself for its own transfers, beside those that are only made.
#define CONNECTIONS_MAX (2L * OUTBOUND_WATCHES_MAX)

struct outbound {
    CURLM *multi;
    struct clock clock;
    struct outbound_lane *lanes;
    struct outbound_job *running_first; // newest first
    size_t running, running_max;
    size_t waiting;
    struct mono next_expiry_check;
    bool is_ending;
    size_t watches_held;
    struct outbound_watch *watches[OUTBOUND_WATCHES_MAX];
    struct curl_waitfd fds[OUTBOUND_WATCHES_MAX];
};

struct mono outbound_now(const struct outbound *outbound)
{
    return clock_mono(&outbound->clock);
}

enum err outbound_create(const struct clock *clock, size_t running_max, struct outbound **out)
{
    ASSERT(running_max > 0);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return ERR_NO_MEMORY;
    struct outbound *outbound = calloc(1, sizeof *outbound);
    CURLM *multi = curl_multi_init();
    if (outbound == NULL || multi == NULL) {
        (void)curl_multi_cleanup(multi);
        free(outbound);
        curl_global_cleanup();
        return ERR_NO_MEMORY;
    }
    outbound->multi = multi;
    outbound->clock = *clock;
    outbound->running_max = running_max;
    outbound->next_expiry_check = outbound_now(outbound);
    (void)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX);
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
    (void)curl_multi_cleanup((*outbound)->multi);
    free(*outbound);
    *outbound = NULL;
    curl_global_cleanup();
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

void outbound_watch(struct outbound *outbound, struct outbound_watch *watch)
{
    ASSERT(outbound->watches_held < OUTBOUND_WATCHES_MAX);
    watch->index = outbound->watches_held++;
    watch->is_ready = false;
    outbound->watches[watch->index] = watch;
}

void outbound_unwatch(struct outbound *outbound, struct outbound_watch *watch)
{
    struct outbound_watch *last = outbound->watches[--outbound->watches_held];
    ASSERT(outbound->watches[watch->index] == watch || last == watch);
    outbound->watches[watch->index] = last;
    last->index = watch->index;
}

static int64_t fill_fds(struct outbound *outbound, int64_t timeout_ms)
{
    struct mono at = outbound_now(outbound);
    for (size_t i = 0; i < outbound->watches_held; i++) {
        const struct outbound_watch *watch = outbound->watches[i];
        int64_t left_ms = watch->until.ms - at.ms;
        short events = watch->wants_write ? CURL_WAIT_POLLIN | CURL_WAIT_POLLOUT : CURL_WAIT_POLLIN;
        outbound->fds[i] = (struct curl_waitfd){.fd = watch->fd, .events = events};
        if (left_ms < timeout_ms)
            timeout_ms = left_ms > 0 ? left_ms : 0;
    }
    return timeout_ms;
}

// Marked first and told then: whoever is told may end watches, its own and others.
static void tell_ready(struct outbound *outbound)
{
    struct mono at = outbound_now(outbound);
    for (size_t i = 0; i < outbound->watches_held; i++)
        outbound->watches[i]->is_ready = outbound->fds[i].revents != 0;
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

void outbound_wait(struct outbound *outbound, int64_t timeout_ms)
{
    int running;
    if (outbound->waiting > 0 && timeout_ms > EXPIRY_CHECK_MS)
        timeout_ms = EXPIRY_CHECK_MS;
    timeout_ms = fill_fds(outbound, timeout_ms < INT_MAX ? timeout_ms : INT_MAX);
    (void)curl_multi_poll(outbound->multi, outbound->fds, (unsigned)outbound->watches_held,
                          (int)timeout_ms, NULL);
    tell_ready(outbound);
    (void)curl_multi_perform(outbound->multi, &running);
    tell_done(outbound);
    cut_expired(outbound);
    run_waiting(outbound);
}

void outbound_wakeup(struct outbound *outbound)
{
    (void)curl_multi_wakeup(outbound->multi);
}

void outbound_end(struct outbound *outbound, int64_t patience_ms)
{
    struct mono end = mono_after(outbound_now(outbound), patience_ms);
    outbound->is_ending = true;
    cut_expired(outbound);
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
