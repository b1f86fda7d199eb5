// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Writes mdoc(7): text in lines of at most 80 columns, a new one for each sentence, with all that
// the language would take for markup made literal.

#include "base/strbuf.h"

#include <stdio.h>

struct mdoc {
    FILE *out;
    size_t column; // 0: at the start of a line
};

// A macro's line as it is: ".Sh NAME". What comes from elsewhere goes through mdoc_text.
void mdoc_macro(struct mdoc *mdoc, const char *line);

// Running text; it goes on where the text before it ended, after a space.
void mdoc_text(struct mdoc *mdoc, const char *text);

// The same, and a full stop where it has none.
void mdoc_sentence(struct mdoc *mdoc, const char *text);

// Text that is kept as it is, between .Bd and .Ed.
void mdoc_literal(struct mdoc *mdoc, struct span text);

// A list's item, its text under a macro: mdoc_item(&mdoc, "Ic", "listen").
void mdoc_item(struct mdoc *mdoc, const char *macro, const char *text);

// The words of a usage after their macros: capitals are arguments, the rest is typed as it is, what
// stands in brackets is optional. "NAME [--yes]".
void mdoc_words(struct mdoc *mdoc, const char *words);
