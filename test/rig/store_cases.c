// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "rig/store_cases.h"

#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

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

// Whether the store begins at once, or when it is woken.
static void test_what_is_queued_takes_effect_in_order(void **state)
{
    struct store_fixture *fixture = *state;
    struct case_op ops[6];
    for (uint8_t i = 0; i < 6; i++) {
        case_op_init(&ops[i], i % 2, true, false);
        store_queue(fixture->store, &ops[i].op);
    }
    store_wake(fixture->store);
    for (size_t i = 0; i < 6; i++) {
        case_op_await(&ops[i]);
        assert_int_equal(ops[i].outcome, STORE_COMMITTED);
        assert_int_equal(ops[i].seen, i / 2);
    }
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
    case_await_notices(fixture, 1);
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
    struct claimed_entry first = case_promise(fixture, 1), second;
    assert_int_equal(case_claim_all(fixture, &second, 1), 0);
    assert_int_equal(store_entries(store), 1);
    store_fixture_pass(fixture, 999);
    assert_int_equal(case_claim_all(fixture, &second, 1), 0);
    store_fixture_pass(fixture, 1);
    assert_int_equal(case_claim_all(fixture, &second, 1), 1);
    assert_int_equal(second.handle, first.handle);
    // Too late: somebody else has it.
    assert_int_equal(case_deliver(fixture, &first, DELIVERY_ACCEPTED, STORE_NEVER),
                     STORE_REFUSED_BUSY);
    assert_true(case_next_due_ms(fixture) == CASES_START_MS + 2000);
    case_must(fixture, &second, DELIVERY_SUBMITTED, CASES_START_MS + 5000);
    assert_int_equal(case_deliver(fixture, &second, DELIVERY_ACCEPTED, STORE_NEVER),
                     STORE_REFUSED_BUSY);
    assert_true(case_next_due_ms(fixture) == CASES_START_MS + 5000);
    store_fixture_pass(fixture, 4000);
    assert_int_equal(case_claim_all(fixture, &first, 1), 1);
    assert_int_equal(first.delivery.state, DELIVERY_SUBMITTED);
    case_must(fixture, &first, DELIVERY_ACCEPTED, STORE_NEVER);
    assert_int_equal(case_deliver(fixture, &first, DELIVERY_ACCEPTED, STORE_NEVER),
                     STORE_REFUSED_BUSY);
    assert_true(case_next_due_ms(fixture) == STORE_NEVER);
    assert_int_equal(store_entries(store), 0);
}

// Whoever comes without a claim ends that of somebody else, if he changes anything.
static void test_a_change_ends_a_claim(void **state)
{
    struct store_fixture *fixture = *state;
    struct claimed_entry claimed = case_promise(fixture, 1), other = claimed;
    struct case_delivery op;
    other.token = 0;
    assert_true(case_look(fixture, claimed.handle, &op));
    assert_true(case_next_due_ms(fixture) == CASES_START_MS + 1000);
    case_must(fixture, &other, DELIVERY_QUEUED, CASES_START_MS + 50);
    assert_true(case_next_due_ms(fixture) == CASES_START_MS + 50);
    assert_int_equal(case_deliver(fixture, &claimed, DELIVERY_SUBMITTED, CASES_START_MS + 9000),
                     STORE_REFUSED_BUSY);
    assert_true(case_look(fixture, claimed.handle, &op));
    assert_int_equal(op.seen.state, DELIVERY_QUEUED);
}

