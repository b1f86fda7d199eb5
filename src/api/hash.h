// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Payload encryption: whether a request's hash is right.
//
//   cheap checks ──▶ decryptor ──▶ what it says ──▶ taken, once ──▶ on_right
//        └───────────────┴──────────────┴──────────────┴──▶ 5004, or 503 when there is too much to
//        do
//
// Whatever is wrong, the answer is one and the same, and the log has the reason.

#include "api/request.h"

// After the session's checks. Calls on_right on the exchange's loop, perhaps before it returns, or
// answers. Texts of request->fields are gone afterwards.
void hash_check(struct api_request *request, void (*on_right)(struct api_request *request));
