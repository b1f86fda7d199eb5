// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// otpd check --online: whether each provider takes its credentials.

#include "config/config.h"

// Asks every provider, prints what they say, and returns the exit status.
int cli_online(const struct config *config);
