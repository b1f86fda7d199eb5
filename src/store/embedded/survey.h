// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Looks at every row of a table with an overlay in front of it, and at what rows of different
// spaces have to say of each other. Changes nothing.

#include "store/embedded/codec.h"
#include "store/embedded/overlay.h"
#include "store/embedded/view.h"

struct survey_fault {
    const char *what; // "person", "outbox entry", …
    struct span key;  // of the row; empty: it is missing
    const char *why;  // goes on after `what`: "is damaged"
    const char *then; // what that does, and what to do: a sentence without its full stop
};

struct survey {
    struct view *view;                   // begun
    const struct overlay *overlay;       // nothing uncommitted
    const struct digest128 *fingerprint; // of the keys; NULL: they are not compared
    void (*on_fault)(void *ctx, const struct survey_fault *fault);
    void *ctx;

    // Filled.
    uint64_t rows[TABLE_SPACES_COUNT_];
    uint64_t open_entries;
};

// ERR_IO: the table behind cannot be read on; the story is the end of "the data in DIR …".
// ERR_NO_MEMORY.
MUST_CHECK enum err survey_run(struct survey *survey, struct err_info *info);
