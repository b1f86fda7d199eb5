// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A secret of a provider, from a file that nobody else can read. Links are followed, and the
// group may read: that is how systemd and Kubernetes hand over secrets.
#include "config/source.h"

#define SECRET_FILE_BYTES_MAX 4096U

static enum err refuse(const struct config_secret_file *file, const char *why,
                       struct err_info *info)
{
    err_info_set(info, "%s: %.200s: %s", file->option, file->path, why);
    return ERR_INVALID;
}

// Editors end a file in a line feed, which is not part of the secret.
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

static enum err check_secret(const struct config_secret_file *file, struct span secret, size_t cap,
                             struct err_info *info)
{
    if (secret.len == 0)
        return refuse(file, "it is empty", info);
    if (has_control(secret))
        return refuse(file, "it has more than one line, or control characters", info);
    if (secret.len < cap)
        return ERR_OK;
    err_info_set(info, "%s: %.200s: it has more than %zu bytes", file->option, file->path, cap - 1);
    return ERR_INVALID;
}

enum err config_secret_load(const struct config_secret_file *file, char *out, size_t cap,
                            struct err_info *info)
{
    uint8_t bytes[SECRET_FILE_BYTES_MAX];
    struct file_facts facts;
    struct err_info why;
    enum err err = config_file_read(file->path, bytes, sizeof bytes, &facts, &why);
    if (err != ERR_OK)
        return refuse(file, why.text, info);
    if (!facts.is_private) {
        err_info_set(info, "%s: %.100s: others may read or change it; chmod 600 %.100s",
                     file->option, file->path, file->path);
        err = ERR_INVALID;
    }
    struct span secret = without_line_end(span_make(bytes, facts.len));
    if (err == ERR_OK)
        err = check_secret(file, secret, cap, info);
    if (err == ERR_OK) {
        memcpy(out, secret.data, secret.len);
        out[secret.len] = '\0';
    }
    explicit_bzero(bytes, sizeof bytes);
    return err;
}
