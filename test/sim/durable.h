// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The durable store as a process has it that may die at any commit: src/store/embedded, without its
// thread, over a table that outlives it (sim/model_table.h). What faces the world is a store as any
// other; behind it the real one is destroyed and opened anew.
//
// Faults are those of the memory store, made by the table: DELAY holds an op, and all that were
// held come in one batch; FULL is a put or the commit without room; FAILURE a put, a begin or the
// commit that fails, after which the store is at its end until it is opened again; a CRASH is a
// commit that nobody hears of. CONFLICT does not happen here.
//
// With a journal they are made by its files, too: FULL is also no room for more of them, FAILURE
// and CRASH are of one of the next calls on the disk, as a rule the write or the sync of a commit,
// and a crash leaves what was not synced old, new, torn or as noise (sim/model_files.h).

#include "sim/model_files.h"
#include "sim/model_table.h"
#include "sim/seeded.h"
#include "store/memory/memory.h"
#include "store/store_time.h"

struct durable_options {
    struct clock clock;
    struct store_notices notices;
    struct memory_faults faults;
    struct digest128 fingerprint; // of the keys
    struct seeded *dice;
    bool is_journaled; // the real journal, overlays and checkpoints in front of the table
};

// Closed: open it next.
struct store *durable_create(const struct durable_options *options);

// What a starting process does. ERR_…: the store's story is told.
MUST_CHECK enum err durable_open(struct store *store, const struct boot_id *boot,
                                 struct err_info *info);

// What is left of a process that is gone. Delayed ops are told STORE_UNKNOWN.
void durable_close(struct store *store);

void durable_release(struct store *store);
bool durable_is_crashed(struct store *store);

// What happens to the next op of an entry, and to the next change of a setting.
void durable_strike_delivery(struct store *store, enum memory_fault fault);
void durable_strike_setting(struct store *store, enum memory_fault fault);

// The next start dies at one of its first calls that change the disk, if it makes so many.
void durable_strike_start(struct store *store);

// T of the last commit that was told to anybody.
int64_t durable_decided_ms(struct store *store);

const struct model_disk *durable_disk(struct store *store);

// Crashes that left a sector of the journal in part or as noise.
uint64_t durable_torn(struct store *store);
