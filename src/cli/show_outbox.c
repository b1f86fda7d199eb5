// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/show_outbox.h"

#include "cli/put.h"

#include <stdbool.h>

#define LABEL_COLUMNS 10
#define PROVIDER_COLUMNS 12

static struct span text_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return span_make(json_string_value(value), json_string_length(value));
}

static int64_t number_of(const json_t *object, const char *name)
{
    return (int64_t)json_integer_value(json_object_get(object, name));
}

static int64_t time_of(const json_t *object, const char *name)
{
    return put_parse_time(json_string_value(json_object_get(object, name)));
}

// --- a list ------------------------------------------------------------------------------------

struct column {
    const char *title;
    size_t columns;
};

// Since it was made, on the server's clock.
static int64_t age_of(const json_t *message, int64_t now_ms)
{
    int64_t created_ms = time_of(message, "createdAt");
    return now_ms > created_ms ? now_ms - created_ms : 0;
}

static void put_due(const json_t *message, int64_t now_ms, FILE *out)
{
    int64_t due_ms = time_of(message, "dueAt");
    if (!json_is_true(json_object_get(message, "isOpen")))
        return;
    (void)fputs(due_ms > now_ms ? "due in " : "due now", out);
    if (due_ms > now_ms)
        put_duration(due_ms - now_ms, out);
}

static const json_t *last_attempt(const json_t *message)
{
    const json_t *attempts = json_object_get(message, "attempts");
    size_t count = json_array_size(attempts);
    return count > 0 ? json_array_get(attempts, count - 1) : NULL;
}

// Why it is as it is: when it is due, and what the last try said.
static void put_why(const json_t *message, int64_t now_ms, FILE *out)
{
    struct span sentence = text_of(last_attempt(message), "sentence");
    put_due(message, now_ms, out);
    if (sentence.len > 0 && json_is_true(json_object_get(message, "isOpen")))
        (void)fputs(": ", out);
    put_text(sentence, out);
}

static void put_cell(const struct column *column, struct span text, FILE *out)
{
    put_padded(text.len > 0 ? text : SPAN("-"), column->columns, out);
    (void)fputs("  ", out);
}

static struct span number_text(int64_t number, char out[PUT_DURATION_BYTES_MAX])
{
    (void)snprintf(out, PUT_DURATION_BYTES_MAX, "%lld", (long long)number);
    return span_of_text(out);
}

enum { HANDLE, AGE, BRAND, CHANNEL, TO, STATE, PROVIDER, TRIES, COLUMNS };

static const struct column columns[COLUMNS] = {
    {"HANDLE", 7}, {"AGE", 6},   {"BRAND", 10},    {"CHANNEL", 8},
    {"TO", 14},    {"STATE", 9}, {"PROVIDER", 10}, {"TRIES", 5},
};

static void put_row(const json_t *message, int64_t now_ms, FILE *out)
{
    char handle[PUT_DURATION_BYTES_MAX];
    char age[PUT_DURATION_BYTES_MAX];
    char tries[PUT_DURATION_BYTES_MAX];
    const struct span cells[COLUMNS] = {
        [HANDLE] = number_text(number_of(message, "handle"), handle),
        [AGE] = put_duration_text(age_of(message, now_ms), age),
        [BRAND] = text_of(message, "brand"),
        [CHANNEL] = text_of(message, "channel"),
        [TO] = text_of(message, "to"),
        [STATE] = text_of(message, "state"),
        [PROVIDER] = text_of(message, "provider"),
        [TRIES] = number_text(number_of(message, "tries"), tries),
    };
    for (size_t i = 0; i < COLUMNS; i++)
        put_cell(&columns[i], cells[i], out);
    put_why(message, now_ms, out);
    (void)fputc('\n', out);
}

void show_messages(const json_t *list, const char *none, FILE *out)
{
    size_t i;
    json_t *message;
    const json_t *messages = json_object_get(list, "messages");
    int64_t now_ms = time_of(list, "now");
    int64_t next = number_of(list, "next");
    if (json_array_size(messages) > 0) {
        for (i = 0; i < COLUMNS; i++)
            put_cell(&columns[i], span_of_text(columns[i].title), out);
        (void)fputs("WHY\n", out);
    } else if (next == 0) {
        (void)fprintf(out, "%s\n", none);
    }
    json_array_foreach(messages, i, message) put_row(message, now_ms, out);
    if (next != 0)
        (void)fprintf(out, "There are more; go on with --after %lld\n", (long long)next);
}

// --- one message -------------------------------------------------------------------------------

static void put_label(const char *label, FILE *out)
{
    (void)fputs("  ", out);
    put_padded(span_of_text(label), LABEL_COLUMNS, out);
}

static void put_line(const char *label, struct span text, FILE *out)
{
    if (text.len == 0)
        return;
    put_label(label, out);
    put_text(text, out);
    (void)fputc('\n', out);
}

