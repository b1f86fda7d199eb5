// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The form in which texts of any script are compared: NFC, and ASCII letters in lower case. Inside
// of address/ only.

#include "base/span.h"

// Decomposed, a text may be several times as long as it will be, but not longer than this.
#define NORMAL_BYTES_MAX 1024U

struct normal {
    size_t len;
    uint8_t bytes[NORMAL_BYTES_MAX];
};

// What two steps of folding need; which of the two the text ends up in depends on it.
struct folded_text {
    struct normal lower;
    struct normal composed;
};

// *text in NFC: itself when it is ASCII, else in `storage`. False: not UTF-8, or too long.
bool normal_compose(struct span *text, struct normal *storage);

// *text, which is in NFC, with ASCII A to Z in lower case, and in NFC again; in `storage`. False:
// too long.
bool normal_fold(struct span *text, struct folded_text *storage);
