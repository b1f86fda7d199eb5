// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { after, describe, test } = require('node:test');

const { Folder } = require('./lib/folder');
const { runOtpd } = require('./lib/program');

const EXIT = { usage: 64, cannotCreate: 73 };

describe('otpd doctor', () => {
  const folder = new Folder();
  after(() => folder.remove());

  test('says how long a sync takes, and what group commit makes of it', async () => {
    const { status, stdout } = await runOtpd(['doctor', folder.path]);
    assert.equal(status, 0);
    const [, median, p99, longest] =
      /median ([\d.]+) ms, p99 ([\d.]+) ms, longest ([\d.]+) ms/.exec(stdout).map(Number);
    assert.ok(median <= p99 && p99 <= longest);
    const rates = [...stdout.matchAll(/(\d+) at once: +(\d+) ops a second/g)];
    assert.deepEqual(rates.map(([, waiting]) => Number(waiting)), [1, 16, 64, 256, 1024]);
    const counts = rates.map(([, , count]) => Number(count));
    assert.deepEqual(counts, [...counts].sort((a, b) => a - b));
  });

  test('leaves nothing behind', () => {
    assert.deepEqual(fs.readdirSync(folder.path), []);
  });

  test('wants a directory that is there', async () => {
    assert.equal((await runOtpd(['doctor'])).status, EXIT.usage);
    const missing = await runOtpd(['doctor', folder.join('none')]);
    assert.equal(missing.status, EXIT.cannotCreate);
    assert.match(missing.stderr, /there is no such directory/);
    assert.deepEqual(fs.readdirSync(folder.path), []);
  });
});
