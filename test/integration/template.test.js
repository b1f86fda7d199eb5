// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The texts of brands: what otpd template lint says of those in a file, and how those of a running
// server are changed one by one, in all their languages.
'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');

const { configText } = require('./lib/config');
const { Folder } = require('./lib/folder');
const { runOtpd } = require('./lib/program');
const { Server } = require('./lib/server');

async function withConfig(brands, job) {
  const folder = new Folder();
  try {
    const keyFile = folder.join('keys');
    await runOtpd(['init', '--key-file', keyFile]);
    const dataDir = folder.join('data');
    return await job(folder.write('otpd.yaml', configText(brands, { keyFile, dataDir })));
  } finally {
    folder.remove();
  }
}

const lint = (brands) =>
  withConfig(brands, (config) => runOtpd(['template', 'lint', '--config', config]));

describe('otpd template lint', () => {
  test('says how many SMS a text makes, and where phones fill the code in', async () => {
    const smsTemplate = 'Mã của {brand}: {otp}\n@login.example.com #{otp}';
    const { status, stdout } = await lint({ DocDemo: { smsTemplate }, Shop: {} });
    assert.equal(status, 0);
    assert.match(stdout, /^DocDemo: smsTemplate: 1 SMS: 49 of 70 units of UCS-2, 52 bytes$/m);
    assert.match(stdout, /^DocDemo: smsTemplate: not GSM-7 because of "ã"/m);
    assert.match(stdout, /^DocDemo: smsTemplate: browsers fill the .* in at login\.example\.com$/m);
    assert.match(stdout, /^Shop: smsTemplate: 1 SMS: \d+ of 160 characters of GSM-7, \d+ bytes$/m);
  });

  test('counts the longest code that a brand can have', async () => {
    const { stdout } = await lint({ Shop: { smsTemplate: '{otp}', otpLength: 10 } });
    assert.match(stdout, /: 10 of 160 /);
  });

  test('fails for a line that no browser takes, in any language', async () => {
    const texts = { smsTemplate: '{otp}\n@a.example {otp}' };
    for (const settings of [texts, { language: 'en', translations: { vi: texts } }]) {
      const { status, stdout } = await lint({ Shop: settings });
      assert.equal(status, 65);
      assert.match(stdout, /^Shop: (translations\.vi\.)?smsTemplate: .*fill a code in only/m);
    }
  });

  test('a command without its word prints how it is used', async () => {
    const { status, stderr } = await runOtpd(['template']);
    assert.equal(status, 64);
    assert.match(stderr, /^usage: otpd template lint/);
  });
});

test('a mistake in a translation is told with its place', () =>
  withConfig({ Shop: { translations: { vi: { emailSubject: '{opt}' } } } }, async (config) => {
    const { status, stderr } = await runOtpd(['check', '--config', config]);
    assert.equal(status, 78);
    assert.match(stderr, /:\d+:\d+: error: translations\.vi\.emailSubject: .*unknown tag/);
  }));

describe('a running server', () => {
  const folder = new Folder();
  let server;
  let socket;

  before(async () => {
    server = await Server.start();
    socket = await server.controlSocket();
  });

  after(async () => {
    await server.stop();
    folder.remove();
  });

  const brand = (verb, ...words) =>
    runOtpd(['brand', verb, '--socket', socket, 'DocDemo', ...words]);

  async function done(verb, ...words) {
    const { status, stdout, stderr } = await brand(verb, ...words);
    assert.equal(status, 0, stderr);
    return stdout;
  }

  test('takes a text from a file, shows it by its path, and gives it up', async () => {
    const file = folder.write('vi.txt', '{otp} là mã của bạn\n@example.com #{otp}\n');
    const key = 'translations.vi.smsTemplate';
    const shown = '{otp} là mã của bạn\\n@example.com #{otp}';
    assert.equal(await done('set', `${key}=@${file}`, 'translations.ar.emailSubject={otp}'),
      `${key}  null → ${shown}\ntranslations.ar.emailSubject  null → {otp}\n`);
    assert.ok((await done('show')).includes(`\n* ${key}  ${shown}\n`));
    const told = await done('lint');
    assert.match(told, /^DocDemo: translations\.vi\.smsTemplate: browsers fill the code in at /m);
    assert.match(told, /^DocDemo: language: not set/m);
    assert.equal(await done('unset', 'translations.ar', key),
      `translations.ar     {"emailSubject":"{otp}"} → null\n${key}  ${shown} → null\n`);
    assert.doesNotMatch(await done('show'), /translations\./);
  });

  test('refuses what is no text, and says which', async () => {
    const { status, stderr } = await brand('set', 'translations.vi.smsTemplate=no code');
    assert.equal(status, 65);
    assert.match(stderr, /^otpd: translations\.vi\.smsTemplate: template: no \{otp\} in it\n$/);
    assert.doesNotMatch(await done('show'), /translations\./);
  });

  test('a text that costs more than one SMS is taken, and that is said', async () => {
    const long = `{otp} ${'x'.repeat(160)}`;
    const { status, stderr } = await brand('set', `smsTemplate=${long}`, 'otpMaxCount=3');
    assert.equal(status, 0);
    assert.equal(stderr,
      'otpd: DocDemo: smsTemplate: 2 SMS: 167 of 306 characters of GSM-7, 167 bytes\n');
    assert.equal((await brand('set', 'otpMaxCount=4')).stderr, '');
    await done('unset', 'smsTemplate', 'otpMaxCount');
  });

  test('brand lint fails as template lint does', async () => {
    await done('set', 'smsTemplate=<#> {otp} short');
    const { status, stdout } = await brand('lint');
    await done('unset', 'smsTemplate');
    assert.equal(status, 65);
    assert.match(stdout, /^DocDemo: smsTemplate: it begins with "<#>", but Android/m);
  });
});

test('a start logs what is to be mended, and no more', async () => {
  const smsTemplate = `{otp}\n@example.com ${'x'.repeat(150)}`;
  const server = await Server.start({ config: configText({ Long: { smsTemplate }, Short: {} }) });
  try {
    await server.awaitEvent('brand.text', 2);
    const told = server.events('brand.text').map(({ level, brand, setting, what }) =>
      [level, brand, setting, what.split(':')[0]]);
    assert.deepEqual(told, [
      ['warning', 'Long', 'smsTemplate', '2 SMS'],
      ['warning', 'Long', 'smsTemplate', 'a line begins with "@", but browsers fill a code in ' +
        'only if the text ends in "@host #{otp}"'],
    ]);
  } finally {
    await server.stop();
  }
});
