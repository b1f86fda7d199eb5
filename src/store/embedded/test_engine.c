// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The embedded store without its thread, over a model of a disk: what is kept, what fails how, and
// how much work expiry is.
#include "store/embedded/codec.h"
#include "store/embedded/engine.h"

#include "rig/model_store.h"
#include "rig/store_cases.h"
#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define CODE_MS (20 * MINUTE_MS)

// An op that leaves a code that ends after CODE_MS, or takes the person's uid.
static void add_code(struct store_op *op, struct record *record, int64_t now_ms)
{
    struct live_code *code = record_code_add(record);
    code->expires_at_ms = now_ms + CODE_MS;
    code->ttl_ms = CODE_MS;
    code->tries_max = 5;
    code->length = 6;
    op->is_changed = true;
    op->has_entry = false;
}

static void done_nothing(struct store_op *op, enum store_outcome outcome)
{
    (void)op;
    assert_int_equal(outcome, STORE_COMMITTED);
}

static void add_code_to(struct model_store *fixture, uint32_t number)
{
    struct store_op op = {.transition = add_code, .done = done_nothing};
    memcpy(&op.key, &number, sizeof number);
    store_submit(fixture->store.store, &op);
}

// --- what is kept ---

static void test_all_is_there_after_a_kill(void **state)
{
    struct model_store *fixture = *state;
    assert_int_equal(model_store_run(fixture, 1, true, true), STORE_COMMITTED);
    assert_int_equal(model_store_run(fixture, 1, true, false), STORE_COMMITTED);
    struct setting setting = {SPAN("A"), SPAN("value"), 1};
    assert_int_equal(store_settings_put(fixture->store.store, &setting), ERR_OK);
    model_store_reopen(fixture);
    assert_int_equal(case_read(&fixture->store, 1), 2);
    assert_int_equal(store_entries(fixture->store.store), 1);
    assert_int_equal(store_settings_put(fixture->store.store, &setting), ERR_BUSY);
    setting.version = 2;
    assert_int_equal(store_settings_put(fixture->store.store, &setting), ERR_OK);
}

// Promised, submitted, to be tried again, over: each is there as it was, and what may be under way
// is offered at once.
static void test_deliveries_are_kept(void **state)
{
    struct model_store *fixture = *state;
    struct claimed_entry before[4], after[4];
    for (uint8_t i = 0; i < 4; i++)
        before[i] = case_promise(&fixture->store, i);
    before[1].delivery.provider = 77;
    case_must(&fixture->store, &before[1], DELIVERY_SUBMITTED, CASES_START_MS + 60000);
    case_must(&fixture->store, &before[2], DELIVERY_QUEUED, CASES_START_MS + 7000);
    case_must(&fixture->store, &before[3], DELIVERY_ACCEPTED, STORE_NEVER);
    model_store_reopen(fixture);
    assert_int_equal(store_entries(fixture->store.store), 3);
    // The first one's lease is gone with the process.
    const struct store_claim claim = {.lease_ms = 60000};
    assert_int_equal(store_claim(fixture->store.store, &claim, after, 4), 2);
    assert_int_equal(after[0].handle, before[1].handle);
    assert_int_equal(after[0].delivery.provider, 77);
    assert_int_equal(after[0].delivery.state, DELIVERY_SUBMITTED);
    assert_true(after[0].delivery.due_at_ms == CASES_START_MS + 60000);
    assert_int_equal(after[1].handle, before[0].handle);
    assert_memory_equal(&after[1].entry, &before[0].entry,
                        offsetof(struct outbox_entry, address.bytes));
    store_fixture_pass(&fixture->store, 7000);
    const struct claimed_entry third = case_claim(&fixture->store, 1000);
    assert_int_equal(third.handle, before[2].handle);
    struct case_delivery look;
    assert_true(case_look(&fixture->store, before[3].handle, &look));
    assert_int_equal(look.seen.state, DELIVERY_ACCEPTED);
}

