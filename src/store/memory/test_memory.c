// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "store/memory/memory.h"
#include "store/memory/past.h"
#include "store/memory/table.h"

#include "rig/store_cases.h"
#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define START_MS CASES_START_MS

// A clock, a script of faults, and what the last ops were told.
struct fixture {
    int64_t now_ms;
    enum memory_fault fault;
    struct store *store;
    int notices;
};

static int64_t fixture_wall(void *ctx)
{
    return ((const struct fixture *)ctx)->now_ms;
}

static struct mono fixture_mono(void *ctx)
{
    return (struct mono){((const struct fixture *)ctx)->now_ms};
}

static enum memory_fault fixture_fault(void *ctx)
{
    struct fixture *fixture = ctx;
    enum memory_fault fault = fixture->fault;
    fixture->fault = MEMORY_FAULT_NONE;
    return fault;
}

static void fixture_notice(void *ctx)
{
    ((struct fixture *)ctx)->notices++;
}

static void open_store(struct fixture *fixture, size_t records_max, size_t entries_max)
{
    *fixture = (struct fixture){.now_ms = START_MS};
    struct memory_store_options options = {
        .records_max = records_max,
        .entries_max = entries_max,
        .clock = {.wall_ms = fixture_wall, .mono = fixture_mono, .ctx = fixture},
        .faults = {.next = fixture_fault, .ctx = fixture},
        .notices = {.on_entries = fixture_notice, .on_settings = fixture_notice, .ctx = fixture},
    };
    assert_int_equal(memory_store_create(&options, &fixture->store), ERR_OK);
}

struct test_op {
    struct store_op op;
    bool is_writing;
    bool is_sending;
    int runs;
    int told;
    uint64_t seen;
    enum store_outcome outcome;
};

static void test_transition(struct store_op *op, struct record *record, int64_t now_ms)
{
    struct test_op *test = (struct test_op *)op;
    test->runs++;
    test->seen = record->uid;
    op->is_changed = test->is_writing;
    op->has_entry = test->is_sending;
    op->entry.key = op->key;
    op->entry.salt = record->uid++;
    op->entry.created_at_ms = now_ms;
}

static void test_done(struct store_op *op, enum store_outcome outcome)
{
    struct test_op *test = (struct test_op *)op;
    test->told++;
    test->outcome = outcome;
}

static struct test_op op_on(uint8_t key, bool is_writing, bool is_sending)
{
    return (struct test_op){
        .op = {.key = {{{key}}}, .transition = test_transition, .done = test_done},
        .is_writing = is_writing,
        .is_sending = is_sending,
    };
}

static uint64_t read_uid(struct fixture *fixture, uint8_t key)
{
    struct test_op op = op_on(key, false, false);
    store_submit(fixture->store, &op.op);
    assert_int_equal(op.outcome, STORE_COMMITTED);
    return op.seen;
}

struct fault_row {
    const char *name;
    enum memory_fault fault;
    enum store_outcome outcome;
    int runs;
    uint64_t uid_after;
};

