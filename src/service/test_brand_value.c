// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/brand_json.h"
#include "service/brand_value.h"
#include "sim/seeded.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define SECRET "0123456789 secret of 32 bytes ok"

#define GOLDEN_VALUE                                                                  \
    "{\"format\":1,\"id\":\"0123456789abcdef\",\"name\":\"DocDemo\",\"settings\":{\"" \
    "otpMaxCount\":3},\"tokenKeys\":[{\"id\":1,\"sealed\":\"Wnb5Tvf6WLPSLEhPlj1cR5Z"  \
    "5LJVJ0_HWjzDkeuipMoRudvuCtaC-1Zx2PTWakkIJyeFn_-7-qinMNa6gmx0jbxLl5F2Obnun\"}]}"

static const struct key wrap_key = {"a wrap key of thirty-two bytes.."};
static const struct key other_key = {"another wrap key of 32 bytes...."};

struct text {
    char bytes[SETTING_VALUE_BYTES_MAX];
    size_t len;
};

static struct span span_of(const struct text *text)
{
    return span_make(text->bytes, text->len);
}

static struct brand_value sample_value(void)
{
    struct brand_value value = {.id = 0x0123456789abcdefU};
    brand_settings_init(&value.settings);
    assert_int_equal(brand_value_set_name(&value, SPAN("DocDemo"), NULL), ERR_OK);
    assert_int_equal(brand_value_add_secret(&value, SPAN(SECRET), 0, NULL), ERR_OK);
    return value;
}

static void set(struct brand_value *value, const char *name, const char *text)
{
    const struct option *option = option_find(brand_option_table(), span_of_text(name));
    assert_non_null(option);
    assert_int_equal(option_set(option, &value->settings, span_of_text(text), NULL), ERR_OK);
}

static void encode(const struct brand_value *value, struct text *out)
{
    struct seeded seeded;
    seeded_init(&seeded, 7);
    struct entropy entropy = seeded_entropy(&seeded);
    struct strbuf buf = strbuf_over(out->bytes, sizeof out->bytes);
    brand_value_encode(value, &wrap_key, &entropy, &buf);
    assert_false(buf.is_overflowed);
    out->len = buf.len;
}

static void assert_same(const struct brand_value *a, const struct brand_value *b)
{
    assert_true(a->id == b->id);
    assert_int_equal(a->secrets_held, b->secrets_held);
    for (size_t i = 0; i < a->secrets_held; i++) {
        assert_int_equal(a->secrets[i].number, b->secrets[i].number);
        assert_true(a->secrets[i].created_at_ms == b->secrets[i].created_at_ms);
        assert_int_equal(a->secrets[i].len, b->secrets[i].len);
        assert_memory_equal(a->secrets[i].bytes, b->secrets[i].bytes, a->secrets[i].len);
    }
    assert_int_equal(a->encryption_held, b->encryption_held);
    for (size_t i = 0; i < a->encryption_held; i++) {
        assert_int_equal(a->encryption[i].number, b->encryption[i].number);
        assert_int_equal(a->encryption[i].len, b->encryption[i].len);
        assert_memory_equal(a->encryption[i].bytes, b->encryption[i].bytes, a->encryption[i].len);
    }
    assert_string_equal(a->name, b->name);
    for (size_t i = 0; i < brand_options_count; i++)
        assert_true(option_is_equal(&brand_options[i], &a->settings, &b->settings));
}

static void assert_head(const struct brand_value *value, const char *head)
{
    struct text text;
    encode(value, &text);
    assert_true(text.len > strlen(head));
    text.bytes[strlen(head)] = '\0';
    assert_string_equal(text.bytes, head);
}

static void test_defaults_are_left_out(void **state)
{
    (void)state;
    struct brand_value value = sample_value();
    assert_head(&value, "{\"format\":1,\"id\":\"0123456789abcdef\",\"name\":\"DocDemo\","
                        "\"settings\":{},\"tokenKeys\":[{\"id\":1,\"sealed\":\"");
}

