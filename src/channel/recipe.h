// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// How to send by one provider's HTTP interface, as data: docs/design/recipe-format.md is the
// language. Three steps, each done once: a recipe's file is read into fields by whoever knows its
// notation, the fields are compiled into a recipe, and a recipe with the values of its parameters
// becomes a plan. A plan renders one request a message and says what the reply means; it knows no
// socket and no clock.

#include "base/err.h"
#include "channel/channel.h"
#include "channel/http_transport.h"
#include "channel/token.h"

#define RECIPE_KEYS_MAX 3U
#define RECIPE_FIELDS_MAX 512U
#define RECIPE_FIELD_BYTES_MAX 4096U
#define RECIPE_PARAMETERS_MAX 24U
#define RECIPE_VALUE_BYTES_MAX 1024U // of a parameter
#define RECIPE_WORDS_BYTES_MAX 384U
#define RECIPE_REF_BYTES_MAX 128U

// One scalar of a recipe's file, with the keys above it from the outside in: form, To → "{to}".
struct recipe_field {
    struct span keys[RECIPE_KEYS_MAX];
    size_t depth; // keys that there are
    struct span text;
    uint32_t line, column;
};

struct recipe_complaints {
    void (*on_error)(void *ctx, uint32_t line, uint32_t column, const struct err_info *info);
    void *ctx;
};

struct recipe;

// Nothing of the fields is kept. All that is wrong is complained about, then it is ERR_INVALID.
// ERR_NO_MEMORY.
MUST_CHECK enum err recipe_compile(const struct recipe_field *fields, size_t count,
                                   const struct recipe_complaints *complaints, struct recipe **out);
void recipe_destroy(struct recipe **recipe);

// Bits 1 << enum channel_kind.
uint32_t recipe_channels(const struct recipe *recipe);

// What whoever uses the recipe has to say, in the order of the file.
struct recipe_parameter {
    struct span name;
    struct span help;   // where to find it, in one sentence
    struct span preset; // data NULL: none
    bool is_secret;
    bool is_optional;
};

size_t recipe_parameters(const struct recipe *recipe, const struct recipe_parameter **out);

// What its author says about a reason: what to do there. Data NULL: nothing.
struct span recipe_advice(const struct recipe *recipe, enum send_reason reason);

struct recipe_setting {
    struct span name, value;
};

struct recipe_plan;

// Takes copies of the values; the recipe is borrowed until the plan is destroyed, and may serve
// many plans. ERR_INVALID with a story: a parameter that the recipe does not have or that is
// missing, a value that cannot be sent, an address that is not https (or http to this machine).
// ERR_NO_MEMORY.
MUST_CHECK enum err recipe_bind(const struct recipe *recipe, const struct recipe_setting *settings,
                                size_t count, struct recipe_plan **out, struct err_info *info);

// Its URL is http://, which only leads to this machine.
bool recipe_plan_is_plain(const struct recipe_plan *plan);

// Its requests carry an access token that has to be fetched (auth.kind: rotating).
bool recipe_plan_is_rotating(const struct recipe_plan *plan);

// How long a refresh token of that provider lives.
int64_t recipe_plan_refresh_ms(const struct recipe_plan *plan);

// Wipes the values.
void recipe_plan_destroy(struct recipe_plan **plan);

// Writes the request for one message; the wires of `out` have been set up by the caller, and the
// plan outlives it. `token` is the access token of a rotating plan, else empty. ERR_INVALID with a
// story that says nothing of the message: a text that is too long for the provider or that a place
// in the request cannot carry.
MUST_CHECK enum err recipe_render(const struct recipe_plan *plan,
                                  const struct send_request *message, struct span token,
                                  struct vendor_request *out, struct err_info *info);

// Writes the URL of a message of which nothing is known yet: it leads to the same place.
void recipe_render_place(const struct recipe_plan *plan, struct wire *url);

// Where the spans of a result lie.
struct recipe_verdict {
    struct send_result result;
    uint8_t words[RECIPE_WORDS_BYTES_MAX];
    uint8_t ref[RECIPE_REF_BYTES_MAX];
};

// What became of the message, which went out with `token`. Neither its code nor its address, nor
// the token or a secret of the plan's, is in the words, even if the provider repeats them.
void recipe_judge(const struct recipe_plan *plan, const struct send_request *message,
                  struct span token, const struct http_outcome *outcome,
                  struct recipe_verdict *out);

// It has a request that costs nothing, sends nothing, and shows whether the provider takes the
// credentials.
bool recipe_plan_has_probe(const struct recipe_plan *plan);

// The parameters that are set and that the provider gets to see in it: bits by their place in
// recipe_parameters. One that is a whole URL is not among them.
uint32_t recipe_plan_probed(const struct recipe_plan *plan);

struct recipe_question {
    uint64_t id; // of its own for each
    int64_t now_ms;
    struct span token; // as recipe_render's
};

// Writes that request, as recipe_render does.
MUST_CHECK enum err recipe_probe_render(const struct recipe_plan *plan,
                                        const struct recipe_question *question,
                                        struct vendor_request *out, struct err_info *info);

// What the provider said to it. SEND_ACCEPTED: it takes the credentials; the words then say what it
// refused all the same. SEND_AUTH_FAILED, SEND_TOKEN_ENDED: it does not; SEND_VENDOR_DOWN,
// SEND_THROTTLED: it could not be asked; SEND_UNCLASSIFIED: nobody knows what it means. Never
// SEND_UNKNOWN. `message` has what must not be in the words.
void recipe_probe_judge(const struct recipe_plan *plan, const struct send_request *message,
                        struct span token, const struct http_outcome *outcome,
                        struct recipe_verdict *out);

// Writes the request for a pair of tokens, of a rotating plan, as recipe_render does.
MUST_CHECK enum err recipe_token_render(const struct recipe_plan *plan, struct span refresh,
                                        struct vendor_request *out, struct err_info *info);

// What the provider said to that request. No token and no secret of the plan's is in the words.
void recipe_token_judge(const struct recipe_plan *plan, struct span refresh,
                        const struct http_outcome *outcome, struct token_reply *out);
