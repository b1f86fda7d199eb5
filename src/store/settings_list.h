// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Settings values by name, a short list.

#include "store/store.h"

struct settings_row {
    char name[SETTING_NAME_BYTES_MAX];
    uint8_t name_len;
    uint8_t *value;
    size_t value_len;
    uint64_t version;
};

#define SETTINGS_ROWS_MAX 1024U

struct settings_list {
    struct settings_row rows[SETTINGS_ROWS_MAX];
    size_t held;
};

// The two halves of settings_list_put, for an owner that writes the setting elsewhere between them.
// The first checks, and copies the value (for free()); the second cannot fail, and takes the copy.
MUST_CHECK enum err settings_list_prepare(struct settings_list *list, const struct setting *setting,
                                          uint8_t **copy_out);
void settings_list_adopt(struct settings_list *list, const struct setting *setting, uint8_t *copy);

// At start: whatever its version is.
MUST_CHECK enum err settings_list_load(struct settings_list *list, const struct setting *setting);

// store_settings_put's errors, and ERR_INVALID or ERR_NO_MEMORY.
MUST_CHECK enum err settings_list_put(struct settings_list *list, const struct setting *setting);
void settings_list_each(const struct settings_list *list,
                        void (*on_setting)(void *ctx, const struct setting *), void *ctx);
void settings_list_fini(struct settings_list *list);
