// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a compiled recipe and a plan are made of; for the files recipe_*.c alone.

#include "channel/recipe.h"
#include "crypto/pure/hs256.h"

#include <jansson.h>

#define RECIPE_TEXTS_BYTES_MAX (32U * 1024U)
#define RECIPE_PAIRS_MAX 24U
#define RECIPE_MAPPED_MAX 128U
#define RECIPE_STATES_MAX 32U
#define RECIPE_JSON_DEPTH_MAX 12U
#define RECIPE_PATH_SEGMENTS_MAX 8U
#define RECIPE_ARRAY_WALK_MAX 64U // elements that a "*" looks at
#define PLAN_OPS_MAX 256U
#define PLAN_LITERALS_BYTES_MAX (24U * 1024U)
#define PLAN_SECRETS_MAX RECIPE_PARAMETERS_MAX

// What a message brings to a template, with whether it may stand in a URL: those are logged on the
// way, so that a code or a text never may. The last ones not every message has.
#define RECIPE_VALUE_LIST(X)                              \
    X(RECIPE_TO, "to", true, false)                       \
    X(RECIPE_OTP, "otp", false, false)                    \
    X(RECIPE_TEXT, "text", false, false)                  \
    X(RECIPE_BRAND, "brand", true, false)                 \
    X(RECIPE_CHANNEL, "channel", true, false)             \
    X(RECIPE_ID, "id", true, false)                       \
    X(RECIPE_TEXT_TYPE, "textType", true, false)          \
    X(RECIPE_TOKEN, "token", false, false)                \
    X(RECIPE_TOKEN_PROOF, "tokenProof", false, false)     \
    X(RECIPE_REFRESH_TOKEN, "refreshToken", false, false) \
    X(RECIPE_MINUTES, "minutes", true, true)              \
    X(RECIPE_SECONDS, "seconds", true, true)              \
    X(RECIPE_MILLISECONDS, "milliseconds", true, true)    \
    X(RECIPE_EXPIRES_AT, "expiresAt", true, true)         \
    X(RECIPE_SUBJECT, "subject", false, false)            \
    X(RECIPE_RECEIPT_URL, "receiptUrl", false, false)     \
    X(RECIPE_LANGUAGE, "messageLanguage", true, false)    \
    X(RECIPE_LOCALE, "messageLocale", true, false)        \
    X(RECIPE_SENDER, "brandSender", true, false)          \
    X(RECIPE_TEMPLATE_ID, "brandTemplateId", true, false)

#define RECIPE_VALUE_ENUM(name, text, may_be_in_url, is_number) name,
enum recipe_value { RECIPE_VALUE_LIST(RECIPE_VALUE_ENUM) RECIPE_VALUE_COUNT_ };
#undef RECIPE_VALUE_ENUM

#define RECIPE_VALUES_ALWAYS RECIPE_SUBJECT // those before it every message has
#define RECIPE_VALUES_SOMETIMES (RECIPE_VALUE_COUNT_ - RECIPE_VALUES_ALWAYS)

// A set of those that a message may lack: bits 1 << (value - RECIPE_VALUES_ALWAYS).
#define RECIPE_PRESENT(value) (1U << ((unsigned)(value)-RECIPE_VALUES_ALWAYS))
#define PLAN_FORMS_MAX (1U << RECIPE_VALUES_SOMETIMES)

struct recipe_value_row {
    struct span name;
    bool may_be_in_url;
    bool is_number;
};

extern const struct recipe_value_row recipe_values[RECIPE_VALUE_COUNT_];

enum recipe_method { RECIPE_POST, RECIPE_GET };
enum recipe_probe_method { RECIPE_PROBE_GET, RECIPE_PROBE_POST };
enum recipe_number { RECIPE_PLUS, RECIPE_DIGITS };
enum recipe_auth {
    RECIPE_AUTH_NONE, // or in a header of the recipe's
    RECIPE_AUTH_BASIC,
    RECIPE_AUTH_BEARER,
    RECIPE_AUTH_AWS,
    RECIPE_AUTH_STANDARD_WEBHOOKS,
    RECIPE_AUTH_ROTATING,
};
enum recipe_format {
    RECIPE_JSON,
    RECIPE_XML,    // elements by their name, wherever they stand
    RECIPE_FIELDS, // one line, "success | 919999999993 | 42", fields by their number
    RECIPE_NOTHING,
};

// Templates are kept as they are written; their grammar was checked.
struct recipe_pair {
    struct span name, template;
};

struct recipe_pairs {
    struct recipe_pair held[RECIPE_PAIRS_MAX];
    size_t count;
};

