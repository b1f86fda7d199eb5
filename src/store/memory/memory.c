// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "store/memory/memory.h"

#include "base/assert.h"
#include "store/entry.h"
#include "store/entry_queue.h"
#include "store/memory/past.h"
#include "store/memory/table.h"
#include "store/settings_list.h"
#include "store/store_time.h"

#include <pthread.h>
#include <stdlib.h>

// Cells looked at for expiry by each op: more than one, so that the sweep outruns growth.
#define SWEEP_CELLS_PER_OP 2U
#define DELIVERIES_LOOKS 4096U // handles that one call of store_deliveries looks at

const struct memory_store_options memory_store_defaults = {
    .records_max = 4000000,
    .entries_max = 100000,
};

struct op_list {
    struct store_op *first;
    struct store_op *last; // once there is a first one
};

struct memory_store {
    struct store store;
    pthread_mutex_t lock; // guards all below
    struct clock clock;
    struct memory_faults faults;
    struct store_time time;
    struct record_table records;
    struct entry_queue entries;
    struct past past;
    uint64_t next_handle;
    struct settings_list settings;
    struct op_list delayed;
    struct op_list released;              // being run
    struct delivery_op *deliveries_first; // delayed ones
    struct delivery_op **deliveries_last;
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
    bool is_promise = op->has_entry && entry_queue_find_same(&memory->entries, &op->entry) == 0;
    if (!op->is_changed && !op->has_entry)
        return STORE_COMMITTED;
    if (is_promise && entry_queue_room(&memory->entries) == 0)
        return STORE_REFUSED_BUSY;
    if (is_promise && !entry_queue_reserve(&memory->entries, 1))
        return STORE_REFUSED_BUSY;
    struct cell *cell = record_table_find(&memory->records, &op->key);
    if (cell == NULL)
        cell = record_table_add(&memory->records, &op->key);
    if (cell == NULL)
        return STORE_REFUSED_BUSY;
    cell->record = *record;
    record_table_touch(&memory->records, cell);
    if (!is_promise)
        return STORE_COMMITTED;
    const struct delivery delivery = delivery_of_new(&op->entry, op->provider);
    bool is_added = entry_queue_add(&memory->entries, memory->next_handle++, &op->entry, &delivery);
    ASSERT(is_added);
    return STORE_COMMITTED;
}

static enum store_outcome commit(struct memory_store *memory, struct store_op *op)
{
    struct record record;
    record_table_sweep(&memory->records, memory->time.last_ms, SWEEP_CELLS_PER_OP);
    run_transition(memory, op, &record);
    return save(memory, op, &record);
}

static enum store_outcome run_twice(struct memory_store *memory, struct store_op *op)
{
    struct record lost;
    run_transition(memory, op, &lost);
    return commit(memory, op);
}

// --- one op of an entry ---

// Where the entry is: in one of the two, or in none.
struct found {
    const struct queue_slot *open;
    struct past_entry *past;
};

static struct found find_entry(struct memory_store *memory, struct delivery_op *op)
{
    uint64_t handle = op->handle != 0 ? op->handle : past_find_ref(&memory->past, op->ref_tag);
    const struct found found = {entry_queue_find(&memory->entries, handle),
                                past_find(&memory->past, handle, memory->time.last_ms)};
    ASSERT(found.open == NULL || found.past == NULL);
    return found;
}

static void run_delivery(struct memory_store *memory, struct delivery_op *op,
                         const struct found *found, struct delivery *delivery)
{
    static const struct record nothing;
    const struct outbox_entry *entry =
        found->open != NULL ? &found->open->entry : &found->past->entry;
    const struct cell *cell = record_table_find(&memory->records, &entry->key);
    int64_t now_ms = store_time_next(&memory->time, &memory->clock);
    *delivery = found->open != NULL ? found->open->delivery : found->past->delivery;
    op->is_changed = false;
    op->give_ref = 0;
    op->transition(op, entry, cell != NULL ? &cell->record : &nothing, delivery, now_ms);
}

static enum store_outcome save_past(struct memory_store *memory, struct past_entry *past,
                                    const struct delivery *delivery)
{
    uint64_t handle = past->handle;
    if (delivery_is_over(delivery)) {
        past_change(past, delivery);
        return STORE_COMMITTED;
    }
    if (entry_queue_room(&memory->entries) == 0 ||
        !entry_queue_add(&memory->entries, handle, &past->entry, delivery))
        return STORE_REFUSED_BUSY;
    past_remove(&memory->past, handle);
    return STORE_COMMITTED;
}

static enum store_outcome save_delivery(struct memory_store *memory, const struct delivery_op *op,
                                        const struct found *found, const struct delivery *delivery)
{
    uint64_t handle = found->open != NULL ? found->open->handle : found->past->handle;
    enum store_outcome outcome = STORE_COMMITTED;
    if (found->open == NULL)
        outcome = save_past(memory, found->past, delivery);
    else if (delivery_is_over(delivery))
        past_put(&memory->past, handle, &found->open->entry, delivery);
    if (found->open != NULL)
        entry_queue_change(&memory->entries, handle, delivery);
    if (outcome == STORE_COMMITTED && op->give_ref != 0)
        past_put_ref(&memory->past, op->give_ref, handle);
    return outcome;
}

