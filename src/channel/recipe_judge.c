// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What a provider's answer means. In this order: could it be sent at all; does the status say yes;
// does the body say yes; else the reason, by the provider's code, by its words, by the status.
//
// Whatever may have been taken is never called refused: a 2xx whose body cannot be read, or says
// neither yes nor why not, is unknown.
#include "base/number.h"
#include "channel/recipe_inside.h"

#define CODE_BYTES_MAX 128U
#define READ_BYTES_MAX 1024U
#define RETRY_AFTER_SECONDS_MAX 3600U // longer waits outlive every code
#define HIDDEN_LEAST 4U
#define HIDDEN_MAX (PLAN_SECRETS_MAX + 4U)

struct judge {
    const struct recipe_plan *plan;
    const struct recipe_reading *reading;
    const struct send_request *message;
    struct span token;
    const struct http_outcome *outcome;
    struct reply_reader reader;
    struct recipe_verdict *verdict;
};

// --- words -----------------------------------------------------------------------------------

// All that must not be shown, however the provider came to repeat it; the code first.
static size_t hidden_of(const struct judge *judge, struct span out[HIDDEN_MAX])
{
    size_t count = 0;
    struct span to = judge->message->to;
    struct span digits = span_starts_with(to, SPAN("+")) ? span_from(to, 1) : to;
    out[count++] = message_reveal(judge->message->otp_only);
    if (digits.len >= HIDDEN_LEAST)
        out[count++] = digits;
    out[count++] = judge->token;
    out[count++] = judge->message->receipt_url;
    for (size_t i = 0; i < judge->plan->secrets_count; i++)
        out[count++] = judge->plan->secrets[i];
    return count;
}

static void put_words(const struct judge *judge, struct strbuf *out, struct span text)
{
    struct span hidden[HIDDEN_MAX];
    size_t count = hidden_of(judge, hidden);
    recipe_put_words(hidden, count, text, out);
}

static void put_status(struct strbuf *out, unsigned status)
{
    strbuf_put_text(out, "HTTP ");
    strbuf_put_u64(out, status);
}

static struct strbuf words_of(struct judge *judge)
{
    return strbuf_over(judge->verdict->words, sizeof judge->verdict->words);
}

static void keep_words(struct judge *judge, struct strbuf *words)
{
    struct span advice = judge->plan->recipe->advice[judge->verdict->result.reason];
    if (advice.len > 0) {
        strbuf_put_text(words, " (");
        put_words(judge, words, advice);
        strbuf_put_text(words, ")");
    }
    judge->verdict->result.words = strbuf_span(words);
}

// "HTTP 400, 21211: The number … is not a phone number"
static void say_reply(struct judge *judge, struct span code, const char *otherwise)
{
    struct strbuf words = words_of(judge);
    uint8_t room[READ_BYTES_MAX];
    struct strbuf text = strbuf_over(room, sizeof room);
    struct span paths = judge->reading->reply->words;
    put_status(&words, judge->outcome->status);
    if (code.len > 0) {
        strbuf_put_text(&words, ", ");
        put_words(judge, &words, code);
    }
    bool has_words = reply_get(&judge->reader, &paths, &text) && text.len > 0;
    if (has_words || otherwise[0] != '\0')
        strbuf_put_text(&words, ": ");
    if (has_words)
        put_words(judge, &words, strbuf_span(&text));
    else
        strbuf_put_text(&words, otherwise);
    keep_words(judge, &words);
}

// --- outcomes --------------------------------------------------------------------------------

static void set(struct judge *judge, const struct recipe_mapped *mapped)
{
    struct send_result *result = &judge->verdict->result;
    result->reason = mapped->is_ready ? SEND_REASON_NONE : mapped->reason;
    if (mapped->is_ready)
        result->outcome = SEND_ACCEPTED;
    else if (mapped->is_unknown)
        result->outcome = SEND_UNKNOWN;
    else if (send_reason_class(mapped->reason) == SEND_CLASS_RETRY)
        result->outcome = SEND_RETRY;
    else
        result->outcome = SEND_REFUSED;
}

static void read_retry_after(struct judge *judge)
{
    uint64_t seconds;
    struct span text = span_trim(judge->outcome->retry_after);
    bool is_number = parse_u64(text, UINT32_MAX, &seconds);
    if (judge->verdict->result.outcome != SEND_RETRY || !is_number)
        return;
    if (seconds > RETRY_AFTER_SECONDS_MAX)
        seconds = RETRY_AFTER_SECONDS_MAX;
    judge->verdict->result.retry_after_ms = (int64_t)seconds * 1000;
}

static bool has_digit_at(struct span text, size_t at)
{
    return at < text.len && ascii_is_digit(text.data[at]);
}

// Of a longer number the code is a part by chance, and then says nothing.
static bool stands_alone(struct span text, size_t at, size_t len)
{
    return (at == 0 || !has_digit_at(text, at - 1)) && !has_digit_at(text, at + len);
}

