// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the server counts, and the page that shows it (Prometheus text format 0.0.4).
//
// The set of metrics and of label values is fixed here, but for the routes of requests and the
// providers, which are named once. A label never holds a number, address, session or request id, so
// that neither a person nor a client can be found in a page, or make it grow.
//
// Counting is a relaxed atomic addition to one of a few copies, chosen by the processor that the
// caller runs on. NULL metrics: nothing is counted, so that tests can leave them out.

#include "base/err.h"
#include "base/strbuf.h"

// Counted by whoever does the thing; what their labels mean is in the enums below.
#define METRIC_COUNTED_LIST(X)                         \
    X(METRIC_SESSIONS)                                 \
    X(METRIC_HASHES)            /* hash */             \
    X(METRIC_OTP_ISSUED)        /* channel */          \
    X(METRIC_OTP_VALIDATED)     /* validated */        \
    X(METRIC_RATE_LIMITED)      /* limit */            \
    X(METRIC_DELIVERY_ATTEMPTS) /* channel, attempt */ \
    X(METRIC_DELIVERIES_ENDED)  /* ending */           \
    X(METRIC_RECEIPTS)          /* receipt */          \
    X(METRIC_STORE_ERRORS)      /* store_error */      \
    X(METRIC_STORE_COMMITS)

// Set to what was measured. Times in the unit that the name ends with.
#define METRIC_MEASURED_LIST(X)    \
    X(METRIC_OUTBOX_MESSAGES)      \
    X(METRIC_OUTBOX_OLDEST_AGE_MS) \
    X(METRIC_RELOADED_AT_MS)       \
    X(METRIC_TOKENS_TO_MEND)       \
    X(METRIC_CPU_US)               \
    X(METRIC_RESIDENT_BYTES)       \
    X(METRIC_OPEN_FDS)             \
    X(METRIC_STARTED_AT_MS)

#define METRIC_ENUM(name) name,
enum metric {
    METRIC_COUNTED_LIST(METRIC_ENUM) METRIC_COUNTED_COUNT_,
    METRIC_BEFORE_MEASURED_ = METRIC_COUNTED_COUNT_ - 1,
    METRIC_MEASURED_LIST(METRIC_ENUM) METRIC_COUNT_,
};
#undef METRIC_ENUM

// The channels, in the order of their wire names.
#define METRIC_CHANNELS 4U

// Of payload encryption, for the brands that want it.
enum metric_hash {
    METRIC_HASH_RIGHT,
    METRIC_HASH_MISSING,
    METRIC_HASH_MALFORMED,  // not even as long as a hash, or beside a time that is none
    METRIC_HASH_UNREADABLE, // no key opens it to what is wanted
    METRIC_HASH_DIFFERS,    // it is for another request
    METRIC_HASH_TIME,       // out of the window
    METRIC_HASH_USED,       // before, or too long ago to tell
    METRIC_HASH_BUSY,       // not looked at, for too many others
};

enum metric_validated {
    METRIC_VALIDATED_OK,
    METRIC_VALIDATED_WRONG,     // or expired
    METRIC_VALIDATED_EXHAUSTED, // no tries left, or the identifier is locked
    METRIC_VALIDATED_NO_CODE,   // none was issued in that session
    METRIC_VALIDATED_SESSION,   // spent, dropped, or bound to something else
};

enum metric_limit {
    METRIC_LIMIT_SENDS, // messages to one address
    METRIC_LIMIT_TRIES, // guesses at one code or person
};

enum metric_attempt {
    METRIC_ATTEMPT_ACCEPTED,
    METRIC_ATTEMPT_RETRY,
    METRIC_ATTEMPT_PERMANENT,
    METRIC_ATTEMPT_UNKNOWN, // it may have been taken
};

