// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "core/session.h"

#include "base/assert.h"
#include "core/limits.h"

#include <string.h>

// Seconds are counted from 2026-01-01T00:00:00Z: thirty bits last until 2060.
#define EXPIRY_BASE_S INT64_C(1767225600)

#define EXPIRY_BITS 30U
#define NONCE_BITS 24U
#define BRAND_BITS 10U
#define IDENTIFIER_BITS 16U
#define DEVICE_BITS 14U
#define ADDRESS_BITS 14U
#define ZERO_BITS 12U

_Static_assert(EXPIRY_BITS + NONCE_BITS + BRAND_BITS + IDENTIFIER_BITS + DEVICE_BITS +
                       ADDRESS_BITS + ZERO_BITS ==
                   PERMUTE_BLOCK_BYTES * 8U,
               "the fields fill the block");

#define DEVICE_BYTES_MAX 128U

typedef unsigned __int128 bits128;

static bits128 bits_push(bits128 bits, unsigned width, uint64_t value)
{
    return bits << width | (value & ((UINT64_C(1) << width) - 1));
}

static uint64_t bits_pop(bits128 *bits, unsigned width)
{
    uint64_t value = (uint64_t)*bits & ((UINT64_C(1) << width) - 1);
    *bits >>= width;
    return value;
}

static void bits_store(bits128 bits, uint8_t *out, size_t bytes)
{
    for (size_t i = bytes; i > 0; i--) {
        out[i - 1] = (uint8_t)bits;
        bits >>= 8;
    }
}

static bits128 bits_load(const uint8_t *bytes, size_t count)
{
    bits128 bits = 0;
    for (size_t i = 0; i < count; i++)
        bits = bits << 8 | bytes[i];
    return bits;
}

static uint16_t tag_of(const struct epoch *epoch, enum epoch_tag which, struct span message,
                       unsigned width)
{
    return (uint16_t)(short_tag64(&epoch->tags[which], message) & ((1U << width) - 1));
}

// Family and device are one tag: which URIs and which device the session belongs to.
static uint16_t device_tag(const struct epoch *epoch, enum session_family family,
                           struct span device)
{
    uint8_t text[1 + DEVICE_BYTES_MAX];
    ASSERT(device.len <= DEVICE_BYTES_MAX);
    text[0] = (uint8_t)family;
    if (family == SESSION_MOBILE)
        memcpy(text + 1, device.data, device.len);
    size_t len = family == SESSION_MOBILE ? 1 + device.len : 1;
    return tag_of(epoch, EPOCH_TAG_DEVICE, span_make(text, len), DEVICE_BITS);
}

static uint16_t brand_tag(const struct epoch *epoch, uint64_t brand_id)
{
    return tag_of(epoch, EPOCH_TAG_BRAND, span_make(&brand_id, sizeof brand_id), BRAND_BITS);
}

static uint16_t identifier_tag(const struct epoch *epoch, struct span identifier)
{
    return tag_of(epoch, EPOCH_TAG_IDENTIFIER, identifier, IDENTIFIER_BITS);
}

static uint16_t address_tag(const struct epoch *epoch, struct span address)
{
    return tag_of(epoch, EPOCH_TAG_ADDRESS, address, ADDRESS_BITS);
}

// The 122 free bits of a UUID, and back. RFC 9562 section 5.4: version in bits 48 to 51, variant in
// 64 and 65.
static void uuid_of_bits(bits128 bits, uint8_t uuid[16])
{
    bits128 low = bits & (((bits128)1 << 62) - 1);
    bits128 middle = bits >> 62 & 0xFFFU;
    bits128 high = bits >> 74;
    bits_store(high << 80 | (bits128)4 << 76 | middle << 64 | (bits128)2 << 62 | low, uuid, 16);
}

static bool bits_of_uuid(const uint8_t uuid[16], bits128 *bits_out)
{
    if (uuid[6] >> 4 != 4 || uuid[8] >> 6 != 2)
        return false;
    bits128 all = bits_load(uuid, 16);
    bits128 low = all & (((bits128)1 << 62) - 1);
    *bits_out = all >> 80 << 74 | (all >> 64 & 0xFFFU) << 62 | low;
    return true;
}

