// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What an HTTP channel needs of whoever carries its requests. A transport follows no redirects,
// verifies TLS always and reads at most HTTP_REPLY_BYTES_MAX of a body.

#include "channel/wire.h"

#define HTTP_REPLY_BYTES_MAX (64U * 1024U)
#define HTTP_WAIT_MS_MAX 20000 // for a free connection; another provider would be quicker
#define HTTP_URL_BYTES_MAX 2048U
#define HTTP_HEADERS_BYTES_MAX 8192U
#define HTTP_BODY_BYTES_MAX 16384U

// Everything is borrowed until it is over.
struct vendor_request {
    const char *method;
    struct wire url;     // ends in a NUL
    struct wire headers; // "Name: value" lines, each ends in a NUL
    struct wire body;
    const char *aws_sigv4; // as CURLOPT_AWS_SIGV4 takes it, "aws:amz:ap-south-1:sns"; NULL: none
    const char *aws_user;  // "key id:secret", for aws_sigv4 alone
    bool is_probe;         // connect, and send nothing
    int64_t wait_ms;       // what is not started within this is not started at all
    // A connection to where `url` leads is ready and nothing has been sent: it waits for `go`,
    // before which all of the request may be written anew, for the same place. NULL: it goes on by
    // itself.
    void (*on_ready)(void *ctx);
    void *held; // the transport's own, when it is ready
};

// How far it came. What fails after HTTP_SENT may have been taken by the provider.
enum http_phase {
    HTTP_NOT_SENT, // name, connection or TLS failed: not a byte of the request has left
    HTTP_SENT,     // it may have arrived in whole; there is no whole reply
    HTTP_REPLIED,
    HTTP_CONNECTED, // a probe did what it should
};

struct http_outcome {
    enum http_phase phase;
    const char *failure;     // HTTP_NOT_SENT, HTTP_SENT: what went wrong, in a few words
    unsigned status;         // HTTP_REPLIED: 100 to 999
    struct span retry_after; // the header's value; may be empty
    struct span body;
};

// Exactly once for each start that was not ended by `go`, on the thread that started, perhaps
// before start returns. The spans are gone when it returns.
typedef void http_done(void *ctx, const struct http_outcome *outcome);

struct http_transport {
    void (*start)(void *transport, struct vendor_request *request, http_done *on_done, void *ctx);
    // Of a request that is ready, once. Not wanted: it is over, without an outcome.
    void (*go)(void *transport, struct vendor_request *request, bool is_wanted);
    void *transport;
};
