// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// One batch of several ops, by the engine alone over a model of a disk.
#include "store/embedded/engine.h"

#include "rig/store_fixture.h"
#include "sim/model_table.h"
#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

struct bench {
    struct model_disk disk;
    struct engine engine;
    struct engine_batch batch;
    struct case_op ops[4];
    struct case_delivery deliveries[4];
    uint64_t waiting; // handle that nobody has looked at; 0: none
    bool is_open;     // all of them
};

static uint64_t bench_find_same(void *ctx, const struct outbox_entry *entry)
{
    (void)entry;
    return ((const struct bench *)ctx)->waiting;
}

// Token 7 is in force.
static bool bench_is_claim(void *ctx, uint64_t handle, uint64_t token)
{
    (void)ctx;
    (void)handle;
    return token == 7;
}

static bool bench_is_open(void *ctx, uint64_t handle)
{
    (void)handle;
    return ((const struct bench *)ctx)->is_open;
}

static struct bench *bench_create(void)
{
    struct bench *bench = calloc(1, sizeof *bench);
    bench->engine = (struct engine){
        .table = model_table_create(&bench->disk),
        .entries = {bench_find_same, bench_is_claim, bench_is_open, bench},
        .next_sequence = 1,
        .first_open = 1,
    };
    bench->batch.entries_room = 100;
    return bench;
}

static void bench_destroy(struct bench *bench)
{
    table_destroy(&bench->engine.table);
    model_disk_fini(&bench->disk);
    free(bench);
}

static void bench_add(struct bench *bench, uint8_t key, bool is_writing, bool is_sending)
{
    size_t i = bench->batch.ops_count++;
    case_op_init(&bench->ops[i], key, is_writing, is_sending);
    bench->batch.ops[i] = &bench->ops[i].op;
}

static struct case_delivery *bench_deliver(struct bench *bench, uint64_t handle, uint64_t token,
                                           enum delivery_state state, int64_t due_at_ms)
{
    size_t i = bench->batch.deliveries_count++;
    const struct claimed_entry claimed = {.handle = handle, .token = token};
    case_delivery_init(&bench->deliveries[i], &claimed, state, due_at_ms);
    bench->batch.deliveries[i] = &bench->deliveries[i].op;
    return &bench->deliveries[i];
}

static void bench_run(struct bench *bench)
{
    bench->batch.mark.at_ms = CASES_START_MS;
    assert_int_equal(engine_run(&bench->engine, &bench->batch), ENGINE_DONE);
}

static void test_ops_of_a_batch_see_each_other_and_are_one_commit(void **state)
{
    (void)state;
    struct bench *bench = bench_create();
    for (int i = 0; i < 3; i++)
        bench_add(bench, 1, true, false);
    bench_add(bench, 1, false, false);
    bench_run(bench);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(bench->batch.outcomes[i], STORE_COMMITTED);
        assert_int_equal(bench->ops[i].seen, i);
    }
    assert_int_equal(bench->disk.commits, 1);
    bench_destroy(bench);
}

// What a reader saw of a writer is gone with it, so it is asked again.
static void test_without_room_readers_are_answered(void **state)
{
    (void)state;
    struct bench *bench = bench_create();
    bench->disk.rows_max = 1;
    bench_add(bench, 1, true, false);
    bench_add(bench, 1, false, false);
    bench_run(bench);
    assert_int_equal(bench->batch.outcomes[0], STORE_REFUSED_FULL);
    assert_int_equal(bench->batch.outcomes[1], STORE_COMMITTED);
    assert_int_equal(bench->ops[1].runs, 2);
    assert_int_equal(bench->ops[1].seen, 0);
    assert_int_equal(bench->disk.commits, 0);
    bench_destroy(bench);
}

