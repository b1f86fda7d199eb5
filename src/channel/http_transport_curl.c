// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A call is one request: a job in its provider's lane and, when its turn has come, a transfer.
//
//   waiting ──on_turn──▶ (approaching ──▶ ready ──go──▶) going ──on_done──▶ told
//      └────on_cut───────────┴─────────────┴──────────────┴──on_cut────▶ told
//
// Whoever wants to be asked before the request leaves is asked when a connection stands. libcurl
// knows no such moment that one can wait in. But its last question before it sends
// (CURLOPT_PREREQFUNCTION) may be answered by CURLOPT_CONNECT_ONLY: the transfer then ends, all
// made and nothing sent, and if it is no longer said when the transfer is removed, the connection
// is kept like any other and the next transfer finds it. So a call first approaches, and when it
// may go it sends by a second transfer. A libcurl that did otherwise would only connect twice,
// which a test would notice.
//
// `kept` counts the connections that libcurl has and no call uses, so that each call that is ready
// has one: an approach makes a new one when there is none. One that carried something a moment ago
// is taken to stand, and nobody approaches. Otherwise libcurl looks whether it still does.
//
// libcurl repeats a request by itself when a connection that it had used before ends without a
// reply. The provider may have taken the first one, so that this would send a message twice. So
// libcurl asks each time before it sends (CURLOPT_PREREQFUNCTION), and is let go on only as long as
// not a byte of the request has left; otherwise the outcome is unknown.
//
// Head and body leave in one piece: libcurl is given the body as a whole. A callback for it would
// cost a second packet, a second TLS record, and the provider a second look.
//
// A call that has ended is kept with its handle for the next one: a message then needs no memory of
// ours, and less of libcurl's. Whatever differs between requests is set for each of them.
//
// The code and the credentials are in the caller's request alone; the copies that libcurl makes
// inside are not ours to wipe.
#include "channel/http_transport_curl.h"

#include "channel/private_address.h"
#include "crypto/pure/mac.h"

#include <stdlib.h>
#include <unistd.h>

#define CONNECT_MS_MAX 3000
#define FRESH_MS 1000
#define RETRY_AFTER_BYTES_MAX 64U
#define HEADERS_MAX 64U // more than a recipe can have, with those of its signature

struct http_curl {
    struct outbound *outbound;
    struct outbound_lane lane;
    struct outbound_rules rules;
    bool may_use_private;
    char *ca_file; // NULL: the machine's
    size_t kept;
    struct mono fresh_until; // they are taken to stand
    struct call *free;
};

struct call {
    struct outbound_job job; // first
    struct outbound_transfer transfer;
    struct http_curl *http;
    struct call *next_free;
    struct vendor_request *request;
    http_done *on_done;
    void *ctx;
    struct curl_slist headers[HEADERS_MAX]; // libcurl's list, of the request's own lines
    bool is_started;                        // the transfer is libcurl's until it is removed
    bool is_approaching;
    bool is_closing; // the provider ends the connection after its reply
    bool is_too_long;
    bool is_repeated; // libcurl wanted to send it again
    bool is_private;  // the name led to an address that is not allowed
    size_t retry_after_len, reply_len;
    uint8_t retry_after[RETRY_AFTER_BYTES_MAX];
    uint8_t reply[HTTP_REPLY_BYTES_MAX];
};

static void put_call(struct call *call)
{
    call->next_free = call->http->free;
    call->http->free = call;
}

static void end(struct call *call, const struct http_outcome *outcome)
{
    if (call->is_started)
        outbound_remove(call->http->outbound, &call->transfer);
    if (call->job.is_running)
        outbound_release(&call->job);
    call->on_done(call->ctx, outcome);
    put_call(call);
}

// --- connections that are kept -----------------------------------------------------------------

static void note_kept(struct http_curl *http)
{
    http->kept++;
    http->fresh_until = mono_after(outbound_now(http->outbound), FRESH_MS);
}

static bool take_kept(struct http_curl *http)
{
    if (http->kept == 0)
        return false;
    http->kept--;
    return true;
}

