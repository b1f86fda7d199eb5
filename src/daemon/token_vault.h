// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where one provider's tokens are kept, for the courier's thread: reads and writes of the store on
// a thread of its own. A write waits for the disk, and the thread that asks for it drives all
// connections: on a slow disk every message to every provider would wait as well. Renewals come
// once a day, so a thread that sleeps costs less than a place in the store's queue would.
//
//   courier ──read, write──▶ vault's thread ──▶ store
//      ▲                          │
//      └────── event, by fd ──────┘        administrator ──token_vault_set──▶ store, then an event

#include "channel/token_source.h"
#include "outbox/provider_tokens.h"

// Less than commands wait for an answer.
#define TOKEN_VAULT_WAIT_MS 8000

struct token_vault;

// `tokens` is copied, what it points to borrowed. on_status is called on the courier's thread.
MUST_CHECK enum err token_vault_create(const struct provider_tokens *tokens,
                                       void (*on_status)(void *ctx), void *ctx,
                                       struct token_vault **out);

// Ends what was begun, a write too; before the store is destroyed.
void token_vault_stop(struct token_vault *vault); // safe twice
void token_vault_destroy(struct token_vault **vault);

// Borrows it.
struct token_port token_vault_port(struct token_vault *vault);

// As the source told it last. From any thread.
void token_vault_status(struct token_vault *vault, struct token_status *out);

// Replaces what is stored by a refresh token that lives for `refresh_ms` from now; the first access
// token is then fetched with it. Waits for the store, and fails as it does, and then for the
// provider, TOKEN_VAULT_WAIT_MS at most: the status afterwards says what came of it. ERR_INVALID:
// it is no token. From any thread but the courier's.
MUST_CHECK enum err token_vault_set(struct token_vault *vault, struct span refresh, int64_t now_ms,
                                    int64_t refresh_ms);
