// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "rig/store_cases.h"

#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEADLINE_TRIES 10000 // of a millisecond

static int64_t fixture_wall(void *ctx)
{
    return ((struct store_fixture *)ctx)->wall_ms;
}

static struct mono fixture_mono(void *ctx)
{
    return (struct mono){((struct store_fixture *)ctx)->mono_ms};
}

static void fixture_notice(void *ctx)
{
    ((struct store_fixture *)ctx)->notices++;
}

struct clock store_fixture_clock(struct store_fixture *fixture)
{
    return (struct clock){.wall_ms = fixture_wall, .mono = fixture_mono, .ctx = fixture};
}

struct store_notices store_fixture_notices(struct store_fixture *fixture)
{
    return (struct store_notices){
        .on_entries = fixture_notice, .on_settings = fixture_notice, .ctx = fixture};
}

void store_fixture_pass(struct store_fixture *fixture, int64_t duration_ms)
{
    fixture->wall_ms += duration_ms;
    fixture->mono_ms += duration_ms;
}

static void transition(struct store_op *base, struct record *record, int64_t now_ms)
{
    struct case_op *op = (struct case_op *)base;
    op->runs++;
    op->seen = record->uid;
    op->now_ms = now_ms;
    base->is_changed = op->is_writing;
    base->has_entry = op->is_sending;
    record->uid++;
    base->entry.created_at_ms = now_ms;
    base->entry.deadline_at_ms = now_ms + 1200000;
    base->entry.due_at_ms = now_ms + op->due_in_ms;
}

static void done(struct store_op *base, enum store_outcome outcome)
{
    struct case_op *op = (struct case_op *)base;
    op->outcome = outcome;
    op->told++;
}

void case_op_init(struct case_op *op, uint8_t key, bool is_writing, bool is_sending)
{
    memset(op, 0, sizeof *op);
    op->op.key = (struct record_key){{{key}}};
    op->op.transition = transition;
    op->op.done = done;
    op->op.entry.length = 6;
    op->is_writing = is_writing;
    op->is_sending = is_sending;
}

void case_op_await(struct case_op *op)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    for (int i = 0; op->told == 0; i++) {
        if (i == DEADLINE_TRIES)
            fail_msg("an op was not answered");
        (void)nanosleep(&nap, NULL);
    }
    assert_int_equal(op->told, 1);
}

enum store_outcome case_op_run(struct store_fixture *fixture, struct case_op *op)
{
    store_submit(fixture->store, &op->op);
    case_op_await(op);
    return op->outcome;
}

uint64_t case_read(struct store_fixture *fixture, uint8_t key)
{
    struct case_op op;
    case_op_init(&op, key, false, false);
    assert_int_equal(case_op_run(fixture, &op), STORE_COMMITTED);
    return op.seen;
}

void case_settle(struct store_fixture *fixture, const struct claimed_entry *claimed,
                 enum delivery_state state, int64_t due_at_ms)
{
    struct settlement settlement = {claimed->entry.id, claimed->token, state, due_at_ms};
    store_settle(fixture->store, &settlement, 1);
}

// --- the cases: *state is the fixture ---

static void test_ops_see_each_other(void **state)
{
    struct store_fixture *fixture = *state;
    struct case_op ops[5];
    for (size_t i = 0; i < 5; i++) {
        case_op_init(&ops[i], 1, true, false);
        store_submit(fixture->store, &ops[i].op);
    }
    for (size_t i = 0; i < 5; i++) {
        case_op_await(&ops[i]);
        assert_int_equal(ops[i].outcome, STORE_COMMITTED);
        assert_int_equal(ops[i].seen, i);
    }
    assert_int_equal(case_read(fixture, 1), 5);
    assert_int_equal(case_read(fixture, 2), 0);
}

static void test_what_is_not_changed_is_not_saved(void **state)
{
    struct store_fixture *fixture = *state;
    struct case_op op;
    case_op_init(&op, 1, false, false);
    assert_int_equal(case_op_run(fixture, &op), STORE_COMMITTED);
    assert_int_equal(case_read(fixture, 1), 0);
    assert_int_equal(fixture->notices, 0);
}

static void test_an_entry_is_told_of(void **state)
{
    struct store_fixture *fixture = *state;
    struct case_op op;
    case_op_init(&op, 1, true, true);
    assert_int_equal(case_op_run(fixture, &op), STORE_COMMITTED);
    const struct timespec nap = {.tv_nsec = 1000000};
    for (int i = 0; fixture->notices == 0 && i < DEADLINE_TRIES; i++) // it comes after `done`
        (void)nanosleep(&nap, NULL);
    assert_int_equal(fixture->notices, 1);
}

