// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// One mutex guards all that the other threads touch: the queues of ops, the open entries, the
// settings, T. The writer holds it while it takes a batch and while it enters what the batch has
// changed, never while it reads or writes the table, nor while it calls anybody.
//
//   take (locked) ─▶ engine_run ─▶ adopt (locked) ─▶ done of each op, notices ─▶ a listing
//
// An entry can be claimed while a batch runs that changes it. So the claim ends when the batch is
// adopted, and an op with its token is refused in the next one: whoever claims sees what is
// committed, and changes only what he has seen.
//
// The writer's thread is also woken to keep T: see STORE_TIME_AHEAD_MS in store/store_time.h.
#include "store/embedded/embedded.h"

#include "base/assert.h"
#include "base/thread.h"
#include "store/embedded/data_dir.h"
#include "store/embedded/engine.h"
#include "store/embedded/journal_table.h"
#include "store/embedded/lmdb_table.h"
#include "store/embedded/posix_disk.h"
#include "store/embedded/recover.h"
#include "store/entry.h"
#include "store/entry_queue.h"

#include <pthread.h>
#include <stdlib.h>

#define PATH_BYTES_MAX 4096U
#define JOURNAL_FOLDER "/journal"
#define QUEUED_MAX 256U // ops that wait for a wake-up

const struct embedded_store_options embedded_store_defaults = {
    .table_bytes_max = (size_t)64 << 30, // of address space; some 50 million people
    .journal_bytes = (size_t)64 << 20,
    .entries_max = 100000,
    .ops_max = 65536,
    .is_threaded = true,
};

// One store_settings_put that waits for its commit.
struct settings_job {
    const struct setting *setting;
    uint8_t *copy; // of its value
    enum err err;
    bool is_done;
    struct settings_job *next;
};

// One store_deliveries that waits for its turn.
struct listing_job {
    struct engine_listing listing;
    enum err err;
    bool is_done;
    struct listing_job *next;
};

struct embedded_store {
    struct store store;
    struct clock clock;
    struct logger *log;
    size_t ops_max;
    bool is_threaded;
    struct data_dir dir;
    struct table *table;
    pthread_t thread;
    bool is_started;

    // The writer's.
    struct engine engine;
    struct engine_batch batch;
    struct settings_job *job; // whose setting is in the batch

    pthread_mutex_t lock; // guards all below
    pthread_cond_t wake;  // there is something for the writer
    pthread_cond_t saved; // a job is done
    struct store_op *first;
    struct store_op **last;
    size_t ops_held;
    struct delivery_op *deliveries_first;
    struct delivery_op **deliveries_last;
    size_t deliveries_held;
    struct settings_job *jobs;
    struct listing_job *listings;
    struct entry_queue entries;
    struct settings_list settings;
    struct store_time time;
    int64_t marked_at_ms; // T of the last commit
    bool is_mark_wanted;
    bool is_woken;   // since the last batch was taken
    bool is_running; // somebody is in run_batches
    bool is_stopping;
    bool is_failed;
};

static struct embedded_store *embedded_of(struct store *store)
{
    return (struct embedded_store *)store;
}

static void lock(struct embedded_store *embedded)
{
    (void)pthread_mutex_lock(&embedded->lock);
}

static void unlock(struct embedded_store *embedded)
{
    (void)pthread_mutex_unlock(&embedded->lock);
}

// --- a batch (the writer) ---

static bool has_work(const struct embedded_store *embedded)
{
    return embedded->first != NULL || embedded->deliveries_first != NULL ||
           embedded->jobs != NULL || embedded->listings != NULL || embedded->is_mark_wanted;
}

static void take_ops(struct embedded_store *embedded)
{
    struct engine_batch *batch = &embedded->batch;
    batch->ops_count = 0;
    while (embedded->first != NULL && batch->ops_count < ENGINE_OPS_MAX) {
        batch->ops[batch->ops_count++] = embedded->first;
        embedded->first = embedded->first->next;
    }
    if (embedded->first == NULL)
        embedded->last = &embedded->first;
    embedded->ops_held -= batch->ops_count;
}

static void take_deliveries(struct embedded_store *embedded)
{
    struct engine_batch *batch = &embedded->batch;
    batch->deliveries_count = 0;
    while (embedded->deliveries_first != NULL && batch->deliveries_count < ENGINE_OPS_MAX) {
        batch->deliveries[batch->deliveries_count++] = embedded->deliveries_first;
        embedded->deliveries_first = embedded->deliveries_first->next;
    }
    if (embedded->deliveries_first == NULL)
        embedded->deliveries_last = &embedded->deliveries_first;
    embedded->deliveries_held -= batch->deliveries_count;
}

