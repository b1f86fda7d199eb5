// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "rig/model_store.h"

#include "unit/unit.h"

#include <stdlib.h>

struct embedded_store_options model_store_options(struct model_store *fixture)
{
    struct embedded_store_options options = embedded_store_defaults;
    options.clock = store_fixture_clock(&fixture->store);
    options.notices = store_fixture_notices(&fixture->store);
    options.boot = fixture->boot;
    options.is_threaded = false;
    options.entries_max = 100;
    options.table = model_table_create(&fixture->disk);
    return options;
}

void model_store_open(struct model_store *fixture)
{
    struct err_info info = {0};
    struct embedded_store_options options = model_store_options(fixture);
    enum err err = embedded_store_create(&options, &fixture->store.store, &info);
    if (err != ERR_OK)
        fail_msg("%s", info.text);
}

void model_store_reopen(struct model_store *fixture)
{
    store_destroy(&fixture->store.store);
    model_store_open(fixture);
}

int model_store_set_up(void **state)
{
    struct model_store *fixture = calloc(1, sizeof *fixture);
    fixture->store.wall_ms = CASES_START_MS;
    fixture->store.mono_ms = 5000;
    fixture->boot = (struct boot_id){{1}};
    model_store_open(fixture);
    *state = fixture;
    return 0;
}

int model_store_tear_down(void **state)
{
    struct model_store *fixture = *state;
    store_destroy(&fixture->store.store);
    model_disk_fini(&fixture->disk);
    free(fixture);
    return 0;
}

enum store_outcome model_store_run(struct model_store *fixture, uint8_t key, bool is_writing,
                                   bool is_sending)
{
    struct case_op op;
    case_op_init(&op, key, is_writing, is_sending);
    return case_op_run(&fixture->store, &op);
}
