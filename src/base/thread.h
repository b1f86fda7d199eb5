// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Threads of this process. Signals are for the thread that asks for them, so these take none; and
// each has a name, by which `top -H`, debuggers and profilers tell them apart.

#include <pthread.h>
#include <stdbool.h>

#define THREAD_NAME_BYTES_MAX 16U // the kernel's, with the NUL

// False: the system has no room for another one. The caller joins it.
bool thread_start(pthread_t *thread, const char *name, void *(*run)(void *ctx), void *ctx);
