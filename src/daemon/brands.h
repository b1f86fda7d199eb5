// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The brands that a configuration names, put into the registry. A file makes a brand that is not
// there and rules the settings that it names (docs/adr/0012-file-and-run-time.md); the rest of the
// brand, and brands that the file no longer names, are left to whoever changes them at run time.

#include "admin/ruled.h"
#include "config/config.h"
#include "service/brand.h"
#include "telemetry/log.h"

#define DEV_BRAND_NAME "DocDemo"
#define DEV_BRAND_COUNTRY "IN"

// Also, in development, adds DocDemo where nobody has.
MUST_CHECK enum err daemon_brands_put(struct brands *brands, const struct config *config,
                                      struct err_info *info);

// What that configuration rules. ERR_NO_MEMORY.
MUST_CHECK enum err daemon_brands_ruled(const struct config *config, struct ruled_table *out,
                                        struct err_info *info);

// Logs what there is to mend in the texts of all brands.
void daemon_brands_lint(struct logger *log, struct brands *brands);

// Logs those that `old` names and `fresh` does not.
void daemon_brands_log_freed(struct logger *log, const struct config *old,
                             const struct config *fresh);