static void test_full_outbox_refuses_and_changes_nothing(void **state)
{
    struct store_fixture *fixture = *state;
    for (uint8_t i = 0; i < 6; i++) {
        struct case_op op;
        case_op_init(&op, i, true, true);
        enum store_outcome outcome = case_op_run(fixture, &op);
        assert_int_equal(outcome, i < 4 ? STORE_COMMITTED : STORE_REFUSED_BUSY);
        assert_int_equal(case_read(fixture, i), i < 4);
    }
    struct case_op silent;
    case_op_init(&silent, 9, true, false);
    assert_int_equal(case_op_run(fixture, &silent), STORE_COMMITTED);
    assert_int_equal(store_entries(fixture->store), 4);
}

static void test_lease_and_fencing(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->store;
    struct store_claim claim = {.lease_ms = 1000};
    struct claimed_entry first, second;
    struct case_op op;
    case_op_init(&op, 1, true, true);
    assert_int_equal(case_op_run(fixture, &op), STORE_COMMITTED);
    assert_int_equal(store_claim(store, &claim, &first, 1), 1);
    assert_int_equal(store_claim(store, &claim, &second, 1), 0);
    assert_int_equal(store_entries(store), 1);
    store_fixture_pass(fixture, 999);
    assert_int_equal(store_claim(store, &claim, &second, 1), 0);
    store_fixture_pass(fixture, 1);
    assert_int_equal(store_claim(store, &claim, &second, 1), 1);
    case_settle(fixture, &first, DELIVERY_ACCEPTED, 0); // too late: somebody else has it
    assert_true(store_next_due_ms(store, 0) == CASES_START_MS + 2000);
    case_settle(fixture, &second, DELIVERY_QUEUED, CASES_START_MS + 5000);
    assert_true(store_next_due_ms(store, 0) == CASES_START_MS + 5000);
    store_fixture_pass(fixture, 4000);
    assert_int_equal(store_claim(store, &claim, &first, 1), 1);
    assert_int_equal(first.entry.tries, 1);
    case_settle(fixture, &first, DELIVERY_ACCEPTED, 0);
    case_settle(fixture, &first, DELIVERY_ACCEPTED, 0);
    assert_true(store_next_due_ms(store, 0) == INT64_MAX);
    assert_int_equal(store_entries(store), 0);
}

static void test_busy_channels_are_left_alone(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->store;
    struct claimed_entry claimed[4];
    for (uint8_t i = 0; i < 3; i++) {
        struct case_op op;
        case_op_init(&op, i, true, true);
        op.op.entry.channel = i == 2 ? 200 : i;
        op.due_in_ms = i;
        assert_int_equal(case_op_run(fixture, &op), STORE_COMMITTED);
    }
    store_fixture_pass(fixture, 1000);
    struct store_claim claim = {.lease_ms = 1000, .busy = 1U << 0};
    assert_true(store_next_due_ms(store, 1U << 0) == CASES_START_MS + 1);
    assert_int_equal(store_claim(store, &claim, claimed, 4), 2);
    assert_int_equal(claimed[0].entry.channel, 1);
    assert_int_equal(claimed[1].entry.channel, 200);
    assert_int_equal(store_claim(store, &claim, claimed, 4), 0);
    claim.busy = 0;
    assert_int_equal(store_claim(store, &claim, claimed, 4), 1);
    assert_int_equal(claimed[0].entry.channel, 0);
}

enum { ORDERED = 2000 };

static void submit_in_disorder(struct store_fixture *fixture, struct case_op *ops)
{
    for (int i = 0; i < ORDERED; i++) {
        case_op_init(&ops[i], (uint8_t)(i % 200), true, true);
        ops[i].op.entry.id = (uint64_t)i;
        ops[i].due_in_ms = i * 7919 % 3000;
        store_submit(fixture->store, &ops[i].op);
    }
    for (int i = 0; i < ORDERED; i++)
        case_op_await(&ops[i]);
}

static void test_entries_are_claimed_in_order_of_time(void **state)
{
    struct store_fixture *fixture = *state;
    struct case_op *ops = calloc(ORDERED, sizeof *ops);
    submit_in_disorder(fixture, ops);
    store_fixture_pass(fixture, 100000);
    int64_t last_ms = 0;
    struct claimed_entry claimed[100];
    size_t total = 0;
    for (size_t count = 1; count > 0; total += count) {
        count = store_claim(fixture->store, &(struct store_claim){.lease_ms = 1000}, claimed, 100);
        for (size_t i = 0; i < count; i++) {
            assert_true(claimed[i].entry.due_at_ms >= last_ms);
            last_ms = claimed[i].entry.due_at_ms;
            case_settle(fixture, &claimed[i], DELIVERY_ACCEPTED, 0);
        }
    }
    assert_int_equal(total, ORDERED);
    free(ops);
}

