// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Who administers the brand: changes a setting or two now and then, through the registry, also at
// the instant in which a request is half done. A change that was acknowledged holds at once and for
// good; one that failed holds not at all, or, where the store cannot know, from the next start on.

#include "sim/model.h"
#include "sim/world.h"

struct manager {
    struct world *world;
    struct model *model;
    struct brand_settings present;
    struct brand_settings wanted; // by a change of which it is not known what became
    bool is_in_doubt;
    bool is_closing; // nothing is changed any more
};

// `is_idle`: everything stays as it is.
void manager_init(struct manager *manager, struct world *world, struct model *model, bool is_idle);

// For world_options, with the manager as ctx.
void manager_on_boot(struct manager *manager);
void manager_on_delay(struct manager *manager);

// What those settings mean, in the model's terms.
struct model_rules manager_rules(const struct brand_settings *settings);
