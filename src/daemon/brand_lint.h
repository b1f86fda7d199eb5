// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What there is to say of all of a brand's texts, in all their languages.

#include "channel/sms_lint.h"
#include "service/brand.h"

// `what` is the text's name or path, "translations.vi.smsTemplate". Both are gone when the call
// returns.
typedef void brand_lint_line(void *ctx, enum lint_level level, const char *what, struct span line);

struct brand_lint_sink {
    brand_lint_line *on_line;
    void *ctx;
};

// ERR_INVALID with a story: settings that are not valid. ERR_NO_MEMORY.
MUST_CHECK enum err brand_lint(struct span brand, const struct brand_settings *settings,
                               const struct brand_lint_sink *sink, struct err_info *info);
