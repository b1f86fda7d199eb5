// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A store in memory: for development without a data directory, and for the simulator, which may
// make it fail in every way a real one can.
//
// An op runs on the caller's thread, under one lock; `done` follows at once, outside the lock. So
// there is nothing to wait for and no thread to wake. Records that say nothing any more are swept
// away a few at a time by the ops themselves. Of entries that are over it remembers some thousands
// (memory/past.h), not a day's.

#include "store/store.h"

// What happens to the next op, of a record or of an entry.
enum memory_fault {
    MEMORY_FAULT_NONE,
    MEMORY_FAULT_CONFLICT,     // its transition runs twice, as after a lost race
    MEMORY_FAULT_DELAY,        // it waits until memory_store_release
    MEMORY_FAULT_FULL,         // refused: STORE_REFUSED_FULL
    MEMORY_FAULT_FAILURE,      // refused: STORE_REFUSED_FAILED
    MEMORY_FAULT_CRASH_BEFORE, // the process dies, and nothing of it was saved
    MEMORY_FAULT_CRASH_AFTER,  // the process dies, and all of it was saved
};

struct memory_faults {
    enum memory_fault (*next)(void *ctx); // NULL: none ever
    void *ctx;
};

struct memory_store_options {
    size_t records_max;
    size_t entries_max; // open outbox entries; above it ops that promise one are refused
    struct clock clock;
    struct memory_faults faults;
    struct store_notices notices;
};

extern const struct memory_store_options memory_store_defaults; // without a clock

MUST_CHECK enum err memory_store_create(const struct memory_store_options *options,
                                        struct store **out);

// For a simulator: runs the delayed ops, those of records first, each in the order of their
// arrival.
size_t memory_store_release(struct store *store);

// For a simulator: after a crash every op ends in STORE_UNKNOWN without effect until this is
// called. Delayed ops are gone with the crash (their `done` is told STORE_UNKNOWN here), leases and
// data stay.
bool memory_store_is_crashed(struct store *store);
void memory_store_recover(struct store *store);

// Records held, for tests of bounds.
size_t memory_store_records(struct store *store);
