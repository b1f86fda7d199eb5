// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The numbering plans of the world. phone_table.c is written by `make phone-table` out of
// libphonenumber's metadata; docs/adr/0009-phone-table.md says why and how large.
//
// A plan is all that stands behind one calling code; several regions may share it. Its valid
// numbers of all types are one automaton over digits. The automata share their states: state 0 is
// dead, those up to phone_accepting_last accept, and no path is longer than PHONE_NATIONAL_MAX.
//
// A strip is one thing that may stand before a number when it is dialled within its region, and
// what becomes of it. A region's strips are tried in order; the first that matches counts.

#include <stdbool.h>
#include <stdint.h>

#define PHONE_NATIONAL_MAX 17U
#define PHONE_INSERT_MAX 4U
#define PHONE_CODE_DIGITS_MAX 3U

// Match `sets_count` digits; the result is `insert`, then what was matched from `keep_from` to
// `keep_to`, then the rest of the number.
struct phone_strip {
    uint16_t sets_at; // into phone_digit_sets
    uint8_t sets_count;
    bool is_whole; // the number must end where the match does
    uint8_t keep_from, keep_to;
    char insert[PHONE_INSERT_MAX + 1];
};

struct phone_strips {
    uint16_t at, count; // into phone_strip_table
};

struct phone_plan {
    char code[PHONE_CODE_DIGITS_MAX + 1];
    uint16_t start;             // its automaton's first state
    uint32_t lengths;           // bit n: a number of n digits is possible
    struct phone_strips strips; // of the region that speaks for the plan
};

struct phone_region {
    uint8_t plan;
    struct phone_strips strips;
};

extern const uint16_t phone_accepting_last;
extern const uint16_t phone_states[][10];

// By the first three digits of an international number, and by the two letters of ISO 3166-1. Index
// 0 of both tables is nobody's.
extern const uint8_t phone_plan_of[1000];
extern const struct phone_plan phone_plans[];
extern const uint8_t phone_region_of[26 * 26];
extern const struct phone_region phone_regions[];

extern const struct phone_strip phone_strip_table[];
extern const uint16_t phone_digit_sets[]; // bit n: the digit n
