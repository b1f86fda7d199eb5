// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// All connections to providers, driven by one thread: the courier's. Transfers of one provider go
// through its lane, which lets a bounded number of them run and keeps the others waiting in order,
// so that a slow provider holds up nobody else.
//
//   waiting ──its turn──▶ running ──▶ done
//      └──waited too long, or the end──▶ done (never started)

#include "base/env.h"
#include "base/err.h"

#include <curl/curl.h>

// A place in the courier is held while its transfer waits and runs. Together they must stay below
// the courier's lease, or another one would send the message again.
#define OUTBOUND_WAIT_MS_MAX 60000
#define OUTBOUND_TOTAL_MS_MAX 45000

struct outbound;

struct outbound_lane {
    struct outbound *outbound;
    struct outbound_lane *next;
    size_t running, running_max;
    struct outbound_transfer *first, *last; // waiting
};

// Caller-allocated; untouched by the caller from outbound_add until on_done.
struct outbound_transfer {
    // A handle that is ready to go, made when the turn has come; NULL: out of memory.
    CURL *(*prepare)(struct outbound_transfer *transfer);
    // Once, on the thread that drives, perhaps before outbound_add returns. `easy` is the caller's
    // again, to be asked and cleaned up; NULL: the transfer never started.
    void (*on_done)(struct outbound_transfer *transfer, CURLcode code);
    CURL *easy;
    struct outbound_lane *lane;
    struct mono waits_until;
    struct outbound_transfer *next, *previous;
};

// `clock` says how long transfers have waited. At most `running_max` of all lanes run at once.
MUST_CHECK enum err outbound_create(const struct clock *clock, size_t running_max,
                                    struct outbound **out);
void outbound_destroy(struct outbound **outbound); // asserts that nothing waits or runs

// From outbound_create on, before the first transfer; the lane lives as long as `outbound`.
void outbound_lane_init(struct outbound_lane *lane, struct outbound *outbound, size_t running_max);

// `wait_ms`: after which the transfer is not started any more; OUTBOUND_WAIT_MS_MAX at most.
void outbound_add(struct outbound_lane *lane, struct outbound_transfer *transfer, int64_t wait_ms);

// Moves transfers on, or waits until one can move, somebody calls outbound_wakeup, or the time is
// over; then calls what is done.
void outbound_wait(struct outbound *outbound, int64_t timeout_ms);

// Ends a wait, or the next one. From any thread.
void outbound_wakeup(struct outbound *outbound);

// Nothing more is started; what runs gets `patience_ms` to end and is then cut off
// (CURLE_ABORTED_BY_CALLBACK). All is done when it returns.
void outbound_end(struct outbound *outbound, int64_t patience_ms);

struct outbound_rules {
    const char *protocols; // of libcurl: "smtp,smtps"
    const char *ca_file;   // NULL: the machine's
    long connect_ms;
    long total_ms;
};

// A handle with what holds for every provider: the times; no redirects, no proxy, no .netrc; TLS of
// 1.2 or newer with certificate and name checked. NULL: out of memory.
CURL *outbound_easy(const struct outbound_rules *rules);
