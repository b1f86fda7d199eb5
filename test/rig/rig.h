// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The whole of the API over a store in memory, on invented time, driven with HTTP bytes: what a
// client sees, to the last byte.

#include "api/api.h"
#include "http/conn.h"
#include "sim/seeded.h"
#include "store/memory/memory.h"

// 2026-09-21T14:13:20Z; the clock stands still unless a test moves it.
#define RIG_START_MS INT64_C(1790000000000)
#define RIG_REPLY_BYTES_MAX 262144U
#define RIG_ENTRIES_MAX 4U

struct rig {
    int64_t now_ms;
    struct seeded seeded;
    struct entropy entropy;
    struct store *store;
    struct keyring *keyring;
    struct brands *brands;
    struct decryptor *decryptor;
    struct metrics *metrics; // what the service counts
    struct routes *ways;     // one provider, of SMS, WhatsApp and e-mail
    struct service service;
    struct api api;
    struct http_route routes[API_ROUTES];
    struct http_router router;
    struct api_worker worker;
    struct http_worker *http;
    struct http_conn *conn;
    enum memory_fault fault; // of the next op
    unsigned fault_skips;    // ops before it that have none
    bool fault_stays;        // it is that of every op

    // The latest answer.
    int status;
    char reply[RIG_REPLY_BYTES_MAX]; // head and body
    const char *body;                // in reply
};

struct rig *rig_create(void); // RIG_ENTRIES_MAX messages wait at most
struct rig *rig_create_for(size_t entries_max);

// Over a store that `make` makes, and the rig destroys; without faults.
struct rig *rig_create_over(struct store *(*make)(void *ctx, struct clock clock), void *ctx);
void rig_destroy(struct rig *rig);

// From now on messages go by these channels alone (bits 1 << enum channel_kind).
void rig_carry(struct rig *rig, uint32_t channels);

// Adds a brand, or changes its settings.
void rig_put_brand(struct rig *rig, const char *name, const struct brand_settings *settings);

// Sends raw bytes on the rig's one connection, and reads what comes back into rig->reply (empty
// when nothing does).
void rig_send(struct rig *rig, const char *bytes, size_t len);

// What has been written since, for answers that come later.
void rig_receive(struct rig *rig);

// POST of a JSON body; `fields` are further header lines, each ended by CR LF. X-Request-Id is "t".
void rig_post(struct rig *rig, const char *path, const char *fields, const char *body);

// POST of application/json without further fields.
void rig_postf(struct rig *rig, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// The code of the reply's status object.
int rig_code(const struct rig *rig);

// Value of a header field of the reply, or NULL.
const char *rig_field(struct rig *rig, const char *name, char *out, size_t cap);

// The sessionId of the reply.
void rig_session_id(const struct rig *rig, char out[SESSION_ID_TEXT_BYTES + 1]);

struct rig_message {
    char otp[CODE_DIGITS_MAX + 1];
    char to[SEAL_PLAIN_BYTES_MAX + 1];
    enum channel_kind channel;
};

// Takes the one message that is due, as its provider does; false when there is none.
bool rig_take_message(struct rig *rig, struct rig_message *out);

// As above, of several the one that was promised first.
bool rig_take_first(struct rig *rig, struct rig_message *out);

// Takes all that are due, unread.
void rig_take_all(struct rig *rig);
