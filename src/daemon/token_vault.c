// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The source has at most one read or write begun, so that one slot each way is enough; that
// somebody else has set a pair is a flag beside it.
#include "daemon/token_vault.h"

#include "base/assert.h"
#include "base/thread.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum vault_job { VAULT_IDLE, VAULT_READ, VAULT_WRITE };

struct token_vault {
    struct provider_tokens tokens;
    void (*on_status)(void *ctx);
    void *ctx;
    int fd;
    pthread_t thread;
    bool is_started;
    pthread_mutex_t lock;
    pthread_cond_t wake, told;
    // All that follows: under the lock.
    bool is_stopping;
    enum vault_job job;
    struct token_pair pair; // to write
    uint64_t version;
    bool has_event, is_changed;
    struct token_event event;
    struct token_status status;
};

static void lock(struct token_vault *vault)
{
    int rc = pthread_mutex_lock(&vault->lock);
    ASSERT(rc == 0);
}

static void unlock(struct token_vault *vault)
{
    int rc = pthread_mutex_unlock(&vault->lock);
    ASSERT(rc == 0);
}

static void ring(struct token_vault *vault)
{
    const uint64_t one = 1;
    ssize_t len = write(vault->fd, &one, sizeof one);
    ASSERT(len == (ssize_t)sizeof one);
}

// --- the thread ------------------------------------------------------------------------------

// What does not open is as good as nothing: a person has to set it anew.
static void run_read(const struct token_vault *vault, struct token_event *out)
{
    out->kind = TOKEN_EVENT_READ;
    if (provider_tokens_read(&vault->tokens, &out->pair, &out->version) != ERR_OK)
        wipe(&out->pair, sizeof out->pair);
}

static void run_job(struct token_vault *vault)
{
    struct token_event event = {.kind = TOKEN_EVENT_WRITTEN};
    struct token_pair pair = vault->pair;
    uint64_t version = vault->version;
    bool is_write = vault->job == VAULT_WRITE;
    vault->job = VAULT_IDLE;
    unlock(vault);
    if (is_write)
        event.err = provider_tokens_write(&vault->tokens, &pair, version);
    else
        run_read(vault, &event);
    lock(vault);
    wipe(&pair, sizeof pair);
    wipe(&vault->pair, sizeof vault->pair);
    vault->event = event;
    vault->has_event = true;
    wipe(&event, sizeof event);
    ring(vault);
}

// What was begun is ended, also when it is to stop.
static void *run(void *arg)
{
    struct token_vault *vault = arg;
    lock(vault);
    while (vault->job != VAULT_IDLE || !vault->is_stopping) {
        if (vault->job == VAULT_IDLE)
            (void)pthread_cond_wait(&vault->wake, &vault->lock);
        else
            run_job(vault);
    }
    unlock(vault);
    return NULL;
}

static bool start(struct token_vault *vault)
{
    vault->is_started = thread_start(&vault->thread, "token-vault", run, vault);
    return vault->is_started;
}

// --- the port --------------------------------------------------------------------------------

static void begin(struct token_vault *vault, enum vault_job job)
{
    ASSERT(vault->job == VAULT_IDLE);
    vault->job = job;
    (void)pthread_cond_signal(&vault->wake);
}

static void port_read(void *port)
{
    struct token_vault *vault = port;
    lock(vault);
    begin(vault, VAULT_READ);
    unlock(vault);
}

static void port_write(void *port, const struct token_pair *pair, uint64_t version)
{
    struct token_vault *vault = port;
    lock(vault);
    vault->pair = *pair;
    vault->version = version;
    begin(vault, VAULT_WRITE);
    unlock(vault);
}

static bool port_take(void *port, struct token_event *out)
{
    struct token_vault *vault = port;
    uint64_t rung;
    (void)!read(vault->fd, &rung, sizeof rung); // before the look: what comes later rings again
    lock(vault);
    bool is_changed = vault->is_changed;
    bool has_event = is_changed || vault->has_event;
    if (is_changed)
        *out = (struct token_event){.kind = TOKEN_EVENT_CHANGED};
    else if (has_event)
        *out = vault->event;
    vault->is_changed = false;
    if (has_event && !is_changed) {
        vault->has_event = false;
        wipe(&vault->event, sizeof vault->event);
    }
    unlock(vault);
    return has_event;
}

