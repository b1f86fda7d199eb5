// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A token secret decides who is believed to be logged in. So it is refused when somebody else may
// have read it, when it is short, and when it looks like what people type until they have a real
// one. Whatever is refused, the answer is the same command, and the story ends in it.
//
// Links are followed, and the group may read: that is how systemd and Kubernetes hand over secrets.
#include "config/source.h"

#define TOKEN_KEY_FILE_BYTES_MAX 4096U

// Of 32 random bytes, or of as many hex digits, hardly any two runs in a million have fewer
// different ones; "secretsecretsecret…" has five.
#define DISTINCT_BYTES_MIN 8U

static bool contains_nocase(struct span text, struct span word)
{
    for (size_t i = 0; i + word.len <= text.len; i++) {
        if (span_eq_nocase(span_make(text.data + i, word.len), word))
            return true;
    }
    return false;
}

static size_t distinct_bytes(struct span text)
{
    bool is_seen[256] = {false};
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += is_seen[text.data[i]] ? 0 : 1;
        is_seen[text.data[i]] = true;
    }
    return count;
}

static bool is_placeholder(struct span text)
{
    static const struct span words[] = {
        SPAN("changeme"),    SPAN("change-me"),   SPAN("change_me"),  SPAN("change me"),
        SPAN("placeholder"), SPAN("your-secret"), SPAN("replace-me"),
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (contains_nocase(text, words[i]))
            return true;
    }
    return distinct_bytes(text) < DISTINCT_BYTES_MIN;
}

const char *config_token_secret_fault(struct span secret)
{
    if (secret.len < CONFIG_TOKEN_SECRET_BYTES_MIN)
        return "it has fewer than 32 bytes";
    if (secret.len > CONFIG_TOKEN_SECRET_BYTES_MAX)
        return "it has more than 254 bytes";
    if (is_placeholder(secret))
        return "it holds a placeholder";
    return NULL;
}

// Editors and base64 end a file in a line feed, which is not part of the secret.
static struct span without_line_end(struct span secret)
{
    if (secret.len > 0 && secret.data[secret.len - 1] == '\n')
        secret.len--;
    if (secret.len > 0 && secret.data[secret.len - 1] == '\r')
        secret.len--;
    return secret;
}

static enum err refuse(const char *path, const char *why, struct err_info *info)
{
    err_info_set(info,
                 "tokenKeyFile: %.100s: %s; make one: head -c 48 /dev/urandom | base64 > %.100s && "
                 "chmod 600 %.100s",
                 path, why, path, path);
    return ERR_INVALID;
}

static enum err take_secret(struct config_brand *brand, struct span secret, bool is_private,
                            struct err_info *info)
{
    const char *path = brand->token_key_file;
    if (!is_private) {
        err_info_set(info, "tokenKeyFile: %.100s: others may read or change it; chmod 600 %.100s",
                     path, path);
        return ERR_INVALID;
    }
    secret = without_line_end(secret);
    const char *why = config_token_secret_fault(secret);
    if (why != NULL)
        return refuse(path, why, info);
    memcpy(brand->token_secret, secret.data, secret.len);
    brand->token_secret_len = (uint16_t)secret.len;
    return ERR_OK;
}

enum err config_token_key_load(struct config_brand *brand, struct err_info *info)
{
    uint8_t bytes[TOKEN_KEY_FILE_BYTES_MAX];
    struct file_facts facts;
    struct err_info why;
    enum err err = config_file_read(brand->token_key_file, bytes, sizeof bytes, &facts, &why);
    if (err == ERR_OK)
        err = take_secret(brand, span_make(bytes, facts.len), facts.is_private, info);
    else
        err = refuse(brand->token_key_file, why.text, info);
    explicit_bzero(bytes, sizeof bytes);
    return err;
}
