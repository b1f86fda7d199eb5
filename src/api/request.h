// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// One request on its way: what is known of it grows check by check, in the order of the contract.
//
//   media type 415 → JSON shape 400 → brand 1504 → (to send) header 403 → type 1546 → form 1519,
//   1540 → session 1505 → what differs 1509, 1508, 1507, 1541 → hash 5004 → channel 1601 to 1603 →
//   the person's record (service)
//
// A username's request that does not say where its codes go has that looked up before the channel;
// from then on it is as if it had said so.
//
// It lives in an arena, that of its exchange or a batch's, together with the service call that it
// makes. It is answered exactly once, and from its brand check until then holds the brand set: the
// settings that it began with are those that it ends with.
//
// The items of a batch (api/batch.h) are requests like any other. Before it goes to the store, an
// item waits until no earlier one is in its way.

#include "api/api.h"
#include "api/cors.h"
#include "api/fields.h"
#include "api/guess.h"
#include "api/identifier.h"
#include "api/reply.h"

struct api_request {
    const struct api_mount *mount;
    struct http_exchange *exchange;
    const struct api_worker *worker;
    struct service *service;
    struct arena *arena;     // that it lives in
    struct span body;        // of the exchange, or an item of it
    struct batch_item *item; // that it is; NULL: it is no part of a batch
    int64_t now_ms;          // the store's time when the request came, or the item's turn

    // From the shape on.
    struct api_fields fields; // text lives until the loop parses the next body
    struct api_fault fault;
    struct identifier_spelling spelling;
    int channel; // enum channel_kind that the caller asks for, or −1

    // From the brand on.
    const struct brand_set *brands;
    const struct brand *brand;

    // From the form on.
    struct identifier identifier;
    struct span device; // in the arena; empty: none

    // From the session on.
    const struct epoch_set *epochs;
    struct session session;
    struct session_binding binding; // presented, with the family that the session was opened as

    struct guess guess;
    struct hash_trial *trial; // of the hash, while there is one (api/hash.c)
    struct service_call call;
    struct http_task landing; // takes the call back to the loop
    void (*on_done)(struct api_request *request);
    void (*on_address)(struct api_request *request);
};

// True: go on. False: the request has been answered, and is gone.
typedef bool request_check(struct api_request *request);

struct endpoint {
    enum api_message message;
    request_check *const *checks;             // NULL ends them
    void (*act)(struct api_request *request); // once all are passed; answers, now or later
};

extern const struct endpoint endpoint_token_generate;
extern const struct endpoint endpoint_otp_generate;
extern const struct endpoint endpoint_otp_validate;

void request_init(struct api_request *request, const struct api_mount *mount,
                  struct http_exchange *exchange);

// All of its endpoint's checks, then what it asks for. It may be gone afterwards.
void request_run(struct api_request *request);

request_check check_media_type; // of the whole exchange, before request_run
request_check check_shape;
request_check check_brand;
request_check check_identifier;
request_check check_address_named; // a username's
request_check check_device;
request_check check_session_opens;
request_check check_session_same;

// What `request` names, for a session to be bound to or compared with.
struct session_binding request_presents(const struct api_request *request);

// Calls on_address once it is known where the identifier's codes go, at once when the request said
// so. Otherwise it may answer: that this cannot be known (1540), that the username is of somebody
// else (1543), or what a store that fails is answered.
void request_know_address(struct api_request *request,
                          void (*on_address)(struct api_request *request));

// Takes a hash that is right: on_done as with request_submit, with the call as service_take_hash
// leaves it.
void request_take_hash(struct api_request *request, struct hash_call *hash,
                       void (*on_done)(struct api_request *request));

// After request_know_address, where the identifier may be a username. Fills the call with what
// every command has, and submits it; `on_done` must answer. It runs on the exchange's loop, perhaps
// before this returns: nothing of `request` may be touched afterwards.
void request_submit(struct api_request *request, enum command_kind kind,
                    void (*on_done)(struct api_request *request));

// Answers, in the HTTP status that belongs to `status`. Always false, for checks to return.
bool request_refuse(struct api_request *request, enum api_status status);

// Answers HTTP 400; with request->fault where the status is API_DETAILS_INVALID. Always false.
bool request_refuse_shape(struct api_request *request, enum api_status status);

// Answers what the service made of the call, unless it is a success: then true.
bool request_is_done(struct api_request *request);

void request_succeed(struct api_request *request);
void request_succeed_with(struct api_request *request, const struct reply_success *success);

// Answers the exchange of a batch by the replies of its items.
void request_answer_batch(struct api_request *request, struct span replies, enum cors_grant grant);

// For a token that is made now; it ends as the URI family's settings say.
struct token_claims request_claims(const struct api_request *request, enum token_role role);

// What every answer of the API has, preflights included.
void api_add_common_fields(struct http_reply *reply);
