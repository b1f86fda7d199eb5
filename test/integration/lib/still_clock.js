// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Time that passes only when a test says so, by a library that is compiled here and preloaded. The
// wall clock may say something else than the time that has really passed.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');

const SOURCE = path.join(__dirname, 'set_clock.c');
const BOOT_MS = 1000 * 1000; // the machine has run for so long when the test begins

class StillClock {
  /** Its state lies in that folder; `env` is for the server. */
  constructor(folder) {
    const library = folder.join('set_clock.so');
    execFileSync('cc', ['-O1', '-Wall', '-Werror', '-shared', '-fPIC', '-o', library, SOURCE]);
    this.beganAt = Date.now();
    this.passedMs = 0;
    this.wallErrorMs = 0;
    this.file = fs.openSync(folder.join('times'), 'w+', 0o600);
    this.env = { LD_PRELOAD: library, SET_CLOCK_FROM: folder.join('times') };
    this.tell();
  }

  /** In place: the server reads it through memory. */
  tell() {
    const times = Buffer.alloc(16);
    times.writeBigInt64LE(BigInt(this.beganAt + this.passedMs + this.wallErrorMs), 0);
    times.writeBigInt64LE(BigInt(BOOT_MS + this.passedMs), 8);
    fs.writeSync(this.file, times, 0, times.length, 0);
  }

  pass(ms) {
    this.passedMs += ms;
    this.tell();
  }

  /** Sets the wall clock: by so much it is ahead of what it should be. */
  step(wallErrorMs) {
    this.wallErrorMs = wallErrorMs;
    this.tell();
  }

  close() {
    fs.closeSync(this.file);
  }
}

module.exports = { StillClock };