static bool are_fresh(const struct http_curl *http)
{
    return !mono_is_due(http->fresh_until, outbound_now(http->outbound));
}

// What was taken to stand did not.
static void doubt_kept(struct http_curl *http)
{
    http->fresh_until = outbound_now(http->outbound);
}

// --- outcomes ----------------------------------------------------------------------------------

static bool has_left(const struct call *call)
{
    long bytes = 0;
    (void)curl_easy_getinfo(call->transfer.easy, CURLINFO_REQUEST_SIZE, &bytes);
    return bytes > 0;
}

// libcurl notes the time at which a request begins to leave.
static enum http_phase phase_of(const struct call *call)
{
    curl_off_t before_us = 0;
    if (!call->is_started || call->is_approaching)
        return HTTP_NOT_SENT;
    (void)curl_easy_getinfo(call->transfer.easy, CURLINFO_PRETRANSFER_TIME_T, &before_us);
    return before_us > 0 || has_left(call) ? HTTP_SENT : HTTP_NOT_SENT;
}

static void end_failed(struct call *call, const char *failure)
{
    const struct http_outcome outcome = {.phase = phase_of(call), .failure = failure};
    end(call, &outcome);
}

static void end_replied(struct call *call)
{
    long status = 0, version = 0;
    (void)curl_easy_getinfo(call->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(call->transfer.easy, CURLINFO_HTTP_VERSION, &version);
    if (!call->is_closing && version != CURL_HTTP_VERSION_1_0)
        note_kept(call->http);
    const struct http_outcome outcome = {
        .phase = HTTP_REPLIED,
        .status = (unsigned)status,
        .retry_after = span_make(call->retry_after, call->retry_after_len),
        .body = span_make(call->reply, call->reply_len),
    };
    end(call, &outcome);
}

static struct call *call_of(struct outbound_transfer *transfer)
{
    return (struct call *)(void *)((char *)transfer - offsetof(struct call, transfer));
}

static void be_ready(struct call *call)
{
    call->request->held = call;
    call->request->on_ready(call->ctx);
}

static void end_approach(struct call *call)
{
    (void)curl_easy_setopt(call->transfer.easy, CURLOPT_CONNECT_ONLY, 0L);
    outbound_remove(call->http->outbound, &call->transfer);
    call->is_started = false;
    call->is_approaching = false;
    be_ready(call);
}

static void on_transfer_done(struct outbound_transfer *transfer, CURLcode code)
{
    struct call *call = call_of(transfer);
    if (code == CURLE_OK && call->is_approaching)
        end_approach(call);
    else if (code == CURLE_OK && call->request->is_probe)
        end(call, &(struct http_outcome){.phase = HTTP_CONNECTED});
    else if (code == CURLE_OK)
        end_replied(call);
    else if (call->is_too_long)
        end_failed(call, "the reply is longer than 64 KiB");
    else if (call->is_private)
        end_failed(call, "its name leads to a private address");
    else if (call->is_repeated)
        end_failed(call, "the connection ended without a reply");
    else
        end_failed(call, curl_easy_strerror(code));
}

// --- what libcurl calls ------------------------------------------------------------------------

static int on_about_to_send(void *ctx, char *to_ip, char *from_ip, int to_port, int from_port)
{
    struct call *call = ctx;
    (void)to_ip;
    (void)from_ip;
    (void)to_port;
    (void)from_port;
    if (call->is_approaching) {
        bool is_told = curl_easy_setopt(call->transfer.easy, CURLOPT_CONNECT_ONLY, 1L) == CURLE_OK;
        return is_told ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
    }
    call->is_repeated = has_left(call);
    return call->is_repeated ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static size_t on_reply(char *bytes, size_t size, size_t count, void *ctx)
{
    struct call *call = ctx;
    size_t len = size * count;
    if (len > sizeof call->reply - call->reply_len) {
        call->is_too_long = true;
        return 0;
    }
    memcpy(call->reply + call->reply_len, bytes, len);
    call->reply_len += len;
    return len;
}

static struct span value_of(struct span rest)
{
    while (rest.len > 0 && rest.data[rest.len - 1] < 0x20)
        rest.len--;
    return span_trim(rest);
}

static size_t on_header(char *bytes, size_t size, size_t count, void *ctx)
{
    struct call *call = ctx;
    struct span rest;
    struct span line = span_make(bytes, size * count);
    struct span name = span_split(line, ':', &rest);
    if (span_eq_nocase(name, SPAN("connection")))
        call->is_closing = span_eq_nocase(value_of(rest), SPAN("close"));
    if (span_eq_nocase(name, SPAN("retry-after"))) {
        struct span value = span_first(value_of(rest), sizeof call->retry_after);
        memcpy(call->retry_after, value.data, value.len);
        call->retry_after_len = value.len;
    }
    return line.len;
}

// After the name has been resolved and right before the connection: what is looked at here is what
// is connected to.
static curl_socket_t on_socket_wanted(void *ctx, curlsocktype purpose,
                                      struct curl_sockaddr *address)
{
    struct call *call = ctx;
    (void)purpose;
    if (!call->is_approaching)
        doubt_kept(call->http);
    if (!call->http->may_use_private && address_is_private(&address->addr)) {
        call->is_private = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// --- setting up --------------------------------------------------------------------------------

// Each line ends in a NUL, so that libcurl can read them where they are.
static struct curl_slist *list_headers(struct call *call)
{
    struct span rest = wire_reveal(&call->request->headers);
    struct curl_slist *first = NULL, **last = &first;
    for (size_t i = 0; rest.len > 0; i++) {
        ASSERT(i < HEADERS_MAX);
        call->headers[i] = (struct curl_slist){.data = (char *)(uintptr_t)rest.data};
        *last = &call->headers[i];
        last = &call->headers[i].next;
        (void)span_split(rest, '\0', &rest);
    }
    return first;
}

static bool is_post(const struct call *call)
{
    return span_eq(span_of_text(call->request->method), SPAN("POST"));
}

static bool set_body(const struct call *call)
{
    CURL *easy = call->transfer.easy;
    struct span body = wire_reveal(&call->request->body);
    if (!is_post(call))
        return curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK;
    return curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)body.len) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data) == CURLE_OK;
}

// libcurl signs only with one of its ways to log in, which stays when there is nothing to sign.
static bool set_signature(const struct call *call)
{
    CURL *easy = call->transfer.easy;
    const struct vendor_request *request = call->request;
    return curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_NONE) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, request->aws_sigv4) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_USERPWD, request->aws_user) == CURLE_OK;
}