static void test_what_nobody_looked_at_is_not_promised_twice_after_a_kill(void **state)
{
    struct model_store *fixture = *state;
    struct case_op op;
    for (int i = 0; i < 3; i++) {
        case_op_init(&op, 1, true, true);
        op.salt = 77;
        assert_int_equal(case_op_run(&fixture->store, &op), STORE_COMMITTED);
        assert_int_equal(store_entries(fixture->store.store), 1);
        model_store_reopen(fixture);
    }
}

static void test_entries_get_no_number_twice(void **state)
{
    struct model_store *fixture = *state;
    for (uint64_t i = 1; i <= 3; i++) {
        struct claimed_entry claimed = case_promise(&fixture->store, 1);
        assert_int_equal(claimed.handle, i);
        case_must(&fixture->store, &claimed, DELIVERY_ACCEPTED, STORE_NEVER);
        store_fixture_pass(&fixture->store, 2 * STORE_HISTORY_MS);
        for (int n = 0; n < 2; n++)
            assert_int_equal(model_store_run(fixture, 2, true, false), STORE_COMMITTED);
        assert_int_equal(model_disk_count(&fixture->disk, TABLE_ENTRIES), 0);
        model_store_reopen(fixture);
    }
}

// However long the history, opening reads what is open.
static void test_history_is_not_read_when_it_is_opened(void **state)
{
    struct model_store *fixture = *state;
    struct claimed_entry open = {0};
    for (uint8_t i = 0; i < 60; i++) {
        struct claimed_entry claimed = case_promise(&fixture->store, i);
        if (i == 50)
            open = claimed;
        else
            case_must(&fixture->store, &claimed, DELIVERY_ACCEPTED, STORE_NEVER);
    }
    assert_int_equal(model_store_run(fixture, 1, true, false), STORE_COMMITTED);
    fixture->disk.nexts = 0;
    model_store_reopen(fixture);
    assert_int_equal(fixture->disk.nexts, 10 + 1 + 1); // their end, and that of the settings
    assert_int_equal(store_entries(fixture->store.store), 1);
    // One of the history that is open again is found, and the end of it forgotten again.
    struct claimed_entry again = {.handle = 7};
    case_must(&fixture->store, &again, DELIVERY_QUEUED, CASES_START_MS + 1000);
    model_store_reopen(fixture);
    assert_int_equal(store_entries(fixture->store.store), 2);
    case_must(&fixture->store, &again, DELIVERY_FAILED, STORE_NEVER);
    open.token = 0;
    case_must(&fixture->store, &open, DELIVERY_FAILED, STORE_NEVER);
    assert_int_equal(model_store_run(fixture, 1, true, false), STORE_COMMITTED);
    fixture->disk.nexts = 0;
    model_store_reopen(fixture);
    assert_int_equal(fixture->disk.nexts, 1 + 1);
}

struct reopen_row {
    const char *name;
    int64_t wall_ms; // that the clocks go on by while it is closed
    int64_t mono_ms;
    bool is_other_boot;
    int64_t passed_ms; // by T
};

static const struct reopen_row reopen_rows[] = {
    {"same boot", 3000, 3000, false, 3000},
    {"same boot, clock forward", HOUR_MS, 3000, false, 3000},
    {"same boot, clock back", -HOUR_MS, 3000, false, 3000},
    {"other boot", 60000, 10, true, 60000},
    {"other boot, clock back", -HOUR_MS, 10, true, 1000},
};

static void test_time_over_restarts(void **state)
{
    struct model_store *fixture = *state;
    for (size_t i = 0; i < sizeof reopen_rows / sizeof reopen_rows[0]; i++) {
        const struct reopen_row *row = &reopen_rows[i];
        fixture->store.wall_ms = CASES_START_MS + (int64_t)i * 24 * HOUR_MS;
        fixture->boot.bytes[0]++;
        model_store_reopen(fixture);
        assert_int_equal(model_store_run(fixture, 1, true, false), STORE_COMMITTED);
        int64_t before_ms = store_now_ms(fixture->store.store);
        fixture->store.wall_ms += row->wall_ms;
        fixture->store.mono_ms += row->mono_ms;
        fixture->boot.bytes[0] = (uint8_t)(fixture->boot.bytes[0] + row->is_other_boot);
        model_store_reopen(fixture);
        int64_t passed_ms = store_now_ms(fixture->store.store) - before_ms;
        assert_row_equal(row->name, passed_ms, row->passed_ms);
    }
}

