// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/admin_secret.h"

#include "base/assert.h"

// Each byte may become six, and there is a little around it.
#define BODY_BYTES_MAX (6U * SECRET_BYTES_MAX + 64U)

int admin_secret_take(const struct admin *admin, const struct admin_secret *kind,
                      struct secret *out)
{
    struct err_info info;
    struct span from;
    struct span name = span_split(span_of_text(admin->words[1]), '=', &from);
    if (!span_eq(name, span_of_text(kind->name)) || from.len == 0)
        return admin_refuse_usage(admin);
    if (kind->read(kind->name, from, out, &info) != ERR_OK)
        return admin_refuse(EXIT_STATUS_DATA, "%s", info.text);
    return EXIT_STATUS_OK;
}

// By hand: what jansson builds is freed without being wiped.
static void put_body(const struct admin_secret *kind, const struct secret *secret,
                     struct strbuf *out)
{
    strbuf_put_byte(out, '{');
    if (secret->len > 0) {
        strbuf_put_json_string(out, span_of_text(kind->name));
        strbuf_put_byte(out, ':');
        strbuf_put_json_string(out, secret_span(secret));
    }
    strbuf_put_byte(out, '}');
    ASSERT(!out->is_overflowed);
}

int admin_secret_send(const struct admin *admin, const struct admin_secret *kind,
                      const struct secret *secret, struct control_reply *out)
{
    uint8_t storage[BODY_BYTES_MAX];
    struct strbuf body = strbuf_over(storage, sizeof storage);
    put_body(kind, secret, &body);
    const struct control_request request = {.method = "POST",
                                            .path = kind->path,
                                            .name = span_of_text(admin->words[0]),
                                            .body = strbuf_span(&body)};
    int status = admin_ask(admin, &request, out);
    explicit_bzero(storage, sizeof storage);
    return status;
}