// " after 0.3 s"; nothing where it is not known.
static void put_after(const json_t *attempt, const char *member, FILE *out)
{
    if (!json_is_integer(json_object_get(attempt, member)))
        return;
    (void)fputs(" after ", out);
    put_duration(number_of(attempt, member), out);
}

static bool is_state(const json_t *attempt, const char *state)
{
    return span_eq(text_of(attempt, "state"), span_of_text(state));
}

static void put_answer(const json_t *attempt, FILE *out)
{
    static const struct {
        const char *state;
        const char *words;
    } rows[] = {
        {"submitted", "has not answered yet"},
        {"accepted", "took it"},
        {"delivered", "took it"},
        {"failed", "refused it"},
        {"retry", "put it off"},
        {"unknown", "gave no answer"},
    };
    bool is_reported = json_is_integer(json_object_get(attempt, "reportedAfterMs"));
    bool was_taken = is_reported && is_state(attempt, "failed");
    struct span words = was_taken ? SPAN("took it") : text_of(attempt, "state");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && !was_taken; i++) {
        if (is_state(attempt, rows[i].state))
            words = span_of_text(rows[i].words);
    }
    put_text(words, out);
    put_after(attempt, "answeredAfterMs", out);
    if (!is_reported)
        return;
    (void)fputs(", and reported", out);
    put_after(attempt, "reportedAfterMs", out);
    (void)fputs(was_taken ? " that it did not arrive" : " that it arrived", out);
}

static void put_attempt(const json_t *attempt, FILE *out)
{
    struct span provider = text_of(attempt, "provider");
    struct span sentence = text_of(attempt, "sentence");
    (void)fputs("  ", out);
    put_time_of_day(time_of(attempt, "at"), out);
    (void)fputs("  ", out);
    put_padded(provider.len > 0 ? provider : SPAN("-"), PROVIDER_COLUMNS, out);
    (void)fputc(' ', out);
    put_answer(attempt, out);
    if (sentence.len > 0)
        (void)fputs(": ", out);
    put_text(sentence, out);
    (void)fputc('\n', out);
    put_line("  to do", text_of(attempt, "advice"), out);
}

static void put_title(const json_t *message, int64_t now_ms, FILE *out)
{
    (void)fprintf(out, "message %lld: ", (long long)number_of(message, "handle"));
    put_text(text_of(message, "channel"), out);
    (void)fputs(" to ", out);
    put_text(text_of(message, "to"), out);
    (void)fputs(", ", out);
    put_time(time_of(message, "createdAt"), out);
    (void)fputs(" (", out);
    put_duration(age_of(message, now_ms), out);
    (void)fputs(" ago)\n", out);
}

static void put_route(const json_t *message, FILE *out)
{
    size_t i;
    json_t *name;
    const json_t *route = json_object_get(message, "route");
    if (json_array_size(route) == 0)
        return;
    put_label("route", out);
    json_array_foreach(route, i, name)
    {
        (void)fputs(i > 0 ? ", " : "", out);
        put_text(span_make(json_string_value(name), json_string_length(name)), out);
    }
    (void)fputc('\n', out);
}

static void put_state(const json_t *message, int64_t now_ms, FILE *out)
{
    put_label("now", out);
    put_text(text_of(message, "state"), out);
    (void)fputs(": ", out);
    put_text(text_of(message, "what"), out);
    if (json_is_true(json_object_get(message, "isOpen")))
        (void)fputs("; ", out);
    put_due(message, now_ms, out);
    (void)fputc('\n', out);
}

static void put_message(const json_t *message, int64_t now_ms, FILE *out)
{
    size_t i;
    json_t *attempt;
    put_title(message, now_ms, out);
    put_route(message, out);
    json_array_foreach(json_object_get(message, "attempts"), i, attempt) put_attempt(attempt, out);
    put_line("it said", text_of(message, "words"), out);
    put_line("reference", text_of(message, "reference"), out);
    put_state(message, now_ms, out);
}

// When something is, and how long until then: "2026-… (in 4 min)", or "(12 min ago)".
static void put_moment(int64_t at_ms, int64_t now_ms, FILE *out)
{
    put_time(at_ms, out);
    (void)fputs(at_ms > now_ms ? " (in " : " (", out);
    put_duration(at_ms > now_ms ? at_ms - now_ms : now_ms - at_ms, out);
    (void)fputs(at_ms > now_ms ? ")" : " ago)", out);
}

void show_message(const json_t *answer, FILE *out)
{
    const json_t *message = json_object_get(answer, "message");
    int64_t now_ms = time_of(answer, "now");
    int64_t ends_ms = time_of(message, "codeEndsAt");
    put_message(message, now_ms, out);
    put_line("brand", text_of(message, "brand"), out);
    put_label("code", out);
    (void)fputs(ends_ms > now_ms ? "ends " : "ended ", out);
    put_moment(ends_ms, now_ms, out);
    (void)fputc('\n', out);
}

