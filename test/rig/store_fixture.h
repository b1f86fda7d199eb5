// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A store on a clock that tests move, and ops to test it with.

#include "store/store.h"

#include <stdatomic.h>

#define CASES_START_MS INT64_C(1770000000000)
#define CASES_CODE_MS 1200000 // that a code of an entry lives

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
    int64_t life_ms; // of the entry's code
    uint64_t salt;   // of the entry; 0: one that no other op has
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

// What is to become of an entry: state and due_at_ms, and what else is set in `delivery`.
struct case_delivery {
    struct delivery_op op;
    struct delivery delivery;
    bool is_reading; // changes nothing
    uint64_t ref;    // to be given; 0: none
    atomic_int runs;
    atomic_int told;
    struct delivery seen; // before
    struct outbox_entry entry;
    uint64_t uid; // of its record
    int64_t now_ms;
    enum store_outcome outcome;
};

// Of a claim, with its token. Over at `due_at_ms` STORE_NEVER.
void case_delivery_init(struct case_delivery *op, const struct claimed_entry *claimed,
                        enum delivery_state state, int64_t due_at_ms);
void case_delivery_await(struct case_delivery *op);
enum store_outcome case_delivery_run(struct store_fixture *fixture, struct case_delivery *op);

// The two in one.
enum store_outcome case_deliver(struct store_fixture *fixture, const struct claimed_entry *claimed,
                                enum delivery_state state, int64_t due_at_ms);

// Likewise; it must be committed.
void case_must(struct store_fixture *fixture, const struct claimed_entry *claimed,
               enum delivery_state state, int64_t due_at_ms);

// What the store has of an entry; false: nothing.
bool case_look(struct store_fixture *fixture, uint64_t handle, struct case_delivery *op);

// Claims what is due, which must be one entry, for that long; when the next one is due.
struct claimed_entry case_claim(struct store_fixture *fixture, int64_t lease_ms);
size_t case_claim_all(struct store_fixture *fixture, struct claimed_entry *out, size_t max);
int64_t case_next_due_ms(struct store_fixture *fixture);

// An entry that is claimed, of a new record.
struct claimed_entry case_promise(struct store_fixture *fixture, uint8_t key);

// All that store_deliveries gives, a page after another; how many there are.
size_t case_deliveries(struct store_fixture *fixture, const struct delivery_filter *filter,
                       struct delivery_row *out, size_t max);

// Waits until that many notices have come, which they do after `done`.
void case_await_notices(struct store_fixture *fixture, int count);
