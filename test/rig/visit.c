// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "rig/visit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

void rig_set_limit(struct rig *rig, uint32_t count)
{
    struct brand_settings settings;
    brand_settings_init(&settings);
    settings.otp_max_count = count;
    settings.otp_time_out_minutes = RIG_WINDOW_MINUTES;
    rig_put_brand(rig, "DocDemo", &settings);
}

int visit_post(struct rig *rig, const char *call, const char *name, const char *address,
               const char *rest)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/auth/v1/%s", call);
    rig_postf(rig, path,
              "{\"identifierType\":\"USERNAME\",\"identifierValue\":\"%s\",\"brand\":\"DocDemo\","
              "\"deviceId\":\"d\"%s%s}",
              name, address, rest);
    return rig_code(rig);
}

struct visit visit_open(struct rig *rig, const char *name, const char *address)
{
    struct visit visit = {.name = name};
    assert_int_equal(visit_post(rig, "token/generate", name, address, ""), 200);
    rig_session_id(rig, visit.id);
    return visit;
}

int visit_generate(struct rig *rig, const struct visit *visit, const char *address)
{
    char rest[96];
    (void)snprintf(rest, sizeof rest, ",\"sessionId\":\"%s\"", visit->id);
    return visit_post(rig, "otp/generate", visit->name, address, rest);
}

int visit_validate(struct rig *rig, const struct visit *visit, const char *address, const char *otp)
{
    char rest[128];
    (void)snprintf(rest, sizeof rest, ",\"sessionId\":\"%s\",\"otp\":\"%s\"", visit->id, otp);
    return visit_post(rig, "otp/validate", visit->name, address, rest);
}

struct rig_message rig_message_of(struct rig *rig)
{
    struct rig_message message;
    assert_true(rig_take_message(rig, &message));
    return message;
}

void rig_assert_no_message(struct rig *rig)
{
    struct rig_message message;
    assert_false(rig_take_message(rig, &message));
}

struct visit visit_issue(struct rig *rig, const char *name, const char *address,
                         struct rig_message *message)
{
    struct visit visit = visit_open(rig, name, address);
    assert_int_equal(visit_generate(rig, &visit, address), 200);
    *message = rig_message_of(rig);
    return visit;
}

void visit_log_in(struct rig *rig, const char *name, const char *address)
{
    struct rig_message message;
    struct visit visit = visit_issue(rig, name, address, &message);
    assert_int_equal(visit_validate(rig, &visit, address, message.otp), 200);
}

int rig_generate_by_number(struct rig *rig, const char *number)
{
    char id[SESSION_ID_TEXT_BYTES + 1];
    rig_postf(rig, "/auth/v1/web/token/generate",
              "{\"identifierType\":\"MOBILE\",\"identifierValue\":\"%s\",\"brand\":\"DocDemo\"}",
              number);
    rig_session_id(rig, id);
    rig_postf(rig, "/auth/v1/web/otp/generate",
              "{\"identifierType\":\"MOBILE\",\"identifierValue\":\"%s\",\"brand\":\"DocDemo\","
              "\"sessionId\":\"%s\"}",
              number, id);
    return rig_code(rig);
}

void rig_fill_outbox(struct rig *rig)
{
    for (unsigned i = 0; i < RIG_ENTRIES_MAX; i++) {
        char number[16];
        (void)snprintf(number, sizeof number, "1202555011%u", i);
        assert_int_equal(rig_generate_by_number(rig, number), 200);
    }
}

unsigned rig_room_of(struct rig *rig, const char *number)
{
    unsigned room = 0;
    while (rig_generate_by_number(rig, number) == 200)
        room++;
    assert_int_equal(rig_code(rig), 1534);
    return room;
}
