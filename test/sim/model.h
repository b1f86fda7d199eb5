// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What must be true of otpd, seen from outside: requests, answers, messages and true time. Written
// in other terms than the server (plain lists, no windows, no records) and sharing no code with it.
//
// A violation is described in `complaint` and counted; the first one is kept.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_SESSION_TEXT_BYTES 64

struct model_rules {
    unsigned max_count; // 0: no limit
    int64_t window_ms;
    int64_t ttl_ms;
    unsigned attempts_max;
    unsigned lock_after;
    int64_t lock_ms;
};

struct model_message {
    int64_t at_ms;
    char code[16];
};

struct model_session {
    char text[MODEL_SESSION_TEXT_BYTES];
    unsigned successes;
    unsigned wrong;
};

struct model_person {
    struct model_message *messages;
    size_t messages_held;
    struct model_session *sessions;
    size_t sessions_held;
    int64_t *accepted_at_ms; // generates answered 200
    size_t accepted_held;
    int64_t *wrong_at_ms; // answers 1506 since the last success
    size_t wrong_held;
};

// One call of otp/validate and its answer.
struct model_try {
    const char *session;
    const char *guess;
    bool is_drawn; // at random: once in a million it is right without having been sent
    int code;
    int64_t at_ms;
};

struct model {
    struct model_rules rules;
    struct model_person *people;
    size_t people_held;
    unsigned violations;
    unsigned lucky; // successes of guesses drawn at random
    char complaint[256];
};

// For a code: the answer was lost, or says that it is not known what was done.
#define MODEL_UNKNOWN 0

void model_init(struct model *model, const struct model_rules *rules, size_t people);
void model_fini(struct model *model);

void model_on_message(struct model *model, size_t person, const char *code, int64_t at_ms);
void model_on_generate(struct model *model, size_t person, const char *session, int code,
                       int64_t at_ms);
void model_on_validate(struct model *model, size_t person, const struct model_try *try);
