// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "rig/rig.h"

#include "base/number.h"
#include "core/decide.h"
#include "crypto/pure/random.h"
#include "store/entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECRET SPAN("a token secret of thirty-two bytes or so")

static int64_t rig_wall_ms(void *ctx)
{
    return ((struct rig *)ctx)->now_ms;
}

static struct mono rig_mono(void *ctx)
{
    return (struct mono){((struct rig *)ctx)->now_ms - RIG_START_MS};
}

static enum memory_fault rig_next_fault(void *ctx)
{
    struct rig *rig = ctx;
    enum memory_fault fault = rig->fault;
    if (rig->fault_skips > 0) {
        rig->fault_skips--;
        return MEMORY_FAULT_NONE;
    }
    if (!rig->fault_stays)
        rig->fault = MEMORY_FAULT_NONE;
    return fault;
}

static void create_routes(struct routes **out, uint32_t channels)
{
    struct err_info info;
    const struct route_provider provider = {SPAN("texts"), channels};
    const struct routes_options options = {.providers = &provider, .providers_count = 1};
    assert_int_equal(routes_create(&options, out, &info), ERR_OK);
}

void rig_carry(struct rig *rig, uint32_t channels)
{
    routes_destroy(&rig->ways);
    create_routes(&rig->ways, channels);
    rig->service.deps.routes = rig->ways;
}

static struct clock clock_of(struct rig *rig)
{
    return (struct clock){rig_wall_ms, rig_mono, rig};
}

static void create_store(struct rig *rig, size_t entries_max)
{
    struct memory_store_options options = memory_store_defaults;
    options.records_max = 1000;
    options.entries_max = entries_max;
    options.clock = clock_of(rig);
    options.faults = (struct memory_faults){rig_next_fault, rig};
    assert_int_equal(memory_store_create(&options, &rig->store), ERR_OK);
}

static void create_service(struct rig *rig)
{
    rig->keyring = keyring_create(&rig->entropy, KEYRING_EPOCH_MS_DEFAULT);
    assert_non_null(rig->keyring);
    assert_int_equal(
        brands_create(rig->store, keyring_wrap(rig->keyring), &rig->entropy, &rig->brands), ERR_OK);
    const struct metrics_options metrics_options = {.now_ns = clock_system_ns};
    assert_int_equal(metrics_create(&metrics_options, &rig->metrics), ERR_OK);
    create_routes(&rig->ways, 1U << CHANNEL_SMS | 1U << CHANNEL_WHATSAPP | 1U << CHANNEL_EMAIL);
    assert_int_equal(decryptor_create(0, &rig->decryptor), ERR_OK);
    const struct service_deps deps = {
        .store = rig->store,
        .keyring = rig->keyring,
        .brands = rig->brands,
        .decryptor = rig->decryptor,
        .metrics = rig->metrics,
        .routes = rig->ways,
    };
    service_init(&rig->service, &deps);
}

static void ignore_output(void *ctx)
{
    (void)ctx;
}

static void create_edge(struct rig *rig)
{
    api_init(&rig->api, &rig->service);
    api_routes(&rig->api, rig->routes);
    rig->router = (struct http_router){rig->routes, API_ROUTES, api_write_error};
    const struct clock clock = clock_of(rig);
    assert_int_equal(api_worker_init(&rig->worker, rig->entropy, clock), ERR_OK);
    const struct http_worker_options options = {
        .router = &rig->router,
        .limits = &http_limits_default,
        .clock = clock,
        .entropy = &rig->entropy,
        .user = &rig->worker,
    };
    rig->http = http_worker_create(&options);
    assert_non_null(rig->http);
    rig->conn = http_conn_open(rig->http, SPAN("192.0.2.1"), rig_mono(rig), ignore_output, NULL);
    assert_non_null(rig->conn);
}

static struct rig *begin(void)
{
    struct rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    assert_int_equal(crypto_init(), ERR_OK);
    rig->now_ms = RIG_START_MS;
    seeded_init(&rig->seeded, 1);
    rig->entropy = seeded_entropy(&rig->seeded);
    return rig;
}