static const uint8_t dash_after_byte[16] = {[3] = 1, [5] = 1, [7] = 1, [9] = 1};

static void text_of_uuid(const uint8_t uuid[16], char out[SESSION_ID_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    char *at = out;
    *at++ = 'P';
    *at++ = '-';
    for (size_t i = 0; i < 16; i++) {
        *at++ = digits[uuid[i] >> 4];
        *at++ = digits[uuid[i] & 15U];
        if (dash_after_byte[i])
            *at++ = '-';
    }
    ASSERT(at == out + SESSION_ID_TEXT_BYTES);
}

// Lower-case hexadecimal digits, each one more than its value, so that 0 is no digit.
static const uint8_t hex_values[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

// Exactly as issued: an id in another spelling is not ours.
static bool uuid_of_text(struct span text, uint8_t uuid[16])
{
    if (text.len != SESSION_ID_TEXT_BYTES || !span_starts_with(text, SPAN("P-")))
        return false;
    const uint8_t *at = text.data + 2;
    for (size_t i = 0; i < 16; i++) {
        unsigned high = hex_values[at[0]];
        unsigned low = hex_values[at[1]];
        if (high == 0 || low == 0)
            return false;
        uuid[i] = (uint8_t)((high - 1) << 4 | (low - 1));
        at += 2;
        if (dash_after_byte[i] && *at++ != '-')
            return false;
    }
    return true;
}

static struct session_tags tags_of(const struct epoch *epoch, const struct session_binding *binding)
{
    return (struct session_tags){
        .brand = brand_tag(epoch, binding->brand_id),
        .identifier = identifier_tag(epoch, binding->identifier),
        .device = device_tag(epoch, binding->family, binding->device),
        .address = address_tag(epoch, binding->address),
    };
}

void session_id_issue(const struct epoch *epoch, const struct session_binding *binding,
                      int64_t expires_at_ms, uint32_t nonce, char out[SESSION_ID_TEXT_BYTES])
{
    int64_t expiry_s = (expires_at_ms + 999) / 1000 - EXPIRY_BASE_S;
    ASSERT(expiry_s >= 0 && expiry_s < INT64_C(1) << EXPIRY_BITS);
    struct session_tags tags = tags_of(epoch, binding);
    bits128 bits = bits_push(0, EXPIRY_BITS, (uint64_t)expiry_s);
    bits = bits_push(bits, NONCE_BITS, nonce);
    bits = bits_push(bits, BRAND_BITS, tags.brand);
    bits = bits_push(bits, IDENTIFIER_BITS, tags.identifier);
    bits = bits_push(bits, DEVICE_BITS, tags.device);
    bits = bits_push(bits, ADDRESS_BITS, tags.address);
    bits = bits_push(bits, ZERO_BITS, 0);

    struct permute_block block;
    bits_store(bits, block.bytes, sizeof block.bytes);
    permute_encipher(&epoch->session, &block);
    bits = bits_load(block.bytes, sizeof block.bytes);
    bits |= (bits128)(epoch->number % EPOCHS_HELD) << 120;
    uint8_t uuid[16];
    uuid_of_bits(bits, uuid);
    text_of_uuid(uuid, out);
}

static bool is_plausible(int64_t expires_at_ms, int64_t now_ms)
{
    return expires_at_ms + SESSION_PAST_MS_MAX > now_ms &&
           expires_at_ms <= now_ms + SESSION_TTL_MS_MAX + SESSION_FUTURE_SLACK_MS;
}

static bool fields_read(bits128 bits, struct session *session)
{
    if (bits_pop(&bits, ZERO_BITS) != 0)
        return false;
    session->tags.address = (uint16_t)bits_pop(&bits, ADDRESS_BITS);
    session->tags.device = (uint16_t)bits_pop(&bits, DEVICE_BITS);
    session->tags.identifier = (uint16_t)bits_pop(&bits, IDENTIFIER_BITS);
    session->tags.brand = (uint16_t)bits_pop(&bits, BRAND_BITS);
    (void)bits_pop(&bits, NONCE_BITS);
    session->expires_at_ms = ((int64_t)bits_pop(&bits, EXPIRY_BITS) + EXPIRY_BASE_S) * 1000;
    return true;
}

bool session_id_open(const struct epoch_set *epochs, struct span text, int64_t now_ms,
                     struct session *out)
{
    bits128 bits;
    if (!uuid_of_text(text, out->uuid) || !bits_of_uuid(out->uuid, &bits))
        return false;
    const struct epoch *epoch = epoch_by_mark(epochs, (uint8_t)(bits >> 120));
    struct permute_block block;
    bits_store(bits, block.bytes, sizeof block.bytes);
    permute_decipher(&epoch->session, &block);
    out->epoch = epoch->number;
    return fields_read(bits_load(block.bytes, sizeof block.bytes), out) &&
           is_plausible(out->expires_at_ms, now_ms);
}

// What a request on the mobile URI may name depends on how the session was opened.
static enum session_check mobile_check(const struct epoch *epoch, uint16_t tag, struct span device,
                                       enum session_family *bound_family_out)
{
    *bound_family_out = SESSION_MOBILE;
    bool has_device = !span_is_empty(device);
    if (has_device && tag == device_tag(epoch, SESSION_MOBILE, device))
        return SESSION_IS_SAME;
    *bound_family_out = SESSION_MOBILE_NO_DEVICE;
    if (!has_device && tag == device_tag(epoch, SESSION_MOBILE_NO_DEVICE, device))
        return SESSION_IS_SAME;
    bool is_opened_on_web = tag == device_tag(epoch, SESSION_WEB, device);
    return has_device || is_opened_on_web ? SESSION_OTHER_DEVICE : SESSION_DEVICE_MISSING;
}

static enum session_check web_check(const struct epoch *epoch, uint16_t tag,
                                    enum session_family *bound_family_out)
{
    *bound_family_out = SESSION_WEB;
    if (tag == device_tag(epoch, SESSION_WEB, SPAN("")))
        return SESSION_IS_SAME;
    *bound_family_out = SESSION_MOBILE_NO_DEVICE;
    bool is_open_to_both = tag == device_tag(epoch, SESSION_MOBILE_NO_DEVICE, SPAN(""));
    return is_open_to_both ? SESSION_IS_SAME : SESSION_OTHER_DEVICE;
}

static const struct epoch *epoch_of(const struct epoch_set *epochs, const struct session *session)
{
    const struct epoch *epoch = epoch_find(epochs, session->epoch);
    ASSERT(epoch != NULL);
    return epoch;
}

enum session_check session_differs(const struct epoch_set *epochs, const struct session *session,
                                   const struct session_binding *presented, bool is_web,
                                   enum session_family *bound_family_out)
{
    const struct epoch *epoch = epoch_of(epochs, session);
    const struct session_tags *tags = &session->tags;
    if (tags->brand != brand_tag(epoch, presented->brand_id))
        return SESSION_OTHER_BRAND;
    enum session_check device =
        is_web ? web_check(epoch, tags->device, bound_family_out)
               : mobile_check(epoch, tags->device, presented->device, bound_family_out);
    if (device != SESSION_IS_SAME)
        return device;
    if (tags->identifier != identifier_tag(epoch, presented->identifier))
        return SESSION_OTHER_IDENTIFIER;
    if (!span_is_empty(presented->address) &&
        tags->address != address_tag(epoch, presented->address))
        return SESSION_OTHER_ADDRESS;
    return SESSION_IS_SAME;
}

struct session_ref session_ref_of(const struct epoch_set *epochs, const struct session *session,
                                  const struct session_binding *bound)
{
    const struct epoch *epoch = epoch_of(epochs, session);
    struct span uuid = span_make(session->uuid, sizeof session->uuid);
    struct mac_message message;
    mac_message_init(&message);
    mac_message_put(&message, uuid);
    mac_message_put_u64(&message, bound->brand_id);
    mac_message_put(&message, bound->identifier);
    mac_message_put_u64(&message, (uint64_t)bound->family);
    mac_message_put(&message, bound->family == SESSION_MOBILE ? bound->device : SPAN(""));
    struct span bytes = span_make(message.bytes, message.len);
    return (struct session_ref){
        .id = short_tag64(&epoch->tags[EPOCH_TAG_SESSION], uuid),
        .binding = short_tag64(&epoch->tags[EPOCH_TAG_BINDING], bytes),
    };
}