static void test_a_delivery_comes_back_whole(void **state)
{
    struct store_fixture *fixture = *state;
    struct claimed_entry claimed = case_promise(fixture, 1);
    struct case_delivery op, look;
    case_delivery_init(&op, &claimed, DELIVERY_SUBMITTED, CASES_START_MS + 7000);
    op.delivery.provider = 77;
    op.delivery.tries = 3;
    op.delivery.attempts_held = 2;
    op.delivery.attempts[0] = (struct attempt){66, DELIVERY_FAILED, 4, CASES_START_MS + 1, 20, 0};
    op.delivery.attempts[1] = (struct attempt){77, DELIVERY_ACCEPTED, 0, CASES_START_MS, 30, 40};
    op.delivery.ref_len = 3;
    op.delivery.words_len = 4;
    memcpy(op.delivery.ref, "abc", 3);
    memcpy(op.delivery.words, "what", 4);
    assert_int_equal(case_delivery_run(fixture, &op), STORE_COMMITTED);
    assert_int_equal(op.seen.state, DELIVERY_QUEUED);
    assert_true(op.seen.due_at_ms == CASES_START_MS);
    assert_int_equal(op.uid, 1);
    assert_true(case_look(fixture, claimed.handle, &look));
    assert_memory_equal(&look.seen, &op.delivery, sizeof look.seen);
    assert_memory_equal(&look.entry, &claimed.entry, offsetof(struct outbox_entry, address.bytes));
    assert_int_equal(look.entry.address.len, 40);
    assert_true(look.now_ms >= op.now_ms);
}

static void test_over_and_open_again(void **state)
{
    struct store_fixture *fixture = *state;
    struct claimed_entry claimed = case_promise(fixture, 1), again = claimed;
    struct case_delivery op;
    case_must(fixture, &claimed, DELIVERY_FAILED, STORE_NEVER);
    assert_int_equal(store_entries(fixture->store), 0);
    again.token = 0;
    assert_true(case_look(fixture, claimed.handle, &op));
    assert_int_equal(op.seen.state, DELIVERY_FAILED);
    assert_true(op.seen.due_at_ms == STORE_NEVER);
    assert_int_equal(op.entry.address.len, 40);
    case_must(fixture, &again, DELIVERY_QUEUED, CASES_START_MS);
    assert_int_equal(store_entries(fixture->store), 1);
    assert_true(case_look(fixture, claimed.handle, &op));
    assert_int_equal(op.seen.state, DELIVERY_QUEUED);
    again = case_claim(fixture, 1000);
    assert_int_equal(again.handle, claimed.handle);
    assert_true(again.token != claimed.token);
    assert_int_equal(again.entry.address.len, 40);
    assert_int_equal(again.entry.salt, claimed.entry.salt);
}

// As by a receipt that comes when nobody waits for it any more.
static void test_what_is_over_may_change(void **state)
{
    struct store_fixture *fixture = *state;
    struct claimed_entry claimed = case_promise(fixture, 1);
    struct case_delivery look;
    case_must(fixture, &claimed, DELIVERY_ACCEPTED, STORE_NEVER);
    claimed.token = 0;
    case_must(fixture, &claimed, DELIVERY_DELIVERED, STORE_NEVER);
    assert_true(case_look(fixture, claimed.handle, &look));
    assert_int_equal(look.seen.state, DELIVERY_DELIVERED);
    assert_int_equal(look.entry.address.len, 0);
    assert_int_equal(store_entries(fixture->store), 0);
    assert_true(case_next_due_ms(fixture) == STORE_NEVER);
}

static void test_an_entry_that_is_open_again_takes_a_place(void **state)
{
    struct store_fixture *fixture = *state;
    struct claimed_entry claimed = case_promise(fixture, 9);
    struct case_delivery look;
    case_must(fixture, &claimed, DELIVERY_FAILED, STORE_NEVER);
    for (uint8_t i = 0; i < 4; i++)
        (void)case_promise(fixture, i);
    claimed.token = 0;
    assert_int_equal(case_deliver(fixture, &claimed, DELIVERY_QUEUED, CASES_START_MS),
                     STORE_REFUSED_BUSY);
    assert_true(case_look(fixture, claimed.handle, &look));
    assert_int_equal(look.seen.state, DELIVERY_FAILED);
    assert_int_equal(store_entries(fixture->store), 4);
}

struct erased_row {
    const char *name;
    enum delivery_state state;
    int64_t after_ms; // that it was made
    bool is_erased;
};

