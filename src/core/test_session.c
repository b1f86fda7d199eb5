// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "core/session.h"

#include "core/limits.h"

#include "unit/unit.h"

#include <string.h>

#define NOW_MS INT64_C(1770000000000)
#define EPOCH_NUMBER 20485U

static struct epoch_set epochs;

static const struct session_binding mobile = {
    .brand_id = 1,
    .identifier = {(const uint8_t *)"M919999999993", 13},
    .family = SESSION_MOBILE,
    .device = {(const uint8_t *)"123456785", 9},
};

static int set_up(void **state)
{
    (void)state;
    struct key root = {{42}};
    epoch_set_derive(&root, EPOCH_NUMBER, &epochs);
    return 0;
}

static struct span issue(const struct session_binding *binding, char out[SESSION_ID_TEXT_BYTES])
{
    session_id_issue(epoch_current(&epochs), binding, NOW_MS + 1200000, 0xABCDEF, out);
    return span_make(out, SESSION_ID_TEXT_BYTES);
}

static void test_looks_like_a_version_4_uuid(void **state)
{
    (void)state;
    char text[SESSION_ID_TEXT_BYTES];
    (void)issue(&mobile, text);
    for (size_t i = 0; i < sizeof text; i++) {
        bool is_dash = i == 1 || i == 10 || i == 15 || i == 20 || i == 25;
        bool is_hex = strchr("0123456789abcdef", text[i]) != NULL;
        assert_true(i == 0 ? text[0] == 'P' : is_dash ? text[i] == '-' : is_hex);
    }
    assert_int_equal(text[16], '4');
    assert_non_null(strchr("89ab", text[21]));
}

static void test_opens_with_its_expiry(void **state)
{
    (void)state;
    char text[SESSION_ID_TEXT_BYTES];
    struct session session;
    assert_true(session_id_open(&epochs, issue(&mobile, text), NOW_MS, &session));
    assert_int_equal(session.expires_at_ms, NOW_MS + 1200000);
    assert_int_equal(session.epoch, EPOCH_NUMBER);
}

static void test_any_changed_digit_is_forged(void **state)
{
    (void)state;
    char text[SESSION_ID_TEXT_BYTES];
    struct session session;
    struct span id = issue(&mobile, text);
    size_t opened = 0;
    for (size_t i = 0; i < id.len; i++) {
        char kept = text[i];
        for (const char *digit = "0123456789abcdefAX-"; *digit != 0; digit++) {
            text[i] = *digit;
            opened += *digit != kept && session_id_open(&epochs, id, NOW_MS, &session);
        }
        text[i] = kept;
    }
    assert_int_equal(opened, 0);
    assert_true(session_id_open(&epochs, id, NOW_MS, &session));
}

static void test_odd_texts_are_forged(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "P-",
        "P-7df5e433-17bb-4f02-9ce0-7420ba69c7b4",
        "P-00000000-0000-4000-8000-000000000000",
        "P-ffffffff-ffff-4fff-bfff-ffffffffffff",
        "p-7df5e433-17bb-4f02-9ce0-7420ba69c7b4",
        "P-7DF5E433-17BB-4F02-9CE0-7420BA69C7B4",
        "P-7df5e43317bb4f029ce07420ba69c7b4",
        "P-7df5e433-17bb-4f02-9ce0-7420ba69c7b4 ",
    };
    struct session session;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_row_equal(texts[i],
                         session_id_open(&epochs, span_of_text(texts[i]), NOW_MS, &session), false);
}

static void test_plausible_times_only(void **state)
{
    (void)state;
    char text[SESSION_ID_TEXT_BYTES];
    struct session session;
    struct span id = issue(&mobile, text);
    int64_t end_ms = NOW_MS + 1200000;
    assert_true(session_id_open(&epochs, id, end_ms, &session));
    assert_true(session_id_open(&epochs, id, end_ms + SESSION_PAST_MS_MAX - 1, &session));
    assert_false(session_id_open(&epochs, id, end_ms + SESSION_PAST_MS_MAX, &session));
    int64_t before_ms = end_ms - SESSION_TTL_MS_MAX - SESSION_FUTURE_SLACK_MS;
    assert_true(session_id_open(&epochs, id, before_ms, &session));
    assert_false(session_id_open(&epochs, id, before_ms - 1, &session));
}