static void test_what_differs_is_written_by_its_type(void **state)
{
    (void)state;
    struct brand_value value = sample_value();
    set(&value, "otpMaxCount", "3");
    set(&value, "resend", "new");
    set(&value, "defaultCountry", "IN");
    set(&value, "smsTemplate", "\"{otp}\"\n");
    value.secrets[0].number = 4294967295U;
    assert_head(&value, "{\"format\":1,\"id\":\"0123456789abcdef\",\"name\":\"DocDemo\","
                        "\"settings\":{\"otpMaxCount\":3,\"resend\":\"new\",\"defaultCountry\":"
                        "\"IN\",\"smsTemplate\":\"\\\"{otp}\\\"\\n\"},"
                        "\"tokenKeys\":[{\"id\":4294967295,\"sealed\":\"");
}

static void test_the_secret_is_not_in_the_text(void **state)
{
    (void)state;
    struct brand_value value = sample_value();
    struct text text;
    encode(&value, &text);
    assert_null(memmem(text.bytes, text.len, "secret", 6));
}

static struct brand_value value_with_secret_setting(void)
{
    struct brand_value value = sample_value();
    set(&value, "rejectWithoutHeader", "X-Cdn-Key");
    set(&value, "rejectWithoutHeaderValue", "only the CDN knows");
    return value;
}

#define NAMED "{\"rejectWithoutHeader\":\"X-Cdn-Key\"}"

static void test_a_secret_setting_is_sealed(void **state)
{
    (void)state;
    struct brand_value value = value_with_secret_setting();
    struct brand_value again;
    struct text text;
    encode(&value, &text);
    assert_null(memmem(text.bytes, text.len, "CDN", 3));
    assert_non_null(memmem(text.bytes, text.len, NAMED, strlen(NAMED)));
    assert_int_equal(brand_value_decode(span_of(&text), &wrap_key, &again, NULL), ERR_OK);
    assert_same(&value, &again);
    assert_string_equal(again.settings.required_header_value, "only the CDN knows");
    set(&value, "rejectWithoutHeaderValue", "null");
    encode(&value, &text);
    assert_null(memmem(text.bytes, text.len, "sealedSettings", 14));
}

// A value for the option that depends on the seed; sometimes the default.
static void set_random(struct brand_value *value, const struct option *option,
                       struct seeded *seeded)
{
    char text[128];
    struct strbuf out = strbuf_over(text, sizeof text);
    uint64_t pick = seeded_below(seeded, 4);
    size_t choices = 0;
    if (pick == 0)
        return;
    while (option->choices != NULL && option->choices[choices] != NULL)
        choices++;
    if (option->type == OPTION_U32)
        strbuf_put_u64(&out,
                       option->least + seeded_below(seeded, option->most - option->least + 1));
    if (option->type == OPTION_CHOICE)
        strbuf_put_text(&out, option->choices[seeded_below(seeded, choices)]);
    if (option->type == OPTION_BOOL)
        strbuf_put_text(&out, pick == 1 ? "true" : "false");
    if (option->type == OPTION_TEXT) {
        static const char *const texts[] = {"", "ab", "IN", "\"\\", "\xC3\xA9"};
        strbuf_put_text(&out, texts[seeded_below(seeded, COUNT_OF(texts))]);
    }
    if (option->type == OPTION_OBJECT)
        strbuf_put_text(&out, "{\"ar\":{\"emailSubject\":\"\xD8\xB1\"},\"vi\":{}}");
    assert_int_equal(option_set(option, &value->settings, strbuf_span(&out), NULL), ERR_OK);
}

