// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where the server's keys come from: the key file; in development also one that is made in the data
// directory, or, without one, fresh keys in memory.

#include "config/config.h"
#include "crypto/keyring/keyring.h"

MUST_CHECK enum err daemon_keys_open(const struct config *config, struct keyring **out,
                                     struct err_info *info);
