// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "api/identifier.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

// Texts as they stand in a body; NULL: absent.
struct body {
    const char *type;
    const char *value;
    const char *mobile;
    const char *email;
};

static struct api_field field_of(const char *text)
{
    if (text == NULL)
        return (struct api_field){.kind = API_FIELD_ABSENT};
    return (struct api_field){.kind = API_FIELD_TEXT, .text = span_of_text(text)};
}

static enum api_status spell(const struct body *body, struct identifier_spelling *spelling,
                             struct api_fault *fault)
{
    struct api_fields fields = {
        .identifier_type = field_of(body->type),
        .identifier_value = field_of(body->value),
        .mobile = field_of(body->mobile),
        .email = field_of(body->email),
    };
    *fault = (struct api_fault){NULL, ""};
    return identifier_spell(&fields, spelling, fault);
}

static enum api_status parse(const struct body *body, struct identifier *identifier)
{
    struct identifier_spelling spelling;
    struct api_fault fault;
    enum api_status status = spell(body, &spelling, &fault);
    return status == API_SUCCESS ? identifier_parse(&spelling, SPAN("IN"), identifier) : status;
}

struct good_row {
    struct body body;
    enum identifier_type type;
    const char *value;
};

static const struct good_row good_rows[] = {
    {{"MOBILE", "919999999993", NULL, NULL}, IDENTIFIER_MOBILE, "919999999993"},
    {{"MOBILE", "+91 99999-99993", NULL, NULL}, IDENTIFIER_MOBILE, "919999999993"},
    {{"MOBILE", "099999 99993", NULL, NULL}, IDENTIFIER_MOBILE, "919999999993"},
    {{"MOBILE", "12025550147", NULL, NULL}, IDENTIFIER_MOBILE, "12025550147"},
    {{"EMAIL", "captest@example.com", NULL, NULL}, IDENTIFIER_EMAIL, "captest@example.com"},
    {{"EMAIL", "Captest@EXAMPLE.com", NULL, NULL}, IDENTIFIER_EMAIL, "captest@example.com"},
    {{NULL, NULL, "12025550147", NULL}, IDENTIFIER_MOBILE, "12025550147"},
    {{NULL, NULL, "12025550147", ""}, IDENTIFIER_MOBILE, "12025550147"},
    {{NULL, NULL, NULL, "a@example.com"}, IDENTIFIER_EMAIL, "a@example.com"},
    {{NULL, NULL, "", "a@example.com"}, IDENTIFIER_EMAIL, "a@example.com"},
    {{NULL, NULL, "12025550147", "a@example.com"}, IDENTIFIER_MOBILE, "12025550147"},
    {{NULL, "ignored", "12025550147", NULL}, IDENTIFIER_MOBILE, "12025550147"},
};

static void identifiers_are_canonical(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good_rows); i++) {
        struct identifier identifier;
        assert_int_equal(parse(&good_rows[i].body, &identifier), API_SUCCESS);
        assert_int_equal(identifier.type, good_rows[i].type);
        struct span value = address_value(&identifier.address);
        assert_int_equal(value.len, strlen(good_rows[i].value));
        assert_memory_equal(value.data, good_rows[i].value, value.len);
    }
}

struct to_row {
    struct body body;
    const char *others; // NULL: it is not known where its codes go
};

#define X60 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONGEST "xxxxxxxxx@" X60 "." X60 "." X60 ".xxxxxxxxxxxxxxxxxxxx"

static const struct to_row to_rows[] = {
    {{"USERNAME", "SomeBody", "+1 202 555 0147", NULL}, "M12025550147"},
    {{"USERNAME", "somebody", "099999 99993", ""}, "M919999999993"},
    {{"USERNAME", "somebody", NULL, "A@Example.com"}, "Ea@example.com"},
    {{"USERNAME", "somebody", "", "a@example.com"}, "Ea@example.com"},
    {{"USERNAME", "somebody", "12025550147", "a@example.com"}, "M12025550147"},
    {{"USERNAME", "somebody", NULL, LONGEST}, "E" LONGEST},
    {{"USERNAME", "somebody", NULL, NULL}, NULL},
    {{"USERNAME", "somebody", "", ""}, NULL},
};

static void a_username_has_one_address(void **state)
{
    (void)state;
    assert_int_equal(sizeof LONGEST - 1, USERNAME_EMAIL_BYTES_MAX);
    for (size_t i = 0; i < COUNT_OF(to_rows); i++) {
        struct identifier identifier;
        assert_int_equal(parse(&to_rows[i].body, &identifier), API_SUCCESS);
        assert_true(span_eq(address_value(&identifier.address), SPAN("somebody")));
        struct span others = identifier_others(&identifier);
        const struct address *to = identifier_to(&identifier);
        const char *expected = to_rows[i].others != NULL ? to_rows[i].others : "";
        assert_true(span_eq(others, span_of_text(expected)));
        assert_int_equal(to == NULL, to_rows[i].others == NULL);
        assert_true(to == NULL || span_eq(address_identifier(to), others));
    }
}

struct shape_row {
    struct body body;
    enum api_status status;
    const char *member;
};

