// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A delivery lives from send until its result. The mail, which has the code in it, is written when
// the transfer's turn has come and wiped when it is done.
//
// How far the conversation has come is counted, not guessed: libcurl says when the login is over
// (CURLOPT_PREREQFUNCTION), and from then on each reply answers the next of MAIL, RCPT, DATA and
// the body. It sends no command before the reply to the one before it.
//
// Left to libcurl, and relied upon: STARTTLS or nothing (CURLUSESSL_ALL), doubling of leading dots,
// keeping connections, and that a transfer on a kept connection that turns out to be dead fails and
// is not silently begun again.
#include "channel/smtp.h"

#include "base/assert.h"
#include "channel/mail.h"
#include "channel/smtp_reply.h"
#include "crypto/pure/mac.h"

#include <stdlib.h>

#define CONNECT_MS_MAX 5000L
#define URL_BYTES_MAX 600U
#define LINE_BYTES_MAX 512U // RFC 5321 section 4.5.3.1.5
#define WORDS_BYTES_MAX 300U

struct smtp {
    struct channel base;
    struct outbound_lane lane;
    struct smtp_settings settings;
    struct mail_address from; // within settings
    char url[URL_BYTES_MAX];
    char password[SMTP_PASSWORD_BYTES_MAX + 1];
};

struct delivery {
    struct outbound_transfer transfer; // first
    struct smtp *smtp;
    struct send_request request;
    send_done *on_result;
    void *ctx;
    bool is_probe; // has no request
    struct mail_address to;
    struct curl_slist *recipients;
    uint8_t *mail;
    size_t mail_len, mail_read;
    bool has_begun; // the login is over
    bool has_utf8;  // the relay takes addresses that are not ASCII (RFC 6531)
    bool is_address_refused;
    unsigned replies; // since it has begun
    struct smtp_end end;
    size_t line_len;
    uint8_t line[LINE_BYTES_MAX];
    char error[CURL_ERROR_SIZE];
};

// --- what libcurl asks and tells ---------------------------------------------------------------

static size_t on_read(char *out, size_t size, size_t count, void *ctx)
{
    struct delivery *delivery = ctx;
    size_t left = delivery->mail_len - delivery->mail_read;
    size_t len = size * count < left ? size * count : left;
    memcpy(out, delivery->mail + delivery->mail_read, len);
    delivery->mail_read += len;
    delivery->end.is_body_sent = delivery->mail_read == delivery->mail_len;
    return len;
}

static enum smtp_phase phase_of(const struct delivery *delivery)
{
    unsigned phase = SMTP_FROM + delivery->replies;
    if (!delivery->has_begun)
        return SMTP_LOGIN;
    return phase < SMTP_BODY ? (enum smtp_phase)phase : SMTP_BODY;
}

static struct span without_line_end(struct span line)
{
    while (line.len > 0 && (line.data[line.len - 1] == '\n' || line.data[line.len - 1] == '\r'))
        line.len--;
    return line;
}

// One line of a reply. What is offered before STARTTLS does not count: the greeting and the consent
// to STARTTLS, both 220, begin anew.
static size_t on_reply_line(char *data, size_t size, size_t count, void *ctx)
{
    struct delivery *delivery = ctx;
    struct span line = without_line_end(span_make(data, size * count));
    if (span_starts_with(line, SPAN("220")))
        delivery->has_utf8 = false;
    if (!delivery->has_begun && line.len == 12 && span_eq_nocase(span_from(line, 4), SPAN("SMTPUTF8")))
        delivery->has_utf8 = true;
    if (smtp_reply_parse(line, &delivery->end)) {
        delivery->end.phase = phase_of(delivery);
        delivery->replies += delivery->has_begun ? 1 : 0;
        delivery->line_len = span_first(line, LINE_BYTES_MAX).len;
        memcpy(delivery->line, line.data, delivery->line_len);
    }
    return size * count;
}

