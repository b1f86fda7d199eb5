// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// From a call to reports:
//
//   request ──json, form, query──▶ whole ──signature──▶ ──text inside a member──▶ ──list──▶ reports
//
// Whatever the call was, the whole is a tree of JSON, and reports are found in it by paths. Nothing
// is trusted: the body is bounded by whoever received it, and so are the members of a form, the
// depth of the list and every text. A report that says nothing of a state is none; one whose state
// nobody knows does no harm to its message.
#include "channel/report_inside.h"
#include "crypto/pure/mac.h"
#include "telemetry/utf8.h"

#include <stdlib.h>

#define STATE_BYTES_MAX 64U
#define CODE_BYTES_MAX 64U
#define TEXT_BYTES_MAX 256U
#define DIGITS_SHOWN_MAX 3U      // a longer run may be a number or a code
#define CODE_DIGITS_SHOWN_MAX 6U // no provider's own codes are longer, all numbers are
#define CHALLENGE_BYTES_MAX 256U

struct reading {
    const struct report_reader *reader;
    const struct report_request *request;
    const struct report_taker *taker;
    json_t *whole;
};

// --- the reader ------------------------------------------------------------------------------

static const struct recipe_receipt *receipt_of(const struct reading *reading)
{
    return &reading->reader->recipe->receipt;
}

// What a template of parameters is with their values; data NULL when one of them is unset.
static struct span fill(struct report_reader *reader, const struct plan_binding *binding,
                        struct span template)
{
    struct strbuf out =
        strbuf_over(reader->held + reader->held_len, sizeof reader->held - reader->held_len);
    bool is_set = template.data != NULL;
    while (template.len > 0) {
        struct recipe_part part;
        enum err err = recipe_part_take(binding->recipe, &template, &part, NULL);
        ASSERT(err == ERR_OK); // checked when the recipe was compiled
        bool is_literal = part.kind == RECIPE_PART_LITERAL;
        struct span piece = is_literal ? part.literal : binding->values[part.index];
        is_set = is_set && piece.data != NULL;
        if (is_set)
            strbuf_put(&out, piece);
    }
    reader->held_len += out.len;
    is_set = is_set && !out.is_overflowed;
    return is_set ? strbuf_span(&out) : (struct span){0};
}

static enum err fill_secrets(struct report_reader *reader, const struct plan_binding *binding,
                             struct err_info *info)
{
    const struct recipe_receipt *receipt = &binding->recipe->receipt;
    reader->verify = fill(reader, binding, receipt->verify);
    reader->app = fill(reader, binding, receipt->app);
    reader->secret = fill(reader, binding, receipt->secret);
    if (receipt->signature != RECIPE_SIGNATURE_STANDARD_WEBHOOKS || reader->secret.data == NULL)
        return ERR_OK;
    uint8_t *room = reader->held + reader->held_len;
    reader->secret =
        recipe_signing_key(reader->secret, room, sizeof reader->held - reader->held_len);
    if (reader->secret.len > 0)
        return ERR_OK;
    err_info_set(info, "the signing secret is no \"whsec_\" with base64 behind it");
    return ERR_INVALID;
}

enum err report_reader_create(const struct recipe *recipe, const struct recipe_setting *settings,
                              size_t count, struct report_reader **out, struct err_info *info)
{
    struct plan_binding binding = {.recipe = recipe};
    *out = NULL;
    ASSERT(recipe_has_reports(recipe));
    enum err err = plan_binding_fill(&binding, settings, count, info);
    if (err != ERR_OK)
        return err;
    struct report_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return ERR_NO_MEMORY;
    reader->recipe = recipe;
    err = fill_secrets(reader, &binding, info);
    if (err != ERR_OK)
        report_reader_destroy(&reader);
    *out = reader;
    return err;
}

void report_reader_destroy(struct report_reader **reader)
{
    if (*reader == NULL)
        return;
    wipe(*reader, sizeof **reader);
    free(*reader);
    *reader = NULL;
}

