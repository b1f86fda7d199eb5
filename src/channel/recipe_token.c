// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A request for a pair of tokens, and what the provider says to it.
//
// The answers differ in what they mean for the refresh token, which works once. Only what the
// provider says in so many words counts as a refusal; all else may have used it up.
#include "base/number.h"
#include "channel/recipe_inside.h"
#include "crypto/pure/mac.h"

#define CODE_BYTES_MAX 64U
#define READ_BYTES_MAX 1024U
#define SECONDS_MAX (3650U * 24U * 3600U)
#define SECONDS_UNKNOWN 3600U // of a life that is not told: the pair must not be lost for that

bool token_text_set(struct token_text *text, struct span token)
{
    if (token.len == 0 || token.len > TOKEN_BYTES_MAX)
        return false;
    for (size_t i = 0; i < token.len; i++) {
        if (token.data[i] <= 0x20 || token.data[i] >= 0x7F)
            return false;
    }
    memcpy(text->bytes, token.data, token.len);
    text->len = (uint16_t)token.len;
    return true;
}

enum err recipe_token_render(const struct recipe_plan *plan, struct span refresh,
                             struct vendor_request *out, struct err_info *info)
{
    struct recipe_values values = {0};
    ASSERT(recipe_plan_is_rotating(plan));
    values.texts[RECIPE_REFRESH_TOKEN] = refresh;
    out->method = "POST";
    plan_write(plan, plan->token_url, &values, &out->url);
    plan_write(plan, plan->token_headers, &values, &out->headers);
    plan_write(plan, plan->token_body, &values, &out->body);
    if (wire_is_whole(&out->url) && wire_is_whole(&out->headers) && wire_is_whole(&out->body))
        return ERR_OK;
    err_info_set(info, "the refresh token does not fit into the provider's request");
    return ERR_INVALID;
}

// --- words -----------------------------------------------------------------------------------

struct hidden {
    struct span spans[PLAN_SECRETS_MAX + 3U];
    size_t count;
};

static void keep_words(struct token_reply *out, const struct hidden *hidden, struct span text)
{
    struct strbuf words = strbuf_over(out->words, sizeof out->words);
    words.len = out->words_len;
    recipe_put_words(hidden->spans, hidden->count, text, &words);
    out->words_len = (uint16_t)words.len;
}

static void hide(const struct recipe_plan *plan, struct span refresh, const struct token_reply *out,
                 struct hidden *hidden)
{
    hidden->count = 0;
    hidden->spans[hidden->count++] = refresh;
    hidden->spans[hidden->count++] = token_span(&out->access);
    hidden->spans[hidden->count++] = token_span(&out->refresh);
    for (size_t i = 0; i < plan->secrets_count; i++)
        hidden->spans[hidden->count++] = plan->secrets[i];
}

// "HTTP 200, -14020: Refresh token was used"
static void say(const struct recipe_plan *plan, struct span refresh,
                const struct reply_reader *reader, unsigned status, struct span code,
                struct token_reply *out)
{
    struct hidden hidden;
    uint8_t head_room[CODE_BYTES_MAX + 32U];
    uint8_t room[READ_BYTES_MAX];
    struct strbuf head = strbuf_over(head_room, sizeof head_room);
    struct strbuf text = strbuf_over(room, sizeof room);
    struct span paths = plan->recipe->renewal.words;
    hide(plan, refresh, out, &hidden);
    strbuf_put_text(&head, "HTTP ");
    strbuf_put_u64(&head, status);
    strbuf_put_text(&head, code.len > 0 ? ", " : "");
    strbuf_put(&head, code);
    bool has_words = reply_get(reader, &paths, &text) && text.len > 0;
    strbuf_put_text(&head, has_words ? ": " : "");
    keep_words(out, &hidden, strbuf_span(&head));
    if (has_words)
        keep_words(out, &hidden, strbuf_span(&text));
    wipe(room, sizeof room);
}

// --- answers ---------------------------------------------------------------------------------

static bool take_token(const struct reply_reader *reader, struct span paths, struct token_text *out)
{
    uint8_t room[TOKEN_BYTES_MAX + 1];
    struct strbuf text = strbuf_over(room, sizeof room);
    bool is_there = reply_get(reader, &paths, &text) && token_text_set(out, strbuf_span(&text));
    wipe(room, sizeof room);
    return is_there;
}

static uint32_t seconds_of(const struct reply_reader *reader, struct span paths)
{
    uint64_t seconds = 0;
    uint8_t room[CODE_BYTES_MAX];
    struct strbuf text = strbuf_over(room, sizeof room);
    bool is_number =
        reply_get(reader, &paths, &text) && parse_u64(strbuf_span(&text), SECONDS_MAX, &seconds);
    return is_number && seconds > 0 ? (uint32_t)seconds : SECONDS_UNKNOWN;
}

static bool is_spent(const struct recipe_plan *plan, struct span code)
{
    struct span rest = plan->recipe->renewal.spent_codes;
    while (rest.len > 0) {
        struct span word = span_split(rest, ' ', &rest);
        if (word.len > 0 && span_eq(word, code))
            return true;
    }
    return false;
}

static bool has_pair(const struct recipe_plan *plan, const struct reply_reader *reader,
                     unsigned status, struct token_reply *out)
{
    const struct recipe_renewal *token = &plan->recipe->renewal;
    if (!recipe_is_good_status((struct span){0}, status) ||
        !take_token(reader, token->access, &out->access))
        return false;
    if (!take_token(reader, token->refresh, &out->refresh))
        out->refresh.len = 0;
    out->seconds = seconds_of(reader, token->seconds);
    return true;
}

static void judge(const struct recipe_plan *plan, struct span refresh,
                  const struct http_outcome *outcome, const struct reply_reader *reader,
                  struct token_reply *out)
{
    uint8_t room[CODE_BYTES_MAX];
    struct span paths = plan->recipe->renewal.code;
    struct strbuf code = strbuf_over(room, sizeof room);
    bool is_given = has_pair(plan, reader, outcome->status, out);
    bool has_code = reply_get(reader, &paths, &code) && code.len > 0;
    bool is_failed = outcome->status >= 500;
    out->answer = TOKEN_LOST;
    if (is_given)
        out->answer = TOKEN_GIVEN;
    else if (has_code && is_spent(plan, strbuf_span(&code)))
        out->answer = TOKEN_SPENT;
    else if (!is_failed && (has_code || outcome->status >= 400))
        out->answer = TOKEN_REFUSED;
    if (!is_given)
        say(plan, refresh, reader, outcome->status, strbuf_span(&code), out);
}

void recipe_token_judge(const struct recipe_plan *plan, struct span refresh,
                        const struct http_outcome *outcome, struct token_reply *out)
{
    struct reply_reader reader;
    struct hidden hidden;
    *out = (struct token_reply){.answer = TOKEN_NOT_ASKED};
    if (outcome->phase != HTTP_REPLIED) {
        hide(plan, refresh, out, &hidden);
        out->answer = outcome->phase == HTTP_NOT_SENT ? TOKEN_NOT_ASKED : TOKEN_LOST;
        keep_words(out, &hidden, span_of_text(outcome->failure));
        return;
    }
    reply_reader_init(&reader, RECIPE_JSON, outcome->body);
    judge(plan, refresh, outcome, &reader, out);
    reply_reader_fini(&reader);
}