static const struct fault_row fault_rows[] = {
    {"none", MEMORY_FAULT_NONE, STORE_COMMITTED, 1, 1},
    {"conflict", MEMORY_FAULT_CONFLICT, STORE_COMMITTED, 2, 1},
    {"full", MEMORY_FAULT_FULL, STORE_REFUSED_FULL, 0, 0},
    {"failure", MEMORY_FAULT_FAILURE, STORE_REFUSED_FAILED, 0, 0},
    {"crash before", MEMORY_FAULT_CRASH_BEFORE, STORE_UNKNOWN, 0, 0},
    {"crash after", MEMORY_FAULT_CRASH_AFTER, STORE_UNKNOWN, 1, 1},
};

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fault_rows / sizeof fault_rows[0]; i++) {
        const struct fault_row *row = &fault_rows[i];
        struct fixture fixture;
        open_store(&fixture, 100, 100);
        fixture.fault = row->fault;
        struct test_op op = op_on(1, true, true);
        store_submit(fixture.store, &op.op);
        assert_row_equal(row->name, op.outcome, row->outcome);
        assert_row_equal(row->name, op.runs, row->runs);
        assert_row_equal(row->name, fixture.notices, row->outcome == STORE_COMMITTED);
        if (memory_store_is_crashed(fixture.store)) {
            struct test_op late = op_on(1, true, false);
            store_submit(fixture.store, &late.op);
            assert_row_equal(row->name, late.outcome, STORE_UNKNOWN);
            memory_store_recover(fixture.store);
        }
        assert_row_equal(row->name, read_uid(&fixture, 1), row->uid_after);
        struct claimed_entry claimed[2];
        size_t count =
            store_claim(fixture.store, &(struct store_claim){.lease_ms = 1000}, claimed, 2);
        assert_row_equal(row->name, count, row->uid_after);
        store_destroy(&fixture.store);
    }
}

struct delivery_fault_row {
    const char *name;
    enum memory_fault fault;
    enum store_outcome outcome;
    int runs;
    bool is_saved;
};

static const struct delivery_fault_row delivery_fault_rows[] = {
    {"none", MEMORY_FAULT_NONE, STORE_COMMITTED, 1, true},
    {"conflict", MEMORY_FAULT_CONFLICT, STORE_COMMITTED, 2, true},
    {"full", MEMORY_FAULT_FULL, STORE_REFUSED_FULL, 0, false},
    {"failure", MEMORY_FAULT_FAILURE, STORE_REFUSED_FAILED, 0, false},
    {"crash before", MEMORY_FAULT_CRASH_BEFORE, STORE_UNKNOWN, 0, false},
    {"crash after", MEMORY_FAULT_CRASH_AFTER, STORE_UNKNOWN, 1, true},
};

static struct claimed_entry promise(struct fixture *fixture)
{
    struct claimed_entry claimed;
    struct test_op op = op_on(1, true, true);
    store_submit(fixture->store, &op.op);
    assert_int_equal(
        store_claim(fixture->store, &(struct store_claim){.lease_ms = 1000}, &claimed, 1), 1);
    fixture->notices = 0;
    return claimed;
}

static void test_faults_of_deliveries(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof delivery_fault_rows / sizeof delivery_fault_rows[0]; i++) {
        const struct delivery_fault_row *row = &delivery_fault_rows[i];
        struct fixture fixture;
        struct case_delivery op;
        open_store(&fixture, 100, 100);
        struct claimed_entry claimed = promise(&fixture);
        case_delivery_init(&op, &claimed, DELIVERY_QUEUED, START_MS);
        op.delivery.tries = 9;
        fixture.fault = row->fault;
        store_deliver(fixture.store, &op.op);
        assert_row_equal(row->name, op.told, 1);
        assert_row_equal(row->name, op.outcome, row->outcome);
        assert_row_equal(row->name, op.runs, row->runs);
        assert_row_equal(row->name, fixture.notices, row->outcome == STORE_COMMITTED);
        if (memory_store_is_crashed(fixture.store))
            memory_store_recover(fixture.store);
        op.is_reading = true;
        op.op.token = 0;
        store_deliver(fixture.store, &op.op);
        assert_row_equal(row->name, op.seen.tries, row->is_saved ? 9 : 0);
        store_destroy(&fixture.store);
    }
}

