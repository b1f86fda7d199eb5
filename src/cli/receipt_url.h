// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"

struct cli;

// otpd provider receipt-url NAME: the arguments begin with the verb.
int cli_receipt_url(const struct cli *cli);

// One line for each provider that reports, with what has to be done for it. No secret is in it.
void cli_receipts_print(const struct config *config);