// A provider may name a message by the number that it went to, or worse.
static bool has_hidden(const struct judge *judge, struct span ref)
{
    struct span hidden[HIDDEN_MAX];
    size_t count = hidden_of(judge, hidden);
    for (size_t at = 0; at < ref.len; at++) {
        for (size_t i = 0; i < count; i++) {
            bool is_code = i == 0;
            bool is_there = hidden[i].len > 0 && span_starts_with(span_from(ref, at), hidden[i]);
            if (is_there && (!is_code || stands_alone(ref, at, hidden[i].len)))
                return true;
        }
    }
    return false;
}

// An id that people can ask the provider about: printable, not cut, and nothing to be hidden in it.
static void read_ref(struct judge *judge)
{
    struct span paths = judge->reading->reply->id;
    struct strbuf ref = strbuf_over(judge->verdict->ref, sizeof judge->verdict->ref);
    if (!reply_get(&judge->reader, &paths, &ref) || ref.len == ref.cap)
        return;
    for (size_t i = 0; i < ref.len; i++) {
        if (ref.data[i] <= 0x20 || ref.data[i] >= 0x7F)
            return;
    }
    if (!has_hidden(judge, strbuf_span(&ref)))
        judge->verdict->result.provider_ref = strbuf_span(&ref);
}

static void accept(struct judge *judge)
{
    judge->verdict->result.outcome = SEND_ACCEPTED;
    judge->verdict->result.reason = SEND_REASON_NONE;
    read_ref(judge);
}

// --- reasons ---------------------------------------------------------------------------------

static const struct recipe_mapped *find_in_ranges(const struct recipe_map *map, uint64_t number)
{
    for (size_t i = 0; i < map->count; i++) {
        uint64_t least, most;
        bool is_range = recipe_range_parse(map->held[i].from, &least, &most);
        if (is_range && number >= least && number <= most)
            return &map->held[i];
    }
    return NULL;
}

const struct recipe_mapped *recipe_map_code(const struct recipe_map *map, struct span code)
{
    uint64_t number;
    for (size_t i = 0; i < map->count; i++) {
        if (span_eq(map->held[i].from, code))
            return &map->held[i];
    }
    return parse_u64(code, UINT32_MAX, &number) ? find_in_ranges(map, number) : NULL;
}

// "com.amazonaws.sns#ThrottlingException" is "ThrottlingException".
static struct span behind_hash(struct span code)
{
    size_t at = span_find(code, '#');
    return at < code.len ? span_from(code, at + 1) : code;
}

static const struct recipe_mapped *map_code(const struct judge *judge, struct span code)
{
    const struct recipe_probe *probe = judge->reading->probe;
    const struct recipe_mapped *mapped =
        probe != NULL ? recipe_map_code(&probe->codes, code) : NULL;
    return mapped != NULL ? mapped : recipe_map_code(&judge->plan->recipe->codes, code);
}

// The first of the recipe's code paths whose value is known; `code` then holds it, else the first
// value that there was.
static const struct recipe_mapped *by_code(struct judge *judge, struct strbuf *code)
{
    uint8_t room[CODE_BYTES_MAX];
    struct span paths = judge->reading->reply->code;
    struct strbuf value = strbuf_over(room, sizeof room);
    while (reply_get(&judge->reader, &paths, &value)) {
        struct span name = behind_hash(strbuf_span(&value));
        const struct recipe_mapped *mapped = map_code(judge, name);
        if (mapped != NULL || code->len == 0) {
            code->len = 0;
            strbuf_put(code, name);
        }
        if (mapped != NULL)
            return mapped;
    }
    return NULL;
}

static bool contains_nocase(struct span text, struct span part)
{
    for (size_t i = 0; i + part.len <= text.len; i++) {
        if (span_eq_nocase(span_make(text.data + i, part.len), part))
            return true;
    }
    return false;
}

const struct recipe_mapped *recipe_map_words(const struct recipe_map *map, struct span words)
{
    for (size_t i = 0; i < map->count; i++) {
        if (contains_nocase(words, map->held[i].from))
            return &map->held[i];
    }
    return NULL;
}

static const struct recipe_mapped *map_words(const struct judge *judge, struct span words)
{
    const struct recipe_probe *probe = judge->reading->probe;
    const struct recipe_mapped *mapped =
        probe != NULL ? recipe_map_words(&probe->texts, words) : NULL;
    return mapped != NULL ? mapped : recipe_map_words(&judge->plan->recipe->texts, words);
}

static const struct recipe_mapped *by_words(struct judge *judge, bool *has_words_out)
{
    uint8_t room[READ_BYTES_MAX];
    struct span paths = judge->reading->reply->words;
    struct strbuf words = strbuf_over(room, sizeof room);
    *has_words_out = reply_get(&judge->reader, &paths, &words) && words.len > 0;
    return *has_words_out ? map_words(judge, strbuf_span(&words)) : NULL;
}