static void test_any_settings_come_back_as_they_were(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct seeded seeded;
        struct brand_value value = sample_value();
        struct brand_value again;
        struct text text;
        seeded_init(&seeded, seed);
        value.id = seeded_u64(&seeded);
        for (size_t i = 0; i < brand_options_count; i++)
            set_random(&value, &brand_options[i], &seeded);
        encode(&value, &text);
        assert_int_equal(brand_value_decode(span_of(&text), &wrap_key, &again, NULL), ERR_OK);
        assert_same(&value, &again);
    }
}

// With as much as settings may have.
static void fill_translations(struct brand_settings *settings)
{
    uint8_t room[BRAND_SETTINGS_JSON_BYTES_MAX];
    struct strbuf out = strbuf_over(room, sizeof room);
    static const char head[] = "{\"vi\":{\"smsTemplate\":\"";
    static const char tail[] = "\"}}";
    memcpy(settings->translations, head, sizeof head - 1);
    brand_settings_put_json(settings, &out);
    size_t pad = sizeof room - out.len - (sizeof tail - 1);
    assert_in_range(sizeof head + pad + sizeof tail, 4096, sizeof settings->translations - 1);
    memset(settings->translations + sizeof head - 1, 'x', pad);
    memcpy(settings->translations + sizeof head - 1 + pad, tail, sizeof tail);
    out = strbuf_over(room, sizeof room);
    brand_settings_put_json(settings, &out);
    assert_false(out.is_overflowed);
    assert_int_equal(out.len, sizeof room);
}

static void fill_encryption_keys(struct brand_value *value)
{
    uint8_t secret[RSA_SECRET_BYTES_MAX];
    for (size_t i = 0; i < BRAND_ENCRYPTION_KEYS_MAX; i++) {
        memset(secret, 'a' + (int)i, sizeof secret);
        struct span bytes = span_make(secret, sizeof secret);
        assert_int_equal(brand_value_add_encryption_key(value, bytes, INT64_MAX, NULL), ERR_OK);
    }
}

static void test_the_largest_value_fits(void **state)
{
    (void)state;
    struct brand_value value = sample_value();
    struct brand_value again;
    struct text text;
    char secret[BRAND_TOKEN_SECRET_BYTES_MAX];
    memset(secret, 's', sizeof secret);
    memset(value.settings.cors_origins, 'o', sizeof value.settings.cors_origins - 1);
    memset(value.settings.words.channels[CHANNEL_SMS].template, '"',
           sizeof value.settings.words.channels[CHANNEL_SMS].template - 1);
    memset(value.settings.words.channels[CHANNEL_EMAIL].template, '\\',
           sizeof value.settings.words.channels[CHANNEL_EMAIL].template - 1);
    memset(value.settings.issuer, '"', sizeof value.settings.issuer - 1);
    memset(value.settings.ogc, '"', sizeof value.settings.ogc - 1);
    memset(value.name, '"', sizeof value.name - 1);
    for (size_t i = 0; i < BRAND_TOKEN_KEYS_MAX; i++)
        assert_int_equal(
            brand_value_add_secret(&value, span_make(secret, sizeof secret), INT64_MAX, NULL),
            ERR_OK);
    memset(value.settings.required_header_value, 'v',
           sizeof value.settings.required_header_value - 1);
    fill_encryption_keys(&value);
    fill_translations(&value.settings);
    encode(&value, &text);
    assert_int_equal(brand_value_decode(span_of(&text), &wrap_key, &again, NULL), ERR_OK);
    assert_same(&value, &again);
}

static void replace(struct text *text, const char *from, const char *to)
{
    char *at = memmem(text->bytes, text->len, from, strlen(from));
    assert_non_null(at);
    size_t tail = text->len - (size_t)(at - text->bytes) - strlen(from);
    assert_true(text->len + strlen(to) <= sizeof text->bytes);
    memmove(at + strlen(to), at + strlen(from), tail);
    memcpy(at, to, strlen(to));
    text->len = text->len - strlen(from) + strlen(to);
}

struct damage_case {
    const char *from;
    const char *to;
    const char *story;
};

