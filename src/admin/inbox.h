// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The development inbox: the last messages that would have been sent, for people and test suites.
// It holds codes and addresses in plain, so it exists in development mode alone.
//
// The courier's thread adds, every loop reads.

#include "base/err.h"

#define INBOX_MESSAGES_MAX 10000U

// Ceilings of one message (asserted).
#define INBOX_BRAND_BYTES_MAX 64U
#define INBOX_CHANNEL_BYTES_MAX 16U
#define INBOX_TO_BYTES_MAX 254U
#define INBOX_TEXT_BYTES_MAX 2048U
#define INBOX_OTP_BYTES_MAX 16U

struct inbox_message {
    uint64_t id; // given by inbox_add: 1, 2, 3, … and never again, not after a clear either
    struct span brand;
    struct span channel; // wire name
    struct span to;      // canonical
    struct span text;
    struct span otp;
    int64_t sent_at_ms;
};

struct inbox_query {
    struct span to; // canonical; empty: to anybody
    uint64_t after; // newer than that id alone
    size_t limit;
};

struct inbox;

MUST_CHECK enum err inbox_create(struct inbox **out);
void inbox_destroy(struct inbox **inbox);

// Keeps a copy and drops the oldest when INBOX_MESSAGES_MAX are held. Allocates nothing. Any
// thread.
void inbox_add(struct inbox *inbox, const struct inbox_message *message);

void inbox_clear(struct inbox *inbox);

// The id given last, 0 before the first. One atomic load: cheap enough to ask every few ms.
uint64_t inbox_last_id(const struct inbox *inbox);

// Shows what the query asks for, newest first, until on_message returns false; returns how many it
// was shown. The spans are gone when on_message returns, which must not call the inbox: its lock is
// held.
size_t inbox_each(struct inbox *inbox, const struct inbox_query *query,
                  bool (*on_message)(void *ctx, const struct inbox_message *message), void *ctx);

// From now on nobody waits for messages: the server is to stop. Any thread.
void inbox_end_waits(struct inbox *inbox);
bool inbox_has_ended_waits(const struct inbox *inbox);
