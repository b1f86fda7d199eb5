// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "providers/rig.h"

#include "config/recipe_file.h"

static struct span shipped(struct span name)
{
    size_t i = 0;
    while (!span_eq(config_recipe_shipped_name(i), name)) {
        assert_non_null(config_recipe_shipped_name(i).data);
        i++;
    }
    return config_recipe_shipped_at(i);
}

struct recipe *rig_recipe(const char *name)
{
    static struct config_report report;
    struct recipe *recipe = NULL;
    struct span text = shipped(span_of_text(name));
    config_report_init(&report);
    if (config_recipe_parse(name, text, &recipe, &report) != ERR_OK)
        fail_msg("%s", report.lines[0]);
    return recipe;
}

static size_t settings_of(json_t *settings, struct recipe_setting held[RECIPE_PARAMETERS_MAX])
{
    const char *name;
    json_t *value;
    size_t count = 0;
    json_object_foreach(settings, name, value)
    {
        assert_true(count < RECIPE_PARAMETERS_MAX);
        held[count++] =
            (struct recipe_setting){span_of_text(name), span_of_text(json_string_value(value))};
    }
    return count;
}

struct recipe_plan *rig_plan(const struct recipe *recipe, json_t *settings)
{
    struct recipe_setting held[RECIPE_PARAMETERS_MAX];
    struct recipe_plan *plan = NULL;
    struct err_info info;
    if (recipe_bind(recipe, held, settings_of(settings, held), &plan, &info) != ERR_OK)
        fail_msg("%s", info.text);
    return plan;
}

struct report_reader *rig_reader(const struct recipe *recipe, json_t *settings)
{
    struct recipe_setting held[RECIPE_PARAMETERS_MAX];
    struct report_reader *reader = NULL;
    struct err_info info;
    size_t count = settings_of(settings, held);
    if (report_reader_create(recipe, held, count, &reader, &info) != ERR_OK)
        fail_msg("%s", info.text);
    return reader;
}

void rig_message(struct rig_message *out, struct span to, struct span text, struct span otp)
{
    message_init(&out->text);
    message_init(&out->otp);
    message_put(&out->text, text);
    message_put(&out->otp, otp);
    out->token = SPAN(RIG_TOKEN);
    out->request = (struct send_request){
        .id = 0x0123456789ABCDEFU,
        .kind = CHANNEL_SMS,
        .brand = SPAN("DocDemo"),
        .to = to,
        .text = &out->text,
        .otp_only = &out->otp,
        .sent_at_ms = 1767225600000,
        .deadline_at_ms = 1767225600000 + 300000,
    };
}

struct vendor_request *rig_room(struct rendered *out)
{
    out->request = (struct vendor_request){
        .url = wire_over(out->url, sizeof out->url),
        .headers = wire_over(out->headers, sizeof out->headers),
        .body = wire_over(out->body, sizeof out->body),
    };
    return &out->request;
}

enum err rig_render(const struct recipe_plan *plan, const struct rig_message *message,
                    struct rendered *out, struct err_info *info)
{
    return recipe_render(plan, &message->request, message->token, rig_room(out), info);
}