enum metric_ending {
    METRIC_ENDING_ACCEPTED,
    METRIC_ENDING_FAILED,
    METRIC_ENDING_EXPIRED,
    METRIC_ENDING_UNKNOWN,
    METRIC_ENDING_DELIVERED, // perhaps after it was counted as accepted or unknown
    METRIC_ENDING_OBSOLETE,
    METRIC_ENDING_DROPPED,
};

enum metric_receipt {
    METRIC_RECEIPT_DELIVERED,
    METRIC_RECEIPT_FAILED,
    METRIC_RECEIPT_ON_ITS_WAY,
    METRIC_RECEIPT_UNMATCHED, // of no message that is remembered
    METRIC_RECEIPT_BUSY,      // not taken for want of room
    METRIC_RECEIPT_REFUSED,   // a call that was forged, too old or not to be read
};

// Of one provider.
enum metric_provider {
    METRIC_PROVIDER_BREAKER,       // 0 closed, 1 half open, 2 open
    METRIC_PROVIDER_IN_FLIGHT,     // messages that it is being given
    METRIC_PROVIDER_OLDEST_AGE_MS, // how long the message that waits longest for it has been due
    METRIC_PROVIDER_COUNT_,
};

enum metric_store_error {
    METRIC_STORE_BUSY,    // nothing applied; later it may work
    METRIC_STORE_FULL,    // nothing applied; no room on the disk
    METRIC_STORE_FAILED,  // nothing applied
    METRIC_STORE_UNKNOWN, // perhaps applied
};

#define METRICS_ROUTES_MAX 48U
#define METRICS_PATH_BYTES_MAX 100U
#define METRICS_NO_ROUTE METRICS_ROUTES_MAX // an answer to what reached no route
#define METRICS_PROVIDERS_MAX 16U
#define METRICS_PROVIDER_BYTES_MAX 64U
#define METRICS_PAGE_BYTES_MAX 917504U // with every counter on it

struct metrics;

struct metrics_options {
    struct span version;
    int64_t (*now_ns)(void); // for durations
};

// Spans must outlive the metrics.
struct metrics_route {
    struct span method;
    struct span path; // METRICS_PATH_BYTES_MAX at most
};

MUST_CHECK enum err metrics_create(const struct metrics_options *options, struct metrics **out);
void metrics_destroy(struct metrics **metrics);

// Before the first answer is counted.
void metrics_name_routes(struct metrics *metrics, const struct metrics_route *routes, size_t count);

// Before the first of them is counted. The names must outlive the metrics, and have
// METRICS_PROVIDER_BYTES_MAX at most.
void metrics_name_providers(struct metrics *metrics, const struct span *names, size_t count);

// A provider's number is that of its name.
void metrics_count_attempt(struct metrics *metrics, size_t provider, enum metric_attempt attempt);
void metrics_set_provider(struct metrics *metrics, size_t provider, enum metric_provider what,
                          int64_t value);

// From the promise of a message to the receipt that says it has arrived.
void metrics_delivered(struct metrics *metrics, size_t provider, unsigned channel,
                       int64_t duration_ms);

// From the issue of a code to the login with it: how many get through, and how fast.
void metrics_validated(struct metrics *metrics, unsigned channel, int64_t duration_ms);

// A commit of the store, when it had begun; counted too.
void metrics_committed(struct metrics *metrics, int64_t began_ns);

// Label values: 0 for a label that the metric does not have.
void metrics_count(struct metrics *metrics, enum metric metric, unsigned label, unsigned second);

void metrics_set(struct metrics *metrics, enum metric metric, int64_t value);

// For the begin of an answer; 0 without metrics.
int64_t metrics_now_ns(const struct metrics *metrics);

// An answer was given: its route's number or METRICS_NO_ROUTE, and when its handler began.
void metrics_answer(struct metrics *metrics, size_t route, int status, int64_t began_ns);

// Takes METRICS_PAGE_BYTES_MAX at most.
void metrics_write(const struct metrics *metrics, struct strbuf *out);
