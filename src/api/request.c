// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The checks that endpoints share. None of them writes anything: up to the service, a request costs
// no more than its own memory.
#include "api/batch.h"

#include "base/assert.h"

#define JSON_MEDIA_TYPE SPAN("application/json")

void request_init(struct api_request *request, const struct api_mount *mount,
                  struct http_exchange *exchange)
{
    struct service *service = mount->api->service;
    *request = (struct api_request){
        .mount = mount,
        .exchange = exchange,
        .worker = exchange->worker,
        .service = service,
        .arena = &exchange->arena,
        .body = exchange->request.body,
        .now_ms = store_now_ms(service->deps.store),
        .channel = -1,
    };
}

void request_run(struct api_request *request)
{
    const struct endpoint *endpoint = request->mount->endpoint;
    for (request_check *const *check = endpoint->checks; *check != NULL; check++) {
        if (!(*check)(request))
            return;
    }
    endpoint->act(request);
}

// RFC 9110 section 8.3: parameters (charset, mostly) follow a semicolon.
bool check_media_type(struct api_request *request)
{
    struct span parameters;
    struct span type = span_split(request->exchange->request.content_type, ';', &parameters);
    if (!span_eq_nocase(span_trim(type), JSON_MEDIA_TYPE))
        return request_refuse(request, API_MEDIA_TYPE_UNSUPPORTED);
    return true;
}

// An unknown identifierType is told even where something else is wrong too.
static enum api_status read_shape(struct api_request *request)
{
    const struct api_mount *mount = request->mount;
    struct api_fault fault = {0};
    enum api_status read =
        api_fields_read(request->worker->json, request->body, mount->endpoint->message,
                        mount->is_web, &request->fields, &request->fault);
    enum api_status spelt = identifier_spell(&request->fields, &request->spelling, &fault);
    if (read != API_SUCCESS && spelt != API_IDENTIFIER_TYPE_INVALID)
        return read;
    request->fault = fault;
    return spelt;
}

bool check_shape(struct api_request *request)
{
    enum api_status status = read_shape(request);
    return status == API_SUCCESS || request_refuse_shape(request, status);
}

bool check_brand(struct api_request *request)
{
    request->brands = brands_acquire(request->service->deps.brands);
    request->brand = brand_set_find(request->brands, request->fields.brand.text);
    return request->brand != NULL || request_refuse(request, API_BRAND_UNKNOWN);
}

// A type that the brand does not take is answered as one that nobody knows.
bool check_identifier(struct api_request *request)
{
    if (!identifier_is_taken(&request->spelling, request->brand))
        return request_refuse_shape(request, API_IDENTIFIER_TYPE_INVALID);
    struct span country = span_of_text(request->brand->settings.default_country);
    enum api_status status = identifier_parse(&request->spelling, country, &request->identifier);
    return status == API_SUCCESS || request_refuse(request, status);
}

bool check_address_named(struct api_request *request)
{
    return identifier_to(&request->identifier) != NULL ||
           request_refuse(request, API_ADDRESS_MISSING);
}

// Unicode's control characters (category Cc): U+0080 to U+009F, C2 80 to C2 9F in UTF-8, are too.
static bool has_control_at(struct span text, size_t at)
{
    uint8_t byte = text.data[at];
    bool is_c1 = byte == 0xC2 && at + 1 < text.len && text.data[at + 1] < 0xA0;
    return byte < 0x20 || byte == 0x7F || is_c1;
}

static bool is_sane_device(struct span device)
{
    if (device.len > DEVICE_ID_BYTES_MAX)
        return false;
    for (size_t i = 0; i < device.len; i++) {
        if (has_control_at(device, i))
            return false;
    }
    return true;
}

// Some apps send their device's id as a JSON number.
static struct span device_spelling(const struct api_field *field, struct strbuf *digits)
{
    if (field->kind != API_FIELD_NATURAL)
        return field->text;
    strbuf_put_u64(digits, field->natural);
    return strbuf_span(digits);
}

// The device is copied: the reply names it, and another body may have been parsed by then.
bool check_device(struct api_request *request)
{
    uint8_t storage[20];
    struct strbuf digits = strbuf_over(storage, sizeof storage);
    struct span device = device_spelling(&request->fields.device_id, &digits);
    bool is_copied = false;
    if (!is_sane_device(device))
        return request_refuse(request, API_DETAILS_INVALID);
    request->device = arena_copy(request->arena, device, &is_copied);
    return is_copied || request_refuse(request, API_UNAVAILABLE);
}

static enum session_family presented_family(const struct api_request *request)
{
    if (request->mount->is_web)
        return SESSION_WEB;
    return span_is_empty(request->device) ? SESSION_MOBILE_NO_DEVICE : SESSION_MOBILE;
}

struct session_binding request_presents(const struct api_request *request)
{
    return (struct session_binding){
        .brand_id = request->brand->id,
        .identifier = address_identifier(&request->identifier.address),
        .family = presented_family(request),
        .device = request->device,
        .address = identifier_others(&request->identifier),
    };
}

bool check_session_opens(struct api_request *request)
{
    request->epochs = keyring_epochs(request->service->deps.keyring, request->now_ms);
    return session_id_open(request->epochs, request->fields.session_id.text, request->now_ms,
                           &request->session) ||
           request_refuse(request, API_SESSION_INVALID);
}

static const enum api_status status_of_check[] = {
    [SESSION_IS_SAME] = API_SUCCESS,
    [SESSION_OTHER_BRAND] = API_BRAND_DIFFERS,
    [SESSION_OTHER_DEVICE] = API_DEVICE_DIFFERS,
    [SESSION_DEVICE_MISSING] = API_DETAILS_INVALID,
    [SESSION_OTHER_IDENTIFIER] = API_IDENTIFIER_DIFFERS,
    [SESSION_OTHER_ADDRESS] = API_IDENTIFIER_DIFFERS,
};

