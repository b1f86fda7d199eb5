// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "api/api.h"

#include "api/batch.h"
#include "api/cors.h"
#include "base/assert.h"

struct mount_row {
    struct span path;
    const struct endpoint *endpoint;
    bool is_web;
};

static const struct mount_row mount_rows[] = {
    {SPAN("/auth/v1/token/generate"), &endpoint_token_generate, false},
    {SPAN("/auth/v1/web/token/generate"), &endpoint_token_generate, true},
    {SPAN("/auth/v1/otp/generate"), &endpoint_otp_generate, false},
    {SPAN("/auth/v1/web/otp/generate"), &endpoint_otp_generate, true},
    {SPAN("/auth/v1/otp/validate"), &endpoint_otp_validate, false},
    {SPAN("/auth/v1/web/otp/validate"), &endpoint_otp_validate, true},
};

_Static_assert(sizeof mount_rows / sizeof mount_rows[0] == API_MOUNTS, "a mount for each row");

void api_init(struct api *api, struct service *service)
{
    api->service = service;
    for (size_t i = 0; i < API_MOUNTS; i++) {
        api->mounts[i] = (struct api_mount){
            .api = api,
            .endpoint = mount_rows[i].endpoint,
            .is_web = mount_rows[i].is_web,
        };
    }
}

_Static_assert(sizeof(struct api_request) <= HTTP_EXCHANGE_ARENA_BYTES / 2,
               "an arena has room for the request and for what it copies");

static void handle_post(void *ctx, struct http_exchange *exchange)
{
    const struct api_mount *mount = ctx;
    struct api_request *request = arena_alloc(&exchange->arena, sizeof *request);
    ASSERT(request != NULL);
    request_init(request, mount, exchange);
    if (!check_media_type(request))
        return;
    if (batch_is_asked_for(request))
        batch_start(request);
    else
        request_run(request);
}

static void handle_preflight(void *ctx, struct http_exchange *exchange)
{
    const struct api_mount *mount = ctx;
    struct brands *brands = mount->api->service->deps.brands;
    const struct brand_set *set = brands_acquire(brands);
    enum cors_grant grant = cors_grant_of_set(set, exchange->request.origin);
    brands_release(brands, &set);
    struct http_reply reply = {.status = 204};
    api_add_common_fields(&reply);
    cors_add_to_preflight(&reply, grant, &exchange->request, mount->is_web);
    http_reply(exchange, &reply);
}

void api_routes(struct api *api, struct http_route out[API_ROUTES])
{
    for (size_t i = 0; i < API_MOUNTS; i++) {
        struct span path = mount_rows[i].path;
        struct api_mount *mount = &api->mounts[i];
        out[2 * i] = (struct http_route){HTTP_POST, path, handle_post, mount};
        out[2 * i + 1] = (struct http_route){HTTP_OPTIONS, path, handle_preflight, mount};
    }
}

enum err api_worker_init(struct api_worker *worker, struct entropy entropy, struct clock clock)
{
    worker->entropy = entropy;
    worker->clock = clock;
    worker->json = json_parser_create();
    worker->batches = batch_memory_create();
    return worker->json != NULL && worker->batches != NULL ? ERR_OK : ERR_NO_MEMORY;
}

void api_worker_fini(struct api_worker *worker)
{
    batch_memory_destroy(&worker->batches);
    json_parser_destroy(&worker->json);
}
