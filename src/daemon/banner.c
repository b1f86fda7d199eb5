// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "daemon/banner.h"

#define ROW(name) "  " name

static void put_row(struct strbuf *out, const char *name, struct span listen, const char *path,
                    const char *remark)
{
    strbuf_put_text(out, name);
    strbuf_put_text(out, "http://");
    strbuf_put(out, listen);
    strbuf_put_text(out, path);
    strbuf_put_text(out, remark);
    strbuf_put_byte(out, '\n');
}

static void put_store(struct strbuf *out, struct span data_dir)
{
    if (span_is_empty(data_dir)) {
        strbuf_put_text(out,
                        ROW("Store   memory: people, limits and codes are gone when it stops\n"));
        return;
    }
    strbuf_put_text(out, ROW("Store   "));
    strbuf_put(out, data_dir);
    strbuf_put_text(out, " (durable)\n");
}

static void put_curl(struct strbuf *out, const struct banner *banner)
{
    strbuf_put_text(out, "Open a session (README.md goes on from here):\n"
                         "  curl -s http://");
    strbuf_put(out, banner->listen);
    strbuf_put_text(out, "/auth/v1/token/generate -H 'Content-Type: application/json' -d "
                         "'{\"identifierType\":\"MOBILE\",\"identifierValue\":\"919999999993\","
                         "\"brand\":\"");
    strbuf_put(out, banner->brand);
    strbuf_put_text(out, "\",\"deviceId\":\"123456785\"}'\n");
}

void banner_write(const struct banner *banner, struct strbuf *out)
{
    strbuf_put_text(out, "otpd ");
    strbuf_put(out, banner->version);
    strbuf_put_text(out, ", development mode: no message leaves this machine\n");
    put_row(out, ROW("API     "), banner->listen, "/auth/v1", "");
    put_row(out, ROW("Inbox   "), banner->listen, "/dev/inbox", "   every message lands here");
    put_store(out, banner->data_dir);
    strbuf_put_text(out, ROW("Control "));
    strbuf_put(out, banner->control);
    strbuf_put_text(out, "   settings are changed here while it runs\n");
    strbuf_put_text(out, ROW("Brand   "));
    strbuf_put(out, banner->brand);
    strbuf_put_text(out, "\n\n");
    put_curl(out, banner);
    strbuf_put_text(out, "\nready in ");
    strbuf_put_i64(out, banner->ready_ms);
    strbuf_put_text(out, " ms; Ctrl-C stops it\n");
}
