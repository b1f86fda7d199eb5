// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What is wrong with a configuration: a bounded list of lines as compilers write them,
// "otpd.yaml:3:1: error: unknown option \"lisen\"; did you mean \"listen\"?".

#include "base/err.h"

#define CONFIG_ERRORS_MAX 50U
#define CONFIG_ERROR_BYTES_MAX 768U

struct config_report {
    size_t held;
    size_t left_off; // errors beyond the held ones
    char lines[CONFIG_ERRORS_MAX][CONFIG_ERROR_BYTES_MAX];
};

// Where a value stands. `line` 0: the source has no lines.
struct config_place {
    const char *source; // a path, "OTPD_LOOPS", "--loops" or "command line"
    uint32_t line, column;
};

void config_report_init(struct config_report *report);

// Truncates what is longer than a line may be.
void config_report_add(struct config_report *report, struct config_place place,
                       const struct err_info *info);
