// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Values of the table as bytes, and back. docs/design/record-format.md is the format.
//
// An encoder appends one whole value to *out, whose room is the caller's business
// (CODEC_VALUE_BYTES_MAX always suffices; asserted). A decoder is given the key that the value was
// found under; what it gives is whole and keeps all bounds, or it gives nothing. Each value has one
// encoding.

#include "base/strbuf.h"
#include "store/embedded/table.h"
#include "store/store_time.h"

enum codec_verdict {
    CODEC_OK,
    CODEC_DAMAGED,
    CODEC_NEWER, // whole, but a later format's
};

// "damaged" or "written by a newer version".
const char *codec_verdict_text(enum codec_verdict verdict);

#define CODEC_DATA_FORMAT 1U // raised with each addition to any value

#define CODEC_FRAME_BYTES 11U // format, parts, checksum
#define CODEC_CODE_BYTES 54U
#define CODEC_SENDS_BYTES_MAX (7U + 4U * RECORD_SENDS_MAX)
#define CODEC_USERNAME_BYTES_MAX (9U + RECORD_CARD_BYTES_MAX) // in place of sends

#define CODEC_HASHES_BYTES_MAX (7U + 8U * RECORD_HASHES_MAX) // with nothing else

_Static_assert(CODEC_USERNAME_BYTES_MAX <= CODEC_SENDS_BYTES_MAX, "the longer of the two counts");
_Static_assert(CODEC_HASHES_BYTES_MAX <= CODEC_SENDS_BYTES_MAX, "and of these");

#define CODEC_RECORD_BYTES_MAX                                                                   \
    (CODEC_FRAME_BYTES + 16U + 14U + CODEC_SENDS_BYTES_MAX + (6U + 8U * RECORD_TOMBSTONES_MAX) + \
     (1U + CODEC_CODE_BYTES * RECORD_CODES_MAX))
#define CODEC_ENTRY_BYTES_MAX \
    (CODEC_FRAME_BYTES + 82U + MASKED_ADDRESS_BYTES_MAX + 2U + SEAL_BYTES_MAX)
#define CODEC_STATE_BYTES_MAX (CODEC_FRAME_BYTES + 40U)
#define CODEC_VALUE_BYTES_MAX (CODEC_FRAME_BYTES + 8U + SETTING_VALUE_BYTES_MAX)

_Static_assert(CODEC_RECORD_BYTES_MAX <= RECORD_BYTES_MAX, "one record is one small write");

// Keys that are numbers.
#define CODEC_ENTRY_KEY_BYTES 8U
#define CODEC_EXPIRY_KEY_BYTES (4U + sizeof(struct record_key))

void codec_entry_key(uint64_t sequence, uint8_t out[CODEC_ENTRY_KEY_BYTES]);
bool codec_entry_sequence(struct span key, uint64_t *sequence_out);

struct codec_expiry {
    uint32_t minute; // since 1970
    struct record_key key;
};

void codec_expiry_key(const struct codec_expiry *expiry, uint8_t out[CODEC_EXPIRY_KEY_BYTES]);

// The row's value says nothing but that its key is whole.
void codec_put_expiry(struct span key, struct strbuf *out);
enum codec_verdict codec_read_expiry(struct span key, struct span value, struct codec_expiry *out);

void codec_put_record(const struct record_key *key, const struct record *record,
                      struct strbuf *out);
enum codec_verdict codec_read_record(const struct record_key *key, struct span value,
                                     struct record *out);

void codec_put_entry(uint64_t sequence, const struct outbox_entry *entry, struct strbuf *out);
enum codec_verdict codec_read_entry(uint64_t sequence, struct span value, struct outbox_entry *out);

// The name is the key. out->value points into `value`.
void codec_put_setting(const struct setting *setting, struct strbuf *out);
enum codec_verdict codec_read_setting(struct span name, struct span value, struct setting *out);

#define CODEC_IDENTITY_KEY "identity"
#define CODEC_STATE_KEY "state"

struct codec_identity {
    uint16_t format;
    struct digest128 fingerprint;
};

struct codec_state {
    uint64_t commit; // number of the last one, from 1
    struct store_time_mark mark;
};

void codec_put_identity(const struct codec_identity *identity, struct strbuf *out);
enum codec_verdict codec_read_identity(struct span value, struct codec_identity *out);
void codec_put_state(const struct codec_state *state, struct strbuf *out);
enum codec_verdict codec_read_state(struct span value, struct codec_state *out);
