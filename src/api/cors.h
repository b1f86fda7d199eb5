// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Cross-origin requests (Fetch standard, "CORS protocol"). Origins are allowed a brand; a preflight
// names no brand, so that it is granted where any brand would: the answer itself then follows the
// brand of the request.

#include "http/http.h"
#include "service/brand.h"

enum cors_grant {
    CORS_REFUSED,
    CORS_ANY_ORIGIN, // by "*": without credentials
    CORS_LISTED,     // named exactly
};

enum cors_grant cors_grant_of_brand(const struct brand *brand, struct span origin);
enum cors_grant cors_grant_of_set(const struct brand_set *set, struct span origin);

// The fields of an answer to `request`. `is_web`: credentials may come along.
void cors_add_to_answer(struct http_reply *reply, enum cors_grant grant, struct span origin,
                        bool is_web);

// The fields of an answer to the preflight `request`.
void cors_add_to_preflight(struct http_reply *reply, enum cors_grant grant,
                           const struct http_request *request, bool is_web);