// From the provider's words and numbers to ours.
struct recipe_mapped {
    struct span from; // "21211", "200-299", or a part of a sentence
    enum send_reason reason;
    bool is_unknown; // the message may have been taken all the same
    bool is_ready;   // of a probe: who says so has taken the credentials
};

struct recipe_map {
    struct recipe_mapped held[RECIPE_MAPPED_MAX];
    size_t count;
};

struct recipe_reply {
    uint32_t format;
    struct span statuses;        // data NULL: 200-299
    struct span accepted_path;   // data NULL: the status is enough
    struct span accepted_values; // data NULL: that there is one
    struct span id, code, words; // paths; data NULL: none
};

// How an access token is fetched; of RECIPE_AUTH_ROTATING alone.
struct recipe_renewal {
    struct span url;
    struct recipe_pairs headers, form;
    struct span access, refresh, seconds; // paths
    struct span code, words;              // paths; data NULL: none
    struct span spent_codes;              // that say that the refresh token is of no use any more
    uint32_t refresh_days;                // how long a refresh token lives
};

// A question that shows whether the provider takes the credentials. What of `reply` is not given is
// that of messages.
struct recipe_probe {
    struct span help; // what it is, and how sure that is; for people
    uint32_t method;
    struct span url;            // data NULL: there is none, and then nothing else
    struct span user, password; // by Basic, in place of the recipe's way; data NULL: none
    struct recipe_pairs headers, form;
    json_t *json; // NULL: none
    struct recipe_reply reply;
    struct recipe_map statuses, codes, texts; // which come before those of messages
};

// What a provider's words for a state mean.
struct recipe_states {
    struct recipe_state {
        struct span word;
        uint32_t state; // enum report_state
    } held[RECIPE_STATES_MAX];
    size_t count;
};

enum recipe_signature {
    RECIPE_SIGNATURE_NONE,
    RECIPE_SIGNATURE_TWILIO,
    RECIPE_SIGNATURE_VONAGE,
    RECIPE_SIGNATURE_HUB,
    RECIPE_SIGNATURE_STANDARD_WEBHOOKS,
    RECIPE_SIGNATURE_ZALO,
    RECIPE_SIGNATURE_SNS,
};

enum recipe_receipt_form { RECIPE_RECEIPT_JSON, RECIPE_RECEIPT_FORM, RECIPE_RECEIPT_QUERY };

// How the provider reports. Paths and names as of replies; data NULL: none.
struct recipe_receipt {
    bool is_given;                   // some key of it is in the recipe
    uint32_t signature;              // enum recipe_signature
    uint32_t is_lenient;             // what is nearly JSON is read too
    uint32_t forms;                  // bits 1 << enum recipe_receipt_form; 0: it does not report
    struct span secret, verify, app; // templates of parameters alone, which may be unset
    struct span inside;              // names of members that hold the report as a JSON text
    struct span list, only_with;     // list: from the whole, the others from one report
    struct span id, echo, state, code, words;
    struct span help; // what has to be registered with the provider; data NULL: nothing
    struct recipe_states states;
    struct recipe_map codes; // empty: those of replies
};

struct recipe {
    struct span name, title;
    uint32_t channels;
    struct recipe_parameter parameters[RECIPE_PARAMETERS_MAX];
    uint8_t overriders[RECIPE_PARAMETERS_MAX]; // enum recipe_value; 0: none
    size_t parameters_count;
    uint32_t method, number, auth;
    struct span url, user, password, token, region, service, secret, proof;
    uint32_t text_bytes_max;           // 0: whatever a message may have
    uint32_t seconds_min, seconds_max; // of validity; 0: no bound
    struct span text_types[2];         // by enum sms_alphabet
    struct recipe_pairs headers, query, form;
    json_t *json; // NULL: none
    struct recipe_reply reply;
    struct recipe_renewal renewal;
    struct recipe_probe probe;
    struct recipe_receipt receipt;
    struct recipe_map statuses, codes, texts;
    struct span advice[SEND_REASON_COUNT_];
    size_t texts_len;
    uint8_t texts_held[RECIPE_TEXTS_BYTES_MAX];
};

// A template apart: literals, and holes for parameters and values.
enum recipe_part_kind { RECIPE_PART_LITERAL, RECIPE_PART_PARAMETER, RECIPE_PART_VALUE };
enum recipe_filter { RECIPE_FILTER_NONE, RECIPE_FILTER_NUMBER, RECIPE_FILTER_URL };

struct recipe_part {
    enum recipe_part_kind kind;
    struct span literal;
    size_t index; // of the parameter, or enum recipe_value
    enum recipe_filter filter;
};

// Tokens are something of those recipes alone that fetch them.
bool recipe_value_is_known(const struct recipe *recipe, size_t value);

