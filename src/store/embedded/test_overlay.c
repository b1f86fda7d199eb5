// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Against a model that is nothing but a sorted array, and a few cases by hand.
#include "store/embedded/overlay.h"

#include "sim/model_table.h"
#include "sim/seeded.h"
#include "unit/unit.h"

#include <stdlib.h>

#define RUNS 60
#define STEPS 400
#define KEYS 150U

static const enum table_space some_spaces[] = {TABLE_RECORDS, TABLE_ENTRIES, TABLE_EXPIRY};

struct fixture {
    struct overlay overlay;
    struct model_disk disk; // a deleted row is one with the value "-"
    struct table *table;
    struct seeded dice;
};

static void set_up_run(struct fixture *fixture, uint64_t seed)
{
    *fixture = (struct fixture){0};
    seeded_init(&fixture->dice, seed);
    fixture->table = model_table_create(&fixture->disk);
}

static void tear_down_run(struct fixture *fixture)
{
    overlay_fini(&fixture->overlay);
    table_destroy(&fixture->table);
    model_disk_fini(&fixture->disk);
}

static struct span draw_key(struct seeded *dice, uint8_t storage[8])
{
    uint64_t number = seeded_below(dice, KEYS) * UINT64_C(0x9e3779b97f4a7c15);
    memcpy(storage, &number, 8);
    return span_make(storage, 1 + number % 8);
}

static void put_one(struct fixture *fixture)
{
    uint8_t key[8], value[40] = {0};
    struct seeded *dice = &fixture->dice;
    struct journal_row row = {.space = some_spaces[seeded_below(dice, 3)],
                              .is_deleted = seeded_below(dice, 3) == 0,
                              .key = draw_key(dice, key)};
    value[0] = (uint8_t)seeded_below(dice, 200);
    if (!row.is_deleted)
        row.value = span_make(value, seeded_below(dice, sizeof value));
    assert_true(overlay_put(&fixture->overlay, &row));
    struct span shown = row.is_deleted ? SPAN("-") : row.value;
    assert_int_equal(table_put(fixture->table, row.space, row.key, shown), TABLE_OK);
}

static bool is_same(const struct journal_row *row, struct span shown)
{
    return row->is_deleted ? span_eq(shown, SPAN("-")) : span_eq(row->value, shown);
}

static void check_gets(struct fixture *fixture)
{
    uint8_t key[8];
    for (int i = 0; i < 20; i++) {
        enum table_space space = some_spaces[seeded_below(&fixture->dice, 3)];
        struct span name = draw_key(&fixture->dice, key), shown;
        struct journal_row row;
        bool is_there = table_get(fixture->table, space, name, &shown) == TABLE_OK;
        assert_int_equal(overlay_get(&fixture->overlay, space, name, &row), is_there);
        assert_true(!is_there || is_same(&row, shown));
    }
}

static void check_order(struct fixture *fixture, enum table_space space)
{
    struct span key = SPAN(""), shown;
    struct journal_row row = {.key = SPAN("")};
    while (table_next(fixture->table, space, key, &key, &shown) == TABLE_OK) {
        assert_true(overlay_next(&fixture->overlay, space, row.key, &row));
        assert_true(span_eq(row.key, key));
        assert_true(is_same(&row, shown));
    }
    assert_false(overlay_next(&fixture->overlay, space, row.key, &row));
}

static void arrange_one(struct fixture *fixture)
{
    uint8_t key[8];
    enum table_space space = some_spaces[seeded_below(&fixture->dice, 3)];
    bool is_from_start = seeded_below(&fixture->dice, 2) == 0;
    struct span after = is_from_start ? SPAN("") : draw_key(&fixture->dice, key);
    if (space != TABLE_RECORDS)
        overlay_arrange(&fixture->overlay, space, after);
}

static void check_sorted(const struct fixture *fixture)
{
    uint32_t *order = overlay_sorted(&fixture->overlay);
    assert_non_null(order);
    for (size_t i = 0; i < overlay_count(&fixture->overlay); i++) {
        const struct model_row *expected = fixture->disk.rows.rows[i];
        struct journal_row row;
        overlay_at(&fixture->overlay, order[i], &row);
        assert_int_equal(row.space, expected->space);
        assert_true(span_eq(row.key, span_make(expected->key, expected->key_len)));
    }
    assert_int_equal(overlay_count(&fixture->overlay), fixture->disk.rows.held);
    free(order);
}

