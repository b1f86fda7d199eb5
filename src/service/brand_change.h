// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// One change of one brand's stored value.
//
//   read ──▶ begin: as it was, or new ──▶ apply ──▶ validate ──same──▶ done
//    ▲                                                  └──▶ write under the next version ──▶ done
//    └───────────────── somebody else was first, at most WRITE_TRIES_MAX times ────┘
//
// The snapshot is not touched: whoever has changed something reloads it.

#include "service/brand_value.h"
#include "service/brands_inner.h"

// What is wanted. `apply` may run several times, each time on what was read last.
struct brand_step {
    MUST_CHECK enum err (*apply)(struct brand_value *after, const struct brand_step *step,
                                 struct err_info *info);
    bool may_add;
    bool may_replace;
    bool has_new_key;         // a key is added also where no secret is given: a random one
    struct span token_secret; // is to sign; empty: none is given
    struct span spelling;     // of the name; empty: it stays, and the brand is there
    bool is_forced;           // also what has a hazard, or edits.is_forced
    const struct brand_settings *settings;
    struct brand_edits edits;
    uint32_t key_number;
    const struct rsa_key *encryption_key; // to add
    bool must_be_usable;                  // is refused when it leaves encryption without a key
    bool must_name_header; // is refused when it leaves the value of a header without its name
};

// ERR_EXISTS, ERR_NOT_FOUND: as the step's may_… say. ERR_UNFORCED, ERR_INVALID, ERR_BUSY,
// ERR_NO_MEMORY, or what the store says.
MUST_CHECK enum err brand_change_run(struct brands *brands, struct span name,
                                     const struct brand_step *step, struct err_info *info);

// Takes the value out, readable or not. ERR_NOT_FOUND, ERR_BUSY, ERR_NO_MEMORY, or the store's.
MUST_CHECK enum err brand_change_remove(struct brands *brands, struct span name,
                                        struct err_info *info);