static const struct erased_row erased_rows[] = {
    {"delivered", DELIVERY_DELIVERED, 0, true},
    {"expired", DELIVERY_EXPIRED, 0, true},
    {"obsolete", DELIVERY_OBSOLETE, 0, true},
    {"accepted", DELIVERY_ACCEPTED, CASES_CODE_MS - 1, false},
    {"failed", DELIVERY_FAILED, CASES_CODE_MS - 1, false},
    {"dropped", DELIVERY_DROPPED, CASES_CODE_MS - 1, false},
    {"unknown", DELIVERY_UNKNOWN, CASES_CODE_MS - 1, false},
    {"accepted, code over", DELIVERY_ACCEPTED, CASES_CODE_MS + 60000, true},
    {"failed, code over", DELIVERY_FAILED, CASES_CODE_MS + 60000, true},
};

static void test_addresses_go(void **state)
{
    struct store_fixture *fixture = *state;
    for (size_t i = 0; i < sizeof erased_rows / sizeof erased_rows[0]; i++) {
        const struct erased_row *row = &erased_rows[i];
        struct claimed_entry claimed = case_promise(fixture, 1);
        struct case_delivery look;
        assert_int_equal(case_deliver(fixture, &claimed, row->state, STORE_NEVER), STORE_COMMITTED);
        store_fixture_pass(fixture, row->after_ms);
        (void)case_read(fixture, 1); // time goes on with ops
        assert_true(case_look(fixture, claimed.handle, &look));
        assert_row_equal(row->name, look.entry.address.len, row->is_erased ? 0 : 40);
        assert_row_equal(row->name, look.seen.state, row->state);
    }
}

static void test_history_ends(void **state)
{
    struct store_fixture *fixture = *state;
    struct delivery_row rows[4];
    struct case_delivery look, op;
    struct claimed_entry claimed = case_promise(fixture, 1), open = case_promise(fixture, 2);
    case_delivery_init(&op, &claimed, DELIVERY_ACCEPTED, STORE_NEVER);
    op.ref = 4711;
    assert_int_equal(case_delivery_run(fixture, &op), STORE_COMMITTED);
    store_fixture_pass(fixture, STORE_HISTORY_MS - 1);
    (void)case_read(fixture, 1);
    assert_true(case_look(fixture, claimed.handle, &look));
    assert_int_equal(case_deliveries(fixture, &(struct delivery_filter){0}, rows, 4), 2);
    store_fixture_pass(fixture, 2);
    for (int i = 0; i < 2; i++) {
        struct case_op write;
        case_op_init(&write, 1, true, false);
        assert_int_equal(case_op_run(fixture, &write), STORE_COMMITTED);
    }
    assert_false(case_look(fixture, claimed.handle, &look));
    op.op.handle = op.op.token = 0;
    op.op.ref_tag = 4711;
    assert_int_equal(case_delivery_run(fixture, &op), STORE_COMMITTED);
    assert_false(op.op.is_found);
    // What is open stays.
    assert_true(case_look(fixture, open.handle, &look));
    assert_int_equal(case_deliveries(fixture, &(struct delivery_filter){0}, rows, 4), 1);
    assert_int_equal(rows[0].handle, open.handle);
}

