// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The whole of it, journal, overlays, checkpoints and replay, over a disk and a table in memory: it
// is at any time what a plain table is, over crashes and failures at any call. And with its threads
// over the machine's.
//
// JOURNAL_RUNS in the environment says how many seeds are run: 200 unless set. With JOURNAL_SEEDS
// each is named as it begins.
#include "store/embedded/journal_table.h"

#include "sim/model_files.h"
#include "sim/model_table.h"
#include "store/embedded/journal.h"
#include "unit/unit.h"

#include <stdlib.h>

#define SMALL_JOURNAL_BYTES ((size_t)16 * JOURNAL_SEGMENT_BYTES_LEAST)
#define TRANSACTIONS 300U
#define KEYS 60U

static const enum table_space some_spaces[] = {TABLE_RECORDS, TABLE_ENTRIES, TABLE_EXPIRY,
                                               TABLE_SETTINGS};

struct counts {
    uint64_t transactions, crashes, failures, full, checkpoints, unsure_kept, unsure_lost;
};

struct fixture {
    struct seeded dice;
    struct model_disk disk; // behind
    struct model_files files;
    struct table *table;
    struct model_disk expected_disk;
    struct table *expected;
    uint64_t number; // of the last transaction that is in `expected`
    struct counts *counts;
};

static void open_table(struct fixture *fixture)
{
    struct err_info info = {{0}};
    const struct journal_table_options options = {
        .base = model_table_create(&fixture->disk),
        .view = model_view_create(&fixture->disk),
        .disk = model_files_disk(&fixture->files),
        .journal_bytes = SMALL_JOURNAL_BYTES,
        .entropy = seeded_entropy(&fixture->dice),
        .step_rows = 20,
    };
    enum err err = journal_table_create(&options, &fixture->table, &info);
    if (err != ERR_OK)
        print_message("open: %s\n", info.text);
    assert_int_equal(err, ERR_OK);
}

static void begin_run(struct fixture *fixture, uint64_t seed, struct counts *counts)
{
    *fixture = (struct fixture){.counts = counts};
    seeded_init(&fixture->dice, seed);
    fixture->expected = model_table_create(&fixture->expected_disk);
    open_table(fixture);
}

static void end_run(struct fixture *fixture)
{
    table_destroy(&fixture->table);
    table_destroy(&fixture->expected);
    model_disk_fini(&fixture->disk);
    model_disk_fini(&fixture->expected_disk);
    model_files_fini(&fixture->files);
}

static struct span draw_key(struct seeded *dice, uint8_t storage[8])
{
    uint64_t number = seeded_below(dice, KEYS) * UINT64_C(0x9e3779b97f4a7c15);
    memcpy(storage, &number, 8);
    return span_make(storage, 1 + number % 8);
}

// The same change to both, or the same look at both.
static void change_one(struct fixture *fixture)
{
    uint8_t key[8], value[600];
    struct seeded *dice = &fixture->dice;
    enum table_space space = some_spaces[seeded_below(dice, 4)];
    struct span name = draw_key(dice, key);
    memset(value, (int)seeded_below(dice, 250), sizeof value);
    struct span bytes = span_make(value, seeded_below(dice, sizeof value));
    if (seeded_below(dice, 3) > 0) {
        assert_int_equal(table_put(fixture->expected, space, name, bytes), TABLE_OK);
        assert_int_equal(table_put(fixture->table, space, name, bytes), TABLE_OK);
        return;
    }
    enum table_result result = table_del(fixture->expected, space, name);
    assert_int_equal(table_del(fixture->table, space, name), result);
}

static void check_one(struct fixture *fixture)
{
    uint8_t key[8];
    struct seeded *dice = &fixture->dice;
    enum table_space space = some_spaces[seeded_below(dice, 4)];
    struct span name = draw_key(dice, key), expected, got, expected_key, got_key;
    enum table_result result = table_get(fixture->expected, space, name, &expected);
    assert_int_equal(table_get(fixture->table, space, name, &got), result);
    assert_true(result != TABLE_OK || span_eq(expected, got));
    if (seeded_below(dice, 2) == 0)
        name = SPAN("");
    result = table_next(fixture->expected, space, name, &expected_key, &expected);
    assert_int_equal(table_next(fixture->table, space, name, &got_key, &got), result);
    assert_true(result != TABLE_OK || (span_eq(expected_key, got_key) && span_eq(expected, got)));
}

