// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A shipped recipe with settings, a message, and what becomes of them.

#include "channel/report.h"

#include <jansson.h>

struct rendered {
    struct vendor_request request;
    uint8_t url[HTTP_URL_BYTES_MAX];
    uint8_t headers[HTTP_HEADERS_BYTES_MAX];
    uint8_t body[HTTP_BODY_BYTES_MAX];
};

#define RIG_TOKEN "example-access-token"

struct rig_message {
    struct send_request request;
    struct message text, otp, subject;
    struct span token; // for a provider whose access token is fetched
};

// Fails the test with what is wrong with the recipe.
struct recipe *rig_recipe(const char *name);

// `settings`: an object of texts. Fails the test with the story.
struct recipe_plan *rig_plan(const struct recipe *recipe, json_t *settings);

// As rig_plan, for what the provider reports.
struct report_reader *rig_reader(const struct recipe *recipe, json_t *settings);

// An SMS to `to` that is valid for `seconds`.
void rig_message(struct rig_message *out, struct span to, struct span text, struct span otp);

// An empty request over the room that there is.
struct vendor_request *rig_room(struct rendered *out);

enum err rig_render(const struct recipe_plan *plan, const struct rig_message *message,
                    struct rendered *out, struct err_info *info);