static void test_epochs_around_verify(void **state)
{
    (void)state;
    struct key root = {{42}};
    struct session session;
    char text[SESSION_ID_TEXT_BYTES];
    struct span id = issue(&mobile, text);
    for (uint32_t later = 0; later <= 3; later++) {
        struct epoch_set set;
        epoch_set_derive(&root, EPOCH_NUMBER + later, &set);
        bool is_held = later <= 2;
        assert_int_equal(session_id_open(&set, id, NOW_MS, &session), is_held);
    }
}

struct difference {
    const char *name;
    struct session_binding opened;
    struct session_binding presented;
    bool is_web;
    enum session_check expected;
    enum session_family family;
};

#define MOBILE_ID                            \
    {                                        \
        (const uint8_t *)"M919999999993", 13 \
    }
#define OTHER_ID                             \
    {                                        \
        (const uint8_t *)"M919999999994", 13 \
    }
#define DEVICE                   \
    {                            \
        (const uint8_t *)"d1", 2 \
    }
#define OTHER_DEVICE             \
    {                            \
        (const uint8_t *)"d2", 2 \
    }
#define ADDRESS                               \
    {                                         \
        (const uint8_t *)"Ea@example.com", 14 \
    }
#define OTHER_ADDRESS                         \
    {                                         \
        (const uint8_t *)"Eb@example.com", 14 \
    }

static const struct difference differences[] = {
    {"same device",
     {1, MOBILE_ID, SESSION_MOBILE, DEVICE, {0}},
     {1, MOBILE_ID, SESSION_MOBILE, DEVICE, {0}},
     false,
     SESSION_IS_SAME,
     SESSION_MOBILE},
    {"other device",
     {1, MOBILE_ID, SESSION_MOBILE, DEVICE, {0}},
     {1, MOBILE_ID, SESSION_MOBILE, OTHER_DEVICE, {0}},
     false,
     SESSION_OTHER_DEVICE,
     SESSION_MOBILE},
    {"device missing",
     {1, MOBILE_ID, SESSION_MOBILE, DEVICE, {0}},
     {1, MOBILE_ID, SESSION_MOBILE, {0}, {0}},
     false,
     SESSION_DEVICE_MISSING,
     SESSION_MOBILE},
    {"device session on web",
     {1, MOBILE_ID, SESSION_MOBILE, DEVICE, {0}},
     {1, MOBILE_ID, SESSION_WEB, {0}, {0}},
     true,
     SESSION_OTHER_DEVICE,
     SESSION_WEB},
    {"web",
     {1, MOBILE_ID, SESSION_WEB, {0}, {0}},
     {1, MOBILE_ID, SESSION_WEB, {0}, {0}},
     true,
     SESSION_IS_SAME,
     SESSION_WEB},
    {"web session on mobile",
     {1, MOBILE_ID, SESSION_WEB, {0}, {0}},
     {1, MOBILE_ID, SESSION_MOBILE, {0}, {0}},
     false,
     SESSION_OTHER_DEVICE,
     SESSION_MOBILE},
    {"web session on mobile with device",
     {1, MOBILE_ID, SESSION_WEB, {0}, {0}},
     {1, MOBILE_ID, SESSION_MOBILE, DEVICE, {0}},
     false,
     SESSION_OTHER_DEVICE,
     SESSION_MOBILE},
    {"no device on mobile",
     {1, MOBILE_ID, SESSION_MOBILE_NO_DEVICE, {0}, {0}},
     {1, MOBILE_ID, SESSION_MOBILE, {0}, {0}},
     false,
     SESSION_IS_SAME,
     SESSION_MOBILE_NO_DEVICE},
    {"no device on web",
     {1, MOBILE_ID, SESSION_MOBILE_NO_DEVICE, {0}, {0}},
     {1, MOBILE_ID, SESSION_WEB, {0}, {0}},
     true,
     SESSION_IS_SAME,
     SESSION_MOBILE_NO_DEVICE},
    {"no device, then one",
     {1, MOBILE_ID, SESSION_MOBILE_NO_DEVICE, {0}, {0}},
     {1, MOBILE_ID, SESSION_MOBILE, DEVICE, {0}},
     false,
     SESSION_OTHER_DEVICE,
     SESSION_MOBILE_NO_DEVICE},
    {"other brand first",
     {1, MOBILE_ID, SESSION_MOBILE, DEVICE, {0}},
     {2, OTHER_ID, SESSION_MOBILE, OTHER_DEVICE, {0}},
     false,
     SESSION_OTHER_BRAND,
     SESSION_MOBILE},
    {"other number",
     {1, MOBILE_ID, SESSION_MOBILE, DEVICE, {0}},
     {1, OTHER_ID, SESSION_MOBILE, DEVICE, {0}},
     false,
     SESSION_OTHER_IDENTIFIER,
     SESSION_MOBILE},
    {"address left out",
     {1, MOBILE_ID, SESSION_WEB, {0}, ADDRESS},
     {1, MOBILE_ID, SESSION_WEB, {0}, {0}},
     true,
     SESSION_IS_SAME,
     SESSION_WEB},
    {"other address",
     {1, MOBILE_ID, SESSION_WEB, {0}, ADDRESS},
     {1, MOBILE_ID, SESSION_WEB, {0}, OTHER_ADDRESS},
     true,
     SESSION_OTHER_ADDRESS,
     SESSION_WEB},
    {"address where none was",
     {1, MOBILE_ID, SESSION_WEB, {0}, {0}},
     {1, MOBILE_ID, SESSION_WEB, {0}, ADDRESS},
     true,
     SESSION_OTHER_ADDRESS,
     SESSION_WEB},
};

