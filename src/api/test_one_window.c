// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Promise 3 from the outside: however a number or an e-mail address is spelt, by whichever URI and
// body, in whatever session, otpMaxCount counts one person.
#include "rig/rig.h"
#include "sim/spelling.h"
#include "unit/unit.h"

#include <stdio.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define PEOPLE 300
#define SENDS_MAX 3
#define SPELLINGS (SENDS_MAX + 1)

struct person {
    bool is_email;
    char address[64]; // canonical; of a number without its calling code
};

struct spelling {
    uint8_t storage[1024]; // JSON string, quoted
    struct strbuf json;
};

static int create_rig(void **state)
{
    struct rig *rig = rig_create_for((size_t)PEOPLE * 2 * SENDS_MAX);
    struct brand_settings settings;
    brand_settings_init(&settings);
    settings.otp_max_count = SENDS_MAX;
    settings.otp_time_out_minutes = 60;
    memcpy(settings.default_country, "IN", 2);
    rig_put_brand(rig, "Strict", &settings);
    *state = rig;
    return 0;
}

static int destroy_rig(void **state)
{
    rig_destroy(*state);
    return 0;
}

static void spell_mobile(const struct person *person, struct strbuf *out, struct seeded *seeded)
{
    // What comes before the national number: a plus or 00 and the calling code, that alone, the
    // trunk's 0, or nothing at all.
    static const char *const prefixes[] = {"+91", "0091", "\uFF0B91", "91", "0", "", "+91 (0)"};
    const char *prefix = prefixes[seeded_below(seeded, COUNT_OF(prefixes))];
    spell_number(span_of_text(person->address), prefix, out, seeded);
}

static void spell_email(const struct person *person, struct strbuf *out, struct seeded *seeded)
{
    static const char *const domains[] = {
        "@b\u00FCcher.example",  "@xn--bcher-kva.example",          "@XN--BCHER-KVA.Example.",
        "@bu\u0308cher.example", "@B\u00DCCHER\u3002EXAMPLE\u3002", "@\uFF42\u00FCcher.example",
    };
    const char *umlaut = seeded_below(seeded, 2) ? "\u00E4" : "a\u0308";
    strbuf_put_text(out, umlaut);
    for (const char *at = person->address; *at != '\0'; at++)
        strbuf_put_byte(out, seeded_below(seeded, 2) ? ascii_upper((uint8_t)*at) : (uint8_t)*at);
    strbuf_put_text(out, domains[seeded_below(seeded, COUNT_OF(domains))]);
}

static const char *spell(const struct person *person, struct spelling *spelling,
                         struct seeded *seeded)
{
    uint8_t storage[512];
    struct strbuf text = strbuf_over(storage, sizeof storage);
    spelling->json = strbuf_over(spelling->storage, sizeof spelling->storage);
    if (person->is_email)
        spell_email(person, &text, seeded);
    else
        spell_mobile(person, &text, seeded);
    strbuf_put_json_string(&spelling->json, strbuf_span(&text));
    strbuf_put_byte(&spelling->json, '\0');
    assert_false(text.is_overflowed || spelling->json.is_overflowed);
    return (const char *)spelling->storage;
}

// A new session in that spelling, and a send in it in another one of the same person.
static int send_to(struct rig *rig, const struct person *person, struct seeded *seeded)
{
    static const char *const paths[][2] = {
        {"/auth/v1/token/generate", "/auth/v1/otp/generate"},
        {"/auth/v1/web/token/generate", "/auth/v1/web/otp/generate"},
    };
    static const char *const brands[] = {"Strict", "STRICT", "strict"};
    const char *const *path = paths[seeded_below(seeded, 2)];
    const char *brand = brands[seeded_below(seeded, COUNT_OF(brands))];
    const char *type = person->is_email ? "EMAIL" : "MOBILE";
    const char *legacy = person->is_email ? "email" : "mobile";
    struct spelling spelling;
    char session[SESSION_ID_TEXT_BYTES + 1];
    rig_postf(rig, path[0], "{\"%s\":%s,\"brand\":\"%s\",\"deviceId\":\"d\"}", legacy,
              spell(person, &spelling, seeded), brand);
    if (rig_code(rig) != 200)
        fail_msg("%s: %s", spelling.storage, rig->body);
    rig_session_id(rig, session);
    rig_postf(rig, path[1],
              "{\"identifierType\":\"%s\",\"identifierValue\":%s,\"brand\":\"%s\","
              "\"deviceId\":\"d\",\"sessionId\":\"%s\"}",
              type, spell(person, &spelling, seeded), brand, session);
    return rig_code(rig);
}

static void assert_one_window(struct rig *rig, const struct person *person, struct seeded *seeded)
{
    for (int i = 0; i < SPELLINGS; i++) {
        int wanted = i < SENDS_MAX ? 200 : 1534;
        char value[16];
        int code = send_to(rig, person, seeded);
        if (code != wanted)
            fail_msg("%s, %d: %d, not %d", person->address, i, code, wanted);
        assert_int_equal(rig_field(rig, "Retry-After", value, sizeof value) != NULL, code == 1534);
    }
}

static void the_fourth_spelling_of_a_number_is_refused(void **state)
{
    struct seeded seeded;
    seeded_init(&seeded, 21);
    for (int i = 0; i < PEOPLE; i++) {
        struct person person = {.is_email = false};
        (void)snprintf(person.address, sizeof person.address, "98765%05d", i * 331);
        assert_one_window(*state, &person, &seeded);
    }
}

static void the_fourth_spelling_of_a_mailbox_is_refused(void **state)
{
    struct seeded seeded;
    seeded_init(&seeded, 22);
    for (int i = 0; i < PEOPLE; i++) {
        struct person person = {.is_email = true};
        (void)snprintf(person.address, sizeof person.address, "person.%d+x", i);
        assert_one_window(*state, &person, &seeded);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_fourth_spelling_of_a_number_is_refused, create_rig,
                                        destroy_rig),
        cmocka_unit_test_setup_teardown(the_fourth_spelling_of_a_mailbox_is_refused, create_rig,
                                        destroy_rig),
    };
    return cmocka_run_group_tests_name("one_window", tests, NULL, NULL);
}