bool report_reader_checks(const struct report_reader *reader)
{
    return reader->secret.data != NULL;
}

// --- one report --------------------------------------------------------------------------------

// Where a report stands, and what its list stands in.
struct place {
    json_t *report, *outer;
};

// As reply_get, of paths that may begin with "^.".
static bool get(const struct place *place, struct span *rest, struct strbuf *out)
{
    static const struct span up = SPAN("^.");
    while (rest->len > 0) {
        struct span path = span_split(*rest, ' ', rest);
        bool is_outer = span_starts_with(path, up);
        out->len = 0;
        if (reply_json_get(is_outer ? place->outer : place->report,
                           span_from(path, is_outer ? up.len : 0), 0, out))
            return true;
    }
    return false;
}

static const struct recipe_state *find_state(const struct recipe_states *states, struct span word)
{
    for (size_t i = 0; i < states->count; i++) {
        if (span_eq_nocase(states->held[i].word, word))
            return &states->held[i];
    }
    return NULL;
}

// False: it says nothing of a state. The first word that is known counts.
static bool read_state(const struct reading *reading, const struct place *place,
                       struct report *report)
{
    uint8_t room[STATE_BYTES_MAX];
    struct strbuf word = strbuf_over(room, sizeof room);
    struct span paths = receipt_of(reading)->state;
    bool has_word = false;
    report->state = REPORT_ON_ITS_WAY;
    while (!report->is_state_known && get(place, &paths, &word)) {
        const struct recipe_state *state =
            find_state(&receipt_of(reading)->states, strbuf_span(&word));
        has_word = true;
        if (state == NULL)
            continue;
        report->state = (enum report_state)state->state;
        report->is_state_known = true;
    }
    return has_word;
}

static bool is_visible(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7F)
            return false;
    }
    return true;
}

// A name that is not cut and could stand in a log; else an empty span.
static struct span get_name(const struct place *place, struct span paths, struct strbuf *room)
{
    bool is_found = get(place, &paths, room);
    bool is_whole = is_found && room->len < room->cap && is_visible(strbuf_span(room));
    return is_whole ? strbuf_span(room) : (struct span){0};
}

static size_t digits_at(struct span text)
{
    size_t len = 0;
    while (len < text.len && ascii_is_digit(text.data[len]))
        len++;
    return len;
}

// Whole characters; nobody knows here which number or code the words might repeat.
static void put_words(struct strbuf *out, struct span text, size_t digits_max)
{
    while (text.len > 0 && !out->is_overflowed) {
        uint32_t point = 0;
        size_t digits = digits_at(text);
        size_t len = digits > 0 ? digits : utf8_next(text, &point);
        bool is_shown =
            len > 0 && (digits > 0 || (point >= 0x20 && !(point >= 0x7F && point < 0xA0)));
        if (digits > digits_max)
            strbuf_put(out, SPAN("***"));
        else if (is_shown)
            strbuf_put(out, span_first(text, len));
        else
            strbuf_put_byte(out, ' ');
        text = span_from(text, len > 0 ? len : 1);
    }
}

static bool is_code(struct span text)
{
    return text.len > 0 && text.len < CODE_BYTES_MAX && is_visible(text);
}

// The first code that is known; `code` then holds it, else the first that there was.
static const struct recipe_mapped *by_code(const struct reading *reading, const struct place *place,
                                           struct strbuf *code)
{
    const struct recipe *recipe = reading->reader->recipe;
    bool has_own = recipe->receipt.codes.count > 0;
    uint8_t room[CODE_BYTES_MAX];
    struct span paths = recipe->receipt.code;
    struct strbuf value = strbuf_over(room, sizeof room);
    while (get(place, &paths, &value)) {
        struct span name = strbuf_span(&value);
        const struct recipe_mapped *mapped =
            recipe_map_code(has_own ? &recipe->receipt.codes : &recipe->codes, name);
        if (mapped != NULL)
            code->len = 0;
        if (code->len == 0 && is_code(name))
            put_words(code, name, mapped != NULL ? CODE_BYTES_MAX : CODE_DIGITS_SHOWN_MAX);
        if (mapped != NULL)
            return mapped;
    }
    return NULL;
}

