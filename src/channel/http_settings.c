// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "channel/http_settings.h"

#include "base/strbuf.h"
#include "channel/channel.h"
#include "channel/outbound.h"

#define FIELD(field) .offset = offsetof(struct http_settings, field)
#define TEXT_FIELD(field) FIELD(field), .capacity = sizeof((struct http_settings *)0)->field

const struct option http_options[] = {
    {.name = "recipeFile",
     .type = OPTION_TEXT,
     TEXT_FIELD(recipe_file),
     .is_nullable = true,
     .help = "A recipe of your own; with kind: custom alone"},
    {.name = "channels",
     .type = OPTION_TEXT,
     TEXT_FIELD(channels),
     .is_nullable = true,
     .help = "Some of the recipe's channels, as \"SMS WHATSAPP\"; null: all of them"},
    {.name = "caFile",
     .type = OPTION_TEXT,
     TEXT_FIELD(ca_file),
     .is_nullable = true,
     .help = "Certificates (PEM) that the provider's must come from; null: the machine's"},
    {.name = "allowPrivate",
     .type = OPTION_BOOL,
     .preset = "false",
     FIELD(may_use_private),
     .help = "Allow addresses of private networks, and http:// to this machine"},
    {.name = "connectionsMax",
     .type = OPTION_U32,
     .preset = "16",
     .least = 1,
     .most = 64,
     FIELD(connections_max),
     .help = "Connections at once"},
    {.name = "timeoutMs",
     .type = OPTION_U32,
     .unit = "ms",
     .preset = "10000",
     .least = 100,
     .most = OUTBOUND_TOTAL_MS_MAX,
     FIELD(timeout_ms),
     .help = "Time for one request, connecting included"},
};

const size_t http_options_count = sizeof http_options / sizeof http_options[0];

static uint32_t channel_bit(struct span word)
{
    for (unsigned kind = 0; kind < CHANNEL_COUNT_; kind++) {
        if (span_eq_nocase(span_of_text(channel_name(kind)), word))
            return 1U << kind;
    }
    return 0;
}

static void put_names(uint32_t channels, struct strbuf *out)
{
    for (unsigned kind = 0; kind < CHANNEL_COUNT_; kind++) {
        if ((channels >> kind & 1U) == 0)
            continue;
        strbuf_put_text(out, out->len > 0 ? ", " : "");
        strbuf_put_text(out, channel_name(kind));
    }
}

static enum err refuse(struct span word, uint32_t offered, struct err_info *info)
{
    uint8_t room[HTTP_CHANNELS_BYTES_MAX];
    struct strbuf names = strbuf_over(room, sizeof room);
    put_names(offered, &names);
    err_info_set(info, "channels: \"%.*s\" is none of the recipe's: %.*s", (int)word.len,
                 (const char *)word.data, (int)names.len, (const char *)names.data);
    return ERR_INVALID;
}

enum err http_settings_channels(const struct http_settings *settings, uint32_t offered,
                                uint32_t *out, struct err_info *info)
{
    struct span rest = span_trim(span_of_text(settings->channels));
    *out = rest.len > 0 ? 0 : offered;
    while (rest.len > 0) {
        struct span word = span_split(rest, ' ', &rest);
        uint32_t bit = channel_bit(word) & offered;
        if (word.len > 0 && bit == 0)
            return refuse(word, offered, info);
        *out |= bit;
    }
    return ERR_OK;
}
