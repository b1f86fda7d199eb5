// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Members that no row names are ignored, as real clients send many. A known member counts as known
// for every message: one that is there twice is refused even where it is not used, since two
// readers of such a body (a proxy's filter and this one) may see two different requests. Its type
// is looked at only where it is used.
//
// JSON objects have no order, so that what is answered may not depend on one: all members are read,
// whatever is wrong with one of them, and a fault of identifierType goes before the others'.
#include "api/fields.h"

#include "base/assert.h"

#define TYPE_BIT(kind) (1U << (kind))
#define MESSAGE_BIT(message) (1U << (message))

#define TEXT TYPE_BIT(JSON_STRING)
#define TEXT_OR_DIGITS (TYPE_BIT(JSON_STRING) | TYPE_BIT(JSON_NATURAL))

#define EVERY_MESSAGE (MESSAGE_BIT(API_MESSAGE_COUNT_) - 1U)
#define WITH_SESSION \
    (MESSAGE_BIT(API_OTP_GENERATE) | MESSAGE_BIT(API_OTP_VALIDATE) | MESSAGE_BIT(API_HASH))
#define WITH_TIME (MESSAGE_BIT(API_OTP_GENERATE) | MESSAGE_BIT(API_HASH))

struct field_row {
    struct span name;
    unsigned types;   // besides null
    unsigned used_by; // messages
    unsigned needed_by;
    bool is_unused_on_web;
    bool is_lenient; // given twice, of another type or with U+0000 it is none: it may not matter
    enum api_status wrong_type; // what a value of another type, or with U+0000, answers
    size_t offset;              // in struct api_fields
};

#define AT(member) offsetof(struct api_fields, member)

// Whether identifierType and identifierValue are needed depends on `mobile` and `email`: that is
// not decided here.
static const struct field_row field_rows[] = {
    {SPAN("identifierType"), TEXT, EVERY_MESSAGE, 0, false, false, API_IDENTIFIER_TYPE_INVALID,
     AT(identifier_type)},
    {SPAN("identifierValue"), TEXT, EVERY_MESSAGE, 0, false, false, API_DETAILS_INVALID,
     AT(identifier_value)},
    {SPAN("brand"), TEXT, EVERY_MESSAGE, EVERY_MESSAGE, false, false, API_DETAILS_INVALID,
     AT(brand)},
    {SPAN("deviceId"), TEXT_OR_DIGITS, EVERY_MESSAGE, 0, true, false, API_DETAILS_INVALID,
     AT(device_id)},
    {SPAN("sessionId"), TEXT, WITH_SESSION, WITH_SESSION, false, false, API_DETAILS_INVALID,
     AT(session_id)},
    {SPAN("mobile"), TEXT, EVERY_MESSAGE, 0, false, false, API_DETAILS_INVALID, AT(mobile)},
    {SPAN("email"), TEXT, EVERY_MESSAGE, 0, false, false, API_DETAILS_INVALID, AT(email)},
    {SPAN("otp"), TEXT_OR_DIGITS, MESSAGE_BIT(API_OTP_VALIDATE), MESSAGE_BIT(API_OTP_VALIDATE),
     false, false, API_DETAILS_INVALID, AT(otp)},
    {SPAN("hash"), TEXT, MESSAGE_BIT(API_OTP_GENERATE), 0, false, true, API_DETAILS_INVALID,
     AT(hash)},
    {SPAN("timeStamp"), TEXT_OR_DIGITS, WITH_TIME, MESSAGE_BIT(API_HASH), false, true,
     API_DETAILS_INVALID, AT(time_stamp)},
};

#define FIELD_COUNT (sizeof field_rows / sizeof field_rows[0])

_Static_assert(FIELD_COUNT == sizeof(struct api_fields) / sizeof(struct api_field),
               "a row for each field");

struct field_reader {
    enum api_message message;
    bool is_web;
    unsigned seen; // bit i: row i
    struct api_fields *fields;
    struct api_fault *fault;
};

static enum api_status refuse(const struct field_reader *reader, const struct field_row *row,
                              const char *what)
{
    // Names in rows come from literals, so that their bytes are followed by NUL.
    const char *member = row != NULL ? (const char *)row->name.data : NULL;
    *reader->fault = (struct api_fault){.member = member, .what = what};
    return API_DETAILS_INVALID;
}

