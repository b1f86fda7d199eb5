// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "store/memory/memory.h"

#include "base/assert.h"
#include "store/entry_queue.h"
#include "store/memory/table.h"
#include "store/settings_list.h"
#include "store/store_time.h"

#include <pthread.h>
#include <stdlib.h>

// Cells looked at for expiry by each op: more than one, so that the sweep outruns growth.
#define SWEEP_CELLS_PER_OP 2U

const struct memory_store_options memory_store_defaults = {
    .records_max = 4000000,
    .entries_max = 100000,
};

struct memory_store {
    struct store store;
    pthread_mutex_t lock; // guards all below
    struct clock clock;
    struct memory_faults faults;
    struct store_time time;
    struct record_table records;
    struct entry_queue entries;
    struct settings_list settings;
    struct store_op *delayed_first;
    struct store_op **delayed_last;
    bool is_crashed;
};

static struct memory_store *memory_of(struct store *store)
{
    return (struct memory_store *)store;
}

static void lock(struct memory_store *memory)
{
    (void)pthread_mutex_lock(&memory->lock);
}

static void unlock(struct memory_store *memory)
{
    (void)pthread_mutex_unlock(&memory->lock);
}

static enum memory_fault draw_fault(struct memory_store *memory)
{
    return memory->faults.next != NULL ? memory->faults.next(memory->faults.ctx)
                                       : MEMORY_FAULT_NONE;
}

static void run_transition(struct memory_store *memory, struct store_op *op, struct record *record)
{
    const struct cell *cell = record_table_find(&memory->records, &op->key);
    if (cell != NULL)
        *record = cell->record;
    else
        memset(record, 0, sizeof *record);
    op->is_changed = false;
    op->has_entry = false;
    op->transition(op, record, store_time_next(&memory->time, &memory->clock));
}

// Record and entry together: room for both is made before either is written.
static enum store_outcome save(struct memory_store *memory, struct store_op *op,
                               const struct record *record)
{
    if (!op->is_changed && !op->has_entry)
        return STORE_COMMITTED;
    if (op->has_entry && entry_queue_room(&memory->entries) == 0)
        return STORE_REFUSED_BUSY;
    struct cell *cell = record_table_find(&memory->records, &op->key);
    bool is_new = cell == NULL;
    if (is_new)
        cell = record_table_add(&memory->records, &op->key);
    if (cell == NULL)
        return STORE_REFUSED_BUSY;
    if (op->has_entry && !entry_queue_add(&memory->entries, &op->entry, 0)) {
        if (is_new)
            record_table_remove(&memory->records, cell);
        return STORE_REFUSED_BUSY;
    }
    cell->record = *record;
    record_table_touch(&memory->records, cell);
    return STORE_COMMITTED;
}

static enum store_outcome commit(struct memory_store *memory, struct store_op *op)
{
    struct record record;
    record_table_sweep(&memory->records, memory->time.last_ms, SWEEP_CELLS_PER_OP);
    run_transition(memory, op, &record);
    return save(memory, op, &record);
}

static enum store_outcome crash(struct memory_store *memory)
{
    memory->is_crashed = true;
    return STORE_UNKNOWN;
}

static enum store_outcome commit_with_fault(struct memory_store *memory, struct store_op *op,
                                            enum memory_fault fault)
{
    struct record lost;
    if (memory->is_crashed)
        return STORE_UNKNOWN;
    switch (fault) {
    case MEMORY_FAULT_FULL:
        return STORE_REFUSED_FULL;
    case MEMORY_FAULT_FAILURE:
        return STORE_REFUSED_FAILED;
    case MEMORY_FAULT_CRASH_BEFORE:
        return crash(memory);
    case MEMORY_FAULT_CRASH_AFTER:
        (void)commit(memory, op);
        return crash(memory);
    case MEMORY_FAULT_CONFLICT:
        run_transition(memory, op, &lost);
        return commit(memory, op);
    case MEMORY_FAULT_NONE:
    case MEMORY_FAULT_DELAY:
        return commit(memory, op);
    }
    UNREACHABLE();
}

static void tell(struct memory_store *memory, struct store_op *op, enum store_outcome outcome)
{
    bool has_news = outcome == STORE_COMMITTED && op->has_entry;
    op->done(op, outcome);
    if (has_news && memory->store.notices.on_entries != NULL)
        memory->store.notices.on_entries(memory->store.notices.ctx);
}

static void delay(struct memory_store *memory, struct store_op *op)
{
    op->next = NULL;
    *memory->delayed_last = op;
    memory->delayed_last = &op->next;
}

static void memory_submit(struct store *store, struct store_op *op)
{
    struct memory_store *memory = memory_of(store);
    enum store_outcome outcome = STORE_UNKNOWN;
    lock(memory);
    enum memory_fault fault = draw_fault(memory);
    bool is_delayed = fault == MEMORY_FAULT_DELAY && !memory->is_crashed;
    if (is_delayed)
        delay(memory, op);
    else
        outcome = commit_with_fault(memory, op, fault);
    unlock(memory);
    if (!is_delayed)
        tell(memory, op, outcome);
}

