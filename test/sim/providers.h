// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The providers of a world: connections that come at once, late or never, answers of all kinds, and
// reports about messages at any time.

#include "sim/world.h"

// Of a struct sim_channel.
extern const struct channel_ops providers_ops;

// The process ends, and its connections with it.
void providers_cut(struct world *world);
