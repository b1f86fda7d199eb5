// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// One mutex guards all that the other threads touch: the queue of ops, the entries, the settings,
// T. The writer holds it while it takes a batch and while it enters what the batch has changed,
// never while it reads or writes the table, nor while it calls anybody.
//
//   take (locked) ─▶ engine_run ─▶ adopt (locked) ─▶ done of each op, notices
//
// A settlement changes the entry in memory at once, and the table in the next batch. A crash in
// between sends that message once more; so would one between the sending and the settlement.
//
// The writer's thread is also woken to keep T: see STORE_TIME_AHEAD_MS in store/store_time.h.
#include "store/embedded/embedded.h"

#include "base/assert.h"
#include "store/embedded/data_dir.h"
#include "store/embedded/engine.h"
#include "store/embedded/journal_table.h"
#include "store/embedded/lmdb_table.h"
#include "store/embedded/posix_disk.h"
#include "store/embedded/recover.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define PATH_BYTES_MAX 4096U
#define JOURNAL_FOLDER "/journal"

const struct embedded_store_options embedded_store_defaults = {
    .table_bytes_max = (size_t)64 << 30, // of address space; some 50 million people
    .journal_bytes = (size_t)64 << 20,
    .entries_max = 100000,
    .ops_max = 65536,
    .is_threaded = true,
};

// Settled entries that the table does not know of yet.
struct change_list {
    struct entry_change *items;
    size_t held;
    size_t room;
};

// One store_settings_put that waits for its commit.
struct settings_job {
    const struct setting *setting;
    uint8_t *copy; // of its value
    enum err err;
    bool is_done;
    struct settings_job *next;
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
    struct change_list saving; // of the batch; kept when there was no room for them
    struct settings_job *job;  // whose setting is in the batch

