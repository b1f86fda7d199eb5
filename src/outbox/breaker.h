// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A circuit breaker for each provider: one that fails is left alone for a while, and its messages
// go by others or wait, instead of each finding out for itself.
//
//   closed ──5 failures in a row, or most of the last 20──▶ open ──5 s──▶ half-open
//     ▲                                                      ▲                │ one message
//     │                                                      └──it fails: ────┤
//     └──it does not──────────────────────────────────────────twice as long,  │
//                                                             60 s at most ◀──┘
//
// A failure is one of the provider's own: it cannot be reached, fails, does not answer, refuses the
// credentials, or has no money left. What it says of a person, a text or a country is none; nor is
// a request to send more slowly, which mail relays make to every new sender (greylisting).

#include "base/env.h"
#include "channel/channel.h"

#define BREAKER_FAILURES_MAX 5U
#define BREAKER_RECENT 20U
#define BREAKER_FIRST_MS 5000
#define BREAKER_LONGEST_MS 60000

enum breaker_state {
    BREAKER_CLOSED,
    BREAKER_HALF_OPEN, // one message may be tried, and one at a time
    BREAKER_OPEN,
};

// All zero: closed.
struct breaker {
    uint32_t recent; // bits of the last results, 1: failure
    uint8_t recent_held;
    uint8_t in_a_row;
    bool is_open;
    bool is_probing;
    int64_t rest_ms; // how long it was opened for, the last time in a row; 0: it was not
    struct mono until;
};

enum breaker_state breaker_state_at(const struct breaker *breaker, struct mono now);

// How long until it is half open; 0 when it is, or is closed.
int64_t breaker_rest_ms(const struct breaker *breaker, struct mono now);

// A message goes to the provider. Asserts that the breaker is not open, nor a probe under way.
void breaker_begin(struct breaker *breaker, struct mono now);

// What became of it, or of one that went before the breaker opened.
void breaker_note(struct breaker *breaker, bool is_failure, struct mono now);

// It did not go after all.
void breaker_withdraw(struct breaker *breaker);

bool breaker_is_failure(const struct send_result *result);
