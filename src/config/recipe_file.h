// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Recipes of providers as YAML files: those that are part of the program, and the administrator's.

#include "channel/recipe.h"
#include "config/report.h"

#define CONFIG_RECIPE_BYTES_MAX (64U * 1024U)

// `source` names the text in the report. ERR_INVALID: *report says all that is wrong.
// ERR_NO_MEMORY.
MUST_CHECK enum err config_recipe_parse(const char *source, struct span text, struct recipe **out,
                                        struct config_report *report);

// The text of the shipped recipe with that place in their order.
struct span config_recipe_shipped_at(size_t index);

// Names of the shipped recipes, in order; data NULL from the last one on.
struct span config_recipe_shipped_name(size_t index);
