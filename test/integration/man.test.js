// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The man pages: faultless mdoc, complete, and with examples that work.
'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');

const { Folder } = require('./lib/folder');
const { OTPD, runOtpd } = require('./lib/program');
const { Server } = require('./lib/server');
const { bash } = require('./lib/shell');

// The pages name each other, and neither is installed where they are tested.
const NOT_INSTALLED = /STYLE: referenced manual not found: Xr otpd/;

const PAGES = [['man'], ['man', 'otpd'], ['man', 'otpd.conf']];

async function pageOf(args) {
  const { status, stdout, stderr } = await runOtpd(args);
  assert.deepEqual([status, stderr], [0, ''], args.join(' '));
  return stdout;
}

async function readable(args) {
  const page = await bash(`'${OTPD}' ${args.join(' ')} | mandoc -T utf8 -O width=200`);
  return page.replace(/.\x08/g, ''); // what is bold or underlined is struck twice
}

/** Names in the first column of `otpd serve --help` or at the left of `otpd brand options`. */
function namesIn(text, pattern) {
  const names = [...text.matchAll(pattern)].map(([, name]) => name);
  assert.ok(names.length >= 10, text);
  return names;
}

for (const args of PAGES) {
  test(`otpd ${args.join(' ')}: mandoc has nothing to say`, async () => {
    const lint = `'${OTPD}' ${args.join(' ')} | mandoc -T lint -W style || true`;
    const lines = (await bash(lint)).split('\n').filter((line) => line !== '');
    assert.deepEqual(lines.filter((line) => !NOT_INSTALLED.test(line)), []);
    await bash(`set -o pipefail; '${OTPD}' ${args.join(' ')} | mandoc -T lint -W error`);
  });
}

describe('nothing is missing', () => {
  test('otpd(8) has every command, every verb and every flag', async () => {
    const page = await readable(['man']);
    const help = await pageOf(['brand', '--help']);
    const calls = namesIn(help, /^ {2}otpd (brand [a-z ]*[a-z])/gm);
    const flags = namesIn(await pageOf(['serve', '--help']), /^ {2}(--[a-z-]+)/gm);
    const commands = [...(await pageOf(['help'])).matchAll(/^ {2}([\w-]+) /gm)];
    for (const text of [...calls, ...flags, ...commands.map(([, name]) => `otpd ${name}`)]) {
      assert.ok(page.includes(text), text);
    }
  });

  test('otpd.conf(5) has every option of the file and every setting of a brand', async () => {
    const page = await readable(['man', 'otpd.conf']);
    const settings = namesIn(await pageOf(['brand', 'options']), /^([\w.]+)$/gm);
    const others = ['keyFile', 'metricsListen', 'outboxMax', 'journalMib', 'tokenKeyFile',
      'passwordFile', 'allowPrivate', 'recipeFile'];
    for (const name of [...settings, ...others]) {
      assert.match(page, new RegExp(`^ +${name}( |$)`, 'm'), name);
    }
  });

  test('every command tells how it is used', async () => {
    const help = await pageOf(['help']);
    for (const [, name] of help.matchAll(/^ {2}([\w-]+) /gm)) {
      const told = await pageOf([name, '--help']);
      assert.match(told, new RegExp(`^usage: otpd ${name}\\b`));
      assert.equal(await pageOf(['help', name]), told);
      assert.ok(told.split('\n').every((line) => line.length <= 100), told);
    }
  });
});

test('the example of otpd.conf(5) is a configuration', async () => {
  const folder = new Folder();
  const page = await pageOf(['man', 'otpd.conf']);
  const example = /^\.Bd -literal\n(.*?)^\.Ed$/ms.exec(page)[1];
  const config = example
    .replace('/etc/otpd/keys', folder.join('keys'))
    .replace('/var/lib/otpd', folder.join('data'))
    .replace('8480', '0');
  assert.notEqual(config, example);
  await runOtpd(['init', '--key-file', folder.join('keys')]);
  await (await Server.start({ isDev: false, config })).stop();
  folder.remove();
});

test('a page that is not there', async () => {
  const { status, stdout, stderr } = await runOtpd(['man', 'otpd.cnf']);
  assert.deepEqual([status, stdout], [64, '']);
  assert.match(stderr, /there is no page "otpd\.cnf"; there are otpd and otpd\.conf/);
});