static bool set_callbacks(CURL *easy, struct call *call)
{
    return curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_about_to_send) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PREREQDATA, call) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_reply) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, call) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, call) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket_wanted) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call) == CURLE_OK;
}

static bool set_place(const struct call *call)
{
    const char *url = (const char *)wire_reveal(&call->request->url).data;
    return curl_easy_setopt(call->transfer.easy, CURLOPT_URL, url) == CURLE_OK;
}

// All that differs from one request to the next.
static bool set_request(struct call *call)
{
    CURL *easy = call->transfer.easy;
    return set_place(call) &&
           curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list_headers(call)) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 0L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, call->request->is_probe ? 1L : 0L) ==
               CURLE_OK &&
           set_body(call) && set_signature(call);
}

// An earlier request's body and head are gone, and its handle must not read them.
static bool set_approach(struct call *call, bool has_kept)
{
    CURL *easy = call->transfer.easy;
    call->is_approaching = true;
    return set_place(call) && curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, has_kept ? 0L : 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 0L) == CURLE_OK;
}

static CURL *make_easy(struct call *call)
{
    CURL *easy = curl_easy_init();
    if (easy != NULL && outbound_rule(easy, &call->http->rules) && set_callbacks(easy, call))
        return easy;
    curl_easy_cleanup(easy);
    return NULL;
}

static bool has_easy(struct call *call)
{
    if (call->transfer.easy == NULL)
        call->transfer.easy = make_easy(call);
    return call->transfer.easy != NULL;
}

