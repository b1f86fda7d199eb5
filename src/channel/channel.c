// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "channel/channel.h"

#include "base/assert.h"

#define CHANNEL_NAME(name, text) [name] = text,
static const char *const names[] = {CHANNEL_LIST(CHANNEL_NAME)};
#undef CHANNEL_NAME

_Static_assert(sizeof names / sizeof names[0] == CHANNEL_COUNT_, "a name for each channel");

const char *channel_name(enum channel_kind kind)
{
    ASSERT(kind < CHANNEL_COUNT_);
    return names[kind];
}
