// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A translation is read by the same rows of brand_options as the brand's own texts, over a
// brand_words of its own: a text has one name, one range and one story, whatever its language.
//
// Which wording a message gets, by the language that is wished for:
//
//   a translation fits, and says something for the channel ──▶ it, and the brand's own where it
//                                                               says nothing
//   else ─────────────────────────────────────────────────────▶ the brand's own
#include "service/brand_text.h"

#include "base/assert.h"
#include "base/language.h"

#include <jansson.h>
#include <stdlib.h>

#define WORDS_OFFSET offsetof(struct brand_settings, words)
#define NAME_BYTES_MAX 48U

const struct option *brand_translations_option(void)
{
    return option_find(brand_option_table(), SPAN("translations"));
}

bool brand_option_is_translated(const struct option *option)
{
    return option->offset >= WORDS_OFFSET &&
           option->offset < WORDS_OFFSET + sizeof(struct brand_words);
}

// --- templates -------------------------------------------------------------------------------

static enum err check_longest(const struct template *template, size_t most, struct err_info *info)
{
    size_t longest = template_bytes_longest(template, BRAND_NAME_BYTES_MAX);
    if (longest <= most)
        return ERR_OK;
    err_info_set(info, "template: with the longest values it has %zu bytes; %zu are the most",
                 longest, most);
    return ERR_INVALID;
}

static enum err compile_text(const struct brand_words *words, enum channel_kind kind,
                             struct template *out, struct err_info *info)
{
    static const char *const names[] = {"smsTemplate", "whatsappTemplate", "zaloTemplate",
                                        "emailTemplate"};
    _Static_assert(sizeof names / sizeof names[0] == CHANNEL_COUNT_, "a name for each channel");
    struct span source = span_of_text(words->channels[kind].template);
    bool is_of_sms = source.len == 0 && kind != CHANNEL_EMAIL;
    if (is_of_sms)
        source = span_of_text(words->channels[CHANNEL_SMS].template);
    out->parts_held = 0;
    if (source.len == 0)
        return ERR_OK;
    enum err err = template_compile(source, out, info);
    if (err == ERR_OK)
        err = check_longest(out, MESSAGE_TEXT_BYTES_MAX, info);
    if (err != ERR_OK)
        err_info_wrap(info, names[is_of_sms ? CHANNEL_SMS : kind]);
    return err;
}

static enum err compile_subject(const struct brand_words *words, struct template *out,
                                struct err_info *info)
{
    struct span source = span_of_text(words->email_subject);
    out->parts_held = 0;
    if (source.len == 0)
        return ERR_OK;
    enum err err = template_compile_subject(source, out, info);
    if (err == ERR_OK)
        err = check_longest(out, TEMPLATE_SUBJECT_BYTES_MAX, info);
    if (err != ERR_OK)
        err_info_wrap(info, "emailSubject");
    return err;
}

enum err brand_words_compile(const struct brand_words *words, struct brand_templates *out,
                             struct err_info *info)
{
    for (enum channel_kind kind = 0; kind < CHANNEL_COUNT_; kind++) {
        enum err err = compile_text(words, kind, &out->texts[kind], info);
        if (err != ERR_OK)
            return err;
    }
    return compile_subject(words, &out->subject, info);
}

// --- translations ----------------------------------------------------------------------------

static enum err say_unknown(struct span name, struct err_info *info)
{
    const struct option *nearest = option_nearest(brand_option_table(), name);
    bool has_nearest = nearest != NULL && brand_option_is_translated(nearest);
    err_info_set(info, "a translation has no \"%.*s\"%s%s%s", (int)span_first(name, 48).len,
                 (const char *)name.data, has_nearest ? "; did you mean " : "",
                 has_nearest ? nearest->name : "", has_nearest ? "?" : "");
    return ERR_INVALID;
}

static const struct option *find_translated(struct span name)
{
    const struct option *option = option_find(brand_option_table(), name);
    return option != NULL && brand_option_is_translated(option) ? option : NULL;
}

static enum err read_word(struct brand_words *words, const char *name, const json_t *value,
                          struct err_info *info)
{
    struct span text = span_make(json_string_value(value), json_string_length(value));
    const struct option *option = find_translated(span_of_text(name));
    if (option == NULL)
        return say_unknown(span_of_text(name), info);
    if (text.len == 0) {
        err_info_set(info, "%s: a text is wanted", name);
        return ERR_INVALID;
    }
    struct option row = *option;
    row.offset -= WORDS_OFFSET;
    return option_set(&row, words, text, info);
}

