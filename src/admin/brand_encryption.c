// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The keys of a brand's payload encryption. Of a private key nothing is ever told. What a hash
// decrypts to is, to whoever may change the keys anyway: it finds out why apps are refused.
#include "admin/brand_call.h"
#include "admin/brand_page.h"

#define WHAT_BYTES_MAX 48U

static int answer(struct brand_call *call, const struct brand *brand)
{
    enum err err = brand_page_encryption(brand, &call->out);
    if (err == ERR_OK)
        return 200;
    err_info_set(&call->info, "%s", err_text(err));
    return brand_call_status(err);
}

int brand_action_encryption(struct brand_call *call)
{
    return answer(call, call->brand);
}

static int finish(struct brand_call *call, const char *what)
{
    struct brands *brands = call->http->brands;
    const struct brand_set *set = brands_acquire(brands);
    const struct brand *brand = brand_set_find(set, call->name);
    int status = 409;
    if (brand == NULL)
        err_info_set(&call->info, "somebody else has just removed the brand");
    if (brand != NULL) {
        brand_call_log(call, what, call->brand, brand);
        status = answer(call, brand);
    }
    brands_release(brands, &set);
    return status;
}

int brand_action_add_encryption_key(struct brand_call *call)
{
    const json_t *key = json_object_get(call->body, "privateKey");
    struct span text = span_make(json_string_value(key), json_string_length(key));
    if (text.len == 0) {
        err_info_set(&call->info, "privateKey: an RSA key in PEM is wanted");
        return 422;
    }
    enum err err = brands_import_encryption_key(call->http->brands, call->name, text, &call->info);
    return err == ERR_OK ? finish(call, "encryption key added") : brand_call_status(err);
}

// That the key is in use is a conflict.
static int status_of_retirement(struct brand_call *call, enum err err)
{
    if (err == ERR_NOT_FOUND)
        call->title = SPAN("No such key");
    return err == ERR_INVALID ? 409 : brand_call_status(err);
}

int brand_action_retire_encryption_key(struct brand_call *call)
{
    uint32_t number;
    char storage[WHAT_BYTES_MAX] = {0};
    struct strbuf what = strbuf_over(storage, sizeof storage - 1);
    if (!brand_call_number(call, &number))
        return 400;
    strbuf_put_text(&what, "encryption key retired: ");
    strbuf_put_u64(&what, number);
    enum err err =
        brands_retire_encryption_key(call->http->brands, call->name, number, &call->info);
    return err == ERR_OK ? finish(call, storage) : status_of_retirement(call, err);
}

int brand_action_open_hash(struct brand_call *call)
{
    const json_t *hash = json_object_get(call->body, "hash");
    enum rsa_padding padding =
        json_is_true(json_object_get(call->body, "isOaep")) ? RSA_PADDING_OAEP : RSA_PADDING_PKCS1;
    uint8_t cipher[RSA_KEY_BYTES_MAX];
    size_t len = 0;
    struct span text = span_make(json_string_value(hash), json_string_length(hash));
    if (text.len == 0 || !hash_read_base64(text, cipher, &len)) {
        err_info_set(&call->info, "hash: base64 of at most 512 bytes is wanted");
        return 422;
    }
    brand_page_opened(call->brand, padding, span_make(cipher, len), &call->out);
    return 200;
}
