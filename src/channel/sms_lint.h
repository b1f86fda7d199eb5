// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What somebody who writes a template for SMS wants to know of it, in lines of text.

#include "channel/template.h"

enum lint_level {
    LINT_FACT,
    LINT_ADVICE, // it costs more than it might, or says less
    LINT_FAULT,  // something in it is meant for phones or programs, and none will take it
};

#define LINT_LINE_BYTES_MAX 256U

// Lines come one by one, without line ends; `line` is gone when the call returns.
struct lint_sink {
    void (*on_line)(void *ctx, enum lint_level level, struct span line);
    void *ctx;
};

// Of the text that these values make, which should be the longest that will come; the code in them
// need not be a real one.
void sms_lint(const struct template *template, const struct template_values *values,
              const struct lint_sink *sink);