#define DAMAGED "the stored value is damaged: "
#define NO_KEY DAMAGED "its token key cannot be read"
#define NO_KEYS DAMAGED "not one to four token keys"

static const struct damage_case damage_cases[] = {
    {"{\"format\":1", "{\"format\":2", "the stored value has format 2; this version knows 1"},
    {"{\"format\":1", "{\"format\":\"1\"", DAMAGED "no format number"},
    {"\"format\":1,", "", DAMAGED "no format number"},
    {"\"format\":1,", "\"format\":1,\"extra\":0,", DAMAGED "it has other members than it should"},
    {"\"name\":\"DocDemo\",", "", DAMAGED "it has other members than it should"},
    {"0123456789abcdef", "0123456789abcde", DAMAGED "no id"},
    {"0123456789abcdef", "0123456789abcdeg", DAMAGED "no id"},
    {"0123456789abcdef", "0123456789abcde\\u0030",
     DAMAGED "its token key does not open; is this "
             "the key file it was made with?"},
    {"\"0123456789abcdef\"", "7", DAMAGED "no id"},
    {"\"DocDemo\"", "7", DAMAGED "no name"},
    {"\"DocDemo\"", "\"\"", "name: a brand's name is not empty and has no spaces at its ends"},
    {"\"DocDemo\"", "\"Doc\\nDemo\"",
     "name: \"Doc?Demo\" is not name of at most 64 bytes, in UTF-8 without control characters"},
    {"{\"otpMaxCount\":3}", "[]", DAMAGED "no settings"},
    {"otpMaxCount", "otpmaxcount", DAMAGED "it has a setting that this version does not know"},
    {"\"otpMaxCount\":3", "\"otpMaxCount\":65", "otpMaxCount: \"65\" is not 1 to 64, or null"},
    {"\"otpMaxCount\":3", "\"otpMaxCount\":-3", "otpMaxCount: \"-3\" is not 1 to 64, or null"},
    {"\"otpMaxCount\":3", "\"otpMaxCount\":3.5", "otpMaxCount: its stored value has another type"},
    {"\"otpMaxCount\":3", "\"otpMaxCount\":\"3\"",
     "otpMaxCount: its stored value has another type"},
    {"\"otpMaxCount\":3", "\"otpMaxCount\":true", "otpMaxCount: its stored value has another type"},
    {"\"otpMaxCount\":3", "\"otpMaxCount\":false",
     "otpMaxCount: its stored value has another type"},
    {"\"otpMaxCount\":3", "\"otpMaxCount\":[3]", "otpMaxCount: its stored value has another type"},
    {"\"otpMaxCount\":3", "\"otpLength\":null", "otpLength: its stored value has another type"},
    {"\"otpMaxCount\":3", "\"resend\":\"NEW\"", "resend: \"NEW\" is not same or new"},
    {"\"otpMaxCount\":3", "\"otpMaxCount\":3,\"otpMaxCount\":4", DAMAGED "no JSON at byte 94"},
    {"[{\"id\":1", "[{\"id\":2",
     DAMAGED "its token key does not open; is this the key file it was "
             "made with?"},
    {"[{\"id\":1", "[{\"id\":0", NO_KEY},
    {"[{\"id\":1", "[{\"id\":4294967296", NO_KEY},
    {"[{\"id\":1", "[{\"id\":\"1\"", NO_KEY},
    {"\"sealed\":\"", "\"sealed\":\"*", NO_KEY},
    {"\"sealed\":\"", "\"seal\":\"", NO_KEY},
    {"[{\"id\":1,", "[{", NO_KEY},
    {"[{\"id\":1,", "[{\"id\":1,\"x\":1,", NO_KEY},
    {"[{\"id\":1,", "[{\"id\":1,\"createdAt\":1,\"x\":1,", NO_KEY},
    {"[{\"id\":1,", "[{\"id\":1,\"createdAt\":0,", NO_KEY},
    {"[{\"id\":1,", "[{\"id\":1,\"createdAt\":-1,", NO_KEY},
    {"[{\"id\":1,", "[{\"id\":1,\"createdAt\":\"1\",", NO_KEY},
    {"[{\"id\":1,", "[{\"id\":1,\"createdAt\":null,", NO_KEY},
    {"[{\"id\":1,", "[{},{\"id\":1,", NO_KEY},
    {"[{\"id\":1,", "[[],{\"id\":1,", NO_KEY},
    {"[{\"id\":1,", "[0,0,0,0,{\"id\":1,", NO_KEYS},
    {"\"tokenKeys\":[", "\"tokenKeys\":[],\"x\":[", DAMAGED "it has other members than it should"},
    {"}]}", "}]", DAMAGED "no JSON at byte 212"},
};

