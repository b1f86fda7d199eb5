// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The object graph of one server, built in the order in which things need each other and taken down
// in the opposite one.
//
//   monitor: metrics that the others count in, and later the listener that shows them
//   decryptor ──────────────────────────────▶ │
//   logger ─▶ keyring ─▶ store ─▶ brands ─▶ service ─▶ api ─┐
//                          ├────▶ courier ─▶ its thread     ├─▶ router ─▶ http server
//                          └────▶ receipts ─────┘            │
//   channels ─▶ outbound ◀── driven by the courier's thread │
//   routes: by whom messages go, for service and courier    │
//   development: inbox ◀── capture channel ◀── courier      │
//                  └────────────────────────────────────────┘
//   control: brands, store, monitor ─▶ a server of its own on a Unix socket

#include "admin/inbox_http.h"
#include "api/api.h"
#include "base/ip.h"
#include "config/config.h"
#include "crypto/pure/random.h"
#include "daemon/control.h"
#include "daemon/providers.h"
#include "daemon/receipts.h"
#include "daemon/routes.h"
#include "http/server.h"
#include "outbox/courier_thread.h"

#define GRAPH_ROUTES_MAX \
    (API_ROUTES + MONITOR_ROUTES_COUNT + INBOX_ROUTES_COUNT + RECEIPT_ROUTES_COUNT)

// What one loop has of its own.
struct graph_loop {
    struct api_worker api; // first: an exchange's `worker` is an api_worker
    struct random_pool pool;
    struct entropy entropy;
};

struct graph {
    const struct config *config; // of the start; a reload changes brands and log level alone
    struct clock clock;
    struct entropy entropy; // of what happens once in a while
    struct monitor monitor;
    struct logger *log;
    struct keyring *keyring;
    struct store *store;
    _Atomic bool has_store_failed;
    struct brands *brands;
    struct decryptor *decryptor;
    struct control control;
    struct service service;
    struct api api;
    struct inbox *inbox; // development
    struct inbox_http inbox_http;
    struct channel *capture;    // development
    struct providers providers; // otherwise
    struct routes *ways;        // of messages
    struct receipts *receipts;
    struct daemon_receipts reports; // where they come from
    struct courier *courier;
    _Atomic(struct courier_thread *) courier_thread;
    struct random_pool courier_pool;
    struct http_route routes[GRAPH_ROUTES_MAX];
    struct http_router router;
    struct ip_ranges trusted_proxies;
    struct graph_loop loops[HTTP_LOOPS_MAX];
    size_t loops_held;
    struct http_server *server;
    _Atomic(struct http_server *) answering; // the same, for the store's thread
};

// Everything up to a listening socket; nothing is accepted yet. On failure the story is in *info
// and what was built is gone again.
MUST_CHECK enum err graph_create(const struct config *config, struct graph **out,
                                 struct err_info *info);

// From now on connections are accepted.
MUST_CHECK enum err graph_start(struct graph *graph, struct err_info *info);

// Ends accepting, answers what was begun, sends what can be sent at once. ERR_TIMEOUT: somebody did
// not finish; the process should end without graph_destroy.
MUST_CHECK enum err graph_stop(struct graph *graph);

void graph_destroy(struct graph **graph);

// Takes over brands and log level of a fresh configuration. On failure all is as it was, but for
// brands that were taken over before the one that failed.
MUST_CHECK enum err graph_reload(struct graph *graph, const struct config *old,
                                 const struct config *fresh, struct err_info *info);
