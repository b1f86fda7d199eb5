// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// otpd template lint: what it says of a brand's text.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { configText } = require('./lib/config');
const { Folder } = require('./lib/folder');
const { runOtpd } = require('./lib/program');

async function lint(brands) {
  const folder = new Folder();
  try {
    const keyFile = folder.join('keys');
    await runOtpd(['init', '--key-file', keyFile]);
    const dataDir = folder.join('data');
    const config = folder.write('otpd.yaml', configText(brands, { keyFile, dataDir }));
    return await runOtpd(['template', 'lint', '--config', config]);
  } finally {
    folder.remove();
  }
}

test('says how many SMS a text makes, and where phones fill the code in', async () => {
  const smsTemplate = 'Mã của {brand}: {otp}\n@login.example.com #{otp}';
  const { status, stdout } = await lint({ DocDemo: { smsTemplate }, Shop: {} });
  assert.equal(status, 0);
  assert.match(stdout, /^DocDemo: smsTemplate: 1 SMS: 49 of 70 units of UCS-2, 52 bytes$/m);
  assert.match(stdout, /^DocDemo: smsTemplate: not GSM-7 because of "ã"/m);
  assert.match(stdout, /^DocDemo: smsTemplate: browsers fill the code in at login\.example\.com$/m);
  assert.match(stdout, /^Shop: smsTemplate: 1 SMS: \d+ of 160 characters of GSM-7, \d+ bytes$/m);
});

test('counts the longest code that a brand can have', async () => {
  const { stdout } = await lint({ Shop: { smsTemplate: '{otp}', otpLength: 10 } });
  assert.match(stdout, /: 10 of 160 /);
});

test('fails for a line that no browser takes', async () => {
  const { status, stdout } = await lint({ Shop: { smsTemplate: '{otp}\n@a.example {otp}' } });
  assert.equal(status, 65);
  assert.match(stdout, /browsers fill a code in only if/);
});

test('a command without its word prints how it is used', async () => {
  const { status, stderr } = await runOtpd(['template']);
  assert.equal(status, 64);
  assert.match(stderr, /^usage: otpd template lint/);
});
