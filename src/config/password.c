// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The password of a provider, from a file that nobody else can read. Links are followed, and the
// group may read: that is how systemd and Kubernetes hand over secrets.
#include "config/source.h"

// One byte more than fits, and a line end.
#define PASSWORD_FILE_BYTES_MAX (SMTP_PASSWORD_BYTES_MAX + 3U)

static enum err refuse(const char *path, const char *why, struct err_info *info)
{
    err_info_set(info, "passwordFile: %.200s: %s", path, why);
    return ERR_INVALID;
}

// Editors end a file in a line feed, which is not part of the password.
static struct span without_line_end(struct span text)
{
    if (text.len > 0 && text.data[text.len - 1] == '\n')
        text.len--;
    if (text.len > 0 && text.data[text.len - 1] == '\r')
        text.len--;
    return text;
}

static bool has_control(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < ' ' || text.data[i] == 0x7F)
            return true;
    }
    return false;
}

static enum err take_password(struct config_provider *provider, struct span password,
                              bool is_private, struct err_info *info)
{
    const char *path = provider->smtp.password_file;
    if (!is_private) {
        err_info_set(info, "passwordFile: %.100s: others may read or change it; chmod 600 %.100s",
                     path, path);
        return ERR_INVALID;
    }
    if (password.len == 0)
        return refuse(path, "it is empty", info);
    if (password.len >= sizeof provider->password)
        return refuse(path, "it has more than 255 bytes", info);
    if (has_control(password))
        return refuse(path, "it has more than one line, or control characters", info);
    memcpy(provider->password, password.data, password.len);
    provider->password[password.len] = '\0';
    return ERR_OK;
}

enum err config_password_load(struct config_provider *provider, struct err_info *info)
{
    uint8_t bytes[PASSWORD_FILE_BYTES_MAX];
    struct file_facts facts;
    struct err_info why;
    const char *path = provider->smtp.password_file;
    enum err err = config_file_read(path, bytes, sizeof bytes, &facts, &why);
    if (err != ERR_OK)
        return refuse(path, why.text, info);
    struct span password = without_line_end(span_make(bytes, facts.len));
    err = take_password(provider, password, facts.is_private, info);
    explicit_bzero(bytes, sizeof bytes);
    return err;
}
