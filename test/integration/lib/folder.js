// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A folder for one test's files, gone when the test process ends, however it ends.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const folders = new Set();

process.on('exit', () => {
  for (const folder of folders) {
    fs.rmSync(folder, { recursive: true, force: true });
  }
});

class Folder {
  constructor() {
    this.path = fs.mkdtempSync(path.join(os.tmpdir(), 'otpd-test-'));
    folders.add(this.path);
  }

  join(name) {
    return path.join(this.path, name);
  }

  /** Writes a file readable by its owner alone, unless told otherwise, and returns its path. */
  write(name, text, mode = 0o600) {
    const file = this.join(name);
    fs.writeFileSync(file, text);
    fs.chmodSync(file, mode);
    return file;
  }

  remove() {
    fs.rmSync(this.path, { recursive: true, force: true });
    folders.delete(this.path);
  }
}

module.exports = { Folder };
