// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What an op costs the durable store: `bench_store DIRECTORY PEOPLE OPS BATCH JOURNAL_MIB`; with a
// journal of 0 MiB the table alone.
//
// Fills an empty DIRECTORY with PEOPLE records, then runs OPS ops on people drawn at random, BATCH
// to a commit, as the store's thread does. Every other op promises a message, which is submitted in
// the next batch and accepted in the one after, with a reference. Prints one line of JSON.
#include "core/window.h"
#include "crypto/pure/random.h"
#include "store/embedded/engine.h"
#include "store/embedded/journal_table.h"
#include "store/embedded/lmdb_table.h"
#include "store/embedded/posix_disk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define START_MS INT64_C(1770000000000)
#define TABLE_BYTES ((size_t)16 << 30)
#define FILL_BATCH ENGINE_OPS_MAX

struct person_op {
    struct store_op op; // first
    bool is_sending;
};

// The next step of a message.
struct step {
    struct delivery_op op; // first
    enum delivery_state state;
};

#define STEPS_MAX (8U * ENGINE_OPS_MAX)

struct run {
    struct engine engine;
    struct engine_batch batch;
    struct person_op ops[ENGINE_OPS_MAX];
    struct step steps[STEPS_MAX]; // a ring
    size_t steps_first;
    size_t steps_held;
    uint64_t first_open;
    uint64_t dice;
};

// A record such as people have: codes, spent sessions, sends.
static void transition(struct store_op *op, struct record *record, int64_t now_ms)
{
    struct live_code *code = record_code_add(record);
    code->session.id = (uint64_t)now_ms;
    code->expires_at_ms = now_ms + 1200000;
    code->session_expires_at_s = (uint32_t)(now_ms / 1000 + 1200);
    code->ttl_ms = 1200000;
    code->tries_max = 5;
    code->length = 6;
    window_add(record, now_ms);
    op->is_changed = true;
    op->has_entry = ((const struct person_op *)op)->is_sending;
    op->entry.length = 6;
    op->entry.salt = code->salt = (uint64_t)now_ms;
    op->entry.key = op->key;
    op->entry.created_at_ms = now_ms;
    op->entry.deadline_at_ms = now_ms + 1200000;
    op->entry.address.len = 52;
}

static uint64_t draw(struct run *run)
{
    run->dice = run->dice * UINT64_C(6364136223846793005) + 1442695040888963407;
    return run->dice >> 20;
}

// Record keys are keyed hashes: spread out, whatever the person.
static struct record_key key_of(uint64_t person)
{
    struct record_key key = {0};
    uint64_t mixed = (person + 1) * UINT64_C(0x9E3779B97F4A7C15);
    memcpy(key.digest.bytes, &mixed, sizeof mixed);
    return key;
}

static void deliver(struct delivery_op *op, const struct outbox_entry *entry,
                    const struct record *record, struct delivery *delivery, int64_t now_ms)
{
    const struct step *step = (const struct step *)op;
    (void)entry;
    (void)record;
    delivery->state = (uint8_t)step->state;
    delivery->attempts_held = delivery->tries = 1;
    delivery->attempts[0] = (struct attempt){.state = (uint8_t)step->state, .at_ms = now_ms};
    delivery->due_at_ms = now_ms + 60000;
    op->is_changed = true;
    if (step->state == DELIVERY_SUBMITTED)
        return;
    delivery->due_at_ms = STORE_NEVER;
    delivery->ref_len = 34;
    op->give_ref = op->handle * UINT64_C(0x9E3779B97F4A7C15);
}

static void add_step(struct run *run, uint64_t handle, enum delivery_state state)
{
    if (run->steps_held == STEPS_MAX)
        abort();
    struct step *step = &run->steps[(run->steps_first + run->steps_held++) % STEPS_MAX];
    *step = (struct step){.op = {.handle = handle, .transition = deliver}, .state = state};
}

static void take_steps(struct run *run)
{
    struct engine_batch *batch = &run->batch;
    size_t count = run->steps_held < ENGINE_OPS_MAX ? run->steps_held : ENGINE_OPS_MAX;
    for (size_t i = 0; i < count; i++)
        batch->deliveries[i] = &run->steps[(run->steps_first + i) % STEPS_MAX].op;
    batch->deliveries_count = count;
}

static void plan_steps(struct run *run)
{
    const struct engine_batch *batch = &run->batch;
    for (size_t i = 0; i < batch->deliveries_count; i++) {
        const struct step *step = (const struct step *)batch->deliveries[i];
        if (step->state == DELIVERY_SUBMITTED)
            add_step(run, step->op.handle, DELIVERY_ACCEPTED);
        else
            run->first_open = step->op.handle + 1;
    }
    run->steps_first = (run->steps_first + batch->deliveries_count) % STEPS_MAX;
    run->steps_held -= batch->deliveries_count;
    for (size_t i = 0; i < batch->ops_count; i++) {
        if (batch->sequences[i] != 0)
            add_step(run, batch->sequences[i], DELIVERY_SUBMITTED);
    }
}

static uint64_t find_same(void *ctx, const struct outbox_entry *entry)
{
    (void)ctx;
    (void)entry;
    return 0;
}

