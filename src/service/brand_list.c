// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "service/brand_list.h"

#define WORDS_MAX 4U

struct word_list {
    const char *name;             // of the option
    struct span words[WORDS_MAX]; // by their bits; empty: no word
    const char *choice;           // all of them, for people
};

// As on the wire.
static const struct word_list identifier_types = {
    .name = "identifierTypes",
    .words =
        {
            [ADDRESS_MOBILE] = SPAN("MOBILE"),
            [ADDRESS_EMAIL] = SPAN("EMAIL"),
            [ADDRESS_USERNAME] = SPAN("USERNAME"),
        },
    .choice = "MOBILE, EMAIL or USERNAME",
};

static const struct word_list fallback_channels = {
    .name = "fallbackChannels",
    .words =
        {
            [CHANNEL_SMS] = SPAN("SMS"),
            [CHANNEL_WHATSAPP] = SPAN("WHATSAPP"),
            [CHANNEL_ZALO] = SPAN("ZALO"),
            [CHANNEL_EMAIL] = SPAN("EMAIL"),
        },
    .choice = "SMS, WHATSAPP, ZALO or EMAIL",
};

static uint32_t bit_of(const struct word_list *list, struct span word)
{
    for (size_t i = 0; i < WORDS_MAX; i++) {
        if (span_eq(list->words[i], word))
            return 1U << i;
    }
    return 0;
}

static enum err parse(const struct word_list *list, const char *text, uint32_t *out,
                      struct err_info *info)
{
    struct span rest = span_of_text(text);
    *out = 0;
    while (rest.len > 0) {
        struct span word = span_split(rest, ' ', &rest);
        uint32_t bit = word.len > 0 ? bit_of(list, word) : 0;
        *out |= bit;
        if (word.len == 0 || bit != 0)
            continue;
        err_info_set(info, "%s: \"%.*s\" is not %s", list->name, (int)word.len,
                     (const char *)word.data, list->choice);
        return ERR_INVALID;
    }
    return ERR_OK;
}

enum err brand_identifier_types(const struct brand_settings *settings, uint32_t *out,
                                struct err_info *info)
{
    enum err err = parse(&identifier_types, settings->identifier_types, out, info);
    if (err != ERR_OK || *out != 0)
        return err;
    err_info_set(info, "identifierTypes: it is empty, so that nobody could log in");
    return ERR_INVALID;
}

enum err brand_fallback_channels(const struct brand_settings *settings, uint32_t *out,
                                 struct err_info *info)
{
    return parse(&fallback_channels, settings->fallback_channels, out, info);
}
