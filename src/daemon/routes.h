// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The ways of messages that a configuration names.

#include "config/config.h"
#include "outbox/route.h"

// Who carries everything in development mode.
#define DAEMON_DEV_PROVIDER SPAN("inbox")

// Providers have the numbers that they have in the configuration, which outlives the routes. On
// failure a story.
MUST_CHECK enum err daemon_routes_create(const struct config *config, struct routes **out,
                                         struct err_info *info);
