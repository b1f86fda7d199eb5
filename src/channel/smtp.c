// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A delivery is a job of the relay's lane; it borrows a connection, an idle one or a new one.
//
//   delivery    waiting ──turn──▶ (login ──▶) ready ──go──▶ talk ──▶ result
//   connection  login ──▶ busy ◀──▶ idle ──▶ closed (a minute idle, or the relay closed it)
//
// libcurl resolves, connects, makes TLS and logs in (CURLOPT_CONNECT_ONLY), and then reads and
// writes the connection. The conversation about a message is our own, smtp_talk: libcurl's waits
// for the reply to the message in a blocking loop, on the thread that drives all other transfers
// too.
//
// The mail, which has the code in it, is written into its connection's room when there is one to
// send it by, and wiped when the conversation has ended.
//
// Deliveries that have ended are kept for the next ones: a message needs no memory of ours.
#include "channel/smtp.h"

#include "base/assert.h"
#include "channel/mail.h"
#include "channel/smtp_talk.h"
#include "channel/template.h"
#include "crypto/pure/mac.h"

#include <stdlib.h>

#define CONNECT_MS_MAX 5000
#define IDLE_MS_MAX 60000 // relays hang up after five minutes, or sooner (RFC 5321, 4.5.3.2.7)
#define URL_BYTES_MAX 600U
#define WORDS_BYTES_MAX 300U
#define RECEIVE_BYTES 2048U
#define MAIL_ROOM_BYTES (MAIL_BYTES_MAX + sizeof SMTP_MAIL_END)

_Static_assert(TEMPLATE_SUBJECT_BYTES_MAX <= MAIL_HEADER_TEXT_BYTES_MAX, "a subject is a header");

struct smtp {
    struct channel base;
    struct outbound *outbound;
    struct outbound_lane lane;
    struct connection *idle; // the one that was used last comes first
    struct delivery *free;
    struct smtp_settings settings;
    struct mail_address from; // within settings
    char url[URL_BYTES_MAX];
    char password[SMTP_PASSWORD_BYTES_MAX + 1];
};

struct connection {
    struct outbound_transfer login; // first
    struct outbound_watch watch;
    struct smtp *smtp;
    struct delivery *delivery; // NULL: idle
    struct connection *next;   // idle
    bool is_watched;
    bool has_more;       // the last read may have left something, also what TLS has taken in
    bool has_utf8;       // the relay takes addresses that are not ASCII (RFC 6531)
    struct smtp_end end; // of the login
    size_t words_len;    // of its last reply
    uint8_t words[SMTP_LINE_BYTES_MAX];
    char error[CURL_ERROR_SIZE]; // libcurl's story; empty: none
    size_t mail_len;             // of its delivery
    uint8_t mail[MAIL_ROOM_BYTES];
};

struct delivery {
    struct outbound_job job; // first
    struct smtp *smtp;
    struct connection *connection;      // NULL: none yet, or none any more
    struct sending *sending;            // NULL: nobody is asked before it goes
    const struct send_request *request; // NULL: a probe, which is about the login alone
    send_done *on_result;
    void *ctx;
    bool has_talk;
    struct mono until;
    struct mono code_end; // no message is begun from then on
    struct mail_address to;
    struct delivery *next_free;
    struct smtp_talk talk;
};

static struct connection *connection_of(struct outbound_watch *watch)
{
    return (struct connection *)(void *)((char *)watch - offsetof(struct connection, watch));
}

// --- results -----------------------------------------------------------------------------------

static void put_delivery(struct delivery *delivery)
{
    delivery->next_free = delivery->smtp->free;
    delivery->smtp->free = delivery;
}

// The provider's words may repeat what they are about.
static void give_result(struct delivery *delivery, struct send_result *result, struct span words)
{
    uint8_t storage[WORDS_BYTES_MAX];
    struct strbuf clean = strbuf_over(storage, sizeof storage);
    const struct smtp_hidden hidden = {
        .code = delivery->request == NULL ? SPAN("") : message_reveal(delivery->request->otp_only),
        .password = span_of_text(delivery->smtp->password),
    };
    smtp_clean_words(words, &hidden, &clean);
    result->words = strbuf_span(&clean);
    if (delivery->job.is_running)
        outbound_release(&delivery->job);
    delivery->on_result(delivery->ctx, result);
    put_delivery(delivery);
}

