// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the ways of a call through the store share. Inside of service/ only.

#include "service/service.h"

struct service_call *call_of(struct store_op *op);

// The transition of the record that the command is for.
void call_transition(struct store_op *op, struct record *record, int64_t now_ms);

// Counts how one op of the call ended; returns how the call has if nothing follows.
enum service_status call_note(const struct service_call *call, enum store_outcome outcome);

// Nothing of the call may be touched afterwards.
void call_end(struct service_call *call, enum service_status status);
