// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Any call by any way of signing: what is told lies within its bounds and is printable, and without
// the provider's secret nothing is told at all.
#include "channel/report.h"
#include "channel/test_recipe_lines.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_error(void *ctx, uint32_t line, uint32_t column, const struct err_info *info)
{
    (void)ctx;
    (void)line;
    (void)column;
    (void)info;
    UNREACHABLE();
}

static struct recipe *recipe_of(struct span signature)
{
    uint8_t room[1024];
    struct strbuf text = strbuf_over(room, sizeof room);
    struct recipe_field fields[32];
    struct recipe *recipe = NULL;
    const struct recipe_complaints complaints = {on_error, NULL};
    strbuf_put_text(
        &text,
        "recipe=x\nchannels=SMS\nrequest.url=https://example.com/\n"
        "parameters.key.optional=true\nreceipt.accept=json form query\n"
        "receipt.inside=m\nreceipt.lenient=true\nreceipt.list=a.*.b.* * .\nreceipt.id=^.i i 1\n"
        "receipt.echo=e\nreceipt.state=s 0\nreceipt.states.1=delivered\n"
        "receipt.states.2=failed\nreceipt.code=c\nreceipt.words=t\n"
        "codes.7=throttled\ntexts.no=invalid_number\nreceipt.signature=");
    strbuf_put(&text, signature);
    if (!span_eq(signature, SPAN("none")) && !span_eq(signature, SPAN("sns")))
        strbuf_put_text(&text, "\nreceipt.secret={key}");
    if (span_eq(signature, SPAN("zalo")))
        strbuf_put_text(&text, "\nreceipt.appId={key}");
    size_t count = recipe_lines_split(strbuf_span(&text), fields, 32);
    enum err err = recipe_compile(fields, count, &complaints, &recipe);
    ASSERT(err == ERR_OK);
    return recipe;
}

static bool is_visible(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7F)
            return false;
    }
    return true;
}

static bool take(void *ctx, const struct report *report)
{
    unsigned digits = 0;
    (*(size_t *)ctx)++;
    ASSERT(report->state < REPORT_STATE_COUNT_);
    ASSERT((report->state == REPORT_FAILED) == (report->reason != SEND_REASON_NONE));
    ASSERT(report->ref.len <= REPORT_REF_BYTES_MAX && is_visible(report->ref));
    ASSERT(report->echo.len <= REPORT_ECHO_BYTES_MAX && is_visible(report->echo));
    ASSERT(report->words.len <= REPORT_WORDS_BYTES_MAX);
    struct span words = span_from(report->words, span_find(report->words, ':'));
    for (size_t i = 0; i < words.len; i++) {
        digits = ascii_is_digit(words.data[i]) ? digits + 1 : 0;
        ASSERT(words.data[i] >= 0x20 && words.data[i] != 0x7F);
        ASSERT(digits < 4);
    }
    return true;
}

static struct span header(const void *ctx, struct span name)
{
    (void)name;
    return *(const struct span *)ctx;
}

static void use(const struct recipe *recipe, bool has_secret, const struct report_request *request)
{
    static const struct recipe_setting secret = {SPAN("key"), SPAN("example-secret")};
    uint8_t room[REPORT_ANSWER_BYTES_MAX];
    size_t told = 0;
    struct strbuf answer = strbuf_over(room, sizeof room);
    struct report_reader *reader = NULL;
    const struct report_taker taker = {take, &told};
    enum err err = report_reader_create(recipe, &secret, has_secret ? 1 : 0, &reader, NULL);
    ASSERT(err == ERR_OK);
    enum report_verdict verdict = report_read(reader, request, &taker, &answer);
    ASSERT(is_visible(strbuf_span(&answer)));
    ASSERT(told == 0 || verdict == REPORT_READ);
    report_reader_destroy(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct span signatures[] = {
        SPAN("none"), SPAN("twilio"), SPAN("vonage"),           SPAN("hub"),
        SPAN("zalo"), SPAN("sns"),    SPAN("standardWebhooks"),
    };
    if (size < 3)
        return 0;
    struct span text = span_make(data + 3, size - 3);
    struct span any_header = span_first(text, data[2]);
    const struct report_request request = {
        .is_get = (data[1] & 1) != 0,
        .url = SPAN("https://otp.example.com/receipts/x/y"),
        .query = text,
        .content_type = (data[1] & 2) != 0 ? SPAN("application/x-www-form-urlencoded") : SPAN(""),
        .body = text,
        .header = header,
        .ctx = &any_header,
        .now_ms = 1767225600000,
    };
    struct recipe *recipe = recipe_of(signatures[data[0] % 7]);
    use(recipe, (data[1] & 4) != 0, &request);
    recipe_destroy(&recipe);
    return 0;
}