// "30003: Unreachable destination handset". What may have arrived all the same is on its way.
static void read_failure(const struct reading *reading, const struct place *place,
                         struct report *report, struct strbuf *out)
{
    static const struct recipe_mapped unclassified = {.reason = SEND_UNCLASSIFIED};
    uint8_t room[TEXT_BYTES_MAX];
    struct strbuf words = strbuf_over(room, sizeof room);
    struct span paths = receipt_of(reading)->words;
    const struct recipe_mapped *mapped = by_code(reading, place, out);
    bool has_words = get(place, &paths, &words) && words.len > 0;
    if (mapped == NULL && has_words)
        mapped = recipe_map_words(&reading->reader->recipe->texts, strbuf_span(&words));
    if (mapped == NULL)
        mapped = &unclassified;
    report->reason = mapped->reason;
    if (mapped->is_unknown) {
        report->state = REPORT_ON_ITS_WAY;
        report->reason = SEND_REASON_NONE;
        return;
    }
    if (has_words) {
        strbuf_put_text(out, out->len > 0 ? ": " : "");
        put_words(out, strbuf_span(&words), DIGITS_SHOWN_MAX);
    }
    report->words = strbuf_span(out);
}

// False: `take` would not have more.
static bool tell(const struct reading *reading, const struct place *place)
{
    uint8_t ref_room[REPORT_REF_BYTES_MAX + 1], echo_room[REPORT_ECHO_BYTES_MAX + 1];
    uint8_t words_room[REPORT_WORDS_BYTES_MAX], only_room[STATE_BYTES_MAX];
    struct strbuf ref = strbuf_over(ref_room, sizeof ref_room);
    struct strbuf echo = strbuf_over(echo_room, sizeof echo_room);
    struct strbuf words = strbuf_over(words_room, sizeof words_room);
    struct strbuf only = strbuf_over(only_room, sizeof only_room);
    struct span only_paths = receipt_of(reading)->only_with;
    struct report report = {.reason = SEND_REASON_NONE};
    if (only_paths.data != NULL && !get(place, &only_paths, &only))
        return true;
    if (!read_state(reading, place, &report))
        return true;
    if (report.state == REPORT_FAILED)
        read_failure(reading, place, &report, &words);
    report.ref = get_name(place, receipt_of(reading)->id, &ref);
    report.echo = get_name(place, receipt_of(reading)->echo, &echo);
    return reading->taker->take(reading->taker->ctx, &report);
}

// --- the list ----------------------------------------------------------------------------------

// On the way down a path: at each depth a node, and which of its children come next.
struct walk {
    json_t *nodes[RECIPE_PATH_SEGMENTS_MAX + 1];
    size_t taken[RECIPE_PATH_SEGMENTS_MAX + 1];
    struct span segments[RECIPE_PATH_SEGMENTS_MAX];
    size_t count; // of segments
    size_t depth;
    bool is_over;
};

static void walk_begin(struct walk *walk, json_t *root, struct span path)
{
    *walk = (struct walk){.nodes = {root}};
    if (span_eq(path, SPAN(".")))
        return;
    while (path.len > 0)
        walk->segments[walk->count++] = span_split(path, '.', &path);
}

// "*" stands for one element after the other, a name for one member.
static json_t *next_child(struct walk *walk)
{
    json_t *node = walk->nodes[walk->depth];
    struct span segment = walk->segments[walk->depth];
    size_t index = walk->taken[walk->depth]++;
    if (span_eq(segment, SPAN("*")))
        return json_array_get(node, index);
    return index == 0 ? json_object_getn(node, (const char *)segment.data, segment.len) : NULL;
}