// What a status means where the recipe does not say. A gateway that gave up waiting does not know
// what became of the request.
static const struct recipe_mapped *by_status(const struct judge *judge)
{
    static const struct recipe_map usual = {
        .held = {{SPAN("401"), SEND_AUTH_FAILED, false, false},
                 {SPAN("403"), SEND_AUTH_FAILED, false, false},
                 {SPAN("408"), SEND_VENDOR_DOWN, false, false},
                 {SPAN("425"), SEND_VENDOR_DOWN, false, false},
                 {SPAN("429"), SEND_THROTTLED, false, false},
                 {SPAN("504"), SEND_VENDOR_DOWN, true, false},
                 {SPAN("500-599"), SEND_VENDOR_DOWN, false, false}},
        .count = 7,
    };
    const struct recipe_probe *probe = judge->reading->probe;
    unsigned status = judge->outcome->status;
    const struct recipe_mapped *mapped =
        probe != NULL ? find_in_ranges(&probe->statuses, status) : NULL;
    if (mapped == NULL)
        mapped = find_in_ranges(&judge->plan->recipe->statuses, status);
    return mapped != NULL ? mapped : find_in_ranges(&usual, status);
}

static void refuse(struct judge *judge, bool is_status_good)
{
    static const struct recipe_mapped unclassified = {.reason = SEND_UNCLASSIFIED};
    static const struct recipe_mapped unknown = {.reason = SEND_UNCLASSIFIED, .is_unknown = true};
    uint8_t room[CODE_BYTES_MAX];
    struct strbuf code = strbuf_over(room, sizeof room);
    bool has_words = false;
    const struct recipe_mapped *mapped = by_code(judge, &code);
    if (mapped == NULL)
        mapped = by_words(judge, &has_words);
    if (mapped == NULL)
        mapped = by_status(judge);
    bool is_told = code.len > 0 || has_words;
    if (mapped == NULL)
        mapped = is_status_good && !is_told ? &unknown : &unclassified;
    set(judge, mapped);
    read_retry_after(judge);
    say_reply(judge, strbuf_span(&code), mapped == &unknown ? "neither yes nor why not" : "");
}

// --- success ---------------------------------------------------------------------------------

static bool is_accepted_value(const struct recipe_reply *reply, struct span value)
{
    struct span rest = reply->accepted_values;
    if (rest.data == NULL)
        return value.len > 0;
    while (rest.len > 0) {
        if (span_eq(span_split(rest, ' ', &rest), value))
            return true;
    }
    return false;
}

// With a "*" in the path each element has to say yes; the first that does not is what the other
// paths are about.
static bool does_body_accept(struct judge *judge)
{
    const struct recipe_reply *reply = judge->reading->reply;
    bool is_walk = span_find(reply->accepted_path, '*') < reply->accepted_path.len;
    size_t most = is_walk ? RECIPE_ARRAY_WALK_MAX : 1;
    size_t index = 0;
    for (; index < most; index++) {
        uint8_t room[CODE_BYTES_MAX];
        struct span paths = reply->accepted_path;
        struct strbuf value = strbuf_over(room, sizeof room);
        judge->reader.chosen = index;
        if (!reply_get(&judge->reader, &paths, &value))
            break;
        if (!is_accepted_value(reply, strbuf_span(&value)))
            return false;
    }
    judge->reader.chosen = 0;
    return index > 0;
}

static void judge_reply(struct judge *judge)
{
    static const struct recipe_mapped unreadable = {.reason = SEND_UNCLASSIFIED,
                                                    .is_unknown = true};
    const struct recipe_reply *reply = judge->reading->reply;
    bool is_status_good = recipe_is_good_status(reply->statuses, judge->outcome->status);
    bool is_status_enough = reply->accepted_path.data == NULL;
    if (is_status_good && (is_status_enough || does_body_accept(judge))) {
        accept(judge);
        return;
    }
    if (!is_status_good || reply_is_readable(&judge->reader)) {
        refuse(judge, is_status_good);
        return;
    }
    set(judge, &unreadable);
    say_reply(judge, (struct span){0}, "the reply cannot be read");
}

static void judge_failure(struct judge *judge)
{
    bool is_lost = judge->outcome->phase == HTTP_SENT;
    const struct recipe_mapped down = {.reason = SEND_VENDOR_DOWN, .is_unknown = is_lost};
    struct strbuf words = words_of(judge);
    set(judge, &down);
    put_words(judge, &words, span_of_text(judge->outcome->failure));
    keep_words(judge, &words);
}

void recipe_judge_by(const struct recipe_plan *plan, const struct recipe_reading *reading,
                     const struct send_request *message, struct span token,
                     const struct http_outcome *outcome, struct recipe_verdict *out)
{
    struct judge judge = {.plan = plan,
                          .reading = reading,
                          .message = message,
                          .token = token,
                          .outcome = outcome,
                          .verdict = out};
    out->result = (struct send_result){.outcome = SEND_REFUSED};
    if (outcome->phase != HTTP_REPLIED) {
        judge_failure(&judge);
        return;
    }
    reply_reader_init(&judge.reader, (enum recipe_format)reading->reply->format, outcome->body);
    judge_reply(&judge);
    reply_reader_fini(&judge.reader);
}

void recipe_judge(const struct recipe_plan *plan, const struct send_request *message,
                  struct span token, const struct http_outcome *outcome, struct recipe_verdict *out)
{
    const struct recipe_reading reading = {.reply = &plan->recipe->reply};
    recipe_judge_by(plan, &reading, message, token, outcome, out);
}