// The record's ops first, each kind in its order.
static void test_delayed_deliveries(void **state)
{
    (void)state;
    struct fixture fixture;
    struct case_delivery ops[2];
    open_store(&fixture, 100, 100);
    struct claimed_entry claimed = promise(&fixture);
    for (int i = 0; i < 2; i++) {
        case_delivery_init(&ops[i], &claimed, DELIVERY_QUEUED, START_MS);
        ops[i].op.token = 0;
        ops[i].delivery.tries = (uint8_t)(i + 1);
        fixture.fault = MEMORY_FAULT_DELAY;
        store_deliver(fixture.store, &ops[i].op);
    }
    struct test_op op = op_on(1, true, false);
    fixture.fault = MEMORY_FAULT_DELAY;
    store_submit(fixture.store, &op.op);
    assert_int_equal(ops[0].told, 0);
    assert_int_equal(memory_store_release(fixture.store), 3);
    assert_int_equal(ops[0].uid, 2);
    assert_int_equal(ops[1].seen.tries, 1);
    fixture.fault = MEMORY_FAULT_DELAY;
    ops[1].told = ops[1].runs = 0;
    store_deliver(fixture.store, &ops[1].op);
    op.told = 0;
    fixture.fault = MEMORY_FAULT_CRASH_BEFORE;
    store_submit(fixture.store, &op.op);
    memory_store_recover(fixture.store);
    assert_int_equal(ops[1].told, 1);
    assert_int_equal(ops[1].runs, 0);
    assert_int_equal(ops[1].outcome, STORE_UNKNOWN);
    store_destroy(&fixture.store);
}

static void test_the_latest_entries_and_references_are_remembered(void **state)
{
    (void)state;
    struct past past;
    struct outbox_entry entry = {.created_at_ms = START_MS, .deadline_at_ms = START_MS + 1000};
    const struct delivery delivery = {.state = DELIVERY_ACCEPTED, .due_at_ms = STORE_NEVER};
    assert_true(past_init(&past));
    for (uint64_t handle = 1; handle <= PAST_ENTRIES + 5; handle++) {
        past_put(&past, handle, &entry, &delivery);
        past_put_ref(&past, handle << 32, handle); // all in one bucket
        past_put_ref(&past, handle * 7919, handle);
    }
    past_put(&past, 3, &entry, &delivery); // over late
    for (uint64_t handle = 1; handle <= PAST_ENTRIES + 5; handle++)
        assert_int_equal(past_find(&past, handle, START_MS) != NULL, handle > 5);
    for (uint64_t handle = 1; handle <= 10000; handle++)
        past_put_ref(&past, handle * 31, 1000000 + handle);
    assert_int_equal(past_find_ref(&past, 31), 1000001);
    assert_int_equal(past_find_ref(&past, 31 * 10000), 1010000);
    uint64_t first_kept = PAST_ENTRIES + 5 - (PAST_REFS - 10000) / 2 + 1;
    for (uint64_t handle = 1; handle <= PAST_ENTRIES + 5; handle++)
        assert_int_equal(past_find_ref(&past, handle << 32), handle >= first_kept ? handle : 0);
    past_fini(&past);
}

