// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "service/brand_header.h"

#include "crypto/pure/mac.h"

// RFC 9110 section 5.6.2.
static bool is_token_byte(uint8_t byte)
{
    bool is_letter = ascii_lower(byte) >= 'a' && ascii_lower(byte) <= 'z';
    return is_letter || ascii_is_digit(byte) || (byte != 0 && strchr("!#$%&'*+-.^_`|~", byte));
}

static bool is_token(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_token_byte(text.data[i]))
            return false;
    }
    return true;
}

// Servers take the spaces around a value away, so that one with spaces there would never be met.
enum err brand_header_check(const struct brand_settings *settings, struct err_info *info)
{
    struct span value = span_of_text(settings->required_header_value);
    if (!is_token(span_of_text(settings->required_header))) {
        err_info_set(info,
                     "rejectWithoutHeader: \"%s\" is no header's name; what the header must hold "
                     "is rejectWithoutHeaderValue",
                     settings->required_header);
        return ERR_INVALID;
    }
    if (span_trim(value).len == value.len)
        return ERR_OK;
    err_info_set(info, "rejectWithoutHeaderValue: the value has spaces at its ends");
    return ERR_INVALID;
}

// The length of a secret is none: only its bytes are compared in constant time.
bool brand_lets_in(const struct brand *brand, struct span value)
{
    struct span wanted = brand->required_value;
    if (span_is_empty(brand->required_header))
        return true;
    if (value.data == NULL)
        return false;
    if (span_is_empty(wanted))
        return true;
    return wanted.len == value.len && bytes_equal_secret(wanted.data, value.data, wanted.len);
}
