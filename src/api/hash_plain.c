// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "api/hash_plain.h"

#include "base/assert.h"
#include "base/number.h"

#define HASH_REASON_TEXT(name, text) [name] = SPAN(text),
static const struct span reason_texts[] = {HASH_REASON_LIST(HASH_REASON_TEXT)};
#undef HASH_REASON_TEXT

_Static_assert(sizeof reason_texts / sizeof reason_texts[0] == HASH_REASON_COUNT_,
               "all have a text");

struct span hash_reason_text(enum hash_reason reason)
{
    ASSERT(reason < HASH_REASON_COUNT_);
    return reason_texts[reason];
}

static struct span device_of(struct hash_claims *claims, const struct api_field *field)
{
    if (field->kind != API_FIELD_NATURAL)
        return field->text;
    struct strbuf digits = strbuf_over(claims->device_digits, sizeof claims->device_digits);
    strbuf_put_u64(&digits, field->natural);
    return strbuf_span(&digits);
}

static bool read_time(const struct api_field *field, int64_t *out_ms)
{
    uint64_t natural = field->natural;
    if (field->kind == API_FIELD_TEXT && !parse_u64(field->text, INT64_MAX, &natural))
        return false;
    *out_ms = (int64_t)natural;
    return natural <= INT64_MAX;
}

bool hash_claims_init(struct hash_claims *claims, const struct api_fields *fields, bool is_web)
{
    *claims = (struct hash_claims){
        .members =
            {
                [HASH_MEMBER_BRAND] = fields->brand.text,
                [HASH_MEMBER_TYPE] = fields->identifier_type.text,
                [HASH_MEMBER_VALUE] = fields->identifier_value.text,
                [HASH_MEMBER_MOBILE] = fields->mobile.text,
                [HASH_MEMBER_EMAIL] = fields->email.text,
                [HASH_MEMBER_SESSION] = fields->session_id.text,
            },
        .has_time = api_field_is_present(&fields->time_stamp),
    };
    if (!is_web)
        claims->members[HASH_MEMBER_DEVICE] = device_of(claims, &fields->device_id);
    return !claims->has_time || read_time(&fields->time_stamp, &claims->made_at_ms);
}

static bool is_given(const struct hash_claims *claims, enum hash_member member)
{
    return !span_is_empty(claims->members[member]);
}

// Beside an identifierType the session already says which further addresses there may be.
static bool may_be_left_out(const struct hash_claims *wanted, enum hash_member member)
{
    bool is_address = member == HASH_MEMBER_MOBILE || member == HASH_MEMBER_EMAIL;
    return is_address && is_given(wanted, HASH_MEMBER_TYPE);
}

static bool is_same(const struct hash_claims *wanted, const struct hash_claims *said,
                    enum hash_member member)
{
    if (!is_given(said, member) && may_be_left_out(wanted, member))
        return true;
    return span_eq(wanted->members[member], said->members[member]);
}

static enum hash_reason compare(const struct hash_claims *wanted, const struct hash_claims *said)
{
    static const enum hash_reason reasons[] = {
        [HASH_MEMBER_BRAND] = HASH_OTHER_BRAND,     [HASH_MEMBER_DEVICE] = HASH_OTHER_DEVICE,
        [HASH_MEMBER_TYPE] = HASH_OTHER_TYPE,       [HASH_MEMBER_VALUE] = HASH_OTHER_VALUE,
        [HASH_MEMBER_MOBILE] = HASH_OTHER_MOBILE,   [HASH_MEMBER_EMAIL] = HASH_OTHER_EMAIL,
        [HASH_MEMBER_SESSION] = HASH_OTHER_SESSION,
    };
    for (int member = 0; member < HASH_MEMBER_COUNT_; member++) {
        if (!is_same(wanted, said, (enum hash_member)member))
            return reasons[member];
    }
    bool is_other_time = wanted->has_time && wanted->made_at_ms != said->made_at_ms;
    return is_other_time ? HASH_OTHER_TIME : HASH_RIGHT;
}

enum hash_reason hash_judge_time(int64_t made_at_ms, const struct hash_window *window)
{
    ASSERT(made_at_ms >= 0);
    if (made_at_ms > window->now_ms + HASH_AHEAD_MS_MAX)
        return HASH_EARLY;
    return window->now_ms - made_at_ms > window->valid_ms ? HASH_EXPIRED : HASH_RIGHT;
}

enum hash_reason hash_judge(struct json_parser *parser, struct span plain,
                            const struct hash_claims *wanted, const struct hash_window *window,
                            int64_t *made_at_out)
{
    uint8_t text[RSA_KEY_BYTES_MAX + JSON_PADDING_BYTES] = {0};
    struct api_fields fields;
    struct api_fault fault;
    struct hash_claims said;
    ASSERT(plain.len <= RSA_KEY_BYTES_MAX);
    if (plain.len > 0)
        memcpy(text, plain.data, plain.len);
    if (api_fields_read(parser, span_make(text, plain.len), API_HASH, false, &fields, &fault) !=
            API_SUCCESS ||
        !hash_claims_init(&said, &fields, false))
        return HASH_UNREADABLE;
    enum hash_reason reason = compare(wanted, &said);
    *made_at_out = said.made_at_ms;
    return reason == HASH_RIGHT ? hash_judge_time(said.made_at_ms, window) : reason;
}