static void give_end(struct delivery *delivery, const struct smtp_end *end, struct span words)
{
    struct send_result result = {.retry_after_ms = 0};
    smtp_classify(end, &result);
    give_result(delivery, &result, words);
}

// --- connections -------------------------------------------------------------------------------

static void set_watch(struct connection *connection, bool is_watched)
{
    if (connection->is_watched == is_watched)
        return;
    connection->is_watched = is_watched;
    if (is_watched)
        outbound_watch(connection->smtp->outbound, &connection->watch);
    else
        outbound_unwatch(connection->smtp->outbound, &connection->watch);
}

static void wipe_mail(struct connection *connection)
{
    wipe(connection->mail, connection->mail_len);
    connection->mail_len = 0;
}

static void close_connection(struct connection *connection)
{
    wipe_mail(connection);
    set_watch(connection, false);
    outbound_remove(connection->smtp->outbound, &connection->login);
    curl_easy_cleanup(connection->login.easy);
    free(connection);
}

static void remove_idle(struct connection *connection)
{
    struct connection **at = &connection->smtp->idle;
    while (*at != connection)
        at = &(*at)->next;
    *at = connection->next;
}

static struct connection *take_idle(struct smtp *smtp)
{
    struct connection *connection = smtp->idle;
    if (connection != NULL)
        smtp->idle = connection->next;
    return connection;
}

static void put_idle(struct connection *connection)
{
    struct smtp *smtp = connection->smtp;
    wipe_mail(connection);
    connection->delivery = NULL;
    connection->next = smtp->idle;
    smtp->idle = connection;
    connection->watch.wants_write = false;
    connection->watch.until = mono_after(outbound_now(smtp->outbound), IDLE_MS_MAX);
    set_watch(connection, true);
}

// Of one that is not in the idle list. Polite, and not waited for.
static void quit(struct connection *connection)
{
    static const char command[] = "QUIT\r\n";
    size_t sent;
    (void)curl_easy_send(connection->login.easy, command, sizeof command - 1, &sent);
    close_connection(connection);
}

// --- the conversation --------------------------------------------------------------------------

// `why` is for the case that the relay has not said it.
static void end_talk(struct connection *connection, struct span why)
{
    struct delivery *delivery = connection->delivery;
    const struct smtp_talk *talk = &delivery->talk;
    struct span words = span_make(talk->words, talk->words_len);
    bool is_answered = talk->end.code >= 400 || (talk->is_over && talk->is_reusable);
    if (talk->is_reusable)
        put_idle(connection);
    else
        close_connection(connection);
    delivery->connection = NULL;
    give_end(delivery, &talk->end, is_answered ? words : why);
}

enum progress {
    PROGRESS_SOME,
    PROGRESS_BLOCKED, // until the socket is ready again
    PROGRESS_FAILED,
};

static enum progress progress_of(CURLcode code, size_t len)
{
    if (code == CURLE_AGAIN)
        return PROGRESS_BLOCKED;
    return code == CURLE_OK && len > 0 ? PROGRESS_SOME : PROGRESS_FAILED;
}

static enum progress send_some(struct connection *connection, struct span output)
{
    size_t len = 0;
    CURLcode code = curl_easy_send(connection->login.easy, output.data, output.len, &len);
    smtp_talk_sent(&connection->delivery->talk, len);
    return progress_of(code, len);
}

static enum progress receive_some(struct connection *connection)
{
    uint8_t bytes[RECEIVE_BYTES];
    size_t len = 0;
    CURLcode code = curl_easy_recv(connection->login.easy, bytes, sizeof bytes, &len);
    connection->has_more = code == CURLE_OK && len == sizeof bytes;
    if (code == CURLE_OK)
        smtp_talk_received(&connection->delivery->talk, span_make(bytes, len));
    return progress_of(code, len);
}

// What comes next can be waited for: all is said, and nothing that the relay has said can be left
// in the connection, unseen by whoever waits for the socket.
static bool is_heard(const struct connection *connection, enum progress sent)
{
    return sent == PROGRESS_SOME && smtp_talk_output(&connection->delivery->talk).len == 0 &&
           !connection->has_more;
}

