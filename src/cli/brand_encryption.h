// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// otpd brand encryption: the keys that apps encrypt for.

#include "cli/admin.h"

int brand_encryption_add(struct admin *admin);
int brand_encryption_list(struct admin *admin);
int brand_encryption_retire(struct admin *admin);
