// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Whatever a proxy forwards, the client is the peer or one of the list's elements; and it is one
// that is trusted only where nothing better stands to its left: the list begins there, goes on with
// what is no address, or is too long.
#include "base/assert.h"
#include "http/client_address.h"
#include "http/limits.h"

#define LINES_MAX 8U
#define ELEMENTS_MAX 256U
#define INPUT_MAX 4096U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct list {
    size_t lines_held;
    struct http_field lines[LINES_MAX];
    size_t held;
    struct span elements[ELEMENTS_MAX]; // of all lines, from the left
};

static void add_elements(struct list *list, struct span line)
{
    for (size_t from = 0, at = 0; at <= line.len; at++) {
        if (at < line.len && line.data[at] != ',')
            continue;
        if (list->held < ELEMENTS_MAX)
            list->elements[list->held++] = span_make(line.data + from, at - from);
        from = at + 1;
    }
}

static void take_apart(struct list *list, struct span raw)
{
    *list = (struct list){.lines_held = 0};
    while (raw.len > 0 && list->lines_held < LINES_MAX) {
        struct span line = span_split(raw, '\n', &raw);
        list->lines[list->lines_held++] = (struct http_field){SPAN("X-Forwarded-For"), line};
        add_elements(list, line);
    }
}

static bool is_same(struct span element, const struct ip *client)
{
    struct ip ip;
    return http_client_hop_parse(element, &ip) &&
           span_eq(span_make(&ip, sizeof ip), span_make(client, sizeof *client));
}

static bool is_trusted_hop(const struct ip_ranges *trusted, struct span element)
{
    struct ip ip;
    return http_client_hop_parse(element, &ip) && ip_ranges_have(trusted, &ip);
}

static void check(const struct list *list, const struct ip_ranges *trusted, const struct ip *client)
{
    struct ip ip;
    size_t ours = 0; // at the right end
    while (ours < list->held && is_trusted_hop(trusted, list->elements[list->held - ours - 1]))
        ours++;
    bool is_long = ours >= HTTP_FORWARDED_HOPS_MAX;
    size_t left = is_long ? HTTP_FORWARDED_HOPS_MAX : ours;
    bool has_better = !is_long && ours < list->held &&
                      http_client_hop_parse(list->elements[list->held - ours - 1], &ip);
    if (has_better)
        ASSERT(is_same(list->elements[list->held - ours - 1], client));
    else if (left > 0)
        ASSERT(is_same(list->elements[list->held - left], client));
    ASSERT(has_better != ip_ranges_have(trusted, client));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span peer = SPAN("127.0.0.1");
    uint8_t out[IP_TEXT_BYTES_MAX];
    struct list list;
    struct ip_ranges trusted;
    struct ip client;
    if (size > INPUT_MAX)
        return 0;
    enum err err = ip_ranges_parse(SPAN("127.0.0.1 1.0.0.0/8 ::/16"), &trusted, NULL);
    ASSERT(err == ERR_OK);
    take_apart(&list, span_make(data, size));
    struct http_request request = {.fields = list.lines, .fields_held = list.lines_held};
    struct span text = http_client_address(&trusted, peer, &request, out);
    bool is_ip = ip_parse(text, &client);
    ASSERT(is_ip);
    if (list.held == ELEMENTS_MAX)
        return 0;
    check(&list, &trusted, &client);
    if (text.data == peer.data)
        ASSERT(list.held == 0 || !is_trusted_hop(&trusted, list.elements[list.held - 1]));
    struct span stranger = http_client_address(&trusted, SPAN("192.0.2.1"), &request, out);
    ASSERT(span_eq(stranger, SPAN("192.0.2.1")));
    return 0;
}
