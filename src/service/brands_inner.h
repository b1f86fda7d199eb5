// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The registry's inside, for the two files that it is made of.

#include "service/brand_set.h"

#include <pthread.h>

struct brands {
    struct store *store;
    const struct key *wrap_key;
    const struct entropy *entropy;
    pthread_mutex_t reload;
    pthread_mutex_t swap;
    struct brand_set *current; // under `swap`
};
