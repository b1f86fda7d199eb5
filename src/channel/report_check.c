// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Is a report the provider's own? Each way of signing is the provider's documentation put into
// code. Signatures are compared in constant time. Where the provider's secret has not been set, or
// there is none, the unguessable URL has to do.
#include "base/number.h"
#include "channel/report_inside.h"
#include "crypto/pure/base64.h"
#include "crypto/pure/foreign_hash.h"

#include <stdlib.h>

#define SIGNATURE_BYTES_MAX 128U
#define TOLERANCE_SECONDS 300 // of Standard Webhooks' own libraries
#define MS_PER_SECOND 1000
#define NUMBER_BYTES_MAX 24U
#define SIGNATURES_MAX 8U // of one call

struct check {
    const struct report_reader *reader;
    const struct report_request *request;
    json_t *whole;
};

static struct span header(const struct check *check, struct span name)
{
    return check->request->header(check->request->ctx, name);
}

static void init(struct foreign_hasher *hasher, enum foreign_hash hash, const struct check *check)
{
    foreign_hasher_init(hasher, hash, check->reader->secret);
}

static bool is_same(struct span signature, const struct strbuf *expected)
{
    return signature.len == expected->len &&
           bytes_equal_secret(signature.data, expected->data, expected->len);
}

static bool is_base64(struct foreign_hasher *hasher, struct span signature)
{
    uint8_t digest[FOREIGN_HASH_BYTES_MAX];
    uint8_t room[SIGNATURE_BYTES_MAX];
    struct strbuf expected = strbuf_over(room, sizeof room);
    size_t len = foreign_hasher_read(hasher, digest);
    base64_put(&expected, span_make(digest, len));
    return is_same(signature, &expected);
}

// In digits of either case.
static bool is_hex(struct foreign_hasher *hasher, struct span signature)
{
    uint8_t digest[FOREIGN_HASH_BYTES_MAX];
    uint8_t room[SIGNATURE_BYTES_MAX], lower[SIGNATURE_BYTES_MAX];
    struct strbuf expected = strbuf_over(room, sizeof room);
    size_t len = foreign_hasher_read(hasher, digest);
    strbuf_put_hex(&expected, span_make(digest, len));
    for (size_t i = 0; i < signature.len && i < sizeof lower; i++)
        lower[i] = ascii_lower(signature.data[i]);
    return is_same(span_make(lower, signature.len), &expected);
}

// --- members in the order of their names -------------------------------------------------------

struct member {
    struct span name;
    json_t *value;
};

static int compare(const void *a, const void *b)
{
    const struct member *left = a;
    const struct member *right = b;
    for (size_t i = 0; i < left->name.len && i < right->name.len; i++) {
        if (left->name.data[i] != right->name.data[i])
            return left->name.data[i] < right->name.data[i] ? -1 : 1;
    }
    return (left->name.len > right->name.len) - (left->name.len < right->name.len);
}

// A number lies in `room`.
static struct span value_of(const struct member *member, uint8_t room[NUMBER_BYTES_MAX])
{
    struct strbuf number = strbuf_over(room, NUMBER_BYTES_MAX);
    if (json_is_string(member->value))
        return span_make(json_string_value(member->value), json_string_length(member->value));
    if (json_is_integer(member->value))
        strbuf_put_i64(&number, json_integer_value(member->value));
    return strbuf_span(&number);
}

// False: there are too many.
static bool sort_members(json_t *whole, struct member out[REPORT_MEMBERS_MAX], size_t *count_out)
{
    const char *name;
    size_t len;
    json_t *value;
    *count_out = 0;
    json_object_keylen_foreach(whole, name, len, value)
    {
        if (*count_out == REPORT_MEMBERS_MAX)
            return false;
        out[(*count_out)++] = (struct member){span_make(name, len), value};
    }
    qsort(out, *count_out, sizeof out[0], compare);
    return true;
}

// --- Twilio ------------------------------------------------------------------------------------

// "https://", the host, ":443", "/path?query"
struct url_parts {
    struct span scheme, host, port, rest;
};

