// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Message texts with the tags {otp}, {brand} and {minutes}. A template is compiled once, when it is
// set, into literals and tags; data never passes through the parser again.

#include "base/err.h"
#include "crypto/pure/code.h"

#define TEMPLATE_SOURCE_BYTES_MAX 1024U
#define TEMPLATE_PARTS_MAX 32U
#define TEMPLATE_SUBJECT_BYTES_MAX 256U
#define TEMPLATE_MINUTES_DIGITS_MAX 4U // of the longest life that a code can have, a day

enum template_part_kind {
    TEMPLATE_LITERAL,
    TEMPLATE_OTP,
    TEMPLATE_BRAND,
    TEMPLATE_MINUTES,
};

struct template_part {
    enum template_part_kind kind;
    uint16_t from; // literal: where in source
    uint16_t len;
};

struct template
{
    uint16_t source_len;
    uint8_t parts_held;
    struct template_part parts[TEMPLATE_PARTS_MAX];
    uint8_t source[TEMPLATE_SOURCE_BYTES_MAX];
};

struct template_values {
    const struct code *code;
    struct span brand;
    uint64_t minutes; // really left, rounded up
};

// ERR_INVALID with a story: too long, an unknown tag, no {otp}, an unclosed brace, control
// characters other than line feeds.
// "{{" and "}}" stand for single braces.
MUST_CHECK enum err template_compile(struct span source, struct template *out,
                                     struct err_info *info);

// As template_compile, but of one line, and the code may be missing: the subject of an e-mail.
MUST_CHECK enum err template_compile_subject(struct span source, struct template *out,
                                             struct err_info *info);

// Does the code stand in it?
bool template_has_otp(const struct template *template);

// Bytes of the longest text that it makes, for brands whose names have at most that many.
size_t template_bytes_longest(const struct template *template, size_t brand_bytes);

// How a brand says it by one channel in one language. The templates are borrowed from the brand.
struct wording {
    const struct template *text;
    const struct template *subject; // NULL: the channel has none
    struct span language;           // a tag; empty: nobody has said
    struct span sender;             // empty: the provider's own
    struct span template_id;        // empty: the provider's own
};

// The whole text is in `out`, or out->is_overflowed.
void template_render(const struct template *template, const struct template_values *values,
                     struct message *out);
