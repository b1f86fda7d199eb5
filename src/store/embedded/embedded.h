// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The durable store on one machine: a journal in front of an LMDB table (store/embedded/
// journal_table.h), behind one thread, which commits for all that has queued meanwhile
// (docs/adr/0011-embedded-store.md, 0019-journal.md).
//
//   any thread ──submit──▶ queue ──▶ the store's thread: T, each op, ONE commit ──▶ each `done`
//
// `done` runs on the store's thread, or on the caller's when the op is refused at once (queue full,
// store failed).
//
// What fails how:
//   no room on the disk   ops that promise a message: STORE_REFUSED_FULL; the others go on, from
//                         what the journal keeps for them; when that is used up: all ops that
//                         write. It mends itself when there is room again
//   a record is damaged   ops on it: STORE_REFUSED_FAILED
//   anything else         that batch: STORE_UNKNOWN, or STORE_REFUSED_FAILED if nothing can have
//                         been saved; then the store is at its end: all ops STORE_REFUSED_FAILED,
//                         no entry is claimable, until the process is started again

#include "store/embedded/table.h"
#include "store/store_time.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

struct embedded_store_options {
    const char *directory; // made when missing; locked for this process
    size_t table_bytes_max;
    size_t journal_bytes;         // of its files, and about as much memory at most
    size_t entries_max;           // open outbox entries; above it ops that promise one are refused
    size_t ops_max;               // of each kind that wait for the next commit; more are refused
    struct digest128 fingerprint; // of the keys: data made with others is refused
    struct entropy entropy;       // for what a new directory is known by
    struct clock clock;
    struct boot_id boot;
    struct store_notices notices;
    struct logger *log; // NULL: nothing is said
    struct metrics *metrics;
    bool is_threaded;    // false: an op runs on its caller's thread, and one thread alone may call
    struct table *table; // instead of a directory; the store's from now on, on failure too
};

extern const struct embedded_store_options embedded_store_defaults; // without directory and clock

// ERR_IN_USE, ERR_INVALID (made with other keys, damaged, newer), ERR_PERMISSION, ERR_NOT_FOUND,
// ERR_IO, ERR_NO_MEMORY; with a story for a person.
MUST_CHECK enum err embedded_store_create(const struct embedded_store_options *options,
                                          struct store **out, struct err_info *info);
