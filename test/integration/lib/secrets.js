// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What must never be in a log: codes, tokens and whole addresses that a test has seen.
'use strict';

const assert = require('node:assert/strict');

// What is shorter is no number that anybody could be reached at.
const NUMBER_DIGITS_MIN = 7;

const EMAIL = /[^\s"<>]+@[^\s"<>]+/g;
const WORD = /[A-Za-z0-9_-]+/g;

class Secrets {
  constructor() {
    this.words = new Set();
    this.emails = new Set();
  }

  addCode(code) {
    this.words.add(String(code));
  }

  addToken(token) {
    for (const part of token.split('.')) {
      this.words.add(part);
    }
  }

  /** In any spelling; of a number the national part is as telling as the whole. */
  addAddress(address) {
    if (address.includes('@')) {
      this.emails.add(address.toLowerCase());
      return;
    }
    const digits = address.replace(/\D/g, '');
    if (digits.length >= NUMBER_DIGITS_MIN) {
      this.words.add(digits);
      this.words.add(digits.slice(-10));
    }
  }

  /** Whatever an answer of the API or of the inbox has of the kind. */
  addAnswer(answer) {
    for (const token of [answer?.auth?.token, answer?.auth?.key]) {
      if (token) {
        this.addToken(token);
      }
    }
    for (const message of answer?.messages ?? []) {
      this.addCode(message.otp);
      this.addAddress(message.to);
    }
  }

  assertNoneIn(log) {
    const words = (log.match(WORD) ?? []).filter((word) => this.words.has(word));
    const emails = (log.match(EMAIL) ?? []).filter((text) => this.emails.has(text.toLowerCase()));
    assert.deepEqual([...new Set([...words, ...emails])], [], 'secrets in the log');
  }
}

module.exports = { Secrets };
