// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A fault is laid in the table's way before a call and taken out after it, so that it hits that
// call's batches alone. A crash begins before its commit: nothing that is told from then on reaches
// anybody.
#include "sim/durable.h"

#include "base/assert.h"
#include "store/embedded/embedded.h"
#include "store/embedded/journal_table.h"

#include <stddef.h>
#include <stdlib.h>

#define START_CALLS 12U                   // about as many as a start changes the disk with
#define JOURNAL_BYTES ((size_t)640 << 10) // so small that segments and checkpoints come fast

struct op_list {
    struct store_op *first;
    struct store_op *last; // once there is a first one
};

struct durable {
    struct store store;
    struct durable_options options;
    struct model_disk disk;
    struct model_files files; // of the journal
    struct table *table;      // the store's
    struct store *inner;      // NULL: closed
    struct op_list queued;    // until the store is woken
    struct op_list held;
    struct delivery_op *deliveries_first; // held ones
    struct delivery_op **deliveries_last;
    size_t depth; // calls under way
    int64_t decided_ms;
    bool is_crashed;
    bool is_start_struck;
    bool has_to_fail; // whether or not the fault that was laid hits anything
    enum memory_fault at_delivery;
    enum memory_fault at_setting;
};

static struct durable *durable_of(struct store *store)
{
    return (struct durable *)store;
}

static struct model_fault at(enum table_result result, size_t calls)
{
    return (struct model_fault){.result = result, .calls = calls};
}

// The next commit's write and sync, or what comes before or after them.
static void lay_in_files(struct durable *durable, enum model_files_fault fault, uint64_t calls)
{
    durable->files.fault = fault;
    durable->files.fault_at = durable->files.calls + 1 + seeded_below(durable->options.dice, calls);
}

static void lay_full(struct durable *durable)
{
    durable->files.bytes_max = 1;
    uint64_t call = seeded_below(durable->options.dice, 4);
    if (call == 3)
        durable->disk.at_commit = at(TABLE_FULL, 0);
    else
        durable->disk.at_put = at(TABLE_FULL, call);
}

static void lay_failure(struct durable *durable)
{
    durable->has_to_fail = true;
    if (durable->options.is_journaled) {
        lay_in_files(durable, MODEL_FILES_EIO, 2);
        return;
    }
    uint64_t call = seeded_below(durable->options.dice, 5);
    if (call == 4)
        durable->disk.at_begin = at(TABLE_FAILED, 0);
    else if (call == 3)
        durable->disk.at_put = at(TABLE_FAILED, 1);
    else
        durable->disk.at_commit = (struct model_fault){TABLE_FAILED, 0, call == 1};
}

static void lay_crash(struct durable *durable, bool is_saved)
{
    durable->is_crashed = true;
    if (durable->options.is_journaled)
        lay_in_files(durable, is_saved ? MODEL_FILES_CRASH_AFTER : MODEL_FILES_CRASH, 3);
    else
        durable->disk.at_commit = (struct model_fault){TABLE_FAILED, 0, is_saved};
}

static void lay(struct durable *durable, enum memory_fault fault)
{
    switch (fault) {
    case MEMORY_FAULT_FULL:
        lay_full(durable);
        return;
    case MEMORY_FAULT_FAILURE:
        lay_failure(durable);
        return;
    case MEMORY_FAULT_CRASH_BEFORE:
        lay_crash(durable, false);
        return;
    case MEMORY_FAULT_CRASH_AFTER:
        lay_crash(durable, true);
        return;
    case MEMORY_FAULT_NONE:
    case MEMORY_FAULT_CONFLICT:
    case MEMORY_FAULT_DELAY:
        return;
    }
    UNREACHABLE();
}

static void take_out(struct durable *durable)
{
    durable->disk.at_begin = at(TABLE_OK, 0);
    durable->disk.at_put = at(TABLE_OK, 0);
    durable->disk.at_commit = at(TABLE_OK, 0);
    durable->files.bytes_max = 0;
    durable->files.fault_at = 0;
}

