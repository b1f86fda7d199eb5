// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "service/brand.h"

// Prints what there is to say of the brand's texts, a line each. EXIT_STATUS_DATA: something in
// them is meant for phones, and none will take it.
int lint_print(const char *brand, const struct brand_settings *settings);
