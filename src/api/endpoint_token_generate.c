// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Opens a session. Nothing is stored for it, so that whoever calls this often only costs a
// signature.
#include "api/request.h"

static request_check *const checks[] = {
    check_shape, check_brand, check_identifier, check_address_named, check_device, NULL,
};

static void issue_session_id(const struct api_request *request, char out[SESSION_ID_TEXT_BYTES])
{
    struct service_deps *deps = &request->service->deps;
    const struct epoch_set *epochs = keyring_epochs(deps->keyring, request->now_ms);
    struct session_binding binding = request_presents(request);
    session_id_issue(epoch_current(epochs), &binding,
                     request->now_ms + request->brand->policy.session_ttl_ms,
                     (uint32_t)entropy_u64(&request->worker->entropy), out);
}

static void open_session(struct api_request *request)
{
    char session_id[SESSION_ID_TEXT_BYTES];
    issue_session_id(request, session_id);
    metrics_count(request->service->deps.metrics, METRIC_SESSIONS, 0, 0);
    struct token_claims view = request_claims(request, TOKEN_VIEW);
    struct reply_user user = {
        .session_id = span_make(session_id, sizeof session_id),
        .role = TOKEN_VIEW,
    };
    request_succeed_with(request, &(struct reply_success){.token = &view, .user = &user});
}

const struct endpoint endpoint_token_generate = {
    .message = API_TOKEN_GENERATE,
    .checks = checks,
    .act = open_session,
};
