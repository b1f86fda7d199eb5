// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "daemon/brands.h"

#include "daemon/brand_lint.h"

static struct span name_of(const struct config_brand *brand)
{
    return span_of_text(brand->name);
}

static bool has_brand(const struct config *config, struct span name)
{
    for (size_t i = 0; i < config->brands_held; i++) {
        if (span_eq_nocase(name_of(config->brands[i]), name))
            return true;
    }
    return false;
}

// Any page may call the development server's API: it knows nobody, and nothing leaves the machine.
static enum err add_dev_brand(struct brands *brands, struct err_info *info)
{
    const struct brand_edit items[] = {
        {.option = option_find(brand_option_table(), SPAN("defaultCountry")),
         .text = SPAN(DEV_BRAND_COUNTRY)},
        {.option = option_find(brand_option_table(), SPAN("corsOrigins")), .text = SPAN("*")},
    };
    const struct brand_edits edits = {.items = items, .count = sizeof items / sizeof items[0]};
    const struct brand_set *set = brands_acquire(brands);
    bool is_there = brand_set_find(set, SPAN(DEV_BRAND_NAME)) != NULL;
    brands_release(brands, &set);
    return is_there ? ERR_OK : brands_add(brands, SPAN(DEV_BRAND_NAME), edits, info);
}

// The texts of what the entry names; they are gone with `storage`.
static struct brand_edits edits_of(const struct config_brand *brand, struct brand_edit *items,
                                   struct strbuf *storage)
{
    struct brand_edits edits = {.items = items};
    for (size_t i = 0; i < brand_options_count; i++) {
        size_t start = storage->len;
        if (brand->setting_lines[i] == 0)
            continue;
        option_put_text(&brand_options[i], &brand->settings, storage);
        items[edits.count++] = (struct brand_edit){.option = &brand_options[i],
                                                   .text = span_from(strbuf_span(storage), start)};
    }
    ASSERT(!storage->is_overflowed);
    return edits;
}

static enum err put_brand(struct brands *brands, const struct config_brand *brand,
                          struct err_info *info)
{
    // Numbers and choices take less room as text than the largest texts do.
    uint8_t texts[sizeof brand->settings + BRAND_OPTIONS_MAX * 16U];
    struct brand_edit items[BRAND_OPTIONS_MAX];
    struct strbuf storage = strbuf_over(texts, sizeof texts);
    struct span secret = span_make(brand->token_secret, brand->token_secret_len);
    struct brand_edits edits = edits_of(brand, items, &storage);
    enum err err = brands_ensure(brands, name_of(brand), edits, secret, info);
    explicit_bzero(texts, sizeof texts);
    if (err != ERR_OK) {
        struct err_info inner = *info;
        err_info_set(info, "brand %s: %s", brand->name, inner.text);
    }
    return err;
}

enum err daemon_brands_put(struct brands *brands, const struct config *config,
                           struct err_info *info)
{
    enum err err = ERR_OK;
    if (config->is_dev && !has_brand(config, SPAN(DEV_BRAND_NAME)))
        err = add_dev_brand(brands, info);
    for (size_t i = 0; i < config->brands_held && err == ERR_OK; i++)
        err = put_brand(brands, config->brands[i], info);
    return err;
}

enum err daemon_brands_ruled(const struct config *config, struct ruled_table *out,
                             struct err_info *info)
{
    enum err err = ruled_table_init(out, span_of_text(config->file), config->brands_held);
    if (err != ERR_OK) {
        err_info_set(info, "brands: %s", err_text(err));
        return err;
    }
    for (size_t i = 0; i < config->brands_held; i++) {
        const struct config_brand *brand = config->brands[i];
        struct ruled_brand *row = &out->brands[i];
        memcpy(row->name, brand->name, sizeof row->name);
        row->line = brand->line;
        row->token_key_line = brand->token_key_line;
        memcpy(row->setting_lines, brand->setting_lines, sizeof row->setting_lines);
    }
    return ERR_OK;
}

struct lint_log {
    struct logger *log;
    struct span brand;
};

static void on_lint_line(void *ctx, enum lint_level level, const char *what, struct span line)
{
    const struct lint_log *lint = ctx;
    if (level == LINT_FACT)
        return;
    LOG_EVENT(lint->log, LOG_WARNING, "brand.text", log_text("brand", lint->brand),
              log_text("setting", span_of_text(what)), log_text("what", line));
}

void daemon_brands_lint(struct logger *log, struct brands *brands)
{
    const struct brand_set *set = brands_acquire(brands);
    for (size_t i = 0; i < brand_set_count(set); i++) {
        const struct brand *brand = brand_set_at(set, i);
        struct lint_log lint = {log, brand->name};
        const struct brand_lint_sink sink = {on_lint_line, &lint};
        enum err err = brand_lint(brand->name, &brand->settings, &sink, NULL);
        ASSERT(err == ERR_OK || err == ERR_NO_MEMORY); // its settings are valid
    }
    brands_release(brands, &set);
}

void daemon_brands_log_freed(struct logger *log, const struct config *old,
                             const struct config *fresh)
{
    for (size_t i = 0; i < old->brands_held; i++) {
        struct span name = name_of(old->brands[i]);
        if (has_brand(fresh, name))
            continue;
        LOG_EVENT(log, LOG_WARNING, "brand.not_in_file", log_text("brand", name),
                  log_text("what", SPAN("it stays as it is; otpd brand remove takes it out")));
    }
}