static struct url_parts split_url(struct span url)
{
    struct url_parts parts;
    size_t scheme_len = span_starts_with(url, SPAN("https://")) ? 8 : 7;
    struct span behind = span_from(url, scheme_len);
    struct span authority = span_first(behind, span_find(behind, '/'));
    bool is_bracketed = span_starts_with(authority, SPAN("["));
    size_t host_len = is_bracketed ? span_find(authority, ']') + 1 : span_find(authority, ':');
    parts.scheme = span_first(url, scheme_len);
    parts.host = span_first(authority, host_len);
    parts.port = span_from(authority, host_len);
    parts.rest = span_from(behind, authority.len);
    return parts;
}

static bool is_signed_with_port(const struct check *check, const struct url_parts *url,
                                struct span port, const struct member *members, size_t count)
{
    struct foreign_hasher hasher;
    init(&hasher, FOREIGN_HMAC_SHA1, check);
    foreign_hasher_put(&hasher, url->scheme);
    foreign_hasher_put(&hasher, url->host);
    foreign_hasher_put(&hasher, port);
    foreign_hasher_put(&hasher, url->rest);
    for (size_t i = 0; i < count; i++) {
        uint8_t room[NUMBER_BYTES_MAX];
        foreign_hasher_put(&hasher, members[i].name);
        foreign_hasher_put(&hasher, value_of(&members[i], room));
    }
    return is_base64(&hasher, header(check, SPAN("x-twilio-signature")));
}

// The whole URL, then each parameter of a form with its value, in the order of their names. Twilio
// leaves a port out of the URL or puts the usual one in as it likes, so each way counts.
static enum report_verdict check_twilio(const struct check *check)
{
    struct member members[REPORT_MEMBERS_MAX];
    size_t count = 0;
    const struct url_parts url = split_url(check->request->url);
    bool is_tls = span_eq(url.scheme, SPAN("https://"));
    const struct span ports[] = {url.port, SPAN(""), is_tls ? SPAN(":443") : SPAN(":80")};
    bool is_sorted = check->request->is_get || sort_members(check->whole, members, &count);
    for (size_t i = 0; is_sorted && i < sizeof ports / sizeof ports[0]; i++) {
        if (is_signed_with_port(check, &url, ports[i], members, count))
            return REPORT_READ;
    }
    return REPORT_FORGED;
}

// --- Vonage ------------------------------------------------------------------------------------

// "&" and "=" in a value would let one member pass for two.
static void put_underscored(struct foreign_hasher *hasher, const struct member *member)
{
    uint8_t room[NUMBER_BYTES_MAX];
    struct span value = value_of(member, room);
    for (size_t i = 0; i < value.len; i++) {
        bool is_special = value.data[i] == '&' || value.data[i] == '=';
        foreign_hasher_put(hasher, is_special ? SPAN("_") : span_make(value.data + i, 1));
    }
}

// "&name=value" of all but "sig", in the order of their names: MD5 with the secret behind, or
// HMAC-SHA-256, whichever the account is set to; the length tells.
static enum report_verdict check_vonage(const struct check *check)
{
    uint8_t room[NUMBER_BYTES_MAX];
    struct member members[REPORT_MEMBERS_MAX];
    struct foreign_hasher hasher;
    const struct member sig = {SPAN("sig"), json_object_get(check->whole, "sig")};
    struct span signature = value_of(&sig, room);
    size_t count;
    if (!sort_members(check->whole, members, &count))
        return REPORT_FORGED;
    bool is_long = signature.len == 2 * SHA256_DIGEST_SIZE;
    init(&hasher, is_long ? FOREIGN_HMAC_SHA256 : FOREIGN_MD5, check);
    for (size_t i = 0; i < count; i++) {
        if (span_eq(members[i].name, sig.name))
            continue;
        foreign_hasher_put(&hasher, SPAN("&"));
        foreign_hasher_put(&hasher, members[i].name);
        foreign_hasher_put(&hasher, SPAN("="));
        put_underscored(&hasher, &members[i]);
    }
    return is_hex(&hasher, signature) ? REPORT_READ : REPORT_FORGED;
}

// --- of the body as it came --------------------------------------------------------------------