static void test_damage_is_named_and_leaves_nothing(void **state)
{
    (void)state;
    static const struct brand_value nothing;
    for (size_t i = 0; i < COUNT_OF(damage_cases); i++) {
        struct brand_value value = sample_value();
        struct brand_value again;
        struct text text;
        struct err_info info;
        set(&value, "otpMaxCount", "3");
        encode(&value, &text);
        replace(&text, damage_cases[i].from, damage_cases[i].to);
        assert_int_equal(brand_value_decode(span_of(&text), &wrap_key, &again, &info), ERR_INVALID);
        assert_string_equal(info.text, damage_cases[i].story);
        assert_memory_equal(&again, &nothing, sizeof again);
    }
}

struct sealed_case {
    const char *from;
    const char *to;
    const char *story;
};

#define SEALED_HEAD "\"sealedSettings\":{\"rejectWithoutHeaderValue\":\""
#define NO_SECRET_SETTING DAMAGED "a secret setting cannot be read"

static const struct sealed_case sealed_cases[] = {
    {"rejectWithoutHeaderValue", "rejectWithoutHeader",
     DAMAGED "it has a secret setting that this version does not know"},
    {"rejectWithoutHeaderValue", "x",
     DAMAGED "it has a secret setting that this version does not know"},
    {SEALED_HEAD, SEALED_HEAD "!", NO_SECRET_SETTING},
    {SEALED_HEAD, SEALED_HEAD "AAAA", DAMAGED "a secret setting does not open"},
    {SEALED_HEAD, "\"sealedSettings\":{\"rejectWithoutHeaderValue\":1,\"y\":\"", NO_SECRET_SETTING},
    {"\"sealedSettings\":{", "\"sealedSettings\":[],\"y\":{",
     DAMAGED "it has other members than it should"},
    {"\"settings\":{", "\"settings\":{\"rejectWithoutHeaderValue\":\"x\",",
     DAMAGED "it has a setting that this version does not know"},
};

static void test_a_secret_setting_that_was_tampered_with_is_refused(void **state)
{
    (void)state;
    struct brand_value value = value_with_secret_setting();
    for (size_t i = 0; i < COUNT_OF(sealed_cases); i++) {
        struct brand_value again;
        struct text text;
        struct err_info info;
        encode(&value, &text);
        replace(&text, sealed_cases[i].from, sealed_cases[i].to);
        assert_int_equal(brand_value_decode(span_of(&text), &wrap_key, &again, &info), ERR_INVALID);
        assert_string_equal(info.text, sealed_cases[i].story);
    }
}

// The secret of one brand, in the place of another's.
static void test_a_secret_setting_opens_in_its_own_brand_alone(void **state)
{
    (void)state;
    struct brand_value value = value_with_secret_setting();
    struct brand_value other = value_with_secret_setting();
    struct brand_value again;
    struct text from;
    struct text to;
    struct err_info info;
    other.id++;
    encode(&other, &from);
    encode(&value, &to);
    char *source = memmem(from.bytes, from.len, SEALED_HEAD, strlen(SEALED_HEAD));
    char *target = memmem(to.bytes, to.len, SEALED_HEAD, strlen(SEALED_HEAD));
    assert_non_null(source);
    assert_non_null(target);
    memcpy(target, source, from.len - (size_t)(source - from.bytes));
    assert_int_equal(brand_value_decode(span_of(&to), &wrap_key, &again, &info), ERR_INVALID);
    assert_string_equal(info.text, DAMAGED "a secret setting does not open");
}