static bool is_claim(void *ctx, uint64_t handle, uint64_t token)
{
    (void)ctx;
    return handle != 0 && token != 0;
}

// Messages are over in the order of their making.
static bool is_open(void *ctx, uint64_t handle)
{
    return handle >= ((const struct run *)ctx)->first_open;
}

// `first` UINT64_MAX: of people drawn at random.
static void run_batch(struct run *run, size_t count, uint64_t first, uint64_t people)
{
    struct engine_batch *batch = &run->batch;
    for (size_t i = 0; i < count; i++) {
        uint64_t person = first == UINT64_MAX ? draw(run) % people : first + i;
        run->ops[i].op.key = key_of(person);
        run->ops[i].op.transition = transition;
        run->ops[i].is_sending = i % 2 == draw(run) % 2;
        batch->ops[i] = &run->ops[i].op;
    }
    batch->ops_count = count;
    batch->entries_room = count;
    take_steps(run);
    batch->mark.at_ms++;
    if (engine_run(&run->engine, batch) == ENGINE_FAILED || batch->outcomes[0] != STORE_COMMITTED)
        abort();
    plan_steps(run);
}

static int64_t cpu_us(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) +
           usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static int64_t wall_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

// What was handed to write calls. The kernel's own count, write_bytes, has whole folios, many times
// the pages that were written.
static int64_t bytes_written(void)
{
    char line[128];
    int64_t bytes = 0;
    FILE *file = fopen("/proc/self/io", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "wchar: ", 7) == 0)
            bytes = strtoll(line + 7, NULL, 10);
    }
    if (file != NULL)
        (void)fclose(file);
    return bytes;
}

static uint64_t journal_bytes(struct table *table, bool has_journal)
{
    struct journal_table_figures figures = {0};
    if (has_journal)
        journal_table_figures(table, &figures);
    return figures.bytes_written;
}

// With a journal, what it has not moved yet counts too.
static void finish(struct table *table, bool has_journal)
{
    if (has_journal && journal_table_flush(table) != TABLE_OK)
        abort();
}

static void measure(struct run *run, uint64_t people, uint64_t ops, size_t batch, bool has_journal)
{
    finish(run->engine.table, has_journal);
    int64_t cpu = cpu_us(), wall = wall_us(), bytes = bytes_written();
    uint64_t journal = journal_bytes(run->engine.table, has_journal);
    for (uint64_t done = 0; done < ops; done += batch)
        run_batch(run, batch, UINT64_MAX, people);
    finish(run->engine.table, has_journal);
    journal = journal_bytes(run->engine.table, has_journal) - journal;
    double count = (double)(ops + batch - 1 - (ops + batch - 1) % batch);
    (void)printf("{\"people\":%" PRIu64 ",\"batch\":%zu,\"opsPerSecond\":%.0f,"
                 "\"cpuUsPerOp\":%.1f,\"bytesPerOp\":%.0f,\"journalBytesPerOp\":%.0f}\n",
                 people, batch, count * 1e6 / (double)(wall_us() - wall),
                 (double)(cpu_us() - cpu) / count, (double)(bytes_written() - bytes) / count,
                 (double)journal / count);
}

static enum err open_journaled(const char *directory, size_t mib, struct table **table,
                               struct err_info *info)
{
    char path[4096];
    struct disk *disk = NULL;
    (void)snprintf(path, sizeof path, "%s/journal", directory);
    enum err err = posix_disk_create(path, &disk, info);
    if (err != ERR_OK)
        return err;
    const struct journal_table_options options = {
        .base = *table,
        .view = lmdb_view_create(*table),
        .disk = disk,
        .journal_bytes = mib << 20,
        .entropy = entropy_system(),
        .step_rows = CHECKPOINT_STEP_ROWS,
        .is_threaded = true,
    };
    return journal_table_create(&options, table, info);
}

int main(int argc, char **argv)
{
    struct err_info info;
    struct table *table = NULL;
    struct run *run = calloc(1, sizeof *run);
    if (argc != 6 || run == NULL)
        return 64;
    const struct lmdb_table_options options = {.directory = argv[1], .bytes_max = TABLE_BYTES};
    uint64_t people = strtoull(argv[2], NULL, 10), ops = strtoull(argv[3], NULL, 10);
    size_t batch = strtoull(argv[4], NULL, 10);
    size_t mib = strtoull(argv[5], NULL, 10);
    if (people == 0 || batch == 0 || batch > ENGINE_OPS_MAX)
        return 64;
    if (lmdb_table_create(&options, &table, &info) != ERR_OK ||
        (mib > 0 && open_journaled(argv[1], mib, &table, &info) != ERR_OK)) {
        (void)fprintf(stderr, "%s\n", info.text);
        return 71;
    }
    run->first_open = 1;
    run->engine = (struct engine){.table = table,
                                  .entries = {find_same, is_claim, is_open, run},
                                  .next_sequence = 1,
                                  .first_open = 1};
    run->batch.mark.at_ms = START_MS;
    for (uint64_t first = 0; first < people; first += FILL_BATCH)
        run_batch(run, FILL_BATCH, first, people);
    measure(run, people, ops, batch, mib > 0);
    table_destroy(&table);
    free(run);
    return 0;
}
