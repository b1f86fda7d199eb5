// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// People who log in by a username, over a rig. `address` is what a body says of where codes go,
// with the comma before it: `,"mobile":"12025550101"`, or nothing.

#include "rig/rig.h"

#define RIG_WINDOW_MINUTES 10

struct visit {
    const char *name;
    char id[SESSION_ID_TEXT_BYTES + 1];
};

// Sends that one address may have in RIG_WINDOW_MINUTES.
void rig_set_limit(struct rig *rig, uint32_t count);

// The one message that is due, which must be there, or must not.
struct rig_message rig_message_of(struct rig *rig);
void rig_assert_no_message(struct rig *rig);

// A request of that username; `rest` ends its members. The code of its answer, as below.
int visit_post(struct rig *rig, const char *call, const char *name, const char *address,
               const char *rest);

struct visit visit_open(struct rig *rig, const char *name, const char *address);
int visit_generate(struct rig *rig, const struct visit *visit, const char *address);
int visit_validate(struct rig *rig, const struct visit *visit, const char *address,
                   const char *otp);

// A session with a code that was sent to that address.
struct visit visit_issue(struct rig *rig, const char *name, const char *address,
                         struct rig_message *message);
void visit_log_in(struct rig *rig, const char *name, const char *address);

// A generate of somebody who logs in by the number itself.
int rig_generate_by_number(struct rig *rig, const char *number);

// Messages to others, as many as the outbox of rig_create takes: one person's, unless somebody has
// looked at it, waits once.
void rig_fill_outbox(struct rig *rig);

// How many more messages the number may be sent; they are used up.
unsigned rig_room_of(struct rig *rig, const char *number);
