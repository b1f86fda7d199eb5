// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a brand says to people: its texts, and the same in further languages.
//
// The translations are one setting, an object {"vi":{"smsTemplate":"…"},"ar":{…}} whose members
// have the names of the brand's own texts. It is kept as JSON with sorted names and no spaces, so
// that equal translations are equal texts.

#include "service/brand.h"

// The option of `translations`.
const struct option *brand_translations_option(void);

// Is it one of the options that a translation may give, too?
bool brand_option_is_translated(const struct option *option);

// ERR_INVALID with a story that begins with the name of the text that is wrong.
MUST_CHECK enum err brand_words_compile(const struct brand_words *words,
                                        struct brand_templates *out, struct err_info *info);

// Of settings->translations; *out is NULL when there are none, else for free(). ERR_INVALID with a
// story such as "translations.vi.smsTemplate: …"; ERR_NO_MEMORY.
MUST_CHECK enum err brand_translations_compile(const struct brand_settings *settings,
                                               struct brand_translation **out, size_t *held_out,
                                               struct err_info *info);

// Puts one text, or takes it out. `path` is "vi.smsTemplate", or "vi" for all of that language,
// which can only be taken out. text.data NULL or "null": out. ERR_INVALID with a story: a path that
// is none, or more than there is room for; ERR_NO_MEMORY.
MUST_CHECK enum err brand_translations_edit(struct brand_settings *settings, struct span path,
                                            struct span text, struct err_info *info);
