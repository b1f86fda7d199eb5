// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Forms and queries (application/x-www-form-urlencoded), strictly: what can be read in two ways is
// not read at all, since a signature is made over one of them.
#include "channel/report_inside.h"

#include <stdlib.h>

static bool parse_hex(uint8_t byte, uint8_t *out)
{
    uint8_t lower = ascii_lower(byte);
    bool is_letter = lower >= 'a' && lower <= 'f';
    *out = (uint8_t)(is_letter ? lower - 'a' + 10 : byte - '0');
    return is_letter || ascii_is_digit(byte);
}

// The next byte of `rest`, decoded.
static bool take_byte(struct span *rest, uint8_t *out)
{
    uint8_t high, low;
    uint8_t byte = rest->data[0];
    *out = byte == '+' ? ' ' : byte;
    if (byte != '%') {
        *rest = span_from(*rest, 1);
        return true;
    }
    if (rest->len < 3 || !parse_hex(rest->data[1], &high) || !parse_hex(rest->data[2], &low))
        return false;
    *out = (uint8_t)(high << 4 | low);
    *rest = span_from(*rest, 3);
    return true;
}

// Into `room`, which is at least as long as the text.
static bool decode(struct span text, uint8_t *room, struct span *out)
{
    size_t len = 0;
    while (text.len > 0) {
        if (!take_byte(&text, &room[len++]))
            return false;
    }
    *out = span_make(room, len);
    return true;
}

static bool add_pair(json_t *object, struct span pair, uint8_t *room)
{
    struct span name, value, rest;
    struct span raw_name = span_split(pair, '=', &rest);
    if (!decode(raw_name, room, &name) || !decode(rest, room + name.len, &value) || name.len == 0)
        return false;
    if (json_object_getn(object, (const char *)name.data, name.len) != NULL)
        return false;
    // NULL for what is no UTF-8, which cannot be added either.
    json_t *text = json_stringn((const char *)value.data, value.len);
    return json_object_setn_new(object, (const char *)name.data, name.len, text) == 0;
}

json_t *report_form_read(struct span pairs)
{
    json_t *object = json_object();
    uint8_t *room = malloc(pairs.len + 1);
    bool is_read = object != NULL && room != NULL;
    while (is_read && pairs.len > 0) {
        struct span pair = span_split(pairs, '&', &pairs);
        is_read = pair.len == 0 ||
                  (json_object_size(object) < REPORT_MEMBERS_MAX && add_pair(object, pair, room));
    }
    free(room);
    if (is_read)
        return object;
    json_decref(object);
    return NULL;
}