static const struct shape_row shape_rows[] = {
    {{NULL, NULL, NULL, NULL}, API_DETAILS_INVALID, "identifierType"},
    {{NULL, NULL, "", ""}, API_DETAILS_INVALID, "identifierType"},
    {{NULL, "919999999993", NULL, NULL}, API_DETAILS_INVALID, "identifierType"},
    {{"MOBILE", NULL, NULL, NULL}, API_DETAILS_INVALID, "identifierValue"},
    {{"MOBILE", NULL, "12025550147", NULL}, API_DETAILS_INVALID, "identifierValue"},
    {{"EXTERNALID", NULL, NULL, NULL}, API_DETAILS_INVALID, "identifierValue"},
    {{"USERNAME", NULL, "12025550147", NULL}, API_DETAILS_INVALID, "identifierValue"},
    {{"username", "somebody", NULL, NULL}, API_IDENTIFIER_TYPE_INVALID, NULL},
    {{"mobile", "919999999993", NULL, NULL}, API_IDENTIFIER_TYPE_INVALID, NULL},
    {{"MOBILE ", "919999999993", NULL, NULL}, API_IDENTIFIER_TYPE_INVALID, NULL},
    {{"", "919999999993", NULL, NULL}, API_IDENTIFIER_TYPE_INVALID, NULL},
    {{"", NULL, "12025550147", NULL}, API_IDENTIFIER_TYPE_INVALID, NULL},
    {{"PHONE", NULL, NULL, NULL}, API_IDENTIFIER_TYPE_INVALID, NULL},
};

static void a_wrong_shape_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(shape_rows); i++) {
        struct identifier_spelling spelling;
        struct api_fault fault;
        assert_int_equal(spell(&shape_rows[i].body, &spelling, &fault), shape_rows[i].status);
        if (shape_rows[i].member == NULL) {
            assert_null(fault.member);
            continue;
        }
        assert_string_equal(fault.member, shape_rows[i].member);
        assert_string_equal(fault.what, "is missing");
    }
}

struct form_row {
    struct body body;
    enum api_status status;
};

static const struct form_row form_rows[] = {
    {{"EXTERNALID", "x", NULL, NULL}, API_EXTERNAL_ID_OFF},
    {{"MOBILE", "", NULL, NULL}, API_DETAILS_INVALID},
    {{"MOBILE", "not a number", NULL, NULL}, API_DETAILS_INVALID},
    {{"MOBILE", "123", NULL, NULL}, API_DETAILS_INVALID},
    {{"MOBILE", "a@example.com", NULL, NULL}, API_DETAILS_INVALID},
    {{"EMAIL", "", NULL, NULL}, API_DETAILS_INVALID},
    {{"EMAIL", "919999999993", NULL, NULL}, API_DETAILS_INVALID},
    {{"EMAIL", "a@", NULL, NULL}, API_DETAILS_INVALID},
    {{NULL, NULL, "abc", NULL}, API_DETAILS_INVALID},
    {{"MOBILE", "919999999993", "abc", NULL}, API_DETAILS_INVALID},
    {{"MOBILE", "919999999993", NULL, "abc"}, API_DETAILS_INVALID},
    {{"USERNAME", "", "12025550147", NULL}, API_DETAILS_INVALID},
    {{"USERNAME", "some|body", "12025550147", NULL}, API_DETAILS_INVALID},
    {{"USERNAME", "somebody\n", "12025550147", NULL}, API_DETAILS_INVALID},
    {{"USERNAME", "somebody", "abc", NULL}, API_DETAILS_INVALID},
    {{"USERNAME", "somebody", NULL, "abc"}, API_DETAILS_INVALID},
    {{"USERNAME", "somebody", "12025550147", "abc"}, API_DETAILS_INVALID},
    {{"USERNAME", "somebody", NULL, "x" LONGEST}, API_DETAILS_INVALID},
};

static void a_wrong_form_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(form_rows); i++) {
        struct identifier identifier;
        assert_int_equal(parse(&form_rows[i].body, &identifier), form_rows[i].status);
    }
}

struct others_row {
    struct body body;
    const char *others;
};

static const struct others_row others_rows[] = {
    {{"MOBILE", "12025550147", NULL, NULL}, ""},
    {{"MOBILE", "12025550147", "", ""}, ""},
    {{"MOBILE", "12025550147", "+1 202 555 0147", NULL}, ""},
    {{"EMAIL", "a@example.com", NULL, "A@example.com"}, ""},
    {{NULL, NULL, "12025550147", NULL}, ""},
    {{"MOBILE", "12025550147", "12025550148", NULL}, "\x0CM12025550148"},
    {{"MOBILE", "12025550147", NULL, "a@example.com"},
     "\x0E"
     "Ea@example.com"},
    {{"EMAIL", "a@example.com", "12025550148", "b@example.com"},
     "\x0CM12025550148\x0E"
     "Eb@example.com"},
    {{NULL, NULL, "12025550147", "a@example.com"},
     "\x0E"
     "Ea@example.com"},
};

static void further_addresses_are_one_run(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(others_rows); i++) {
        struct identifier identifier;
        assert_int_equal(parse(&others_rows[i].body, &identifier), API_SUCCESS);
        struct span others = identifier_others(&identifier);
        assert_int_equal(others.len, strlen(others_rows[i].others));
        assert_memory_equal(others.data, others_rows[i].others, others.len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identifiers_are_canonical),
        cmocka_unit_test(a_username_has_one_address),
        cmocka_unit_test(a_wrong_shape_is_named),
        cmocka_unit_test(a_wrong_form_is_refused),
        cmocka_unit_test(further_addresses_are_one_run),
    };
    return cmocka_run_group_tests_name("identifier", tests, NULL, NULL);
}
