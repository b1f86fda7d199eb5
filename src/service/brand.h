// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Brands: settings, and the immutable snapshot of all of them that requests are answered from.
//
// Settings live in the store, one versioned JSON value a brand. A change makes a new snapshot; each
// request holds the one it began with, so that a change takes effect at the next request and never
// in the middle of one.

#include "address/address.h"
#include "base/language.h"
#include "base/option.h"
#include "channel/channel.h"
#include "channel/template.h"
#include "core/policy.h"
#include "crypto/pure/hs256.h"
#include "crypto/rsa/rsa.h"
#include "store/store.h"

#define BRAND_NAME_BYTES_MAX 64U
#define BRAND_ORIGINS_MAX 16U
#define BRAND_ORIGIN_BYTES_MAX 256U
#define BRAND_HEADER_BYTES_MAX 64U
#define BRAND_HEADER_VALUE_BYTES_MAX 128U
#define BRAND_ISSUER_BYTES_MAX 128U
#define BRAND_OGC_DERIVED_BYTES_MAX 16U
#define BRAND_SENDER_BYTES_MAX 64U
#define BRAND_TEMPLATE_ID_BYTES_MAX 128U
#define BRAND_TRANSLATIONS_MAX 8U
#define BRAND_TRANSLATIONS_BYTES_MAX 8191U // as JSON
#define BRAND_TOKEN_KEYS_MAX 4U // one that signs, and older ones whose tokens are still about
#define BRAND_ENCRYPTION_KEYS_MAX 4U
#define BRAND_ENCRYPTION_ENDPOINTS_BYTES_MAX 64U
#define BRAND_LIST_BYTES_MAX 64U                // of a few words that are known
#define BRAND_OTP_GENERATE SPAN("otp/generate") // a word of encryption.endpoints
#define BRAND_OPTIONS_MAX 64U // rows of brand_options, so that a set of them is one word

// What is said, and by whom, over one channel. Empty is null.
struct brand_channel_words {
    char template[TEMPLATE_SOURCE_BYTES_MAX];
    char sender[BRAND_SENDER_BYTES_MAX + 1];
    char template_id[BRAND_TEMPLATE_ID_BYTES_MAX + 1];
};

// What can be said in several languages.
struct brand_words {
    struct brand_channel_words channels[CHANNEL_COUNT_];
    char email_subject[TEMPLATE_SUBJECT_BYTES_MAX + 1];
};

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
    char identifier_types[BRAND_LIST_BYTES_MAX];  // separated by spaces
    uint32_t mobile_channel;                      // enum channel_kind
    char fallback_channels[BRAND_LIST_BYTES_MAX]; // separated by spaces
    char default_country[3];                      // ISO 3166-1 alpha-2, or empty
    char issuer[BRAND_ISSUER_BYTES_MAX];
    char ogc[BRAND_ISSUER_BYTES_MAX];
    char cors_origins[BRAND_ORIGINS_MAX * BRAND_ORIGIN_BYTES_MAX]; // separated by spaces
    char required_header[BRAND_HEADER_BYTES_MAX + 1];
    char required_header_value[BRAND_HEADER_VALUE_BYTES_MAX + 1]; // secret
    char language[LANGUAGE_BYTES_MAX + 1];                        // a tag, of `words`; or empty
    struct brand_words words;
    char translations[BRAND_TRANSLATIONS_BYTES_MAX + 1];             // see service/brand_text.h
    char encryption_endpoints[BRAND_ENCRYPTION_ENDPOINTS_BYTES_MAX]; // separated by spaces
    uint32_t encryption_valid_seconds;
    bool encryption_pkcs1;
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

// What no single option can say: templates compile, origins are origins, values fit each other,
// all of it fits into the store. ERR_INVALID with a story that begins with the option's name, of a
// translation with its path. ERR_NO_MEMORY.
MUST_CHECK enum err brand_settings_validate(const struct brand_settings *settings,
                                            struct err_info *info);

// What is looked at only when somebody gives the settings, not when they are read from the store:
// the phone table has that country. ERR_INVALID.
MUST_CHECK enum err brand_settings_check_country(const struct brand_settings *settings,
                                                 struct err_info *info);

