// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Brands: settings, and the immutable snapshot of all of them that requests are answered from.
//
// Settings live in the store, one versioned JSON value a brand. A change makes a new snapshot; each
// request holds the one it began with, so that a change takes effect at the next request and never
// in the middle of one.

#include "address/address.h"
#include "base/option.h"
#include "channel/channel.h"
#include "channel/template.h"
#include "core/policy.h"
#include "crypto/pure/hs256.h"
#include "store/store.h"

#define BRAND_NAME_BYTES_MAX 64U
#define BRAND_ORIGINS_MAX 16U
#define BRAND_ORIGIN_BYTES_MAX 256U
#define BRAND_ISSUER_BYTES_MAX 128U
#define BRAND_OGC_DERIVED_BYTES_MAX 16U

// What an administrator sets, as plain values; brand_options describes each. Zero is null where the
// option says that null is allowed.
struct brand_settings {
    uint32_t otp_max_count;
    uint32_t otp_time_out_minutes;
    uint32_t otp_length;
    uint32_t otp_ttl_seconds;
    uint32_t otp_max_attempts;
    uint32_t resend; // enum brand_resend
    uint32_t session_ttl_seconds;
    uint32_t token_ttl_seconds;
    uint32_t web_token_ttl_seconds;
    uint32_t key_ttl_seconds;
    uint32_t lock_after_failures;
    uint32_t lock_seconds;
    uint32_t mobile_channel; // enum channel_kind
    char default_country[3]; // ISO 3166-1 alpha-2, or empty
    char issuer[BRAND_ISSUER_BYTES_MAX];
    char ogc[BRAND_ISSUER_BYTES_MAX];
    char cors_origins[BRAND_ORIGINS_MAX * BRAND_ORIGIN_BYTES_MAX]; // separated by spaces
    char sms_template[TEMPLATE_SOURCE_BYTES_MAX];
    char email_template[TEMPLATE_SOURCE_BYTES_MAX];
};

enum brand_resend {
    BRAND_RESEND_SAME,
    BRAND_RESEND_NEW,
};

// The table that validation, help and listings come from.
extern const struct option brand_options[];
extern const size_t brand_options_count;

static inline struct option_table brand_option_table(void)
{
    return (struct option_table){brand_options, brand_options_count};
}

void brand_settings_init(struct brand_settings *settings); // all defaults

// What no single option can say: templates compile, origins are origins, values fit each other.
// ERR_INVALID with a story that begins with the option's name.
MUST_CHECK enum err brand_settings_validate(const struct brand_settings *settings,
                                            struct err_info *info);

// ERR_INVALID when it is not 1 to 64 bytes of printable UTF-8 without spaces at its ends.
MUST_CHECK enum err brand_name_check(struct span name, struct err_info *info);

struct brand {
    uint64_t id;            // random, immutable: a brand removed and added again is another one
    struct span name;       // as spelt by the administrator
    struct span name_upper; // as tokens carry it
    struct brand_settings settings;
    struct policy policy;
    struct hs256_key token_key;
    struct span ogc; // what tokens carry: the setting, or, where it is null, one made from the id
    struct template templates[CHANNEL_COUNT_];
    struct span origins[BRAND_ORIGINS_MAX];
    size_t origins_held;
    bool is_any_origin; // "*" was set (development)
    char name_storage[BRAND_NAME_BYTES_MAX];
    char name_upper_storage[BRAND_NAME_BYTES_MAX];
    char ogc_storage[BRAND_OGC_DERIVED_BYTES_MAX];
};

// Immutable and counted. Found by name without regard to ASCII case; NULL when there is none.
struct brand_set;

const struct brand *brand_set_find(const struct brand_set *set, struct span name);
const struct brand *brand_set_find_id(const struct brand_set *set, uint64_t id);
size_t brand_set_count(const struct brand_set *set);
const struct brand *brand_set_at(const struct brand_set *set, size_t index);

// Does any brand allow that origin? (A preflight names no brand.)
bool brand_set_allows_origin(const struct brand_set *set, struct span origin);
bool brand_allows_origin(const struct brand *brand, struct span origin);

// The registry. brands_acquire and brands_release from any thread.
struct brands;

// `wrap_key` seals the token secrets inside the settings values. All three are borrowed; `entropy`
// must be callable from every thread that puts. The first snapshot is empty: reload next.
MUST_CHECK enum err brands_create(struct store *store, const struct key *wrap_key,
                                  const struct entropy *entropy, struct brands **out);
void brands_destroy(struct brands **brands);

const struct brand_set *brands_acquire(struct brands *brands);
void brands_release(struct brands *brands, const struct brand_set **set);

// Reads all settings from the store and swaps the snapshot. On any bad value the old one stays.
// From any thread, from the store's notice too.
MUST_CHECK enum err brands_reload(struct brands *brands, struct err_info *info);

// Adds the brand, or replaces its settings and spelling; its id stays, and, when token_secret is
// empty, its token secret too (a new brand without one gets a random one). Writes to the store
// unless all is there already, then reloads. ERR_BUSY: others kept changing the same brand.
MUST_CHECK enum err brands_put(struct brands *brands, struct span name,
                               const struct brand_settings *settings, struct span token_secret,
                               struct err_info *info);

// Takes the brand out of the store, then reloads. ERR_NOT_FOUND.
MUST_CHECK enum err brands_remove(struct brands *brands, struct span name, struct err_info *info);
