// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The brands that a configuration names, put into the registry.

#include "config/config.h"
#include "service/brand.h"

#define DEV_BRAND_NAME "DocDemo"
#define DEV_BRAND_COUNTRY "IN"

// Adds and replaces; in development DocDemo too, unless the file has one of that name.
MUST_CHECK enum err daemon_brands_put(struct brands *brands, const struct config *config,
                                      struct err_info *info);

// Takes out those that `old` names and `fresh` does not.
MUST_CHECK enum err daemon_brands_drop(struct brands *brands, const struct config *old,
                                       const struct config *fresh, struct err_info *info);