static void finish_job(struct embedded_store *embedded, struct settings_job *job, enum err err)
{
    job->err = err;
    job->is_done = true;
    (void)pthread_cond_broadcast(&embedded->saved);
}

// One a batch; those that are refused at once do not count.
static void take_job(struct embedded_store *embedded)
{
    embedded->job = NULL;
    embedded->batch.setting = NULL;
    while (embedded->jobs != NULL && embedded->job == NULL) {
        struct settings_job *job = embedded->jobs;
        embedded->jobs = job->next;
        enum err err = embedded->is_failed
                           ? ERR_IO
                           : settings_list_prepare(&embedded->settings, job->setting, &job->copy);
        if (err == ERR_OK)
            embedded->job = job;
        else
            finish_job(embedded, job, err);
    }
    if (embedded->job != NULL)
        embedded->batch.setting = embedded->job->setting;
}

static void take(struct embedded_store *embedded)
{
    struct engine_batch *batch = &embedded->batch;
    take_ops(embedded);
    take_job(embedded);
    take_deliveries(embedded);
    (void)store_time_next(&embedded->time, &embedded->clock);
    batch->mark = store_time_mark(&embedded->time);
    bool has_memory =
        entry_queue_reserve(&embedded->entries, batch->ops_count + batch->deliveries_count);
    batch->entries_room = has_memory ? entry_queue_room(&embedded->entries) : 0;
    embedded->is_mark_wanted = false;
    embedded->is_woken = has_work(embedded); // for what did not fit
}

// What had queued when the store failed.
static void refuse(struct engine_batch *batch)
{
    for (size_t i = 0; i < batch->ops_count; i++)
        batch->outcomes[i] = STORE_REFUSED_FAILED;
    for (size_t i = 0; i < batch->deliveries_count; i++)
        batch->delivery_outcomes[i] = STORE_REFUSED_FAILED;
    batch->has_saved_setting = false;
}

static bool adopt_entries(struct embedded_store *embedded)
{
    const struct engine_batch *batch = &embedded->batch;
    bool has_news = false;
    for (size_t i = 0; i < batch->ops_count; i++) {
        const struct store_op *op = batch->ops[i];
        if (batch->outcomes[i] != STORE_COMMITTED || batch->sequences[i] == 0)
            continue;
        const struct delivery delivery = delivery_of_new(&op->entry, op->provider);
        bool is_added =
            entry_queue_add(&embedded->entries, batch->sequences[i], &op->entry, &delivery);
        ASSERT(is_added); // there is memory for all of them: see take
        has_news = true;
    }
    return has_news;
}

static void adopt_change(struct embedded_store *embedded, const struct engine_change *change)
{
    struct entry_queue *entries = &embedded->entries;
    if (entry_queue_find(entries, change->handle) != NULL) {
        entry_queue_change(entries, change->handle, &change->delivery);
        return;
    }
    if (delivery_is_over(&change->delivery))
        return;
    bool is_added = entry_queue_add(entries, change->handle, &change->entry, &change->delivery);
    ASSERT(is_added);
}

static bool adopt_changes(struct embedded_store *embedded)
{
    const struct engine_batch *batch = &embedded->batch;
    bool has_news = false;
    for (size_t i = 0; i < batch->deliveries_count; i++) {
        const struct engine_change *change = &batch->changes[i];
        if (batch->delivery_outcomes[i] != STORE_COMMITTED || change->handle == 0)
            continue;
        adopt_change(embedded, change);
        has_news = has_news || change->delivery.due_at_ms <= batch->mark.at_ms;
    }
    return has_news;
}

static void adopt_setting(struct embedded_store *embedded)
{
    struct settings_job *job = embedded->job;
    if (job == NULL)
        return;
    bool is_saved = embedded->batch.has_saved_setting;
    if (is_saved)
        settings_list_adopt(&embedded->settings, job->setting, job->copy);
    else
        free(job->copy);
    finish_job(embedded, job, is_saved ? ERR_OK : ERR_IO);
}

