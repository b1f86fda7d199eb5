// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What every store has to do (the promises in store/store.h), as one set of tests for all of them,
// and ops to test a store with.

#include "store/store.h"

#include <stdatomic.h>

#define CASES_START_MS INT64_C(1770000000000)

// A clock that stands still unless a test moves it, and a store on it.
struct store_fixture {
    _Atomic int64_t wall_ms;
    _Atomic int64_t mono_ms;
    atomic_int notices;
    struct store *store;
    void *own; // of whoever makes the store
};

struct clock store_fixture_clock(struct store_fixture *fixture);
struct store_notices store_fixture_notices(struct store_fixture *fixture);
void store_fixture_pass(struct store_fixture *fixture, int64_t duration_ms); // on both clocks

struct case_op {
    struct store_op op;
    bool is_writing;
    bool is_sending;
    int64_t due_in_ms;
    atomic_int runs; // of the transition
    atomic_int told;
    uint64_t seen; // the record's uid before
    int64_t now_ms;
    enum store_outcome outcome;
};

// Adds 1 to the uid of the record of that key.
void case_op_init(struct case_op *op, uint8_t key, bool is_writing, bool is_sending);

// Waits until `done` was called; fails the test after ten seconds.
void case_op_await(struct case_op *op);

// Submits, waits, and gives the outcome.
enum store_outcome case_op_run(struct store_fixture *fixture, struct case_op *op);

// The uid in the record of that key.
uint64_t case_read(struct store_fixture *fixture, uint8_t key);

void case_settle(struct store_fixture *fixture, const struct claimed_entry *claimed,
                 enum delivery_state state, int64_t due_at_ms);

// The store under test: `create` fills fixture->store, `destroy` (or NULL) frees what else it made.
struct store_maker {
    const char *name;
    void (*create)(struct store_fixture *fixture, size_t entries_max);
    void (*destroy)(struct store_fixture *fixture);
};

struct CMUnitTest;

// Runs all cases and the store's own tests as one group, so that there is one plan of it; the
// number of those that failed.
int store_cases_run(const struct store_maker *maker, const struct CMUnitTest *own, size_t count);
