// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// All keys of the cipher text's length are tried, whether or not one has opened it already: how
// long a refusal takes must not tell which key it was refused by.
//
//   submitter ──▶ waiting ──▶ worker, which gives way ──▶ done ──▶ messenger ──▶ on_done
//
// A worker that has to wait for a core must not hold what a loop waits for. So it takes no lock
// that others take, and wakes no loop, which is done under the loop's own. The messenger, a thread
// like all others, does that. A queue's producers have one lock, its consumers another, and what is
// between them is a semaphore.
//
// How many jobs a client has is counted anew for each one that comes: there are a few hundred at
// most, side by side, and to walk through them costs nothing beside a decryption.
#include "service/decryptor.h"

#include "base/assert.h"
#include "base/thread.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define NICENESS 19 // of less, Linux makes a loop wait for what it owes: docs/adr/0032
#define SLOTS (DECRYPTOR_JOBS_MAX + DECRYPTOR_THREADS_MAX) // each thread is sent its end, too

struct queue {
    struct decrypt_job *slots[SLOTS]; // NULL: there will be no more
    size_t in;
    size_t out;
    sem_t held;
};

struct holding {
    const struct decrypt_job *job;
    uint64_t client;
    uint64_t brand_id;
};

struct decryptor {
    pthread_mutex_t gate; // of submitters and messenger: holdings, waiting.in
    struct holding holdings[DECRYPTOR_JOBS_MAX];
    size_t holdings_held;
    pthread_mutex_t bench; // of workers: waiting.out, done.in
    struct queue waiting;
    struct queue done; // done.out is the messenger's
    pthread_t workers[DECRYPTOR_THREADS_MAX];
    size_t workers_held;
    pthread_t messenger;
    bool has_messenger;
};

static void lock(pthread_mutex_t *mutex)
{
    int rc = pthread_mutex_lock(mutex);
    ASSERT(rc == 0);
}

static void unlock(pthread_mutex_t *mutex)
{
    int rc = pthread_mutex_unlock(mutex);
    ASSERT(rc == 0);
}

// Under the lock of its producers. There is room for all that may be held.
static void push(struct queue *queue, struct decrypt_job *job)
{
    queue->slots[queue->in++ % SLOTS] = job;
    int rc = sem_post(&queue->held);
    ASSERT(rc == 0);
}

static void await(struct queue *queue)
{
    while (sem_wait(&queue->held) != 0)
        ASSERT(errno == EINTR);
}

// After await, under the lock of its consumers.
static struct decrypt_job *pop(struct queue *queue)
{
    return queue->slots[queue->out++ % SLOTS];
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

// --- submitters ---

static bool has_room(const struct decryptor *decryptor, uint64_t client, uint64_t brand_id)
{
    size_t of_client = 0;
    size_t of_brand = 0;
    for (size_t i = 0; i < decryptor->holdings_held; i++) {
        of_client += decryptor->holdings[i].client == client ? 1 : 0;
        of_brand += decryptor->holdings[i].brand_id == brand_id ? 1 : 0;
    }
    return decryptor->holdings_held < DECRYPTOR_JOBS_MAX && of_client < DECRYPTOR_CLIENT_JOBS_MAX &&
           of_brand < DECRYPTOR_BRAND_JOBS_MAX;
}

bool decryptor_has_room(struct decryptor *decryptor, const struct brand *brand, uint64_t client)
{
    lock(&decryptor->gate);
    bool is_so = has_room(decryptor, client, brand->id);
    unlock(&decryptor->gate);
    return is_so;
}

bool decryptor_submit(struct decryptor *decryptor, struct decrypt_job *job)
{
    if (decryptor->workers_held == 0) {
        run(job);
        job->on_done(job);
        return true;
    }
    lock(&decryptor->gate);
    bool is_taken = has_room(decryptor, job->client, job->brand->id);
    if (is_taken) {
        decryptor->holdings[decryptor->holdings_held++] =
            (struct holding){job, job->client, job->brand->id};
        push(&decryptor->waiting, job);
    }
    unlock(&decryptor->gate);
    return is_taken;
}

// --- workers ---

// On Linux a thread has a niceness of its own. Without it loops and store would wait for strangers'
// garbage on a machine of one or two cores. When it cannot be had, it works all the same.
static void give_way(void)
{
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS);
}

