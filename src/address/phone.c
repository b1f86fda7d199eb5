// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Three things are said of a national number:
//
//   valid       a number of some type, fixed, mobile or service, in one of the plan's regions
//   possible    as long as numbers of that plan are, and begins as some do; its range may be
//               younger than our table
//   impossible  the rest
//
// What people dial before a number (a trunk 0, "+44 (0)20 …", the 15 of an Argentine mobile) is
// taken off step by step until the number is valid; if it never is, as long as it is possible. So
// a canonical number, read again, makes the last step of the same walk: it stands. And all walks
// through a number end at one, so that it has no second key.
//
// libphonenumber does the first step even to a number that is valid as it stands, if it is well
// formed afterwards too. Here what is valid stands: it is what the network would connect.
#include "address/phone.h"

#include "address/phone_table.h"

#define E164_DIGITS_MIN 7U
#define E164_DIGITS_MAX 15U // ITU-T E.164 section 6.2.1

struct number {
    size_t len;
    uint8_t digits[PHONE_DIALLED_MAX];
};

enum fit { FIT_IMPOSSIBLE, FIT_POSSIBLE, FIT_VALID };

static unsigned digit_of(uint8_t byte)
{
    return (unsigned)(byte - '0');
}

static bool is_valid(const struct phone_plan *plan, const struct number *number)
{
    uint16_t state = plan->start;
    for (size_t i = 0; i < number->len && state != 0; i++)
        state = phone_states[state][digit_of(number->digits[i])];
    return state != 0 && state <= phone_accepting_last;
}

static bool is_possible(const struct phone_plan *plan, const struct number *number)
{
    if (number->len == 0 || number->len > PHONE_NATIONAL_MAX)
        return false;
    bool has_first = phone_states[plan->start][digit_of(number->digits[0])] != 0;
    return has_first && (plan->lengths >> number->len & 1U) != 0;
}

static bool strip_matches(const struct phone_strip *strip, const struct number *number)
{
    bool has_room = strip->is_whole ? number->len == strip->sets_count //
                                    : number->len >= strip->sets_count;
    if (!has_room)
        return false;
    const uint16_t *sets = phone_digit_sets + strip->sets_at;
    for (size_t i = 0; i < strip->sets_count; i++) {
        if ((sets[i] >> digit_of(number->digits[i]) & 1U) == 0)
            return false;
    }
    return true;
}

// False when it would not fit.
static bool strip_apply(const struct phone_strip *strip, const struct number *number,
                        struct number *after_out)
{
    struct strbuf out = strbuf_over(after_out->digits, sizeof after_out->digits);
    struct span before = span_make(number->digits, number->len);
    strbuf_put_text(&out, strip->insert);
    strbuf_put(&out, span_from(span_first(before, strip->keep_to), strip->keep_from));
    strbuf_put(&out, span_from(before, strip->sets_count));
    after_out->len = out.len;
    return !out.is_overflowed;
}

// The first that matches, as libphonenumber does it, unless a later one leads to a valid number: in
// Argentina 011 15… is a mobile or, two digits shorter, a fixed line.
static bool strip_once(const struct phone_plan *plan, struct phone_strips strips,
                       struct number *number)
{
    struct number first;
    bool has_first = false;
    for (size_t i = 0; i < strips.count; i++) {
        const struct phone_strip *strip = &phone_strip_table[strips.at + i];
        struct number after;
        if (!strip_matches(strip, number) || !strip_apply(strip, number, &after))
            continue;
        if (!has_first)
            first = after;
        has_first = true;
        if (!is_valid(plan, &after))
            continue;
        *number = after;
        return true;
    }
    if (has_first)
        *number = first;
    return has_first;
}

// No walk is longer than a number: a step that inserts comes to a form that no such step matches.
static enum fit settle(const struct phone_plan *plan, struct phone_strips strips,
                       struct number *number)
{
    struct number walker = *number;
    enum fit fit = FIT_IMPOSSIBLE;
    for (size_t steps = 0; steps <= PHONE_DIALLED_MAX; steps++) {
        bool valid = is_valid(plan, &walker);
        if (valid || is_possible(plan, &walker)) {
            fit = valid ? FIT_VALID : FIT_POSSIBLE;
            *number = walker;
        }
        if (valid || !strip_once(plan, strips, &walker))
            break;
    }
    return fit;
}

static bool number_set(struct number *number, struct span digits)
{
    if (digits.len > sizeof number->digits)
        return false;
    number->len = digits.len;
    memcpy(number->digits, digits.data, digits.len);
    return true;
}

static bool put_settled(const struct phone_plan *plan, const struct number *number,
                        struct strbuf *out)
{
    struct span code = span_of_text(plan->code);
    size_t len = code.len + number->len;
    if (len < E164_DIGITS_MIN || len > E164_DIGITS_MAX)
        return false;
    strbuf_put(out, code);
    strbuf_put(out, span_make(number->digits, number->len));
    return true;
}

static const struct phone_plan *plan_find(struct span digits)
{
    if (digits.len < PHONE_CODE_DIGITS_MAX)
        return NULL;
    const uint8_t *first = digits.data;
    unsigned three = digit_of(first[0]) * 100 + digit_of(first[1]) * 10 + digit_of(first[2]);
    return phone_plan_of[three] == 0 ? NULL : &phone_plans[phone_plan_of[three]];
}

bool phone_international(struct span digits, struct strbuf *out)
{
    const struct phone_plan *plan = plan_find(digits);
    struct number number;
    if (plan == NULL || !number_set(&number, span_from(digits, strlen(plan->code))))
        return false;
    return settle(plan, plan->strips, &number) != FIT_IMPOSSIBLE && put_settled(plan, &number, out);
}

static const struct phone_region *region_find(struct span country)
{
    if (country.len != 2)
        return NULL;
    unsigned first = country.data[0] - (unsigned)'A', second = country.data[1] - (unsigned)'A';
    if (first >= 26 || second >= 26)
        return NULL;
    uint8_t index = phone_region_of[first * 26 + second];
    return index == 0 ? NULL : &phone_regions[index];
}

bool phone_has_country(struct span country)
{
    return region_find(country) != NULL;
}

bool phone_national(struct span digits, struct span country, struct strbuf *out)
{
    const struct phone_region *region = region_find(country);
    struct number number;
    if (region == NULL || !number_set(&number, digits))
        return false;
    const struct phone_plan *plan = &phone_plans[region->plan];
    return settle(plan, region->strips, &number) == FIT_VALID && put_settled(plan, &number, out);
}
