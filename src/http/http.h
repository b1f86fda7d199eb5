// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a handler sees of HTTP/1.1: a parsed request, an arena, and one reply to give, now or later.

#include "base/arena.h"
#include "base/env.h"
#include "base/strbuf.h"

#define HTTP_FIELDS_MAX 64U
#define HTTP_REPLY_FIELDS_MAX 12U
#define HTTP_EXCHANGE_ARENA_BYTES 16384U

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_METHOD_COUNT_, // any other token
};

struct http_field {
    struct span name;
    struct span value;
};

// Spans point into the connection's buffer and live until the reply is given. The body (chunks
// already joined) is followed by at least 64 readable bytes.
struct http_request {
    enum http_method method;
    struct span path;  // as sent, up to "?"
    struct span query; // after "?", may be empty
    struct span host;
    struct span content_type;
    struct span origin;
    struct span body;
    const struct http_field *fields;
    size_t fields_held;
};

struct http_exchange {
    struct http_request request;
    struct arena arena;      // HTTP_EXCHANGE_ARENA_BYTES, emptied after the reply
    struct span request_id;  // the caller's when it is sane, else made here
    struct span peer;        // the client's address as text, without port (client_address.h)
    void *worker;            // what the owner of this loop gave to http_worker_create
    struct mono received_at; // when the request was complete
};

struct http_reply {
    int status;
    struct span content_type; // empty: no body
    struct span body;         // copied before http_reply returns
    struct http_field fields[HTTP_REPLY_FIELDS_MAX];
    size_t fields_held;
    bool is_last; // closes the connection afterwards
};

typedef void http_handler(void *ctx, struct http_exchange *exchange);

// Exactly one reply an exchange, on the thread of its loop. Spans of the request are gone
// afterwards.
void http_reply(struct http_exchange *exchange, const struct http_reply *reply);

// Calls on_wake at `at` (or up to some ms later), or at once with is_gone when the client has left:
// then still reply, it goes nowhere. One at a time; on_wake may ask again.
void http_exchange_wake(struct http_exchange *exchange, struct mono at,
                        void (*on_wake)(struct http_exchange *exchange, void *ctx, struct mono now,
                                        bool is_gone),
                        void *ctx);

// Something to be done on the thread of an exchange's loop. The caller's memory, until it is run.
struct http_task {
    void (*run)(struct http_task *task);
    struct http_task *next; // the loop's, meanwhile
};

// Runs the task on the thread of the exchange's loop: before this returns when called there, else
// soon, in the order of the calls. From any thread, as long as the exchange's reply is owed.
void http_exchange_post(struct http_exchange *exchange, struct http_task *task);

// As http_exchange_post, for one of many: the loop may sleep on until somebody calls
// http_server_wake.
void http_exchange_leave(struct http_exchange *exchange, struct http_task *task);

// First value of that name (any case), or an empty span with data NULL.
struct span http_request_field(const struct http_request *request, struct span name);

// Value of a query member, percent-decoded into the arena ("+" is a space). False: not there, or
// ill-formed.
bool http_query_find(struct http_exchange *exchange, struct span name, struct span *out);

// Whether there is such a member, well-formed or not.
bool http_query_has(const struct http_request *request, struct span name);

// Adds a field to a reply under construction; asserts that there is room. Neither span may have CR
// or LF (asserted).
void http_reply_add(struct http_reply *reply, struct span name, struct span value);

// One row for each path. A path that no row has: 404; a method that no row of it has: 405 with
// Allow.
struct http_route {
    enum http_method method;
    struct span path; // exact, or, with a "*" at its end, what a path begins with
    http_handler *handler;
    void *ctx;
};

struct http_router {
    const struct http_route *routes;
    size_t count;
    // Body of an answer that no handler makes (400, 404, 405, 408, 413, 431, 503): JSON.
    void (*write_error)(int status, struct strbuf *out);
};
