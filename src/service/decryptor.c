// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// All keys of the cipher text's length are tried, whether or not one has opened it already: how
// long a refusal takes must not tell which key it was refused by.
//
// How many jobs a client has is counted anew for each one that comes: there are a few hundred at
// most, and to walk through them costs nothing beside a decryption.
#include "service/decryptor.h"

#include "base/assert.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define NICENESS 10

struct decryptor {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct decrypt_job *first; // waiting, oldest first
    struct decrypt_job **end;  // where the next one goes
    const struct decrypt_job *running[DECRYPTOR_THREADS_MAX];
    pthread_t threads[DECRYPTOR_THREADS_MAX];
    size_t threads_held;
    bool is_stopping;
};

struct load {
    size_t all;
    size_t of_client;
    size_t of_brand;
};

static void lock(struct decryptor *decryptor)
{
    int rc = pthread_mutex_lock(&decryptor->lock);
    ASSERT(rc == 0);
}

static void unlock(struct decryptor *decryptor)
{
    int rc = pthread_mutex_unlock(&decryptor->lock);
    ASSERT(rc == 0);
}

static void run(struct decrypt_job *job)
{
    const struct brand *brand = job->brand;
    job->messages_held = 0;
    for (size_t i = brand->encryption_keys_held; i > 0; i--) {
        const struct rsa_key *key = brand->encryption_keys[i - 1].rsa;
        if (rsa_key_bytes(key) != job->cipher.len)
            continue;
        rsa_decrypt(key, job->padding, job->cipher, &job->messages[job->messages_held++]);
    }
}

static void count(struct load *load, const struct decrypt_job *held, const struct decrypt_job *job)
{
    load->all++;
    load->of_client += held->client == job->client ? 1 : 0;
    load->of_brand += held->brand->id == job->brand->id ? 1 : 0;
}

static bool has_room(const struct decryptor *decryptor, const struct decrypt_job *job)
{
    struct load load = {0};
    for (const struct decrypt_job *held = decryptor->first; held != NULL; held = held->next)
        count(&load, held, job);
    for (size_t i = 0; i < decryptor->threads_held; i++) {
        if (decryptor->running[i] != NULL)
            count(&load, decryptor->running[i], job);
    }
    return load.all < DECRYPTOR_JOBS_MAX && load.of_client < DECRYPTOR_CLIENT_JOBS_MAX &&
           load.of_brand < DECRYPTOR_BRAND_JOBS_MAX;
}

bool decryptor_submit(struct decryptor *decryptor, struct decrypt_job *job)
{
    if (decryptor->threads_held == 0) {
        run(job);
        job->on_done(job);
        return true;
    }
    lock(decryptor);
    bool is_taken = has_room(decryptor, job);
    if (is_taken) {
        job->next = NULL;
        *decryptor->end = job;
        decryptor->end = &job->next;
        (void)pthread_cond_signal(&decryptor->wake);
    }
    unlock(decryptor);
    return is_taken;
}

// The oldest job; NULL when there is none and will be none. The lock is held.
static struct decrypt_job *take(struct decryptor *decryptor)
{
    while (decryptor->first == NULL && !decryptor->is_stopping)
        (void)pthread_cond_wait(&decryptor->wake, &decryptor->lock);
    struct decrypt_job *job = decryptor->first;
    if (job == NULL)
        return NULL;
    decryptor->first = job->next;
    if (decryptor->first == NULL)
        decryptor->end = &decryptor->first;
    return job;
}

// A place for the job that this thread runs. The lock is held.
static size_t find_place(const struct decryptor *decryptor)
{
    size_t place = 0;
    while (decryptor->running[place] != NULL)
        place++;
    ASSERT(place < DECRYPTOR_THREADS_MAX);
    return place;
}

// On Linux a thread has a niceness of its own. Without it loops and store would wait for strangers'
// garbage on a machine of one or two cores. When it cannot be had, it works all the same.
static void give_way(void)
{
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS);
}

static void *work(void *ctx)
{
    struct decryptor *decryptor = ctx;
    struct decrypt_job *job;
    give_way();
    lock(decryptor);
    while ((job = take(decryptor)) != NULL) {
        size_t place = find_place(decryptor);
        decryptor->running[place] = job;
        unlock(decryptor);
        run(job);
        lock(decryptor);
        decryptor->running[place] = NULL;
        unlock(decryptor);
        job->on_done(job); // it is gone
        lock(decryptor);
    }
    unlock(decryptor);
    return NULL;
}

// Signals are for the main thread.
static bool start_thread(pthread_t *thread, struct decryptor *decryptor)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    bool is_started = pthread_create(thread, NULL, work, decryptor) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return is_started;
}

static enum err start_threads(struct decryptor *decryptor, unsigned threads)
{
    for (unsigned i = 0; i < threads; i++) {
        if (!start_thread(&decryptor->threads[i], decryptor))
            return ERR_NO_MEMORY;
        lock(decryptor);
        decryptor->threads_held++;
        unlock(decryptor);
    }
    return ERR_OK;
}

enum err decryptor_create(unsigned threads, struct decryptor **out)
{
    ASSERT(threads <= DECRYPTOR_THREADS_MAX);
    struct decryptor *decryptor = calloc(1, sizeof *decryptor);
    if (decryptor == NULL)
        return ERR_NO_MEMORY;
    int rc = pthread_mutex_init(&decryptor->lock, NULL);
    ASSERT(rc == 0);
    rc = pthread_cond_init(&decryptor->wake, NULL);
    ASSERT(rc == 0);
    decryptor->end = &decryptor->first;
    *out = decryptor;
    enum err err = start_threads(decryptor, threads);
    if (err != ERR_OK)
        decryptor_destroy(out);
    return err;
}

void decryptor_destroy(struct decryptor **out)
{
    struct decryptor *decryptor = *out;
    if (decryptor == NULL)
        return;
    lock(decryptor);
    decryptor->is_stopping = true;
    (void)pthread_cond_broadcast(&decryptor->wake);
    unlock(decryptor);
    for (size_t i = 0; i < decryptor->threads_held; i++)
        (void)pthread_join(decryptor->threads[i], NULL);
    (void)pthread_cond_destroy(&decryptor->wake);
    (void)pthread_mutex_destroy(&decryptor->lock);
    free(decryptor);
    *out = NULL;
}
