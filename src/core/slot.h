// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// One send, counted in the record of the address that it goes to before the record of the username
// that it is for promises it. It counts at once and stays counted unless it is released: whatever
// is lost in between, an address never gets more than its window. docs/adr/0013-usernames.md.

#include "core/policy.h"
#include "core/record.h"

struct slot {
    int64_t wait_ms; // 0: it was granted; else how long until one may be
    int64_t at_ms;   // granted: the send that now counts
};

// Counts one send at now_ms if there is room for it. The record has changed when it was granted.
struct slot slot_reserve(const struct policy *policy, struct record *record, int64_t now_ms);

// The send that was granted will not be. False: the record had forgotten it and is as it was.
bool slot_release(struct record *record, const struct slot *slot);