// ERR_INVALID when it is not 1 to 64 bytes of printable UTF-8 without spaces at its ends.
MUST_CHECK enum err brand_name_check(struct span name, struct err_info *info);

// The same of a brand that is to be added: nor has it a "|", which stores from before this was
// refused may have in their brands' names. ERR_INVALID.
MUST_CHECK enum err brand_name_check_new(struct span name, struct err_info *info);

// Compiled words. One without parts says nothing: a translation need not have all.
struct brand_templates {
    struct template texts[CHANNEL_COUNT_];
    struct template subject;
};

struct brand_translation {
    char language[LANGUAGE_BYTES_MAX + 1];
    struct brand_words words;
    struct brand_templates templates;
};

struct token_key {
    uint32_t number;       // 1 for the brand's first, one more for each after it
    int64_t created_at_ms; // 0: not known
    struct hs256_key hs256;
};

// A private key of payload encryption.
struct encryption_key {
    uint32_t number;
    int64_t created_at_ms;
    struct rsa_key *rsa;
};

struct brand {
    uint64_t id;            // random, immutable: a brand removed and added again is another one
    struct span name;       // as spelt by the administrator
    struct span name_upper; // as tokens carry it
    struct brand_settings settings;
    struct policy policy;
    struct token_key token_keys[BRAND_TOKEN_KEYS_MAX]; // by number; the last one signs
    size_t token_keys_held;                            // at least 1
    struct encryption_key encryption_keys[BRAND_ENCRYPTION_KEYS_MAX]; // by number
    size_t encryption_keys_held;
    bool is_otp_generate_encrypted;
    uint32_t identifier_types;  // bits 1 << enum address_kind
    uint32_t fallback_channels; // bits 1 << enum channel_kind
    struct span ogc; // what tokens carry: the setting, or, where it is null, one made from the id
    struct brand_templates templates;
    struct brand_translation *translations; // by language; NULL: none
    size_t translations_held;
    struct span required_header; // empty: none
    struct span required_value;  // that it must have; empty: any
    struct span origins[BRAND_ORIGINS_MAX];
    size_t origins_held;
    bool is_any_origin; // "*" was set (development)
    char name_storage[BRAND_NAME_BYTES_MAX];
    char name_upper_storage[BRAND_NAME_BYTES_MAX];
    char ogc_storage[BRAND_OGC_DERIVED_BYTES_MAX];
};

static inline const struct token_key *brand_signing_key(const struct brand *brand)
{
    return &brand->token_keys[brand->token_keys_held - 1];
}

// Whether people log in to the brand by such an identifier.
static inline bool brand_takes_identifier(const struct brand *brand, enum address_kind kind)
{
    return (brand->identifier_types >> kind & 1) != 0;
}

// Whether a caller may ask for a code by that channel.
static inline bool brand_takes_fallback(const struct brand *brand, enum channel_kind kind)
{
    return (brand->fallback_channels >> kind & 1) != 0;
}

// Whether a request for a code may be looked at. `value` is what its header of the name
// brand->required_header holds; data NULL: there is no such header.
bool brand_lets_in(const struct brand *brand, struct span value);

// How the brand says it over that channel, in the language that fits the wish best; a wish that is
// empty or that nothing fits gets the brand's own. Borrowed from the brand.
void brand_wording(const struct brand *brand, enum channel_kind kind, struct span language,
                   struct wording *out);

// Which of the brand's languages, its own and its translations', the value of an Accept-Language
// header asks for: a tag of at most LANGUAGE_BYTES_MAX bytes, borrowed from the brand. Empty: none
// of them, or there is nothing to choose from.
struct span brand_language(const struct brand *brand, struct span accept_language);

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

// What all changes below have in common: each is written to the store under the version after the
// one that it was made from, and made anew when somebody else was first (ERR_BUSY: again and
// again), so that no change is lost; nothing is written when all is there already; then the
// snapshot is reloaded. They wait for the store, so they are not for a thread that requests wait
// for. ERR_INVALID: a name, value or secret that is not valid, or values that do not fit each
// other; then nothing was changed. ERR_EXISTS, ERR_NOT_FOUND: such a brand. Others: the store.

