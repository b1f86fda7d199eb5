// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What every store has to do (the promises in store/store.h), as one set of tests for all of them.

#include "rig/store_fixture.h"

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