static void test_an_entry_is_found_by_its_references(void **state)
{
    struct store_fixture *fixture = *state;
    struct claimed_entry claimed[2];
    struct case_delivery op;
    for (uint8_t i = 0; i < 2; i++) {
        claimed[i] = case_promise(fixture, i);
        case_delivery_init(&op, &claimed[i], DELIVERY_SUBMITTED, CASES_START_MS + 9000);
        op.ref = 100U + i;
        assert_int_equal(case_delivery_run(fixture, &op), STORE_COMMITTED);
    }
    case_delivery_init(&op, &claimed[1], DELIVERY_ACCEPTED, STORE_NEVER);
    op.op.handle = op.op.token = 0;
    op.op.ref_tag = 101;
    op.ref = 102; // by another provider, say
    assert_int_equal(case_delivery_run(fixture, &op), STORE_COMMITTED);
    assert_true(op.op.is_found);
    assert_memory_equal(&op.entry.key, &claimed[1].entry.key, sizeof op.entry.key);
    op.is_reading = true;
    for (uint64_t tag = 100; tag < 104; tag++) {
        op.op.ref_tag = tag;
        assert_int_equal(case_delivery_run(fixture, &op), STORE_COMMITTED);
        assert_int_equal(op.op.is_found, tag < 103);
        assert_int_equal(op.runs, tag < 103);
        if (tag < 103)
            assert_int_equal(op.entry.key.digest.bytes[0], tag > 100);
    }
}

static void test_nobody_is_not_found(void **state)
{
    struct store_fixture *fixture = *state;
    struct case_delivery op;
    assert_false(case_look(fixture, 1, &op));
    assert_false(case_look(fixture, UINT64_MAX, &op));
}

static void test_busy_providers_are_left_alone(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->store;
    struct claimed_entry claimed[4];
    for (uint8_t i = 0; i < 3; i++) {
        struct case_op op;
        case_op_init(&op, i, true, true);
        op.op.provider = 100U + i;
        assert_int_equal(case_op_run(fixture, &op), STORE_COMMITTED);
        store_fixture_pass(fixture, 1);
    }
    const provider_tag busy[] = {100, 102};
    struct store_claim claim = {.lease_ms = 1000, .busy = busy, .busy_count = 1};
    assert_true(store_next_due_ms(store, &claim) == CASES_START_MS + 1);
    assert_int_equal(store_claim(store, &claim, claimed, 4), 2);
    assert_int_equal(claimed[0].delivery.provider, 101);
    assert_int_equal(claimed[1].delivery.provider, 102);
    claim.busy_count = 2;
    assert_true(store_next_due_ms(store, &claim) == CASES_START_MS + 1003);
    // Moved to a busy one, and from one.
    claimed[0].delivery.provider = 102;
    case_must(fixture, &claimed[0], DELIVERY_QUEUED, CASES_START_MS + 1);
    assert_int_equal(store_claim(store, &claim, claimed, 4), 0);
    assert_true(store_next_due_ms(store, &claim) == STORE_NEVER);
    claim.busy_count = 1;
    assert_int_equal(store_claim(store, &claim, claimed, 4), 1);
    claim.busy_count = 0;
    assert_int_equal(store_claim(store, &claim, claimed, 4), 1);
    assert_int_equal(claimed[0].delivery.provider, 100);
}

static enum store_outcome promise_again(struct store_fixture *fixture, uint8_t channel,
                                        uint64_t salt)
{
    struct case_op op;
    case_op_init(&op, 1, true, true);
    op.salt = salt;
    op.op.entry.channel = channel;
    return case_op_run(fixture, &op);
}

static void test_what_waits_is_not_promised_twice(void **state)
{
    struct store_fixture *fixture = *state;
    struct claimed_entry claimed[4];
    for (int i = 0; i < 3; i++)
        assert_int_equal(promise_again(fixture, 1, 77), STORE_COMMITTED);
    assert_int_equal(store_entries(fixture->store), 1);
    assert_int_equal(case_read(fixture, 1), 3);
    assert_int_equal(promise_again(fixture, 2, 77), STORE_COMMITTED); // another channel
    assert_int_equal(promise_again(fixture, 1, 78), STORE_COMMITTED); // another code
    assert_int_equal(store_entries(fixture->store), 3);
    assert_int_equal(case_claim_all(fixture, claimed, 4), 3);
    assert_int_equal(promise_again(fixture, 1, 77), STORE_COMMITTED);
    assert_int_equal(store_entries(fixture->store), 4);
    // Full, but there is nothing to add.
    assert_int_equal(promise_again(fixture, 1, 77), STORE_COMMITTED);
    assert_int_equal(promise_again(fixture, 1, 79), STORE_REFUSED_BUSY);
    assert_int_equal(store_entries(fixture->store), 4);
    assert_int_equal(case_read(fixture, 1), 7);
}

