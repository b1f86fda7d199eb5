// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// All checks of settings come first, in brand_settings_validate; compiling cannot fail after them
// but for memory, and asserts so. Keys of encryption are numbers, which may be none that go
// together. A brand lies on the heap at one address for life: its spans point into it.
#include "service/brand_compile.h"

#include "base/assert.h"
#include "service/brand_list.h"
#include "service/brand_origin.h"
#include "service/brand_text.h"

#include <stdlib.h>

#define MS_PER_SECOND INT64_C(1000)
#define MS_PER_MINUTE (60 * MS_PER_SECOND)

// Tokens name an organisation by up to nine digits; the id's own last ones serve as well as any.
#define OGC_MODULUS 1000000000U

static struct policy policy_of(const struct brand_settings *settings)
{
    return (struct policy){
        .otp_max_count = settings->otp_max_count,
        .otp_window_ms = settings->otp_time_out_minutes * MS_PER_MINUTE,
        .otp_ttl_ms = settings->otp_ttl_seconds * MS_PER_SECOND,
        .session_ttl_ms = settings->session_ttl_seconds * MS_PER_SECOND,
        .lock_ms = settings->lock_seconds * MS_PER_SECOND,
        .otp_length = (uint8_t)settings->otp_length,
        .otp_attempts_max = (uint8_t)settings->otp_max_attempts,
        .lock_after_failures = (uint8_t)settings->lock_after_failures,
        .is_resend_new = settings->resend == BRAND_RESEND_NEW,
    };
}

static void compile_names(struct brand *brand, const struct brand_value *value)
{
    struct span name = span_of_text(value->name);
    ASSERT(name.len <= sizeof brand->name_storage);
    memcpy(brand->name_storage, name.data, name.len);
    brand->name = span_make(brand->name_storage, name.len);
    brand->name_upper = brand_name_upper(name, brand->name_upper_storage);
}

static void compile_ogc(struct brand *brand)
{
    brand->ogc = span_of_text(brand->settings.ogc);
    if (brand->ogc.len > 0)
        return;
    struct strbuf out = strbuf_over(brand->ogc_storage, sizeof brand->ogc_storage);
    strbuf_put_u64(&out, brand->id % OGC_MODULUS);
    strbuf_put_text(&out, "|otpd");
    ASSERT(!out.is_overflowed);
    brand->ogc = strbuf_span(&out);
}

static enum err compile_words(struct brand *brand, struct err_info *info)
{
    enum err err = brand_words_compile(&brand->settings.words, &brand->templates, NULL);
    ASSERT(err == ERR_OK);
    return brand_translations_compile(&brand->settings, &brand->translations,
                                      &brand->translations_held, info);
}

static void compile_origins(struct brand *brand)
{
    struct origin_list list;
    enum err err = origin_list_parse(span_of_text(brand->settings.cors_origins), &list, NULL);
    ASSERT(err == ERR_OK);
    memcpy(brand->origins, list.origins, sizeof brand->origins);
    brand->origins_held = list.held;
    brand->is_any_origin = list.is_any;
}

static void compile_lists(struct brand *brand)
{
    enum err err = brand_identifier_types(&brand->settings, &brand->identifier_types, NULL);
    if (err == ERR_OK)
        err = brand_fallback_channels(&brand->settings, &brand->fallback_channels, NULL);
    ASSERT(err == ERR_OK);
}

static void compile_header(struct brand *brand)
{
    brand->required_header = span_of_text(brand->settings.required_header);
    brand->required_value = span_of_text(brand->settings.required_header_value);
}

static void compile_token_keys(struct brand *brand, const struct brand_value *value)
{
    for (size_t i = 0; i < value->secrets_held; i++) {
        const struct token_secret *secret = &value->secrets[i];
        struct token_key *key = &brand->token_keys[i];
        key->number = secret->number;
        key->created_at_ms = secret->created_at_ms;
        hs256_key_init(&key->hs256, span_make(secret->bytes, secret->len));
    }
    brand->token_keys_held = value->secrets_held;
}

static bool is_listed(const char *list, struct span wanted)
{
    struct span rest = span_of_text(list);
    while (rest.len > 0) {
        if (span_eq(span_split(rest, ' ', &rest), wanted))
            return true;
    }
    return false;
}

static enum err compile_encryption(struct brand *brand, const struct brand_value *value,
                                   struct err_info *info)
{
    brand->is_otp_generate_encrypted =
        is_listed(value->settings.encryption_endpoints, BRAND_OTP_GENERATE);
    for (size_t i = 0; i < value->encryption_held; i++) {
        const struct encryption_secret *secret = &value->encryption[i];
        struct encryption_key *key = &brand->encryption_keys[i];
        enum err err = rsa_key_open(span_make(secret->bytes, secret->len), &key->rsa);
        if (err != ERR_OK) {
            err_info_set(info, "encryption key %u: %s", secret->number, err_text(err));
            return err;
        }
        key->number = secret->number;
        key->created_at_ms = secret->created_at_ms;
        brand->encryption_keys_held++;
    }
    return ERR_OK;
}

enum err brand_create(const struct brand_value *value, struct brand **out, struct err_info *info)
{
    enum err err = brand_settings_validate(&value->settings, info);
    if (err != ERR_OK)
        return err;
    struct brand *brand = calloc(1, sizeof *brand);
    if (brand == NULL) {
        err_info_set(info, "%s", err_text(ERR_NO_MEMORY));
        return ERR_NO_MEMORY;
    }
    brand->id = value->id;
    brand->settings = value->settings;
    brand->policy = policy_of(&value->settings);
    compile_token_keys(brand, value);
    compile_names(brand, value);
    compile_ogc(brand);
    compile_lists(brand);
    compile_header(brand);
    compile_origins(brand);
    err = compile_words(brand, info);
    if (err == ERR_OK)
        err = compile_encryption(brand, value, info);
    if (err != ERR_OK)
        brand_destroy(&brand);
    *out = brand;
    return err;
}

void brand_destroy(struct brand **brand)
{
    if (*brand == NULL)
        return;
    for (size_t i = 0; i < (*brand)->token_keys_held; i++)
        hs256_key_wipe(&(*brand)->token_keys[i].hs256);
    for (size_t i = 0; i < (*brand)->encryption_keys_held; i++)
        rsa_key_destroy(&(*brand)->encryption_keys[i].rsa);
    free((*brand)->translations);
    wipe((*brand)->settings.required_header_value, sizeof(*brand)->settings.required_header_value);
    free(*brand);
    *brand = NULL;
}
