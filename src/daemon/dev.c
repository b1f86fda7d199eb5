// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "daemon/dev.h"

#include "address/address.h"
#include "channel/capture.h"
#include "daemon/brands.h"

static void keep_message(void *ctx, const struct captured_message *message)
{
    struct inbox_message copy = {
        .brand = message->brand,
        .channel = message->kind,
        .to = message->to,
        .text = message->text,
        .otp = message->otp,
        .sent_at_ms = message->sent_at_ms,
    };
    inbox_add(ctx, &copy);
}

// Whoever looks into the inbox names no brand: numbers are taken as DocDemo takes them.
static bool canonical(void *ctx, bool is_email, struct span spelling, struct strbuf *out)
{
    (void)ctx;
    struct address address;
    enum address_kind kind = is_email ? ADDRESS_EMAIL : ADDRESS_MOBILE;
    if (!address_parse(kind, spelling, SPAN(DEV_BRAND_COUNTRY), &address))
        return false;
    strbuf_put(out, address_value(&address));
    return true;
}

enum err dev_create(struct graph *graph, struct err_info *info)
{
    enum err err = inbox_create(&graph->inbox);
    if (err == ERR_OK) {
        struct capture_sink sink = {.on_message = keep_message, .ctx = graph->inbox};
        err = capture_create(&sink, &graph->capture);
    }
    if (err != ERR_OK)
        err_info_set(info, "development inbox: %s", err_text(err));
    graph->inbox_http = (struct inbox_http){.inbox = graph->inbox, .canonical = canonical};
    return err;
}