static void test_a_null_setting_is_taken_where_null_is_a_value(void **state)
{
    (void)state;
    struct brand_value value = sample_value();
    struct brand_value again;
    struct text text;
    encode(&value, &text);
    replace(&text, "{}", "{\"otpMaxCount\":null,\"ogc\":null}");
    assert_int_equal(brand_value_decode(span_of(&text), &wrap_key, &again, NULL), ERR_OK);
    assert_same(&value, &again);
}

static void test_another_wrap_key_does_not_open_it(void **state)
{
    (void)state;
    struct brand_value value = sample_value();
    struct brand_value again;
    struct text text;
    encode(&value, &text);
    assert_int_equal(brand_value_decode(span_of(&text), &other_key, &again, NULL), ERR_INVALID);
}

// Each byte changed in turn: whatever is still taken has the id and secret that it had.
static void test_no_changed_byte_changes_id_or_secret(void **state)
{
    (void)state;
    struct brand_value value = sample_value();
    struct text text;
    size_t refused = 0;
    encode(&value, &text);
    for (size_t i = 0; i < text.len; i++) {
        struct brand_value again;
        struct text changed = text;
        changed.bytes[i] = (char)(changed.bytes[i] ^ 1);
        if (brand_value_decode(span_of(&changed), &wrap_key, &again, NULL) != ERR_OK) {
            refused++;
            continue;
        }
        assert_true(again.id == value.id);
        assert_true(span_eq(brand_value_secret(&again), SPAN(SECRET)));
    }
    assert_true(refused > text.len - sizeof "DocDemo");
}

static void test_no_cut_value_is_taken(void **state)
{
    (void)state;
    struct brand_value value = sample_value();
    struct text text;
    encode(&value, &text);
    for (size_t len = 0; len < text.len; len++) {
        struct brand_value again;
        assert_int_equal(brand_value_decode(span_make(text.bytes, len), &wrap_key, &again, NULL),
                         ERR_INVALID);
    }
}

struct name_case {
    const char *name;
    bool is_taken;
};

static const struct name_case name_cases[] = {
    {"DocDemo", true},
    {"A", true},
    {"Caf\xC3\xA9 & Sons 1", true},
    {"", false},
    {" DocDemo", false},
    {"DocDemo ", false},
    {"Doc\tDemo", false},
    {"Doc\xFF", false},
    {"0123456789012345678901234567890123456789012345678901234567890123", true},
    {"01234567890123456789012345678901234567890123456789012345678901234", false},
};

static void test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(name_cases); i++) {
        struct brand_value value;
        enum err err = brand_value_set_name(&value, span_of_text(name_cases[i].name), NULL);
        assert_int_equal(err, name_cases[i].is_taken ? ERR_OK : ERR_INVALID);
        assert_int_equal(brand_name_check(span_of_text(name_cases[i].name), NULL), err);
        assert_int_equal(brand_name_check_new(span_of_text(name_cases[i].name), NULL), err);
    }
}

// They could be added once, and are in stores.
static void test_a_stored_name_may_have_the_separator_a_new_one_may_not(void **state)
{
    (void)state;
    struct brand_value value = sample_value();
    struct brand_value back;
    struct text text;
    struct err_info info;
    assert_int_equal(brand_name_check_new(SPAN("Doc|Demo"), &info), ERR_INVALID);
    assert_string_equal(info.text, "name: \"Doc|Demo\" has a |, which separates parts of tokens");
    assert_int_equal(brand_name_check(SPAN("Doc|Demo"), NULL), ERR_OK);
    assert_int_equal(brand_value_set_name(&value, SPAN("Doc|Demo"), NULL), ERR_OK);
    encode(&value, &text);
    assert_int_equal(brand_value_decode(span_of(&text), &wrap_key, &back, &info), ERR_OK);
    assert_string_equal(back.name, "Doc|Demo");
}