enum { ORDERED = 2000 };

// Each entry is claimed and given back in some order, to be looked at in another.
static void promise_in_disorder(struct store_fixture *fixture)
{
    struct claimed_entry *claimed = calloc(ORDERED, sizeof *claimed);
    struct case_op *ops = calloc(ORDERED, sizeof *ops);
    struct case_delivery *given = calloc(ORDERED, sizeof *given);
    for (int i = 0; i < ORDERED; i++) {
        case_op_init(&ops[i], (uint8_t)(i % 200), true, true);
        ops[i].op.provider = (provider_tag)(i % 50); // more than there are heaps
        store_submit(fixture->store, &ops[i].op);
    }
    for (int i = 0; i < ORDERED; i++)
        case_op_await(&ops[i]);
    assert_int_equal(case_claim_all(fixture, claimed, ORDERED), ORDERED);
    for (int i = 0; i < ORDERED; i++) {
        int64_t due_at_ms = CASES_START_MS + i * 7919 % 3000;
        claimed[i].delivery.provider = (provider_tag)(i * 31 % 60);
        case_delivery_init(&given[i], &claimed[i], DELIVERY_QUEUED, due_at_ms);
        store_deliver(fixture->store, &given[i].op);
    }
    for (int i = 0; i < ORDERED; i++)
        case_delivery_await(&given[i]);
    free(claimed);
    free(ops);
    free(given);
}

static void test_entries_are_claimed_in_order_of_time(void **state)
{
    struct store_fixture *fixture = *state;
    promise_in_disorder(fixture);
    store_fixture_pass(fixture, 100000);
    int64_t last_ms = 0;
    struct claimed_entry claimed[100];
    size_t total = 0;
    for (size_t count = 1; count > 0; total += count) {
        count = case_claim_all(fixture, claimed, 100);
        for (size_t i = 0; i < count; i++) {
            assert_true(claimed[i].delivery.due_at_ms >= last_ms);
            last_ms = claimed[i].delivery.due_at_ms;
            case_must(fixture, &claimed[i], DELIVERY_ACCEPTED, STORE_NEVER);
        }
    }
    assert_int_equal(total, ORDERED);
}

static void test_an_entry_that_is_due_again_is_told_of(void **state)
{
    struct store_fixture *fixture = *state;
    struct claimed_entry claimed = case_promise(fixture, 1);
    claimed.token = 0;
    case_await_notices(fixture, 1);
    case_must(fixture, &claimed, DELIVERY_SUBMITTED, CASES_START_MS + 9000);
    case_must(fixture, &claimed, DELIVERY_QUEUED, CASES_START_MS);
    case_await_notices(fixture, 2);
    case_must(fixture, &claimed, DELIVERY_FAILED, STORE_NEVER);
    (void)case_read(fixture, 1);
    assert_int_equal(fixture->notices, 2);
}

struct filter_row {
    const char *name;
    uint8_t key; // 0: any
    uint64_t session;
    bool is_troubled;
    const char *keys; // of the rows, in order
};

static const struct filter_row filter_rows[] = {
    {"all", 0, 0, false, "\1\2\3\4\5\6\7"},
    {"a key", 3, 0, false, "\3"},
    {"nobody's key", 99, 0, false, ""},
    {"a session", 0, 5, false, "\5"},
    {"a session of another key", 4, 5, false, ""},
    {"troubled", 0, 0, true, "\3\4\5\6\7"},
};

