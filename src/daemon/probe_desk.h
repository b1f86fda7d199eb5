// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Probes a provider from any thread. Connections belong to the thread that drives `outbound`, and
// so do access tokens that are renewed, so the question is put on a desk, and that thread takes it:
//
//   administrator ──probe_desk_ask──▶ desk ──by fd──▶ courier ──▶ provider
//        ▲                             │
//        └───── waits for the answer ──┘

#include "base/env.h"
#include "channel/channel.h"
#include "channel/outbound.h"

#define PROBE_DESK_WAIT_MS 8000 // less than commands wait for an answer
#define PROBE_WORDS_BYTES_MAX 384U

struct probe_answer {
    enum send_outcome outcome; // as http_channel_probe gives it
    enum send_reason reason;
    size_t words_len;
    uint8_t words[PROBE_WORDS_BYTES_MAX];
};

struct probe_desk;

// All but the clock is borrowed until the desk is destroyed; before the thread that drives
// `outbound` begins. ERR_NO_MEMORY: no memory, or no descriptor.
MUST_CHECK enum err probe_desk_create(struct outbound *outbound, const struct clock *clock,
                                      const struct entropy *entropy, struct probe_desk **out);

// Asks the provider of that HTTP channel. No answer in PROBE_DESK_WAIT_MS is one too, and so is a
// desk that still waits for the last one. From one thread, which is not the driving one.
void probe_desk_ask(struct probe_desk *desk, struct channel *channel, struct probe_answer *out);

// Whoever waits, or asks from now on, is told that it is over.
void probe_desk_stop(struct probe_desk *desk); // safe twice

// Not while a question is on its way: after outbound_end, or before the driving began.
void probe_desk_destroy(struct probe_desk **desk);
