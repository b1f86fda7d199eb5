// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The send window: no span of window_ms contains more than max accepted generates. Sliding and
// exact: a send at t counts in every span that begins at or before t and ends after it, so that a
// send is allowed again at exactly (oldest counted send + window_ms).

#include "core/policy.h"
#include "core/record.h"

// 0 when one more may be accepted at now_ms, else how many ms until it may.
int64_t window_wait_ms(const struct record *record, const struct policy *policy, int64_t now_ms);

// How many of the accepted generates count at now_ms; without a limit, 0.
unsigned window_used(const struct record *record, const struct policy *policy, int64_t now_ms);

// Remembers an accepted generate. The oldest is forgotten when RECORD_SENDS_MAX are held: also
// while there is no limit, so that one set later counts what went before.
void window_add(struct record *record, int64_t now_ms);

// Takes one send of exactly that time back. False: there is none any more.
bool window_remove(struct record *record, int64_t at_ms);