static void test_the_outbox_may_fill_within_a_batch(void **state)
{
    (void)state;
    static const enum store_outcome expected[] = {STORE_COMMITTED, STORE_COMMITTED,
                                                  STORE_REFUSED_BUSY, STORE_COMMITTED};
    struct bench *bench = bench_create();
    bench->batch.entries_room = 2;
    for (uint8_t key = 0; key < 3; key++)
        bench_add(bench, key, true, true);
    bench_add(bench, 2, true, false);
    bench_run(bench);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(bench->batch.outcomes[i], expected[i]);
    assert_int_equal(bench->ops[3].seen, 0);
    assert_int_equal(model_disk_count(&bench->disk, TABLE_ENTRIES), 2);
    bench_destroy(bench);
}

// Entries, and deliveries of them, of one batch: each sees what those before it did.
static void test_deliveries_of_a_batch_see_each_other(void **state)
{
    (void)state;
    struct bench *bench = bench_create();
    bench_add(bench, 1, true, true);
    bench_run(bench);
    bench->batch.ops_count = 0;
    bench_add(bench, 1, true, false);
    struct case_delivery *submitted =
        bench_deliver(bench, 1, 7, DELIVERY_SUBMITTED, CASES_START_MS + 9000);
    struct case_delivery *stale =
        bench_deliver(bench, 1, 7, DELIVERY_FAILED, CASES_START_MS + 9000);
    struct case_delivery *receipt = bench_deliver(bench, 1, 0, DELIVERY_DELIVERED, STORE_NEVER);
    struct case_delivery *nobody = bench_deliver(bench, 2, 0, DELIVERY_FAILED, STORE_NEVER);
    bench_run(bench);
    assert_int_equal(bench->batch.delivery_outcomes[0], STORE_COMMITTED);
    assert_int_equal(submitted->uid, 2);
    assert_int_equal(bench->batch.delivery_outcomes[1], STORE_REFUSED_BUSY);
    assert_int_equal(stale->runs, 0);
    assert_int_equal(bench->batch.changes[1].handle, 0);
    assert_int_equal(bench->batch.delivery_outcomes[2], STORE_COMMITTED);
    assert_int_equal(receipt->seen.state, DELIVERY_SUBMITTED);
    assert_int_equal(bench->batch.changes[2].delivery.state, DELIVERY_DELIVERED);
    assert_int_equal(bench->batch.delivery_outcomes[3], STORE_COMMITTED);
    assert_false(nobody->op.is_found);
    assert_int_equal(bench->disk.commits, 2);
    bench_destroy(bench);
}

static void test_a_message_is_promised_once_in_a_batch(void **state)
{
    (void)state;
    struct bench *bench = bench_create();
    bench->batch.entries_room = 1;
    for (size_t i = 0; i < 4; i++) {
        bench_add(bench, 1, true, true);
        bench->ops[i].salt = i < 3 ? 77 : 78;
    }
    bench_run(bench);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(bench->batch.outcomes[i], i < 3 ? STORE_COMMITTED : STORE_REFUSED_BUSY);
        assert_int_equal(bench->batch.sequences[i], i == 0);
    }
    bench->waiting = 1;
    bench->batch.ops_count = 3;
    bench_run(bench);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(bench->batch.sequences[i], 0);
    assert_int_equal(model_disk_count(&bench->disk, TABLE_ENTRIES), 1);
    bench_destroy(bench);
}

