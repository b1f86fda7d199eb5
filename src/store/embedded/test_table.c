// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The same cases on LMDB, on the model of it that other tests use, and on a journal in front of
// either.
#include "store/embedded/lmdb_table.h"

#include "sim/model_files.h"
#include "sim/model_table.h"
#include "store/embedded/journal_table.h"
#include "store/embedded/posix_disk.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SMALL_BYTES (256U << 10)

struct sort {
    bool is_model;
    bool is_journaled;
};

struct fixture {
    struct sort sort;
    char directory[64];
    char journal[80];
    struct model_disk disk;
    struct model_files files;
    struct seeded dice;
    struct table *table;
};

static struct table *open_base(struct fixture *fixture)
{
    struct err_info info;
    struct table *table = NULL;
    const struct lmdb_table_options options = {.directory = fixture->directory,
                                               .bytes_max = SMALL_BYTES};
    if (fixture->sort.is_model)
        return model_table_create(&fixture->disk);
    assert_int_equal(lmdb_table_create(&options, &table, &info), ERR_OK);
    return table;
}

static struct disk *open_disk(struct fixture *fixture)
{
    struct err_info info;
    struct disk *disk = NULL;
    if (fixture->sort.is_model)
        return model_files_disk(&fixture->files);
    assert_int_equal(posix_disk_create(fixture->journal, &disk, &info), ERR_OK);
    return disk;
}

static void open_table(struct fixture *fixture)
{
    struct err_info info;
    struct table *base = open_base(fixture);
    if (!fixture->sort.is_journaled) {
        fixture->table = base;
        return;
    }
    const struct journal_table_options options = {
        .base = base,
        .view = fixture->sort.is_model ? model_view_create(&fixture->disk) : lmdb_view_create(base),
        .disk = open_disk(fixture),
        .journal_bytes = JOURNAL_BYTES_LEAST,
        .entropy = seeded_entropy(&fixture->dice),
        .step_rows = CHECKPOINT_STEP_ROWS,
        .is_threaded = !fixture->sort.is_model,
    };
    assert_int_equal(journal_table_create(&options, &fixture->table, &info), ERR_OK);
}

