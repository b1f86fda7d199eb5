// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Promise 3 from the outside: however a number or an e-mail address is spelt, by whichever URI and
// body, in whatever session, otpMaxCount counts one person.
#include "rig/rig.h"
#include "sim/spelling.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define PEOPLE 300
#define SENDS_MAX 3
#define SPELLINGS (SENDS_MAX + 1)

// Of a few people each; half of them numbers, half of them mailboxes.
#define MANY_SPELLINGS 100000
#define MANY_PEOPLE 10

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

// How a body says who it is about: by type and value, in the form of old apps, or by a username
// that goes to that address.
enum way { WAY_TYPED, WAY_LEGACY, WAY_NAMED, WAY_COUNT_ };

struct who {
    char text[1200]; // members of JSON
};

static void print_who(const struct person *person, enum way way, struct who *out,
                      struct seeded *seeded)
{
    const char *type = person->is_email ? "EMAIL" : "MOBILE";
    const char *member = person->is_email ? "email" : "mobile";
    struct spelling spelling;
    const char *value = spell(person, &spelling, seeded);
    if (way == WAY_TYPED)
        (void)snprintf(out->text, sizeof out->text,
                       "\"identifierType\":\"%s\",\"identifierValue\":%s", type, value);
    if (way == WAY_LEGACY)
        (void)snprintf(out->text, sizeof out->text, "\"%s\":%s", member, value);
    if (way == WAY_NAMED)
        (void)snprintf(out->text, sizeof out->text,
                       "\"identifierType\":\"USERNAME\",\"identifierValue\":\"%s by name\","
                       "\"%s\":%s",
                       person->address, member, value);
}

// A new session in one spelling, and a send in it in another one of the same person.
static int send_to(struct rig *rig, const struct person *person, struct seeded *seeded)
{
    static const char *const paths[][2] = {
        {"/auth/v1/token/generate", "/auth/v1/otp/generate"},
        {"/auth/v1/web/token/generate", "/auth/v1/web/otp/generate"},
    };
    static const char *const brands[] = {"Strict", "STRICT", "strict"};
    static const enum way first[] = {WAY_TYPED, WAY_LEGACY, WAY_NAMED};
    static const enum way second[] = {WAY_LEGACY, WAY_TYPED, WAY_NAMED};
    const char *const *path = paths[seeded_below(seeded, 2)];
    const char *brand = brands[seeded_below(seeded, COUNT_OF(brands))];
    size_t ways = seeded_below(seeded, WAY_COUNT_);
    struct who who;
    char session[SESSION_ID_TEXT_BYTES + 1];
    print_who(person, first[ways], &who, seeded);
    rig_postf(rig, path[0], "{%s,\"brand\":\"%s\",\"deviceId\":\"d\"}", who.text, brand);
    if (rig_code(rig) != 200)
        fail_msg("%s: %s", who.text, rig->body);
    rig_session_id(rig, session);
    print_who(person, second[ways], &who, seeded);
    rig_postf(rig, path[1], "{%s,\"brand\":\"%s\",\"deviceId\":\"d\",\"sessionId\":\"%s\"}",
              who.text, brand, session);
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

static int compare_u64(const void *one, const void *other)
{
    uint64_t a, b;
    memcpy(&a, one, sizeof a);
    memcpy(&b, other, sizeof b);
    return a < b ? -1 : a > b;
}

static size_t count_distinct(uint64_t *hashes, size_t count)
{
    size_t distinct = count > 0 ? 1 : 0;
    qsort(hashes, count, sizeof *hashes, compare_u64);
    for (size_t i = 1; i < count; i++)
        distinct += hashes[i] != hashes[i - 1] ? 1 : 0;
    return distinct;
}

// FNV-1a: that no two of them are the same text is all that it is for.
static uint64_t hash_text(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    return hash;
}

// Nearly all spellings differ, or there would be few of them.
static void assert_many_spellings(const struct person *people, uint64_t seed)
{
    struct seeded seeded;
    uint64_t *hashes = calloc(MANY_SPELLINGS, sizeof *hashes);
    assert_non_null(hashes);
    seeded_init(&seeded, seed);
    for (size_t i = 0; i < MANY_SPELLINGS; i++) {
        struct spelling spelling;
        hashes[i] = hash_text(spell(&people[i % MANY_PEOPLE], &spelling, &seeded));
    }
    assert_in_range(count_distinct(hashes, MANY_SPELLINGS), MANY_SPELLINGS * 9 / 10,
                    MANY_SPELLINGS);
    free(hashes);
}

static void a_hundred_thousand_spellings_are_one_window_each(void **state)
{
    struct rig *rig = *state;
    struct person people[MANY_PEOPLE];
    unsigned accepted[MANY_PEOPLE] = {0};
    struct seeded seeded;
    for (int i = 0; i < MANY_PEOPLE; i++) {
        people[i].is_email = i % 2 == 1;
        (void)snprintf(people[i].address, sizeof people[i].address,
                       i % 2 == 1 ? "Somebody.With-A-Long.Name.%d" : "9876500%03d", i);
    }
    assert_many_spellings(people, 23);
    seeded_init(&seeded, 24);
    for (int i = 0; i < MANY_SPELLINGS; i++) {
        const struct person *person = &people[i % MANY_PEOPLE];
        int code = send_to(rig, person, &seeded);
        if (code != 200 && code != 1534)
            fail_msg("%s, %d: %d", person->address, i, code);
        accepted[i % MANY_PEOPLE] += code == 200 ? 1 : 0;
    }
    for (int i = 0; i < MANY_PEOPLE; i++)
        assert_int_equal(accepted[i], SENDS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_fourth_spelling_of_a_number_is_refused, create_rig,
                                        destroy_rig),
        cmocka_unit_test_setup_teardown(the_fourth_spelling_of_a_mailbox_is_refused, create_rig,
                                        destroy_rig),
        cmocka_unit_test_setup_teardown(a_hundred_thousand_spellings_are_one_window_each,
                                        create_rig, destroy_rig),
    };
    return cmocka_run_group_tests_name("one_window", tests, NULL, NULL);
}