static void walk_up(struct walk *walk)
{
    if (walk->depth == 0)
        walk->is_over = true;
    else
        walk->depth--;
}

// False at the end. With a "*" at the end of the path, `outer` is what its list is a member of.
static bool walk_next(struct walk *walk, struct place *out)
{
    while (!walk->is_over) {
        size_t at = walk->depth;
        if (at == walk->count) {
            *out = (struct place){walk->nodes[at], at >= 2 ? walk->nodes[at - 2] : NULL};
            walk_up(walk);
            return true;
        }
        json_t *child = next_child(walk);
        if (child == NULL) {
            walk_up(walk);
            continue;
        }
        walk->nodes[++walk->depth] = child;
        walk->taken[walk->depth] = 0;
    }
    return false;
}

// All that is found by the first path that leads somewhere.
static enum report_verdict tell_all(const struct reading *reading, json_t *root)
{
    struct span rest = receipt_of(reading)->list;
    bool is_found = false;
    do {
        struct walk walk;
        struct place place;
        walk_begin(&walk, root, span_split(rest, ' ', &rest));
        while (walk_next(&walk, &place)) {
            is_found = true;
            if (!tell(reading, &place))
                return REPORT_STOPPED;
        }
    } while (!is_found && rest.len > 0);
    return REPORT_READ;
}

// --- the call ----------------------------------------------------------------------------------

