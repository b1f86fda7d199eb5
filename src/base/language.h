// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Names of languages: the tags of BCP 47 as far as a message needs them, a language with a script
// or a region: en, vi, pt-BR, zh-Hant, es-419.

#include "base/span.h"

#define LANGUAGE_BYTES_MAX 8U

// Is it one, spelt as BCP 47 recommends (pt-BR, not pt-br)? A tag has ASCII letters, digits and "-"
// alone, so that it can stand anywhere.
bool language_is_tag(struct span text);

// Is it written from right to left?
bool language_is_rtl(struct span tag);

// How well `tag` answers a wish of any case: 0 not at all; the same language in another region or
// script counts less than one without any, and that less than the very same tag.
unsigned language_fit(struct span wish, struct span tag);
