// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A broken assumption of ours ends the process, in release builds too: going on would risk the
// promises. Nothing that comes from outside may reach an ASSERT; that is an error or a verdict.

#define ASSERT(condition)                                  \
    do {                                                   \
        if (__builtin_expect(!(condition), 0))             \
            assert_failed(__FILE__, __LINE__, #condition); \
    } while (0)

#define UNREACHABLE() assert_failed(__FILE__, __LINE__, "unreachable")

#ifdef __cplusplus
extern "C" {
#endif

__attribute__((noreturn, cold)) void assert_failed(const char *file, int line,
                                                   const char *condition);

#ifdef __cplusplus
}
#endif
