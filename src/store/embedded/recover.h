// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What is read when a store is opened: whose data it is, where T stood, the entries that are open,
// the settings. Records and history are read when they are asked for, so opening takes the same
// time however much there is of them.

#include "store/embedded/codec.h"
#include "store/entry_queue.h"
#include "store/settings_list.h"

struct recovery {
    struct digest128 fingerprint; // of the keys in use
    struct clock clock;
    struct boot_id boot;
    struct entry_queue *entries;    // filled; what may be under way is claimable at once
    struct settings_list *settings; // filled

    // Found, or made in an empty table.
    struct store_time time;
    struct codec_state state;
};

// An empty table becomes one of these keys. ERR_INVALID: other keys' data, damaged, or written by a
// newer version; the story says which, as the end of "the data in DIR …".
MUST_CHECK enum err recover(struct table *table, struct recovery *recovery, struct err_info *info);
