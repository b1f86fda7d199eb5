// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "rig/durable_rig.h"

#include "store/embedded/embedded.h"
#include "unit/unit.h"

static struct store *make_store(void *ctx, struct clock clock)
{
    struct embedded_store_options options = embedded_store_defaults;
    struct store *store = NULL;
    struct err_info info = {0};
    options.clock = clock;
    options.boot = (struct boot_id){{1}};
    options.is_threaded = false;
    options.table = model_table_create(ctx);
    if (embedded_store_create(&options, &store, &info) != ERR_OK)
        fail_msg("%s", info.text);
    return store;
}

struct rig *durable_rig_create(struct model_disk *disk)
{
    return rig_create_over(make_store, disk);
}