static void begin(struct call *call, bool is_set)
{
    call->is_started = is_set && outbound_start(call->http->outbound, &call->transfer) == ERR_OK;
    if (!call->is_started)
        end_failed(call, "out of memory");
}

static void on_turn(struct outbound_job *job)
{
    struct call *call = (struct call *)(void *)job;
    bool has_kept = take_kept(call->http);
    if (call->request->on_ready == NULL)
        begin(call, has_easy(call) && set_request(call));
    else if (has_kept && are_fresh(call->http))
        be_ready(call);
    else
        begin(call, has_easy(call) && set_approach(call, has_kept));
}

static void go(void *transport, struct vendor_request *request, bool is_wanted)
{
    struct http_curl *http = transport;
    struct call *call = request->held;
    if (is_wanted) {
        begin(call, has_easy(call) && set_request(call));
        return;
    }
    http->kept++;
    outbound_release(&call->job);
    put_call(call);
}

static void on_cut(struct outbound_job *job)
{
    struct call *call = (struct call *)(void *)job;
    end_failed(call, job->is_running ? "the server is going down"
                                     : "it waited too long for a free connection");
}

// Of one that has been used its handle stays, and nothing that it was about.
static struct call *take_call(struct http_curl *http)
{
    struct call *call = http->free;
    if (call == NULL)
        call = malloc(sizeof *call);
    if (call == NULL)
        return NULL;
    CURL *easy = http->free != NULL ? call->transfer.easy : NULL;
    http->free = http->free != NULL ? call->next_free : NULL;
    // All but the reply, of which nothing is read that was not written.
    memset(call, 0, offsetof(struct call, reply));
    call->job = (struct outbound_job){.on_turn = on_turn, .on_cut = on_cut};
    call->transfer = (struct outbound_transfer){.easy = easy, .on_done = on_transfer_done};
    call->http = http;
    return call;
}

static void start(void *transport, struct vendor_request *request, http_done *on_done, void *ctx)
{
    struct http_curl *http = transport;
    struct call *call = take_call(http);
    if (call == NULL) {
        on_done(ctx, &(struct http_outcome){.failure = "out of memory"});
        return;
    }
    call->request = request;
    call->on_done = on_done;
    call->ctx = ctx;
    outbound_add(&http->lane, &call->job, request->wait_ms);
}

static void free_calls(struct http_curl *http)
{
    struct call *next;
    for (struct call *call = http->free; call != NULL; call = next) {
        next = call->next_free;
        curl_easy_cleanup(call->transfer.easy);
        free(call);
    }
}

enum err http_curl_create(struct outbound *outbound, const struct http_curl_settings *settings,
                          struct http_curl **out)
{
    struct http_curl *http = calloc(1, sizeof *http);
    char *ca_file = settings->ca_file != NULL ? strdup(settings->ca_file) : NULL;
    if (http == NULL || (settings->ca_file != NULL && ca_file == NULL)) {
        free(http);
        free(ca_file);
        return ERR_NO_MEMORY;
    }
    http->outbound = outbound;
    http->ca_file = ca_file;
    http->may_use_private = settings->may_use_private;
    // That a URL is https, or leads to this machine, was seen to when it was set.
    http->rules = (struct outbound_rules){
        .protocols = "http,https",
        .ca_file = ca_file,
        .connect_ms = settings->timeout_ms < CONNECT_MS_MAX ? settings->timeout_ms : CONNECT_MS_MAX,
        .total_ms = settings->timeout_ms,
    };
    outbound_lane_init(&http->lane, outbound, settings->connections_max);
    *out = http;
    return ERR_OK;
}

void http_curl_destroy(struct http_curl **http)
{
    if (*http == NULL)
        return;
    ASSERT((*http)->lane.running == 0);
    ASSERT((*http)->lane.first == NULL);
    free_calls(*http);
    free((*http)->ca_file);
    free(*http);
    *http = NULL;
}

struct http_transport http_curl_transport(struct http_curl *http)
{
    return (struct http_transport){start, go, http};
}