static void end_transaction(struct fixture *fixture, bool is_kept)
{
    if (is_kept) {
        overlay_commit(&fixture->overlay);
        assert_int_equal(table_commit(fixture->table), TABLE_OK);
    } else {
        overlay_abort(&fixture->overlay);
        table_abort(fixture->table);
    }
}

static void test_it_is_what_a_sorted_array_is(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        struct fixture fixture;
        set_up_run(&fixture, seed);
        for (int i = 0; i < STEPS / 10; i++) {
            assert_int_equal(table_begin(fixture.table), TABLE_OK);
            for (uint64_t puts = seeded_below(&fixture.dice, 20); puts > 0; puts--)
                put_one(&fixture);
            if (seeded_below(&fixture.dice, 3) == 0)
                arrange_one(&fixture);
            check_gets(&fixture);
            check_order(&fixture, some_spaces[seeded_below(&fixture.dice, 3)]);
            end_transaction(&fixture, seeded_below(&fixture.dice, 3) > 0);
        }
        assert_int_equal(table_begin(fixture.table), TABLE_OK);
        for (size_t i = 0; i < 3; i++)
            check_order(&fixture, some_spaces[i]);
        check_sorted(&fixture);
        tear_down_run(&fixture);
    }
}

static struct journal_row row_of(uint64_t number)
{
    static uint64_t key;
    key = __builtin_bswap64(number);
    return (struct journal_row){TABLE_EXPIRY, false, span_make(&key, sizeof key), SPAN("value")};
}

static void put_many(struct overlay *overlay, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        const struct journal_row row = row_of(i * 7919 % count);
        assert_true(overlay_put(overlay, &row));
    }
}

static void test_many_rows_stay_in_order(void **state)
{
    (void)state;
    struct overlay overlay = {0};
    struct journal_row row = {.key = SPAN("")};
    put_many(&overlay, 50000);
    overlay_commit(&overlay);
    for (uint64_t i = 0; i < 50000; i++) {
        overlay_arrange(&overlay, TABLE_EXPIRY, row.key);
        assert_true(overlay_next(&overlay, TABLE_EXPIRY, row.key, &row));
        assert_true(span_eq(row.key, row_of(i).key));
    }
    overlay_fini(&overlay);
}

static void test_an_abort_leaves_nothing(void **state)
{
    (void)state;
    struct overlay overlay = {0};
    struct journal_row row;
    put_many(&overlay, 5000);
    overlay_abort(&overlay);
    assert_int_equal(overlay_count(&overlay), 0);
    assert_int_equal(overlay_bytes(&overlay), 0);
    assert_false(overlay_next(&overlay, TABLE_EXPIRY, SPAN(""), &row));
    put_many(&overlay, 1000);
    assert_int_equal(overlay_uncommitted(&overlay).len, 1000 * (4 + 8 + 5));
    overlay_fini(&overlay);
}

static void test_what_is_cleared_is_empty(void **state)
{
    (void)state;
    struct overlay overlay = {0};
    struct journal_row row;
    for (int i = 0; i < 3; i++) {
        put_many(&overlay, 3000);
        overlay_commit(&overlay);
        overlay_clear(&overlay, i == 1 ? 100 : 1000000);
        assert_int_equal(overlay_count(&overlay), 0);
        assert_false(overlay_get(&overlay, TABLE_EXPIRY, row_of(1).key, &row));
        assert_false(overlay_next(&overlay, TABLE_EXPIRY, SPAN(""), &row));
        assert_true(i != 1 || overlay.rows.cap == 0);
    }
    overlay_fini(&overlay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_what_a_sorted_array_is),
        cmocka_unit_test(test_many_rows_stay_in_order),
        cmocka_unit_test(test_an_abort_leaves_nothing),
        cmocka_unit_test(test_what_is_cleared_is_empty),
    };
    return cmocka_run_group_tests_name("overlay", tests, NULL, NULL);
}
