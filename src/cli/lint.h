// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "service/brand.h"

#include <jansson.h>

// Prints what there is to say of the brand's texts, a line each. EXIT_STATUS_DATA: something in
// them is meant for phones, and none will take it.
int lint_print(const char *brand, const struct brand_settings *settings);

// To standard error, and of these settings alone (an array of names and paths): what is to be
// mended in them.
void lint_warn(const char *brand, const struct brand_settings *settings, const json_t *names);
