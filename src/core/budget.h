// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Guesses at one identifier, over all its sessions, codes and devices.
//
// At most lock_after_failures consecutive wrong tries are evaluated; then it is locked for lock_ms.
// Once a device has succeeded, otp_attempts_max of them are kept for that device: foreign sessions
// can use up the open part and lock it, and the owner's device still gets in.
//
// Invariant: a counter falls only at a success. A new session, code, device, setting or the end of
// a lock never lowers it: after a lock one single try is allowed, and the next wrong one locks
// again.

#include "core/policy.h"
#include "core/record.h"

// May a session of that device (0: none) be evaluated now?
bool budget_allows(const struct record *record, const struct policy *policy, uint64_t device,
                   int64_t now_ms);

// Counts one wrong try that was allowed, and locks where it was the last one. The open part is used
// up first, by the owner's device too.
void budget_count_failure(struct record *record, const struct policy *policy, int64_t now_ms);

// A success: counters and locks are gone, and `device` has the reserve from now on (0, a login
// without a device: it stays whose it was).
void budget_clear(struct record *record, uint64_t device);
