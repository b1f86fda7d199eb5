// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Any bytes as a body, for every message: no crash, and whatever is taken holds what fields.h says.
// The first byte chooses message and family; the rest is the body.
#include "api/guess.h"
#include "api/identifier.h"
#include "base/assert.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_field(const struct api_field *field)
{
    ASSERT(field->kind <= API_FIELD_NATURAL);
    ASSERT(field->kind == API_FIELD_TEXT || field->text.len == 0);
    ASSERT(span_find(field->text, 0) == field->text.len);
}

static void check_guess(const struct api_field *otp)
{
    struct guess guess;
    if (otp->kind == API_FIELD_NATURAL)
        guess_of_number(otp->natural, 6, &guess);
    else
        guess_of_text(otp->text, &guess);
    ASSERT(guess.len <= GUESS_BYTES_MAX);
    for (size_t i = 0; i < guess.len; i++)
        ASSERT(ascii_is_digit(guess.digits[i]));
}

static void check_identifier(const struct api_fields *fields, struct api_fault *fault)
{
    struct identifier_spelling spelling;
    struct identifier identifier;
    if (identifier_spell(fields, &spelling, fault) != API_SUCCESS)
        return;
    if (identifier_parse(&spelling, SPAN("IN"), &identifier) != API_SUCCESS)
        return;
    ASSERT(identifier.address.len > 1);
    ASSERT(identifier_others(&identifier).len <= sizeof identifier.others.bytes);
}

static void check_fields(struct json_parser *parser, struct span body, enum api_message message,
                         bool is_web)
{
    struct api_fields fields;
    struct api_fault fault = {NULL, NULL};
    enum api_status status = api_fields_read(parser, body, message, is_web, &fields, &fault);
    ASSERT(status == API_SUCCESS || fault.what != NULL);
    if (status != API_SUCCESS)
        return;
    const struct api_field *each = (const struct api_field *)&fields;
    for (size_t i = 0; i < sizeof fields / sizeof *each; i++)
        check_field(&each[i]);
    ASSERT(api_field_is_present(&fields.brand));
    check_identifier(&fields, &fault);
    check_guess(&fields.otp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > JSON_BYTES_MAX)
        return 0;
    struct json_parser *parser = json_parser_create();
    uint8_t *body = calloc(1, size - 1 + JSON_PADDING_BYTES);
    ASSERT(parser != NULL);
    ASSERT(body != NULL);
    memcpy(body, data + 1, size - 1);
    enum api_message message = (enum api_message)(data[0] % API_MESSAGE_COUNT_);
    check_fields(parser, span_make(body, size - 1), message, (data[0] & 0x80) != 0);
    free(body);
    json_parser_destroy(&parser);
    return 0;
}
