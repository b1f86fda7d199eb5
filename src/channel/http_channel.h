// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The channel of every provider that has a recipe: renders, hands over to a transport, judges what
// comes back. At most `in_flight_max` messages are on their way at once; room for them is taken
// when the channel is made, and wiped after each message.

#include "channel/recipe.h"
#include "channel/token_source.h"

// Takes the plan over, also when it fails; the plan's recipe and the transport are borrowed until
// the channel is destroyed, which must not be while messages are on their way. ERR_NO_MEMORY.
MUST_CHECK enum err http_channel_create(struct recipe_plan **plan,
                                        const struct http_transport *transport,
                                        size_t in_flight_max, struct channel **out);

// From now on the access tokens of a rotating plan come from there. Before the first message;
// without it such a channel refuses all. Borrowed until the channel is destroyed.
void http_channel_set_tokens(struct channel *channel, struct token_source *tokens);

// Borrowed, as long as the channel lives.
const struct recipe_plan *http_channel_plan(const struct channel *channel);

// The recipe has a question that shows whether the provider takes the credentials, and what it has
// to show is here: an access token of a rotating plan is where its tokens come from alone.
bool http_channel_can_ask(const struct channel *channel);

// Sends no message, but that question, if it can be asked: its result is recipe_probe_judge's. Else
// SEND_ACCEPTED says that TLS stands to where messages would go. `id` is of its own for each; one
// at a time. As the channel's send.
void http_channel_probe(struct channel *channel, uint64_t id, int64_t now_ms, send_done *on_result,
                        void *ctx);
