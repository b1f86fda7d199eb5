// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Session ids that authenticate themselves. Nothing is stored for one.
//
//   P-xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx      122 free bits of a version-4 UUID (RFC 9562)
//
//   2 bits   the epoch's mark, in the clear
//   120 bits enciphered with the epoch's session key (crypto/pure/permute.h):
//            expiry 30 (seconds since 2026-01-01) · nonce 24 · tags: brand 10, identifier 16,
//            device 14, address 14 · zeros 12
//
// An id opens when the zeros are zero and the expiry is plausible; otherwise it is forged, and
// nothing else about it is looked at. The tags then say *what* differs. They are short: the
// person's record holds a digest of the whole binding from the first generate on (session_ref),
// exact to 2^-64. Layout, forgery and collision odds: docs/adr/0003-session-ids.md.

#include "crypto/pure/epoch.h"
#include "crypto/pure/permute.h"

#define SESSION_ID_TEXT_BYTES 38U // "P-" and 36

// The URI family a session was opened on, with its device: bound together.
enum session_family {
    SESSION_WEB,              // opened on web/: the web family alone
    SESSION_MOBILE,           // opened with a device: the same device is needed
    SESSION_MOBILE_NO_DEVICE, // opened on the mobile URI without one: both families, no refresh key
};

// What a session is bound to. Spans are canonical forms and are only borrowed.
struct session_binding {
    uint64_t brand_id;
    struct span identifier; // kind letter and canonical value, as in the record key
    enum session_family family;
    struct span device;  // empty unless SESSION_MOBILE
    struct span address; // further addresses named when it was opened, canonical; empty when none
};

// A session as a person's record knows it: `id` from the 122 bits alone, `binding` from all that
// the session is bound to. Both keyed by the epoch of the id.
struct session_ref {
    uint64_t id;
    uint64_t binding;
};

struct session_tags {
    uint16_t brand;
    uint16_t identifier;
    uint16_t device;
    uint16_t address;
};

// An opened id. The tags are compared by session_differs.
struct session {
    uint32_t epoch;
    int64_t expires_at_ms;
    struct session_tags tags;
    uint8_t uuid[16];
};

enum session_check {
    SESSION_IS_SAME,
    SESSION_OTHER_BRAND,
    SESSION_OTHER_DEVICE,
    SESSION_DEVICE_MISSING, // opened with a device, and the request names none
    SESSION_OTHER_IDENTIFIER,
    SESSION_OTHER_ADDRESS,
};

// A new id that ends at expires_at_ms (rounded up to the second). `nonce` is random.
void session_id_issue(const struct epoch *epoch, const struct session_binding *binding,
                      int64_t expires_at_ms, uint32_t nonce, char out[SESSION_ID_TEXT_BYTES]);

// False: not an id of ours. Past ids open too as long as their codes may live (see
// SESSION_PAST_MS_MAX in core/limits.h); whether it may still issue is for the caller to compare.
bool session_id_open(const struct epoch_set *epochs, struct span text, int64_t now_ms,
                     struct session *out);

// The first thing that differs, in the order brand, device, identifier, address. `is_web` is the
// family of the request, `presented` what it names; presented->family is not looked at, and an
// empty presented->address is no difference. On SESSION_IS_SAME, *bound_family_out is what the
// session was opened as.
enum session_check session_differs(const struct epoch_set *epochs, const struct session *session,
                                   const struct session_binding *presented, bool is_web,
                                   enum session_family *bound_family_out);

// `bound` as the session was opened, family included.
struct session_ref session_ref_of(const struct epoch_set *epochs, const struct session *session,
                                  const struct session_binding *bound);
