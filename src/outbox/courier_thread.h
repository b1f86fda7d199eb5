// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The thread that steps a courier: at once when it is told of new entries, else when the next one
// is due.

#include "channel/outbound.h"
#include "outbox/courier.h"

struct courier_thread;

// All three are borrowed until courier_thread_stop has returned. `outbound`, which the thread then
// drives, is NULL when no channel has connections.
MUST_CHECK enum err courier_thread_start(struct courier *courier, struct store *store,
                                         struct outbound *outbound, struct courier_thread **out);

// Something new is claimable. From any thread, as often as one likes: while the courier works it is
// one read of a flag.
void courier_thread_notify(struct courier_thread *thread);

// Finishes the step in hand, gives what is with the channels a few seconds to end, and ends. What
// is still queued stays with the store.
void courier_thread_stop(struct courier_thread **thread);
