// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "admin/outbox_page.h"

#include "base/assert.h"
#include "telemetry/utf8.h"

#include <time.h>

#define STAMP_BYTES_MAX 32U
#define MS_PER_SECOND 1000
#define MS_PER_MINUTE 60000

// --- values ------------------------------------------------------------------------------------

static void put_text(const char *before, const char *text, struct strbuf *out)
{
    strbuf_put_text(out, before);
    if (text == NULL)
        strbuf_put_text(out, "null");
    else
        strbuf_put_json_string(out, span_of_text(text));
}

// What a provider says may be cut within a character, or be none.
static void put_foreign(const char *before, struct span text, struct strbuf *out)
{
    strbuf_put_text(out, before);
    if (text.len == 0) {
        strbuf_put_text(out, "null");
        return;
    }
    strbuf_put_byte(out, '"');
    while (text.len > 0) {
        uint32_t point;
        size_t len = utf8_next(text, &point);
        strbuf_put_json_text(out, len > 0 ? span_first(text, len) : SPAN("?"));
        text = span_from(text, len > 0 ? len : 1);
    }
    strbuf_put_byte(out, '"');
}

static void put_number(const char *before, uint64_t number, struct strbuf *out)
{
    strbuf_put_text(out, before);
    strbuf_put_u64(out, number);
}

static void put_number_or_null(const char *before, uint64_t number, struct strbuf *out)
{
    if (number != 0) {
        put_number(before, number, out);
        return;
    }
    strbuf_put_text(out, before);
    strbuf_put_text(out, "null");
}

static void put_flag(const char *before, bool is_set, struct strbuf *out)
{
    strbuf_put_text(out, before);
    strbuf_put_text(out, is_set ? "true" : "false");
}

void outbox_page_time(const char *before, int64_t at_ms, struct strbuf *out)
{
    char text[STAMP_BYTES_MAX];
    struct tm tm;
    const time_t seconds = (time_t)(at_ms / MS_PER_SECOND);
    unsigned ms = (unsigned)(at_ms % MS_PER_SECOND);
    bool is_known = at_ms > 0 && gmtime_r(&seconds, &tm) != NULL &&
                    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm) > 0;
    strbuf_put_text(out, before);
    if (!is_known) {
        strbuf_put_text(out, "null");
        return;
    }
    strbuf_put_byte(out, '"');
    strbuf_put_text(out, text);
    strbuf_put_byte(out, '.');
    for (unsigned digit = 100; digit > 0; digit /= 10)
        strbuf_put_byte(out, (uint8_t)('0' + ms / digit % 10));
    strbuf_put_text(out, "Z\"");
}

static void put_brand(const char *before, const struct brand *brand, struct strbuf *out)
{
    put_foreign(before, brand != NULL ? brand->name : SPAN(""), out);
}

// --- a message ---------------------------------------------------------------------------------

static void put_attempt(const struct told_attempt *attempt, struct strbuf *out)
{
    put_foreign("{\"provider\":", attempt->provider, out);
    outbox_page_time(",\"at\":", attempt->at_ms, out);
    put_text(",\"state\":", attempt->state, out);
    put_text(",\"reason\":", attempt->reason, out);
    put_text(",\"sentence\":", attempt->sentence, out);
    put_foreign(",\"advice\":", attempt->advice, out);
    put_number_or_null(",\"answeredAfterMs\":", attempt->answered_after_ms, out);
    put_number_or_null(",\"reportedAfterMs\":", attempt->reported_after_ms, out);
    strbuf_put_byte(out, '}');
}

static void put_members(const struct told_message *message, struct strbuf *out)
{
    put_number("{\"handle\":", message->handle, out);
    put_brand(",\"brand\":", message->brand, out);
    put_text(",\"channel\":", message->channel, out);
    put_text(",\"to\":", message->to, out);
    put_text(",\"state\":", message->state, out);
    put_text(",\"what\":", message->what, out);
    put_flag(",\"isOpen\":", message->is_open, out);
    outbox_page_time(",\"createdAt\":", message->created_at_ms, out);
    outbox_page_time(",\"dueAt\":", message->is_open ? message->due_at_ms : 0, out);
    outbox_page_time(",\"codeEndsAt\":", message->code_ends_at_ms, out);
    put_number(",\"tries\":", message->tries, out);
    put_foreign(",\"provider\":", message->provider, out);
    put_foreign(",\"words\":", message->words, out);
    put_foreign(",\"reference\":", message->reference, out);
    strbuf_put_text(out, ",\"attempts\":[");
    for (size_t i = 0; i < message->attempts_count; i++) {
        strbuf_put_text(out, i > 0 ? "," : "");
        put_attempt(&message->attempts[i], out);
    }
    strbuf_put_byte(out, ']');
}

void outbox_page_message(const struct told_message *message, struct strbuf *out)
{
    put_members(message, out);
    strbuf_put_byte(out, '}');
}

// --- a person ----------------------------------------------------------------------------------

// What a page is made of.
struct page {
    const struct history *history;
    const struct brand_set *brands;
    const struct explained *explained;
    struct strbuf *out;
};