// Refusals and readings of T are committed once a second, and not more often.
static void test_time_that_was_given_out_is_kept(void **state)
{
    struct model_store *fixture = *state;
    size_t commits = fixture->disk.commits;
    int64_t last_ms = 0;
    for (int i = 0; i < 100; i++) {
        store_fixture_pass(&fixture->store, 100);
        assert_int_equal(model_store_run(fixture, 1, false, false), STORE_COMMITTED);
        last_ms = store_now_ms(fixture->store.store);
    }
    assert_int_equal(fixture->disk.commits - commits, 10);
    fixture->store.wall_ms -= HOUR_MS;
    fixture->boot.bytes[0]++;
    model_store_reopen(fixture);
    assert_true(store_now_ms(fixture->store.store) >= last_ms);
}

static void test_nothing_is_written_while_nothing_happens(void **state)
{
    struct model_store *fixture = *state;
    struct claimed_entry claimed;
    size_t commits = fixture->disk.commits;
    for (int i = 0; i < 100; i++) {
        store_fixture_pass(&fixture->store, 1000);
        (void)store_claim(fixture->store.store, &(struct store_claim){.lease_ms = 1}, &claimed, 1);
        (void)case_next_due_ms(&fixture->store);
    }
    assert_int_equal(fixture->disk.commits, commits);
}

// --- what fails how ---

static void test_a_full_disk(void **state)
{
    struct model_store *fixture = *state;
    assert_int_equal(model_store_run(fixture, 1, true, true), STORE_COMMITTED);
    fixture->disk.rows_max = fixture->disk.rows.held;
    struct setting setting = {SPAN("A"), SPAN("value"), 1};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(model_store_run(fixture, 2, true, false), STORE_REFUSED_FULL);
        assert_int_equal(case_read(&fixture->store, 2), 0);
        assert_int_equal(case_read(&fixture->store, 1), 1);
        assert_int_equal(store_settings_put(fixture->store.store, &setting), ERR_IO);
    }
    assert_int_equal(store_entries(fixture->store.store), 1);
    fixture->disk.rows_max = 0;
    assert_int_equal(model_store_run(fixture, 2, true, true), STORE_COMMITTED);
    assert_int_equal(store_settings_put(fixture->store.store, &setting), ERR_OK);
    assert_int_equal(store_entries(fixture->store.store), 2);
}

static void test_deliveries_on_a_full_disk(void **state)
{
    struct model_store *fixture = *state;
    struct case_delivery look;
    struct claimed_entry claimed = case_promise(&fixture->store, 1);
    fixture->disk.rows_max = fixture->disk.rows.held;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(
            case_deliver(&fixture->store, &claimed, DELIVERY_SUBMITTED, CASES_START_MS + 9000),
            STORE_REFUSED_FULL);
        assert_true(case_look(&fixture->store, claimed.handle, &look));
        assert_int_equal(look.seen.state, DELIVERY_QUEUED);
    }
    assert_true(case_next_due_ms(&fixture->store) == CASES_START_MS + 1000);
    fixture->disk.rows_max = 0;
    case_must(&fixture->store, &claimed, DELIVERY_SUBMITTED, CASES_START_MS + 9000);
}

// A full disk mends itself a day later at most.
static void test_history_that_ends_makes_room(void **state)
{
    struct model_store *fixture = *state;
    struct claimed_entry claimed = case_promise(&fixture->store, 1);
    case_must(&fixture->store, &claimed, DELIVERY_ACCEPTED, STORE_NEVER);
    fixture->disk.rows_max = fixture->disk.rows.held;
    assert_int_equal(model_store_run(fixture, 2, true, false), STORE_REFUSED_FULL);
    store_fixture_pass(&fixture->store, 2 * STORE_HISTORY_MS);
    assert_int_equal(model_store_run(fixture, 2, true, false), STORE_COMMITTED);
    assert_int_equal(model_disk_count(&fixture->disk, TABLE_ENTRIES), 0);
}

