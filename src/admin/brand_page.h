// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the admin API tells: options, brands and their settings, as JSON. Token keys are told of by
// number and time alone.

#include "admin/ruled.h"

// {"options":[…]}
void brand_page_options(struct strbuf *out);

// {"brands":[{"name":"DocDemo","changed":3}]}
void brand_page_list(const struct brand_set *set, struct strbuf *out);

// {"name":…,"settings":{…},"changed":[…],"ruledByFile":[…],"tokenKeys":[…]}; the newest key first.
// `ruled` NULL: the file does not name the brand.
void brand_page(const struct brand *brand, const struct ruled_brand *ruled, struct strbuf *out);

// {"name":…,"encryptionKeys":[{"number","bits","createdAt","publicKey","publicKeyDer"}]}; the
// newest key first. ERR_NO_MEMORY.
MUST_CHECK enum err brand_page_encryption(const struct brand *brand, struct strbuf *out);

// {"messages":[{"number":2,"plain":"<base64>"}]}: what each key of that length makes of it.
void brand_page_opened(const struct brand *brand, enum rsa_padding padding, struct span cipher,
                       struct strbuf *out);

// {"format":1,"brands":[{"name":…,"settings":{…}}]}: what differs from its default.
void brand_page_export(const struct brand_set *set, struct strbuf *out);