static void put_sends(const struct explained_person *person, struct strbuf *out)
{
    const struct explained_sends *sends = &person->sends;
    strbuf_put_text(out, ",\"sends\":");
    if (!person->has_sends) {
        strbuf_put_text(out, "null");
        return;
    }
    put_number("{\"used\":", sends->used, out);
    put_number_or_null(",\"most\":", sends->most, out);
    put_number_or_null(",\"windowMinutes\":", (uint64_t)(sends->window_ms / MS_PER_MINUTE), out);
    outbox_page_time(",\"freeAt\":", sends->free_at_ms, out);
    strbuf_put_byte(out, '}');
}

static void put_failures(const struct explained_failures *failures, struct strbuf *out)
{
    put_number(",\"failures\":{\"count\":", failures->count, out);
    put_number_or_null(",\"most\":", failures->most, out);
    outbox_page_time(",\"lockedUntil\":", failures->locked_until_ms, out);
    put_flag(",\"mayOwnDeviceTry\":", failures->may_own_device_try, out);
    strbuf_put_byte(out, '}');
}

static void put_codes(const struct explained_person *person, struct strbuf *out)
{
    strbuf_put_text(out, ",\"codes\":[");
    for (size_t i = 0; i < person->codes_count; i++) {
        const struct explained_code *code = &person->codes[i];
        put_text(i > 0 ? ",{\"channel\":" : "{\"channel\":", code->channel, out);
        outbox_page_time(",\"endsAt\":", code->ends_at_ms, out);
        put_flag(",\"isOver\":", code->is_over, out);
        put_number(",\"triesLeft\":", code->tries_left, out);
        strbuf_put_byte(out, '}');
    }
    strbuf_put_byte(out, ']');
}

// null where the address, and so the way to it, is not known.
static void put_route(const struct page *page, const struct explained_person *person,
                      const struct outbox_entry *entry)
{
    struct span names[ROUTE_PROVIDERS_MAX];
    strbuf_put_text(page->out, ",\"route\":");
    if (person->to.len == 0 || person->brand == NULL) {
        strbuf_put_text(page->out, "null");
        return;
    }
    size_t count = history_route(page->history, person->brand, (enum channel_kind)entry->channel,
                                 address_value(&person->to), names);
    for (size_t i = 0; i < count; i++)
        put_foreign(i > 0 ? "," : "[", names[i], page->out);
    strbuf_put_text(page->out, count > 0 ? "]" : "[]");
}

static size_t put_messages(const struct page *page, size_t number)
{
    size_t count = 0;
    strbuf_put_text(page->out, ",\"messages\":[");
    for (size_t i = 0; i < page->explained->messages_count; i++) {
        const struct explained_message *message = &page->explained->messages[i];
        struct told_message told;
        if (message->person != number)
            continue;
        history_tell(page->history, page->brands, &message->row, &told);
        strbuf_put_text(page->out, count++ > 0 ? "," : "");
        put_members(&told, page->out);
        put_route(page, &page->explained->people[number], &message->row.entry);
        strbuf_put_byte(page->out, '}');
    }
    strbuf_put_byte(page->out, ']');
    return count;
}

static void put_person(const struct page *page, size_t number)
{
    const struct explained_person *person = &page->explained->people[number];
    struct strbuf *out = page->out;
    put_brand(number > 0 ? ",{\"brand\":" : "{\"brand\":", person->brand, out);
    put_text(",\"kind\":", person->kind, out);
    put_text(",\"who\":", person->masked, out);
    put_text(",\"to\":", person->masked_to[0] != '\0' ? person->masked_to : NULL, out);
    put_sends(person, out);
    put_failures(&person->failures, out);
    put_codes(person, out);
    size_t shown = put_messages(page, number);
    ASSERT(shown <= person->messages);
    put_number(",\"leftOut\":", person->messages - shown, out);
    put_text(",\"conclusion\":", person->conclusion, out);
    strbuf_put_byte(out, '}');
}

static void put_session(const struct explained_session *session, struct strbuf *out)
{
    static const char *const states[] = {
        [EXPLAINED_SESSION_OPEN] = "open",
        [EXPLAINED_SESSION_OVER] = "over",
        [EXPLAINED_SESSION_LOGGED_IN] = "logged in",
        [EXPLAINED_SESSION_DROPPED] = "dropped",
    };
    strbuf_put_text(out, ",\"session\":");
    if (session->id == 0) {
        strbuf_put_text(out, "null");
        return;
    }
    put_text("{\"state\":", states[session->state], out);
    outbox_page_time(",\"endsAt\":", session->ends_at_ms, out);
    strbuf_put_byte(out, '}');
}

void outbox_page_explained(const struct history *history, const struct brand_set *brands,
                           const struct explained *explained, struct strbuf *out)
{
    const struct page page = {history, brands, explained, out};
    outbox_page_time("{\"now\":", explained->now_ms, out);
    put_text(",\"asked\":", explained->asked, out);
    put_session(&explained->session, out);
    strbuf_put_text(out, ",\"people\":[");
    for (size_t i = 0; i < explained->people_count; i++)
        put_person(&page, i);
    strbuf_put_byte(out, ']');
    put_text(",\"conclusion\":", explained->conclusion[0] != '\0' ? explained->conclusion : NULL,
             out);
    strbuf_put_byte(out, '}');
}