// Logged in, nothing said of the message yet.
static int on_begin(void *ctx, char *to_ip, char *own_ip, int to_port, int own_port)
{
    struct delivery *delivery = ctx;
    (void)to_ip, (void)own_ip, (void)to_port, (void)own_port;
    delivery->has_begun = true;
    delivery->is_address_refused =
        !delivery->is_probe && !mail_address_is_ascii(delivery->to) && !delivery->has_utf8;
    return delivery->is_address_refused ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

// --- the message -------------------------------------------------------------------------------

static void put_subject(const struct delivery *delivery, struct strbuf *out)
{
    bool has_code = delivery->smtp->settings.has_code_in_subject;
    if (has_code)
        strbuf_put(out, message_reveal(delivery->request.otp_only));
    strbuf_put_text(out, has_code ? " is your " : "Your ");
    strbuf_put(out, delivery->request.brand);
    strbuf_put_text(out, " code");
}

static bool write_mail(struct delivery *delivery)
{
    const struct send_request *request = &delivery->request;
    struct span from_name = span_of_text(delivery->smtp->settings.from_name);
    uint8_t subject_bytes[MAIL_HEADER_TEXT_BYTES_MAX];
    struct strbuf subject = strbuf_over(subject_bytes, sizeof subject_bytes);
    struct mail mail = {
        .from = delivery->smtp->from,
        .to = delivery->to,
        .id = request->id,
        .sent_at_ms = request->sent_at_ms,
        .text = message_reveal(request->text),
        .code = message_reveal(request->otp_only),
    };
    delivery->mail = malloc(MAIL_BYTES_MAX);
    if (delivery->mail == NULL)
        return false;
    struct strbuf out = strbuf_over(delivery->mail, MAIL_BYTES_MAX);
    put_subject(delivery, &subject);
    ASSERT(!subject.is_overflowed);
    ASSERT(mail_text_of(strbuf_span(&subject), &mail.subject));
    ASSERT(mail_text_of(from_name.len > 0 ? from_name : request->brand, &mail.from_name));
    mail_write(&mail, &out);
    ASSERT(!out.is_overflowed);
    wipe(subject_bytes, sizeof subject_bytes);
    delivery->mail_len = out.len;
    return true;
}

static bool add_recipient(struct delivery *delivery)
{
    char text[MAIL_ADDRESS_BYTES_MAX + 3] = {0};
    struct strbuf out = strbuf_over(text, sizeof text - 1);
    strbuf_put_byte(&out, '<');
    strbuf_put(&out, delivery->to.span);
    strbuf_put_byte(&out, '>');
    delivery->recipients = curl_slist_append(NULL, text);
    return delivery->recipients != NULL;
}

static bool set_login(CURL *easy, const struct smtp *smtp)
{
    static const long use_ssl[] = {
        [SMTP_TLS_STARTTLS] = CURLUSESSL_ALL,
        [SMTP_TLS_TLS] = CURLUSESSL_ALL,
        [SMTP_TLS_NONE] = CURLUSESSL_NONE,
    };
    if (curl_easy_setopt(easy, CURLOPT_USE_SSL, use_ssl[smtp->settings.tls]) != CURLE_OK)
        return false;
    if (smtp->settings.user[0] == '\0')
        return true;
    // libcurl would rather take CRAM-MD5, for which relays have to keep the password itself.
    return curl_easy_setopt(easy, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_USERNAME, smtp->settings.user) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PASSWORD, smtp->password) == CURLE_OK;
}

static bool set_callbacks(CURL *easy, struct delivery *delivery)
{
    return curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, delivery->error) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_reply_line) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, delivery) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_begin) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PREREQDATA, delivery) == CURLE_OK;
}

// Only a new connection tells what the relay offers.
static bool set_message(CURL *easy, struct delivery *delivery)
{
    long is_fresh = mail_address_is_ascii(delivery->to) ? 0 : 1;
    return add_recipient(delivery) && write_mail(delivery) &&
           curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, is_fresh) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_MAIL_FROM, delivery->smtp->settings.from) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, delivery->recipients) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)delivery->mail_len) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_READDATA, delivery) == CURLE_OK;
}

static bool set_probe(CURL *easy)
{
    return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "NOOP") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) == CURLE_OK;
}

static CURL *prepare(struct outbound_transfer *transfer)
{
    struct delivery *delivery = (struct delivery *)transfer;
    struct smtp *smtp = delivery->smtp;
    long total_ms = (long)smtp->settings.timeout_ms;
    const struct outbound_rules rules = {
        .protocols = "smtp,smtps",
        .ca_file = smtp->settings.ca_file[0] != '\0' ? smtp->settings.ca_file : NULL,
        .connect_ms = total_ms < CONNECT_MS_MAX ? total_ms : CONNECT_MS_MAX,
        .total_ms = total_ms,
    };
    CURL *easy = outbound_easy(&rules);
    if (easy == NULL)
        return NULL;
    bool is_set = curl_easy_setopt(easy, CURLOPT_URL, smtp->url) == CURLE_OK &&
                  set_login(easy, smtp) && set_callbacks(easy, delivery) &&
                  (delivery->is_probe ? set_probe(easy) : set_message(easy, delivery));
    if (is_set)
        return easy;
    curl_easy_cleanup(easy);
    return NULL;
}

// --- the result --------------------------------------------------------------------------------

// The relay's own words where it refused, libcurl's where the connection failed.
static void put_words(const struct delivery *delivery, const struct send_result *result,
                      CURLcode code, struct strbuf *out)
{
    struct span line = span_make(delivery->line, delivery->line_len);
    struct span words = span_of_text(delivery->error[0] != '\0' ? delivery->error
                                                                : curl_easy_strerror(code));
    bool has_reply = result->outcome == SEND_ACCEPTED || delivery->end.code >= 400;
    bool has_started = delivery->transfer.easy != NULL;
    struct span own_code =
        delivery->is_probe ? SPAN("") : message_reveal(delivery->request.otp_only);
    if (has_reply)
        words = line;
    smtp_clean_words(has_started ? words : SPAN(""), own_code, out);
}

