// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the configuration file rules of the brands. It is written again at each start and reload, so
// a change at run time of such a setting would be undone without a word; it is refused instead.
//
// The lock is held from the look into the table until the change that it allowed is made, and by a
// reload while it changes table and brands. So neither undoes the other.

#include "base/err.h"
#include "service/brand.h"

#define RULED_FILE_BYTES_MAX 200U // as shown in stories; of a longer path, its end

struct ruled_brand {
    char name[BRAND_NAME_BYTES_MAX + 1];
    uint32_t line;                             // of its entry in the file
    uint32_t token_key_line;                   // 0: not ruled
    uint32_t setting_lines[BRAND_OPTIONS_MAX]; // by row of brand_options; 0: not ruled
};

struct ruled_table {
    char file[RULED_FILE_BYTES_MAX + 1];
    struct ruled_brand *brands;
    size_t count;
};

// `count` rows, all zero, for the caller to fill. ERR_NO_MEMORY.
MUST_CHECK enum err ruled_table_init(struct ruled_table *table, struct span file, size_t count);
void ruled_table_fini(struct ruled_table *table); // safe twice, and on one that is all zero

struct ruled;

MUST_CHECK enum err ruled_create(struct ruled **out);
void ruled_destroy(struct ruled **ruled);

void ruled_lock(struct ruled *ruled);
void ruled_unlock(struct ruled *ruled);

// All that follows: with the lock held.

// Exchanges the tables, so that a second call brings the old one back.
void ruled_swap(struct ruled *ruled, struct ruled_table *table);

// NULL: the file does not name the brand.
const struct ruled_brand *ruled_find(const struct ruled *ruled, struct span brand);

bool ruled_has_setting(const struct ruled_brand *brand, const struct option *option);

// "DocDemo is a brand of otpd.yaml:11; take it out there and reload (kill -HUP 4711) first"
void ruled_tell_brand(const struct ruled *ruled, const struct ruled_brand *brand,
                      struct err_info *info);

// "otpMaxCount of DocDemo is set in otpd.yaml:12; change it there and reload (kill -HUP 4711)"
void ruled_tell(const struct ruled *ruled, const struct ruled_brand *brand, const char *what,
                uint32_t line, struct err_info *info);
