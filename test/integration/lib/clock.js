// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The wall clock of a server, by libfaketime. Its monotonic clock stays as it is, as on a real
// machine whose clock is set.
'use strict';

const fs = require('node:fs');

const FAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';

class FakeClock {
  /** Its state lies in that folder; `env` is for the server. */
  constructor(folder) {
    this.file = folder.join('offset');
    this.env = {
      LD_PRELOAD: FAKETIME,
      FAKETIME_TIMESTAMP_FILE: this.file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    };
    this.set(0);
  }

  /** Ahead of the real clock. Replaced at once: the server reads it whenever it wants the time. */
  set(seconds) {
    fs.writeFileSync(`${this.file}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    fs.renameSync(`${this.file}.new`, this.file);
  }
}

module.exports = { FakeClock };
