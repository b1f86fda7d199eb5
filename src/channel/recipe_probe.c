// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A question that costs nothing, to learn whether a provider takes the credentials.
//
// Only a refusal of the credentials themselves is one: a key that may send need not be allowed to
// ask what the recipe asks, and whoever says 403, or that there is no such thing, has looked at it.
#include "channel/recipe_inside.h"

#define STATUS_FORBIDDEN 403U

bool recipe_plan_has_probe(const struct recipe_plan *plan)
{
    return plan->recipe->probe_url.data != NULL;
}

enum err recipe_probe_render(const struct recipe_plan *plan, struct vendor_request *out,
                             struct err_info *info)
{
    const struct recipe_values values = {0};
    ASSERT(recipe_plan_has_probe(plan));
    out->method = "GET";
    plan_write(plan, plan->probe_url, &values, &out->url);
    plan_write(plan, plan->probe_headers, &values, &out->headers);
    if (wire_is_whole(&out->url) && wire_is_whole(&out->headers))
        return ERR_OK;
    err_info_set(info, "the settings do not fit into the provider's request");
    return ERR_INVALID;
}

void recipe_probe_judge(const struct recipe_plan *plan, const struct send_request *message,
                        const struct http_outcome *outcome, struct recipe_verdict *out)
{
    struct send_result *result = &out->result;
    bool is_replied = outcome->phase == HTTP_REPLIED;
    recipe_judge(plan, message, SPAN(""), outcome, out);
    if (is_replied && outcome->status / 100 == 2) {
        *result = (struct send_result){.outcome = SEND_ACCEPTED};
        return;
    }
    bool is_denied = result->reason == SEND_AUTH_FAILED && outcome->status != STATUS_FORBIDDEN;
    bool is_known = is_replied && outcome->status / 100 == 4 && result->outcome == SEND_REFUSED;
    if (result->outcome == SEND_UNKNOWN)
        result->outcome = SEND_RETRY; // nothing was sent that could have arrived
    if (!is_known || is_denied)
        return;
    result->outcome = SEND_ACCEPTED;
    result->reason = SEND_REASON_NONE;
}