static void test_secrets_have_32_to_254_bytes(void **state)
{
    (void)state;
    static const char bytes[255] = "";
    struct brand_value value;
    struct err_info info;
    value.secrets_held = 0;
    assert_int_equal(brand_value_add_secret(&value, span_make(bytes, 32), 0, NULL), ERR_OK);
    assert_int_equal(brand_value_add_secret(&value, span_make(bytes, 254), 0, NULL), ERR_OK);
    assert_int_equal(brand_value_add_secret(&value, span_make(bytes, 31), 0, NULL), ERR_INVALID);
    assert_int_equal(brand_value_add_secret(&value, span_make(bytes, 255), 0, &info), ERR_INVALID);
    assert_string_equal(info.text, "token secret: 255 bytes are not 32 to 254");
    assert_int_equal(value.secrets_held, 2);
}

static void add_secret(struct brand_value *value, char fill, int64_t now_ms)
{
    char secret[40];
    memset(secret, fill, sizeof secret);
    assert_int_equal(brand_value_add_secret(value, span_make(secret, sizeof secret), now_ms, NULL),
                     ERR_OK);
}

static void assert_numbers(const struct brand_value *value, const char *expected)
{
    char text[64] = "";
    struct strbuf out = strbuf_over(text, sizeof text - 1);
    for (size_t i = 0; i < value->secrets_held; i++) {
        strbuf_put_u64(&out, value->secrets[i].number);
        strbuf_put_byte(&out, ' ');
    }
    assert_string_equal(text, expected);
}

// What a version that knew one key has written: made by it, and kept as it was.
static void test_a_value_of_the_first_version_is_read(void **state)
{
    (void)state;
    const char *text = GOLDEN_VALUE;
    struct brand_value value;
    assert_int_equal(brand_value_decode(span_of_text(text), &wrap_key, &value, NULL), ERR_OK);
    assert_true(value.id == 0x0123456789abcdefU);
    assert_string_equal(value.name, "DocDemo");
    assert_int_equal(value.settings.otp_max_count, 3);
    assert_numbers(&value, "1 ");
    assert_true(value.secrets[0].created_at_ms == 0);
    assert_true(span_eq(brand_value_secret(&value), SPAN(SECRET)));
    struct text again;
    encode(&value, &again);
    assert_true(span_eq(span_of(&again), span_of_text(text)));
}

static void test_several_keys_come_back_in_order(void **state)
{
    (void)state;
    struct brand_value value = sample_value();
    struct brand_value again;
    struct text text;
    add_secret(&value, 'b', 1790000000000);
    add_secret(&value, 'c', 1790000000001);
    encode(&value, &text);
    assert_non_null(memmem(text.bytes, text.len, "{\"id\":2,\"createdAt\":1790000000000,", 34));
    assert_int_equal(brand_value_decode(span_of(&text), &wrap_key, &again, NULL), ERR_OK);
    assert_same(&value, &again);
    assert_int_equal(brand_value_secret(&again).data[0], 'c');
}

static void test_a_fifth_key_drops_the_oldest(void **state)
{
    (void)state;
    struct brand_value value = sample_value();
    for (char fill = 'b'; fill <= 'f'; fill++)
        add_secret(&value, fill, 1);
    assert_numbers(&value, "3 4 5 6 ");
    assert_int_equal(value.secrets[0].bytes[0], 'c');
    assert_int_equal(brand_value_secret(&value).data[0], 'f');
}

