// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Any answer to a request for tokens: one meaning, tokens that a header can carry, words that are
// printable and without the refresh token.
#include "channel/recipe.h"
#include "channel/test_recipe_lines.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REFRESH "refresh-01"

static void on_error(void *ctx, uint32_t line, uint32_t column, const struct err_info *info)
{
    (void)ctx;
    (void)line;
    (void)column;
    (void)info;
    UNREACHABLE();
}

static struct recipe *recipe_make(void)
{
    static const struct span lines =
        SPAN("recipe=x\nchannels=ZALO\nrequest.url=https://example.com/\nauth.kind=rotating\n"
             "token.url=https://example.com/t\ntoken.form.r={refreshToken}\ntoken.access=a data.a\n"
             "token.refresh=r\ntoken.seconds=s\ntoken.code=e error\ntoken.words=w message\n"
             "token.spentCodes=-14020 7\ntoken.refreshDays=90");
    struct recipe_field fields[16];
    struct recipe *recipe = NULL;
    const struct recipe_complaints complaints = {on_error, NULL};
    size_t count = recipe_lines_split(lines, fields, 16);
    enum err err = recipe_compile(fields, count, &complaints, &recipe);
    ASSERT(err == ERR_OK);
    return recipe;
}

static void check_token(const struct token_text *token)
{
    for (size_t i = 0; i < token->len; i++)
        ASSERT(token->bytes[i] > 0x20 && token->bytes[i] < 0x7F);
}

static void check(const struct token_reply *reply)
{
    struct span words = token_reply_words(reply);
    ASSERT(words.len <= TOKEN_WORDS_BYTES_MAX);
    ASSERT(words.len == 0 || memmem(words.data, words.len, REFRESH, sizeof REFRESH - 1) == NULL);
    for (size_t i = 0; i < words.len; i++)
        ASSERT(words.data[i] >= 0x20 && words.data[i] != 0x7F);
    if (reply->answer != TOKEN_GIVEN)
        return;
    ASSERT(reply->access.len > 0 && reply->seconds > 0);
    check_token(&reply->access);
    check_token(&reply->refresh);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct token_reply reply;
    struct recipe_plan *plan = NULL;
    if (size < 1)
        return 0;
    struct recipe *recipe = recipe_make();
    enum err err = recipe_bind(recipe, NULL, 0, &plan, NULL);
    ASSERT(err == ERR_OK);
    const struct http_outcome outcome = {
        .phase = HTTP_REPLIED,
        .status = 200 + 100U * (data[0] % 4),
        .body = span_make(data + 1, size - 1),
    };
    recipe_token_judge(plan, SPAN(REFRESH), &outcome, &reply);
    check(&reply);
    recipe_plan_destroy(&plan);
    recipe_destroy(&recipe);
    return 0;
}