static uint64_t commits_of(const struct durable *durable)
{
    if (durable->options.is_journaled && durable->inner != NULL)
        return table_position(durable->table);
    return durable->disk.commits;
}

static bool is_gone(const struct durable *durable)
{
    return durable->inner == NULL || durable->is_crashed;
}

static uint64_t enter(struct durable *durable)
{
    durable->depth++;
    return commits_of(durable);
}

static void do_nothing(struct store_op *op, struct record *record, int64_t now_ms)
{
    (void)op;
    (void)record;
    (void)now_ms;
}

static void ignore_outcome(struct store_op *op, enum store_outcome outcome)
{
    (void)op;
    (void)outcome;
}

// An op that writes nothing passes a put or a commit that would have failed. The world counts on
// the failure, so that another op begins in vain; a store that has failed does not even try.
static void fail(struct durable *durable)
{
    struct store_op op = {.transition = do_nothing, .done = ignore_outcome};
    durable->has_to_fail = false;
    durable->disk.at_begin = at(TABLE_FAILED, 0);
    store_submit(durable->inner, &op);
}

static void leave(struct durable *durable, uint64_t commits_before)
{
    if (--durable->depth > 0)
        return;
    take_out(durable);
    if (durable->has_to_fail)
        fail(durable);
    take_out(durable);
    if (commits_of(durable) != commits_before && !durable->is_crashed)
        durable->decided_ms = store_now_ms(durable->inner);
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

static struct store_op *take_all(struct op_list *list)
{
    struct store_op *first = list->first;
    *list = (struct op_list){NULL, NULL};
    return first;
}

static void queue_all(struct durable *durable, struct store_op *first)
{
    for (struct store_op *op = first, *next = NULL; op != NULL; op = next) {
        next = op->next;
        store_queue(durable->inner, op);
    }
}

// In one commit.
static void pass_on(struct durable *durable, struct store_op *first)
{
    uint64_t commits = enter(durable);
    queue_all(durable, first);
    store_wake(durable->inner);
    leave(durable, commits);
}

static bool is_key_held(const struct durable *durable, const struct store_op *op)
{
    const struct store_op *held = durable->held.first;
    while (held != NULL && memcmp(&held->key, &op->key, sizeof op->key) != 0)
        held = held->next;
    return held != NULL;
}

// One fault is for all of them, but for those that wait behind what is held on their key.
static void begin(struct durable *durable, struct store_op *first)
{
    enum memory_fault fault = durable->options.faults.next(durable->options.faults.ctx);
    struct op_list going = {NULL, NULL};
    for (struct store_op *op = first, *next = NULL; op != NULL; op = next) {
        next = op->next;
        bool is_held = fault == MEMORY_FAULT_DELAY || is_key_held(durable, op);
        append(is_held ? &durable->held : &going, op);
    }
    if (fault == MEMORY_FAULT_DELAY)
        return;
    lay(durable, fault);
    pass_on(durable, going.first);
}

static void tell_unknown(struct store_op *first)
{
    for (struct store_op *op = first, *next = NULL; op != NULL; op = next) {
        next = op->next;
        op->done(op, STORE_UNKNOWN);
    }
}

static void durable_wake(struct store *store)
{
    struct durable *durable = durable_of(store);
    struct store_op *first = take_all(&durable->queued);
    if (is_gone(durable))
        tell_unknown(first);
    else if (first != NULL)
        begin(durable, first);
}

// From within `done` nobody wakes the store.
static void durable_submit(struct store *store, struct store_op *op)
{
    struct durable *durable = durable_of(store);
    append(&durable->queued, op);
    if (is_gone(durable) || durable->depth > 0)
        durable_wake(store);
}

static void hold_delivery(struct durable *durable, struct delivery_op *op)
{
    op->next = NULL;
    *durable->deliveries_last = op;
    durable->deliveries_last = &op->next;
}

static enum memory_fault fault_of_delivery(struct durable *durable)
{
    enum memory_fault fault = durable->at_delivery;
    durable->at_delivery = MEMORY_FAULT_NONE;
    return fault != MEMORY_FAULT_NONE ? fault
                                      : durable->options.faults.next(durable->options.faults.ctx);
}

static void durable_deliver(struct store *store, struct delivery_op *op)
{
    struct durable *durable = durable_of(store);
    if (is_gone(durable)) {
        op->done(op, STORE_UNKNOWN);
        return;
    }
    enum memory_fault fault = fault_of_delivery(durable);
    if (fault == MEMORY_FAULT_DELAY) {
        hold_delivery(durable, op);
        return;
    }
    lay(durable, fault);
    uint64_t commits = enter(durable);
    store_deliver(durable->inner, op);
    leave(durable, commits);
}

static struct delivery_op *take_held_deliveries(struct durable *durable)
{
    struct delivery_op *first = durable->deliveries_first;
    durable->deliveries_first = NULL;
    durable->deliveries_last = &durable->deliveries_first;
    return first;
}

static void queue_deliveries(struct durable *durable, struct delivery_op *first)
{
    for (struct delivery_op *op = first, *next = NULL; op != NULL; op = next) {
        next = op->next;
        store_queue_delivery(durable->inner, op);
    }
}

// In one commit.
void durable_release(struct store *store)
{
    struct durable *durable = durable_of(store);
    bool has_held = durable->held.first != NULL || durable->deliveries_first != NULL;
    if (is_gone(durable) || !has_held)
        return;
    uint64_t commits = enter(durable);
    queue_all(durable, take_all(&durable->held));
    queue_deliveries(durable, take_held_deliveries(durable));
    store_wake(durable->inner);
    leave(durable, commits);
}

static size_t durable_claim(struct store *store, const struct store_claim *claim,
                            struct claimed_entry *out, size_t max)
{
    struct durable *durable = durable_of(store);
    return is_gone(durable) ? 0 : store_claim(durable->inner, claim, out, max);
}

static int64_t durable_next_due_ms(struct store *store, const struct store_claim *claim)
{
    struct durable *durable = durable_of(store);
    return is_gone(durable) ? STORE_NEVER : store_next_due_ms(durable->inner, claim);
}

static size_t durable_entries(struct store *store)
{
    return store_entries(durable_of(store)->inner);
}

static enum err durable_deliveries(struct store *store, const struct delivery_filter *filter,
                                   uint64_t *after, struct delivery_row *out, size_t *held)
{
    struct durable *durable = durable_of(store);
    return is_gone(durable) ? ERR_IO : store_deliveries(durable->inner, filter, after, out, held);
}

static int64_t durable_now_ms(struct store *store)
{
    struct durable *durable = durable_of(store);
    if (durable->inner == NULL) // for what a dead process writes to its log
        return durable->decided_ms;
    uint64_t commits = enter(durable);
    int64_t now_ms = store_now_ms(durable->inner);
    leave(durable, commits);
    return now_ms;
}

static enum err durable_settings_put(struct store *store, const struct setting *setting)
{
    struct durable *durable = durable_of(store);
    if (is_gone(durable))
        return ERR_IO;
    lay(durable, durable->at_setting);
    durable->at_setting = MEMORY_FAULT_NONE;
    uint64_t commits = enter(durable);
    enum err err = store_settings_put(durable->inner, setting);
    leave(durable, commits);
    return err;
}

static void durable_settings_each(struct store *store,
                                  void (*on_setting)(void *ctx, const struct setting *), void *ctx)
{
    store_settings_each(durable_of(store)->inner, on_setting, ctx);
}

static void durable_destroy(struct store *store)
{
    struct durable *durable = durable_of(store);
    durable_close(store);
    model_disk_fini(&durable->disk);
    model_files_fini(&durable->files);
    free(durable);
}

static uint64_t durable_synced(struct store *store)
{
    return durable_of(store)->inner->ops->synced(durable_of(store)->inner);
}

static const struct store_ops durable_ops = {
    .submit = durable_submit,
    .wake = durable_wake,
    .claim = durable_claim,
    .deliver = durable_deliver,
    .next_due_ms = durable_next_due_ms,
    .entries = durable_entries,
    .deliveries = durable_deliveries,
    .now_ms = durable_now_ms,
    .synced = durable_synced,
    .settings_put = durable_settings_put,
    .settings_each = durable_settings_each,
    .destroy = durable_destroy,
};

struct store *durable_create(const struct durable_options *options)
{
    struct durable *durable = calloc(1, sizeof *durable);
    ASSERT(durable != NULL);
    durable->store = (struct store){.ops = &durable_ops, .notices = options->notices};
    durable->options = *options;
    durable->deliveries_last = &durable->deliveries_first;
    return &durable->store;
}

static enum err open_table(struct durable *durable, struct err_info *info)
{
    const struct journal_table_options options = {
        .base = model_table_create(&durable->disk),
        .view = model_view_create(&durable->disk),
        .disk = model_files_disk(&durable->files),
        .journal_bytes = JOURNAL_BYTES,
        .entropy = seeded_entropy(durable->options.dice),
        .step_rows = 50,
    };
    if (durable->options.is_journaled)
        return journal_table_create(&options, &durable->table, info);
    durable->table = options.base;
    disk_destroy(&(struct disk *){options.disk});
    view_destroy(&(struct view *){options.view});
    return ERR_OK;
}

static enum err open_inner(struct durable *durable, const struct boot_id *boot,
                           struct err_info *info)
{
    struct embedded_store_options options = embedded_store_defaults;
    options.fingerprint = durable->options.fingerprint;
    options.clock = durable->options.clock;
    options.boot = *boot;
    options.notices = durable->options.notices;
    options.is_threaded = false;
    enum err err = open_table(durable, info);
    if (err != ERR_OK)
        return err;
    options.table = durable->table;
    return embedded_store_create(&options, &durable->inner, info);
}

static void lay_at_start(struct durable *durable)
{
    bool is_after = seeded_below(durable->options.dice, 2) == 0;
    lay_in_files(durable, is_after ? MODEL_FILES_CRASH_AFTER : MODEL_FILES_CRASH, START_CALLS);
}

enum err durable_open(struct store *store, const struct boot_id *boot, struct err_info *info)
{
    struct durable *durable = durable_of(store);
    ASSERT(durable->inner == NULL);
    if (durable->is_start_struck)
        lay_at_start(durable);
    durable->is_start_struck = false;
    enum err err = open_inner(durable, boot, info);
    take_out(durable);
    durable->is_crashed = durable->files.is_crashed;
    return durable->is_crashed ? ERR_IO : err;
}

void durable_close(struct store *store)
{
    struct durable *durable = durable_of(store);
    tell_unknown(take_all(&durable->held));
    while (durable->queued.first != NULL) // items of batches that waited for those
        durable_wake(store);
    struct delivery_op *next_delivery = NULL;
    for (struct delivery_op *op = take_held_deliveries(durable); op != NULL; op = next_delivery) {
        next_delivery = op->next;
        op->done(op, STORE_UNKNOWN);
    }
    take_out(durable);
    store_destroy(&durable->inner);
    if (durable->is_crashed || durable->files.is_crashed)
        model_files_crash(&durable->files, durable->options.dice);
    durable->is_crashed = durable->has_to_fail = false;
    durable->at_delivery = MEMORY_FAULT_NONE;
    durable->at_setting = MEMORY_FAULT_NONE;
}

bool durable_is_crashed(struct store *store)
{
    return durable_of(store)->is_crashed;
}

void durable_strike_delivery(struct store *store, enum memory_fault fault)
{
    durable_of(store)->at_delivery = fault;
}

void durable_strike_setting(struct store *store, enum memory_fault fault)
{
    durable_of(store)->at_setting = fault;
}

void durable_strike_start(struct store *store)
{
    durable_of(store)->is_start_struck = true;
}

int64_t durable_decided_ms(struct store *store)
{
    return durable_of(store)->decided_ms;
}

const struct model_disk *durable_disk(struct store *store)
{
    return &durable_of(store)->disk;
}

uint64_t durable_torn(struct store *store)
{
    return durable_of(store)->files.torn;
}
