// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Any text as a session id. Under fixed keys none that the fuzzer finds was issued, and each that
// it makes out of an issued one by changing a byte is refused or, where it opens, differs from what
// was bound: it never passes for another's.
#include "base/assert.h"
#include "core/session.h"

#define NOW_MS INT64_C(1790000000000)
#define TTL_MS INT64_C(1200000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct session_binding binding_of(struct span identifier)
{
    return (struct session_binding){
        .brand_id = 7,
        .identifier = identifier,
        .family = SESSION_MOBILE,
        .device = SPAN("123456785"),
    };
}

// An issued id opens and is the same; with the byte at `at` changed to `byte` it is no longer ours.
static void check_changed(const struct epoch_set *epochs, size_t at, char byte)
{
    char text[SESSION_ID_TEXT_BYTES];
    struct session session;
    enum session_family family;
    struct session_binding bound = binding_of(SPAN("M919999999993"));
    session_id_issue(epoch_current(epochs), &bound, NOW_MS + TTL_MS, 12345, text);
    ASSERT(session_id_open(epochs, span_make(text, sizeof text), NOW_MS, &session));
    ASSERT(session_differs(epochs, &session, &bound, false, &family) == SESSION_IS_SAME);
    if (text[at] == byte)
        return;
    text[at] = byte;
    if (session_id_open(epochs, span_make(text, sizeof text), NOW_MS, &session))
        ASSERT(session_differs(epochs, &session, &bound, false, &family) != SESSION_IS_SAME);
}

static void check_any(const struct epoch_set *epochs, struct span text)
{
    struct session session;
    enum session_family family;
    struct session_binding bound = binding_of(text);
    if (!session_id_open(epochs, text, NOW_MS, &session))
        return;
    ASSERT(text.len == SESSION_ID_TEXT_BYTES);
    (void)session_differs(epochs, &session, &bound, false, &family);
    (void)session_differs(epochs, &session, &bound, true, &family);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct epoch_set epochs;
    const struct key root = {.bytes = {1, 2, 3}};
    if (size < 2)
        return 0;
    epoch_set_derive(&root, 20717, &epochs);
    check_changed(&epochs, data[0] % SESSION_ID_TEXT_BYTES, (char)data[1]);
    check_any(&epochs, span_make(data, size));
    return 0;
}