// True: there are entries to claim.
static bool adopt(struct embedded_store *embedded)
{
    bool has_news = adopt_entries(embedded);
    has_news = adopt_changes(embedded) || has_news;
    adopt_setting(embedded);
    embedded->marked_at_ms = embedded->engine.marked_at_ms;
    return has_news;
}

static void tell(struct embedded_store *embedded, bool has_news)
{
    const struct engine_batch *batch = &embedded->batch;
    const struct store_notices *notices = &embedded->store.notices;
    uint64_t position = table_position(embedded->table);
    for (size_t i = 0; i < batch->ops_count; i++) {
        batch->ops[i]->position = position;
        batch->ops[i]->done(batch->ops[i], batch->outcomes[i]);
    }
    for (size_t i = 0; i < batch->deliveries_count; i++)
        batch->deliveries[i]->done(batch->deliveries[i], batch->delivery_outcomes[i]);
    if (has_news && notices->on_entries != NULL)
        notices->on_entries(notices->ctx);
    if (notices->on_done != NULL)
        notices->on_done(notices->ctx);
}

// One a batch, so that nobody waits long for his commit. Called, and returns, with the lock held.
static void run_listing(struct embedded_store *embedded)
{
    struct listing_job *job = embedded->listings;
    if (job == NULL)
        return;
    embedded->listings = job->next;
    enum engine_end end = ENGINE_FAILED;
    bool was_failed = embedded->is_failed;
    unlock(embedded);
    if (!was_failed)
        end = engine_list(&embedded->engine, &job->listing);
    lock(embedded);
    embedded->is_failed = end == ENGINE_FAILED;
    job->err = end == ENGINE_DONE ? ERR_OK : ERR_IO;
    job->is_done = true;
    (void)pthread_cond_broadcast(&embedded->saved);
}

// Called, and returns, with the lock held.
static void run_batch(struct embedded_store *embedded)
{
    take(embedded);
    enum engine_end end = ENGINE_FAILED;
    bool was_failed = embedded->is_failed;
    unlock(embedded);
    if (was_failed)
        refuse(&embedded->batch);
    else
        end = engine_run(&embedded->engine, &embedded->batch);
    lock(embedded);
    embedded->is_failed = end == ENGINE_FAILED;
    bool has_news = adopt(embedded);
    unlock(embedded);
    tell(embedded, has_news);
    if (embedded->is_failed && !was_failed && embedded->store.notices.on_failed != NULL)
        embedded->store.notices.on_failed(embedded->store.notices.ctx);
    lock(embedded);
    run_listing(embedded);
}

static void *run_thread(void *arg)
{
    struct embedded_store *embedded = arg;
    lock(embedded);
    while (!embedded->is_stopping || has_work(embedded)) {
        if (embedded->is_woken || embedded->is_stopping)
            run_batch(embedded);
        else
            (void)pthread_cond_wait(&embedded->wake, &embedded->lock);
    }
    unlock(embedded);
    return NULL;
}

// Without a thread the caller runs what there is; a call from within `done` leaves it to the one
// around it.
static void run_inline(struct embedded_store *embedded)
{
    if (embedded->is_running)
        return;
    embedded->is_running = true;
    while (has_work(embedded))
        run_batch(embedded);
    embedded->is_running = false;
}

// With the lock held.
static void kick(struct embedded_store *embedded)
{
    embedded->is_woken = true;
    if (embedded->is_threaded)
        (void)pthread_cond_signal(&embedded->wake);
    else
        run_inline(embedded);
}

// With the lock held. What is queued waits for whoever is queueing, so that it shares a commit,
// but never for many others; what comes from within `done` has nobody who would wake the writer.
// (Without a thread, whoever runs the ops around that `done` finds it.)
static void after_queueing(struct embedded_store *embedded)
{
    size_t queued = embedded->ops_held + embedded->deliveries_held;
    bool is_own = embedded->is_threaded && pthread_equal(pthread_self(), embedded->thread);
    if (is_own || queued == QUEUED_MAX)
        kick(embedded);
}

// --- the port ---

// STORE_COMMITTED: taken.
static enum store_outcome enqueue(struct embedded_store *embedded, struct store_op *op)
{
    if (embedded->is_failed)
        return STORE_REFUSED_FAILED;
    if (embedded->ops_held >= embedded->ops_max)
        return STORE_REFUSED_BUSY;
    op->next = NULL;
    *embedded->last = op;
    embedded->last = &op->next;
    embedded->ops_held++;
    return STORE_COMMITTED;
}

