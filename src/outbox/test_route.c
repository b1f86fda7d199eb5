// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "outbox/route.h"

#include "crypto/pure/random.h"
#include "unit/unit.h"

#include <stdio.h>

#define BIT(channel) (1U << (channel))

enum { ALPHA, BETA, GAMMA, RELAY, PROVIDERS };

static const struct route_provider providers[PROVIDERS] = {
    [ALPHA] = {SPAN("alpha"), BIT(CHANNEL_SMS) | BIT(CHANNEL_WHATSAPP)},
    [BETA] = {SPAN("beta"), BIT(CHANNEL_SMS)},
    [GAMMA] = {SPAN("gamma"), BIT(CHANNEL_SMS)},
    [RELAY] = {SPAN("relay"), BIT(CHANNEL_EMAIL)},
};

static const struct route_rule rules[] = {
    {CHANNEL_SMS, SPAN("91"), SPAN(""), {BETA}, 1, 0},
    {CHANNEL_SMS, SPAN("9198"), SPAN(""), {GAMMA, BETA}, 2, 8000},
    {CHANNEL_SMS, SPAN(""), SPAN("Acme"), {GAMMA}, 1, 0},
    {CHANNEL_SMS, SPAN("1"), SPAN("Acme"), {BETA, ALPHA}, 2, 0},
    {CHANNEL_SMS, SPAN("44"), SPAN("Other"), {BETA}, 1, 0},
};

struct find_row {
    enum channel_kind channel;
    const char *to;
    const char *brand;
    const char *names;
    int64_t fallback_ms;
};

static const struct find_row find_rows[] = {
    {CHANNEL_SMS, "12025550123", "DocDemo", "alpha beta gamma", 0}, // no rule: all, in order
    {CHANNEL_SMS, "919999999993", "DocDemo", "beta", 0},
    {CHANNEL_SMS, "919899999993", "DocDemo", "gamma beta", 8000}, // the longest prefix
    {CHANNEL_SMS, "447700900123", "DocDemo", "alpha beta gamma", 0},
    {CHANNEL_SMS, "447700900123", "Other", "beta", 0},
    {CHANNEL_SMS, "919899999993", "Acme", "gamma", 0}, // its own before the longest
    {CHANNEL_SMS, "12025550123", "aCME", "beta alpha", 0},
    {CHANNEL_SMS, "9", "DocDemo", "alpha beta gamma", 0}, // shorter than any prefix
    {CHANNEL_WHATSAPP, "919999999993", "Acme", "alpha", 0},
    {CHANNEL_EMAIL, "a@example.com", "Acme", "relay", 0},
    {CHANNEL_ZALO, "84912345678", "DocDemo", "", 0},
};

static struct routes *create(void)
{
    struct err_info info;
    struct routes *routes = NULL;
    const struct routes_options options = {providers, PROVIDERS, rules,
                                           sizeof rules / sizeof rules[0]};
    assert_int_equal(routes_create(&options, &routes, &info), ERR_OK);
    return routes;
}

static void put_names(const struct routes *routes, const struct route *route, char out[128])
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < route->count; i++) {
        struct span name = routes_name(routes, route->providers[i]);
        len += (size_t)snprintf(out + len, 128 - len, "%s%.*s", i > 0 ? " " : "", (int)name.len,
                                (const char *)name.data);
    }
}

static void brand_and_longest_prefix_decide(void **state)
{
    struct routes *routes = create();
    (void)state;
    for (size_t i = 0; i < sizeof find_rows / sizeof find_rows[0]; i++) {
        const struct find_row *row = &find_rows[i];
        struct route route;
        char names[128];
        const struct route_query query = {row->channel, span_of_text(row->to),
                                          span_of_text(row->brand)};
        routes_find(routes, &query, &route);
        put_names(routes, &route, names);
        if (strcmp(names, row->names) != 0)
            fail_msg("%s of %s: %s", row->to, row->brand, names);
        assert_row_equal(row->to, route.fallback_after_ms, row->fallback_ms);
    }
    routes_destroy(&routes);
    assert_null(routes);
    routes_destroy(&routes);
}

static void providers_are_known_by_tag_and_number(void **state)
{
    struct routes *routes = create();
    (void)state;
    assert_int_equal(routes_providers(routes), PROVIDERS);
    for (size_t i = 0; i < PROVIDERS; i++) {
        provider_tag tag = routes_tag(routes, i);
        assert_int_equal(tag, provider_tag_of(providers[i].name));
        assert_int_equal(routes_number(routes, tag), i);
        assert_true(span_eq(routes_name(routes, tag), providers[i].name));
    }
    assert_int_equal(routes_number(routes, provider_tag_of(SPAN("delta"))), ROUTES_NO_PROVIDER);
    assert_int_equal(routes_number(routes, 0), ROUTES_NO_PROVIDER);
    assert_int_equal(routes_name(routes, 0).len, 0);
    assert_int_equal(routes_channels(routes),
                     BIT(CHANNEL_SMS) | BIT(CHANNEL_WHATSAPP) | BIT(CHANNEL_EMAIL));
    routes_destroy(&routes);
}

// They are stored: another build must not make others.
static void tags_stay_the_same(void **state)
{
    (void)state;
    assert_int_equal(provider_tag_of(SPAN("alpha")), 0xCBE2CDF3);
    assert_int_equal(provider_tag_of(SPAN("msg91")), 0x1C29EFE7);
    assert_int_equal(provider_tag_of(SPAN("")), 0xD4370FC7);
}

static void no_two_providers_have_one_tag(void **state)
{
    struct err_info info;
    struct routes *routes = NULL;
    const struct route_provider twins[] = {providers[ALPHA], providers[BETA], providers[ALPHA]};
    const struct routes_options options = {.providers = twins, .providers_count = 3};
    (void)state;
    assert_int_equal(routes_create(&options, &routes, &info), ERR_INVALID);
    assert_null(routes);
    assert_string_equal(info.text,
                        "providers \"alpha\" and \"alpha\": one of them needs another name");
}

static void a_preset_has_no_more_than_a_rule_may(void **state)
{
    struct err_info info;
    struct routes *routes = NULL;
    struct route route;
    char names[ROUTES_PROVIDERS_MAX][4];
    struct route_provider many[ROUTES_PROVIDERS_MAX];
    (void)state;
    for (unsigned i = 0; i < ROUTES_PROVIDERS_MAX; i++) {
        (void)snprintf(names[i], sizeof names[i], "p%u", i);
        many[i] = (struct route_provider){span_of_text(names[i]), BIT(CHANNEL_SMS)};
    }
    const struct routes_options options = {.providers = many,
                                           .providers_count = ROUTES_PROVIDERS_MAX};
    assert_int_equal(routes_create(&options, &routes, &info), ERR_OK);
    routes_find(routes, &(struct route_query){.channel = CHANNEL_SMS}, &route);
    assert_int_equal(route.count, ROUTE_PROVIDERS_MAX);
    assert_int_equal(route.providers[7], provider_tag_of(SPAN("p7")));
    routes_destroy(&routes);
}

static int setup(void **state)
{
    (void)state;
    return crypto_init() == ERR_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brand_and_longest_prefix_decide),
        cmocka_unit_test(providers_are_known_by_tag_and_number),
        cmocka_unit_test(tags_stay_the_same),
        cmocka_unit_test(no_two_providers_have_one_tag),
        cmocka_unit_test(a_preset_has_no_more_than_a_rule_may),
    };
    return cmocka_run_group_tests_name("outbox/route", tests, setup, NULL);
}
