// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The channels of the providers that a configuration names.

#include "channel/smtp.h"
#include "config/config.h"

struct providers {
    struct outbound *outbound; // NULL: there are no providers
    struct channel *channels[CONFIG_PROVIDERS_MAX];
    size_t held;
};

// `providers` is all zero. Sets the channels that a provider carries, leaves the others; they are
// borrowed. On failure what was made stays, for providers_destroy.
MUST_CHECK enum err providers_create(struct providers *providers, const struct config *config,
                                     const struct clock *clock,
                                     struct channel *channels_out[CHANNEL_COUNT_],
                                     struct err_info *info);
void providers_destroy(struct providers *providers); // safe twice
