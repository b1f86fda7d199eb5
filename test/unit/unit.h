// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What every unit test includes: cmocka in the order it wants.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// A table-driven test says which row failed.
#define assert_row_equal(row, actual, expected)                                 \
    do {                                                                        \
        if ((long long)(actual) != (long long)(expected))                       \
            fail_msg("%s: got %lld, expected %lld", (row), (long long)(actual), \
                     (long long)(expected));                                    \
    } while (0)