// As the engine pops what has expired.
static void pop_one(struct fixture *fixture)
{
    struct span key, value;
    uint8_t name[8];
    if (table_next(fixture->table, TABLE_EXPIRY, SPAN(""), &key, &value) != TABLE_OK)
        return;
    assert_in_range(key.len, 1, sizeof name);
    memcpy(name, key.data, key.len);
    struct span first = span_make(name, key.len);
    assert_int_equal(table_del(fixture->table, TABLE_EXPIRY, first), TABLE_OK);
    assert_int_equal(table_del(fixture->expected, TABLE_EXPIRY, first), TABLE_OK);
}

static void put_number(struct fixture *fixture)
{
    uint64_t number = fixture->number + 1;
    struct span value = span_make(&number, sizeof number);
    assert_int_equal(table_put(fixture->expected, TABLE_META, SPAN("number"), value), TABLE_OK);
    assert_int_equal(table_put(fixture->table, TABLE_META, SPAN("number"), value), TABLE_OK);
}

static void run_body(struct fixture *fixture)
{
    assert_int_equal(table_begin(fixture->expected), TABLE_OK);
    for (uint64_t i = seeded_below(&fixture->dice, 12); i > 0; i--) {
        change_one(fixture);
        check_one(fixture);
        if (seeded_below(&fixture->dice, 3) == 0)
            pop_one(fixture);
    }
    put_number(fixture);
}

static void keep(struct fixture *fixture)
{
    assert_int_equal(table_commit(fixture->expected), TABLE_OK);
    fixture->number++;
}

// What is there now: with the transaction that nobody was told of, or without.
static void settle_unsure(struct fixture *fixture, bool is_begun)
{
    uint64_t number = 0;
    struct span value;
    assert_int_equal(table_begin(fixture->table), TABLE_OK);
    enum table_result result = table_get(fixture->table, TABLE_META, SPAN("number"), &value);
    if (result == TABLE_OK)
        memcpy(&number, value.data, sizeof number);
    table_abort(fixture->table);
    assert_in_range(number, fixture->number, fixture->number + is_begun);
    fixture->counts->unsure_kept += number > fixture->number;
    fixture->counts->unsure_lost += is_begun && number == fixture->number;
    if (number > fixture->number)
        keep(fixture);
    else
        table_abort(fixture->expected);
}

static void check_space(struct fixture *fixture, enum table_space space)
{
    struct span expected_key = SPAN(""), key, value, expected;
    uint8_t storage[TABLE_KEY_BYTES_MAX];
    size_t len = 0;
    while (table_next(fixture->expected, space, expected_key, &expected_key, &expected) ==
           TABLE_OK) {
        struct span after = span_make(storage, len);
        assert_int_equal(table_next(fixture->table, space, after, &key, &value), TABLE_OK);
        assert_true(span_eq(key, expected_key));
        assert_true(span_eq(value, expected));
        memcpy(storage, key.data, key.len);
        len = key.len;
    }
    struct span last = span_make(storage, len);
    assert_int_equal(table_next(fixture->table, space, last, &key, &value), TABLE_NONE);
}

static void check_all(struct fixture *fixture)
{
    assert_int_equal(table_begin(fixture->expected), TABLE_OK);
    assert_int_equal(table_begin(fixture->table), TABLE_OK);
    for (size_t i = 0; i < 4; i++)
        check_space(fixture, some_spaces[i]);
    check_space(fixture, TABLE_META);
    table_abort(fixture->expected);
    table_abort(fixture->table);
}

static void restart(struct fixture *fixture, bool is_begun)
{
    struct journal_table_figures figures;
    journal_table_figures(fixture->table, &figures);
    fixture->counts->checkpoints += figures.checkpoints;
    table_destroy(&fixture->table);
    if (fixture->files.is_crashed || seeded_below(&fixture->dice, 2) == 0)
        model_files_crash(&fixture->files, &fixture->dice);
    fixture->files.fault_at = 0;
    fixture->disk.at_commit = (struct model_fault){.result = TABLE_OK};
    open_table(fixture);
    settle_unsure(fixture, is_begun);
    check_all(fixture);
}

