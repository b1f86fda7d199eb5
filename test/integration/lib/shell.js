// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
'use strict';

const { execFile } = require('node:child_process');

const SHELL_MS = 20000;

/** What a bash script prints; it has to succeed. */
function bash(script, env = {}) {
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, ...env }, timeout: SHELL_MS };
    execFile('bash', ['-c', `set -eu\n${script}`], options, (error, stdout) =>
      error ? reject(error) : resolve(stdout),
    );
  });
}

module.exports = { bash };
