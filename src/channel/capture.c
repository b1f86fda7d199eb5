// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "channel/capture.h"

#include <stdlib.h>

struct capture {
    struct channel base;
    struct capture_sink sink;
};

static void show(const struct capture *capture, const struct sending *sending)
{
    const struct send_request *request = sending->request;
    const struct captured_message message = {
        .kind = span_of_text(channel_name(request->kind)),
        .brand = request->brand,
        .to = request->to,
        .text = message_reveal(request->text),
        .otp = message_reveal(request->otp_only),
        .sent_at_ms = request->sent_at_ms,
    };
    capture->sink.on_message(capture->sink.ctx, &message);
    sending->on_result(sending->ctx, &(struct send_result){.outcome = SEND_ACCEPTED});
}

static void capture_send(struct channel *channel, struct sending *sending)
{
    if (sending->on_ready != NULL)
        sending->on_ready(sending);
    else
        show((const struct capture *)channel, sending);
}

static void capture_go(struct channel *channel, struct sending *sending, bool is_wanted)
{
    if (is_wanted)
        show((const struct capture *)channel, sending);
}

static void capture_destroy(struct channel *channel)
{
    free(channel);
}

static const struct channel_ops capture_ops = {
    .send = capture_send, .go = capture_go, .destroy = capture_destroy};

enum err capture_create(const struct capture_sink *sink, struct channel **out)
{
    struct capture *capture = malloc(sizeof *capture);
    if (capture == NULL)
        return ERR_NO_MEMORY;
    *capture = (struct capture){.base = {&capture_ops}, .sink = *sink};
    *out = &capture->base;
    return ERR_OK;
}