    pthread_mutex_t lock; // guards all below
    pthread_cond_t wake;  // there is something for the writer
    pthread_cond_t saved; // a settings_job is done
    struct store_op *first;
    struct store_op **last;
    size_t ops_held;
    struct settings_job *jobs;
    struct change_list changes;
    struct entry_queue entries;
    struct settings_list settings;
    struct store_time time;
    int64_t marked_at_ms; // T of the last commit
    bool is_mark_wanted;
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
    return embedded->first != NULL || embedded->jobs != NULL || embedded->is_mark_wanted ||
           (embedded->changes.held > 0 && embedded->saving.held == 0);
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

static void take_changes(struct embedded_store *embedded)
{
    if (embedded->saving.held == 0) {
        struct change_list taken = embedded->changes;
        embedded->changes = embedded->saving;
        embedded->saving = taken;
    }
    embedded->batch.changes = embedded->saving.items;
    embedded->batch.changes_count = embedded->saving.held;
}

static void take(struct embedded_store *embedded)
{
    struct engine_batch *batch = &embedded->batch;
    take_ops(embedded);
    take_job(embedded);
    take_changes(embedded);
    (void)store_time_next(&embedded->time, &embedded->clock);
    batch->mark = store_time_mark(&embedded->time);
    bool has_memory = entry_queue_reserve(&embedded->entries, batch->ops_count);
    batch->entries_room = has_memory ? entry_queue_room(&embedded->entries) : 0;
    embedded->is_mark_wanted = false;
}

// What had queued when the store failed.
static void refuse(struct engine_batch *batch)
{
    for (size_t i = 0; i < batch->ops_count; i++)
        batch->outcomes[i] = STORE_REFUSED_FAILED;
    batch->has_saved_changes = true; // nothing will ever save them
    batch->has_saved_setting = false;
}

static bool has_new_entry(const struct engine_batch *batch, size_t i)
{
    return batch->outcomes[i] == STORE_COMMITTED && batch->ops[i]->has_entry;
}

static bool adopt_entries(struct embedded_store *embedded)
{
    const struct engine_batch *batch = &embedded->batch;
    bool has_news = false;
    for (size_t i = 0; i < batch->ops_count; i++) {
        if (!has_new_entry(batch, i))
            continue;
        bool is_added =
            entry_queue_add(&embedded->entries, &batch->ops[i]->entry, batch->sequences[i]);
        ASSERT(is_added); // there is memory for all of them: see take
        has_news = true;
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
    adopt_setting(embedded);
    if (embedded->batch.has_saved_changes)
        embedded->saving.held = 0;
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
    if (has_news && notices->on_entries != NULL)
        notices->on_entries(notices->ctx);
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
}

static void *run_thread(void *arg)
{
    struct embedded_store *embedded = arg;
    lock(embedded);
    while (!embedded->is_stopping || has_work(embedded)) {
        if (has_work(embedded))
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
    if (embedded->is_threaded)
        (void)pthread_cond_signal(&embedded->wake);
    else
        run_inline(embedded);
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
        kick(embedded);
    unlock(embedded);
    if (outcome != STORE_COMMITTED)
        op->done(op, outcome);
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

static bool reserve_change(struct change_list *changes)
{
    if (changes->held < changes->room)
        return true;
    size_t room = changes->room * 2 + 64;
    struct entry_change *items = realloc(changes->items, room * sizeof *items);
    if (items == NULL)
        return false;
    changes->items = items;
    changes->room = room;
    return true;
}

// Without memory a settlement is lost: the lease ends and the entry is delivered again.
static void embedded_settle(struct store *store, const struct settlement *settlements, size_t count)
{
    struct embedded_store *embedded = embedded_of(store);
    lock(embedded);
    for (size_t i = 0; i < count && !embedded->is_failed; i++) {
        struct change_list *changes = &embedded->changes;
        if (reserve_change(changes) &&
            entry_queue_settle(&embedded->entries, &settlements[i], &changes->items[changes->held]))
            changes->held++;
    }
    if (embedded->changes.held > 0)
        kick(embedded);
    unlock(embedded);
}

static int64_t embedded_next_due_ms(struct store *store, uint32_t busy)
{
    struct embedded_store *embedded = embedded_of(store);
    lock(embedded);
    int64_t next_ms =
        embedded->is_failed ? INT64_MAX : entry_queue_next_ms(&embedded->entries, busy);
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

static uint64_t embedded_synced(struct store *store)
{
    return table_synced(embedded_of(store)->table);
}

static enum err embedded_settings_put(struct store *store, const struct setting *setting)
{
    struct embedded_store *embedded = embedded_of(store);
    struct settings_job job = {.setting = setting};
    lock(embedded);
    ASSERT(!embedded->is_threaded || !pthread_equal(pthread_self(), embedded->thread));
    struct settings_job **last = &embedded->jobs;
    while (*last != NULL)
        last = &(*last)->next;
    *last = &job;
    kick(embedded);
    ASSERT(embedded->is_threaded || job.is_done); // not from within `done`
    while (!job.is_done)
        (void)pthread_cond_wait(&embedded->saved, &embedded->lock);
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
    free(embedded->changes.items);
    free(embedded->saving.items);
    (void)pthread_cond_destroy(&embedded->wake);
    (void)pthread_cond_destroy(&embedded->saved);
    (void)pthread_mutex_destroy(&embedded->lock);
    free(embedded);
}

static const struct store_ops embedded_ops = {
    .submit = embedded_submit,
    .claim = embedded_claim,
    .settle = embedded_settle,
    .next_due_ms = embedded_next_due_ms,
    .entries = embedded_entries,
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
    const struct lmdb_table_options table = {options->directory, options->table_bytes_max};
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
                                       .next_sequence = recovery.next_sequence,
                                       .commits = recovery.state.commit,
                                       .marked_at_ms = recovery.state.mark.at_ms};
    warn_of_time(embedded);
    return ERR_OK;
}

// Signals are for the threads that ask for them.
static enum err start_thread(struct embedded_store *embedded, struct err_info *info)
{
    sigset_t all, before;
    if (!embedded->is_threaded)
        return ERR_OK;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    embedded->is_started = pthread_create(&embedded->thread, NULL, run_thread, embedded) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
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