// The sweep goes by the end of the code, whoever was promised first, and passes over what is open.
static void test_addresses_are_swept_by_the_end_of_their_code(void **state)
{
    struct model_store *fixture = *state;
    static const int64_t lives_ms[] = {10 * HOUR_MS, HOUR_MS, 2 * HOUR_MS};
    struct claimed_entry claimed[3];
    for (uint8_t i = 0; i < 3; i++) {
        struct case_op op;
        case_op_init(&op, i, true, true);
        op.life_ms = lives_ms[i];
        assert_int_equal(case_op_run(&fixture->store, &op), STORE_COMMITTED);
        claimed[i] = case_claim(&fixture->store, 20 * HOUR_MS);
    }
    case_must(&fixture->store, &claimed[0], DELIVERY_ACCEPTED, STORE_NEVER);
    case_must(&fixture->store, &claimed[2], DELIVERY_ACCEPTED, STORE_NEVER);
    static const size_t left[] = {3, 3, 2, 2}; // after 0.5, 1.5, 2.5, 3.5 hours: the second is open
    for (size_t i = 0; i < 4; i++) {
        store_fixture_pass(&fixture->store, i == 0 ? HOUR_MS / 2 : HOUR_MS);
        assert_int_equal(model_store_run(fixture, 9, true, false), STORE_COMMITTED);
        assert_int_equal(model_disk_count(&fixture->disk, TABLE_SEALED), left[i]);
    }
    case_must(&fixture->store, &claimed[1], DELIVERY_FAILED, STORE_NEVER);
    assert_int_equal(model_store_run(fixture, 9, true, false), STORE_COMMITTED);
    assert_int_equal(model_disk_count(&fixture->disk, TABLE_SEALED), 1);
}

struct failure_row {
    const char *name;
    struct model_fault at_begin;
    struct model_fault at_put;
    struct model_fault at_commit;
    enum store_outcome outcome;
    uint64_t uid_after; // a restart
    bool is_at_end;     // the store, from then on
};

static const struct failure_row failure_rows[] = {
    {"begin", {TABLE_FAILED, 0, 0}, {0}, {0}, STORE_REFUSED_FAILED, 1, true},
    {"first put", {0}, {TABLE_FAILED, 0, 0}, {0}, STORE_REFUSED_FAILED, 1, true},
    {"second put", {0}, {TABLE_FAILED, 1, 0}, {0}, STORE_REFUSED_FAILED, 1, true},
    {"commit, lost", {0}, {0}, {TABLE_FAILED, 0, false}, STORE_UNKNOWN, 1, true},
    {"commit, saved", {0}, {0}, {TABLE_FAILED, 0, true}, STORE_UNKNOWN, 2, true},
    {"full at a put", {0}, {TABLE_FULL, 1, 0}, {0}, STORE_REFUSED_FULL, 1, false},
    {"full at the commit", {0}, {0}, {TABLE_FULL, 0, false}, STORE_REFUSED_FULL, 1, false},
};

static void check_at_end(struct model_store *fixture, const struct failure_row *row)
{
    struct claimed_entry claimed;
    struct setting setting = {SPAN("A"), SPAN("value"), 1};
    struct store *store = fixture->store.store;
    enum store_outcome later = row->is_at_end ? STORE_REFUSED_FAILED : STORE_COMMITTED;
    assert_row_equal(row->name, model_store_run(fixture, 2, false, false), later);
    assert_row_equal(row->name, model_store_run(fixture, 3, true, false), later);
    size_t count = store_claim(store, &(struct store_claim){.lease_ms = 1}, &claimed, 1);
    assert_row_equal(row->name, count, !row->is_at_end);
    enum err err = store_settings_put(store, &setting);
    assert_row_equal(row->name, err, row->is_at_end ? ERR_IO : ERR_OK);
}

