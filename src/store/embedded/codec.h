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
    (CODEC_FRAME_BYTES + 78U + MASKED_ADDRESS_BYTES_MAX + 1U + LANGUAGE_BYTES_MAX)
#define CODEC_SEALED_BYTES_MAX (CODEC_FRAME_BYTES + 2U + SEAL_BYTES_MAX)
#define CODEC_ATTEMPT_BYTES 18U
#define CODEC_DELIVERY_BYTES_MAX                                                        \
    (CODEC_FRAME_BYTES + 6U + 4U + (1U + CODEC_ATTEMPT_BYTES * DELIVERY_ATTEMPTS_MAX) + \
     (1U + DELIVERY_REF_BYTES_MAX) + (1U + DELIVERY_WORDS_BYTES_MAX) + (1U + 8U * CODEC_REFS_MAX))
#define CODEC_REF_BYTES (CODEC_FRAME_BYTES + 8U)
#define CODEC_STATE_BYTES_MAX (CODEC_FRAME_BYTES + 56U)
#define CODEC_VALUE_BYTES_MAX (CODEC_FRAME_BYTES + 8U + SETTING_VALUE_BYTES_MAX)

_Static_assert(CODEC_RECORD_BYTES_MAX <= RECORD_BYTES_MAX, "one record is one small write");

// Keys that are numbers.
#define CODEC_ENTRY_KEY_BYTES 8U
#define CODEC_EXPIRY_KEY_BYTES (4U + sizeof(struct record_key))
#define CODEC_SEALED_KEY_BYTES 12U
#define CODEC_REF_KEY_BYTES 8U

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

// An entry as it was promised, without its address.
struct codec_entry {
    struct outbox_entry entry;
    provider_tag provider; // whose queue it went to
};

void codec_put_entry(uint64_t sequence, const struct codec_entry *entry, struct strbuf *out);
enum codec_verdict codec_read_entry(uint64_t sequence, struct span value, struct codec_entry *out);

// The first minute in which somebody sees that the time has come.
uint32_t codec_minute_of(int64_t at_ms);

struct codec_sealed_at {
    uint32_t minute; // since 1970, of the end of its code
    uint64_t sequence;
};

void codec_sealed_key(const struct codec_sealed_at *at, uint8_t out[CODEC_SEALED_KEY_BYTES]);
bool codec_read_sealed_key(struct span key, struct codec_sealed_at *out);

// Never an empty one.
void codec_put_sealed(struct span key, const struct sealed *address, struct strbuf *out);
enum codec_verdict codec_read_sealed(struct span key, struct span value, struct sealed *out);

#define CODEC_REFS_MAX 8U

struct codec_delivery {
    int64_t made_at_ms; // of its entry: no time in `delivery` is before it
    struct delivery delivery;
    uint64_t refs[CODEC_REFS_MAX]; // keys in TABLE_REFS, oldest first
    uint8_t refs_held;
};

void codec_put_delivery(uint64_t sequence, const struct codec_delivery *delivery,
                        struct strbuf *out);
enum codec_verdict codec_read_delivery(uint64_t sequence, int64_t made_at_ms, struct span value,
                                       struct codec_delivery *out);

void codec_ref_key(uint64_t tag, uint8_t out[CODEC_REF_KEY_BYTES]);
void codec_put_ref(uint64_t tag, uint64_t sequence, struct strbuf *out);
enum codec_verdict codec_read_ref(uint64_t tag, struct span value, uint64_t *sequence_out);

// The name is the key. out->value points into `value`.
void codec_put_setting(const struct setting *setting, struct strbuf *out);
enum codec_verdict codec_read_setting(struct span name, struct span value, struct setting *out);

#define CODEC_IDENTITY_KEY "identity"
#define CODEC_STATE_KEY "state"
#define CODEC_BACKUP_KEY "backup" // in a backup, what elsewhere is the identity

struct codec_identity {
    uint16_t format;
    struct digest128 fingerprint;
};

struct codec_state {
    uint64_t commit; // number of the last one, from 1
    struct store_time_mark mark;
    uint64_t first_open;    // sequence before which all entries are over
    uint64_t next_sequence; // from 1
};

void codec_put_identity(const struct codec_identity *identity, struct strbuf *out);
enum codec_verdict codec_read_identity(struct span value, struct codec_identity *out);
void codec_put_state(const struct codec_state *state, struct strbuf *out);
enum codec_verdict codec_read_state(struct span value, struct codec_state *out);