static struct store_op *take_delayed(struct memory_store *memory)
{
    struct store_op *first = memory->delayed_first;
    memory->delayed_first = NULL;
    memory->delayed_last = &memory->delayed_first;
    return first;
}

static size_t run_delayed(struct memory_store *memory)
{
    size_t count = 0;
    lock(memory);
    struct store_op *op = take_delayed(memory);
    unlock(memory);
    while (op != NULL) {
        struct store_op *next = op->next;
        lock(memory);
        enum store_outcome outcome = commit_with_fault(memory, op, MEMORY_FAULT_NONE);
        unlock(memory);
        tell(memory, op, outcome);
        op = next;
        count++;
    }
    return count;
}

size_t memory_store_release(struct store *store)
{
    return run_delayed(memory_of(store));
}

bool memory_store_is_crashed(struct store *store)
{
    struct memory_store *memory = memory_of(store);
    lock(memory);
    bool is_crashed = memory->is_crashed;
    unlock(memory);
    return is_crashed;
}

void memory_store_recover(struct store *store)
{
    struct memory_store *memory = memory_of(store);
    (void)run_delayed(memory);
    lock(memory);
    memory->is_crashed = false;
    unlock(memory);
}

static size_t memory_claim(struct store *store, const struct store_claim *claim,
                           struct claimed_entry *out, size_t max)
{
    struct memory_store *memory = memory_of(store);
    lock(memory);
    int64_t now_ms = store_time_next(&memory->time, &memory->clock);
    size_t count =
        memory->is_crashed ? 0 : entry_queue_claim(&memory->entries, now_ms, claim, out, max);
    unlock(memory);
    return count;
}

static void memory_settle(struct store *store, const struct settlement *settlements, size_t count)
{
    struct memory_store *memory = memory_of(store);
    struct entry_change change;
    lock(memory);
    for (size_t i = 0; i < count && !memory->is_crashed; i++)
        (void)entry_queue_settle(&memory->entries, &settlements[i], &change);
    unlock(memory);
}

static int64_t memory_next_due_ms(struct store *store, uint32_t busy)
{
    struct memory_store *memory = memory_of(store);
    lock(memory);
    int64_t next_ms = entry_queue_next_ms(&memory->entries, busy);
    unlock(memory);
    return next_ms;
}

static size_t memory_entries(struct store *store)
{
    struct memory_store *memory = memory_of(store);
    lock(memory);
    size_t held = memory->entries.held;
    unlock(memory);
    return held;
}

static int64_t memory_now_ms(struct store *store)
{
    struct memory_store *memory = memory_of(store);
    lock(memory);
    int64_t now_ms = store_time_next(&memory->time, &memory->clock);
    unlock(memory);
    return now_ms;
}

static enum err memory_settings_put(struct store *store, const struct setting *setting)
{
    struct memory_store *memory = memory_of(store);
    lock(memory);
    enum err err = settings_list_put(&memory->settings, setting);
    unlock(memory);
    if (err == ERR_OK && store->notices.on_settings != NULL)
        store->notices.on_settings(store->notices.ctx);
    return err;
}

static void memory_settings_each(struct store *store,
                                 void (*on_setting)(void *ctx, const struct setting *), void *ctx)
{
    struct memory_store *memory = memory_of(store);
    lock(memory);
    settings_list_each(&memory->settings, on_setting, ctx);
    unlock(memory);
}

static void memory_destroy(struct store *store)
{
    struct memory_store *memory = memory_of(store);
    ASSERT(memory->delayed_first == NULL);
    record_table_fini(&memory->records);
    entry_queue_fini(&memory->entries);
    settings_list_fini(&memory->settings);
    (void)pthread_mutex_destroy(&memory->lock);
    free(memory);
}

size_t memory_store_records(struct store *store)
{
    struct memory_store *memory = memory_of(store);
    lock(memory);
    size_t used = memory->records.used;
    unlock(memory);
    return used;
}

static const struct store_ops memory_ops = {
    .submit = memory_submit,
    .claim = memory_claim,
    .settle = memory_settle,
    .next_due_ms = memory_next_due_ms,
    .entries = memory_entries,
    .now_ms = memory_now_ms,
    .settings_put = memory_settings_put,
    .settings_each = memory_settings_each,
    .destroy = memory_destroy,
};

enum err memory_store_create(const struct memory_store_options *options, struct store **out)
{
    static const struct boot_id boot; // nothing is kept, so it does not matter
    struct memory_store *memory = calloc(1, sizeof *memory);
    if (memory == NULL)
        return ERR_NO_MEMORY;
    memory->store = (struct store){.ops = &memory_ops, .notices = options->notices};
    memory->clock = options->clock;
    memory->faults = options->faults;
    memory->delayed_last = &memory->delayed_first;
    store_time_begin(&memory->time, &memory->clock, &boot, NULL);
    (void)pthread_mutex_init(&memory->lock, NULL);
    bool is_ok = record_table_init(&memory->records, options->records_max);
    is_ok = entry_queue_init(&memory->entries, options->entries_max) && is_ok;
    *out = &memory->store;
    if (is_ok)
        return ERR_OK;
    store_destroy(out);
    return ERR_NO_MEMORY;
}
