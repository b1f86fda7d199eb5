// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The channel of development mode: nothing leaves the machine. Every message of every kind is shown
// to a sink and counts as sent.

#include "base/err.h"
#include "channel/channel.h"

// Base types alone, so that the sink's owner need not know messages and codes. All spans are gone
// when on_message returns.
struct captured_message {
    struct span kind; // wire name of the channel
    struct span brand;
    struct span to;
    struct span text;
    struct span otp;
    int64_t sent_at_ms;
};

struct capture_sink {
    void (*on_message)(void *ctx, const struct captured_message *message);
    void *ctx;
};

// One channel for all kinds. on_message runs on whatever thread sends.
MUST_CHECK enum err capture_create(const struct capture_sink *sink, struct channel **out);
