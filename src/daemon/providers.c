// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "daemon/providers.h"

#include "outbox/courier.h"

// Of all providers at once: each may be a connection with its buffers. Every channel can use its
// whole share of the courier's places.
#define TRANSFERS_MAX (CHANNEL_COUNT_ * COURIER_CHANNEL_PLACES)

static enum err add(struct providers *providers, const struct config_provider *provider,
                    struct channel *channels_out[CHANNEL_COUNT_])
{
    struct channel **channel = &providers->channels[providers->held];
    enum err err = smtp_create(providers->outbound, &provider->smtp,
                               span_of_text(provider->password), channel);
    if (err != ERR_OK)
        return err;
    providers->held++;
    channels_out[CHANNEL_EMAIL] = *channel;
    return ERR_OK;
}

enum err providers_create(struct providers *providers, const struct config *config,
                          const struct clock *clock, struct channel *channels_out[CHANNEL_COUNT_],
                          struct err_info *info)
{
    enum err err = ERR_OK;
    if (config->providers_held > 0)
        err = outbound_create(clock, TRANSFERS_MAX, &providers->outbound);
    for (size_t i = 0; err == ERR_OK && i < config->providers_held; i++)
        err = add(providers, config->providers[i], channels_out);
    if (err != ERR_OK)
        err_info_set(info, "providers: %s", err_text(err));
    return err;
}

void providers_destroy(struct providers *providers)
{
    for (size_t i = 0; i < providers->held; i++)
        providers->channels[i]->ops->destroy(providers->channels[i]);
    providers->held = 0;
    outbound_destroy(&providers->outbound);
}