static void count_setting(void *ctx, const struct setting *setting)
{
    *(uint64_t *)ctx = *(uint64_t *)ctx * 100 + setting->version * 10 + setting->value.len;
}

static void test_settings_have_versions(void **state)
{
    struct store_fixture *fixture = *state;
    struct setting setting = {SPAN("a"), SPAN("xyz"), 1};
    assert_int_equal(store_settings_put(fixture->store, &setting), ERR_OK);
    assert_int_equal(store_settings_put(fixture->store, &setting), ERR_BUSY);
    setting.version = 2;
    setting.value = SPAN("");
    assert_int_equal(store_settings_put(fixture->store, &setting), ERR_OK);
    struct setting other = {SPAN("b"), SPAN("1234"), 1};
    assert_int_equal(store_settings_put(fixture->store, &other), ERR_OK);
    struct setting nameless = {SPAN(""), SPAN("1"), 1};
    assert_int_equal(store_settings_put(fixture->store, &nameless), ERR_INVALID);
    uint64_t seen = 0;
    store_settings_each(fixture->store, count_setting, &seen);
    assert_int_equal(seen, 2014);
    assert_int_equal(fixture->notices, 3);
}

static void test_time_goes_on_and_never_back(void **state)
{
    struct store_fixture *fixture = *state;
    struct case_op op;
    int64_t last_ms = store_now_ms(fixture->store);
    static const int64_t steps_ms[] = {1000, -3600000, 3600000, 86400000, -10};
    for (size_t i = 0; i < sizeof steps_ms / sizeof steps_ms[0]; i++) {
        fixture->wall_ms += steps_ms[i];
        fixture->mono_ms += 1000;
        case_op_init(&op, 1, false, false);
        assert_int_equal(case_op_run(fixture, &op), STORE_COMMITTED);
        assert_true(op.now_ms >= last_ms + 400);
        assert_true(op.now_ms <= last_ms + 1600);
        assert_true(store_now_ms(fixture->store) >= op.now_ms);
        last_ms = op.now_ms;
    }
}

// --- running them ---

struct row {
    const char *name;
    CMUnitTestFunction function;
    size_t entries_max;
};

static const struct row rows[] = {
    {"ops see each other", test_ops_see_each_other, 4},
    {"what is not changed is not saved", test_what_is_not_changed_is_not_saved, 4},
    {"an entry is told of", test_an_entry_is_told_of, 4},
    {"full outbox refuses and changes nothing", test_full_outbox_refuses_and_changes_nothing, 4},
    {"lease and fencing", test_lease_and_fencing, 4},
    {"busy channels are left alone", test_busy_channels_are_left_alone, 3},
    {"entries are claimed in order of time", test_entries_are_claimed_in_order_of_time, ORDERED},
    {"settings have versions", test_settings_have_versions, 4},
    {"time goes on and never back", test_time_goes_on_and_never_back, 4},
};

enum { ROWS = sizeof rows / sizeof rows[0], OWN_MAX = 64 };

// A row and the store it is for: the test's state until its set-up makes a fixture of it.
struct plan {
    const struct row *row;
    const struct store_maker *maker;
};

struct running {
    struct store_fixture fixture; // first: the test's state
    const struct store_maker *maker;
};

static int set_up(void **state)
{
    const struct plan *plan = *state;
    struct running *running = calloc(1, sizeof *running);
    running->maker = plan->maker;
    running->fixture.wall_ms = CASES_START_MS;
    running->fixture.mono_ms = 5000;
    plan->maker->create(&running->fixture, plan->row->entries_max);
    *state = running;
    return 0;
}

static int tear_down(void **state)
{
    struct running *running = *state;
    store_destroy(&running->fixture.store);
    if (running->maker->destroy != NULL)
        running->maker->destroy(&running->fixture);
    free(running);
    return 0;
}

int store_cases_run(const struct store_maker *maker, const struct CMUnitTest *own, size_t count)
{
    struct plan plans[ROWS];
    struct CMUnitTest tests[ROWS + OWN_MAX];
    assert_true(count <= OWN_MAX);
    for (size_t i = 0; i < ROWS; i++) {
        plans[i] = (struct plan){&rows[i], maker};
        tests[i] =
            (struct CMUnitTest){rows[i].name, rows[i].function, set_up, tear_down, &plans[i]};
    }
    memcpy(&tests[ROWS], own, count * sizeof *own);
    return _cmocka_run_group_tests(maker->name, tests, ROWS + count, NULL, NULL);
}
