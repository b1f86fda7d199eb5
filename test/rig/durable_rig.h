// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A rig over the embedded store without its thread.

#include "rig/rig.h"
#include "sim/model_table.h"

// What it commits is on the disk, which has to outlive it.
struct rig *durable_rig_create(struct model_disk *disk);
