// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "service/brand.h"

// The one place where a brand's settings are described. A new setting is a field in brand_settings,
// a row here, and whatever reads it.

#include "address/address.h"
#include "service/brand_header.h"
#include "service/brand_json.h"
#include "service/brand_list.h"
#include "service/brand_origin.h"
#include "service/brand_text.h"

#include <stdlib.h>

#define YEAR_SECONDS 31536000U
#define DAY_SECONDS 86400U
#define WEEK_MINUTES 10080U

// Used hashes are remembered for longer (USED_HASH_MEMORY_MS), so that none is taken twice.
#define ENCRYPTION_SECONDS_MAX 3600U

static const char *const resend_choices[] = {
    [BRAND_RESEND_SAME] = "same",
    [BRAND_RESEND_NEW] = "new",
    NULL,
};

// The channels that reach a phone, by the numbers of enum channel_kind.
static const char *const mobile_channel_choices[] = {
    [CHANNEL_SMS] = "SMS",
    [CHANNEL_WHATSAPP] = "WHATSAPP",
    [CHANNEL_ZALO] = "ZALO",
    NULL,
};

// One GSM 03.38 segment of 160 characters while the brand's name has at most 60.
#define SMS_TEMPLATE                                            \
    "{otp} is your {brand} code, valid for {minutes} minutes. " \
    "Never share it with anyone."

#define EMAIL_TEMPLATE                                                \
    "Your {brand} code is {otp}. It is valid for {minutes} minutes. " \
    "Never share it with anyone; nobody from {brand} will ask you for it."

// Without the code: mail servers log subjects, and lock screens show them.
#define EMAIL_SUBJECT "Your {brand} code"

// Three rows a channel. `null_help` is NULL where there is a default.
#define CHANNEL_ROWS(prefix, kind, template_preset, template_help, id_help)                \
    {.name = prefix "Template",                                                            \
     .type = OPTION_TEXT,                                                                  \
     .preset = template_preset,                                                            \
     TEXT_FIELD(words.channels[kind].template),                                            \
     .has_lines = true,                                                                    \
     .is_nullable = (template_preset) == NULL,                                             \
     .help = template_help},                                                               \
        {.name = prefix "Sender",                                                          \
         .type = OPTION_TEXT,                                                              \
         TEXT_FIELD(words.channels[kind].sender),                                          \
         .is_nullable = true,                                                              \
         .help = "Who it comes from: a name or number that the provider knows; null: the " \
                 "provider's"},                                                            \
    {                                                                                      \
        .name = prefix "TemplateId", .type = OPTION_TEXT,                                  \
        TEXT_FIELD(words.channels[kind].template_id), .is_nullable = true, .help = id_help \
    }

#define FIELD(field) .offset = offsetof(struct brand_settings, field)
#define TEXT_FIELD(field) FIELD(field), .capacity = sizeof((struct brand_settings *)0)->field

