// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Gives a rotating plan's access token to its channel, and does what the keeper asks for: it sends
// the renewals, over the connections that messages go by too, and has a port for what has to last.
// All of it on the thread that drives `outbound`, which nothing here ever blocks.

#include "base/env.h"
#include "channel/outbound.h"
#include "channel/recipe.h"
#include "channel/token_keeper.h"
#include "telemetry/log.h"

enum token_event_kind {
    TOKEN_EVENT_READ,    // pair, version
    TOKEN_EVENT_WRITTEN, // err, ERR_BUSY: another version is there
    TOKEN_EVENT_CHANGED, // somebody else has set a pair
};

// Holds secrets: wipe it.
struct token_event {
    enum token_event_kind kind;
    struct token_pair pair;
    uint64_t version;
    enum err err;
};

enum token_state {
    TOKEN_STATE_READING, // nothing is known yet
    TOKEN_STATE_NONE,
    TOKEN_STATE_READY,
    TOKEN_STATE_RENEWING, // or about to, as soon as what went wrong is over
    TOKEN_STATE_SPENT,
    TOKEN_STATE_REFUSED,
};

// For people.
struct token_status {
    enum token_state state;
    bool needs_person;          // it is over, or soon will be, and will not mend by itself
    int64_t access_ends_at_ms;  // 0: not known
    int64_t refresh_ends_at_ms; // 0: there is none
    uint16_t words_len;
    uint8_t words[TOKEN_WORDS_BYTES_MAX]; // the provider's, of the last renewal that failed
};

// Where pairs are kept. read and write return at once; what came of them is an event later.
struct token_port {
    void *port;
    int fd; // readable while there is an event
    void (*read)(void *port);
    void (*write)(void *port, const struct token_pair *pair, uint64_t version);
    bool (*take)(void *port, struct token_event *out); // false: there is none
    void (*tell)(void *port, const struct token_status *status);
};

// All is borrowed until the source is destroyed.
struct token_source_deps {
    struct outbound *outbound;
    struct clock clock;
    const struct recipe_plan *plan; // a rotating one
    struct http_transport transport;
    struct token_port port;
    struct span name; // of the provider
    struct logger *log;
};

struct token_source;

// Before the thread that drives `outbound` begins. It starts by reading. ERR_NO_MEMORY.
MUST_CHECK enum err token_source_create(const struct token_source_deps *deps,
                                        struct token_source **out);

// Not while a renewal is on its way: after outbound_end, or before the driving began.
void token_source_destroy(struct token_source **source);

// An access token, copied, and a number for token_source_refused. False: there is none; *result_out
// is then what becomes of the message, its words borrowed until the next call.
bool token_source_use(struct token_source *source, struct token_text *token_out,
                      uint64_t *version_out, struct send_result *result_out);

// The provider said of that token that it has ended. Makes the result of the message what it then
// is: it can be tried again, or the credentials are wrong.
void token_source_refused(struct token_source *source, uint64_t version,
                          struct send_result *result);