static struct span behind(struct span text, struct span prefix)
{
    return span_starts_with(text, prefix) ? span_from(text, prefix.len) : text;
}

// Meta: "sha256=" and HMAC-SHA-256 of the body under the app's secret.
static enum report_verdict check_hub(const struct check *check)
{
    struct foreign_hasher hasher;
    struct span signature = header(check, SPAN("x-hub-signature-256"));
    init(&hasher, FOREIGN_HMAC_SHA256, check);
    foreign_hasher_put(&hasher, check->request->body);
    return is_hex(&hasher, behind(signature, SPAN("sha256="))) ? REPORT_READ : REPORT_FORGED;
}

// Zalo: "mac=" and SHA-256 of the app's id, the body, its timestamp and the official account's
// secret.
static enum report_verdict check_zalo(const struct check *check)
{
    uint8_t room[NUMBER_BYTES_MAX];
    struct foreign_hasher hasher;
    struct strbuf timestamp = strbuf_over(room, sizeof room);
    struct span signature = header(check, SPAN("x-zevent-signature"));
    if (!reply_json_get(check->whole, SPAN("timestamp"), 0, &timestamp))
        return REPORT_FORGED;
    init(&hasher, FOREIGN_SHA256, check);
    foreign_hasher_put(&hasher, check->reader->app);
    foreign_hasher_put(&hasher, check->request->body);
    foreign_hasher_put(&hasher, strbuf_span(&timestamp));
    return is_hex(&hasher, behind(signature, SPAN("mac="))) ? REPORT_READ : REPORT_FORGED;
}

static bool is_signed_webhook(const struct check *check, struct span timestamp, struct span digest)
{
    struct foreign_hasher hasher;
    init(&hasher, FOREIGN_HMAC_SHA256, check);
    foreign_hasher_put(&hasher, header(check, SPAN("webhook-id")));
    foreign_hasher_put(&hasher, SPAN("."));
    foreign_hasher_put(&hasher, timestamp);
    foreign_hasher_put(&hasher, SPAN("."));
    foreign_hasher_put(&hasher, check->request->body);
    return is_base64(&hasher, digest);
}

// Standard Webhooks 1.0: "v1," and HMAC-SHA-256 of "id.timestamp.body", one for each key that is in
// use. Whoever repeats an old call does not get through.
static enum report_verdict check_standard_webhooks(const struct check *check)
{
    uint64_t seconds;
    int64_t now = check->request->now_ms / MS_PER_SECOND;
    struct span timestamp = header(check, SPAN("webhook-timestamp"));
    struct span rest = header(check, SPAN("webhook-signature"));
    bool is_signed = false;
    for (unsigned i = 0; i < SIGNATURES_MAX && rest.len > 0 && !is_signed; i++) {
        struct span signature = span_split(rest, ' ', &rest);
        is_signed = span_starts_with(signature, SPAN("v1,")) &&
                    is_signed_webhook(check, timestamp, span_from(signature, 3));
    }
    if (!is_signed || !parse_u64(timestamp, UINT32_MAX, &seconds))
        return REPORT_FORGED;
    int64_t age = now - (int64_t)seconds;
    return age > TOLERANCE_SECONDS || age < -TOLERANCE_SECONDS ? REPORT_STALE : REPORT_READ;
}

enum report_verdict report_check(const struct report_reader *reader,
                                 const struct report_request *request, json_t *whole)
{
    const struct check check = {reader, request, whole};
    if (reader->secret.data == NULL)
        return REPORT_READ;
    switch ((enum recipe_signature)reader->recipe->receipt.signature) {
    case RECIPE_SIGNATURE_NONE:
    case RECIPE_SIGNATURE_SNS:
        return REPORT_READ;
    case RECIPE_SIGNATURE_TWILIO:
        return check_twilio(&check);
    case RECIPE_SIGNATURE_VONAGE:
        return check_vonage(&check);
    case RECIPE_SIGNATURE_HUB:
        return check_hub(&check);
    case RECIPE_SIGNATURE_STANDARD_WEBHOOKS:
        return check_standard_webhooks(&check);
    case RECIPE_SIGNATURE_ZALO:
        return check_zalo(&check);
    }
    UNREACHABLE();
}
