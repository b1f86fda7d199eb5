// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Is a page wanted, or data?

#include "base/span.h"

// True when text/html is named in the Accept field and preferred to application/json. A wildcard
// does not ask for a page: curl and test suites send that.
bool accept_prefers_html(struct span accept);