void show_results(const json_t *answer, const char *done, FILE *out)
{
    size_t i;
    json_t *result;
    json_array_foreach(json_object_get(answer, "results"), i, result)
    {
        bool is_done = json_is_true(json_object_get(result, "isDone"));
        (void)fprintf(out, "%lld", (long long)number_of(result, "handle"));
        (void)fputs(is_done ? "  " : "  not done: ", out);
        put_text(is_done ? span_of_text(done) : text_of(result, "why"), out);
        (void)fputc('\n', out);
    }
}

// --- a person ----------------------------------------------------------------------------------

static void put_sends(const json_t *person, int64_t now_ms, FILE *out)
{
    const json_t *sends = json_object_get(person, "sends");
    int64_t free_ms = time_of(sends, "freeAt");
    if (!json_is_object(sends)) // it is not known where a username's codes go, or whose it is
        return;
    put_label("sends", out);
    if (!json_is_integer(json_object_get(sends, "most"))) {
        (void)fputs("no limit\n", out);
        return;
    }
    (void)fprintf(out, "%lld of %lld in %lld minutes", (long long)number_of(sends, "used"),
                  (long long)number_of(sends, "most"),
                  (long long)number_of(sends, "windowMinutes"));
    if (free_ms != 0) {
        (void)fputs("; none before ", out);
        put_moment(free_ms, now_ms, out);
    }
    (void)fputc('\n', out);
}

static void put_failures(const json_t *person, int64_t now_ms, FILE *out)
{
    const json_t *failures = json_object_get(person, "failures");
    int64_t locked_ms = time_of(failures, "lockedUntil");
    if (!json_is_integer(json_object_get(failures, "most"))) // the brand was removed
        return;
    put_label("failures", out);
    int64_t count = number_of(failures, "count");
    (void)fprintf(out, "%lld wrong %s in a row (%lld lock)", (long long)count,
                  count == 1 ? "code" : "codes", (long long)number_of(failures, "most"));
    if (locked_ms != 0) {
        (void)fputs("; locked until ", out);
        put_moment(locked_ms, now_ms, out);
        if (json_is_true(json_object_get(failures, "mayOwnDeviceTry")))
            (void)fputs(", but not the device of the last login", out);
    }
    (void)fputc('\n', out);
}

static void put_code(const json_t *code, int64_t now_ms, FILE *out)
{
    int64_t left = number_of(code, "triesLeft");
    put_label("code", out);
    put_text(text_of(code, "channel"), out);
    (void)fputs(json_is_true(json_object_get(code, "isOver")) ? ", ended " : ", ends ", out);
    put_moment(time_of(code, "endsAt"), now_ms, out);
    (void)fprintf(out, ", %lld %s left\n", (long long)left, left == 1 ? "try" : "tries");
}

static void put_name(const json_t *person, FILE *out)
{
    struct span to = text_of(person, "to");
    struct span brand = text_of(person, "brand");
    put_text(brand.len > 0 ? brand : SPAN("a brand that was removed"), out);
    (void)fputs(": ", out);
    put_text(text_of(person, "who"), out);
    if (to.len > 0)
        (void)fputs(", codes go to ", out);
    put_text(to, out);
    (void)fputc('\n', out);
}

static void put_person(const json_t *person, int64_t now_ms, FILE *out)
{
    size_t i;
    json_t *each;
    int64_t left_out = number_of(person, "leftOut");
    put_name(person, out);
    put_sends(person, now_ms, out);
    put_failures(person, now_ms, out);
    json_array_foreach(json_object_get(person, "codes"), i, each) put_code(each, now_ms, out);
    if (left_out > 0)
        (void)fprintf(out, "\n%lld older messages are left out.\n", (long long)left_out);
    json_array_foreach(json_object_get(person, "messages"), i, each)
    {
        (void)fputc('\n', out);
        put_message(each, now_ms, out);
    }
    (void)fputs("\n=> ", out);
    put_text(text_of(person, "conclusion"), out);
    (void)fputc('\n', out);
}

static void put_session(const json_t *session, int64_t now_ms, FILE *out)
{
    if (!json_is_object(session))
        return;
    (void)fputs("session: ", out);
    put_text(text_of(session, "state"), out);
    (void)fputs("; codes may be asked for until ", out);
    put_moment(time_of(session, "endsAt"), now_ms, out);
    (void)fputs("\n\n", out);
}

void show_explained(const json_t *answer, FILE *out)
{
    size_t i;
    json_t *person;
    int64_t now_ms = time_of(answer, "now");
    struct span conclusion = text_of(answer, "conclusion");
    put_session(json_object_get(answer, "session"), now_ms, out);
    json_array_foreach(json_object_get(answer, "people"), i, person)
    {
        (void)fputs(i > 0 ? "\n" : "", out);
        put_person(person, now_ms, out);
    }
    if (conclusion.len == 0)
        return;
    put_text(text_of(answer, "asked"), out);
    (void)fputs("\n=> ", out);
    put_text(conclusion, out);
    (void)fputc('\n', out);
}