static void reopen(struct fixture *fixture)
{
    table_destroy(&fixture->table);
    open_table(fixture);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->sort = *(const struct sort *)*state;
    memcpy(fixture->directory, "/tmp/test_table.XXXXXX", sizeof "/tmp/test_table.XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    (void)snprintf(fixture->journal, sizeof fixture->journal, "%s/journal", fixture->directory);
    seeded_init(&fixture->dice, 1);
    open_table(fixture);
    *state = fixture;
    return 0;
}

static void remove_name(void *ctx, const char *name)
{
    assert_int_equal(disk_remove(ctx, name), DISK_OK);
}

static void remove_journal(struct fixture *fixture)
{
    struct disk *disk = open_disk(fixture);
    assert_int_equal(disk_list(disk, remove_name, disk), DISK_OK);
    disk_destroy(&disk);
    assert_int_equal(fixture->sort.is_model ? 0 : rmdir(fixture->journal), 0);
}

static int tear_down(void **state)
{
    static const char *const names[] = {"/table.mdb", "/table.mdb-lock"};
    struct fixture *fixture = *state;
    table_destroy(&fixture->table);
    if (fixture->sort.is_journaled)
        remove_journal(fixture);
    model_disk_fini(&fixture->disk);
    model_files_fini(&fixture->files);
    for (size_t i = 0; i < 2; i++) {
        char path[96];
        (void)snprintf(path, sizeof path, "%s%s", fixture->directory, names[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(fixture->directory), 0);
    free(fixture);
    return 0;
}

static void put(struct fixture *fixture, enum table_space space, const char *key, const char *value)
{
    assert_int_equal(table_put(fixture->table, space, span_of_text(key), span_of_text(value)),
                     TABLE_OK);
}

// "-" when it is not there.
static void check(struct fixture *fixture, enum table_space space, const char *key,
                  const char *expected)
{
    struct span value = SPAN("-");
    enum table_result result = table_get(fixture->table, space, span_of_text(key), &value);
    assert_int_equal(result, strcmp(expected, "-") == 0 ? TABLE_NONE : TABLE_OK);
    assert_true(span_eq(value, span_of_text(expected)));
}

static void begin(struct fixture *fixture)
{
    assert_int_equal(table_begin(fixture->table), TABLE_OK);
}

static void commit(struct fixture *fixture)
{
    assert_int_equal(table_commit(fixture->table), TABLE_OK);
}

static void test_what_is_committed_stays(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    put(fixture, TABLE_RECORDS, "a", "1");
    put(fixture, TABLE_META, "a", "2");
    check(fixture, TABLE_RECORDS, "a", "1");
    put(fixture, TABLE_RECORDS, "a", "");
    commit(fixture);
    reopen(fixture);
    begin(fixture);
    check(fixture, TABLE_RECORDS, "a", "");
    check(fixture, TABLE_META, "a", "2");
    check(fixture, TABLE_ENTRIES, "a", "-");
    table_abort(fixture->table);
}

static void test_what_is_not_committed_vanishes(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    put(fixture, TABLE_RECORDS, "a", "1");
    commit(fixture);
    begin(fixture);
    put(fixture, TABLE_RECORDS, "a", "2");
    put(fixture, TABLE_RECORDS, "b", "2");
    table_abort(fixture->table);
    begin(fixture);
    check(fixture, TABLE_RECORDS, "a", "1");
    assert_int_equal(table_del(fixture->table, TABLE_RECORDS, SPAN("a")), TABLE_OK);
    check(fixture, TABLE_RECORDS, "a", "-");
    assert_int_equal(table_del(fixture->table, TABLE_RECORDS, SPAN("a")), TABLE_NONE);
    reopen(fixture); // as after a crash
    begin(fixture);
    check(fixture, TABLE_RECORDS, "a", "1");
    check(fixture, TABLE_RECORDS, "b", "-");
    table_abort(fixture->table);
}

static void test_rows_come_in_the_order_of_their_bytes(void **state)
{
    struct fixture *fixture = *state;
    static const char *const keys[] = {"b", "\xff", "ab", "a", "aa"};
    static const char *const sorted[] = {"a", "aa", "ab", "b", "\xff"};
    begin(fixture);
    put(fixture, TABLE_RECORDS, "zz", "other space");
    for (size_t i = 0; i < 5; i++)
        put(fixture, TABLE_EXPIRY, keys[i], keys[i]);
    struct span key = SPAN(""), value;
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(table_next(fixture->table, TABLE_EXPIRY, key, &key, &value), TABLE_OK);
        assert_true(span_eq(key, span_of_text(sorted[i])));
        assert_true(span_eq(value, key));
    }
    assert_int_equal(table_next(fixture->table, TABLE_EXPIRY, key, &key, &value), TABLE_NONE);
    assert_int_equal(table_next(fixture->table, TABLE_META, SPAN(""), &key, &value), TABLE_NONE);
    assert_int_equal(table_next(fixture->table, TABLE_EXPIRY, SPAN("ac"), &key, &value), TABLE_OK);
    assert_true(span_eq(key, SPAN("b")));
    table_abort(fixture->table);
}

static enum table_result fill(struct table *table, size_t *rows_out)
{
    static const uint8_t big[1000];
    enum table_result result = TABLE_OK;
    for (uint32_t i = 0; result == TABLE_OK && i < 10000; i++) {
        result =
            table_put(table, TABLE_RECORDS, span_make(&i, sizeof i), span_make(big, sizeof big));
        *rows_out += result == TABLE_OK;
    }
    return result;
}

// What did not fit leaves no trace, and what is there can be read and made smaller.
static void test_a_full_table(void **state)
{
    struct fixture *fixture = *state;
    fixture->disk.rows_max = 100;
    begin(fixture);
    put(fixture, TABLE_META, "a", "1");
    commit(fixture);
    begin(fixture);
    size_t rows = 0;
    assert_int_equal(fill(fixture->table, &rows), TABLE_FULL);
    assert_true(rows > 10);
    assert_string_not_equal(table_failure(fixture->table), "");
    table_abort(fixture->table);
    begin(fixture);
    struct span key, value;
    assert_int_equal(table_next(fixture->table, TABLE_RECORDS, SPAN(""), &key, &value), TABLE_NONE);
    check(fixture, TABLE_META, "a", "1");
    put(fixture, TABLE_META, "b", "2");
    commit(fixture);
}

static void test_nobody_else_may_read_the_file(void **state)
{
    struct fixture *fixture = *state;
    struct stat file;
    char path[96];
    (void)snprintf(path, sizeof path, "%s/table.mdb", fixture->directory);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
}

static void test_a_file_that_is_none(void **state)
{
    struct fixture *fixture = *state;
    struct err_info info;
    char path[96];
    (void)snprintf(path, sizeof path, "%s/table.mdb", fixture->directory);
    table_destroy(&fixture->table);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 9000; i++)
        (void)fputc('x', file);
    assert_int_equal(fclose(file), 0);
    const struct lmdb_table_options options = {.directory = fixture->directory,
                                               .bytes_max = SMALL_BYTES};
    assert_int_equal(lmdb_table_create(&options, &fixture->table, &info), ERR_INVALID);
    assert_null(fixture->table);
    assert_non_null(strstr(info.text, path));
}

int main(void)
{
#define CASE(function, sort) \
    cmocka_unit_test_prestate_setup_teardown(function, set_up, tear_down, sort)
#define BOTH(function) CASE(function, &lmdb), CASE(function, &model)
#define ALL(function) BOTH(function), CASE(function, &journaled), CASE(function, &journaled_model)
    static struct sort lmdb, model = {.is_model = true}, journaled = {.is_journaled = true},
                             journaled_model = {true, true};
    const struct CMUnitTest tests[] = {
        ALL(test_what_is_committed_stays),
        ALL(test_what_is_not_committed_vanishes),
        ALL(test_rows_come_in_the_order_of_their_bytes),
        BOTH(test_a_full_table),
        CASE(test_nobody_else_may_read_the_file, &lmdb),
        CASE(test_a_file_that_is_none, &lmdb),
    };
    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
