// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What somebody who writes a template for SMS wants to know of it, in lines of text.

#include "base/strbuf.h"
#include "channel/template.h"

#define SMS_LINT_BYTES_MAX 1024U

// Of the text that these values make, which should be the longest that will come; the code in them
// need not be a real one. False: something in it is meant for phones, and none will take it.
bool sms_lint(const struct template *template, const struct template_values *values,
              struct strbuf *out);