// Those that are open again take places too.
static void test_the_outbox_may_fill_with_what_was_over(void **state)
{
    (void)state;
    struct bench *bench = bench_create();
    for (uint8_t key = 1; key <= 3; key++)
        bench_add(bench, key, true, true);
    for (uint64_t handle = 1; handle <= 3; handle++)
        (void)bench_deliver(bench, handle, 0, DELIVERY_FAILED, STORE_NEVER);
    bench_run(bench);
    bench->batch.ops_count = bench->batch.deliveries_count = 0;
    bench->batch.entries_room = 2;
    bench_add(bench, 4, true, true);
    for (uint64_t handle = 1; handle <= 3; handle++)
        (void)bench_deliver(bench, handle, 0, handle == 2 ? DELIVERY_EXPIRED : DELIVERY_QUEUED,
                            handle == 2 ? STORE_NEVER : CASES_START_MS);
    bench_run(bench);
    assert_int_equal(bench->batch.outcomes[0], STORE_COMMITTED);
    assert_int_equal(bench->batch.delivery_outcomes[0], STORE_COMMITTED);
    assert_int_equal(bench->batch.delivery_outcomes[1], STORE_COMMITTED);
    assert_int_equal(bench->batch.delivery_outcomes[2], STORE_REFUSED_BUSY);
    assert_int_equal(bench->batch.changes[0].entry.length, 6);
    assert_int_equal(bench->batch.changes[0].entry.address.len, 40);
    assert_int_equal(bench->batch.changes[2].handle, 0);
    bench_destroy(bench);
}

// Deleting succeeds where the ops that came with it do not fit.
static void test_without_room_deleting_goes_first(void **state)
{
    (void)state;
    struct bench *bench = bench_create();
    bench_add(bench, 1, true, true);
    bench_run(bench);
    size_t rows = bench->disk.rows.held;
    bench->disk.rows_max = rows;
    bench->batch.ops_count = 0;
    for (uint8_t key = 2; key < 5; key++)
        bench_add(bench, key, true, false);
    bench_run(bench);
    assert_int_equal(bench->batch.outcomes[0], STORE_REFUSED_FULL);
    bench->batch.mark.at_ms += STORE_HISTORY_MS;
    assert_int_equal(engine_run(&bench->engine, &bench->batch), ENGINE_DONE);
    assert_int_equal(bench->batch.outcomes[0], STORE_REFUSED_FULL); // 3 rows are more than 2
    assert_int_equal(bench->disk.rows.held, rows - 2);
    bench_destroy(bench);
}

// Some thousands of sequences a commit, and none twice.
static void test_the_first_open_entry_is_looked_for_in_pieces(void **state)
{
    (void)state;
    static const uint64_t expected[] = {4097, 8193, 10000, 10000};
    struct bench *bench = bench_create();
    bench->engine.next_sequence = 10000;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        bench->batch.ops_count = 0;
        bench_add(bench, 1, true, false);
        bench_run(bench);
        assert_int_equal(bench->engine.first_open, expected[i]);
    }
    bench->is_open = true;
    bench->engine.first_open = 5;
    bench_run(bench);
    assert_int_equal(bench->engine.first_open, 5);
    bench_destroy(bench);
}

static int64_t value_bytes(struct bench *bench, enum table_space space)
{
    uint8_t name[CODEC_ENTRY_KEY_BYTES];
    codec_entry_key(1, name);
    struct model_row *row = model_disk_find(&bench->disk, space, span_make(name, sizeof name));
    assert_non_null(row);
    return (int64_t)(row->key_len + row->value_len);
}

// A step is written for each message twice or more often, and again by whatever logs it.
static void test_a_step_is_small(void **state)
{
    (void)state;
    struct bench *bench = bench_create();
    bench_add(bench, 1, true, true);
    bench_run(bench);
    bench->batch.ops_count = 0;
    struct case_delivery *op =
        bench_deliver(bench, 1, 7, DELIVERY_SUBMITTED, CASES_START_MS + 9000);
    op->delivery.attempts_held = op->delivery.tries = 1;
    op->delivery.attempts[0] = (struct attempt){77, DELIVERY_SUBMITTED, 0, CASES_START_MS, 0, 0};
    bench_run(bench);
    int64_t submitted = value_bytes(bench, TABLE_DELIVERIES);
    op->delivery.state = op->delivery.attempts[0].state = DELIVERY_ACCEPTED;
    op->delivery.due_at_ms = STORE_NEVER;
    op->delivery.attempts[0].answered_after_ms = 120;
    op->delivery.ref_len = 34;
    op->op.token = 0;
    op->ref = 4711;
    bench_run(bench);
    int64_t accepted = value_bytes(bench, TABLE_DELIVERIES);
    print_message("# bytes with keys: promised %d, submitted %d, accepted %d and %d of its tag\n",
                  (int)value_bytes(bench, TABLE_ENTRIES), (int)submitted, (int)accepted,
                  (int)(CODEC_REF_KEY_BYTES + CODEC_REF_BYTES));
    assert_in_range(submitted, 1, 60 + CODEC_ENTRY_KEY_BYTES);
    assert_in_range(accepted, 1, 100 + CODEC_ENTRY_KEY_BYTES);
    assert_int_equal(model_disk_count(&bench->disk, TABLE_REFS), 1);
    bench_destroy(bench);
}

