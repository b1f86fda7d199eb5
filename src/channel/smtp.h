// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// E-mail through one relay. What a setting means is told in smtp_settings.h, what a reply means in
// smtp_reply.h.

#include "channel/channel.h"
#include "channel/outbound.h"
#include "channel/smtp_settings.h"

// Settings are valid; they and the password are copied. `outbound` is borrowed.
MUST_CHECK enum err smtp_create(struct outbound *outbound, const struct smtp_settings *settings,
                                struct span password, struct channel **out);

// Connects and logs in, but sends nothing: SEND_ACCEPTED when a message could have been given. As
// the channel's send, on the thread that drives `outbound`.
void smtp_probe(struct channel *channel, send_done *on_result, void *ctx);
