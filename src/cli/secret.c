// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The rules for a file are those of the configuration's tokenKeyFile. The bytes have to be text,
// because JSON carries them to the server.
#include "cli/secret.h"

#include "base/unicode_digit.h"
#include "config/source.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static enum err read_stdin(struct secret *out, struct err_info *info)
{
    while (out->len < sizeof out->bytes) {
        ssize_t got = read(STDIN_FILENO, out->bytes + out->len, sizeof out->bytes - out->len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            err_info_set(info, "standard input: %s", strerrordesc_np(errno));
            return ERR_INVALID;
        }
        if (got == 0)
            return ERR_OK;
        out->len += (size_t)got;
    }
    err_info_set(info, "standard input: it has %zu bytes or more", sizeof out->bytes);
    return ERR_INVALID;
}

static enum err read_file(struct span path, struct secret *out, struct err_info *info)
{
    char name[CONFIG_PATH_BYTES_MAX];
    struct file_facts facts;
    struct err_info why;
    if (path.len >= sizeof name) {
        err_info_set(info, "the file's name is too long");
        return ERR_INVALID;
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)path.len, (const char *)path.data);
    if (config_file_read(name, out->bytes, sizeof out->bytes, &facts, &why) != ERR_OK) {
        err_info_set(info, "%.200s: %.200s", name, why.text);
        return ERR_INVALID;
    }
    out->len = facts.len;
    if (facts.is_private)
        return ERR_OK;
    err_info_set(info, "%.200s: others may read or change it; chmod 600 %.200s", name, name);
    return ERR_INVALID;
}

static bool is_text(struct span bytes)
{
    uint32_t scalar;
    while (bytes.len > 0) {
        if (!utf8_take(&bytes, &scalar) || scalar == 0)
            return false;
    }
    return true;
}

// Editors and base64 end a file in a line feed, which is not part of the secret.
static enum err trim(struct secret *secret, struct err_info *info)
{
    if (secret->len > 0 && secret->bytes[secret->len - 1] == '\n')
        secret->len--;
    if (secret->len > 0 && secret->bytes[secret->len - 1] == '\r')
        secret->len--;
    if (secret->len == 0) {
        err_info_set(info, "there is nothing in it");
        return ERR_INVALID;
    }
    if (!is_text(secret_span(secret))) {
        err_info_set(info, "it is no text; base64 makes it one");
        return ERR_INVALID;
    }
    return ERR_OK;
}

static enum err read_from(const char *name, struct span from, struct secret *out,
                          struct err_info *info)
{
    if (span_eq(from, SPAN("-")))
        return read_stdin(out, info);
    if (from.len > 1 && from.data[0] == '@')
        return read_file(span_from(from, 1), out, info);
    err_info_set(info,
                 "a secret on the command line is seen by every user of this machine; put it into "
                 "a file: %.64s=@FILE",
                 name);
    return ERR_INVALID;
}

enum err secret_read(const char *name, struct span from, struct secret *out, struct err_info *info)
{
    *out = (struct secret){0};
    enum err err = read_from(name, from, out, info);
    if (err == ERR_OK)
        err = trim(out, info);
    if (err == ERR_OK)
        return ERR_OK;
    err_info_wrap(info, name);
    secret_wipe(out);
    return err;
}

enum err secret_read_token_key(const char *name, struct span from, struct secret *out,
                               struct err_info *info)
{
    enum err err = secret_read(name, from, out, info);
    if (err != ERR_OK)
        return err;
    const char *fault = config_token_secret_fault(secret_span(out));
    if (fault == NULL)
        return ERR_OK;
    err_info_set(info,
                 "%s: %s; make one: head -c 48 /dev/urandom | base64 > FILE && chmod 600 FILE",
                 name, fault);
    secret_wipe(out);
    return ERR_INVALID;
}

void secret_wipe(struct secret *secret)
{
    explicit_bzero(secret, sizeof *secret);
}
