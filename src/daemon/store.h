// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which store a server has: the durable one in its data directory, or, in development without one,
// that in memory.

#include "config/config.h"
#include "crypto/keyring/keyring.h"
#include "store/store.h"
#include "telemetry/log.h"

struct daemon_store_deps {
    const struct config *config;
    const struct keyring *keyring;
    struct clock clock;
    struct store_notices notices;
    struct logger *log;
    struct metrics *metrics;
};

MUST_CHECK enum err daemon_store_open(const struct daemon_store_deps *deps, struct store **out,
                                      struct err_info *info);
