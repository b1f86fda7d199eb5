// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "core/slot.h"

#include "core/window.h"

struct slot slot_reserve(const struct policy *policy, struct record *record, int64_t now_ms)
{
    policy_assert(policy);
    record_assert(record);
    record_prune(record, now_ms);
    struct slot slot = {.wait_ms = window_wait_ms(record, policy, now_ms), .at_ms = now_ms};
    if (slot.wait_ms == 0)
        window_add(record, now_ms);
    record_assert(record);
    return slot;
}

bool slot_release(struct record *record, const struct slot *slot)
{
    ASSERT(slot->wait_ms == 0);
    record_assert(record);
    return window_remove(record, slot->at_ms);
}
