// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A backup is a table of its own, without keys and without a journal: all rows as they were at one
// commit. A server does not start on one; a restore makes a data directory of it
// (docs/adr/0024-backup.md).

#include "base/env.h"
#include "store/embedded/table.h"

struct transfer {
    const char *from;
    const char *to;                     // made; or there and empty
    struct entropy entropy;             // of a restore: where handles go on
    uint64_t rows[TABLE_SPACES_COUNT_]; // filled: written
};

// Of a data directory, whether a server has it open or not; no commit of that waits. ERR_BUSY:
// checkpoints came faster than the journal could be read. ERR_EXISTS: `to` is not empty.
// ERR_NOT_FOUND: `from` is no data directory. ERR_INVALID: it is damaged or a newer version's;
// ERR_IO, ERR_PERMISSION, ERR_NO_MEMORY. With a story for a person.
MUST_CHECK enum err backup_run(struct transfer *transfer, struct err_info *info);

// Of a backup. No code and no message of then is in the data directory that it makes: any of them
// may have been used since. The same errors.
MUST_CHECK enum err restore_run(struct transfer *transfer, struct err_info *info);
