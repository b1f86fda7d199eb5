// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A question that shows whether a provider takes the credentials, and what the answers mean.
//
// A yes is what the recipe calls one: the answer that it expects, or a refusal which, as the
// provider's documentation says, only comes after the credentials have been looked at. Whatever
// nobody foresaw is "unclassified", never a yes.
#include "channel/recipe_inside.h"
#include "crypto/pure/mac.h"

bool recipe_plan_has_probe(const struct recipe_plan *plan)
{
    return plan->recipe->probe.url.data != NULL;
}

uint32_t recipe_plan_probed(const struct recipe_plan *plan)
{
    return plan->probed;
}

enum err recipe_probe_render(const struct recipe_plan *plan, const struct recipe_question *question,
                             struct vendor_request *out, struct err_info *info)
{
    static const char *const methods[] = {[RECIPE_PROBE_GET] = "GET", [RECIPE_PROBE_POST] = "POST"};
    struct recipe_values values = {0};
    struct recipe_known room;
    ASSERT(recipe_plan_has_probe(plan));
    recipe_values_known(plan, question->id, question->token, &room, &values);
    out->method = methods[plan->recipe->probe.method];
    out->aws_sigv4 = plan->aws_sigv4;
    out->aws_user = plan->aws_user;
    plan_write(plan, plan->probe_url, &values, &out->url);
    plan_write(plan, plan->probe_headers, &values, &out->headers);
    plan_write(plan, plan->probe_body, &values, &out->body);
    if (plan->signing_key.data != NULL && wire_is_whole(&out->body))
        recipe_sign(plan, question->now_ms, &values, out);
    wipe(&room, sizeof room);
    if (wire_is_whole(&out->url) && wire_is_whole(&out->headers) && wire_is_whole(&out->body))
        return ERR_OK;
    err_info_set(info, "the settings do not fit into the provider's request");
    return ERR_INVALID;
}

void recipe_probe_judge(const struct recipe_plan *plan, const struct send_request *message,
                        struct span token, const struct http_outcome *outcome,
                        struct recipe_verdict *out)
{
    const struct recipe_probe *probe = &plan->recipe->probe;
    const struct recipe_reading reading = {&probe->reply, probe};
    struct send_result *result = &out->result;
    recipe_judge_by(plan, &reading, message, token, outcome, out);
    if (result->outcome == SEND_UNKNOWN)
        result->outcome = SEND_RETRY; // nothing was sent that could have arrived
    // Who only asks renews nothing: the next message does.
    if (result->reason == SEND_TOKEN_ENDED)
        result->outcome = SEND_REFUSED;
}
