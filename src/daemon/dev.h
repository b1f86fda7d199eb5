// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What development mode has besides: an inbox, and a channel that puts every message there.

#include "daemon/graph.h"

MUST_CHECK enum err dev_create(struct graph *graph, struct err_info *info);
