// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
//   working ──nothing taken──▶ asleep ──notified, or next entry due──▶ working
//      ▲──────notified meanwhile──┘
//
// Without connections the thread naps for a moment after a batch that was not full, before it looks
// again: under load one wake-up then serves many entries, and the threads that notify find it awake
// and pay nothing.
//
// With connections to providers it waits in outbound_wait, for them and for notices at once, and
// does not nap: a connection whose message has just been marked would stand idle.
//
// No notice is lost. The thread clears the flag (to working) and then claims; a caller makes its
// entry claimable and then reads the flag. If that claim missed the entry, the store's own lock
// puts the clearing before the caller's read, which then finds "working" and sets the flag again.
// So it is with ops of the courier's that have ended, and the lock of their list.
#include "outbox/courier_thread.h"

#include "base/thread.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define NAP_NS 1000000L
#define END_MS_MAX 5000 // for what is with the providers when the thread is told to stop

enum attention {
    ATTENTION_WORKING,
    ATTENTION_NOTIFIED, // there is something to look at
    ATTENTION_ASLEEP,
};

struct courier_thread {
    struct courier *courier;
    struct outbound *outbound; // may be NULL
    struct receipts *receipts; // may be NULL
    pthread_t thread;
    atomic_int attention;
    atomic_bool is_stopping;
    pthread_mutex_t lock; // only for falling asleep and waking up
    pthread_cond_t wake;
};

void courier_thread_notify(struct courier_thread *thread)
{
    if (atomic_load(&thread->attention) == ATTENTION_NOTIFIED)
        return;
    if (atomic_exchange(&thread->attention, ATTENTION_NOTIFIED) != ATTENTION_ASLEEP)
        return;
    if (thread->outbound != NULL) {
        outbound_wakeup(thread->outbound);
        return;
    }
    (void)pthread_mutex_lock(&thread->lock);
    (void)pthread_cond_signal(&thread->wake);
    (void)pthread_mutex_unlock(&thread->lock);
}

static struct timespec time_after_ms(int64_t duration_ms)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    int64_t ns = time.tv_nsec + duration_ms % 1000 * 1000000;
    time.tv_sec += (time_t)(duration_ms / 1000 + ns / 1000000000);
    time.tv_nsec = (long)(ns % 1000000000);
    return time;
}

static bool fall_asleep(struct courier_thread *thread)
{
    int expected = ATTENTION_WORKING;
    return atomic_compare_exchange_strong(&thread->attention, &expected, ATTENTION_ASLEEP);
}

static void sleep_on_condition(struct courier_thread *thread)
{
    int rc = 0;
    struct timespec until = time_after_ms(courier_idle_ms(thread->courier));
    (void)pthread_mutex_lock(&thread->lock);
    bool is_asleep = fall_asleep(thread);
    while (is_asleep && rc == 0 && atomic_load(&thread->attention) == ATTENTION_ASLEEP)
        rc = pthread_cond_timedwait(&thread->wake, &thread->lock, &until);
    (void)pthread_mutex_unlock(&thread->lock);
}

// Returns at once when a notice came since the thread last began to work.
static void sleep_until_needed(struct courier_thread *thread)
{
    if (thread->outbound == NULL)
        sleep_on_condition(thread);
    else
        outbound_wait(thread->outbound, fall_asleep(thread) ? courier_idle_ms(thread->courier) : 0);
}

static void rest(struct courier_thread *thread, size_t taken)
{
    const struct timespec time = {.tv_nsec = NAP_NS};
    if (taken == 0)
        sleep_until_needed(thread);
    else if (thread->outbound != NULL)
        outbound_wait(thread->outbound, 0);
    else if (taken < COURIER_BATCH_MAX)
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

// False: nothing is under way any more.
static bool take_in(struct courier_thread *thread)
{
    atomic_store(&thread->attention, ATTENTION_WORKING);
    if (courier_end(thread->courier) == 0)
        return false;
    sleep_until_needed(thread);
    return true;
}

// What is with the providers, or is being marked for them, has so long; then those connections that
// are others' and what still hangs.
static void end_connections(struct courier_thread *thread)
{
    struct outbound *outbound = thread->outbound;
    struct mono end = mono_after(outbound_now(outbound), END_MS_MAX);
    outbound_stop(outbound);
    while (!mono_is_due(end, outbound_now(outbound)) && take_in(thread))
        ;
    outbound_end(outbound, end.ms - outbound_now(outbound).ms);
}

// Sending ends first, then what is with the providers; last the store, which answers in any case.
static void end(struct courier_thread *thread)
{
    (void)courier_end(thread->courier);
    if (thread->outbound != NULL)
        end_connections(thread);
    while (take_in(thread))
        ;
}

static void *run(void *arg)
{
    struct courier_thread *thread = arg;
    for (;;) {
        atomic_store(&thread->attention, ATTENTION_WORKING);
        if (atomic_load(&thread->is_stopping)) // only now: its notice may just have been cleared
            break;
        size_t taken = courier_step(thread->courier);
        if (thread->receipts != NULL)
            receipts_step(thread->receipts);
        rest(thread, taken);
    }
    end(thread);
    return NULL;
}

static void init_locks(struct courier_thread *thread)
{
    pthread_condattr_t attributes;
    (void)pthread_mutex_init(&thread->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&thread->wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

static void free_thread(struct courier_thread *thread)
{
    (void)pthread_cond_destroy(&thread->wake);
    (void)pthread_mutex_destroy(&thread->lock);
    free(thread);
}

static void on_news(void *ctx)
{
    courier_thread_notify(ctx);
}

enum err courier_thread_start(const struct courier_thread_parts *parts, struct courier_thread **out)
{
    struct courier_thread *thread = calloc(1, sizeof *thread);
    if (thread == NULL)
        return ERR_NO_MEMORY;
    thread->courier = parts->courier;
    thread->outbound = parts->outbound;
    thread->receipts = parts->receipts;
    init_locks(thread);
    courier_on_news(parts->courier, on_news, thread);
    if (!thread_start(&thread->thread, "courier", run, thread)) {
        free_thread(thread);
        return ERR_NO_MEMORY;
    }
    *out = thread;
    return ERR_OK;
}

void courier_thread_stop(struct courier_thread **thread)
{
    struct courier_thread *ended = *thread;
    *thread = NULL;
    if (ended == NULL)
        return;
    atomic_store(&ended->is_stopping, true);
    courier_thread_notify(ended);
    (void)pthread_join(ended->thread, NULL);
    free_thread(ended);
}
