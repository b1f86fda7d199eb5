// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "sim/manager.h"

#include "base/assert.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define BRAND SPAN("DocDemo")
#define EDITS_MAX 2U

// What a setting is changed to. Sessions and codes together stay below two epochs.
static const struct menu {
    const char *name;
    const char *values[8];
} menus[] = {
    {"otpMaxCount", {"null", "1", "2", "3", "4", "6", "9", "64"}},
    {"otpTimeOut", {"null", "1", "3", "5", "10", "15", "20", "30"}},
    {"otpTtlSeconds", {"60", "120", "300", "300", "600", "600", "1200", "1200"}},
    {"otpMaxAttempts", {"1", "2", "3", "4", "5", "6", "7", "8"}},
    {"lockAfterFailures", {"10", "20", "30", "40", "50", "60", "80", "100"}},
    {"lockSeconds", {"300", "600", "900", "1200", "1200", "1500", "1800", "1800"}},
    {"resend", {"same", "new", "same", "new", "same", "new", "same", "new"}},
    {"sessionTtlSeconds", {"60", "120", "600", "900", "1200", "1800", "2400", "3000"}},
};

#define MENUS (sizeof menus / sizeof menus[0])
#define VALUES (sizeof menus[0].values / sizeof menus[0].values[0])

struct model_rules manager_rules(const struct brand_settings *settings)
{
    return (struct model_rules){
        .max_count = settings->otp_time_out_minutes > 0 ? settings->otp_max_count : 0,
        .window_ms = settings->otp_time_out_minutes * MINUTE_MS,
        .ttl_ms = settings->otp_ttl_seconds * SECOND_MS,
        .attempts_max = settings->otp_max_attempts,
        .lock_after = settings->lock_after_failures,
        .lock_ms = settings->lock_seconds * SECOND_MS,
        .session_ms = settings->session_ttl_seconds * SECOND_MS,
    };
}

static bool is_same(const struct brand_settings *a, const struct brand_settings *b)
{
    for (size_t i = 0; i < brand_options_count; i++) {
        if (!option_is_equal(&brand_options[i], a, b))
            return false;
    }
    return true;
}

static bool is_in_force(const struct manager *manager, const struct brand_settings *settings)
{
    const struct brand_set *set = brands_acquire(manager->world->brands);
    const struct brand *brand = brand_set_find(set, BRAND);
    bool is_so = brand != NULL && is_same(&brand->settings, settings);
    brands_release(manager->world->brands, &set);
    return is_so;
}

static void adopt(struct manager *manager)
{
    const struct model_rules rules = manager_rules(&manager->wanted);
    manager->present = manager->wanted;
    manager->world->rules = model_on_rules(manager->model, &rules);
}

static struct brand_edit draw_edit(struct manager *manager)
{
    struct seeded *dice = &manager->world->dice;
    const struct menu *menu = &menus[seeded_below(dice, MENUS)];
    const struct option *option = option_find(brand_option_table(), span_of_text(menu->name));
    ASSERT(option != NULL);
    return (struct brand_edit){.option = option,
                               .text = span_of_text(menu->values[seeded_below(dice, VALUES)])};
}

static void change(struct manager *manager)
{
    struct err_info info;
    struct brand_edit edits[EDITS_MAX];
    size_t count = 1 + seeded_below(&manager->world->dice, EDITS_MAX);
    manager->wanted = manager->present;
    for (size_t i = 0; i < count; i++) {
        edits[i] = draw_edit(manager);
        enum err err = option_set(edits[i].option, &manager->wanted, edits[i].text, &info);
        ASSERT(err == ERR_OK);
    }
    world_strike_change(manager->world);
    enum err err = brands_change(manager->world->brands, BRAND,
                                 (struct brand_edits){edits, count, false}, &info);
    if (world_is_crashed(manager->world)) {
        manager->is_in_doubt = true; // nobody hears what came of it
        return;
    }
    manager->is_in_doubt = err != ERR_OK;
    manager->world->stats.marks[MARK_CHANGE_FAILED] += err != ERR_OK;
    if (err == ERR_OK)
        adopt(manager);
    if (!is_in_force(manager, &manager->present))
        model_complain(manager->model, "a change of settings is not what is in force");
}

static bool may_change(const struct manager *manager)
{
    const struct world *world = manager->world;
    bool is_up = !world->is_down && !world->is_failing && !world_is_crashed(world);
    return is_up && !manager->is_closing;
}

static void change_now(void *ctx, uint64_t argument)
{
    struct manager *manager = ctx;
    (void)argument;
    if (!may_change(manager))
        return;
    change(manager);
    manager->world->stats.marks[MARK_CHANGE_MEANTIME] += manager->world->is_release_planned;
}

static void change_often(void *ctx, uint64_t argument)
{
    struct manager *manager = ctx;
    uint64_t wait_ms = seeded_below(&manager->world->dice, 12 * (uint64_t)MINUTE_MS);
    change_now(manager, argument);
    if (!manager->is_closing)
        scheduler_after(&manager->world->scheduler, MINUTE_MS + (int64_t)wait_ms, change_often,
                        manager, 0);
}

void manager_on_delay(struct manager *manager)
{
    struct world *world = manager->world;
    if (!manager->is_closing && seeded_below(&world->dice, 200) == 0)
        scheduler_after(&world->scheduler, 1, change_now, manager, 0);
}

void manager_on_boot(struct manager *manager)
{
    bool was_made = manager->is_in_doubt && is_in_force(manager, &manager->wanted);
    if (was_made)
        adopt(manager);
    manager->is_in_doubt = false;
    if (!is_in_force(manager, &manager->present))
        model_complain(manager->model, "the settings are not what they were before the start");
}

void manager_init(struct manager *manager, struct world *world, struct model *model, bool is_idle)
{
    *manager = (struct manager){
        .world = world, .model = model, .present = world->options.brand, .is_closing = is_idle};
    if (!is_idle)
        change_often(manager, 0);
}