static void create_all_else(struct rig *rig)
{
    struct brand_settings settings;
    create_service(rig);
    create_edge(rig);
    brand_settings_init(&settings);
    rig_put_brand(rig, "DocDemo", &settings);
}

struct rig *rig_create_for(size_t entries_max)
{
    struct rig *rig = begin();
    create_store(rig, entries_max);
    create_all_else(rig);
    return rig;
}

struct rig *rig_create_over(struct store *(*make)(void *ctx, struct clock clock), void *ctx)
{
    struct rig *rig = begin();
    rig->store = make(ctx, clock_of(rig));
    create_all_else(rig);
    return rig;
}

struct rig *rig_create(void)
{
    return rig_create_for(RIG_ENTRIES_MAX);
}

void rig_destroy(struct rig *rig)
{
    http_conn_close(&rig->conn);
    http_worker_destroy(&rig->http);
    api_worker_fini(&rig->worker);
    brands_destroy(&rig->brands);
    decryptor_destroy(&rig->decryptor);
    keyring_destroy(&rig->keyring);
    store_destroy(&rig->store);
    routes_destroy(&rig->ways);
    metrics_destroy(&rig->metrics);
    free(rig);
}

void rig_put_brand(struct rig *rig, const char *name, const struct brand_settings *settings)
{
    struct err_info info = {""};
    enum err err = brands_put(rig->brands, span_of_text(name), settings, SECRET, &info);
    if (err != ERR_OK)
        fail_msg("%s", info.text);
}

static void parse_reply(struct rig *rig)
{
    rig->status = 0;
    rig->body = "";
    if (strncmp(rig->reply, "HTTP/1.1 ", 9) != 0)
        return;
    rig->status =
        (rig->reply[9] - '0') * 100 + (rig->reply[10] - '0') * 10 + (rig->reply[11] - '0');
    const char *head_end = strstr(rig->reply, "\r\n\r\n");
    assert_non_null(head_end);
    rig->body = head_end + 4;
}

void rig_receive(struct rig *rig)
{
    size_t len = 0;
    struct span output = http_conn_output(rig->conn);
    while (output.len > 0) {
        assert_true(len + output.len < sizeof rig->reply);
        memcpy(rig->reply + len, output.data, output.len);
        len += output.len;
        http_conn_sent(rig->conn, output.len, rig_mono(rig));
        output = http_conn_output(rig->conn);
    }
    rig->reply[len] = '\0';
    parse_reply(rig);
}

void rig_send(struct rig *rig, const char *bytes, size_t len)
{
    while (len > 0) {
        size_t room = 0;
        uint8_t *to = http_conn_input(rig->conn, &room);
        assert_true(room > 0);
        size_t part = len < room ? len : room;
        memcpy(to, bytes, part);
        http_conn_received(rig->conn, part, rig_mono(rig));
        bytes += part;
        len -= part;
    }
    store_wake(rig->store);
    rig_receive(rig);
}

void rig_post(struct rig *rig, const char *path, const char *fields, const char *body)
{
    size_t cap = strlen(path) + strlen(fields) + strlen(body) + 256;
    char *request = malloc(cap);
    assert_non_null(request);
    int len = snprintf(request, cap,
                       "POST %s HTTP/1.1\r\nHost: otp.example.com\r\nX-Request-Id: t\r\n"
                       "Content-Length: %zu\r\n%s\r\n%s",
                       path, strlen(body), fields, body);
    assert_in_range(len, 1, cap - 1);
    rig_send(rig, request, (size_t)len);
    free(request);
}

void rig_postf(struct rig *rig, const char *path, const char *format, ...)
{
    char body[2048];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(body, sizeof body, format, args);
    va_end(args);
    assert_in_range(len, 1, sizeof body - 1);
    rig_post(rig, path, "Content-Type: application/json\r\n", body);
}