static struct api_field *field_at(const struct field_reader *reader, const struct field_row *row)
{
    return (struct api_field *)(void *)((char *)reader->fields + row->offset);
}

static bool has_nul(struct span text)
{
    return span_find(text, '\0') < text.len;
}

static bool is_used(const struct field_reader *reader, const struct field_row *row)
{
    if (reader->is_web && row->is_unused_on_web)
        return false;
    return (row->used_by & MESSAGE_BIT(reader->message)) != 0;
}

static enum api_status refuse_type(const struct field_reader *reader, const struct field_row *row)
{
    (void)refuse(reader, row,
                 row->types == TEXT ? "must be a string" : "must be a string or a whole number");
    return row->wrong_type;
}

static enum api_status read_value(const struct field_reader *reader, const struct field_row *row,
                                  const struct json_value *value)
{
    if (value->kind == JSON_NULL || !is_used(reader, row))
        return API_SUCCESS;
    bool is_fit = (row->types & TYPE_BIT(value->kind)) != 0;
    if (row->is_lenient && (!is_fit || has_nul(value->string)))
        return API_SUCCESS;
    if (!is_fit)
        return refuse_type(reader, row);
    if (has_nul(value->string)) {
        (void)refuse(reader, row, "contains U+0000");
        return row->wrong_type;
    }
    *field_at(reader, row) = (struct api_field){
        .kind = value->kind == JSON_STRING ? API_FIELD_TEXT : API_FIELD_NATURAL,
        .text = value->string,
        .natural = value->natural,
    };
    return API_SUCCESS;
}

static size_t row_index(struct span name)
{
    size_t i = 0;
    while (i < FIELD_COUNT && !span_eq(field_rows[i].name, name))
        i++;
    return i;
}

static enum api_status read_member(struct field_reader *reader, const struct json_member *member)
{
    if (has_nul(member->name))
        return refuse(reader, NULL, "a member name contains U+0000");
    size_t index = row_index(member->name);
    if (index == FIELD_COUNT)
        return API_SUCCESS;
    const struct field_row *row = &field_rows[index];
    bool is_again = (reader->seen & 1U << index) != 0;
    if (is_again && row->is_lenient) {
        *field_at(reader, row) = (struct api_field){.kind = API_FIELD_ABSENT};
        return API_SUCCESS;
    }
    if (is_again)
        return refuse(reader, row, "is given twice");
    reader->seen |= 1U << index;
    return read_value(reader, row, &member->value);
}

static enum api_status check_needed(const struct field_reader *reader)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field_row *row = &field_rows[i];
        bool is_needed = (row->needed_by & MESSAGE_BIT(reader->message)) != 0;
        if (is_needed && !api_field_is_present(field_at(reader, row)))
            return refuse(reader, row, "is missing");
    }
    return API_SUCCESS;
}

// The first fault, unless a later one is identifierType's.
static enum api_status read_members(struct field_reader *reader, struct json_parser *parser)
{
    enum api_status told = API_SUCCESS;
    struct api_fault fault = {0};
    struct json_member member;
    while (json_next(parser, &member)) {
        enum api_status status = read_member(reader, &member);
        if (told == API_SUCCESS || status == API_IDENTIFIER_TYPE_INVALID) {
            told = status;
            fault = *reader->fault;
        }
    }
    *reader->fault = fault;
    return told;
}

enum api_status api_fields_read(struct json_parser *parser, struct span body,
                                enum api_message message, bool is_web,
                                struct api_fields *fields_out, struct api_fault *fault_out)
{
    ASSERT(message < API_MESSAGE_COUNT_);
    struct field_reader reader = {
        .message = message, .is_web = is_web, .fields = fields_out, .fault = fault_out};
    memset(fields_out, 0, sizeof *fields_out);
    *fault_out = (struct api_fault){0};
    enum json_outcome outcome = json_parse(parser, body);
    if (outcome != JSON_PARSED)
        return refuse(&reader, NULL,
                      outcome == JSON_MALFORMED ? "not valid JSON" : "not an object");
    enum api_status status = read_members(&reader, parser);
    return status == API_SUCCESS ? check_needed(&reader) : status;
}
