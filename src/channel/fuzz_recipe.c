// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Any lines as a recipe: it is refused, or it can be bound and renders a whole request, whose
// headers hold no line break.
#include "channel/recipe_inside.h"
#include "channel/test_recipe_lines.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct room {
    struct recipe_field fields[RECIPE_FIELDS_MAX];
    struct message text, otp;
    uint8_t url[HTTP_URL_BYTES_MAX];
    uint8_t headers[HTTP_HEADERS_BYTES_MAX];
    uint8_t body[HTTP_BODY_BYTES_MAX];
};

static void on_error(void *ctx, uint32_t line, uint32_t column, const struct err_info *info)
{
    (void)ctx;
    ASSERT(line > 0 && column > 0);
    ASSERT(info->text[0] != '\0');
}

static void check_request(const struct vendor_request *request)
{
    struct span headers = wire_reveal(&request->headers);
    struct span url = wire_reveal(&request->url);
    for (size_t i = 0; i < headers.len; i++)
        ASSERT(headers.data[i] != '\r' && headers.data[i] != '\n');
    ASSERT(url.data[url.len - 1] == '\0');
    ASSERT(span_find(url, '\0') == url.len - 1);
}

static struct vendor_request empty_request(struct room *room)
{
    return (struct vendor_request){
        .url = wire_over(room->url, sizeof room->url),
        .headers = wire_over(room->headers, sizeof room->headers),
        .body = wire_over(room->body, sizeof room->body),
    };
}

// With what a message may lack, or without it.
static void use(struct room *room, const struct recipe *recipe, bool has_brand)
{
    struct recipe_setting settings[RECIPE_PARAMETERS_MAX];
    const struct recipe_parameter *parameters;
    size_t count = recipe_parameters(recipe, &parameters);
    struct recipe_plan *plan = NULL;
    for (size_t i = 0; i < count; i++)
        settings[i] = (struct recipe_setting){parameters[i].name, SPAN("https://a.example/\"&")};
    if (recipe_bind(recipe, settings, count, &plan, NULL) != ERR_OK)
        return;
    message_init(&room->text);
    message_init(&room->otp);
    message_put(&room->text, SPAN("012345 \"}\r\n&"));
    message_put(&room->otp, SPAN("012345"));
    const struct send_request message = {.to = SPAN("12025550147"),
                                         .text = &room->text,
                                         .otp_only = &room->otp,
                                         .subject = has_brand ? &room->otp : NULL,
                                         .sender = has_brand ? SPAN("a\r\n\"&") : SPAN(""),
                                         .template_id = has_brand ? SPAN("1\\/") : SPAN(""),
                                         .language = has_brand ? SPAN("pt-BR") : SPAN(""),
                                         .deadline_at_ms = 90000};
    const struct recipe_question question = {.id = 1, .now_ms = 90000, .token = SPAN("t")};
    struct vendor_request request = empty_request(room);
    if (recipe_render(plan, &message, SPAN(""), &request, NULL) == ERR_OK)
        check_request(&request);
    request = empty_request(room);
    if (recipe_plan_has_probe(plan) &&
        recipe_probe_render(plan, &question, &request, NULL) == ERR_OK)
        check_request(&request);
    recipe_plan_destroy(&plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct recipe_complaints complaints = {on_error, NULL};
    struct recipe *recipe = NULL;
    struct room *room = malloc(sizeof *room);
    ASSERT(room != NULL);
    size_t count = recipe_lines_split(span_make(data, size), room->fields, RECIPE_FIELDS_MAX);
    if (recipe_compile(room->fields, count, &complaints, &recipe) == ERR_OK)
        use(room, recipe, size % 2 == 0);
    recipe_destroy(&recipe);
    free(room);
    return 0;
}