static void test_differences(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof differences / sizeof differences[0]; i++) {
        const struct difference *row = &differences[i];
        char text[SESSION_ID_TEXT_BYTES];
        struct session session;
        enum session_family family = SESSION_MOBILE;
        assert_true(session_id_open(&epochs, issue(&row->opened, text), NOW_MS, &session));
        enum session_check check =
            session_differs(&epochs, &session, &row->presented, row->is_web, &family);
        assert_row_equal(row->name, check, row->expected);
        if (row->expected == SESSION_IS_SAME)
            assert_row_equal(row->name, family, row->family);
    }
}

static void test_refs(void **state)
{
    (void)state;
    char text[SESSION_ID_TEXT_BYTES];
    struct session session;
    assert_true(session_id_open(&epochs, issue(&mobile, text), NOW_MS, &session));
    struct session_ref ref = session_ref_of(&epochs, &session, &mobile);
    struct session_binding other = mobile;
    other.device = SPAN("123456786");
    struct session_ref other_ref = session_ref_of(&epochs, &session, &other);
    assert_true(ref.id == other_ref.id);
    assert_true(ref.binding != other_ref.binding);
}

// Forged ids open with a chance of about 2^-24.6; ten thousand tries should see none.
static void test_random_ids_do_not_open(void **state)
{
    (void)state;
    struct session session;
    uint64_t seed = 3;
    for (int i = 0; i < 10000; i++) {
        char text[SESSION_ID_TEXT_BYTES];
        (void)issue(&mobile, text);
        for (size_t at = 2; at < sizeof text; at++) {
            seed = seed * UINT64_C(6364136223846793005) + 1;
            if (text[at] != '-' && at != 16 && at != 21)
                text[at] = "0123456789abcdef"[seed >> 60];
        }
        assert_false(session_id_open(&epochs, span_make(text, sizeof text), NOW_MS, &session));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_looks_like_a_version_4_uuid),
        cmocka_unit_test(test_opens_with_its_expiry),
        cmocka_unit_test(test_any_changed_digit_is_forged),
        cmocka_unit_test(test_odd_texts_are_forged),
        cmocka_unit_test(test_plausible_times_only),
        cmocka_unit_test(test_epochs_around_verify),
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_refs),
        cmocka_unit_test(test_random_ids_do_not_open),
    };
    return cmocka_run_group_tests_name("session", tests, set_up, NULL);
}
