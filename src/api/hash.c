// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What a stranger can have us do for nothing is bounded by what comes first: the session is ours,
// the hash is as long as a key makes it, and the time beside it, if there is one, is now.
//
// What all keys have made of it is looked at, also when one has already been right or wrong: so a
// refusal takes as long for whatever reason. The texts to compare with are copied, since the loop
// parses other bodies meanwhile.
#include "api/hash.h"

#include "api/hash_plain.h"
#include "base/assert.h"
#include "base/ip.h"

struct hash_trial {
    struct decrypt_job job;
    struct http_task landing;
    struct api_request *request;
    struct hash_claims claims;
    struct hash_window window;
    struct hash_call call;
    uint8_t cipher[RSA_KEY_BYTES_MAX];
    void (*on_right)(struct api_request *request);
};

static const uint8_t class_of_reason[HASH_REASON_COUNT_] = {
    [HASH_UNREADABLE] = METRIC_HASH_UNREADABLE,
    [HASH_OTHER_BRAND] = METRIC_HASH_DIFFERS,
    [HASH_OTHER_DEVICE] = METRIC_HASH_DIFFERS,
    [HASH_OTHER_TYPE] = METRIC_HASH_DIFFERS,
    [HASH_OTHER_VALUE] = METRIC_HASH_DIFFERS,
    [HASH_OTHER_MOBILE] = METRIC_HASH_DIFFERS,
    [HASH_OTHER_EMAIL] = METRIC_HASH_DIFFERS,
    [HASH_OTHER_SESSION] = METRIC_HASH_DIFFERS,
    [HASH_OTHER_TIME] = METRIC_HASH_DIFFERS,
    [HASH_EXPIRED] = METRIC_HASH_TIME,
    [HASH_EARLY] = METRIC_HASH_TIME,
    [HASH_RIGHT] = METRIC_HASH_RIGHT,
    [HASH_MISSING] = METRIC_HASH_MISSING,
    [HASH_NO_KEY] = METRIC_HASH_UNREADABLE,
    [HASH_PKCS1_OFF] = METRIC_HASH_UNREADABLE,
    [HASH_NOT_BASE64] = METRIC_HASH_MALFORMED,
    [HASH_WRONG_LENGTH] = METRIC_HASH_MALFORMED,
    [HASH_BAD_TIME] = METRIC_HASH_MALFORMED,
    [HASH_USED] = METRIC_HASH_USED,
    [HASH_FORGOTTEN] = METRIC_HASH_USED,
    [HASH_OFF_CLOCK] = METRIC_HASH_TIME,
};

static void count(const struct api_request *request, unsigned result)
{
    metrics_count(request->service->deps.metrics, METRIC_HASHES, result, 0);
}

// The one place where 5004 is answered.
static void refuse(struct api_request *request, enum hash_reason reason)
{
    LOG_EVENT(request->service->deps.log, LOG_INFO, "hash.refused",
              log_text("reason", hash_reason_text(reason)), log_text("brand", request->brand->name),
              log_network("client", request->exchange->peer),
              log_text("requestId", request->exchange->request_id));
    count(request, class_of_reason[reason]);
    (void)request_refuse(request, API_TAMPERED);
}

static void refuse_busy(struct api_request *request)
{
    count(request, METRIC_HASH_BUSY);
    service_report_hash_busy(request->service, request->brand, request->exchange->peer);
    (void)request_refuse(request, API_UNAVAILABLE);
}

// Neighbours of one IPv6 network are one client: a host has as many addresses there as it likes.
static uint64_t client_of(struct span peer)
{
    struct ip ip;
    uint64_t client = 0;
    if (!ip_parse(peer, &ip))
        return 0;
    size_t from = ip_is_v4(&ip) ? 8 : 0;
    for (size_t i = from; i < from + 8; i++)
        client = client << 8 | ip.bytes[i];
    return client;
}

static enum rsa_padding padding_of(const struct api_request *request)
{
    struct span wanted =
        http_request_field(&request->exchange->request, SPAN("X-CAP-USE-NEW-ENCRYPTION"));
    return span_eq_nocase(wanted, SPAN("true")) ? RSA_PADDING_OAEP : RSA_PADDING_PKCS1;
}

static bool has_length_of_a_key(const struct brand *brand, size_t len)
{
    for (size_t i = 0; i < brand->encryption_keys_held; i++) {
        if (rsa_key_bytes(brand->encryption_keys[i].rsa) == len)
            return true;
    }
    return false;
}