// `is_due_out`: somebody may look at it at once.
static enum store_outcome commit_delivery(struct memory_store *memory, struct delivery_op *op,
                                          bool is_raced, bool *is_due_out)
{
    struct delivery delivery;
    past_sweep(&memory->past, memory->time.last_ms, 1);
    const struct found found = find_entry(memory, op);
    op->is_found = found.open != NULL || found.past != NULL;
    op->is_changed = false;
    *is_due_out = false;
    if (!op->is_found)
        return STORE_COMMITTED;
    if (op->token != 0 && !entry_queue_is_claim(&memory->entries, op->handle, op->token))
        return STORE_REFUSED_BUSY;
    if (is_raced)
        run_delivery(memory, op, &found, &delivery);
    run_delivery(memory, op, &found, &delivery);
    if (!op->is_changed)
        return STORE_COMMITTED;
    *is_due_out = delivery.due_at_ms <= memory->time.last_ms;
    return save_delivery(memory, op, &found, &delivery);
}

// --- faults, and both kinds of op alike ---

// One op of either kind.
struct any_op {
    struct store_op *record;
    struct delivery_op *delivery;
    bool has_news;
};

static enum store_outcome commit_any(struct memory_store *memory, struct any_op *any, bool is_raced)
{
    enum store_outcome outcome;
    if (any->delivery != NULL)
        outcome = commit_delivery(memory, any->delivery, is_raced, &any->has_news);
    else if (is_raced)
        outcome = run_twice(memory, any->record);
    else
        outcome = commit(memory, any->record);
    if (any->record != NULL)
        any->has_news = any->record->has_entry;
    any->has_news = any->has_news && outcome == STORE_COMMITTED;
    return outcome;
}

static enum store_outcome crash(struct memory_store *memory, struct any_op *any)
{
    memory->is_crashed = true;
    any->has_news = false;
    return STORE_UNKNOWN;
}

static enum store_outcome commit_with_fault(struct memory_store *memory, struct any_op *any,
                                            enum memory_fault fault)
{
    if (memory->is_crashed)
        return STORE_UNKNOWN;
    switch (fault) {
    case MEMORY_FAULT_FULL:
        return STORE_REFUSED_FULL;
    case MEMORY_FAULT_FAILURE:
        return STORE_REFUSED_FAILED;
    case MEMORY_FAULT_CRASH_BEFORE:
        return crash(memory, any);
    case MEMORY_FAULT_CRASH_AFTER:
        (void)commit_any(memory, any, false);
        return crash(memory, any);
    case MEMORY_FAULT_CONFLICT:
        return commit_any(memory, any, true);
    case MEMORY_FAULT_NONE:
    case MEMORY_FAULT_DELAY:
        return commit_any(memory, any, false);
    }
    UNREACHABLE();
}

static void tell(struct memory_store *memory, const struct any_op *any, enum store_outcome outcome)
{
    bool has_news = any->has_news;
    if (any->delivery != NULL)
        any->delivery->done(any->delivery, outcome);
    else
        any->record->done(any->record, outcome);
    if (has_news && memory->store.notices.on_entries != NULL)
        memory->store.notices.on_entries(memory->store.notices.ctx);
}

static void delay_delivery(struct memory_store *memory, struct delivery_op *op)
{
    op->next = NULL;
    *memory->deliveries_last = op;
    memory->deliveries_last = &op->next;
}

static void append(struct op_list *list, struct store_op *op)
{
    op->next = NULL;
    if (list->first == NULL)
        list->first = op;
    else
        list->last->next = op;
    list->last = op;
}

static bool has_key(const struct op_list *list, const struct record_key *key)
{
    const struct store_op *op = list->first;
    while (op != NULL && memcmp(&op->key, key, sizeof *key) != 0)
        op = op->next;
    return op != NULL;
}

// An op of a record that nothing befalls waits behind those of its key that wait: where, or NULL.
static struct op_list *behind_which(struct memory_store *memory, const struct store_op *op,
                                    enum memory_fault fault)
{
    if (fault == MEMORY_FAULT_DELAY)
        return &memory->delayed;
    if (fault != MEMORY_FAULT_NONE && fault != MEMORY_FAULT_CONFLICT)
        return NULL;
    if (has_key(&memory->delayed, &op->key))
        return &memory->delayed;
    return has_key(&memory->released, &op->key) ? &memory->released : NULL;
}

static bool is_put_off(struct memory_store *memory, const struct any_op *any,
                       enum memory_fault fault)
{
    if (memory->is_crashed)
        return false;
    if (any->delivery != NULL) {
        if (fault == MEMORY_FAULT_DELAY)
            delay_delivery(memory, any->delivery);
        return fault == MEMORY_FAULT_DELAY;
    }
    struct op_list *list = behind_which(memory, any->record, fault);
    if (list != NULL)
        append(list, any->record);
    return list != NULL;
}