static void test_failures(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof failure_rows / sizeof failure_rows[0]; i++) {
        const struct failure_row *row = &failure_rows[i];
        void *own;
        (void)model_store_set_up(&own);
        struct model_store *fixture = own;
        assert_int_equal(model_store_run(fixture, 1, true, true), STORE_COMMITTED);
        fixture->disk.at_begin = row->at_begin;
        fixture->disk.at_put = row->at_put;
        fixture->disk.at_commit = row->at_commit;
        assert_row_equal(row->name, model_store_run(fixture, 1, true, true), row->outcome);
        check_at_end(fixture, row);
        model_store_reopen(fixture);
        assert_row_equal(row->name, case_read(&fixture->store, 1), row->uid_after);
        assert_row_equal(row->name, store_entries(fixture->store.store), row->uid_after);
        (void)model_store_tear_down(&own);
    }
}

// The same of an op of an entry.
static void test_failures_of_deliveries(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof failure_rows / sizeof failure_rows[0]; i++) {
        const struct failure_row *row = &failure_rows[i];
        bool is_saved = row->uid_after == 2;
        struct case_delivery look;
        void *own;
        (void)model_store_set_up(&own);
        struct model_store *fixture = own;
        struct claimed_entry claimed = case_promise(&fixture->store, 1);
        fixture->disk.at_begin = row->at_begin;
        fixture->disk.at_put = row->at_put;
        fixture->disk.at_commit = row->at_commit;
        enum store_outcome outcome =
            case_deliver(&fixture->store, &claimed, DELIVERY_SUBMITTED, CASES_START_MS + 9000);
        assert_row_equal(row->name, outcome, row->outcome);
        outcome = case_deliver(&fixture->store, &claimed, DELIVERY_QUEUED, CASES_START_MS);
        assert_row_equal(row->name, outcome,
                         row->is_at_end ? STORE_REFUSED_FAILED : STORE_COMMITTED);
        size_t held = 1;
        uint64_t after = 0;
        struct delivery_row listed;
        enum err err = store_deliveries(fixture->store.store, &(struct delivery_filter){0}, &after,
                                        &listed, &held);
        assert_row_equal(row->name, err, row->is_at_end ? ERR_IO : ERR_OK);
        model_store_reopen(fixture);
        assert_true(case_look(&fixture->store, claimed.handle, &look));
        assert_row_equal(row->name, look.seen.state,
                         is_saved ? DELIVERY_SUBMITTED : DELIVERY_QUEUED);
        (void)model_store_tear_down(&own);
    }
}

enum { QUEUED = ENGINE_OPS_MAX + 10 };

// In whose `done` more is queued than one batch takes.
struct crowd {
    struct case_op op; // first
    struct model_store *fixture;
    struct case_op ops[QUEUED];
    struct case_delivery deliveries[QUEUED];
};

static void bring_all(struct store_op *op, enum store_outcome outcome)
{
    struct crowd *crowd = (struct crowd *)op;
    assert_int_equal(outcome, STORE_COMMITTED);
    crowd->fixture->disk.at_begin = (struct model_fault){TABLE_FAILED, 0, false};
    for (size_t i = 0; i < QUEUED; i++) {
        store_submit(crowd->fixture->store.store, &crowd->ops[i].op);
        store_deliver(crowd->fixture->store.store, &crowd->deliveries[i].op);
    }
}

static void test_what_has_queued_when_it_fails_is_refused(void **state)
{
    struct model_store *fixture = *state;
    struct crowd *crowd = calloc(1, sizeof *crowd);
    const struct claimed_entry claimed = case_promise(&fixture->store, 1);
    crowd->fixture = fixture;
    case_op_init(&crowd->op, 1, false, false);
    crowd->op.op.done = bring_all;
    for (size_t i = 0; i < QUEUED; i++) {
        case_op_init(&crowd->ops[i], 1, true, false);
        case_delivery_init(&crowd->deliveries[i], &claimed, DELIVERY_ACCEPTED, STORE_NEVER);
    }
    store_submit(fixture->store.store, &crowd->op.op);
    for (size_t i = 0; i < QUEUED; i++) {
        assert_int_equal(crowd->ops[i].told, 1);
        assert_int_equal(crowd->ops[i].outcome, STORE_REFUSED_FAILED);
        assert_int_equal(crowd->deliveries[i].told, 1);
        assert_int_equal(crowd->deliveries[i].outcome, STORE_REFUSED_FAILED);
    }
    free(crowd);
}