static json_t *read_json(const struct reading *reading, struct span text)
{
    json_t *json = json_loadb((const char *)text.data, text.len,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    bool is_mended = json == NULL && receipt_of(reading)->is_lenient;
    return is_mended ? report_mend_read(text) : json;
}

static enum recipe_receipt_form form_of(const struct report_request *request)
{
    static const struct span form = SPAN("application/x-www-form-urlencoded");
    struct span type = span_first(request->content_type, form.len);
    if (request->is_get)
        return RECIPE_RECEIPT_QUERY;
    return span_eq_nocase(type, form) ? RECIPE_RECEIPT_FORM : RECIPE_RECEIPT_JSON;
}

static json_t *read_whole(const struct reading *reading)
{
    enum recipe_receipt_form form = form_of(reading->request);
    if ((receipt_of(reading)->forms >> form & 1U) == 0)
        return NULL;
    switch (form) {
    case RECIPE_RECEIPT_JSON:
        return read_json(reading, reading->request->body);
    case RECIPE_RECEIPT_FORM:
        return report_form_read(reading->request->body);
    case RECIPE_RECEIPT_QUERY:
        return report_form_read(reading->request->query);
    }
    UNREACHABLE();
}

// The JSON text in one of the members that may hold one, read; NULL: there is none, or it is
// broken.
static json_t *read_inside(const struct reading *reading, json_t *whole, bool *is_there_out)
{
    struct span rest = receipt_of(reading)->inside;
    *is_there_out = false;
    while (rest.len > 0) {
        struct span name = span_split(rest, ' ', &rest);
        json_t *text = json_object_getn(whole, (const char *)name.data, name.len);
        if (!json_is_string(text))
            continue;
        *is_there_out = true;
        return read_json(reading, span_make(json_string_value(text), json_string_length(text)));
    }
    return NULL;
}

static enum report_verdict tell_inside(const struct reading *reading)
{
    bool is_there;
    json_t *inside = read_inside(reading, reading->whole, &is_there);
    if (!is_there)
        return tell_all(reading, reading->whole);
    if (inside == NULL)
        return REPORT_UNREADABLE;
    enum report_verdict verdict = tell_all(reading, inside);
    json_decref(inside);
    return verdict;
}

static struct span member(json_t *whole, const char *name)
{
    json_t *value = json_object_get(whole, name);
    return span_make(json_string_value(value), json_string_length(value));
}

// Meta asks once, by a GET, whether the URL is right, and wants its challenge back. Nothing but a
// word is echoed.
static enum report_verdict greet(const struct reading *reading, json_t *query,
                                 struct strbuf *answer)
{
    struct span expected = reading->reader->verify;
    struct span token = member(query, "hub.verify_token");
    struct span challenge = member(query, "hub.challenge");
    bool is_known =
        token.len == expected.len && bytes_equal_secret(token.data, expected.data, expected.len);
    if (!span_eq(member(query, "hub.mode"), SPAN("subscribe")) || challenge.len == 0 ||
        challenge.len > CHALLENGE_BYTES_MAX || !is_visible(challenge))
        return REPORT_UNREADABLE;
    if (expected.data != NULL && !is_known)
        return REPORT_FORGED;
    strbuf_put(answer, challenge);
    return REPORT_GREETED;
}

static enum report_verdict read_greeting(const struct reading *reading, struct strbuf *answer)
{
    json_t *query = report_form_read(reading->request->query);
    enum report_verdict verdict = REPORT_UNREADABLE;
    if (query != NULL)
        verdict = greet(reading, query, answer);
    json_decref(query);
    return verdict;
}

static struct span host_of(struct span url)
{
    struct span scheme = SPAN("https://");
    struct span authority = span_starts_with(url, scheme) ? span_from(url, scheme.len) : SPAN("");
    return span_first(authority, span_find(authority, '/'));
}

// "sns.ap-south-1.amazonaws.com", also with ".cn" behind it.
static bool is_sns_host(struct span host)
{
    struct span rest;
    struct span first = span_split(host, '.', &rest);
    struct span region = span_split(rest, '.', &rest);
    for (size_t i = 0; i < region.len; i++) {
        uint8_t byte = region.data[i];
        if (!(byte >= 'a' && byte <= 'z') && !ascii_is_digit(byte) && byte != '-')
            return false;
    }
    bool is_aws = span_eq(rest, SPAN("amazonaws.com")) || span_eq(rest, SPAN("amazonaws.com.cn"));
    return span_eq(first, SPAN("sns")) && region.len > 0 && is_aws;
}

// SNS sends nothing before its own URL has been opened once. That is for a person to do: a server
// that opened what it is sent could be sent anywhere.
static enum report_verdict read_subscription(struct span url, struct strbuf *answer)
{
    struct span host = host_of(url);
    if (host.len == 0 || !is_visible(url) || url.len > answer->cap)
        return REPORT_UNREADABLE;
    bool is_sns = is_sns_host(host);
    strbuf_put(answer, is_sns ? url : host);
    return is_sns ? REPORT_SUBSCRIPTION : REPORT_STRANGE;
}

static bool is_subscription(const struct reading *reading)
{
    return receipt_of(reading)->signature == RECIPE_SIGNATURE_SNS &&
           span_eq(member(reading->whole, "Type"), SPAN("SubscriptionConfirmation"));
}

static enum report_verdict read_all(const struct reading *reading, struct strbuf *answer)
{
    enum report_verdict verdict = report_check(reading->reader, reading->request, reading->whole);
    if (verdict != REPORT_READ)
        return verdict;
    if (is_subscription(reading))
        return read_subscription(member(reading->whole, "SubscribeURL"), answer);
    return tell_inside(reading);
}

enum report_verdict report_read(const struct report_reader *reader,
                                const struct report_request *request,
                                const struct report_taker *taker, struct strbuf *answer)
{
    struct reading reading = {reader, request, taker, NULL};
    ASSERT(answer->cap >= REPORT_ANSWER_BYTES_MAX);
    if (request->is_get && reader->recipe->receipt.signature == RECIPE_SIGNATURE_HUB)
        return read_greeting(&reading, answer);
    reading.whole = read_whole(&reading);
    if (reading.whole == NULL)
        return REPORT_UNREADABLE;
    enum report_verdict verdict = read_all(&reading, answer);
    json_decref(reading.whole);
    return verdict;
}
