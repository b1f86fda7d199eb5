// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The text of a key file. A key that a person left from an example (all bytes alike, counting up or
// down, "CHANGE…") is refused, and so are two equal ones: each of those is a key that somebody else
// may know. By chance that meets one fresh file in 2^34, which keyring_create_file notices.
#include "crypto/keyring/keyfile.h"

#include "base/assert.h"
#include "base/number.h"

#include <sodium.h>

#define HEADING SPAN("otpd-keys 1")
#define BASE64_VARIANT sodium_base64_VARIANT_ORIGINAL
#define BASE64_BYTES 44U
#define ALL_SEEN ((1U << KEYFILE_COUNT_) - 1)

static const char *const names[] = {
    [KEYFILE_INDEX] = "index",
    [KEYFILE_EPOCHS] = "epochs",
    [KEYFILE_SEAL] = "seal",
    [KEYFILE_WRAP] = "wrap",
};

_Static_assert(sizeof names / sizeof names[0] == KEYFILE_COUNT_, "a name for each key");

struct parser {
    struct keyfile *out;
    unsigned line;
    unsigned seen; // bit 1 << enum keyfile_name
    struct err_info *info;
};

static enum err check_heading(struct span line, struct err_info *info)
{
    if (span_eq(line, HEADING))
        return ERR_OK;
    const struct span before_version = SPAN("otpd-keys ");
    uint64_t version = 0;
    bool is_newer = span_starts_with(line, before_version) &&
                    parse_u64(span_from(line, before_version.len), UINT64_MAX, &version);
    err_info_set(info, is_newer ? "line 1: the format is newer than this otpd knows"
                                : "line 1: not \"otpd-keys 1\"");
    return ERR_INVALID;
}

// Index into names, or KEYFILE_COUNT_.
static unsigned name_find(struct span name)
{
    unsigned i = 0;
    while (i < KEYFILE_COUNT_ && !span_eq(name, span_of_text(names[i])))
        i++;
    return i;
}

static bool key_decode(struct span base64, struct key *out)
{
    size_t len = 0;
    const char *end = NULL;
    int rc = sodium_base642bin(out->bytes, KEY_BYTES, (const char *)base64.data, base64.len, NULL,
                               &len, &end, BASE64_VARIANT);
    return rc == 0 && len == KEY_BYTES && end == (const char *)base64.data + base64.len;
}

static bool key_is_arithmetic(const struct key *key)
{
    uint8_t step = (uint8_t)(key->bytes[1] - key->bytes[0]);
    bool is_arithmetic = step == 0 || step == 1 || step == UINT8_MAX;
    for (size_t i = 1; i < KEY_BYTES; i++)
        is_arithmetic &= (uint8_t)(key->bytes[i] - key->bytes[i - 1]) == step;
    return is_arithmetic;
}

static bool is_placeholder(struct span base64, const struct key *key)
{
    const struct span change = SPAN("CHANGE");
    bool is_asking = span_starts_with(base64, change) ||
                     span_starts_with(span_make(key->bytes, KEY_BYTES), change);
    return is_asking || key_is_arithmetic(key);
}

static enum err parse_line(struct parser *p, struct span line)
{
    struct span base64;
    unsigned name = name_find(span_split(line, ' ', &base64));
    if (name == KEYFILE_COUNT_) {
        err_info_set(p->info, "line %u: begins with no name of a key and a space", p->line);
        return ERR_INVALID;
    }
    if (p->seen & 1U << name) {
        err_info_set(p->info, "line %u: a second key \"%s\"", p->line, names[name]);
        return ERR_INVALID;
    }
    struct key *key = &p->out->keys[name];
    bool is_key = key_decode(base64, key);
    if (!is_key || is_placeholder(base64, key)) {
        err_info_set(p->info, "line %u: key \"%s\" is %s", p->line, names[name],
                     is_key ? "a placeholder" : "not the base64 of 32 bytes");
        return ERR_INVALID;
    }
    p->seen |= 1U << name;
    return ERR_OK;
}

static enum err check_all_seen(const struct parser *p)
{
    if (p->seen == ALL_SEEN)
        return ERR_OK;
    unsigned missing = (unsigned)__builtin_ctz(~p->seen);
    err_info_set(p->info, "key \"%s\" is missing", names[missing]);
    return ERR_INVALID;
}

static enum err check_distinct(const struct keyfile *keyfile, struct err_info *info)
{
    for (unsigned i = 0; i < KEYFILE_COUNT_; i++) {
        for (unsigned j = 0; j < i; j++) {
            const uint8_t *a = keyfile->keys[i].bytes;
            if (!bytes_equal_secret(a, keyfile->keys[j].bytes, KEY_BYTES))
                continue;
            err_info_set(info, "keys \"%s\" and \"%s\" are the same", names[j], names[i]);
            return ERR_INVALID;
        }
    }
    return ERR_OK;
}

enum err keyfile_parse(struct span text, struct keyfile *out, struct err_info *info)
{
    struct parser parser = {.out = out, .line = 1, .info = info};
    // Only whole lines count: a file cut inside of its last one would otherwise lack a key's end.
    if (text.len == 0 || text.data[text.len - 1] != '\n') {
        err_info_set(info, "it does not end with a whole line");
        return ERR_INVALID;
    }
    struct span rest;
    enum err err = check_heading(span_split(text, '\n', &rest), info);
    while (err == ERR_OK && rest.len > 0) {
        parser.line++;
        err = parse_line(&parser, span_split(rest, '\n', &rest));
    }
    if (err == ERR_OK)
        err = check_all_seen(&parser);
    return err == ERR_OK ? check_distinct(out, info) : err;
}

void keyfile_format(const struct keyfile *keyfile, struct strbuf *out)
{
    char base64[BASE64_BYTES + 1];
    strbuf_put(out, HEADING);
    strbuf_put_byte(out, '\n');
    for (unsigned i = 0; i < KEYFILE_COUNT_; i++) {
        (void)sodium_bin2base64(base64, sizeof base64, keyfile->keys[i].bytes, KEY_BYTES,
                                BASE64_VARIANT);
        strbuf_put_text(out, names[i]);
        strbuf_put_byte(out, ' ');
        strbuf_put_text(out, base64);
        strbuf_put_byte(out, '\n');
    }
    wipe(base64, sizeof base64);
    ASSERT(!out->is_overflowed);
}
