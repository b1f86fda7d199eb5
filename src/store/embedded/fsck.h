// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reads all of a data directory that no server has open, and changes nothing in it: its journal as
// a start would read it, and each row as a start would then see it.

#include "store/embedded/journal.h"
#include "store/embedded/survey.h"

struct fsck {
    const char *directory;
    const struct digest128 *fingerprint; // of the keys; NULL: they are not compared
    void (*on_fault)(void *ctx, const struct survey_fault *fault);
    void *ctx;

    // Filled.
    bool has_journal; // else it is of a version that had none, or was never used
    struct journal_findings journal;
    uint64_t rows[TABLE_SPACES_COUNT_];
    uint64_t open_entries;
};

// ERR_NOT_FOUND: it has no table. ERR_IN_USE: by a server. ERR_INVALID: it is damaged so that it
// was not read to its end, or a newer version's. ERR_IO, ERR_PERMISSION, ERR_NO_MEMORY. With a
// story for a person.
MUST_CHECK enum err fsck_run(struct fsck *fsck, struct err_info *info);
