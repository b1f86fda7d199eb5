// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a provider reports about messages that it has taken, as its recipe's "receipt" says
// (docs/design/recipe-format.md). One call may bring many reports, or none that matter. It knows no
// socket and no clock, and nothing of how messages are found.

#include "base/strbuf.h"
#include "channel/recipe.h"

#define REPORT_REF_BYTES_MAX RECIPE_REF_BYTES_MAX
#define REPORT_WORDS_BYTES_MAX 96U // what is kept with a message
#define REPORT_ECHO_BYTES_MAX 512U
#define REPORT_ANSWER_BYTES_MAX 1024U

enum report_state {
    REPORT_DELIVERED,
    REPORT_FAILED,
    REPORT_ON_ITS_WAY,
    REPORT_STATE_COUNT_,
};

// Spans are borrowed while it is told.
struct report {
    enum report_state state;
    enum send_reason reason; // REPORT_FAILED; else SEND_REASON_NONE
    struct span ref;         // the provider's name for the message; empty: none
    struct span echo;        // the receipt URL that went out with the message; empty: none
    struct span words;       // REPORT_FAILED: the provider's own, without runs of digits
    bool is_state_known;     // else the recipe lacks its word, and it counts as on its way
};

// A call as it came. All is borrowed.
struct report_request {
    bool is_get;
    struct span url; // as the provider knows it, with the query: it may have signed it
    struct span query, content_type, body;
    struct span (*header)(const void *ctx, struct span name); // its value, or an empty span
    const void *ctx;
    int64_t now_ms; // wall time, which the provider's clock is compared with
};

enum report_verdict {
    REPORT_READ,         // all that there was has been told
    REPORT_GREETED,      // the provider wants `answer` back, as text
    REPORT_SUBSCRIPTION, // it reports once somebody has opened the URL in `answer`
    REPORT_STRANGE,      // the same, but the URL is not the provider's: `answer` is its host
    REPORT_FORGED,       // not signed, or not by the provider
    REPORT_STALE,        // signed, but too long ago
    REPORT_UNREADABLE,
    REPORT_STOPPED, // `take` would not have more
    REPORT_VERDICT_COUNT_,
};

struct report_taker {
    bool (*take)(void *ctx, const struct report *report); // false: stop
    void *ctx;
};

// Whether a recipe says how its provider reports at all; where it does not, nothing else here may
// be called.
bool recipe_has_reports(const struct recipe *recipe);

// The provider signs them, or can be told to.
bool recipe_signs_reports(const struct recipe *recipe);

// How the URL is registered with the provider, in a sentence; empty: there is nothing to do, since
// each message says where to report.
struct span recipe_receipt_help(const struct recipe *recipe);

struct report_reader;

// A recipe's receipts with the values of its parameters, as recipe_bind. The recipe is borrowed.
MUST_CHECK enum err report_reader_create(const struct recipe *recipe,
                                         const struct recipe_setting *settings, size_t count,
                                         struct report_reader **out, struct err_info *info);

// Wipes the values.
void report_reader_destroy(struct report_reader **reader);

// What the provider signs is checked; else whoever calls knows that it is the provider.
bool report_reader_checks(const struct report_reader *reader);

// From any thread. `answer` has room for REPORT_ANSWER_BYTES_MAX, and is printable ASCII.
enum report_verdict report_read(const struct report_reader *reader,
                                const struct report_request *request,
                                const struct report_taker *taker, struct strbuf *answer);
