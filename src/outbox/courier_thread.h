// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The thread that steps a courier: at once when it is told of new entries, else when the next one
// is due.

#include "channel/outbound.h"
#include "outbox/courier.h"
#include "outbox/receipts.h"

struct courier_thread;

// All are borrowed until courier_thread_stop has returned.
struct courier_thread_parts {
    struct courier *courier;
    struct outbound *outbound; // which the thread then drives; NULL: no channel has connections
    struct receipts *receipts; // NULL: nobody reports
};

MUST_CHECK enum err courier_thread_start(const struct courier_thread_parts *parts,
                                         struct courier_thread **out);

// Something new is claimable. From any thread, as often as one likes: while the courier works it is
// one read of a flag.
void courier_thread_notify(struct courier_thread *thread);

// Finishes the step in hand, gives what is with the channels a few seconds to end, waits until the
// store knows of all that was sent, and ends. What is still queued stays with the store.
void courier_thread_stop(struct courier_thread **thread);