static void take_any(struct memory_store *memory, struct any_op any)
{
    enum store_outcome outcome = STORE_UNKNOWN;
    lock(memory);
    enum memory_fault fault = draw_fault(memory);
    bool is_later = is_put_off(memory, &any, fault);
    if (!is_later)
        outcome = commit_with_fault(memory, &any, fault);
    unlock(memory);
    if (!is_later)
        tell(memory, &any, outcome);
}

static void memory_submit(struct store *store, struct store_op *op)
{
    take_any(memory_of(store), (struct any_op){.record = op});
}

static void memory_deliver(struct store *store, struct delivery_op *op)
{
    ASSERT(op->handle != 0 || op->ref_tag != 0);
    take_any(memory_of(store), (struct any_op){.delivery = op});
}

// False: all have been taken.
static bool take_released(struct memory_store *memory, struct delivery_op **deliveries,
                          struct any_op *out)
{
    *out = (struct any_op){.record = memory->released.first};
    if (out->record != NULL) {
        memory->released.first = out->record->next;
        return true;
    }
    out->delivery = *deliveries;
    if (out->delivery != NULL)
        *deliveries = out->delivery->next;
    return out->delivery != NULL;
}

static struct delivery_op *release_all(struct memory_store *memory)
{
    struct delivery_op *deliveries = memory->deliveries_first;
    memory->released = memory->delayed;
    memory->delayed = (struct op_list){NULL, NULL};
    memory->deliveries_first = NULL;
    memory->deliveries_last = &memory->deliveries_first;
    return deliveries;
}

static size_t run_delayed(struct memory_store *memory)
{
    size_t count = 0;
    struct any_op any;
    lock(memory);
    struct delivery_op *deliveries = release_all(memory);
    while (take_released(memory, &deliveries, &any)) {
        enum store_outcome outcome = commit_with_fault(memory, &any, MEMORY_FAULT_NONE);
        unlock(memory);
        tell(memory, &any, outcome);
        lock(memory);
        count++;
    }
    unlock(memory);
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

// --- the rest of the port ---

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

static int64_t memory_next_due_ms(struct store *store, const struct store_claim *claim)
{
    struct memory_store *memory = memory_of(store);
    lock(memory);
    int64_t next_ms = entry_queue_next_ms(&memory->entries, claim);
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

static void give_row(const struct delivery_filter *filter, uint64_t handle,
                     const struct outbox_entry *entry, const struct delivery *delivery,
                     struct delivery_row *row, size_t *held)
{
    if (!delivery_passes(filter, entry, delivery))
        return;
    outbox_entry_copy_bare(&row->entry, entry);
    row->handle = handle;
    row->delivery = *delivery;
    ++*held;
}

static void look_at(struct memory_store *memory, const struct delivery_filter *filter,
                    uint64_t handle, struct delivery_row *row, size_t *held)
{
    const struct queue_slot *slot = entry_queue_find(&memory->entries, handle);
    const struct past_entry *past = past_find(&memory->past, handle, memory->time.last_ms);
    if (slot != NULL)
        give_row(filter, handle, &slot->entry, &slot->delivery, row, held);
    else if (past != NULL)
        give_row(filter, handle, &past->entry, &past->delivery, row, held);
}

static enum err memory_deliveries(struct store *store, const struct delivery_filter *filter,
                                  uint64_t *after, struct delivery_row *out, size_t *held)
{
    struct memory_store *memory = memory_of(store);
    size_t room = *held;
    *held = 0;
    lock(memory);
    uint64_t handle = *after + 1;
    for (size_t i = 0; i < DELIVERIES_LOOKS && *held < room && handle < memory->next_handle; i++)
        look_at(memory, filter, handle++, &out[*held], held);
    *after = handle < memory->next_handle ? handle - 1 : 0;
    unlock(memory);
    return ERR_OK;
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
    ASSERT(memory->delayed.first == NULL);
    ASSERT(memory->deliveries_first == NULL);
    record_table_fini(&memory->records);
    entry_queue_fini(&memory->entries);
    past_fini(&memory->past);
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
    .deliver = memory_deliver,
    .next_due_ms = memory_next_due_ms,
    .entries = memory_entries,
    .deliveries = memory_deliveries,
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
    memory->deliveries_last = &memory->deliveries_first;
    memory->next_handle = 1;
    store_time_begin(&memory->time, &memory->clock, &boot, NULL);
    (void)pthread_mutex_init(&memory->lock, NULL);
    bool is_ok = record_table_init(&memory->records, options->records_max);
    is_ok = entry_queue_init(&memory->entries, options->entries_max) && is_ok;
    is_ok = past_init(&memory->past) && is_ok;
    *out = &memory->store;
    if (is_ok)
        return ERR_OK;
    store_destroy(out);
    return ERR_NO_MEMORY;
}