int rig_code(const struct rig *rig)
{
    const char *at = strstr(rig->body, "\"code\":");
    assert_non_null(at);
    uint64_t code = 0;
    assert_true(parse_u64(span_make(at + 7, strspn(at + 7, "0123456789")), 9999, &code));
    return (int)code;
}

const char *rig_field(struct rig *rig, const char *name, char *out, size_t cap)
{
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "\r\n%s: ", name);
    const char *at = strstr(rig->reply, wanted);
    if (at == NULL || at > rig->body)
        return NULL;
    at += strlen(wanted);
    (void)snprintf(out, cap, "%.*s", (int)strcspn(at, "\r"), at);
    return out;
}

void rig_session_id(const struct rig *rig, char out[SESSION_ID_TEXT_BYTES + 1])
{
    const char *at = strstr(rig->body, "\"sessionId\":\"");
    assert_non_null(at);
    memcpy(out, at + 13, SESSION_ID_TEXT_BYTES);
    out[SESSION_ID_TEXT_BYTES] = '\0';
}

static void derive_otp(struct rig *rig, const struct outbox_entry *entry, struct rig_message *out)
{
    const struct epoch *epoch = epoch_find(keyring_epochs(rig->keyring, rig->now_ms), entry->epoch);
    struct code_source source;
    struct code code;
    assert_non_null(epoch);
    code_source_of(&entry->key, &entry->session, entry->salt, &source);
    code_derive(&epoch->code, &source, entry->length, &code);
    memcpy(out->otp, code.digits, code.length);
    out->otp[code.length] = '\0';
    code_wipe(&code);
}

static void open_address(struct rig *rig, const struct outbox_entry *entry, struct rig_message *out)
{
    uint8_t associated[OUTBOX_ENTRY_ASSOCIATED_BYTES];
    size_t len = 0;
    outbox_entry_associated(entry, associated);
    assert_true(seal_open(keyring_seal(rig->keyring), span_make(associated, sizeof associated),
                          &entry->address, (uint8_t *)out->to, &len));
    out->to[len] = '\0';
}

static void accept_entry(struct delivery_op *op, const struct outbox_entry *entry,
                         const struct record *record, struct delivery *delivery, int64_t now_ms)
{
    (void)entry;
    (void)record;
    (void)now_ms;
    delivery->state = DELIVERY_ACCEPTED;
    delivery->due_at_ms = STORE_NEVER;
    op->is_changed = true;
}

static void assert_accepted(struct delivery_op *op, enum store_outcome outcome)
{
    assert_true(op->is_found);
    assert_int_equal(outcome, STORE_COMMITTED);
}

static size_t claim_and_accept(struct rig *rig, struct claimed_entry *claimed, size_t max)
{
    const struct store_claim claim = {.lease_ms = 1000};
    size_t count = store_claim(rig->store, &claim, claimed, max);
    for (size_t i = 0; i < count; i++) {
        struct delivery_op op = {.handle = claimed[i].handle,
                                 .token = claimed[i].token,
                                 .transition = accept_entry,
                                 .done = assert_accepted};
        store_deliver(rig->store, &op); // done when it returns, of a store in memory
    }
    return count;
}

bool rig_take_first(struct rig *rig, struct rig_message *out)
{
    struct claimed_entry claimed;
    if (claim_and_accept(rig, &claimed, 1) == 0)
        return false;
    out->channel = (enum channel_kind)claimed.entry.channel;
    derive_otp(rig, &claimed.entry, out);
    open_address(rig, &claimed.entry, out);
    return true;
}

bool rig_take_message(struct rig *rig, struct rig_message *out)
{
    struct claimed_entry second;
    bool is_there = rig_take_first(rig, out);
    assert_int_equal(claim_and_accept(rig, &second, 1), 0);
    return is_there;
}

void rig_take_all(struct rig *rig)
{
    struct claimed_entry claimed;
    while (claim_and_accept(rig, &claimed, 1) > 0)
        continue;
}
