// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The receipts of the providers that a configuration names: who reads them, and where they arrive.

#include "config/config.h"
#include "crypto/keyring/keyring.h"
#include "receipt/receipt_http.h"

struct daemon_receipts {
    struct report_reader *readers[CONFIG_PROVIDERS_MAX];
    struct receipt_http http;
    char url[CONFIG_PUBLIC_URL_BYTES_MAX + 16]; // "https://otp.example.com/receipts/"; empty: off
};

// All is borrowed until daemon_receipts_destroy.
struct daemon_receipts_deps {
    const struct config *config;
    const struct keyring *keyring;
    struct receipts *receipts;
    void (*write_error)(int status, struct strbuf *out); // as http_router's
    struct clock clock;
    struct logger *log;
    struct metrics *metrics;
};

// `out` is all zero, and does not move as long as its routes are in use. Without publicUrl, in
// development and without a provider that reports, it stays off: there is nothing to route to. On
// failure what was made stays, for daemon_receipts_destroy.
MUST_CHECK enum err daemon_receipts_create(struct daemon_receipts *out,
                                           const struct daemon_receipts_deps *deps,
                                           struct err_info *info);

bool daemon_receipts_are_on(const struct daemon_receipts *receipts);

void daemon_receipts_destroy(struct daemon_receipts *receipts); // safe twice
