// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Waiting always has an end: whatever does not come fails the test with its name.
'use strict';

const PROBE_EVERY_MS = 5;

/** The promise's value, or an error that says what did not come within `ms`. */
async function within(ms, what, promise) {
  let timer;
  const end = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, end]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks `probe` again and again until its answer is truthy, and returns that. */
async function until(ms, what, probe) {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await probe();
    if (answer) {
      return answer;
    }
    if (Date.now() > end) {
      throw new Error(`${what}: not within ${ms} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS));
  }
}

module.exports = { within, until };