static void embedded_submit(struct store *store, struct store_op *op)
{
    struct embedded_store *embedded = embedded_of(store);
    lock(embedded);
    enum store_outcome outcome = enqueue(embedded, op);
    if (outcome == STORE_COMMITTED)
        after_queueing(embedded);
    unlock(embedded);
    if (outcome != STORE_COMMITTED)
        op->done(op, outcome);
}

static enum store_outcome enqueue_delivery(struct embedded_store *embedded, struct delivery_op *op)
{
    if (embedded->is_failed)
        return STORE_REFUSED_FAILED;
    if (embedded->deliveries_held >= embedded->ops_max)
        return STORE_REFUSED_BUSY;
    op->next = NULL;
    *embedded->deliveries_last = op;
    embedded->deliveries_last = &op->next;
    embedded->deliveries_held++;
    return STORE_COMMITTED;
}

static void embedded_deliver(struct store *store, struct delivery_op *op)
{
    struct embedded_store *embedded = embedded_of(store);
    ASSERT(op->handle != 0 || op->ref_tag != 0);
    lock(embedded);
    enum store_outcome outcome = enqueue_delivery(embedded, op);
    if (outcome == STORE_COMMITTED)
        after_queueing(embedded);
    unlock(embedded);
    if (outcome != STORE_COMMITTED)
        op->done(op, outcome);
}

static void embedded_wake(struct store *store)
{
    struct embedded_store *embedded = embedded_of(store);
    lock(embedded);
    if (has_work(embedded))
        kick(embedded);
    unlock(embedded);
}

static size_t embedded_claim(struct store *store, const struct store_claim *claim,
                             struct claimed_entry *out, size_t max)
{
    struct embedded_store *embedded = embedded_of(store);
    size_t count = 0;
    lock(embedded);
    if (!embedded->is_failed && embedded->entries.held > 0) {
        int64_t now_ms = store_time_next(&embedded->time, &embedded->clock);
        count = entry_queue_claim(&embedded->entries, now_ms, claim, out, max);
    }
    unlock(embedded);
    return count;
}

static int64_t embedded_next_due_ms(struct store *store, const struct store_claim *claim)
{
    struct embedded_store *embedded = embedded_of(store);
    lock(embedded);
    int64_t next_ms =
        embedded->is_failed ? STORE_NEVER : entry_queue_next_ms(&embedded->entries, claim);
    unlock(embedded);
    return next_ms;
}

static size_t embedded_entries(struct store *store)
{
    struct embedded_store *embedded = embedded_of(store);
    lock(embedded);
    size_t held = embedded->entries.held;
    unlock(embedded);
    return held;
}

static int64_t embedded_now_ms(struct store *store)
{
    struct embedded_store *embedded = embedded_of(store);
    lock(embedded);
    int64_t now_ms = store_time_next(&embedded->time, &embedded->clock);
    bool is_ahead = now_ms - embedded->marked_at_ms >= STORE_TIME_AHEAD_MS;
    if (is_ahead && !embedded->is_mark_wanted && !embedded->is_failed) {
        embedded->is_mark_wanted = true;
        kick(embedded);
    }
    unlock(embedded);
    return now_ms;
}

// With the lock held, until the job is done. Not from within `done`: that is the writer's thread.
static void await_job(struct embedded_store *embedded, const bool *is_done)
{
    ASSERT(!embedded->is_threaded || !pthread_equal(pthread_self(), embedded->thread));
    kick(embedded);
    ASSERT(embedded->is_threaded || *is_done);
    while (!*is_done)
        (void)pthread_cond_wait(&embedded->saved, &embedded->lock);
}

static enum err embedded_deliveries(struct store *store, const struct delivery_filter *filter,
                                    uint64_t *after, struct delivery_row *out, size_t *held)
{
    struct embedded_store *embedded = embedded_of(store);
    struct listing_job job = {
        .listing = {.filter = filter, .after = after, .out = out, .room = *held}};
    lock(embedded);
    struct listing_job **last = &embedded->listings;
    while (*last != NULL)
        last = &(*last)->next;
    *last = &job;
    await_job(embedded, &job.is_done);
    unlock(embedded);
    *held = job.listing.held;
    return job.err;
}

static uint64_t embedded_synced(struct store *store)
{
    return table_synced(embedded_of(store)->table);
}