static struct decrypt_job *take(struct decryptor *decryptor)
{
    await(&decryptor->waiting);
    lock(&decryptor->bench);
    struct decrypt_job *job = pop(&decryptor->waiting);
    unlock(&decryptor->bench);
    return job;
}

static void *work(void *ctx)
{
    struct decryptor *decryptor = ctx;
    struct decrypt_job *job;
    give_way();
    while ((job = take(decryptor)) != NULL) {
        run(job);
        lock(&decryptor->bench);
        push(&decryptor->done, job);
        unlock(&decryptor->bench);
    }
    return NULL;
}

// --- messenger ---

static void let_go(struct decryptor *decryptor, const struct decrypt_job *job)
{
    size_t i = 0;
    lock(&decryptor->gate);
    while (decryptor->holdings[i].job != job)
        i++;
    ASSERT(i < decryptor->holdings_held);
    decryptor->holdings[i] = decryptor->holdings[--decryptor->holdings_held];
    unlock(&decryptor->gate);
}

static void *tell(void *ctx)
{
    struct decryptor *decryptor = ctx;
    for (;;) {
        await(&decryptor->done);
        struct decrypt_job *job = pop(&decryptor->done);
        if (job == NULL)
            return NULL;
        let_go(decryptor, job);
        job->on_done(job); // it is gone
    }
}

// --- coming and going ---

static enum err start_threads(struct decryptor *decryptor, unsigned threads)
{
    if (threads == 0)
        return ERR_OK;
    decryptor->has_messenger =
        thread_start(&decryptor->messenger, "hash-messenger", tell, decryptor);
    if (!decryptor->has_messenger)
        return ERR_NO_MEMORY;
    for (unsigned i = 0; i < threads; i++) {
        if (!thread_start(&decryptor->workers[i], "decryptor", work, decryptor))
            return ERR_NO_MEMORY;
        decryptor->workers_held++;
    }
    return ERR_OK;
}

static void init(struct decryptor *decryptor)
{
    int rc = pthread_mutex_init(&decryptor->gate, NULL);
    ASSERT(rc == 0);
    rc = pthread_mutex_init(&decryptor->bench, NULL);
    ASSERT(rc == 0);
    rc = sem_init(&decryptor->waiting.held, 0, 0);
    ASSERT(rc == 0);
    rc = sem_init(&decryptor->done.held, 0, 0);
    ASSERT(rc == 0);
}

enum err decryptor_create(unsigned threads, struct decryptor **out)
{
    ASSERT(threads <= DECRYPTOR_THREADS_MAX);
    struct decryptor *decryptor = calloc(1, sizeof *decryptor);
    if (decryptor == NULL)
        return ERR_NO_MEMORY;
    init(decryptor);
    *out = decryptor;
    enum err err = start_threads(decryptor, threads);
    if (err != ERR_OK)
        decryptor_destroy(out);
    return err;
}

static void stop_threads(struct decryptor *decryptor)
{
    lock(&decryptor->gate);
    for (size_t i = 0; i < decryptor->workers_held; i++)
        push(&decryptor->waiting, NULL);
    unlock(&decryptor->gate);
    for (size_t i = 0; i < decryptor->workers_held; i++)
        (void)pthread_join(decryptor->workers[i], NULL);
    if (!decryptor->has_messenger)
        return;
    push(&decryptor->done, NULL); // there is no other producer any more
    (void)pthread_join(decryptor->messenger, NULL);
}

void decryptor_destroy(struct decryptor **out)
{
    struct decryptor *decryptor = *out;
    if (decryptor == NULL)
        return;
    stop_threads(decryptor);
    (void)sem_destroy(&decryptor->done.held);
    (void)sem_destroy(&decryptor->waiting.held);
    (void)pthread_mutex_destroy(&decryptor->bench);
    (void)pthread_mutex_destroy(&decryptor->gate);
    free(decryptor);
    *out = NULL;
}
