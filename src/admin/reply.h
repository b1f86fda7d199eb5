// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What all answers of this folder have in common.

#include "http/http.h"

// A reply that browsers neither keep, guess the type of, frame, nor run anything foreign in.
struct http_reply admin_reply(int status, struct span content_type, struct span body);

// The status object of the API, as in {"status":{"success":false,"code":400,"message":"…"}}.
void admin_reply_error(struct http_exchange *exchange, int status, struct span message);