static enum err embedded_settings_put(struct store *store, const struct setting *setting)
{
    struct embedded_store *embedded = embedded_of(store);
    struct settings_job job = {.setting = setting};
    lock(embedded);
    struct settings_job **last = &embedded->jobs;
    while (*last != NULL)
        last = &(*last)->next;
    *last = &job;
    await_job(embedded, &job.is_done);
    unlock(embedded);
    if (job.err == ERR_OK && store->notices.on_settings != NULL)
        store->notices.on_settings(store->notices.ctx);
    return job.err;
}

static void embedded_settings_each(struct store *store,
                                   void (*on_setting)(void *ctx, const struct setting *), void *ctx)
{
    struct embedded_store *embedded = embedded_of(store);
    lock(embedded);
    settings_list_each(&embedded->settings, on_setting, ctx);
    unlock(embedded);
}

static void stop_thread(struct embedded_store *embedded)
{
    if (!embedded->is_started)
        return;
    lock(embedded);
    embedded->is_stopping = true;
    (void)pthread_cond_signal(&embedded->wake);
    unlock(embedded);
    (void)pthread_join(embedded->thread, NULL);
}

static void embedded_destroy(struct store *store)
{
    struct embedded_store *embedded = embedded_of(store);
    stop_thread(embedded);
    table_destroy(&embedded->table);
    data_dir_close(&embedded->dir);
    entry_queue_fini(&embedded->entries);
    settings_list_fini(&embedded->settings);
    (void)pthread_cond_destroy(&embedded->wake);
    (void)pthread_cond_destroy(&embedded->saved);
    (void)pthread_mutex_destroy(&embedded->lock);
    free(embedded);
}

static const struct store_ops embedded_ops = {
    .submit = embedded_submit,
    .claim = embedded_claim,
    .deliver = embedded_deliver,
    .wake = embedded_wake,
    .next_due_ms = embedded_next_due_ms,
    .entries = embedded_entries,
    .deliveries = embedded_deliveries,
    .now_ms = embedded_now_ms,
    .synced = embedded_synced,
    .settings_put = embedded_settings_put,
    .settings_each = embedded_settings_each,
    .destroy = embedded_destroy,
};

// --- opening ---

static void tell_where(const struct embedded_store_options *options, struct err_info *info)
{
    struct err_info story = *info;
    const char *directory = options->directory != NULL ? options->directory : "table";
    err_info_set(info, "the data in %.200s %s", directory, story.text);
}

// Of a table that was opened.
static enum err put_journal_before(const struct embedded_store_options *options, struct disk *disk,
                                   struct table **table, struct err_info *info)
{
    const struct journal_table_options journal = {
        .base = *table,
        .view = lmdb_view_create(*table),
        .disk = disk,
        .journal_bytes = options->journal_bytes,
        .entropy = options->entropy,
        .step_rows = CHECKPOINT_STEP_ROWS,
        .log = options->log,
        .is_threaded = options->is_threaded,
    };
    enum err err = journal_table_create(&journal, table, info);
    if (err != ERR_OK)
        tell_where(options, info);
    return err;
}

static enum err open_journal(const struct embedded_store_options *options, struct table **table,
                             struct err_info *info)
{
    char path[PATH_BYTES_MAX] = {0};
    struct strbuf text = strbuf_over(path, sizeof path - 1);
    struct disk *disk = NULL;
    strbuf_put_text(&text, options->directory);
    strbuf_put_text(&text, JOURNAL_FOLDER);
    ASSERT(!text.is_overflowed); // shorter than the table's
    enum err err = posix_disk_create(path, &disk, info);
    if (err == ERR_OK)
        err = data_dir_sync(options->directory, info);
    if (err == ERR_OK)
        return put_journal_before(options, disk, table, info);
    disk_destroy(&disk);
    return err;
}

static enum err open_table(struct embedded_store *embedded,
                           const struct embedded_store_options *options, struct err_info *info)
{
    const struct lmdb_table_options table = {.directory = options->directory,
                                             .bytes_max = options->table_bytes_max};
    if (embedded->table != NULL)
        return ERR_OK;
    enum err err = data_dir_open(options->directory, &embedded->dir, info);
    if (err == ERR_OK)
        err = lmdb_table_create(&table, &embedded->table, info);
    return err == ERR_OK ? open_journal(options, &embedded->table, info) : err;
}