static bool refuse_difference(struct api_request *request, enum session_check difference)
{
    if (difference == SESSION_DEVICE_MISSING) {
        request->fault = (struct api_fault){.member = "deviceId", .what = "is missing"};
        return request_refuse_shape(request, API_DETAILS_INVALID);
    }
    bool is_mobile = request->identifier.type == IDENTIFIER_MOBILE;
    if (difference == SESSION_OTHER_IDENTIFIER && is_mobile)
        return request_refuse(request, API_MOBILE_DIFFERS);
    return request_refuse(request, status_of_check[difference]);
}

bool check_session_same(struct api_request *request)
{
    struct session_binding presented = request_presents(request);
    enum session_family family = SESSION_WEB;
    enum session_check difference = session_differs(request->epochs, &request->session, &presented,
                                                    request->mount->is_web, &family);
    if (difference != SESSION_IS_SAME)
        return refuse_difference(request, difference);
    request->binding = presented;
    request->binding.family = family;
    return true;
}

static void land(struct http_task *task)
{
    struct api_request *request =
        (struct api_request *)(void *)((char *)task - offsetof(struct api_request, landing));
    ASSERT(service_is_durable(request->service, request->call.op.position));
    service_report(&request->call);
    request->on_done(request);
}

// On a thread of the store's choosing.
static void on_call_done(struct service_call *call)
{
    struct api_request *request = call->ctx;
    request->landing.run = land;
    http_exchange_leave(request->exchange, &request->landing);
}

// One for all calls that the request makes.
static struct username_call *username_call_of(struct api_request *request)
{
    if (request->identifier.type != IDENTIFIER_USERNAME)
        return NULL;
    if (request->call.username != NULL)
        return request->call.username;
    struct username_call *call = arena_alloc(request->arena, sizeof *call);
    ASSERT(call != NULL);
    return call;
}

static struct service_call call_with(struct api_request *request, const struct command *command)
{
    return (struct service_call){
        .command = *command,
        .brand = request->brand,
        .identifier = &request->identifier.address,
        .to = identifier_to(&request->identifier),
        .username = username_call_of(request),
        .channel = request->channel,
        .accept_language = http_request_field(&request->exchange->request, SPAN("Accept-Language")),
        .request_id = request->exchange->request_id,
        .on_done = on_call_done,
        .ctx = request,
    };
}

static void take_hash(struct api_request *request)
{
    service_take_hash(request->service, &request->call);
}

void request_take_hash(struct api_request *request, struct hash_call *hash,
                       void (*on_done)(struct api_request *request))
{
    const struct command command = {.kind = COMMAND_GENERATE};
    request->on_done = on_done;
    request->call = call_with(request, &command);
    request->call.hash = hash;
    batch_await(request, BATCH_IDENTIFIER, take_hash);
}

static void submit(struct api_request *request)
{
    service_submit(request->service, &request->call, &request->worker->entropy);
}

void request_submit(struct api_request *request, enum command_kind kind,
                    void (*on_done)(struct api_request *request))
{
    const struct key *index_key = keyring_index(request->service->deps.keyring);
    const struct command command = {
        .kind = kind,
        .session = session_ref_of(request->epochs, &request->session, &request->binding),
        .session_expires_at_ms = request->session.expires_at_ms,
        .device = record_device_tag(index_key, request->binding.device),
        .guess = guess_span(&request->guess),
        .epochs = request->epochs,
    };
    request->on_done = on_done;
    request->call = call_with(request, &command);
    batch_await(request, BATCH_ALL, submit);
}

// A card that does not open is of a lost key, or was tampered with: no address is known by it.
static enum api_status status_of_unknown(const struct api_request *request)
{
    bool has_card = request->call.username->card.tag != 0;
    bool is_validate = request->mount->endpoint->message == API_OTP_VALIDATE;
    return is_validate && !has_card ? API_NO_OTP : API_ADDRESS_MISSING;
}

// A session can tell whether an address is the one it was opened with, not which that is. While
// nobody has logged in, it may be another one than that of the latest code.
static enum api_status status_of_other(const struct api_request *request)
{
    return request->call.username->is_bound ? API_USERNAME_TAKEN : API_ADDRESS_MISSING;
}

static bool is_address_of_session(const struct api_request *request)
{
    struct session_binding presented = request_presents(request);
    enum session_family family;
    return session_differs(request->epochs, &request->session, &presented, request->mount->is_web,
                           &family) == SESSION_IS_SAME;
}

static void on_looked_up(struct api_request *request)
{
    if (request->call.status != SERVICE_LOOKED_UP) {
        (void)request_is_done(request);
        return;
    }
    if (!service_address_known(&request->call, &request->identifier.to))
        (void)request_refuse(request, status_of_unknown(request));
    else if (!is_address_of_session(request))
        (void)request_refuse(request, status_of_other(request));
    else
        request->on_address(request);
}

static void look_up(struct api_request *request)
{
    service_look_up(request->service, &request->call);
}

void request_know_address(struct api_request *request,
                          void (*on_address)(struct api_request *request))
{
    if (identifier_to(&request->identifier) != NULL) {
        on_address(request);
        return;
    }
    const struct command command = {.kind = request->mount->endpoint->message == API_OTP_VALIDATE
                                                ? COMMAND_VALIDATE
                                                : COMMAND_GENERATE};
    request->on_address = on_address;
    request->on_done = on_looked_up;
    request->call = call_with(request, &command);
    batch_await(request, BATCH_IDENTIFIER, look_up);
}
