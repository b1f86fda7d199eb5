// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Settings as a body names them, {"otpMaxCount":3,"issuer":"Example"}, read into edits; one text of
// the translations is named by its path, "translations.vi.smsTemplate". What is said is checked for
// names and types here, for ranges by whoever applies the edits.

#include "service/brand_json.h"

struct brand_edits_read {
    struct brand_edit items[BRAND_OPTIONS_MAX];
    size_t count;
    char digits[BRAND_OPTIONS_MAX][BRAND_SETTING_DIGITS_MAX];
    char object[BRAND_SETTING_OBJECT_MAX]; // of translations, the one that there is
};

static inline struct brand_edits brand_edits_of(const struct brand_edits_read *read, bool is_forced)
{
    return (struct brand_edits){read->items, read->count, is_forced};
}

// `settings` may be NULL: none. Texts live as long as it does. ERR_INVALID with a story.
MUST_CHECK enum err brand_edits_read_set(struct brand_edits_read *read, json_t *settings,
                                         struct err_info *info);

// A list of names, each back to its default; may be NULL. ERR_INVALID with a story.
MUST_CHECK enum err brand_edits_read_unset(struct brand_edits_read *read, const json_t *names,
                                           struct err_info *info);