// An entry is given one reference more than it can name: the first is gone, and nothing is left of
// them when the entry goes.
static void test_references_are_forgotten_with_their_entry(void **state)
{
    (void)state;
    struct bench *bench = bench_create();
    bench_add(bench, 1, true, true);
    bench_add(bench, 2, true, true);
    bench_run(bench);
    bench->batch.ops_count = 0;
    struct case_delivery *op = bench_deliver(bench, 1, 0, DELIVERY_ACCEPTED, STORE_NEVER);
    for (uint64_t tag = 101; tag <= 101 + CODEC_REFS_MAX; tag++) {
        op->ref = tag;
        bench_run(bench);
        bench_run(bench); // twice is once
    }
    assert_int_equal(model_disk_count(&bench->disk, TABLE_REFS), CODEC_REFS_MAX);
    op->op.handle = 0;
    op->op.ref_tag = 101;
    bench_run(bench);
    assert_false(op->op.is_found);
    op->op.ref_tag = 102;
    op->is_reading = true;
    bench_run(bench);
    assert_true(op->op.is_found);
    // Another entry is given one of them, and keeps it when the first one drops it.
    op->is_reading = false;
    op->op.handle = 2;
    op->ref = 102;
    bench_run(bench);
    op->op.handle = 1;
    op->ref = 110;
    bench_run(bench);
    op->op.handle = 0;
    op->is_reading = true;
    bench_run(bench);
    assert_true(op->op.is_found);
    assert_int_equal(op->entry.key.digest.bytes[0], 2);
    bench->batch.mark.at_ms = CASES_START_MS + STORE_HISTORY_MS;
    bench->batch.deliveries_count = 0;
    assert_int_equal(model_disk_count(&bench->disk, TABLE_ENTRIES), 2);
    assert_int_equal(engine_run(&bench->engine, &bench->batch), ENGINE_DONE);
    assert_int_equal(model_disk_count(&bench->disk, TABLE_ENTRIES), 0);
    assert_int_equal(model_disk_count(&bench->disk, TABLE_DELIVERIES), 0);
    assert_int_equal(model_disk_count(&bench->disk, TABLE_SEALED), 0);
    assert_int_equal(model_disk_count(&bench->disk, TABLE_REFS), 0);
    bench_destroy(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ops_of_a_batch_see_each_other_and_are_one_commit),
        cmocka_unit_test(test_without_room_readers_are_answered),
        cmocka_unit_test(test_the_outbox_may_fill_within_a_batch),
        cmocka_unit_test(test_deliveries_of_a_batch_see_each_other),
        cmocka_unit_test(test_a_message_is_promised_once_in_a_batch),
        cmocka_unit_test(test_the_outbox_may_fill_with_what_was_over),
        cmocka_unit_test(test_without_room_deleting_goes_first),
        cmocka_unit_test(test_the_first_open_entry_is_looked_for_in_pieces),
        cmocka_unit_test(test_a_step_is_small),
        cmocka_unit_test(test_references_are_forgotten_with_their_entry),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
