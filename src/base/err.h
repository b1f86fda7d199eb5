// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Failures of the environment: memory, files, sockets, other processes. A refusal of the domain is
// a verdict (core/decide.h) and a bug is an ASSERT (base/assert.h); neither is an `enum err`.

#include "base/span.h"

// name, class (what the caller can do), text
#define ERR_LIST(X)                                           \
    X(ERR_OK, NONE, "no error")                               \
    X(ERR_NO_MEMORY, RETRY, "out of memory")                  \
    X(ERR_BUSY, RETRY, "too busy")                            \
    X(ERR_TIMEOUT, RETRY, "timed out")                        \
    X(ERR_IO, FATAL, "input or output failed")                \
    X(ERR_IN_USE, FATAL, "in use by another process")         \
    X(ERR_NOT_FOUND, FATAL, "not found")                      \
    X(ERR_EXISTS, REJECT, "exists already")                   \
    X(ERR_UNFORCED, REJECT, "not without force")              \
    X(ERR_PERMISSION, FATAL, "permission denied or too wide") \
    X(ERR_INVALID, REJECT, "not valid")

#define ERR_ENUM(name, class, text) name,
enum err { ERR_LIST(ERR_ENUM) ERR_COUNT_ };
#undef ERR_ENUM

enum err_class {
    ERR_CLASS_NONE,
    ERR_CLASS_RETRY,  // the same call may succeed later
    ERR_CLASS_REJECT, // what was passed in is wrong and stays wrong
    ERR_CLASS_FATAL,  // a person has to look
};

// The story of a failure, for a person. Written by whoever fails first, wrapped on the way up.
struct err_info {
    char text[512];
};

enum err_class err_class(enum err err);
const char *err_text(enum err err);

// Replaces the story; truncates. `info` may be NULL, so that callers who do not care need no
// branch.
void err_info_set(struct err_info *info, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Puts "what: " before the story: "load key file: cannot open …".
void err_info_wrap(struct err_info *info, const char *what);

#define MUST_CHECK __attribute__((warn_unused_result))
