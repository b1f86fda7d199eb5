// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
//   empty ──ask──▶ asked ──courier──▶ on its way ──answer──▶ answered ──whoever asked──▶ empty
//
// Who has waited for too long goes, and leaves the desk as it is: the next one finds it taken until
// the answer has come, which is then nobody's. Both sides ring: one descriptor each way.
#include "daemon/probe_desk.h"

#include "base/assert.h"
#include "base/strbuf.h"
#include "channel/http_channel.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WATCH_MS ((int64_t)3600 * 1000) // the bell is all that matters

enum desk_state { DESK_EMPTY, DESK_ASKED, DESK_ON_ITS_WAY, DESK_ANSWERED };

struct probe_desk {
    struct outbound_watch watch; // first
    struct outbound *outbound;
    struct clock clock;
    const struct entropy *entropy;
    int asked_fd, told_fd;
    bool is_watched;
    pthread_mutex_t lock;
    // All that follows: under the lock.
    enum desk_state state;
    bool is_awaited; // somebody waits for the answer
    bool is_stopping;
    struct channel *channel;
    struct probe_answer answer;
};

static void lock(struct probe_desk *desk)
{
    int rc = pthread_mutex_lock(&desk->lock);
    ASSERT(rc == 0);
}

static void unlock(struct probe_desk *desk)
{
    int rc = pthread_mutex_unlock(&desk->lock);
    ASSERT(rc == 0);
}

static void ring(int fd)
{
    const uint64_t one = 1;
    ssize_t len = write(fd, &one, sizeof one);
    ASSERT(len == (ssize_t)sizeof one);
}

static void silence(int fd)
{
    uint64_t rung;
    (void)!read(fd, &rung, sizeof rung);
}

// --- the courier's thread --------------------------------------------------------------------

static void on_result(void *ctx, const struct send_result *result)
{
    struct probe_desk *desk = ctx;
    struct span words = span_first(result->words, PROBE_WORDS_BYTES_MAX);
    lock(desk);
    desk->answer = (struct probe_answer){
        .outcome = result->outcome, .reason = result->reason, .words_len = words.len};
    if (words.len > 0)
        memcpy(desk->answer.words, words.data, words.len);
    desk->state = desk->is_awaited ? DESK_ANSWERED : DESK_EMPTY;
    if (desk->is_awaited)
        ring(desk->told_fd);
    unlock(desk);
}

static void on_ready(struct outbound_watch *watch, bool is_late)
{
    struct probe_desk *desk = (struct probe_desk *)(void *)watch;
    (void)is_late;
    silence(desk->asked_fd);
    desk->watch.until = mono_after(outbound_now(desk->outbound), WATCH_MS);
    lock(desk);
    struct channel *channel = desk->state == DESK_ASKED ? desk->channel : NULL;
    if (channel != NULL)
        desk->state = DESK_ON_ITS_WAY;
    unlock(desk);
    if (channel != NULL)
        http_channel_probe(channel, entropy_u64(desk->entropy), clock_wall_ms(&desk->clock),
                           on_result, desk);
}

// --- whoever asks ----------------------------------------------------------------------------

static void put(struct probe_desk *desk, struct channel *channel)
{
    desk->channel = channel;
    desk->state = DESK_ASKED;
    desk->is_awaited = true;
    ring(desk->asked_fd);
}

static void wait_for_ring(const struct probe_desk *desk)
{
    struct pollfd told = {.fd = desk->told_fd, .events = POLLIN};
    int rc;
    do
        rc = poll(&told, 1, PROBE_DESK_WAIT_MS);
    while (rc < 0 && errno == EINTR);
    silence(desk->told_fd);
}

static void say(struct probe_answer *out, const char *words)
{
    struct strbuf text = strbuf_over(out->words, sizeof out->words);
    strbuf_put_text(&text, words);
    out->outcome = SEND_RETRY;
    out->reason = SEND_VENDOR_DOWN;
    out->words_len = text.len;
}

static void take(struct probe_desk *desk, struct probe_answer *out)
{
    desk->is_awaited = false;
    if (desk->state == DESK_ANSWERED)
        *out = desk->answer;
    else
        say(out, desk->is_stopping ? "the server is going down"
                                   : "it has not answered within 8 seconds");
    if (desk->state != DESK_ON_ITS_WAY)
        desk->state = DESK_EMPTY;
}

void probe_desk_ask(struct probe_desk *desk, struct channel *channel, struct probe_answer *out)
{
    lock(desk);
    bool is_free = desk->state == DESK_EMPTY && !desk->is_stopping;
    if (is_free)
        put(desk, channel);
    else
        say(out, "it has not answered the last question yet");
    unlock(desk);
    if (!is_free)
        return;
    wait_for_ring(desk);
    lock(desk);
    take(desk, out);
    unlock(desk);
}

// --- life ------------------------------------------------------------------------------------

enum err probe_desk_create(struct outbound *outbound, const struct clock *clock,
                           const struct entropy *entropy, struct probe_desk **out)
{
    struct probe_desk *desk = calloc(1, sizeof *desk);
    *out = desk;
    if (desk == NULL)
        return ERR_NO_MEMORY;
    desk->outbound = outbound;
    desk->clock = *clock;
    desk->entropy = entropy;
    (void)pthread_mutex_init(&desk->lock, NULL);
    desk->asked_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    desk->told_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    desk->watch = (struct outbound_watch){.fd = desk->asked_fd, .on_ready = on_ready};
    desk->watch.until = mono_after(outbound_now(outbound), WATCH_MS);
    if (desk->asked_fd >= 0 && desk->told_fd >= 0) {
        outbound_watch(outbound, &desk->watch);
        desk->is_watched = true;
        return ERR_OK;
    }
    probe_desk_destroy(out);
    return ERR_NO_MEMORY;
}

void probe_desk_stop(struct probe_desk *desk)
{
    lock(desk);
    desk->is_stopping = true;
    ring(desk->told_fd);
    unlock(desk);
}

static void close_fd(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

void probe_desk_destroy(struct probe_desk **desk)
{
    if (*desk == NULL)
        return;
    ASSERT((*desk)->state != DESK_ON_ITS_WAY);
    if ((*desk)->is_watched)
        outbound_unwatch((*desk)->outbound, &(*desk)->watch);
    close_fd((*desk)->asked_fd);
    close_fd((*desk)->told_fd);
    (void)pthread_mutex_destroy(&(*desk)->lock);
    free(*desk);
    *desk = NULL;
}
