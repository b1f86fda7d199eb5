// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the process uses of the machine.

#include "telemetry/metrics.h"

// Sets METRIC_CPU_US, METRIC_RESIDENT_BYTES and METRIC_OPEN_FDS. What the kernel does not say stays
// as it was. Takes about a microsecond for every few descriptors that are open.
void process_measure(struct metrics *metrics);