static void test_a_damaged_record_is_no_empty_one(void **state)
{
    struct model_store *fixture = *state;
    const struct record_key key = {{{1}}};
    assert_int_equal(model_store_run(fixture, 1, true, false), STORE_COMMITTED);
    struct model_row *row =
        model_disk_find(&fixture->disk, TABLE_RECORDS, span_make(&key, sizeof key));
    assert_non_null(row);
    row->value[5] ^= 1;
    struct case_op op;
    case_op_init(&op, 1, true, false);
    assert_int_equal(case_op_run(&fixture->store, &op), STORE_REFUSED_FAILED);
    assert_int_equal(op.runs, 0);
    assert_int_equal(model_store_run(fixture, 2, true, false), STORE_COMMITTED);
    row = model_disk_find(&fixture->disk, TABLE_RECORDS, span_make(&key, sizeof key));
    row->value[5] ^= 1;
    assert_int_equal(case_read(&fixture->store, 1), 1);
}

struct damaged_row {
    const char *name;
    enum table_space space;
    struct span key;
};

#define SEQUENCE_1 "\0\0\0\0\0\0\0\1"
#define MINUTE_OF_END "\1\xC2\x22\x75"

static const struct damaged_row damaged_rows[] = {
    {"entry", TABLE_ENTRIES, SPAN(SEQUENCE_1)},
    {"address", TABLE_SEALED, SPAN(MINUTE_OF_END SEQUENCE_1)},
    {"delivery", TABLE_DELIVERIES, SPAN(SEQUENCE_1)},
    {"reference", TABLE_REFS, SPAN("\0\0\0\0\0\0\0\x65")},
    {"record", TABLE_RECORDS, SPAN("\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")},
};

// An op on an entry of which a row is damaged is refused and changes nothing; others are not.
static void test_a_damaged_entry_is_no_empty_one(void **state)
{
    struct model_store *fixture = *state;
    struct claimed_entry claimed = case_promise(&fixture->store, 1);
    struct claimed_entry other = case_promise(&fixture->store, 2);
    struct case_delivery op;
    case_delivery_init(&op, &claimed, DELIVERY_SUBMITTED, CASES_START_MS + 9000);
    op.ref = 101;
    assert_int_equal(case_delivery_run(&fixture->store, &op), STORE_COMMITTED);
    op.op.handle = op.op.token = 0;
    op.op.ref_tag = 101;
    for (size_t i = 0; i < sizeof damaged_rows / sizeof damaged_rows[0]; i++) {
        const struct damaged_row *row = &damaged_rows[i];
        struct model_row *found = model_disk_find(&fixture->disk, row->space, row->key);
        if (found == NULL)
            fail_msg("%s", row->name);
        found->value[5] ^= 1;
        enum store_outcome outcome = case_delivery_run(&fixture->store, &op);
        assert_row_equal(row->name, outcome, STORE_REFUSED_FAILED);
        assert_row_equal(row->name, op.runs, 0);
        assert_row_equal(row->name, op.op.is_found, false);
        case_must(&fixture->store, &other, DELIVERY_QUEUED, CASES_START_MS + 1);
        other.token = 0;
        found = model_disk_find(&fixture->disk, row->space, row->key);
        found->value[5] ^= 1;
    }
    assert_int_equal(case_delivery_run(&fixture->store, &op), STORE_COMMITTED);
    assert_int_equal(op.runs, 1);
}