// Takes the next part off `rest`, which is not empty. ERR_INVALID with a story.
MUST_CHECK enum err recipe_part_take(const struct recipe *recipe, struct span *rest,
                                     struct recipe_part *out, struct err_info *info);

enum recipe_place {
    RECIPE_IN_URL,
    RECIPE_IN_QUERY,
    RECIPE_IN_HEADER,
    RECIPE_IN_FORM,
    RECIPE_IN_JSON,
    RECIPE_IN_AUTH,  // parameters alone
    RECIPE_IN_PROOF, // the same, but they may be unset
    // Parameters, {id} and what stands for an access token; in the URL parameters alone.
    RECIPE_IN_PROBE_URL,
    RECIPE_IN_PROBE_HEADER,
    RECIPE_IN_PROBE_FORM,
    RECIPE_IN_PROBE_JSON,
    RECIPE_IN_TOKEN_URL,
    RECIPE_IN_TOKEN_HEADER,
    RECIPE_IN_TOKEN_FORM,
    RECIPE_IN_RECEIPT, // as RECIPE_IN_PROOF
};

MUST_CHECK enum err recipe_template_check(const struct recipe *recipe, enum recipe_place place,
                                          struct span template, struct err_info *info);

// Reads the JSON text and checks the templates in its strings, which stand in `place`. `line`
// counts from 1 within the text.
MUST_CHECK enum err recipe_json_read(const struct recipe *recipe, enum recipe_place place,
                                     struct span text, json_t **out, uint32_t *line_out,
                                     struct err_info *info);

// A copy that lives as long as the recipe. ERR_INVALID with a story: there are too many.
MUST_CHECK enum err recipe_keep(struct recipe *recipe, struct span text, struct span *out,
                                struct err_info *info);

// Paths with spaces between. A story when they are none.
MUST_CHECK enum err recipe_paths_check(struct span text, struct err_info *info);

// One of `choices`, which NULL ends, by its number. A story that names them.
MUST_CHECK enum err recipe_choose(const char *const *choices, struct span text, uint32_t *out,
                                  struct err_info *info);

// One more row: from a provider's word to the reason that is named by `reason`.
MUST_CHECK enum err recipe_map_add(struct recipe *recipe, struct recipe_map *map, struct span from,
                                   struct span reason, struct err_info *info);

// Takes a field below "receipt". ERR_INVALID with a story.
MUST_CHECK enum err recipe_receipt_take(struct recipe *recipe, const struct recipe_field *field,
                                        struct err_info *info);

typedef void recipe_on_fault(void *ctx, const char *story);

// Tells all that does not fit together.
void recipe_check_whole(const struct recipe *recipe, recipe_on_fault *on_fault, void *ctx);

// What does not fit together in it; NULL: nothing.
const char *recipe_receipt_fault(const struct recipe *recipe);

// The same for an answer to a probe, where the word may be "ready" and not "unknown".
MUST_CHECK enum err recipe_map_add_probed(struct recipe *recipe, struct recipe_map *map,
                                          struct span from, struct span word,
                                          struct err_info *info);

// NULL: no row is for it. An exact match wins over a range.
const struct recipe_mapped *recipe_map_code(const struct recipe_map *map, struct span code);

// The first row whose text is a part of `words`, in any case.
const struct recipe_mapped *recipe_map_words(const struct recipe_map *map, struct span words);

// The bytes of a signing key: "whsec_" and base64, as Standard Webhooks hands them out, are decoded
// into `room`; anything else is the key itself. Empty: the base64 is none, or does not fit.
struct span recipe_signing_key(struct span secret, uint8_t *room, size_t cap);

// "200-299" or "418".
bool recipe_range_parse(struct span text, uint64_t *least_out, uint64_t *most_out);

enum plan_op_kind { PLAN_LITERAL, PLAN_VALUE };

struct plan_op {
    uint8_t kind;
    uint8_t encoding; // enum wire_encoding, of a value
    uint16_t from;    // literal: where in the literals; value: enum recipe_value
    uint16_t len;
};

struct plan_ops {
    size_t first, count;
};

// A plan is a tree of one level: what a message may lack shapes the request, so that there is a
// form for each set of what one may have. The plan itself is the form for those that lack it all.
struct recipe_plan {
    uint32_t used;                             // of what a message may lack, what the recipe names
    struct recipe_plan *forms[PLAN_FORMS_MAX]; // by the set of what is there; NULL: as `used` says
    struct plan_op ops[PLAN_OPS_MAX];
    size_t ops_count;
    struct wire literals; // over literals_held
    bool has_too_many;    // ops
    bool is_plain;        // the URL is http://
    struct plan_ops url, headers, body;
    struct plan_ops token_url, token_headers, token_body; // RECIPE_AUTH_ROTATING
    struct plan_ops probe_url, probe_headers, probe_body; // if the recipe has a probe
    uint32_t probed;                                      // parameters that a probe shows
    bool is_noting;                                       // in `probed` what is put, while made
    struct span proof_key;                 // in literals_held; data NULL: no proof is wanted
    struct span secrets[PLAN_SECRETS_MAX]; // in literals_held
    size_t secrets_count;
    const char *aws_sigv4, *aws_user; // in literals_held, or NULL
    struct span signing_key;          // in literals_held; data NULL: unsigned
    const struct recipe *recipe;
    uint8_t literals_held[PLAN_LITERALS_BYTES_MAX];
};

