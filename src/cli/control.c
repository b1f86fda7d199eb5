// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// libcurl's easy interface, one handle a request. Whoever can write the environment or a .curlrc
// must not be able to send a request elsewhere: no proxy, no redirect, no protocol but HTTP, and
// the name in the URL is never looked up because the socket's path is used in its place.
//
// What the server answers is not trusted to be an answer: the path may be that of another program.
#include "cli/control.h"

#include <curl/curl.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>

#define SOCKET_FILE "control.sock"
#define URL_BYTES_MAX 1024U // the longest path, and a name of 64 bytes percent-encoded
#define REPLY_BYTES_FIRST 4096U

static const char *variable(const char *const *environment, struct span name)
{
    for (; *environment != NULL; environment++) {
        struct span entry = span_of_text(*environment);
        if (!span_starts_with(entry, name) || entry.len <= name.len + 1)
            continue;
        if (entry.data[name.len] == '=')
            return *environment + name.len + 1;
    }
    return NULL;
}

static enum err take_path(struct control *out, struct err_info *info)
{
    size_t most = sizeof((struct sockaddr_un *)0)->sun_path - 1;
    if (strnlen(out->path, sizeof out->path) <= most)
        return ERR_OK;
    err_info_set(info,
                 "%.200s: a socket's path has at most %zu bytes; go into its folder and give a "
                 "relative one: --socket ./" SOCKET_FILE,
                 out->path, most);
    return ERR_INVALID;
}

enum err control_find(const struct control_hints *hints, struct control *out, struct err_info *info)
{
    const char *socket = hints->socket_flag;
    const char *data_dir = hints->data_dir_flag;
    bool has_flag = socket != NULL || data_dir != NULL; // no stray variable may name another server
    if (!has_flag)
        socket = variable(hints->environment, SPAN("OTPD_CONTROL_SOCKET"));
    if (!has_flag)
        data_dir = variable(hints->environment, SPAN("OTPD_DATA_DIR"));
    *out = (struct control){.data_dir = socket == NULL ? data_dir : NULL};
    if (socket == NULL && data_dir == NULL) {
        err_info_set(info, "which server? give its data directory, --data-dir DIR, or the socket "
                           "that its banner and its log name, --socket PATH");
        return ERR_NOT_FOUND;
    }
    if (socket != NULL)
        (void)snprintf(out->path, sizeof out->path, "%s", socket);
    else
        (void)snprintf(out->path, sizeof out->path, "%s/" SOCKET_FILE, data_dir);
    return take_path(out, info);
}

// --- the request -----------------------------------------------------------------------------

static bool is_unreserved(uint8_t byte)
{
    bool is_letter = ascii_lower(byte) >= 'a' && ascii_lower(byte) <= 'z';
    return is_letter || ascii_is_digit(byte) || (byte != '\0' && strchr("-._~", byte) != NULL);
}

// RFC 3986 section 2.1, which prefers upper-case digits.
static void put_encoded(struct strbuf *out, struct span text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        if (is_unreserved(text.data[i])) {
            strbuf_put_byte(out, text.data[i]);
            continue;
        }
        strbuf_put_byte(out, '%');
        strbuf_put_byte(out, (uint8_t)digits[text.data[i] >> 4]);
        strbuf_put_byte(out, (uint8_t)digits[text.data[i] & 0xFU]);
    }
}

static void put_parameters(struct strbuf *out, const struct control_request *request)
{
    const char *separator = request->name.data != NULL ? "&" : "?";
    if (request->is_forced) {
        strbuf_put_text(out, separator);
        strbuf_put_text(out, "force=true");
        separator = "&";
    }
    for (size_t i = 0; i < request->parameters_count; i++) {
        strbuf_put_text(out, separator);
        strbuf_put_text(out, request->parameters[i].name);
        strbuf_put_byte(out, '=');
        put_encoded(out, request->parameters[i].value);
        separator = "&";
    }
}

static void put_url(struct strbuf *out, const struct control_request *request)
{
    strbuf_put_text(out, "http://localhost");
    strbuf_put_text(out, request->path);
    if (request->name.data != NULL) {
        strbuf_put_text(out, "?name=");
        put_encoded(out, request->name);
    }
    if (request->number != 0) {
        strbuf_put_text(out, "&number=");
        strbuf_put_u64(out, request->number);
    }
    put_parameters(out, request);
    strbuf_put_byte(out, '\0');
    ASSERT(!out->is_overflowed);
}

struct incoming {
    struct control_reply *reply;
    size_t cap;
    enum err err; // why the rest was not taken
};

static enum err make_room(struct incoming *incoming, size_t wanted)
{
    struct control_reply *reply = incoming->reply;
    size_t cap = incoming->cap == 0 ? REPLY_BYTES_FIRST : incoming->cap;
    if (wanted > CONTROL_REPLY_BYTES_MAX)
        return ERR_INVALID;
    while (cap < wanted + 1)
        cap *= 2;
    char *text = cap == incoming->cap ? reply->text : realloc(reply->text, cap);
    if (text == NULL)
        return ERR_NO_MEMORY;
    reply->text = text;
    incoming->cap = cap;
    return ERR_OK;
}

// Taking less than there is ends the transfer with CURLE_WRITE_ERROR.
static size_t take_bytes(char *data, size_t size, size_t count, void *context)
{
    struct incoming *incoming = context;
    struct control_reply *reply = incoming->reply;
    size_t len = size * count;
    incoming->err = make_room(incoming, reply->len + len);
    if (incoming->err != ERR_OK)
        return 0;
    memcpy(reply->text + reply->len, data, len);
    reply->len += len;
    reply->text[reply->len] = '\0';
    return len;
}

// --- what can go wrong -----------------------------------------------------------------------