static void judge(struct delivery *delivery, CURLcode code, struct send_result *result)
{
    delivery->end.is_login_denied = code == CURLE_LOGIN_DENIED;
    delivery->end.is_over_limit =
        delivery->transfer.easy == NULL && code == CURLE_OPERATION_TIMEDOUT;
    smtp_classify(&delivery->end, result);
    if (delivery->is_address_refused)
        *result = (struct send_result){.outcome = SEND_REFUSED, .reason = SEND_INVALID_NUMBER};
    if (delivery->is_probe && code == CURLE_OK)
        *result = (struct send_result){.outcome = SEND_ACCEPTED};
}

static void free_delivery(struct delivery *delivery)
{
    if (delivery->mail != NULL)
        wipe(delivery->mail, delivery->mail_len);
    free(delivery->mail);
    curl_slist_free_all(delivery->recipients);
    free(delivery);
}

static void on_done(struct outbound_transfer *transfer, CURLcode code)
{
    struct delivery *delivery = (struct delivery *)transfer;
    struct send_result result = {.outcome = SEND_RETRY};
    uint8_t storage[WORDS_BYTES_MAX];
    struct strbuf words = strbuf_over(storage, sizeof storage);
    judge(delivery, code, &result);
    put_words(delivery, &result, code, &words);
    result.words = strbuf_span(&words);
    delivery->on_result(delivery->ctx, &result);
    curl_easy_cleanup(transfer->easy);
    free_delivery(delivery);
}

static void give_up(send_done *on_result, void *ctx, enum send_outcome outcome,
                    enum send_reason reason)
{
    const struct send_result result = {.outcome = outcome, .reason = reason};
    on_result(ctx, &result);
}

static void add(struct smtp *smtp, struct delivery *delivery, int64_t wait_ms)
{
    delivery->smtp = smtp;
    delivery->transfer.prepare = prepare;
    delivery->transfer.on_done = on_done;
    outbound_add(&smtp->lane, &delivery->transfer,
                 wait_ms < OUTBOUND_WAIT_MS_MAX ? wait_ms : OUTBOUND_WAIT_MS_MAX);
}

// What still waits when its code ends is not sent.
static void smtp_send(struct channel *channel, const struct send_request *request,
                      send_done *on_result, void *ctx)
{
    struct mail_address to;
    if (!mail_address_of(request->to, &to)) {
        give_up(on_result, ctx, SEND_REFUSED, SEND_INVALID_NUMBER);
        return;
    }
    struct delivery *delivery = calloc(1, sizeof *delivery);
    if (delivery == NULL) {
        give_up(on_result, ctx, SEND_RETRY, SEND_VENDOR_DOWN);
        return;
    }
    delivery->request = *request;
    delivery->to = to;
    delivery->on_result = on_result;
    delivery->ctx = ctx;
    add((struct smtp *)channel, delivery, request->deadline_at_ms - request->sent_at_ms);
}

void smtp_probe(struct channel *channel, send_done *on_result, void *ctx)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);
    if (delivery == NULL) {
        give_up(on_result, ctx, SEND_RETRY, SEND_VENDOR_DOWN);
        return;
    }
    delivery->is_probe = true;
    delivery->on_result = on_result;
    delivery->ctx = ctx;
    add((struct smtp *)channel, delivery, OUTBOUND_WAIT_MS_MAX);
}

// --- life --------------------------------------------------------------------------------------

// libcurl greets with the path.
static void put_url(const struct smtp *smtp, struct strbuf *out)
{
    const struct smtp_settings *settings = &smtp->settings;
    bool is_ipv6 = span_find(span_of_text(settings->host), ':') < strlen(settings->host);
    strbuf_put_text(out, settings->tls == SMTP_TLS_TLS ? "smtps://" : "smtp://");
    strbuf_put_text(out, is_ipv6 ? "[" : "");
    strbuf_put_text(out, settings->host);
    strbuf_put_text(out, is_ipv6 ? "]:" : ":");
    strbuf_put_u64(out, smtp_settings_port(settings));
    strbuf_put_byte(out, '/');
    if (settings->hello_name[0] != '\0')
        strbuf_put_text(out, settings->hello_name);
    else
        strbuf_put(out, mail_address_domain(smtp->from));
}

static void smtp_destroy(struct channel *channel)
{
    struct smtp *smtp = (struct smtp *)channel;
    wipe(smtp->password, sizeof smtp->password);
    free(smtp);
}

static const struct channel_ops smtp_ops = {.send = smtp_send, .destroy = smtp_destroy};

enum err smtp_create(struct outbound *outbound, const struct smtp_settings *settings,
                     struct span password, struct channel **out)
{
    struct smtp *smtp = calloc(1, sizeof *smtp);
    if (smtp == NULL)
        return ERR_NO_MEMORY;
    ASSERT(password.len < sizeof smtp->password);
    smtp->base.ops = &smtp_ops;
    smtp->settings = *settings;
    memcpy(smtp->password, password.data, password.len);
    ASSERT(mail_address_of(span_of_text(smtp->settings.from), &smtp->from));
    struct strbuf url = strbuf_over(smtp->url, sizeof smtp->url - 1);
    put_url(smtp, &url);
    ASSERT(!url.is_overflowed);
    outbound_lane_init(&smtp->lane, outbound, settings->connections_max);
    *out = &smtp->base;
    return ERR_OK;
}
