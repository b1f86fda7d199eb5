// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "base/language.h"

struct subtags {
    struct span language;
    struct span rest; // script or region; empty: none
};

static struct subtags split(struct span tag)
{
    struct subtags subtags;
    subtags.language = span_split(tag, '-', &subtags.rest);
    return subtags;
}

static bool is_lower(uint8_t byte)
{
    return byte >= 'a' && byte <= 'z';
}

static bool is_upper(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z';
}

static bool is_all(struct span text, bool (*is_wanted)(uint8_t))
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_wanted(text.data[i]))
            return false;
    }
    return true;
}

// RFC 5646 section 2.1.1: language lower case, Script titled, REGION upper case or three digits.
bool language_is_tag(struct span text)
{
    struct subtags tag = split(text);
    if (tag.language.len < 2 || tag.language.len > 3 || !is_all(tag.language, is_lower))
        return false;
    if (tag.rest.len == 0)
        return tag.language.len == text.len;
    if (tag.rest.len == 2)
        return is_all(tag.rest, is_upper);
    if (tag.rest.len == 3)
        return is_all(tag.rest, ascii_is_digit);
    return tag.rest.len == 4 && is_upper(tag.rest.data[0]) &&
           is_all(span_from(tag.rest, 1), is_lower);
}

static bool is_one_of(const struct span *list, size_t count, struct span word)
{
    for (size_t i = 0; i < count; i++) {
        if (span_eq(list[i], word))
            return true;
    }
    return false;
}

// A script that is named counts more than the language's usual one: az-Arab, pa-Arab, uz-Latn.
bool language_is_rtl(struct span tag)
{
    static const struct span scripts[] = {SPAN("Adlm"), SPAN("Arab"), SPAN("Hebr"), SPAN("Nkoo"),
                                          SPAN("Rohg"), SPAN("Syrc"), SPAN("Thaa")};
    static const struct span languages[] = {
        SPAN("ar"), SPAN("arc"), SPAN("ckb"), SPAN("dv"), SPAN("fa"), SPAN("he"), SPAN("ks"),
        SPAN("ps"), SPAN("prs"), SPAN("sd"),  SPAN("ug"), SPAN("ur"), SPAN("yi")};
    struct subtags subtags = split(tag);
    if (subtags.rest.len == 4)
        return is_one_of(scripts, sizeof scripts / sizeof scripts[0], subtags.rest);
    return is_one_of(languages, sizeof languages / sizeof languages[0], subtags.language);
}

unsigned language_fit(struct span wish, struct span tag)
{
    struct subtags wanted = split(wish);
    struct subtags offered = split(tag);
    if (wanted.language.len == 0 || offered.language.len == 0)
        return 0;
    if (span_eq_nocase(wish, tag))
        return 3;
    if (!span_eq_nocase(wanted.language, offered.language))
        return 0;
    return offered.rest.len == 0 ? 2 : 1;
}
