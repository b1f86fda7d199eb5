// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys.h"

#include "crypto/pure/random.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define KEYS_NAME "/keys"

static enum err in_memory(struct keyring **out)
{
    struct entropy entropy = entropy_system();
    *out = keyring_create(&entropy, KEYRING_EPOCH_MS_DEFAULT);
    return *out != NULL ? ERR_OK : ERR_NO_MEMORY;
}

static enum err make_directory(const char *path, struct err_info *info)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return ERR_OK;
    err_info_set(info, "cannot make the data directory %s: %s", path, strerror(errno));
    return ERR_IO;
}

// Made at the first start, kept from then on.
static enum err in_data_dir(const char *data_dir, struct keyring **out, struct err_info *info)
{
    struct entropy entropy = entropy_system();
    char path[CONFIG_PATH_BYTES_MAX + sizeof KEYS_NAME] = {0};
    struct strbuf text = strbuf_over(path, sizeof path - 1);
    strbuf_put_text(&text, data_dir);
    strbuf_put_text(&text, KEYS_NAME);
    enum err err = make_directory(data_dir, info);
    if (err != ERR_OK)
        return err;
    err = keyring_create_file(path, &entropy, info);
    if (err != ERR_OK && err != ERR_IN_USE)
        return err;
    return keyring_load(path, KEYRING_EPOCH_MS_DEFAULT, out, info);
}

enum err daemon_keys_open(const struct config *config, struct keyring **out, struct err_info *info)
{
    const struct config_server *server = &config->server;
    if (server->key_file[0] != '\0')
        return keyring_load(server->key_file, KEYRING_EPOCH_MS_DEFAULT, out, info);
    if (!config->is_dev) {
        err_info_set(info, "no key file is set; make one with: otpd init --key-file FILE, and set "
                           "keyFile in the configuration");
        return ERR_INVALID;
    }
    if (server->data_dir[0] != '\0')
        return in_data_dir(server->data_dir, out, info);
    return in_memory(out);
}