// It cannot say how old it is, and nobody can read it.
static void test_damaged_history_does_not_stay_for_ever(void **state)
{
    struct model_store *fixture = *state;
    struct delivery_row rows[3];
    for (uint8_t i = 0; i < 3; i++) {
        struct claimed_entry claimed = case_promise(&fixture->store, i);
        case_must(&fixture->store, &claimed, DELIVERY_ACCEPTED, STORE_NEVER);
    }
    struct model_row *row =
        model_disk_find(&fixture->disk, TABLE_ENTRIES, span_make("\0\0\0\0\0\0\0\2", 8));
    row->value[5] ^= 1;
    assert_int_equal(case_deliveries(&fixture->store, &(struct delivery_filter){0}, rows, 3), 2);
    store_fixture_pass(&fixture->store, STORE_HISTORY_MS);
    for (int i = 0; i < 2; i++)
        assert_int_equal(model_store_run(fixture, 9, true, false), STORE_COMMITTED);
    assert_int_equal(model_disk_count(&fixture->disk, TABLE_ENTRIES), 0);
    assert_int_equal(model_disk_count(&fixture->disk, TABLE_DELIVERIES), 0);
}

// --- expiry ---

enum { PEOPLE = 300 };

static void test_what_has_expired_goes(void **state)
{
    struct model_store *fixture = *state;
    for (uint32_t i = 0; i < PEOPLE; i++)
        add_code_to(fixture, i);
    assert_int_equal(model_disk_count(&fixture->disk, TABLE_RECORDS), PEOPLE);
    assert_int_equal(model_disk_count(&fixture->disk, TABLE_EXPIRY), PEOPLE);
    // One comes again later, one gets a uid and stays.
    store_fixture_pass(&fixture->store, HOUR_MS);
    add_code_to(fixture, 0);
    assert_int_equal(model_disk_count(&fixture->disk, TABLE_EXPIRY), PEOPLE);
    struct case_op op;
    case_op_init(&op, 0, true, false);
    uint32_t number = 1;
    memcpy(&op.op.key, &number, sizeof number);
    assert_int_equal(case_op_run(&fixture->store, &op), STORE_COMMITTED);
    store_fixture_pass(&fixture->store, CODE_MS + CODE_LINGER_MS - HOUR_MS + 2 * MINUTE_MS);
    for (uint8_t i = 0; i < 80; i++)
        assert_int_equal(model_store_run(fixture, 200, true, false), STORE_COMMITTED);
    assert_int_equal(model_disk_count(&fixture->disk, TABLE_RECORDS), 3);
    assert_int_equal(model_disk_count(&fixture->disk, TABLE_EXPIRY), 1);
    store_fixture_pass(&fixture->store, HOUR_MS);
    assert_int_equal(model_store_run(fixture, 200, true, false), STORE_COMMITTED);
    assert_int_equal(model_disk_count(&fixture->disk, TABLE_RECORDS), 2);
    assert_int_equal(model_disk_count(&fixture->disk, TABLE_EXPIRY), 0);
}

// However many records there are, expired or not, an op looks at four rows of the index and their
// records, and at the first address and the first entry.
static void test_expiry_is_bounded_work(void **state)
{
    struct model_store *fixture = *state;
    for (uint32_t i = 0; i < PEOPLE; i++)
        add_code_to(fixture, i);
    fixture->disk.gets = fixture->disk.nexts = 0;
    assert_int_equal(model_store_run(fixture, 200, true, false), STORE_COMMITTED);
    assert_int_equal(fixture->disk.nexts, 1 + 2);
    assert_int_equal(fixture->disk.gets, 1);
    store_fixture_pass(&fixture->store, 10 * HOUR_MS);
    fixture->disk.gets = fixture->disk.nexts = 0;
    assert_int_equal(model_store_run(fixture, 200, true, false), STORE_COMMITTED);
    assert_int_equal(fixture->disk.nexts, 4 + 2);
    assert_int_equal(fixture->disk.gets, 1 + 4);
    assert_int_equal(model_disk_count(&fixture->disk, TABLE_EXPIRY), PEOPLE - 4);
}