// One setting's new value.
struct brand_edit {
    const struct option *option; // a row of brand_options
    struct span text;            // as option_set takes it; data NULL: the default
    struct span path;            // of one text within translations, "vi.smsTemplate"; empty: all
};

// ERR_INVALID with a story; ERR_NO_MEMORY.
MUST_CHECK enum err brand_edit_apply(const struct brand_edit *edit, struct brand_settings *settings,
                                     struct err_info *info);

struct brand_edits {
    const struct brand_edit *items;
    size_t count;
    bool is_forced; // also what has a hazard (base/option.h) on a brand that is there
};

// ERR_UNFORCED with a story: an option that has a hazard differs.
MUST_CHECK enum err brand_settings_check_hazards(const struct brand_settings *before,
                                                 const struct brand_settings *after,
                                                 struct err_info *info);

// Adds the brand, or replaces its settings and spelling, by force. Its id stays, and its token
// keys; a token_secret that is not empty signs from now on. A new brand without one gets a random
// one.
MUST_CHECK enum err brands_put(struct brands *brands, struct span name,
                               const struct brand_settings *settings, struct span token_secret,
                               struct err_info *info);

struct brand_put {
    struct span name;
    struct brand_settings settings;
};

// brands_put of each, without secrets, and one reload. When one fails those before it stay put:
// *put_out says how many.
MUST_CHECK enum err brands_put_all(struct brands *brands, const struct brand_put *puts,
                                   size_t count, size_t *put_out, struct err_info *info);

// Adds the brand with those settings, the others at their defaults.
MUST_CHECK enum err brands_add(struct brands *brands, struct span name, struct brand_edits edits,
                               struct err_info *info);

// Changes those settings of a brand and no others. ERR_INVALID also for encryption that is switched
// on without a key, with which nobody could log in, and for a value of a header that has no name,
// with which anybody could.
MUST_CHECK enum err brands_change(struct brands *brands, struct span name, struct brand_edits edits,
                                  struct err_info *info);

// The one of both that fits; spelling and token secret as with brands_put.
MUST_CHECK enum err brands_ensure(struct brands *brands, struct span name, struct brand_edits edits,
                                  struct span token_secret, struct err_info *info);

// A further token key, of that secret or a random one, signs; the older ones are kept until they
// are retired, and of BRAND_TOKEN_KEYS_MAX the oldest goes.
MUST_CHECK enum err brands_rotate_key(struct brands *brands, struct span name,
                                      struct span token_secret, struct err_info *info);

// That key is forgotten. ERR_NOT_FOUND: nor is there such a key; ERR_INVALID: it is the one that
// signs.
MUST_CHECK enum err brands_retire_key(struct brands *brands, struct span name, uint32_t number,
                                      struct err_info *info);

// The public half for apps: PEM; or DER in base64, as Java's X509EncodedKeySpec and WebCrypto's
// "spki" take it. ERR_NO_MEMORY.
MUST_CHECK enum err encryption_key_put_pem(const struct encryption_key *key, struct strbuf *out);
MUST_CHECK enum err encryption_key_put_base64(const struct encryption_key *key, struct strbuf *out);

// Standard base64 of a cipher text, which may have line breaks. False: it is none, or has more than
// RSA_KEY_BYTES_MAX bytes.
bool hash_read_base64(struct span text, uint8_t out[RSA_KEY_BYTES_MAX], size_t *len_out);
void hash_put_base64(struct span bytes, struct strbuf *out);

// A further key of payload encryption; all keys that are held open what apps send. ERR_EXISTS: it
// is one of them.
MUST_CHECK enum err brands_add_encryption_key(struct brands *brands, struct span name,
                                              const struct rsa_key *key, struct err_info *info);

// The same from a private key as rsa_key_import takes it.
MUST_CHECK enum err brands_import_encryption_key(struct brands *brands, struct span name,
                                                 struct span text, struct err_info *info);

// That key is forgotten. ERR_NOT_FOUND: nor is there such a key; ERR_INVALID: it is the only one,
// and encryption is on.
MUST_CHECK enum err brands_retire_encryption_key(struct brands *brands, struct span name,
                                                 uint32_t number, struct err_info *info);

// Takes the brand out of the store.
MUST_CHECK enum err brands_remove(struct brands *brands, struct span name, struct err_info *info);
