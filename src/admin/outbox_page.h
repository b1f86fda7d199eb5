// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Messages and people as the admin API tells of them, as JSON (docs/admin.md). Times are UTC with
// milliseconds, null where there is none.

#include "service/explain.h"

// "2026-11-23T10:00:00.123Z", or null for 0.
void outbox_page_time(const char *before, int64_t at_ms, struct strbuf *out);

// {"handle":12,"brand":"DocDemo",…,"attempts":[…]}
void outbox_page_message(const struct told_message *message, struct strbuf *out);

// {"now":…,"asked":…,"session":…,"people":[…],"conclusion":…}
void outbox_page_explained(const struct history *history, const struct brand_set *brands,
                           const struct explained *explained, struct strbuf *out);
