// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// SMS are what is paid for by length, and what phones read; of other channels only the size is
// told. Besides, what a translation should have and has not.
#include "daemon/brand_lint.h"

#include "base/assert.h"
#include "service/brand_text.h"

#include <stdlib.h>

#define SECONDS_PER_MINUTE 60U
#define PATH_BYTES_MAX 64U

// One text on its way to the sink.
struct linter {
    const struct brand_lint_sink *sink;
    const struct brand_settings *settings;
    struct template_values values;
    const char *language; // of a translation; NULL: the brand's own
    char what[PATH_BYTES_MAX];
};

// Eight is as wide as any digit.
static struct code longest_code(uint32_t length)
{
    struct code code = {.length = (uint8_t)length};
    for (uint32_t i = 0; i < length; i++)
        code.digits[i] = '8';
    return code;
}

static void on_line(void *ctx, enum lint_level level, struct span line)
{
    const struct linter *linter = ctx;
    linter->sink->on_line(linter->sink->ctx, level, linter->what, line);
}

static void name_text(struct linter *linter, const char *name)
{
    struct strbuf what = strbuf_over(linter->what, sizeof linter->what - 1);
    memset(linter->what, 0, sizeof linter->what);
    if (linter->language != NULL) {
        strbuf_put_text(&what, "translations.");
        strbuf_put_text(&what, linter->language);
        strbuf_put_text(&what, ".");
    }
    strbuf_put_text(&what, name);
}

static void say(struct linter *linter, enum lint_level level, const char *name, const char *line)
{
    name_text(linter, name);
    on_line(linter, level, span_of_text(line));
}

static void say_bytes(struct linter *linter, const char *name, const struct template *template)
{
    uint8_t room[LINT_LINE_BYTES_MAX];
    struct strbuf line = strbuf_over(room, sizeof room);
    struct message text;
    if (template->parts_held == 0)
        return;
    message_init(&text);
    template_render(template, &linter->values, &text);
    strbuf_put_u64(&line, text.len);
    strbuf_put_text(&line, " bytes");
    name_text(linter, name);
    on_line(linter, LINT_FACT, strbuf_span(&line));
    message_wipe(&text);
}

static void lint_sms(struct linter *linter, const struct template *template)
{
    const struct lint_sink sink = {on_line, linter};
    if (template->parts_held == 0)
        return;
    name_text(linter, "smsTemplate");
    sms_lint(template, &linter->values, &sink);
}

static void lint_subject(struct linter *linter, const struct template *subject)
{
    say_bytes(linter, "emailSubject", subject);
    if (template_has_otp(subject))
        say(linter, LINT_FACT, "emailSubject",
            "the code is in it: mail servers log subjects, and lock screens show them");
}

static void lint_words(struct linter *linter, const struct brand_words *words,
                       const struct brand_templates *templates)
{
    lint_sms(linter, &templates->texts[CHANNEL_SMS]);
    if (words->channels[CHANNEL_WHATSAPP].template[0] != '\0')
        say_bytes(linter, "whatsappTemplate", &templates->texts[CHANNEL_WHATSAPP]);
    if (words->channels[CHANNEL_ZALO].template[0] != '\0')
        say_bytes(linter, "zaloTemplate", &templates->texts[CHANNEL_ZALO]);
    say_bytes(linter, "emailTemplate", &templates->texts[CHANNEL_EMAIL]);
    lint_subject(linter, &templates->subject);
}

// A template that is registered for one text does not fit another; WhatsApp's have all languages
// under one name.
static void lint_ids(struct linter *linter, const struct brand_words *words)
{
    static const struct {
        enum channel_kind kind;
        const char *name;
    } rows[] = {{CHANNEL_SMS, "smsTemplateId"}, {CHANNEL_ZALO, "zaloTemplateId"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct brand_channel_words *own = &linter->settings->words.channels[rows[i].kind];
        const struct brand_channel_words *translated = &words->channels[rows[i].kind];
        bool has_text = translated->template[0] != '\0';
        if (has_text && own->template_id[0] != '\0' && translated->template_id[0] == '\0')
            say(linter, LINT_ADVICE, rows[i].name,
                "not set: this text goes out under the id of the brand's own");
    }
}

// A sender or a subject alone makes no message of that language.
static void lint_rest(struct linter *linter, const struct brand_translation *translation)
{
    static const char *const names[] = {"smsTemplate", "whatsappTemplate", "zaloTemplate",
                                        "emailTemplate"};
    _Static_assert(sizeof names / sizeof names[0] == CHANNEL_COUNT_, "a name for each channel");
    for (unsigned kind = 0; kind < CHANNEL_COUNT_; kind++) {
        const struct brand_channel_words *words = &translation->words.channels[kind];
        bool has_subject = kind == CHANNEL_EMAIL && translation->words.email_subject[0] != '\0';
        bool has_rest = has_subject || words->sender[0] != '\0';
        bool is_used =
            translation->templates.texts[kind].parts_held > 0 || words->template_id[0] != '\0';
        if (has_rest && !is_used)
            say(linter, LINT_ADVICE, names[kind],
                "not set: without it the translation is not used for this channel");
    }
}

static void lint_translation(struct linter *linter, const struct brand_translation *translation)
{
    const struct brand_words *words = &translation->words;
    bool has_mail = words->channels[CHANNEL_EMAIL].template[0] != '\0';
    linter->language = translation->language;
    lint_words(linter, words, &translation->templates);
    lint_ids(linter, words);
    lint_rest(linter, translation);
    if (has_mail && words->email_subject[0] == '\0')
        say(linter, LINT_ADVICE, "emailSubject",
            "not set: the subject stays in the brand's own language");
}

static void lint_translations(struct linter *linter, const struct brand_translation *list,
                              size_t count)
{
    if (count > 0 && linter->settings->language[0] == '\0')
        say(linter, LINT_ADVICE, "language",
            "not set: nobody is told which language the brand's own texts are in");
    for (size_t i = 0; i < count; i++)
        lint_translation(linter, &list[i]);
}

enum err brand_lint(struct span brand, const struct brand_settings *settings,
                    const struct brand_lint_sink *sink, struct err_info *info)
{
    const struct code code = longest_code(settings->otp_length);
    struct brand_templates own;
    struct brand_translation *translations = NULL;
    size_t held = 0;
    struct linter linter = {
        .sink = sink,
        .settings = settings,
        .values = {.code = &code,
                   .brand = brand,
                   .minutes =
                       (settings->otp_ttl_seconds + SECONDS_PER_MINUTE - 1) / SECONDS_PER_MINUTE},
    };
    enum err err = brand_settings_validate(settings, info);
    if (err == ERR_OK)
        err = brand_words_compile(&settings->words, &own, info);
    if (err == ERR_OK)
        err = brand_translations_compile(settings, &translations, &held, info);
    if (err != ERR_OK)
        return err;
    lint_words(&linter, &settings->words, &own);
    lint_translations(&linter, translations, held);
    free(translations);
    return ERR_OK;
}