static void lay_fault(struct fixture *fixture)
{
    static const enum model_files_fault faults[] = {MODEL_FILES_CRASH, MODEL_FILES_CRASH_AFTER,
                                                    MODEL_FILES_EIO};
    struct seeded *dice = &fixture->dice;
    uint64_t which = seeded_below(dice, 60);
    if (which < 3) {
        fixture->files.fault_at = fixture->files.calls + 1 + seeded_below(dice, 30);
        fixture->files.fault = faults[which];
    } else if (which == 3) {
        fixture->disk.at_commit =
            (struct model_fault){.result = TABLE_FAILED, .is_applied = seeded_below(dice, 2) == 0};
    } else if (which == 4) {
        fixture->disk.at_put =
            (struct model_fault){.result = TABLE_FULL, .calls = seeded_below(dice, 50)};
    } else if (which == 5) {
        fixture->disk.at_commit = (struct model_fault){.result = TABLE_FULL};
    }
}

// One transaction; a restart when something has failed.
static void run_transaction(struct fixture *fixture)
{
    fixture->counts->transactions++;
    lay_fault(fixture);
    if (table_begin(fixture->table) != TABLE_OK) {
        fixture->counts->failures++;
        restart(fixture, false);
        return;
    }
    run_body(fixture);
    if (seeded_below(&fixture->dice, 10) == 0) {
        table_abort(fixture->table);
        table_abort(fixture->expected);
        return;
    }
    enum table_result result = table_commit(fixture->table);
    if (result == TABLE_OK) {
        keep(fixture);
        return;
    }
    fixture->counts->full += result == TABLE_FULL;
    fixture->counts->crashes += fixture->files.is_crashed;
    if (result == TABLE_FULL) {
        table_abort(fixture->expected);
        return;
    }
    restart(fixture, true);
}

static uint64_t runs_count(void)
{
    const char *text = getenv("JOURNAL_RUNS");
    uint64_t count = 0;
    for (; text != NULL && ascii_is_digit((uint8_t)*text); text++)
        count = count * 10 + (uint64_t)(*text - '0');
    return count > 0 ? count : 200;
}

static void test_it_is_what_a_plain_table_is(void **state)
{
    (void)state;
    struct counts counts = {0};
    for (uint64_t seed = 1; seed <= runs_count(); seed++) {
        struct fixture fixture;
        if (getenv("JOURNAL_SEEDS") != NULL)
            print_message("# seed %zu\n", (size_t)seed);
        begin_run(&fixture, seed, &counts);
        for (uint64_t i = 0; i < TRANSACTIONS; i++)
            run_transaction(&fixture);
        restart(&fixture, false);
        end_run(&fixture);
    }
    print_message("# transactions %zu, crashes %zu, failures %zu, checkpoints %zu; of unanswered "
                  "ones kept %zu, gone %zu; violations 0\n",
                  (size_t)counts.transactions, (size_t)counts.crashes, (size_t)counts.failures,
                  (size_t)counts.checkpoints, (size_t)counts.unsure_kept,
                  (size_t)counts.unsure_lost);
    assert_true(counts.crashes > 0 && counts.failures > 0 && counts.checkpoints > 0);
    assert_true(counts.unsure_kept > 0 && counts.unsure_lost > 0);
}

// --- by hand ---

static void put_commit(struct table *table, const char *key, size_t bytes)
{
    static uint8_t value[16000];
    struct span name = span_of_text(key);
    assert_int_equal(table_begin(table), TABLE_OK);
    assert_int_equal(table_put(table, TABLE_RECORDS, name, span_make(value, bytes)), TABLE_OK);
    assert_int_equal(table_commit(table), TABLE_OK);
}

// What is flushed is in the table behind, and what was deleted is not.
static void test_a_flush_moves_all(void **state)
{
    (void)state;
    struct counts counts = {0};
    struct fixture fixture;
    begin_run(&fixture, 1, &counts);
    put_commit(fixture.table, "a", 100);
    put_commit(fixture.table, "b", 100);
    assert_null(model_disk_find(&fixture.disk, TABLE_RECORDS, SPAN("a")));
    assert_int_equal(journal_table_flush(fixture.table), TABLE_OK);
    assert_non_null(model_disk_find(&fixture.disk, TABLE_RECORDS, SPAN("a")));
    assert_int_equal(table_begin(fixture.table), TABLE_OK);
    assert_int_equal(table_del(fixture.table, TABLE_RECORDS, SPAN("a")), TABLE_OK);
    assert_int_equal(table_commit(fixture.table), TABLE_OK);
    assert_int_equal(journal_table_flush(fixture.table), TABLE_OK);
    assert_null(model_disk_find(&fixture.disk, TABLE_RECORDS, SPAN("a")));
    assert_non_null(model_disk_find(&fixture.disk, TABLE_RECORDS, SPAN("b")));
    end_run(&fixture);
}