static void test_a_key_is_dropped_unless_it_signs(void **state)
{
    (void)state;
    struct brand_value value = sample_value();
    struct err_info info;
    add_secret(&value, 'b', 1);
    add_secret(&value, 'c', 1);
    assert_int_equal(brand_value_drop_secret(&value, 3, &info), ERR_INVALID);
    assert_string_equal(info.text, "token key 3 signs; rotate first, then retire it");
    assert_int_equal(brand_value_drop_secret(&value, 4, &info), ERR_NOT_FOUND);
    assert_string_equal(info.text, "there is no token key 4");
    assert_int_equal(brand_value_drop_secret(&value, 1, NULL), ERR_OK);
    assert_numbers(&value, "2 3 ");
    assert_int_equal(value.secrets[2].len, 0);
    assert_int_equal(brand_value_drop_secret(&value, 2, NULL), ERR_OK);
    add_secret(&value, 'd', 1);
    assert_numbers(&value, "3 4 ");
}

static void test_numbers_end(void **state)
{
    (void)state;
    struct brand_value value = sample_value();
    struct err_info info;
    value.secrets[0].number = UINT32_MAX;
    assert_int_equal(brand_value_add_secret(&value, SPAN(SECRET), 1, &info), ERR_INVALID);
    assert_string_equal(info.text, "token key: its numbers are used up");
    assert_numbers(&value, "4294967295 ");
}

// Each opens in its own place alone.
static void test_keys_that_changed_places_are_refused(void **state)
{
    (void)state;
    static const struct damage_case cases[] = {
        {"{\"id\":1", "{\"id\":3", NO_KEY},
        {"{\"id\":2", "{\"id\":1", NO_KEY},
        {"{\"id\":2", "{\"id\":0", NO_KEY},
        {"{\"id\":2", "{\"id\":3",
         DAMAGED "its token key does not open; is this the key file it was made with?"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct brand_value value = sample_value();
        struct brand_value again;
        struct text text;
        struct err_info info;
        add_secret(&value, 'b', 0);
        encode(&value, &text);
        replace(&text, cases[i].from, cases[i].to);
        if (i == 0)
            replace(&text, "{\"id\":2", "{\"id\":4");
        assert_int_equal(brand_value_decode(span_of(&text), &wrap_key, &again, &info), ERR_INVALID);
        assert_int_equal(again.secrets_held, 0);
        if (i > 0)
            assert_string_equal(info.text, cases[i].story);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_left_out),
        cmocka_unit_test(test_what_differs_is_written_by_its_type),
        cmocka_unit_test(test_the_secret_is_not_in_the_text),
        cmocka_unit_test(test_any_settings_come_back_as_they_were),
        cmocka_unit_test(test_the_largest_value_fits),
        cmocka_unit_test(test_damage_is_named_and_leaves_nothing),
        cmocka_unit_test(test_a_null_setting_is_taken_where_null_is_a_value),
        cmocka_unit_test(test_another_wrap_key_does_not_open_it),
        cmocka_unit_test(test_no_changed_byte_changes_id_or_secret),
        cmocka_unit_test(test_no_cut_value_is_taken),
        cmocka_unit_test(test_a_secret_setting_is_sealed),
        cmocka_unit_test(test_a_secret_setting_that_was_tampered_with_is_refused),
        cmocka_unit_test(test_a_secret_setting_opens_in_its_own_brand_alone),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_a_stored_name_may_have_the_separator_a_new_one_may_not),
        cmocka_unit_test(test_secrets_have_32_to_254_bytes),
        cmocka_unit_test(test_a_value_of_the_first_version_is_read),
        cmocka_unit_test(test_several_keys_come_back_in_order),
        cmocka_unit_test(test_a_fifth_key_drops_the_oldest),
        cmocka_unit_test(test_a_key_is_dropped_unless_it_signs),
        cmocka_unit_test(test_numbers_end),
        cmocka_unit_test(test_keys_that_changed_places_are_refused),
    };
    return cmocka_run_group_tests_name("brand_value", tests, NULL, NULL);
}