// Accepted, delivered, failed, unknown, dropped, and two that are open, one of them accepted.
static void make_filtered(struct store_fixture *fixture)
{
    static const uint8_t states[] = {DELIVERY_ACCEPTED, DELIVERY_DELIVERED, DELIVERY_FAILED,
                                     DELIVERY_UNKNOWN, DELIVERY_DROPPED};
    for (uint8_t key = 1; key <= 7; key++) {
        struct case_op op;
        case_op_init(&op, key, true, true);
        op.op.entry.session.id = key;
        assert_int_equal(case_op_run(fixture, &op), STORE_COMMITTED);
        const struct claimed_entry claimed = case_claim(fixture, 100000);
        if (key <= sizeof states)
            case_must(fixture, &claimed, (enum delivery_state)states[key - 1], STORE_NEVER);
        if (key == 7)
            case_must(fixture, &claimed, DELIVERY_ACCEPTED, CASES_START_MS + 9000);
        store_fixture_pass(fixture, 1);
    }
}

static void test_deliveries_are_listed(void **state)
{
    struct store_fixture *fixture = *state;
    struct delivery_row rows[10];
    make_filtered(fixture);
    for (size_t i = 0; i < sizeof filter_rows / sizeof filter_rows[0]; i++) {
        const struct filter_row *row = &filter_rows[i];
        const struct record_key key = {{{row->key}}};
        const struct session_ref session = {.id = row->session};
        const struct delivery_filter filter = {.key = row->key != 0 ? &key : NULL,
                                               .session = row->session != 0 ? &session : NULL,
                                               .is_troubled = row->is_troubled};
        size_t count = case_deliveries(fixture, &filter, rows, 10);
        assert_row_equal(row->name, count, strlen(row->keys));
        for (size_t n = 0; n < count; n++) {
            assert_row_equal(row->name, rows[n].entry.key.digest.bytes[0], row->keys[n]);
            assert_row_equal(row->name, rows[n].entry.address.len, 0);
            assert_row_equal(row->name, n == 0 || rows[n].handle > rows[n - 1].handle, true);
        }
    }
    assert_int_equal(case_deliveries(fixture, &(struct delivery_filter){0}, rows, 10), 7);
    assert_int_equal(rows[2].delivery.state, DELIVERY_FAILED);
    assert_true(rows[2].delivery.due_at_ms == STORE_NEVER);
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

static void test_time_goes_on_whatever_the_wall_clock(void **state)
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
        assert_int_equal(op.now_ms, last_ms + 1000);
        assert_int_equal(store_now_ms(fixture->store), op.now_ms);
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
    {"what is queued takes effect in order", test_what_is_queued_takes_effect_in_order, 4},
    {"what is not changed is not saved", test_what_is_not_changed_is_not_saved, 4},
    {"an entry is told of", test_an_entry_is_told_of, 4},
    {"full outbox refuses and changes nothing", test_full_outbox_refuses_and_changes_nothing, 4},
    {"lease and fencing", test_lease_and_fencing, 4},
    {"a change ends a claim", test_a_change_ends_a_claim, 4},
    {"a delivery comes back whole", test_a_delivery_comes_back_whole, 4},
    {"over and open again", test_over_and_open_again, 4},
    {"what is over may change", test_what_is_over_may_change, 4},
    {"an entry that is open again takes a place", test_an_entry_that_is_open_again_takes_a_place,
     4},
    {"addresses go", test_addresses_go, 4},
    {"history ends", test_history_ends, 4},
    {"an entry is found by its references", test_an_entry_is_found_by_its_references, 4},
    {"nobody is not found", test_nobody_is_not_found, 4},
    {"busy providers are left alone", test_busy_providers_are_left_alone, 3},
    {"what waits is not promised twice", test_what_waits_is_not_promised_twice, 4},
    {"an entry that is due again is told of", test_an_entry_that_is_due_again_is_told_of, 4},
    {"deliveries are listed", test_deliveries_are_listed, 9},
    {"entries are claimed in order of time", test_entries_are_claimed_in_order_of_time, ORDERED},
    {"settings have versions", test_settings_have_versions, 4},
    {"time goes on whatever the wall clock does", test_time_goes_on_whatever_the_wall_clock, 4},
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