// A relay that refuses in the middle of a message says so before it closes: what it said is read
// also when nothing more can be sent.
static void move_talk(struct connection *connection)
{
    struct smtp_talk *talk = &connection->delivery->talk;
    enum progress sent = PROGRESS_BLOCKED;
    enum progress received = PROGRESS_SOME;
    while (!talk->is_over && (sent == PROGRESS_SOME || received == PROGRESS_SOME)) {
        struct span output = smtp_talk_output(talk);
        sent = output.len > 0 ? send_some(connection, output) : PROGRESS_BLOCKED;
        if (is_heard(connection, sent))
            break;
        received = receive_some(connection);
        if (received == PROGRESS_FAILED)
            break;
    }
    connection->watch.wants_write = smtp_talk_output(talk).len > 0 && sent != PROGRESS_FAILED;
    if (talk->is_over || received == PROGRESS_FAILED)
        end_talk(connection, SPAN("the connection ended"));
}

static void on_ready(struct outbound_watch *watch, bool is_late)
{
    struct connection *connection = connection_of(watch);
    bool is_idle = connection->delivery == NULL;
    if (is_idle)
        remove_idle(connection);
    if (!is_idle && !connection->delivery->has_talk) { // ready: the first command will notice
        set_watch(connection, false);
    } else if (is_idle && is_late) {
        quit(connection);
    } else if (is_idle) { // closed by the relay, or it says what nobody asked
        close_connection(connection);
    } else if (is_late) {
        end_talk(connection, SPAN("no answer in time"));
    } else {
        move_talk(connection);
    }
}

// The brand's own, else the provider's, else what the brand is called.
static struct span from_name_of(const struct delivery *delivery)
{
    struct span from_name = span_of_text(delivery->smtp->settings.from_name);
    if (delivery->request->sender.len > 0)
        return delivery->request->sender;
    return from_name.len > 0 ? from_name : delivery->request->brand;
}

static void write_mail(const struct delivery *delivery, struct connection *connection)
{
    const struct send_request *request = delivery->request;
    struct mail mail = {
        .from = delivery->smtp->from,
        .to = delivery->to,
        .id = request->id,
        .sent_at_ms = request->sent_at_ms,
        .language = request->language,
        .text = message_reveal(request->text),
        .code = message_reveal(request->otp_only),
    };
    struct strbuf out = strbuf_over(connection->mail, sizeof connection->mail);
    ASSERT(mail_text_of(message_reveal(request->subject), &mail.subject));
    ASSERT(mail_text_of(from_name_of(delivery), &mail.from_name));
    mail_write(&mail, &out);
    strbuf_put_text(&out, SMTP_MAIL_END);
    ASSERT(!out.is_overflowed);
    connection->mail_len = out.len;
}

static struct mono code_end_of(const struct smtp *smtp, const struct send_request *request)
{
    return mono_after(outbound_now(smtp->outbound), request->deadline_at_ms - request->sent_at_ms);
}

static void give_up(struct delivery *delivery, enum send_outcome outcome, enum send_reason reason)
{
    struct send_result result = {.outcome = outcome, .reason = reason};
    give_result(delivery, &result, SPAN(""));
}

// False: it cannot be sent by that connection, and has ended.
static bool may_talk(struct delivery *delivery, struct connection *connection)
{
    bool is_in_time = !mono_is_due(delivery->code_end, outbound_now(delivery->smtp->outbound));
    bool is_fit = mail_address_is_ascii(delivery->to) || connection->has_utf8;
    if (is_fit && is_in_time)
        return true;
    delivery->connection = NULL;
    put_idle(connection);
    if (is_fit)
        give_up(delivery, SEND_RETRY, SEND_VENDOR_DOWN);
    else
        give_up(delivery, SEND_REFUSED, SEND_INVALID_NUMBER);
    return false;
}

static void begin_talk(struct delivery *delivery, struct connection *connection)
{
    if (!may_talk(delivery, connection))
        return;
    write_mail(delivery, connection);
    smtp_talk_init(&delivery->talk, delivery->smtp->from, delivery->to,
                   span_make(connection->mail, connection->mail_len));
    delivery->has_talk = true;
    delivery->connection = connection;
    connection->delivery = delivery;
    connection->watch.until = delivery->until;
    set_watch(connection, true);
    move_talk(connection);
}

// The connection is logged in.
static void be_ready(struct delivery *delivery, struct connection *connection)
{
    delivery->connection = connection;
    connection->delivery = delivery;
    if (delivery->sending == NULL) {
        begin_talk(delivery, connection);
        return;
    }
    delivery->sending->held = delivery;
    delivery->sending->on_ready(delivery->sending);
}

