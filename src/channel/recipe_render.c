// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// One message by a plan: literals are copied, what the message brings is encoded for its place.
#include "base/language.h"
#include "channel/recipe_inside.h"
#include "channel/sms_text.h"
#include "crypto/pure/base64.h"
#include "crypto/pure/hs256.h"

#define MS_PER_SECOND 1000
#define SECONDS_PER_MINUTE 60U
#define NUMBER_BYTES_MAX 64U // "+" and 15 digits; e-mail addresses are taken as they are
#define SIGNATURE_ID_BYTES_MAX 64U

// What the templates' values stand for, and what some of them are made of. A text that a message
// may lack is empty where it does.
struct values {
    struct recipe_values values;
    struct recipe_known known;
    uint8_t to[NUMBER_BYTES_MAX];
    uint8_t locale[LANGUAGE_BYTES_MAX];
};

// Canonical numbers have a plus, or none; providers insist on one of the two.
static struct span number_for(const struct recipe *recipe, struct span to,
                              uint8_t room[NUMBER_BYTES_MAX])
{
    bool is_email = span_find(to, '@') < to.len;
    struct span digits = span_starts_with(to, SPAN("+")) ? span_from(to, 1) : to;
    if (is_email || digits.len >= NUMBER_BYTES_MAX)
        return to;
    if (recipe->number == RECIPE_DIGITS)
        return digits;
    struct strbuf out = strbuf_over(room, NUMBER_BYTES_MAX);
    strbuf_put_byte(&out, '+');
    strbuf_put(&out, digits);
    return strbuf_span(&out);
}

// What is left of the code's life, rounded up, within what the provider takes.
static uint64_t seconds_left(const struct recipe *recipe, const struct send_request *message)
{
    int64_t ms = message->deadline_at_ms - message->sent_at_ms;
    uint64_t seconds = ms > 0 ? ((uint64_t)ms + MS_PER_SECOND - 1) / MS_PER_SECOND : 1;
    if (seconds < recipe->seconds_min)
        return recipe->seconds_min;
    if (recipe->seconds_max > 0 && seconds > recipe->seconds_max)
        return recipe->seconds_max;
    return seconds;
}

static struct span hex_id(uint64_t id, uint8_t room[16])
{
    uint8_t bytes[8];
    struct strbuf out = strbuf_over(room, 16);
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(id >> (56 - 8 * i));
    strbuf_put_hex(&out, span_make(bytes, sizeof bytes));
    return strbuf_span(&out);
}

// HMAC-SHA-256 over the token, in hexadecimal digits.
static struct span proof_of(const struct recipe_plan *plan, struct span token,
                            uint8_t room[2 * HS256_BYTES])
{
    struct hs256_key key;
    uint8_t digest[HS256_BYTES];
    struct strbuf hex = strbuf_over(room, 2 * HS256_BYTES);
    hs256_key_init(&key, plan->proof_key);
    hs256_sign(&key, token, digest);
    hs256_key_wipe(&key);
    strbuf_put_hex(&hex, span_make(digest, sizeof digest));
    return strbuf_span(&hex);
}

void recipe_values_known(const struct recipe_plan *plan, uint64_t id, struct span token,
                         struct recipe_known *room, struct recipe_values *out)
{
    out->texts[RECIPE_ID] = hex_id(id, room->id);
    out->texts[RECIPE_TOKEN] = token;
    if (plan->proof_key.data != NULL)
        out->texts[RECIPE_TOKEN_PROOF] = proof_of(plan, token, room->proof);
}

// "pt-BR" as many providers write it, "pt_BR".
static struct span locale_of(struct span language, uint8_t room[LANGUAGE_BYTES_MAX])
{
    ASSERT(language.len <= LANGUAGE_BYTES_MAX);
    for (size_t i = 0; i < language.len; i++)
        room[i] = language.data[i] == '-' ? '_' : language.data[i];
    return span_make(room, language.len);
}

// What a message may lack.
static void values_fill_rest(struct values *values, const struct send_request *message)
{
    values->values.texts[RECIPE_LANGUAGE] = message->language;
    values->values.texts[RECIPE_LOCALE] = locale_of(message->language, values->locale);
    values->values.texts[RECIPE_SENDER] = message->sender;
    values->values.texts[RECIPE_TEMPLATE_ID] = message->template_id;
    values->values.texts[RECIPE_RECEIPT_URL] = message->receipt_url;
    if (message->subject != NULL)
        values->values.texts[RECIPE_SUBJECT] = message_reveal(message->subject);
}

// The form for what this message has.
static const struct recipe_plan *form_of(const struct recipe_plan *plan,
                                         const struct values *values)
{
    uint32_t present = 0;
    for (unsigned i = RECIPE_VALUES_ALWAYS; i < RECIPE_VALUE_COUNT_; i++)
        present |= values->values.texts[i].len > 0 ? RECIPE_PRESENT(i) : 0;
    const struct recipe_plan *form = plan->forms[present & plan->used];
    return form != NULL ? form : plan;
}

