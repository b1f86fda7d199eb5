// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The embedded store without its thread, over a model of a disk.

#include "rig/store_fixture.h"
#include "sim/model_table.h"
#include "store/embedded/embedded.h"

struct model_store {
    struct store_fixture store; // first: case_op_run and its kind take it
    struct model_disk disk;
    struct boot_id boot;
};

// On a new table over the disk.
struct embedded_store_options model_store_options(struct model_store *fixture);

void model_store_open(struct model_store *fixture);

// As after a kill: nothing but the disk is left.
void model_store_reopen(struct model_store *fixture);

// Of a test whose state it is: one with an open store, on an empty disk.
int model_store_set_up(void **state);
int model_store_tear_down(void **state);

// An op that writes, or sends, or neither.
enum store_outcome model_store_run(struct model_store *fixture, uint8_t key, bool is_writing,
                                   bool is_sending);