// A day's end is no more work for one commit than any other time, and yet it gets done.
static void test_sweeping_the_outbox_is_bounded_work(void **state)
{
    struct model_store *fixture = *state;
    for (int i = 0; i < PEOPLE; i++) {
        struct claimed_entry claimed = case_promise(&fixture->store, 1);
        case_must(&fixture->store, &claimed, DELIVERY_ACCEPTED, STORE_NEVER);
    }
    store_fixture_pass(&fixture->store, 2 * STORE_HISTORY_MS);
    for (size_t i = 1; i <= 3; i++) {
        assert_int_equal(model_store_run(fixture, 1, true, false), STORE_COMMITTED);
        size_t addresses = i < 3 ? PEOPLE - 128 * i : 0;
        assert_int_equal(model_disk_count(&fixture->disk, TABLE_SEALED), addresses);
        assert_int_equal(model_disk_count(&fixture->disk, TABLE_ENTRIES), PEOPLE - 16 * i);
        assert_int_equal(model_disk_count(&fixture->disk, TABLE_DELIVERIES), PEOPLE - 16 * i);
    }
}

static void test_a_damaged_row_of_the_index_is_dropped(void **state)
{
    struct model_store *fixture = *state;
    uint8_t name[CODEC_EXPIRY_KEY_BYTES];
    struct codec_expiry expiry = {
        (uint32_t)((CASES_START_MS + CODE_MS + CODE_LINGER_MS + 1000) / MINUTE_MS + 1), {{{0}}}};
    add_code_to(fixture, 0);
    add_code_to(fixture, 1);
    codec_expiry_key(&expiry, name);
    struct model_row *row =
        model_disk_find(&fixture->disk, TABLE_EXPIRY, span_make(name, sizeof name));
    assert_non_null(row);
    row->value[10] ^= 1;
    store_fixture_pass(&fixture->store, 10 * HOUR_MS);
    assert_int_equal(model_store_run(fixture, 200, true, false), STORE_COMMITTED);
    assert_int_equal(model_disk_count(&fixture->disk, TABLE_EXPIRY), 0);
    assert_int_equal(model_disk_count(&fixture->disk, TABLE_RECORDS), 2); // its own, and 200
}

static void create_for_case(struct store_fixture *store, size_t entries_max)
{
    struct model_disk *disk = calloc(1, sizeof *disk);
    struct err_info info;
    struct embedded_store_options options = embedded_store_defaults;
    options.clock = store_fixture_clock(store);
    options.notices = store_fixture_notices(store);
    options.is_threaded = false;
    options.entries_max = entries_max;
    options.table = model_table_create(disk);
    store->own = disk;
    assert_int_equal(embedded_store_create(&options, &store->store, &info), ERR_OK);
}

static void destroy_for_case(struct store_fixture *store)
{
    model_disk_fini(store->own);
    free(store->own);
}

int main(void)
{
#define CASE(function) \
    cmocka_unit_test_setup_teardown(function, model_store_set_up, model_store_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_all_is_there_after_a_kill),
        CASE(test_deliveries_are_kept),
        CASE(test_what_nobody_looked_at_is_not_promised_twice_after_a_kill),
        CASE(test_history_is_not_read_when_it_is_opened),
        CASE(test_entries_get_no_number_twice),
        CASE(test_time_over_restarts),
        CASE(test_time_that_was_given_out_is_kept),
        CASE(test_nothing_is_written_while_nothing_happens),
        CASE(test_a_full_disk),
        CASE(test_deliveries_on_a_full_disk),
        CASE(test_history_that_ends_makes_room),
        CASE(test_addresses_are_swept_by_the_end_of_their_code),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_failures_of_deliveries),
        CASE(test_what_has_queued_when_it_fails_is_refused),
        CASE(test_a_damaged_record_is_no_empty_one),
        CASE(test_a_damaged_entry_is_no_empty_one),
        CASE(test_damaged_history_does_not_stay_for_ever),
        CASE(test_what_has_expired_goes),
        CASE(test_expiry_is_bounded_work),
        CASE(test_sweeping_the_outbox_is_bounded_work),
        CASE(test_a_damaged_row_of_the_index_is_dropped),
    };
    const struct store_maker maker = {.name = "embedded store without a thread",
                                      .create = create_for_case,
                                      .destroy = destroy_for_case};
    return store_cases_run(&maker, tests, sizeof tests / sizeof tests[0]);
}