static void port_tell(void *port, const struct token_status *status)
{
    struct token_vault *vault = port;
    lock(vault);
    if (!vault->is_changed) // else it is about what was there before
        vault->status = *status;
    (void)pthread_cond_broadcast(&vault->told);
    unlock(vault);
    vault->on_status(vault->ctx);
}

struct token_port token_vault_port(struct token_vault *vault)
{
    return (struct token_port){.port = vault,
                               .fd = vault->fd,
                               .read = port_read,
                               .write = port_write,
                               .take = port_take,
                               .tell = port_tell};
}

// --- administrators --------------------------------------------------------------------------

void token_vault_status(struct token_vault *vault, struct token_status *out)
{
    lock(vault);
    *out = vault->status;
    unlock(vault);
}

// Nothing more comes of waiting.
static bool is_settled(const struct token_vault *vault)
{
    const struct token_status *status = &vault->status;
    bool has_failed = status->state == TOKEN_STATE_RENEWING && status->words_len > 0;
    return has_failed ||
           (status->state != TOKEN_STATE_READING && status->state != TOKEN_STATE_RENEWING);
}

static void await_outcome(struct token_vault *vault)
{
    struct timespec until;
    int rc = 0;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += TOKEN_VAULT_WAIT_MS / 1000;
    while (!is_settled(vault) && !vault->is_stopping && rc == 0)
        rc = pthread_cond_timedwait(&vault->told, &vault->lock, &until);
}

enum err token_vault_set(struct token_vault *vault, struct span refresh, int64_t now_ms,
                         int64_t refresh_ms)
{
    struct token_pair pair = {.obtained_at_ms = now_ms, .refresh_ends_at_ms = now_ms + refresh_ms};
    if (!token_text_set(&pair.refresh, refresh))
        return ERR_INVALID;
    enum err err = provider_tokens_set(&vault->tokens, &pair);
    wipe(&pair, sizeof pair);
    if (err != ERR_OK)
        return err;
    lock(vault);
    vault->is_changed = true;
    vault->status = (struct token_status){.state = TOKEN_STATE_READING};
    ring(vault);
    await_outcome(vault);
    unlock(vault);
    return ERR_OK;
}

// --- life ------------------------------------------------------------------------------------

static void init_conditions(struct token_vault *vault)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&vault->wake, NULL);
    (void)pthread_cond_init(&vault->told, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

enum err token_vault_create(const struct provider_tokens *tokens, void (*on_status)(void *ctx),
                            void *ctx, struct token_vault **out)
{
    struct token_vault *vault = calloc(1, sizeof *vault);
    if (vault == NULL)
        return ERR_NO_MEMORY;
    vault->tokens = *tokens;
    vault->on_status = on_status;
    vault->ctx = ctx;
    (void)pthread_mutex_init(&vault->lock, NULL);
    init_conditions(vault);
    vault->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    *out = vault;
    if (vault->fd >= 0 && start(vault))
        return ERR_OK;
    token_vault_destroy(out);
    return ERR_NO_MEMORY;
}

void token_vault_stop(struct token_vault *vault)
{
    if (!vault->is_started)
        return;
    lock(vault);
    vault->is_stopping = true;
    (void)pthread_cond_signal(&vault->wake);
    (void)pthread_cond_broadcast(&vault->told);
    unlock(vault);
    (void)pthread_join(vault->thread, NULL);
    vault->is_started = false;
}

void token_vault_destroy(struct token_vault **vault)
{
    if (*vault == NULL)
        return;
    token_vault_stop(*vault);
    if ((*vault)->fd >= 0)
        (void)close((*vault)->fd);
    (void)pthread_cond_destroy(&(*vault)->wake);
    (void)pthread_cond_destroy(&(*vault)->told);
    (void)pthread_mutex_destroy(&(*vault)->lock);
    wipe(*vault, sizeof **vault);
    free(*vault);
    *vault = NULL;
}