// Steady work leaves files and rows as they are.
static void test_files_stay_few(void **state)
{
    (void)state;
    struct counts counts = {0};
    struct fixture fixture;
    struct journal_table_figures figures;
    begin_run(&fixture, 1, &counts);
    for (int i = 0; i < 3000; i++) {
        put_commit(fixture.table, i % 2 == 0 ? "a" : "b", 3000);
        assert_in_range(fixture.files.names.held, 1, 17);
    }
    journal_table_figures(fixture.table, &figures);
    assert_true(figures.checkpoints > 20);
    assert_int_equal(figures.sequence, 3000);
    assert_int_equal(figures.synced, 3000);
    end_run(&fixture);
}

// The table behind has no room: tight, but commits go on from what there is; then none; then again.
static void test_no_room_behind(void **state)
{
    (void)state;
    struct counts counts = {0};
    struct fixture fixture;
    begin_run(&fixture, 1, &counts);
    fixture.disk.rows_max = 1; // its own
    enum table_result result = TABLE_OK;
    int commits = 0, commits_tight = 0;
    for (; result == TABLE_OK; commits++) {
        assert_int_equal(table_begin(fixture.table), TABLE_OK);
        commits_tight += table_is_tight(fixture.table);
        assert_int_equal(table_put(fixture.table, TABLE_RECORDS,
                                   span_make(&commits, sizeof commits), SPAN("value")),
                         TABLE_OK);
        result = table_commit(fixture.table);
    }
    assert_int_equal(result, TABLE_FULL);
    assert_true(commits_tight > 20);
    fixture.disk.rows_max = 0;
    put_commit(fixture.table, "a", 10);
    put_commit(fixture.table, "a", 10);
    assert_false(table_is_tight(fixture.table));
    end_run(&fixture);
}

static void expect_refusal(struct fixture *fixture, const char *story)
{
    struct err_info info = {{0}};
    struct table *table = NULL;
    const struct journal_table_options options = {
        .base = model_table_create(&fixture->disk),
        .view = model_view_create(&fixture->disk),
        .disk = model_files_disk(&fixture->files),
        .journal_bytes = SMALL_JOURNAL_BYTES,
        .entropy = seeded_entropy(&fixture->dice),
        .step_rows = 20,
    };
    assert_int_equal(journal_table_create(&options, &table, &info), ERR_INVALID);
    assert_null(table);
    assert_non_null(strstr(info.text, story));
}

static void test_what_does_not_belong_together_is_refused(void **state)
{
    (void)state;
    struct counts counts = {0};
    struct fixture fixture, other;
    begin_run(&fixture, 1, &counts);
    begin_run(&other, 2, &counts);
    table_destroy(&fixture.table);
    table_destroy(&other.table);
    const struct model_files own = fixture.files;
    fixture.files = other.files;
    expect_refusal(&fixture, "another directory");
    other.files = fixture.files;
    fixture.files = (struct model_files){0};
    expect_refusal(&fixture, "is missing");
    model_files_fini(&fixture.files);
    fixture.files = own;
    model_disk_fini(&fixture.disk);
    expect_refusal(&fixture, "does not know of");
    end_run(&fixture);
    end_run(&other);
}

// A table of before, with rows.
static void test_a_table_without_a_journal_is_taken_over(void **state)
{
    (void)state;
    struct counts counts = {0};
    struct fixture fixture = {.counts = &counts};
    struct span value;
    seeded_init(&fixture.dice, 1);
    struct table *plain = model_table_create(&fixture.disk);
    put_commit(plain, "a", 5);
    table_destroy(&plain);
    open_table(&fixture);
    assert_int_equal(table_begin(fixture.table), TABLE_OK);
    assert_int_equal(table_get(fixture.table, TABLE_RECORDS, SPAN("a"), &value), TABLE_OK);
    assert_int_equal(value.len, 5);
    end_run(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_what_a_plain_table_is),
        cmocka_unit_test(test_a_flush_moves_all),
        cmocka_unit_test(test_files_stay_few),
        cmocka_unit_test(test_no_room_behind),
        cmocka_unit_test(test_what_does_not_belong_together_is_refused),
        cmocka_unit_test(test_a_table_without_a_journal_is_taken_over),
    };
    return cmocka_run_group_tests_name("journal_table", tests, NULL, NULL);
}