const struct option brand_options[] = {
    {.name = "otpMaxCount",
     .type = OPTION_U32,
     .least = 1,
     .most = RECORD_SENDS_MAX,
     FIELD(otp_max_count),
     .is_nullable = true,
     .help =
         "Codes that one number or e-mail address may be sent within otpTimeOut; null: no limit"},
    {.name = "otpTimeOut",
     .type = OPTION_U32,
     .unit = "minutes",
     .least = 1,
     .most = WEEK_MINUTES,
     FIELD(otp_time_out_minutes),
     .is_nullable = true,
     .help = "Length of the sliding window that otpMaxCount counts in; null: no limit"},
    {.name = "otpLength",
     .type = OPTION_U32,
     .unit = "digits",
     .preset = "6",
     .least = 4,
     .most = 10,
     FIELD(otp_length),
     .help = "Length of a code"},
    {.name = "otpTtlSeconds",
     .type = OPTION_U32,
     .unit = "seconds",
     .preset = "1200",
     .least = 1,
     .most = DAY_SECONDS,
     FIELD(otp_ttl_seconds),
     .help = "How long a code validates, from its issue"},
    {.name = "otpMaxAttempts",
     .type = OPTION_U32,
     .unit = "tries",
     .preset = "5",
     .least = 1,
     .most = 20,
     FIELD(otp_max_attempts),
     .help = "Wrong tries at the code of one session, after which a new session is needed"},
    {.name = "resend",
     .type = OPTION_CHOICE,
     .preset = "same",
     .choices = resend_choices,
     FIELD(resend),
     .help =
         "Whether a resend repeats the code while half of its life is left, or makes a new one"},
    {.name = "sessionTtlSeconds",
     .type = OPTION_U32,
     .unit = "seconds",
     .preset = "1200",
     .least = 1,
     .most = DAY_SECONDS,
     FIELD(session_ttl_seconds),
     .help = "How long a session can issue codes"},
    {.name = "tokenTtlSeconds",
     .type = OPTION_U32,
     .unit = "seconds",
     .preset = "3600",
     .least = 1,
     .most = YEAR_SECONDS,
     FIELD(token_ttl_seconds),
     .help = "Life of a token of the mobile endpoints"},
    {.name = "webTokenTtlSeconds",
     .type = OPTION_U32,
     .unit = "seconds",
     .preset = "900",
     .least = 1,
     .most = YEAR_SECONDS,
     FIELD(web_token_ttl_seconds),
     .help = "Life of a token of the web endpoints"},
    {.name = "keyTtlSeconds",
     .type = OPTION_U32,
     .unit = "seconds",
     .least = 1,
     .most = 10 * YEAR_SECONDS,
     FIELD(key_ttl_seconds),
     .is_nullable = true,
     .help = "Life of a refresh key; null: it does not end"},
    {.name = "lockAfterFailures",
     .type = OPTION_U32,
     .unit = "tries",
     .preset = "100",
     .least = 5,
     .most = 100,
     FIELD(lock_after_failures),
     .help = "Wrong tries in a row, over all sessions of a person, that lock him out for a while"},
    {.name = "lockSeconds",
     .type = OPTION_U32,
     .unit = "seconds",
     .preset = "1800",
     .least = 1,
     .most = DAY_SECONDS,
     FIELD(lock_seconds),
     .help = "How long such a lock lasts"},
    {.name = "identifierTypes",
     .type = OPTION_TEXT,
     .unit = "list",
     .preset = "MOBILE EMAIL USERNAME",
     TEXT_FIELD(identifier_types),
     .help = "What people may log in by, separated by spaces"},
    {.name = "mobileChannel",
     .type = OPTION_CHOICE,
     .preset = "SMS",
     .choices = mobile_channel_choices,
     FIELD(mobile_channel),
     .help = "How codes go to a phone"},
    {.name = "fallbackChannels",
     .type = OPTION_TEXT,
     .unit = "list",
     .preset = "SMS WHATSAPP ZALO EMAIL",
     TEXT_FIELD(fallback_channels),
     .is_nullable = true,
     .help = "What a caller may ask for by ?fallbackChannel=, separated by spaces; null: nothing"},
    {.name = "defaultCountry",
     .type = OPTION_TEXT,
     .unit = "country code",
     TEXT_FIELD(default_country),
     .is_nullable = true,
     .help = "Two-letter country that numbers without plus or 00 belong to; null: international",
     .hazard = "people whose numbers come without plus or 00 would be others, known to nobody"},
    {.name = "issuer",
     .type = OPTION_TEXT,
     .preset = "otpd",
     TEXT_FIELD(issuer),
     .help = "The iss of tokens"},
    {.name = "ogc",
     .type = OPTION_TEXT,
     TEXT_FIELD(ogc),
     .is_nullable = true,
     .help = "The ogc of tokens, as ORG|USER; null: made from the brand's id"},
    {.name = "corsOrigins",
     .type = OPTION_TEXT,
     .unit = "list",
     TEXT_FIELD(cors_origins),
     .is_nullable = true,
     .help = "Web origins that may call, as https://shop.example.com, separated by spaces; or *"},
    {.name = "rejectWithoutHeader",
     .type = OPTION_TEXT,
     .unit = "name",
     TEXT_FIELD(required_header),
     .is_nullable = true,
     .help =
         "Header that a CDN adds, without which otp/generate answers 403; null: none is needed"},
    {.name = "rejectWithoutHeaderValue",
     .type = OPTION_TEXT,
     TEXT_FIELD(required_header_value),
     .is_nullable = true,
     .is_secret = true,
     .help = "What that header must hold; null: it only has to be there"},
    {.name = "language",
     .type = OPTION_TEXT,
     .unit = "language",
     TEXT_FIELD(language),
     .is_nullable = true,
     .help = "Language of the texts that follow, as in en or pt-BR; null: it is not told"},
    CHANNEL_ROWS("sms", CHANNEL_SMS, SMS_TEMPLATE,
                 "Text to phones, with the tags {otp}, {brand} and {minutes}",
                 "Id under which the SMS provider knows the text, such as DLT's; null: the "
                 "provider's"),
    CHANNEL_ROWS("whatsapp", CHANNEL_WHATSAPP, NULL,
                 "Text for WhatsApp, where the provider takes one; null: as smsTemplate",
                 "Name of the approved WhatsApp template; null: the provider's"),
    CHANNEL_ROWS("zalo", CHANNEL_ZALO, NULL,
                 "Text for Zalo, where the provider takes one; null: as smsTemplate",
                 "Id of the Zalo template; null: the provider's"),
    CHANNEL_ROWS("email", CHANNEL_EMAIL, EMAIL_TEMPLATE,
                 "Text of e-mails, with the tags {otp}, {brand} and {minutes}",
                 "Id of the template at an e-mail provider with a recipe; null: the provider's"),
    {.name = "emailSubject",
     .type = OPTION_TEXT,
     .preset = EMAIL_SUBJECT,
     TEXT_FIELD(words.email_subject),
     .help = "Subject of e-mails, with the same tags; {otp} need not be in it"},
    {.name = "translations",
     .type = OPTION_OBJECT,
     TEXT_FIELD(translations),
     .is_nullable = true,
     .help = "The same texts in other languages, an object of texts for each, such as vi"},
    {.name = "encryption.endpoints",
     .type = OPTION_TEXT,
     .unit = "list",
     TEXT_FIELD(encryption_endpoints),
     .is_nullable = true,
     .help = "Endpoints that want a hash made with the brand's encryption key: otp/generate; null: "
             "none"},
    {.name = "encryption.validSeconds",
     .type = OPTION_U32,
     .unit = "seconds",
     .preset = "120",
     .least = 1,
     .most = ENCRYPTION_SECONDS_MAX,
     FIELD(encryption_valid_seconds),
     .help = "How long a hash may be used, from the time that it carries"},
    {.name = "encryption.pkcs1",
     .type = OPTION_BOOL,
     .preset = "true",
     FIELD(encryption_pkcs1),
     .help = "Whether hashes with PKCS#1 v1.5 padding are taken; those with OAEP always are"},
};

