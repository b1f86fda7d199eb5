// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The snapshot's own side: how it is made, counted and freed. Readers use service/brand.h.

#include "service/brand.h"

// Above this many the registry refuses; each costs some 13 KB a snapshot.
#define BRANDS_MAX 1024U

// Takes the brands over, also when it fails, and frees the array's brands with the set. The set
// begins with one reference. ERR_INVALID: two of one name or of one id. ERR_NO_MEMORY.
MUST_CHECK enum err brand_set_create(struct brand **brands, size_t count, struct brand_set **out,
                                     struct err_info *info);

void brand_set_ref(struct brand_set *set);

// Drops one reference; the last one frees. From any thread.
void brand_set_unref(const struct brand_set **set);
