// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Asks a running server through its control socket: one request of JSON over HTTP, one reply.

#include "base/err.h"
#include "base/strbuf.h"

#include <jansson.h>

#define CONTROL_TIMEOUT_MS 10000L                     // for the whole of one request
#define CONTROL_REPLY_BYTES_MAX (16U * 1024U * 1024U) // the largest export has less
#define CONTROL_PATH_BYTES_MAX 1024U

// Where the server is. The path is that of a socket that need not be there.
struct control {
    char path[CONTROL_PATH_BYTES_MAX];
    const char *data_dir; // of which the path was made; NULL: the path was given itself. Borrowed
};

// What a user may have said about it; NULL: nothing. Borrowed.
struct control_hints {
    const char *socket_flag;
    const char *data_dir_flag;
    const char *const *environment; // "NAME=value", NULL-terminated
};

// The first of --socket, --data-dir, OTPD_CONTROL_SOCKET and OTPD_DATA_DIR that there is; a
// variable that is empty is not there. ERR_NOT_FOUND when none is, ERR_INVALID when no socket can
// have that path; the story says what to give.
MUST_CHECK enum err control_find(const struct control_hints *hints, struct control *out,
                                 struct err_info *info);

#define CONTROL_PARAMETERS_MAX 4U

struct control_parameter {
    const char *name;
    struct span value;
};

struct control_request {
    const char *method;
    const char *path; // "/admin/v1/brand"
    struct span name; // of the brand; data NULL: none
    uint32_t number;  // of a key; 0: none
    bool is_forced;
    struct control_parameter parameters[CONTROL_PARAMETERS_MAX]; // what else the query has
    size_t parameters_count;
    struct span body; // JSON; empty: none
};

struct control_reply {
    long status;
    char *text; // the body, NUL-terminated
    size_t len;
    json_t *json; // an object; NULL: a refusal (status 400 and above) that is none
};

// The reply is to be ended in any case. Errors, each with a story that names the socket and, where
// there is one, the command that mends it:
//   ERR_NOT_FOUND   nobody listens there
//   ERR_PERMISSION  this user may not connect
//   ERR_TIMEOUT     no whole answer within CONTROL_TIMEOUT_MS: the request may have been done
//   ERR_IO          the connection ended before the answer: the request may have been done
//   ERR_INVALID     the answer is none of otpd's, or too long
//   ERR_NO_MEMORY
MUST_CHECK enum err control_ask(const struct control *control,
                                const struct control_request *request, struct control_reply *out,
                                struct err_info *info);
void control_reply_fini(struct control_reply *reply);

// The member of that name of a JSON object as text; "" where it has no such text.
const char *control_text(const json_t *object, const char *name);
