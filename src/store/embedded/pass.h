// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// One transaction of the engine: engine.c has the records, pass_outbox.c the outbox.

#include "store/embedded/engine.h"

struct pass {
    struct engine *engine;
    struct engine_batch *batch;
    bool may_write;
    bool is_dirty;
    bool is_unknown; // what became of the commit
    size_t entries_room;
    uint64_t next_sequence;
    uint64_t first_reopened; // of entries that are open after a change; UINT64_MAX: none
    // Dense, as each op looks through what came before it.
    uint64_t salts[ENGINE_OPS_MAX]; // of new entries
    size_t new_ops[ENGINE_OPS_MAX]; // whose they are
    size_t new_count;
    uint64_t changed[ENGINE_OPS_MAX]; // handles
    size_t changed_count;
};

void pass_log_bad(const struct engine *engine, const char *what, struct span key,
                  enum codec_verdict verdict);

struct loaded_record {
    struct record record; // all zeros when there is none
    enum codec_verdict verdict;
    int64_t expires_at_ms; // INT64_MAX: has no row in the index
};

MUST_CHECK enum table_result pass_load_record(const struct engine *engine,
                                              const struct record_key *key,
                                              struct loaded_record *loaded);

// --- pass_outbox.c ---

// Whether the same message waits already, committed or in this batch.
bool pass_is_promised(const struct pass *pass, const struct outbox_entry *entry);

// The entry of the batch's i-th op.
MUST_CHECK enum table_result pass_add_entry(struct pass *pass, size_t i);

MUST_CHECK enum table_result pass_run_deliveries(struct pass *pass);

// Addresses whose code has ended, and entries that are older than STORE_HISTORY_MS: `count` of each
// at most, or the least that a commit sweeps.
MUST_CHECK enum table_result pass_sweep_outbox(struct pass *pass, size_t count);

// A sequence before which all is over, at least as far as looking at some thousands tells.
uint64_t pass_first_open(const struct pass *pass);

// TABLE_NONE: that was the end.
MUST_CHECK enum table_result pass_list(const struct engine *engine, struct engine_listing *listing);
