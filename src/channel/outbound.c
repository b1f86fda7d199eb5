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

#define EXPIRY_CHECK_MS 100 // waiting transfers are looked at so often
#define CA_CACHE_SECONDS 3600L

struct outbound {
    CURLM *multi;
    struct clock clock;
    struct outbound_lane *lanes;
    struct outbound_transfer *running_first; // newest first
    size_t running, running_max;
    size_t waiting;
    struct mono next_expiry_check;
    bool is_ending;
};

static struct mono now(const struct outbound *outbound)
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
    *outbound = (struct outbound){.multi = multi, .clock = *clock, .running_max = running_max};
    outbound->next_expiry_check = now(outbound);
    (void)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)running_max);
    *out = outbound;
    return ERR_OK;
}

void outbound_destroy(struct outbound **outbound)
{
    if (*outbound == NULL)
        return;
    ASSERT((*outbound)->running == 0);
    ASSERT((*outbound)->waiting == 0);
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

// --- lists -----------------------------------------------------------------------------------

static void append_waiting(struct outbound_lane *lane, struct outbound_transfer *transfer)
{
    transfer->next = NULL;
    transfer->previous = lane->last;
    if (lane->last != NULL)
        lane->last->next = transfer;
    else
        lane->first = transfer;
    lane->last = transfer;
    lane->outbound->waiting++;
}

static void remove_waiting(struct outbound_transfer *transfer)
{
    struct outbound_lane *lane = transfer->lane;
    struct outbound_transfer **before =
        transfer->previous != NULL ? &transfer->previous->next : &lane->first;
    struct outbound_transfer **after =
        transfer->next != NULL ? &transfer->next->previous : &lane->last;
    *before = transfer->next;
    *after = transfer->previous;
    lane->outbound->waiting--;
}

static void push_running(struct outbound_transfer *transfer)
{
    struct outbound *outbound = transfer->lane->outbound;
    transfer->previous = NULL;
    transfer->next = outbound->running_first;
    if (transfer->next != NULL)
        transfer->next->previous = transfer;
    outbound->running_first = transfer;
    outbound->running++;
    transfer->lane->running++;
}

static void remove_running(struct outbound_transfer *transfer)
{
    struct outbound *outbound = transfer->lane->outbound;
    struct outbound_transfer **before =
        transfer->previous != NULL ? &transfer->previous->next : &outbound->running_first;
    *before = transfer->next;
    if (transfer->next != NULL)
        transfer->next->previous = transfer->previous;
    outbound->running--;
    transfer->lane->running--;
}

// --- starting --------------------------------------------------------------------------------

static bool has_room(const struct outbound_lane *lane)
{
    const struct outbound *outbound = lane->outbound;
    return !outbound->is_ending && lane->running < lane->running_max &&
           outbound->running < outbound->running_max;
}

static void start(struct outbound_transfer *transfer)
{
    struct outbound *outbound = transfer->lane->outbound;
    transfer->easy = transfer->prepare(transfer);
    if (transfer->easy == NULL) {
        transfer->on_done(transfer, CURLE_OUT_OF_MEMORY);
        return;
    }
    (void)curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer);
    push_running(transfer);
    if (curl_multi_add_handle(outbound->multi, transfer->easy) == CURLM_OK)
        return;
    remove_running(transfer);
    transfer->on_done(transfer, CURLE_OUT_OF_MEMORY);
}

// One of each lane in turn, so that none takes all the room that there is.
static void start_waiting(struct outbound *outbound)
{
    bool is_moving = outbound->waiting > 0;
    while (is_moving) {
        is_moving = false;
        for (struct outbound_lane *lane = outbound->lanes; lane != NULL; lane = lane->next) {
            struct outbound_transfer *transfer = lane->first;
            if (transfer == NULL || !has_room(lane))
                continue;
            remove_waiting(transfer);
            start(transfer);
            is_moving = true;
        }
    }
}

void outbound_add(struct outbound_lane *lane, struct outbound_transfer *transfer, int64_t wait_ms)
{
    ASSERT(wait_ms <= OUTBOUND_WAIT_MS_MAX);
    transfer->easy = NULL;
    transfer->lane = lane;
    transfer->waits_until = mono_after(now(lane->outbound), wait_ms);
    if (lane->first == NULL && has_room(lane))
        start(transfer);
    else
        append_waiting(lane, transfer);
}

// --- ending ----------------------------------------------------------------------------------

static void expire_waiting(struct outbound *outbound)
{
    struct mono at = now(outbound);
    if (!outbound->is_ending && !mono_is_due(outbound->next_expiry_check, at))
        return;
    outbound->next_expiry_check = mono_after(at, EXPIRY_CHECK_MS);
    for (struct outbound_lane *lane = outbound->lanes; lane != NULL; lane = lane->next) {
        struct outbound_transfer *next;
        for (struct outbound_transfer *each = lane->first; each != NULL; each = next) {
            next = each->next;
            if (!outbound->is_ending && !mono_is_due(each->waits_until, at))
                continue;
            remove_waiting(each);
            each->on_done(each, CURLE_OPERATION_TIMEDOUT);
        }
    }
}

static void finish(struct outbound_transfer *transfer, CURLcode code)
{
    struct outbound *outbound = transfer->lane->outbound;
    (void)curl_multi_remove_handle(outbound->multi, transfer->easy);
    remove_running(transfer);
    transfer->on_done(transfer, code);
}

static void finish_done(struct outbound *outbound)
{
    int left;
    const CURLMsg *message;
    while ((message = curl_multi_info_read(outbound->multi, &left)) != NULL) {
        char *private = NULL;
        CURLcode code = message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        finish((struct outbound_transfer *)(void *)private, code);
    }
}

void outbound_wait(struct outbound *outbound, int64_t timeout_ms)
{
    int running;
    int patience_ms = timeout_ms < INT_MAX ? (int)timeout_ms : INT_MAX;
    if (outbound->waiting > 0 && patience_ms > EXPIRY_CHECK_MS)
        patience_ms = EXPIRY_CHECK_MS;
    (void)curl_multi_poll(outbound->multi, NULL, 0, patience_ms, NULL);
    (void)curl_multi_perform(outbound->multi, &running);
    finish_done(outbound);
    expire_waiting(outbound);
    start_waiting(outbound);
}

void outbound_wakeup(struct outbound *outbound)
{
    (void)curl_multi_wakeup(outbound->multi);
}

void outbound_end(struct outbound *outbound, int64_t patience_ms)
{
    struct mono end = mono_after(now(outbound), patience_ms);
    outbound->is_ending = true;
    expire_waiting(outbound);
    while (outbound->running > 0 && !mono_is_due(end, now(outbound)))
        outbound_wait(outbound, end.ms - now(outbound).ms);
    while (outbound->running_first != NULL)
        finish(outbound->running_first, CURLE_ABORTED_BY_CALLBACK);
    expire_waiting(outbound); // what was added meanwhile
}

CURL *outbound_easy(const struct outbound_rules *rules)
{
    ASSERT(rules->total_ms <= OUTBOUND_TOTAL_MS_MAX);
    CURL *easy = curl_easy_init();
    if (easy == NULL)
        return NULL;
    bool is_set =
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, rules->protocols) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
        // One file and no directory: only then does libcurl keep the parsed certificates.
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_SECONDS) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, rules->connect_ms) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, rules->total_ms) == CURLE_OK;
    if (is_set && rules->ca_file != NULL)
        is_set = curl_easy_setopt(easy, CURLOPT_CAINFO, rules->ca_file) == CURLE_OK;
    if (is_set)
        return easy;
    curl_easy_cleanup(easy);
    return NULL;
}
