// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "daemon/store.h"

#include "base/assert.h"
#include "crypto/pure/random.h"
#include "store/embedded/embedded.h"
#include "store/memory/memory.h"

#include <fcntl.h>
#include <unistd.h>

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_TEXT_BYTES 36U

static int digit_of(uint8_t byte)
{
    if (ascii_is_digit(byte))
        return byte - '0';
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

// The digits of a UUID, whatever stands between them. False: not 32 of them.
static bool parse_boot_id(struct span text, struct boot_id *out)
{
    size_t digits = 0;
    for (size_t i = 0; i < text.len && digits < 2 * sizeof out->bytes; i++) {
        int digit = digit_of(text.data[i]);
        if (digit < 0)
            continue;
        out->bytes[digits / 2] = (uint8_t)(out->bytes[digits / 2] << 4 | digit);
        digits++;
    }
    return digits == 2 * sizeof out->bytes;
}

// Without one, every start is taken for one after a reboot.
static struct boot_id read_boot_id(void)
{
    uint8_t text[BOOT_ID_TEXT_BYTES];
    struct boot_id boot = {{0}};
    int file = open(BOOT_ID_FILE, O_RDONLY | O_CLOEXEC);
    ssize_t len = file >= 0 ? read(file, text, sizeof text) : 0;
    if (file >= 0)
        (void)close(file);
    bool is_known = len > 0 && parse_boot_id(span_make(text, (size_t)len), &boot);
    return is_known ? boot : (struct boot_id){{0}};
}

static enum err open_memory(const struct daemon_store_deps *deps, struct store **out,
                            struct err_info *info)
{
    struct memory_store_options options = memory_store_defaults;
    ASSERT(deps->config->is_dev);
    options.entries_max = deps->config->server.outbox_max;
    options.clock = deps->clock;
    options.notices = deps->notices;
    enum err err = memory_store_create(&options, out);
    if (err != ERR_OK)
        err_info_set(info, "store: %s", err_text(err));
    return err;
}

enum err daemon_store_open(const struct daemon_store_deps *deps, struct store **out,
                           struct err_info *info)
{
    const struct config_server *server = &deps->config->server;
    if (server->data_dir[0] == '\0')
        return open_memory(deps, out, info);
    struct embedded_store_options options = embedded_store_defaults;
    options.directory = server->data_dir;
    options.entries_max = server->outbox_max;
    options.journal_bytes = (size_t)server->journal_mib << 20;
    options.entropy = entropy_system();
    options.clock = deps->clock;
    options.boot = read_boot_id();
    options.notices = deps->notices;
    options.log = deps->log;
    options.metrics = deps->metrics;
    keyring_fingerprint(deps->keyring, &options.fingerprint);
    return embedded_store_create(&options, out, info);
}