// What can be seen without a key.
static enum hash_reason judge_outside(const struct api_request *request, struct hash_trial *trial)
{
    const struct brand *brand = request->brand;
    struct span text = request->fields.hash.text;
    size_t len = 0;
    if (span_is_empty(text))
        return HASH_MISSING;
    if (brand->encryption_keys_held == 0)
        return HASH_NO_KEY;
    if (trial->job.padding == RSA_PADDING_PKCS1 && !brand->settings.encryption_pkcs1)
        return HASH_PKCS1_OFF;
    if (!hash_read_base64(text, trial->cipher, &len))
        return HASH_NOT_BASE64;
    trial->job.cipher = span_make(trial->cipher, len);
    if (!has_length_of_a_key(brand, len))
        return HASH_WRONG_LENGTH;
    if (!hash_claims_init(&trial->claims, &request->fields, request->mount->is_web))
        return HASH_BAD_TIME;
    return trial->claims.has_time ? hash_judge_time(trial->claims.made_at_ms, &trial->window)
                                  : HASH_RIGHT;
}

// Asked first: under a flood, to read the base64 of a hash is most of what it costs.
static bool has_room_for(const struct api_request *request, const struct hash_trial *trial)
{
    return span_is_empty(request->fields.hash.text) ||
           decryptor_has_room(request->service->deps.decryptor, request->brand, trial->job.client);
}

// A member that is longer than any hash can say is cut, and still differs.
static bool keep_claims(struct api_request *request, struct hash_claims *claims)
{
    bool is_kept = true;
    for (size_t i = 0; i < HASH_MEMBER_COUNT_ && is_kept; i++) {
        struct span text = span_first(claims->members[i], RSA_KEY_BYTES_MAX + 1);
        claims->members[i] = arena_copy(request->arena, text, &is_kept);
    }
    return is_kept;
}

static const enum hash_reason reason_of_use[] = {
    [HASH_USE_FIRST] = HASH_RIGHT,
    [HASH_USE_AGAIN] = HASH_USED,
    [HASH_USE_FORGOTTEN] = HASH_FORGOTTEN,
    [HASH_USE_AHEAD] = HASH_OFF_CLOCK,
};

static void on_taken(struct api_request *request)
{
    struct hash_trial *trial = request->trial;
    if (request->call.status != SERVICE_HASH_JUDGED) {
        (void)request_is_done(request);
        return;
    }
    enum hash_reason reason = reason_of_use[trial->call.use];
    if (reason != HASH_RIGHT) {
        refuse(request, reason);
        return;
    }
    count(request, METRIC_HASH_RIGHT);
    trial->on_right(request);
}

static enum hash_reason judge_messages(struct hash_trial *trial)
{
    struct json_parser *parser = trial->request->worker->json;
    enum hash_reason told = HASH_UNREADABLE;
    for (size_t i = 0; i < trial->job.messages_held; i++) {
        const struct rsa_message *message = &trial->job.messages[i];
        int64_t made_at_ms = 0;
        enum hash_reason reason = hash_judge(parser, span_make(message->bytes, message->len),
                                             &trial->claims, &trial->window, &made_at_ms);
        if (reason > told)
            told = reason;
        if (reason == HASH_RIGHT)
            trial->call.mark.made_at_ms = made_at_ms;
    }
    return told;
}

static void land(struct http_task *task)
{
    struct hash_trial *trial =
        (struct hash_trial *)(void *)((char *)task - offsetof(struct hash_trial, landing));
    struct api_request *request = trial->request;
    const struct key *index_key = keyring_index(request->service->deps.keyring);
    enum hash_reason reason = judge_messages(trial);
    if (reason != HASH_RIGHT) {
        refuse(request, reason);
        return;
    }
    trial->call.mark.tag = used_hash_tag(index_key, trial->job.cipher);
    request_take_hash(request, &trial->call, on_taken);
}

// On a thread of the decryptor.
static void on_decrypted(struct decrypt_job *job)
{
    struct hash_trial *trial = (struct hash_trial *)job;
    http_exchange_post(trial->request->exchange, &trial->landing);
}

_Static_assert(offsetof(struct hash_trial, job) == 0, "a job is found in its trial");

static void init_trial(struct hash_trial *trial, struct api_request *request,
                       void (*on_right)(struct api_request *request))
{
    const struct brand *brand = request->brand;
    trial->request = request;
    trial->on_right = on_right;
    trial->landing.run = land;
    trial->window = (struct hash_window){
        .now_ms = clock_wall_ms(&request->worker->clock),
        .valid_ms = (int64_t)brand->settings.encryption_valid_seconds * 1000,
    };
    trial->job.brand = brand;
    trial->job.client = client_of(request->exchange->peer);
    trial->job.padding = padding_of(request);
    trial->job.on_done = on_decrypted;
}

void hash_check(struct api_request *request, void (*on_right)(struct api_request *request))
{
    struct hash_trial *trial = arena_alloc(request->arena, sizeof *trial);
    if (trial == NULL) {
        refuse_busy(request);
        return;
    }
    request->trial = trial;
    init_trial(trial, request, on_right);
    if (!has_room_for(request, trial)) {
        refuse_busy(request);
        return;
    }
    enum hash_reason reason = judge_outside(request, trial);
    if (reason != HASH_RIGHT)
        refuse(request, reason);
    else if (!keep_claims(request, &trial->claims) ||
             !decryptor_submit(request->service->deps.decryptor, &trial->job))
        refuse_busy(request);
}
