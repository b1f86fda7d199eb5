// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "daemon/brands.h"

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
static enum err put_dev_brand(struct brands *brands, struct err_info *info)
{
    struct brand_settings settings;
    brand_settings_init(&settings);
    memcpy(settings.default_country, DEV_BRAND_COUNTRY, sizeof DEV_BRAND_COUNTRY);
    memcpy(settings.cors_origins, "*", sizeof "*");
    return brands_put(brands, SPAN(DEV_BRAND_NAME), &settings, SPAN(""), info);
}

enum err daemon_brands_put(struct brands *brands, const struct config *config,
                           struct err_info *info)
{
    if (config->is_dev && !has_brand(config, SPAN(DEV_BRAND_NAME))) {
        enum err err = put_dev_brand(brands, info);
        if (err != ERR_OK)
            return err;
    }
    for (size_t i = 0; i < config->brands_held; i++) {
        const struct config_brand *brand = config->brands[i];
        struct span secret = span_make(brand->token_secret, brand->token_secret_len);
        enum err err = brands_put(brands, name_of(brand), &brand->settings, secret, info);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

enum err daemon_brands_drop(struct brands *brands, const struct config *old,
                            const struct config *fresh, struct err_info *info)
{
    for (size_t i = 0; i < old->brands_held; i++) {
        struct span name = name_of(old->brands[i]);
        bool is_kept =
            has_brand(fresh, name) || (fresh->is_dev && span_eq_nocase(name, SPAN(DEV_BRAND_NAME)));
        enum err err = is_kept ? ERR_OK : brands_remove(brands, name, info);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}
