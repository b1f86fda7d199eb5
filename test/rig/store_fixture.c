// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "rig/store_fixture.h"

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
    record->uid++; // so that no other op of the key has this one as its salt
    base->entry.created_at_ms = now_ms;
    base->entry.deadline_at_ms = now_ms + op->life_ms;
    base->entry.salt = op->salt != 0 ? op->salt : record->uid;
    base->entry.key = base->key;
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
    op->op.entry.address.len = 40;
    op->is_writing = is_writing;
    op->is_sending = is_sending;
    op->life_ms = CASES_CODE_MS;
}

static void await_told(const atomic_int *told)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    for (int i = 0; *told == 0; i++) {
        if (i == DEADLINE_TRIES)
            fail_msg("an op was not answered");
        (void)nanosleep(&nap, NULL);
    }
    assert_int_equal(*told, 1);
}

void case_op_await(struct case_op *op)
{
    await_told(&op->told);
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

static void deliver(struct delivery_op *base, const struct outbox_entry *entry,
                    const struct record *record, struct delivery *delivery, int64_t now_ms)
{
    struct case_delivery *op = (struct case_delivery *)base;
    op->runs++;
    op->seen = *delivery;
    memcpy(&op->entry, entry, sizeof *entry);
    op->uid = record->uid;
    op->now_ms = now_ms;
    base->is_changed = !op->is_reading;
    base->give_ref = op->ref;
    *delivery = op->delivery;
}

static void delivery_done(struct delivery_op *base, enum store_outcome outcome)
{
    struct case_delivery *op = (struct case_delivery *)base;
    op->outcome = outcome;
    op->told++;
}

void case_delivery_init(struct case_delivery *op, const struct claimed_entry *claimed,
                        enum delivery_state state, int64_t due_at_ms)
{
    memset(op, 0, sizeof *op);
    op->op.handle = claimed->handle;
    op->op.token = claimed->token;
    op->op.transition = deliver;
    op->op.done = delivery_done;
    op->delivery = claimed->delivery;
    op->delivery.state = (uint8_t)state;
    op->delivery.due_at_ms = due_at_ms;
}

void case_delivery_await(struct case_delivery *op)
{
    await_told(&op->told);
}

enum store_outcome case_delivery_run(struct store_fixture *fixture, struct case_delivery *op)
{
    op->told = op->runs = 0;
    store_deliver(fixture->store, &op->op);
    case_delivery_await(op);
    return op->outcome;
}

enum store_outcome case_deliver(struct store_fixture *fixture, const struct claimed_entry *claimed,
                                enum delivery_state state, int64_t due_at_ms)
{
    struct case_delivery op;
    case_delivery_init(&op, claimed, state, due_at_ms);
    return case_delivery_run(fixture, &op);
}

void case_must(struct store_fixture *fixture, const struct claimed_entry *claimed,
               enum delivery_state state, int64_t due_at_ms)
{
    assert_int_equal(case_deliver(fixture, claimed, state, due_at_ms), STORE_COMMITTED);
}

bool case_look(struct store_fixture *fixture, uint64_t handle, struct case_delivery *op)
{
    const struct claimed_entry nobody = {.handle = handle};
    case_delivery_init(op, &nobody, DELIVERY_QUEUED, 0);
    op->is_reading = true;
    assert_int_equal(case_delivery_run(fixture, op), STORE_COMMITTED);
    assert_int_equal(op->runs, op->op.is_found);
    return op->op.is_found;
}

size_t case_claim_all(struct store_fixture *fixture, struct claimed_entry *out, size_t max)
{
    return store_claim(fixture->store, &(struct store_claim){.lease_ms = 1000}, out, max);
}

struct claimed_entry case_claim(struct store_fixture *fixture, int64_t lease_ms)
{
    struct claimed_entry claimed[2];
    const struct store_claim claim = {.lease_ms = lease_ms};
    assert_int_equal(store_claim(fixture->store, &claim, claimed, 2), 1);
    return claimed[0];
}

int64_t case_next_due_ms(struct store_fixture *fixture)
{
    return store_next_due_ms(fixture->store, &(struct store_claim){0});
}

struct claimed_entry case_promise(struct store_fixture *fixture, uint8_t key)
{
    struct case_op op;
    case_op_init(&op, key, true, true);
    assert_int_equal(case_op_run(fixture, &op), STORE_COMMITTED);
    return case_claim(fixture, 1000);
}

size_t case_deliveries(struct store_fixture *fixture, const struct delivery_filter *filter,
                       struct delivery_row *out, size_t max)
{
    uint64_t after = 0;
    size_t total = 0;
    do {
        size_t held = max - total < 3 ? max - total : 3;
        assert_int_equal(store_deliveries(fixture->store, filter, &after, out + total, &held),
                         ERR_OK);
        total += held;
    } while (after != 0 && total < max);
    return total;
}

void case_await_notices(struct store_fixture *fixture, int count)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    for (int i = 0; fixture->notices < count && i < DEADLINE_TRIES; i++)
        (void)nanosleep(&nap, NULL);
    assert_int_equal(fixture->notices, count);
}
