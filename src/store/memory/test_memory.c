// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "store/memory/memory.h"
#include "store/memory/table.h"

#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define START_MS INT64_C(1770000000000)

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
    int64_t due_in_ms;
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
    record->uid++;
    op->entry.due_at_ms = now_ms + test->due_in_ms;
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

static void test_ops_see_each_other(void **state)
{
    (void)state;
    struct fixture fixture;
    open_store(&fixture, 100, 100);
    for (uint64_t i = 0; i < 5; i++) {
        struct test_op op = op_on(1, true, false);
        store_submit(fixture.store, &op.op);
        assert_int_equal(op.told, 1);
        assert_int_equal(op.seen, i);
    }
    assert_int_equal(read_uid(&fixture, 1), 5);
    assert_int_equal(read_uid(&fixture, 2), 0);
    assert_int_equal(memory_store_records(fixture.store), 1);
    store_destroy(&fixture.store);
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

static void test_full_outbox_refuses_and_changes_nothing(void **state)
{
    (void)state;
    struct fixture fixture;
    open_store(&fixture, 100, 3);
    for (uint8_t i = 0; i < 5; i++) {
        struct test_op op = op_on(i, true, true);
        store_submit(fixture.store, &op.op);
        assert_int_equal(op.outcome, i < 3 ? STORE_COMMITTED : STORE_REFUSED_BUSY);
        assert_int_equal(read_uid(&fixture, i), i < 3);
    }
    struct test_op silent = op_on(9, true, false);
    store_submit(fixture.store, &silent.op);
    assert_int_equal(silent.outcome, STORE_COMMITTED);
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

static void settle(struct fixture *fixture, const struct claimed_entry *claimed,
                   enum delivery_state entry_state, int64_t due_at_ms)
{
    struct settlement settlement = {claimed->entry.id, claimed->token, entry_state, due_at_ms};
    store_settle(fixture->store, &settlement, 1);
}

static void test_lease_and_fencing(void **state)
{
    (void)state;
    struct fixture fixture;
    open_store(&fixture, 100, 100);
    struct store_claim claim = {.lease_ms = 1000};
    struct claimed_entry first, second;
    struct test_op op = op_on(1, true, true);
    store_submit(fixture.store, &op.op);
    assert_int_equal(store_claim(fixture.store, &claim, &first, 1), 1);
    assert_int_equal(store_claim(fixture.store, &claim, &second, 1), 0);
    assert_int_equal(store_entries(fixture.store), 1);
    fixture.now_ms += 999;
    assert_int_equal(store_claim(fixture.store, &claim, &second, 1), 0);
    fixture.now_ms += 1;
    assert_int_equal(store_claim(fixture.store, &claim, &second, 1), 1);
    settle(&fixture, &first, DELIVERY_ACCEPTED, 0); // too late: somebody else has it
    assert_true(store_next_due_ms(fixture.store) == START_MS + 2000);
    settle(&fixture, &second, DELIVERY_QUEUED, START_MS + 5000);
    assert_true(store_next_due_ms(fixture.store) == START_MS + 5000);
    fixture.now_ms = START_MS + 5000;
    assert_int_equal(store_claim(fixture.store, &claim, &first, 1), 1);
    assert_int_equal(first.entry.tries, 1);
    settle(&fixture, &first, DELIVERY_ACCEPTED, 0);
    settle(&fixture, &first, DELIVERY_ACCEPTED, 0);
    assert_true(store_next_due_ms(fixture.store) == INT64_MAX);
    assert_int_equal(store_entries(fixture.store), 0);
    store_destroy(&fixture.store);
}

static void test_entries_are_claimed_in_order_of_time(void **state)
{
    (void)state;
    struct fixture fixture;
    open_store(&fixture, 5000, 5000);
    for (int i = 0; i < 3000; i++) {
        struct test_op op = op_on((uint8_t)(i % 200), true, true);
        op.op.entry.id = (uint64_t)i;
        op.due_in_ms = i * 7919 % 3000;
        store_submit(fixture.store, &op.op);
    }
    fixture.now_ms = START_MS + 100000;
    int64_t last_ms = 0;
    struct claimed_entry claimed[100];
    size_t total = 0;
    for (size_t count = 1; count > 0; total += count) {
        count = store_claim(fixture.store, &(struct store_claim){1000}, claimed, 100);
        for (size_t i = 0; i < count; i++) {
            assert_true(claimed[i].entry.due_at_ms >= last_ms);
            last_ms = claimed[i].entry.due_at_ms;
            settle(&fixture, &claimed[i], DELIVERY_ACCEPTED, 0);
        }
    }
    assert_int_equal(total, 3000);
    store_destroy(&fixture.store);
}

static void count_setting(void *ctx, const struct setting *setting)
{
    *(uint64_t *)ctx = *(uint64_t *)ctx * 100 + setting->version * 10 + setting->value.len;
}

static void test_settings_have_versions(void **state)
{
    (void)state;
    struct fixture fixture;
    open_store(&fixture, 10, 10);
    struct setting setting = {SPAN("a"), SPAN("xyz"), 1};
    assert_int_equal(store_settings_put(fixture.store, &setting), ERR_OK);
    assert_int_equal(store_settings_put(fixture.store, &setting), ERR_BUSY);
    setting.version = 2;
    setting.value = SPAN("");
    assert_int_equal(store_settings_put(fixture.store, &setting), ERR_OK);
    struct setting other = {SPAN("b"), SPAN("1234"), 1};
    assert_int_equal(store_settings_put(fixture.store, &other), ERR_OK);
    struct setting nameless = {SPAN(""), SPAN("1"), 1};
    assert_int_equal(store_settings_put(fixture.store, &nameless), ERR_INVALID);
    uint64_t seen = 0;
    store_settings_each(fixture.store, count_setting, &seen);
    assert_int_equal(seen, 2014);
    assert_int_equal(fixture.notices, 3);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ops_see_each_other),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_delayed_ops_run_when_released),
        cmocka_unit_test(test_delayed_ops_die_in_a_crash),
        cmocka_unit_test(test_full_outbox_refuses_and_changes_nothing),
        cmocka_unit_test(test_full_table_refuses_new_people_only),
        cmocka_unit_test(test_lease_and_fencing),
        cmocka_unit_test(test_entries_are_claimed_in_order_of_time),
        cmocka_unit_test(test_settings_have_versions),
        cmocka_unit_test(test_table_finds_what_was_added),
        cmocka_unit_test(test_sweep_removes_what_has_expired),
    };
    return cmocka_run_group_tests_name("memory store", tests, NULL, NULL);
}
