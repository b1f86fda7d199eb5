// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What an op costs the durable store: `bench_store DIRECTORY PEOPLE OPS BATCH JOURNAL_MIB`; with a
// journal of 0 MiB the table alone.
//
// Fills an empty DIRECTORY with PEOPLE records, then runs OPS ops on people drawn at random, BATCH
// to a commit, as the store's thread does. Every other op promises a message, which is settled in
// the next batch. Prints one line of JSON.
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

struct run {
    struct engine engine;
    struct engine_batch batch;
    struct person_op ops[ENGINE_OPS_MAX];
    struct entry_change changes[ENGINE_OPS_MAX];
    size_t changes_held;
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
    op->entry.created_at_ms = op->entry.due_at_ms = now_ms;
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

static void settle_all(struct run *run)
{
    run->changes_held = 0;
    for (size_t i = 0; i < run->batch.ops_count; i++) {
        if (run->ops[i].op.has_entry)
            run->changes[run->changes_held++] =
                (struct entry_change){.sequence = run->batch.sequences[i], .is_over = true};
    }
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
    batch->changes = run->changes;
    batch->changes_count = run->changes_held;
    batch->entries_room = count;
    batch->mark.at_ms++;
    if (engine_run(&run->engine, batch) == ENGINE_FAILED || batch->outcomes[0] != STORE_COMMITTED)
        abort();
    settle_all(run);
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
    const struct lmdb_table_options options = {argv[1], TABLE_BYTES};
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
    run->engine = (struct engine){.table = table, .next_sequence = 1};
    run->batch.mark.at_ms = START_MS;
    for (uint64_t first = 0; first < people; first += FILL_BATCH)
        run_batch(run, FILL_BATCH, first, people);
    measure(run, people, ops, batch, mib > 0);
    table_destroy(&table);
    free(run);
    return 0;
}
