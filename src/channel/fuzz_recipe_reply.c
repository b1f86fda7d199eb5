// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Any reply in any format: one result, its spans within bounds, printable, and without the code.
#include "channel/recipe.h"
#include "channel/test_recipe_lines.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CODE "012345"

static void on_error(void *ctx, uint32_t line, uint32_t column, const struct err_info *info)
{
    (void)ctx;
    (void)line;
    (void)column;
    (void)info;
    UNREACHABLE();
}

static struct recipe *recipe_of(struct span format)
{
    uint8_t room[512];
    struct strbuf text = strbuf_over(room, sizeof room);
    struct recipe_field fields[16];
    struct recipe *recipe = NULL;
    const struct recipe_complaints complaints = {on_error, NULL};
    strbuf_put_text(&text, "recipe=x\nchannels=SMS\nrequest.url=https://example.com/\n"
                           "reply.acceptedPath=messages.*.status 0 a\nreply.acceptedValues=0 ok\n"
                           "reply.id=messages.*.id 1 b\nreply.code=messages.*.status c 1\n"
                           "reply.words=messages.*.text d 2\ncodes.200-299=throttled\n"
                           "texts.invalid=invalid_number\nadvice.throttled=wait\nreply.format=");
    strbuf_put(&text, format);
    size_t count = recipe_lines_split(strbuf_span(&text), fields, 16);
    enum err err = recipe_compile(fields, count, &complaints, &recipe);
    ASSERT(err == ERR_OK);
    return recipe;
}

static void check(const struct recipe_verdict *verdict)
{
    struct span words = verdict->result.words;
    struct span ref = verdict->result.provider_ref;
    ASSERT(words.len <= RECIPE_WORDS_BYTES_MAX);
    ASSERT(ref.len <= RECIPE_REF_BYTES_MAX);
    ASSERT(words.len == 0 || memmem(words.data, words.len, CODE, sizeof CODE - 1) == NULL);
    for (size_t i = 0; i < words.len; i++)
        ASSERT(words.data[i] >= 0x20 && words.data[i] != 0x7F);
    bool is_accepted = verdict->result.outcome == SEND_ACCEPTED;
    ASSERT(is_accepted == (verdict->result.reason == SEND_REASON_NONE));
    ASSERT(is_accepted || ref.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct span formats[] = {SPAN("json"), SPAN("xml"), SPAN("fields")};
    struct message text, otp;
    struct recipe_verdict verdict;
    struct recipe_plan *plan = NULL;
    if (size < 2)
        return 0;
    struct recipe *recipe = recipe_of(formats[data[0] % 3]);
    message_init(&text);
    message_init(&otp);
    message_put(&otp, SPAN(CODE));
    const struct send_request message = {
        .to = SPAN("12025550147"), .text = &text, .otp_only = &otp};
    const struct http_outcome outcome = {
        .phase = HTTP_REPLIED,
        .status = 200 + 100U * (data[1] % 4),
        .body = span_make(data + 2, size - 2),
    };
    enum err err = recipe_bind(recipe, NULL, 0, &plan, NULL);
    ASSERT(err == ERR_OK);
    recipe_judge(plan, &message, SPAN(""), &outcome, &verdict);
    check(&verdict);
    recipe_plan_destroy(&plan);
    recipe_destroy(&recipe);
    return 0;
}