const size_t brand_options_count = sizeof brand_options / sizeof brand_options[0];

void brand_settings_init(struct brand_settings *settings)
{
    memset(settings, 0, sizeof *settings);
    option_table_preset(brand_option_table(), settings);
}

static bool is_upper_letter(char c)
{
    return c >= 'A' && c <= 'Z';
}

// The form alone: a brand that is kept must not end a start because some country's numbers are
// gone.
static enum err check_country(const struct brand_settings *settings, struct err_info *info)
{
    const char *country = settings->default_country;
    if (country[0] == '\0' || (is_upper_letter(country[0]) && is_upper_letter(country[1])))
        return ERR_OK;
    err_info_set(info, "defaultCountry: \"%s\" is not two upper-case letters, as in IN", country);
    return ERR_INVALID;
}

// The reserve of the owner's device is taken out of these failures: it cannot be more than all of
// them.
static enum err check_tries(const struct brand_settings *settings, struct err_info *info)
{
    if (settings->otp_max_attempts <= settings->lock_after_failures)
        return ERR_OK;
    err_info_set(info, "otpMaxAttempts: %u is more than lockAfterFailures, which is %u",
                 settings->otp_max_attempts, settings->lock_after_failures);
    return ERR_INVALID;
}

static enum err check_language(const struct brand_settings *settings, struct err_info *info)
{
    struct span language = span_of_text(settings->language);
    if (language.len == 0 || language_is_tag(language))
        return ERR_OK;
    err_info_set(info, "language: \"%s\" is no language, spelt as in vi, pt-BR or zh-Hant",
                 settings->language);
    return ERR_INVALID;
}