// Who the socket belongs to may connect.
static void tell_permission(const struct control *control, struct err_info *info)
{
    struct stat facts;
    bool is_seen = stat(control->path, &facts) == 0;
    const struct passwd *owner = is_seen ? getpwuid(facts.st_uid) : NULL;
    err_info_set(info,
                 "%.200s: permission denied; only the user that the server runs as may change it: "
                 "sudo -u %.64s otpd ...",
                 control->path, owner != NULL ? owner->pw_name : "USER");
}

static void tell_absent(const struct control *control, struct err_info *info)
{
    if (control->data_dir != NULL)
        err_info_set(info,
                     "no server answers at %.200s; is it running? otpd serve --data-dir %.200s",
                     control->path, control->data_dir);
    else
        err_info_set(info,
                     "no server answers at %.200s; is it running? its banner and the event "
                     "control.listening in its log name its socket",
                     control->path);
}

static enum err refuse_connection(const struct control *control, CURL *handle,
                                  struct err_info *info)
{
    long reason = 0;
    (void)curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &reason);
    if (reason == EACCES || reason == EPERM) {
        tell_permission(control, info);
        return ERR_PERMISSION;
    }
    tell_absent(control, info);
    return ERR_NOT_FOUND;
}

static enum err refuse_answer(const struct control *control, struct err_info *info)
{
    err_info_set(info,
                 "what answers at %.200s is not otpd; give the socket that its banner and its log "
                 "name: --socket PATH",
                 control->path);
    return ERR_INVALID;
}

static enum err refuse_silence(const struct control *control, enum err err, struct err_info *info)
{
    const char *what = err == ERR_TIMEOUT ? "does not answer within 10 seconds"
                                          : "ended the connection before it answered";
    err_info_set(info,
                 "the server at %.200s %s; a change may have been made or not: otpd brand show "
                 "tells, and the server's log why",
                 control->path, what);
    return err;
}

static enum err refuse_transfer(const struct control *control, CURL *handle, CURLcode code,
                                struct err_info *info)
{
    static const CURLcode endings[] = {CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR,
                                       CURLE_PARTIAL_FILE};
    if (code == CURLE_COULDNT_CONNECT)
        return refuse_connection(control, handle, info);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return refuse_silence(control, ERR_TIMEOUT, info);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (code == endings[i])
            return refuse_silence(control, ERR_IO, info);
    }
    if (code == CURLE_OUT_OF_MEMORY)
        return ERR_NO_MEMORY;
    return refuse_answer(control, info);
}

// --- the whole -------------------------------------------------------------------------------

static void set_options(CURL *handle, const struct control *control,
                        const struct control_request *request, const char *url)
{
    (void)curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, control->path);
    (void)curl_easy_setopt(handle, CURLOPT_URL, url);
    (void)curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request->method);
    (void)curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http");
    (void)curl_easy_setopt(handle, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, CONTROL_TIMEOUT_MS);
    (void)curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    if (span_is_empty(request->body))
        return;
    (void)curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, (long)request->body.len);
    (void)curl_easy_setopt(handle, CURLOPT_POSTFIELDS, (const char *)request->body.data);
}

// "Expect:" without a value: nobody has to say that we may go on.
static struct curl_slist *make_fields(void)
{
    static const char *const fields[] = {"Accept: application/json",
                                         "Content-Type: application/json", "Expect:"};
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        struct curl_slist *longer = curl_slist_append(list, fields[i]);
        if (longer == NULL) {
            curl_slist_free_all(list);
            return NULL;
        }
        list = longer;
    }
    return list;
}

static enum err perform(CURL *handle, const struct control *control, struct control_reply *out,
                        struct err_info *info)
{
    struct incoming incoming = {.reply = out, .err = ERR_OK};
    (void)curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_bytes);
    (void)curl_easy_setopt(handle, CURLOPT_WRITEDATA, &incoming);
    CURLcode code = curl_easy_perform(handle);
    if (incoming.err == ERR_NO_MEMORY)
        return ERR_NO_MEMORY;
    if (code != CURLE_OK)
        return refuse_transfer(control, handle, code, info);
    (void)curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &out->status);
    return ERR_OK;
}

static enum err read_reply(const struct control *control, struct control_reply *reply,
                           struct err_info *info)
{
    reply->json = json_loadb(reply->text != NULL ? reply->text : "", reply->len, 0, NULL);
    if (!json_is_object(reply->json)) {
        json_decref(reply->json);
        reply->json = NULL;
    }
    bool is_success = reply->status >= 200 && reply->status < 300;
    bool is_refusal = reply->status >= 400 && reply->status < 600;
    if (is_refusal || (is_success && reply->json != NULL))
        return ERR_OK;
    return refuse_answer(control, info);
}

enum err control_ask(const struct control *control, const struct control_request *request,
                     struct control_reply *out, struct err_info *info)
{
    char url[URL_BYTES_MAX];
    struct strbuf text = strbuf_over(url, sizeof url);
    *out = (struct control_reply){0};
    put_url(&text, request);
    enum err err = ERR_NO_MEMORY;
    err_info_set(info, "%s", err_text(err));
    CURL *handle = curl_easy_init();
    struct curl_slist *fields = make_fields();
    if (handle != NULL && fields != NULL) {
        set_options(handle, control, request, url);
        (void)curl_easy_setopt(handle, CURLOPT_HTTPHEADER, fields);
        err = perform(handle, control, out, info);
    }
    curl_slist_free_all(fields);
    curl_easy_cleanup(handle);
    return err == ERR_OK ? read_reply(control, out, info) : err;
}

void control_reply_fini(struct control_reply *reply)
{
    json_decref(reply->json);
    free(reply->text);
    *reply = (struct control_reply){0};
}

const char *control_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}