static void values_fill(struct values *values, const struct recipe *recipe,
                        const struct send_request *message)
{
    uint64_t seconds = seconds_left(recipe, message);
    struct span text = message_reveal(message->text);
    values->values.texts[RECIPE_TO] = number_for(recipe, message->to, values->to);
    values->values.texts[RECIPE_OTP] = message_reveal(message->otp_only);
    values->values.texts[RECIPE_TEXT] = text;
    values->values.texts[RECIPE_BRAND] = message->brand;
    values->values.texts[RECIPE_CHANNEL] = span_of_text(channel_name(message->kind));
    values->values.texts[RECIPE_TEXT_TYPE] = recipe->text_types[sms_text_alphabet(text)];
    values->values.numbers[RECIPE_SECONDS] = seconds;
    values->values.numbers[RECIPE_MINUTES] =
        (seconds + SECONDS_PER_MINUTE - 1) / SECONDS_PER_MINUTE;
    values->values.numbers[RECIPE_MILLISECONDS] = seconds * MS_PER_SECOND;
    values->values.numbers[RECIPE_EXPIRES_AT] = (uint64_t)message->deadline_at_ms / MS_PER_SECOND;
    values_fill_rest(values, message);
}

void plan_write(const struct recipe_plan *plan, struct plan_ops section,
                const struct recipe_values *values, struct wire *out)
{
    for (size_t i = section.first; i < section.first + section.count; i++) {
        const struct plan_op *op = &plan->ops[i];
        if (op->kind == PLAN_LITERAL)
            wire_put(out, WIRE_RAW, span_make(plan->literals_held + op->from, op->len));
        else if (recipe_values[op->from].is_number)
            wire_put_u64(out, values->numbers[op->from]);
        else
            wire_put(out, (enum wire_encoding)op->encoding, values->texts[op->from]);
    }
}

static void put_signature(const struct recipe_plan *plan, struct span signed_text, struct wire *out)
{
    struct hs256_key key;
    uint8_t digest[HS256_BYTES];
    uint8_t room[64];
    struct strbuf base64 = strbuf_over(room, sizeof room);
    hs256_key_init(&key, plan->signing_key);
    hs256_sign(&key, signed_text, digest);
    hs256_key_wipe(&key);
    base64_put(&base64, span_make(digest, sizeof digest));
    wire_put(out, WIRE_RAW, SPAN("webhook-signature: v1,"));
    wire_put(out, WIRE_RAW, strbuf_span(&base64));
    wire_put(out, WIRE_RAW, SPAN("\0"));
}

void recipe_sign(const struct recipe_plan *plan, int64_t now_ms, const struct recipe_values *values,
                 struct vendor_request *out)
{
    uint8_t room[HTTP_BODY_BYTES_MAX + SIGNATURE_ID_BYTES_MAX];
    struct wire text = wire_over(room, sizeof room);
    uint64_t seconds = (uint64_t)now_ms / MS_PER_SECOND;
    wire_put(&text, WIRE_RAW, SPAN("msg_"));
    wire_put(&text, WIRE_RAW, values->texts[RECIPE_ID]);
    struct span id = wire_reveal(&text);
    wire_put(&out->headers, WIRE_RAW, SPAN("webhook-id: "));
    wire_put(&out->headers, WIRE_RAW, id);
    wire_put(&out->headers, WIRE_RAW, SPAN("\0webhook-timestamp: "));
    wire_put_u64(&out->headers, seconds);
    wire_put(&out->headers, WIRE_RAW, SPAN("\0"));
    wire_put(&text, WIRE_RAW, SPAN("."));
    wire_put_u64(&text, seconds);
    wire_put(&text, WIRE_RAW, SPAN("."));
    wire_put(&text, WIRE_RAW, wire_reveal(&out->body));
    put_signature(plan, wire_reveal(&text), &out->headers);
    wire_wipe(&text);
}

static enum err check_whole(const struct vendor_request *request, struct err_info *info)
{
    if (wire_is_whole(&request->url) && wire_is_whole(&request->headers) &&
        wire_is_whole(&request->body))
        return ERR_OK;
    err_info_set(info, "the message does not fit into the provider's request");
    return ERR_INVALID;
}

enum err recipe_render(const struct recipe_plan *plan, const struct send_request *message,
                       struct span token, struct vendor_request *out, struct err_info *info)
{
    static const char *const methods[] = {[RECIPE_POST] = "POST", [RECIPE_GET] = "GET"};
    const struct recipe *recipe = plan->recipe;
    struct values values = {0};
    if (recipe->text_bytes_max > 0 && message_reveal(message->text).len > recipe->text_bytes_max) {
        err_info_set(info, "the text is longer than the %u bytes that the provider takes",
                     recipe->text_bytes_max);
        return ERR_INVALID;
    }
    values_fill(&values, recipe, message);
    recipe_values_known(plan, message->id, token, &values.known, &values.values);
    plan = form_of(plan, &values);
    out->method = methods[recipe->method];
    out->aws_sigv4 = plan->aws_sigv4;
    out->aws_user = plan->aws_user;
    plan_write(plan, plan->url, &values.values, &out->url);
    plan_write(plan, plan->headers, &values.values, &out->headers);
    plan_write(plan, plan->body, &values.values, &out->body);
    if (plan->signing_key.data != NULL && wire_is_whole(&out->body))
        recipe_sign(plan, message->sent_at_ms, &values.values, out);
    wipe(&values, sizeof values);
    return check_whole(out, info);
}

void recipe_render_place(const struct recipe_plan *plan, struct wire *url)
{
    const struct recipe_values values = {0};
    plan_write(plan, plan->url, &values, url);
}
