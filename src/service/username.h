// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Calls about usernames: two records instead of one. Inside of service/ only.

#include "service/service.h"

// What the rules need to know of call->to. After the record's key is known.
void username_prepare(struct service_call *call, const struct entropy *entropy);

// In place of submitting the one op that other generates are.
void username_generate(struct service_call *call);