// A clock that was set is followed at the next boot; until then codes and limits go by the old one.
static void warn_of_time(const struct embedded_store *embedded)
{
    int64_t ahead_ms = embedded->time.last_ms - clock_wall_ms(&embedded->clock);
    if (ahead_ms > -STORE_TIME_AHEAD_MS && ahead_ms <= STORE_TIME_AHEAD_MS)
        return;
    LOG_EVENT(embedded->log, LOG_WARNING, "store.time_differs",
              log_text("what", SPAN("the store's time is not the wall clock's")),
              log_number("aheadMs", ahead_ms));
}

static uint64_t find_same(void *ctx, const struct outbox_entry *entry)
{
    struct embedded_store *embedded = ctx;
    lock(embedded);
    uint64_t handle = entry_queue_find_same(&embedded->entries, entry);
    unlock(embedded);
    return handle;
}

static bool is_claim(void *ctx, uint64_t handle, uint64_t token)
{
    struct embedded_store *embedded = ctx;
    lock(embedded);
    bool is_in_force = entry_queue_is_claim(&embedded->entries, handle, token);
    unlock(embedded);
    return is_in_force;
}

static bool is_open(void *ctx, uint64_t handle)
{
    struct embedded_store *embedded = ctx;
    lock(embedded);
    bool is_held = entry_queue_find(&embedded->entries, handle) != NULL;
    unlock(embedded);
    return is_held;
}

// For the engine, which has no lock.
static struct engine_entries entries_of(struct embedded_store *embedded)
{
    return (struct engine_entries){
        .find_same = find_same, .is_claim = is_claim, .is_open = is_open, .ctx = embedded};
}

static enum err start_from_table(struct embedded_store *embedded,
                                 const struct embedded_store_options *options,
                                 struct err_info *info)
{
    struct recovery recovery = {
        .fingerprint = options->fingerprint,
        .clock = options->clock,
        .boot = options->boot,
        .entries = &embedded->entries,
        .settings = &embedded->settings,
    };
    enum err err = recover(embedded->table, &recovery, info);
    if (err != ERR_OK) {
        tell_where(options, info);
        return err;
    }
    embedded->time = recovery.time;
    embedded->marked_at_ms = recovery.state.mark.at_ms;
    embedded->engine = (struct engine){.table = embedded->table,
                                       .log = options->log,
                                       .metrics = options->metrics,
                                       .entries = entries_of(embedded),
                                       .next_sequence = recovery.state.next_sequence,
                                       .first_open = recovery.state.first_open,
                                       .commits = recovery.state.commit,
                                       .marked_at_ms = recovery.state.mark.at_ms};
    warn_of_time(embedded);
    return ERR_OK;
}

static enum err start_thread(struct embedded_store *embedded, struct err_info *info)
{
    if (!embedded->is_threaded)
        return ERR_OK;
    embedded->is_started = thread_start(&embedded->thread, "store", run_thread, embedded);
    if (embedded->is_started)
        return ERR_OK;
    err_info_set(info, "the store's thread cannot be started");
    return ERR_NO_MEMORY;
}

static struct embedded_store *allocate(const struct embedded_store_options *options)
{
    struct embedded_store *embedded = calloc(1, sizeof *embedded);
    if (embedded == NULL)
        return NULL;
    embedded->store = (struct store){.ops = &embedded_ops, .notices = options->notices};
    embedded->clock = options->clock;
    embedded->log = options->log;
    embedded->ops_max = options->ops_max;
    embedded->is_threaded = options->is_threaded;
    embedded->table = options->table;
    embedded->dir.lock = -1;
    embedded->last = &embedded->first;
    embedded->deliveries_last = &embedded->deliveries_first;
    (void)pthread_mutex_init(&embedded->lock, NULL);
    (void)pthread_cond_init(&embedded->wake, NULL);
    (void)pthread_cond_init(&embedded->saved, NULL);
    return embedded;
}

enum err embedded_store_create(const struct embedded_store_options *options, struct store **out,
                               struct err_info *info)
{
    struct embedded_store *embedded = allocate(options);
    ASSERT(embedded != NULL); // only at start-up, when nothing has been promised yet
    *out = &embedded->store;
    enum err err = open_table(embedded, options, info);
    if (err == ERR_OK && !entry_queue_init(&embedded->entries, options->entries_max))
        err = ERR_NO_MEMORY;
    if (err == ERR_OK)
        err = start_from_table(embedded, options, info);
    if (err == ERR_OK)
        err = start_thread(embedded, info);
    if (err != ERR_OK)
        store_destroy(out);
    return err;
}