static void test_delayed_ops_run_when_released(void **state)
{
    (void)state;
    struct fixture fixture;
    open_store(&fixture, 100, 100);
    struct test_op ops[3];
    for (size_t i = 0; i < 3; i++) {
        ops[i] = op_on(1, true, false);
        fixture.fault = MEMORY_FAULT_DELAY;
        store_submit(fixture.store, &ops[i].op);
        assert_int_equal(ops[i].told, 0);
    }
    assert_int_equal(memory_store_release(fixture.store), 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(ops[i].seen, i);
    store_destroy(&fixture.store);
}

static void test_delayed_ops_die_in_a_crash(void **state)
{
    (void)state;
    struct fixture fixture;
    open_store(&fixture, 100, 100);
    struct test_op delayed = op_on(1, true, false);
    fixture.fault = MEMORY_FAULT_DELAY;
    store_submit(fixture.store, &delayed.op);
    struct test_op dying = op_on(2, true, false);
    fixture.fault = MEMORY_FAULT_CRASH_BEFORE;
    store_submit(fixture.store, &dying.op);
    memory_store_recover(fixture.store);
    assert_int_equal(delayed.outcome, STORE_UNKNOWN);
    assert_int_equal(read_uid(&fixture, 1), 0);
    store_destroy(&fixture.store);
}

static void test_full_table_refuses_new_people_only(void **state)
{
    (void)state;
    struct fixture fixture;
    open_store(&fixture, 2, 10);
    for (uint8_t i = 0; i < 4; i++) {
        struct test_op op = op_on(i, true, true);
        store_submit(fixture.store, &op.op);
        assert_int_equal(op.outcome, i < 2 ? STORE_COMMITTED : STORE_REFUSED_BUSY);
    }
    struct test_op known = op_on(1, true, false);
    store_submit(fixture.store, &known.op);
    assert_int_equal(known.outcome, STORE_COMMITTED);
    store_destroy(&fixture.store);
}

static struct record_key numbered_key(uint32_t number)
{
    struct record_key key = {0};
    uint32_t mixed = number * UINT32_C(2654435761);
    memcpy(key.digest.bytes, &mixed, sizeof mixed);
    memcpy(key.digest.bytes + 8, &number, sizeof number);
    return key;
}

// Against a plain array: adding, removing and finding in a random order.
static void test_table_finds_what_was_added(void **state)
{
    (void)state;
    enum { KEYS = 20000 };
    struct record_table table;
    bool *has = calloc(KEYS, sizeof *has);
    uint64_t seed = 11;
    assert_true(record_table_init(&table, KEYS));
    for (int step = 0; step < 200000; step++) {
        seed = seed * UINT64_C(6364136223846793005) + 1;
        uint32_t number = (uint32_t)(seed >> 33) % KEYS;
        struct record_key key = numbered_key(number);
        struct cell *cell = record_table_find(&table, &key);
        assert_int_equal(cell != NULL, has[number]);
        if (cell != NULL)
            record_table_remove(&table, cell);
        else
            assert_non_null(record_table_add(&table, &key));
        has[number] = !has[number];
    }
    record_table_fini(&table);
    free(has);
}

static void test_sweep_removes_what_has_expired(void **state)
{
    (void)state;
    struct record_table table;
    assert_true(record_table_init(&table, 10000));
    for (uint32_t number = 0; number < 5000; number++) {
        struct record_key key = numbered_key(number);
        struct cell *cell = record_table_add(&table, &key);
        assert_non_null(cell);
        cell->record = (struct record){.codes_held = 1};
        cell->record.codes[0].expires_at_ms = START_MS + (number % 2 == 0 ? 0 : 86400000);
        record_table_touch(&table, cell);
    }
    record_table_sweep(&table, START_MS + CODE_LINGER_MS + 2000, 10000);
    assert_int_equal(table.used, 2500);
    struct record_key even = numbered_key(2), odd = numbered_key(3);
    assert_null(record_table_find(&table, &even));
    assert_non_null(record_table_find(&table, &odd));
    record_table_fini(&table);
}

static void create_for_case(struct store_fixture *fixture, size_t entries_max)
{
    struct memory_store_options options = memory_store_defaults;
    options.entries_max = entries_max;
    options.clock = store_fixture_clock(fixture);
    options.notices = store_fixture_notices(fixture);
    assert_int_equal(memory_store_create(&options, &fixture->store), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_faults_of_deliveries),
        cmocka_unit_test(test_delayed_deliveries),
        cmocka_unit_test(test_the_latest_entries_and_references_are_remembered),
        cmocka_unit_test(test_delayed_ops_run_when_released),
        cmocka_unit_test(test_delayed_ops_die_in_a_crash),
        cmocka_unit_test(test_full_table_refuses_new_people_only),
        cmocka_unit_test(test_table_finds_what_was_added),
        cmocka_unit_test(test_sweep_removes_what_has_expired),
    };
    const struct store_maker maker = {.name = "memory store", .create = create_for_case};
    return store_cases_run(&maker, tests, sizeof tests / sizeof tests[0]);
}