// A text that must not be null may be empty all the same.
static enum err check_is_there(const char *name, const char *text, struct err_info *info)
{
    if (text[0] != '\0')
        return ERR_OK;
    err_info_set(info, "%s: it is empty", name);
    return ERR_INVALID;
}

static enum err check_words(const struct brand_settings *settings, struct err_info *info)
{
    struct brand_templates compiled;
    const struct brand_words *words = &settings->words;
    enum err err = brand_words_compile(words, &compiled, info);
    if (err == ERR_OK)
        err = check_is_there("smsTemplate", words->channels[CHANNEL_SMS].template, info);
    if (err == ERR_OK)
        err = check_is_there("emailTemplate", words->channels[CHANNEL_EMAIL].template, info);
    if (err == ERR_OK)
        err = check_is_there("emailSubject", words->email_subject, info);
    return err;
}

static enum err check_translations(const struct brand_settings *settings, struct err_info *info)
{
    struct brand_translation *translations;
    size_t held;
    enum err err = brand_translations_compile(settings, &translations, &held, info);
    free(translations);
    return err;
}

static enum err check_size(const struct brand_settings *settings, struct err_info *info)
{
    uint8_t room[BRAND_SETTINGS_JSON_BYTES_MAX];
    struct strbuf out = strbuf_over(room, sizeof room);
    brand_settings_put_json(settings, &out);
    if (!out.is_overflowed)
        return ERR_OK;
    err_info_set(info, "settings: as JSON they have more than %u bytes together",
                 BRAND_SETTINGS_JSON_BYTES_MAX);
    return ERR_INVALID;
}

static enum err check_encryption(const struct brand_settings *settings, struct err_info *info)
{
    struct span rest = span_of_text(settings->encryption_endpoints);
    while (rest.len > 0) {
        struct span word = span_split(rest, ' ', &rest);
        if (word.len == 0 || span_eq(word, BRAND_OTP_GENERATE))
            continue;
        err_info_set(info, "encryption.endpoints: \"%.*s\" is not otp/generate", (int)word.len,
                     (const char *)word.data);
        return ERR_INVALID;
    }
    return ERR_OK;
}

static enum err check_lists(const struct brand_settings *settings, struct err_info *info)
{
    uint32_t bits;
    enum err err = brand_identifier_types(settings, &bits, info);
    return err == ERR_OK ? brand_fallback_channels(settings, &bits, info) : err;
}

static enum err check_origins(const struct brand_settings *settings, struct err_info *info)
{
    struct origin_list origins;
    enum err err = origin_list_parse(span_of_text(settings->cors_origins), &origins, info);
    if (err != ERR_OK)
        err_info_wrap(info, "corsOrigins");
    return err;
}

enum err brand_settings_check_hazards(const struct brand_settings *before,
                                      const struct brand_settings *after, struct err_info *info)
{
    for (size_t i = 0; i < brand_options_count; i++) {
        const struct option *option = &brand_options[i];
        if (option->hazard == NULL || option_is_equal(option, before, after))
            continue;
        err_info_set(info, "%s: %s; it changes only by force (--force)", option->name,
                     option->hazard);
        return ERR_UNFORCED;
    }
    return ERR_OK;
}

enum err brand_settings_check_country(const struct brand_settings *settings, struct err_info *info)
{
    struct span country = span_of_text(settings->default_country);
    if (country.len == 0 || address_has_country(country))
        return ERR_OK;
    err_info_set(info, "defaultCountry: no country with numbers of its own is called \"%s\"",
                 settings->default_country);
    return ERR_INVALID;
}

// The first one that fails: its story is enough for a person who has just set one value.
enum err brand_settings_validate(const struct brand_settings *settings, struct err_info *info)
{
    static enum err (*const checks[])(const struct brand_settings *, struct err_info *) = {
        check_country,  check_tries, check_lists,        check_origins,    brand_header_check,
        check_language, check_words, check_translations, check_encryption, check_size,
    };
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        enum err err = checks[i](settings, info);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}