static void smtp_go(struct channel *channel, struct sending *sending, bool is_wanted)
{
    struct smtp *smtp = (struct smtp *)channel;
    struct delivery *delivery = sending->held;
    if (is_wanted) {
        delivery->until = mono_after(outbound_now(smtp->outbound), smtp->settings.timeout_ms);
        delivery->code_end = code_end_of(smtp, delivery->request);
        begin_talk(delivery, delivery->connection);
        return;
    }
    put_idle(delivery->connection);
    outbound_release(&delivery->job);
    put_delivery(delivery);
}

// --- the login ---------------------------------------------------------------------------------

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
    struct connection *connection = ctx;
    struct span line = without_line_end(span_make(data, size * count));
    if (span_starts_with(line, SPAN("220")))
        connection->has_utf8 = false;
    if (span_eq_nocase(span_from(line, 4), SPAN("SMTPUTF8")))
        connection->has_utf8 = true;
    if (smtp_reply_parse(line, &connection->end)) {
        connection->words_len = span_first(line, sizeof connection->words).len;
        memcpy(connection->words, line.data, connection->words_len);
    }
    return size * count;
}

// The relay's own words where it refused, libcurl's where the connection failed.
static void fail_login(struct connection *connection, CURLcode code)
{
    struct delivery *delivery = connection->delivery;
    struct smtp_end end = connection->end;
    bool has_story = connection->error[0] != '\0';
    struct span words = span_of_text(has_story ? connection->error : curl_easy_strerror(code));
    if (end.code >= 400)
        words = span_make(connection->words, connection->words_len);
    end.is_login_denied = code == CURLE_LOGIN_DENIED;
    delivery->connection = NULL;
    give_end(delivery, &end, words);
    close_connection(connection);
}

static void end_probe(struct connection *connection)
{
    struct delivery *delivery = connection->delivery;
    struct send_result result = {.outcome = SEND_ACCEPTED};
    delivery->connection = NULL;
    give_result(delivery, &result, span_make(connection->words, connection->words_len));
    put_idle(connection);
}

static void on_login(struct outbound_transfer *transfer, CURLcode code)
{
    struct connection *connection = (struct connection *)transfer;
    struct delivery *delivery = connection->delivery;
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (code == CURLE_OK)
        code = curl_easy_getinfo(transfer->easy, CURLINFO_ACTIVESOCKET, &fd);
    connection->watch.fd = fd;
    if (code != CURLE_OK)
        fail_login(connection, code);
    else if (delivery->request == NULL)
        end_probe(connection);
    else
        be_ready(delivery, connection);
}

static bool set_login(CURL *easy, const struct smtp *smtp)
{
    long use_ssl = smtp->settings.tls == SMTP_TLS_NONE ? CURLUSESSL_NONE : CURLUSESSL_ALL;
    if (curl_easy_setopt(easy, CURLOPT_USE_SSL, use_ssl) != CURLE_OK)
        return false;
    if (smtp->settings.user[0] == '\0')
        return true;
    // libcurl would rather take CRAM-MD5, for which relays have to keep the password itself.
    return curl_easy_setopt(easy, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_USERNAME, smtp->settings.user) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PASSWORD, smtp->password) == CURLE_OK;
}

static CURL *make_easy(struct connection *connection)
{
    const struct smtp *smtp = connection->smtp;
    long total_ms = (long)smtp->settings.timeout_ms;
    const struct outbound_rules rules = {
        .protocols = "smtp,smtps",
        .ca_file = smtp->settings.ca_file[0] != '\0' ? smtp->settings.ca_file : NULL,
        .connect_ms = total_ms < CONNECT_MS_MAX ? total_ms : CONNECT_MS_MAX,
        .total_ms = total_ms,
    };
    CURL *easy = curl_easy_init();
    if (easy == NULL)
        return NULL;
    (void)curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, connection->error);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_reply_line);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, connection);
    if (outbound_rule(easy, &rules) && curl_easy_setopt(easy, CURLOPT_URL, smtp->url) == CURLE_OK &&
        set_login(easy, smtp))
        return easy;
    curl_easy_cleanup(easy);
    return NULL;
}

static bool connect_anew(struct delivery *delivery)
{
    struct smtp *smtp = delivery->smtp;
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL)
        return false;
    connection->smtp = smtp;
    connection->delivery = delivery;
    connection->login.on_done = on_login;
    connection->watch.on_ready = on_ready;
    connection->login.easy = make_easy(connection);
    if (connection->login.easy != NULL &&
        outbound_start(smtp->outbound, &connection->login) == ERR_OK) {
        delivery->connection = connection;
        return true;
    }
    curl_easy_cleanup(connection->login.easy);
    free(connection);
    return false;
}

