// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A way of sending: takes a rendered message and says what became of it.

#include "base/span.h"
#include "crypto/pure/message.h"

// Wire names of the channels, in the order of the bits in masks.
#define CHANNEL_LIST(X)             \
    X(CHANNEL_SMS, "SMS")           \
    X(CHANNEL_WHATSAPP, "WHATSAPP") \
    X(CHANNEL_ZALO, "ZALO")         \
    X(CHANNEL_EMAIL, "EMAIL")

#define CHANNEL_ENUM(name, text) name,
enum channel_kind { CHANNEL_LIST(CHANNEL_ENUM) CHANNEL_COUNT_ };
#undef CHANNEL_ENUM

const char *channel_name(enum channel_kind kind);

enum send_result {
    SEND_ACCEPTED, // handed over: it counts as sent
    SEND_RETRY,    // not taken; the same may work later
    SEND_REFUSED,  // not taken, and never will be
};

// One message to one person. Everything is borrowed until on_result has been called.
struct send_request {
    uint64_t id; // stable over retries
    enum channel_kind kind;
    struct span brand; // as the administrator spelt it
    struct span to;    // canonical address
    const struct message *text;
    const struct message *otp_only; // the code alone, for channels whose vendor renders the text
    int64_t sent_at_ms;
};

struct channel;

struct channel_ops {
    // Calls on_result exactly once, perhaps before it returns.
    void (*send)(struct channel *channel, const struct send_request *request,
                 void (*on_result)(void *ctx, enum send_result result), void *ctx);
    void (*destroy)(struct channel *channel);
};

// First member of every implementation.
struct channel {
    const struct channel_ops *ops;
};
