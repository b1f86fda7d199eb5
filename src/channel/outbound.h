// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// All connections to providers, driven by one thread: the courier's. It never blocks but in
// outbound_wait. Three things are driven:
//
//   jobs       what one provider is asked to do. Its lane lets a bounded number of them run and
//              keeps the others in order, so that a slow provider holds up nobody else:
//
//              waiting ──on_turn──▶ running ──outbound_release──▶ gone
//                 └──on_cut (waited too long, or the end)──▶ gone
//
//   transfers  of libcurl, which resolves, connects, makes TLS and logs in, and does HTTP whole
//
//   watches    sockets on which the caller goes on by itself (CURLOPT_CONNECT_ONLY); one a socket

#include "base/env.h"
#include "base/err.h"

#include <curl/curl.h>

// A place in the courier is held while its job waits and runs. Together they must stay below the
// courier's lease, or another one would send the message again.
#define OUTBOUND_WAIT_MS_MAX 60000
#define OUTBOUND_TOTAL_MS_MAX 45000

#define OUTBOUND_WATCHES_MAX 1024U

struct outbound;

struct outbound_lane {
    struct outbound *outbound;
    struct outbound_lane *next;
    size_t running, running_max;
    struct outbound_job *first, *last; // waiting
};

// All three structs below lie in the caller's own ones. Their callbacks run on the driving thread.
struct outbound_job {
    void (*on_turn)(struct outbound_job *job); // perhaps before outbound_add returns
    // Not started, or to be ended now: a running job is released before this returns.
    void (*on_cut)(struct outbound_job *job);
    bool is_running;
    struct outbound_lane *lane;
    struct mono waits_until;
    struct outbound_job *next, *previous;
};

struct outbound_transfer {
    CURL *easy; // the caller's; ready to go
    void (*on_done)(struct outbound_transfer *transfer, CURLcode code);
};

struct outbound_watch {
    int fd;
    bool wants_write; // and always to read; may change at any time
    struct mono until;
    // Something can be read or written or has failed; or, late, `until` has come.
    void (*on_ready)(struct outbound_watch *watch, bool is_late);
    size_t index;
    uint32_t events; // that are waited for
    bool is_ready;
};

// At most `running_max` jobs of all lanes run at once.
MUST_CHECK enum err outbound_create(const struct clock *clock, size_t running_max,
                                    struct outbound **out);
void outbound_destroy(struct outbound **outbound); // asserts that there is no job left

// Before the first job; the lane lives as long as `outbound`.
void outbound_lane_init(struct outbound_lane *lane, struct outbound *outbound, size_t running_max);

// `wait_ms`: after which the job is cut if it still waits; OUTBOUND_WAIT_MS_MAX at most.
void outbound_add(struct outbound_lane *lane, struct outbound_job *job, int64_t wait_ms);

// A running job is over; others get their turn in the next outbound_wait.
void outbound_release(struct outbound_job *job);

// Until outbound_remove, also after on_done: a connection that was only made lives as long as its
// handle is here. ERR_NO_MEMORY.
MUST_CHECK enum err outbound_start(struct outbound *outbound, struct outbound_transfer *transfer);
void outbound_remove(struct outbound *outbound, struct outbound_transfer *transfer);

void outbound_watch(struct outbound *outbound, struct outbound_watch *watch);
void outbound_unwatch(struct outbound *outbound, struct outbound_watch *watch);

struct mono outbound_now(const struct outbound *outbound);

// Waits until something can go on, somebody calls outbound_wakeup, or the time is over; then moves
// all on that can.
void outbound_wait(struct outbound *outbound, int64_t timeout_ms);

// Ends a wait, or the next one. From any thread.
void outbound_wakeup(struct outbound *outbound);

// Nothing more is started, and what waits is cut.
void outbound_stop(struct outbound *outbound);

// As outbound_stop; what runs gets `patience_ms` to end and is then cut. There is no job
// left when it returns.
void outbound_end(struct outbound *outbound, int64_t patience_ms);

struct outbound_rules {
    const char *protocols; // of libcurl: "smtp,smtps"
    const char *ca_file;   // NULL: the machine's
    long connect_ms;
    long total_ms;
};

// Sets in a new handle, or one that was reset, what holds for every provider: the times; no
// redirects, no proxy, no .netrc; TLS of 1.2 or newer with certificate and name checked. False: out
// of memory.
MUST_CHECK bool outbound_rule(CURL *easy, const struct outbound_rules *rules);