// --- jobs --------------------------------------------------------------------------------------

static void on_turn(struct outbound_job *job)
{
    struct delivery *delivery = (struct delivery *)job;
    struct smtp *smtp = delivery->smtp;
    struct connection *connection = delivery->request == NULL ? NULL : take_idle(smtp);
    delivery->until = mono_after(outbound_now(smtp->outbound), smtp->settings.timeout_ms);
    if (connection != NULL)
        be_ready(delivery, connection);
    else if (!connect_anew(delivery))
        give_up(delivery, SEND_RETRY, SEND_VENDOR_DOWN);
}

static void on_cut(struct outbound_job *job)
{
    struct delivery *delivery = (struct delivery *)job;
    struct connection *connection = delivery->connection;
    const struct smtp_end never_begun = {.is_never_begun = true};
    const struct smtp_end *end = delivery->has_talk ? &delivery->talk.end : &never_begun;
    if (connection != NULL)
        close_connection(connection);
    give_end(delivery, end, SPAN(""));
}

// All zero but for the conversation, which is made anew by whoever begins one.
static struct delivery *take_delivery(struct smtp *smtp)
{
    struct delivery *delivery = smtp->free;
    if (delivery == NULL)
        delivery = malloc(sizeof *delivery);
    else
        smtp->free = delivery->next_free;
    if (delivery == NULL)
        return NULL;
    memset(delivery, 0, offsetof(struct delivery, talk));
    delivery->smtp = smtp;
    return delivery;
}

static void add(struct smtp *smtp, struct delivery *delivery, int64_t wait_ms)
{
    delivery->job.on_turn = on_turn;
    delivery->job.on_cut = on_cut;
    outbound_add(&smtp->lane, &delivery->job,
                 wait_ms < OUTBOUND_WAIT_MS_MAX ? wait_ms : OUTBOUND_WAIT_MS_MAX);
}

static void refuse(send_done *on_result, void *ctx, enum send_outcome outcome,
                   enum send_reason reason)
{
    on_result(ctx, &(struct send_result){.outcome = outcome, .reason = reason});
}

// What still waits when its code ends is not sent.
static void smtp_send(struct channel *channel, struct sending *sending)
{
    const struct send_request *request = sending->request;
    struct mail_address to;
    if (!mail_address_of(request->to, &to)) {
        refuse(sending->on_result, sending->ctx, SEND_REFUSED, SEND_INVALID_NUMBER);
        return;
    }
    struct delivery *delivery = take_delivery((struct smtp *)channel);
    if (delivery == NULL) {
        refuse(sending->on_result, sending->ctx, SEND_RETRY, SEND_VENDOR_DOWN);
        return;
    }
    delivery->sending = sending->on_ready != NULL ? sending : NULL;
    delivery->request = request;
    delivery->to = to;
    delivery->on_result = sending->on_result;
    delivery->ctx = sending->ctx;
    delivery->code_end = code_end_of(delivery->smtp, request);
    add((struct smtp *)channel, delivery, request->deadline_at_ms - request->sent_at_ms);
}

void smtp_probe(struct channel *channel, send_done *on_result, void *ctx)
{
    struct delivery *delivery = take_delivery((struct smtp *)channel);
    if (delivery == NULL) {
        refuse(on_result, ctx, SEND_RETRY, SEND_VENDOR_DOWN);
        return;
    }
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
    struct delivery *next;
    for (struct connection *idle; (idle = take_idle(smtp)) != NULL;)
        quit(idle);
    for (struct delivery *delivery = smtp->free; delivery != NULL; delivery = next) {
        next = delivery->next_free;
        free(delivery);
    }
    wipe(smtp->password, sizeof smtp->password);
    free(smtp);
}

static const struct channel_ops smtp_ops = {
    .send = smtp_send, .go = smtp_go, .destroy = smtp_destroy};

enum err smtp_create(struct outbound *outbound, const struct smtp_settings *settings,
                     struct span password, struct channel **out)
{
    struct smtp *smtp = calloc(1, sizeof *smtp);
    if (smtp == NULL)
        return ERR_NO_MEMORY;
    ASSERT(password.len < sizeof smtp->password);
    smtp->base.ops = &smtp_ops;
    smtp->outbound = outbound;
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
