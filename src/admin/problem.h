// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Refusals as problem details (RFC 9457): {"title":"Conflict","status":409,"detail":"…"}.

#include "http/http.h"

#define PROBLEM_TYPE SPAN("application/problem+json")

// The title that the status has in the admin API.
struct span problem_title(int status);

// `detail` is for a person; bytes of it that are no UTF-8 are left out.
void problem_put(int status, struct span title, struct span detail, struct strbuf *out);

// A problem without a detail, for a router.
void problem_put_status(int status, struct strbuf *out);