static enum err read_words(json_t *object, struct brand_words *words, struct err_info *info)
{
    const char *name;
    json_t *value;
    if (json_object_size(object) == 0) {
        err_info_set(info, "texts by their names are wanted, as in {\"smsTemplate\":\"…\"}");
        return ERR_INVALID;
    }
    json_object_foreach(object, name, value)
    {
        enum err err = read_word(words, name, value, info);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

// "smsTemplate: …" becomes "translations.vi.smsTemplate: …".
static void wrap(struct span tag, struct err_info *info)
{
    struct err_info inner = *info;
    bool is_of_text = find_translated(span_first(span_of_text(inner.text),
                                                 span_find(span_of_text(inner.text), ':'))) != NULL;
    err_info_set(info, "translations.%.*s%s%s", (int)span_first(tag, 16).len,
                 (const char *)tag.data, is_of_text ? "." : ": ", inner.text);
}

static enum err read_translation(struct span tag, json_t *object, struct brand_translation *out,
                                 struct err_info *info)
{
    enum err err = ERR_INVALID;
    if (!language_is_tag(tag)) {
        err_info_set(info, "it is no language, spelt as in vi, pt-BR or zh-Hant");
    } else {
        memcpy(out->language, tag.data, tag.len);
        err = read_words(object, &out->words, info);
    }
    if (err == ERR_OK)
        err = brand_words_compile(&out->words, &out->templates, info);
    if (err != ERR_OK)
        wrap(tag, info);
    return err;
}

// Of a language that is the brand's own, nobody would ever get the translation.
static enum err check_foreign(const struct brand_settings *settings, const char *tag,
                              struct err_info *info)
{
    if (!span_eq(span_of_text(tag), span_of_text(settings->language)))
        return ERR_OK;
    err_info_set(info, "translations.%s: it is the brand's own language", tag);
    return ERR_INVALID;
}

static enum err read_translations(const struct brand_settings *settings, json_t *root,
                                  struct brand_translation *list, size_t *held_out,
                                  struct err_info *info)
{
    const char *tag;
    json_t *object;
    *held_out = 0;
    if (json_object_size(root) > BRAND_TRANSLATIONS_MAX) {
        err_info_set(info, "translations: more than %u languages", BRAND_TRANSLATIONS_MAX);
        return ERR_INVALID;
    }
    json_object_foreach(root, tag, object)
    {
        enum err err = check_foreign(settings, tag, info);
        if (err == ERR_OK)
            err = read_translation(span_of_text(tag), object, &list[*held_out], info);
        if (err != ERR_OK)
            return err;
        (*held_out)++;
    }
    return ERR_OK;
}

static json_t *load(const struct brand_settings *settings)
{
    struct span text = span_of_text(settings->translations);
    return text.len == 0
               ? json_object()
               : json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
}

// Most brands have a few, and a place is some 12 KB.
static struct brand_translation *shrink(struct brand_translation *list, size_t held)
{
    struct brand_translation *shrunk = realloc(list, (held > 0 ? held : 1) * sizeof *list);
    return shrunk != NULL ? shrunk : list;
}

enum err brand_translations_compile(const struct brand_settings *settings,
                                    struct brand_translation **out, size_t *held_out,
                                    struct err_info *info)
{
    *out = NULL;
    *held_out = 0;
    if (settings->translations[0] == '\0')
        return ERR_OK;
    json_t *root = load(settings);
    struct brand_translation *list = calloc(BRAND_TRANSLATIONS_MAX, sizeof *list);
    enum err err = list == NULL ? ERR_NO_MEMORY : ERR_INVALID;
    if (list == NULL)
        err_info_set(info, "%s", err_text(err));
    else if (!json_is_object(root))
        err_info_set(info, "translations: no object of languages");
    else
        err = read_translations(settings, root, list, held_out, info);
    json_decref(root);
    if (err != ERR_OK) {
        free(list);
        return err;
    }
    *out = shrink(list, *held_out);
    return ERR_OK;
}

// --- changing one ----------------------------------------------------------------------------

static bool is_removal(struct span text)
{
    return text.data == NULL || span_eq(text, SPAN("null"));
}

static enum err put_text(json_t *root, const char *tag, const char *name, struct span text)
{
    json_t *language = json_object_get(root, tag);
    if (language == NULL) {
        language = json_object();
        if (json_object_set_new(root, tag, language) != 0)
            return ERR_NO_MEMORY;
    }
    json_t *value = json_stringn((const char *)text.data, text.len);
    return json_object_set_new(language, name, value) == 0 ? ERR_OK : ERR_INVALID;
}

static void take_text(json_t *root, const char *tag, const char *name)
{
    json_t *language = json_object_get(root, tag);
    (void)json_object_del(language, name);
    if (name[0] == '\0' || json_object_size(language) == 0)
        (void)json_object_del(root, tag);
}

static enum err keep(struct brand_settings *settings, const json_t *root, struct err_info *info)
{
    size_t cap = sizeof settings->translations - 1;
    memset(settings->translations, 0, sizeof settings->translations);
    if (json_object_size(root) == 0)
        return ERR_OK;
    size_t len = json_dumpb(root, settings->translations, cap, JSON_COMPACT | JSON_SORT_KEYS);
    if (len > 0 && len <= cap)
        return ERR_OK;
    err_info_set(info, "translations: together they have more than %zu bytes", cap);
    return ERR_INVALID;
}

struct path {
    char tag[NAME_BYTES_MAX];
    char name[NAME_BYTES_MAX]; // empty: all of that language
};

static bool split_path(struct span text, struct path *out)
{
    struct span name;
    struct span tag = span_split(text, '.', &name);
    memset(out, 0, sizeof *out);
    bool has_name = tag.len < text.len;
    if (!language_is_tag(tag) || name.len >= NAME_BYTES_MAX || (has_name && name.len == 0))
        return false;
    memcpy(out->tag, tag.data, tag.len);
    if (name.len > 0)
        memcpy(out->name, name.data, name.len);
    return true;
}

static enum err edit(struct brand_settings *settings, json_t *root, const struct path *path,
                     struct span text, struct err_info *info)
{
    enum err err = ERR_OK;
    if (is_removal(text))
        take_text(root, path->tag, path->name);
    else
        err = put_text(root, path->tag, path->name, text);
    if (err != ERR_OK)
        err_info_set(info, "translations.%s.%s: it is no text", path->tag, path->name);
    return err == ERR_OK ? keep(settings, root, info) : err;
}

enum err brand_translations_edit(struct brand_settings *settings, struct span path,
                                 struct span text, struct err_info *info)
{
    struct path parts;
    bool is_path = split_path(path, &parts);
    if (!is_path || (parts.name[0] == '\0' && !is_removal(text))) {
        err_info_set(info,
                     "translations.%.*s: a language and a text are wanted, as in "
                     "translations.vi.smsTemplate",
                     (int)span_first(path, 64).len, (const char *)path.data);
        return ERR_INVALID;
    }
    json_t *root = load(settings);
    if (root == NULL) {
        err_info_set(info, "%s", err_text(ERR_NO_MEMORY));
        return ERR_NO_MEMORY;
    }
    enum err err = edit(settings, root, &parts, text, info);
    json_decref(root);
    return err;
}

// --- wordings --------------------------------------------------------------------------------

static bool says_something(const struct brand_translation *translation, enum channel_kind kind)
{
    return translation->templates.texts[kind].parts_held > 0 ||
           translation->words.channels[kind].template_id[0] != '\0';
}

// The one that fits best, the brand's own language too; NULL: the brand's own.
static const struct brand_translation *choose(const struct brand *brand, enum channel_kind kind,
                                              struct span language)
{
    const struct brand_translation *best = NULL;
    unsigned best_fit = language_fit(language, span_of_text(brand->settings.language));
    for (size_t i = 0; i < brand->translations_held; i++) {
        const struct brand_translation *translation = &brand->translations[i];
        unsigned fit = language_fit(language, span_of_text(translation->language));
        if (fit <= best_fit || !says_something(translation, kind))
            continue;
        best_fit = fit;
        best = translation;
    }
    return best;
}

static const struct template *text_of(const struct template *translated, const struct template *own)
{
    return translated->parts_held > 0 ? translated : own;
}

static struct span word_of(const char *translated, const char *own)
{
    return span_of_text(translated[0] != '\0' ? translated : own);
}

static void put_own(const struct brand *brand, enum channel_kind kind, struct wording *out)
{
    const struct brand_channel_words *words = &brand->settings.words.channels[kind];
    *out = (struct wording){
        .text = &brand->templates.texts[kind],
        .subject = kind == CHANNEL_EMAIL ? &brand->templates.subject : NULL,
        .language = span_of_text(brand->settings.language),
        .sender = span_of_text(words->sender),
        .template_id = span_of_text(words->template_id),
    };
}

void brand_wording(const struct brand *brand, enum channel_kind kind, struct span language,
                   struct wording *out)
{
    const struct brand_channel_words *own = &brand->settings.words.channels[kind];
    const struct brand_translation *translation = choose(brand, kind, language);
    put_own(brand, kind, out);
    if (translation == NULL)
        return;
    const struct brand_channel_words *words = &translation->words.channels[kind];
    out->text = text_of(&translation->templates.texts[kind], out->text);
    if (out->subject != NULL)
        out->subject = text_of(&translation->templates.subject, out->subject);
    out->language = span_of_text(translation->language);
    out->sender = word_of(words->sender, own->sender);
    out->template_id = word_of(words->template_id, own->template_id);
}
