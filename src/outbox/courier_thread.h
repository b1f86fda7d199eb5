// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The thread that steps a courier: at once when it is told of new entries, else when the next one
// is due.

#include "outbox/courier.h"

struct courier_thread;

// Courier and store are borrowed until courier_thread_stop has returned.
MUST_CHECK enum err courier_thread_start(struct courier *courier, struct store *store,
                                         struct courier_thread **out);

// Something new is claimable. From any thread, as often as one likes: while the courier works it is
// one read of a flag.
void courier_thread_notify(struct courier_thread *thread);

// Finishes the step in hand and ends. What is still queued stays with the store.
void courier_thread_stop(struct courier_thread **thread);