// The values of the parameters, while a plan is being made; data NULL: unset. `present` is the set
// of what the plan's messages have.
struct plan_binding {
    const struct recipe *recipe;
    struct span values[RECIPE_PARAMETERS_MAX];
    uint32_t present;
    bool is_plain;
};

// The settings by their parameters, presets where there are none. Stories as recipe_bind's.
MUST_CHECK enum err plan_binding_fill(struct plan_binding *binding,
                                      const struct recipe_setting *settings, size_t count,
                                      struct err_info *info);

// What the templates' values stand for. Numbers are in `numbers`, texts in `texts`.
struct recipe_values {
    struct span texts[RECIPE_VALUE_COUNT_];
    uint64_t numbers[RECIPE_VALUE_COUNT_];
};

void plan_write(const struct recipe_plan *plan, struct plan_ops section,
                const struct recipe_values *values, struct wire *out);

// A status within "200-299", or, data NULL, a 2xx.
bool recipe_is_good_status(struct span statuses, unsigned status);

// Appends what fits of a provider's words, whole characters alone: controls become spaces, and what
// is in `hidden` becomes "***".
void recipe_put_words(const struct span *hidden, size_t count, struct span text,
                      struct strbuf *out);

struct plan_mark {
    size_t ops_count, literals_len;
    struct plan_op last;
};

struct plan_mark plan_mark(const struct recipe_plan *plan);
void plan_rewind(struct recipe_plan *plan, const struct plan_mark *mark);
void plan_put_literal(struct recipe_plan *plan, enum wire_encoding encoding, struct span literal);

struct plan_encodings {
    enum wire_encoding literal, data;
};

// False when a parameter in it is unset, or something that the messages lack: the caller then
// rewinds to before what it stands in.
bool plan_put_template(struct recipe_plan *plan, const struct plan_binding *binding,
                       struct plan_encodings encodings, struct span template);

// Members and elements with an unset parameter are left out, and so is a container that loses all
// it had.
void plan_put_json(struct recipe_plan *plan, const struct plan_binding *binding, json_t *root);

// Where the texts of recipe_values_known lie.
struct recipe_known {
    uint8_t id[16];
    uint8_t proof[2 * HS256_BYTES];
};

// What every request knows, of messages and probes alike: {id}, {token}, {tokenProof}.
void recipe_values_known(const struct recipe_plan *plan, uint64_t id, struct span token,
                         struct recipe_known *room, struct recipe_values *out);

// Standard Webhooks 1.0: HMAC-SHA-256 over "id.timestamp.body", in three headers. The id stays over
// retries, so that the other side can tell a second one.
void recipe_sign(const struct recipe_plan *plan, int64_t now_ms, const struct recipe_values *values,
                 struct vendor_request *out);

// How an answer is read: a message's, or a probe's, whose maps come before the recipe's.
struct recipe_reading {
    const struct recipe_reply *reply;
    const struct recipe_probe *probe; // NULL: it is a message's
};

void recipe_judge_by(const struct recipe_plan *plan, const struct recipe_reading *reading,
                     const struct send_request *message, struct span token,
                     const struct http_outcome *outcome, struct recipe_verdict *out);

// A reply that has been taken apart as far as its format goes.
struct reply_reader {
    enum recipe_format format;
    struct span body;
    json_t *json;  // RECIPE_JSON: NULL when it is none
    size_t chosen; // what "*" stands for
};

void reply_reader_init(struct reply_reader *reader, enum recipe_format format, struct span body);
void reply_reader_fini(struct reply_reader *reader);

// The format's outer form is there.
bool reply_is_readable(const struct reply_reader *reader);

// Appends the scalar at `path` as text, cut where it does not fit. "*" stands for the element
// `chosen` of a list.
bool reply_json_get(json_t *from, struct span path, size_t chosen, struct strbuf *out);

// The scalar at the first of these paths (separated by spaces) that leads to one, as text. `rest`
// then holds the paths after it. False: none does.
bool reply_get(const struct reply_reader *reader, struct span *rest, struct strbuf *out);
