// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A way of sending: takes a rendered message and says what became of it.

#include "base/span.h"
#include "channel/reason.h"
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

enum send_outcome {
    SEND_ACCEPTED, // handed over: it counts as sent
    SEND_RETRY,    // not taken; the same may work later
    SEND_REFUSED,  // not taken here, and will not be; `reason` says whether another provider may
    SEND_UNKNOWN,  // it may have been taken: the connection failed after the message had left
};

// What became of one try. Spans are borrowed until on_result returns.
struct send_result {
    enum send_outcome outcome;
    enum send_reason reason;  // SEND_REASON_NONE with SEND_ACCEPTED
    int64_t retry_after_ms;   // SEND_RETRY: how long the provider asks to wait; 0: it does not say
    struct span provider_ref; // how the provider names the message in receipts; may be empty
    struct span words;        // the provider's own, for people and logs; may be empty
};

// Gives the result, on the thread that sends.
typedef void send_done(void *ctx, const struct send_result *result);

// One message to one person. Of one whose sender waits for on_ready (struct sending) the times and
// `to` count before, and the messages may be empty: the rest is written when it is about to go.
struct send_request {
    uint64_t id; // stable over retries
    enum channel_kind kind;
    struct span brand; // as the administrator spelt it
    struct span to;    // canonical address
    const struct message *text;
    const struct message *otp_only; // the code alone, for channels whose vendor renders the text
    const struct message *subject;  // CHANNEL_EMAIL: there is one; else NULL
    struct span language;           // of the text, a tag (base/language.h); empty: not known
    struct span sender;             // what the brand has set; empty: the provider's own
    struct span template_id;        // as sender
    int64_t sent_at_ms;
    int64_t deadline_at_ms;  // the code's end, as sent_at_ms
    struct span receipt_url; // where the provider may report what becomes of it; empty: nowhere
};

// A message's way through a channel.
//
//   waiting ──on_ready──▶ ready ──go──▶ going ──on_result──▶ over
//      │                    ├──go, not wanted──────────────▶ over, without a result
//      └──on_result─────────┴──on_result───────────────────▶ over
//
// The request is borrowed until it is over, and so is this if it has on_ready.
struct sending {
    const struct send_request *request;
    // A connection is ready, nothing of the message has left, and the next step puts it there. The
    // channel waits for `go`. NULL: it goes on by itself.
    void (*on_ready)(struct sending *sending);
    send_done *on_result;
    void *ctx;  // of on_result
    void *held; // the channel's own, when it is ready
};

struct channel;

struct channel_ops {
    // May call on_ready, or on_result, before it returns.
    void (*send)(struct channel *channel, struct sending *sending);
    // Of one that is ready, once, in on_ready or later. Not wanted: its connection serves others.
    void (*go)(struct channel *channel, struct sending *sending, bool is_wanted);
    void (*destroy)(struct channel *channel);
};

// First member of every implementation.
struct channel {
    const struct channel_ops *ops;
};
