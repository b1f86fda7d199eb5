// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Starting: how soon it serves, and what it says when it will not. A message that names a command
// is taken at its word: the command is run, and then the start has to work.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { describe, test } = require('node:test');

const { Client } = require('./lib/http');
const { configText } = require('./lib/config');
const { Folder } = require('./lib/folder');
const { OTPD, runOtpd } = require('./lib/program');
const { Server } = require('./lib/server');
const { bash } = require('./lib/shell');

const STARTS = 5;
const READY_MS = 50;
const ANSWERED_MS = 500; // from the fork of the test process on, so that it is no measurement
const EXIT = { usage: 64, unavailable: 69, cannotCreate: 73, permission: 77, config: 78 };
const BRAND = { Shop: {} };
const LISTEN = ['--listen', '127.0.0.1:0'];

async function withFolder(job) {
  const folder = new Folder();
  try {
    return await job(folder);
  } finally {
    folder.remove();
  }
}

async function assertRefused(args, status, patterns, options) {
  const { stdout, stderr, ...end } = await runOtpd(args, options);
  assert.equal(end.status, status, stderr);
  assert.equal(stdout, '');
  for (const pattern of patterns) {
    assert.match(stderr, pattern);
  }
  return stderr;
}

test(`is ready in under ${READY_MS} ms, says so, and answers`, async () => {
  const ready = [];
  const answered = [];
  for (let i = 0; i < STARTS; i++) {
    const server = await Server.start();
    const client = new Client(server.port);
    assert.equal((await client.get('/')).status, 404);
    answered.push(performance.now() - server.startedAt);
    ready.push(server.readyMs);
    client.close();
    const { stdout } = await server.stop();
    assert.match(stdout, new RegExp(`\nready in ${server.readyMs} ms`));
  }
  assert.ok(Math.min(...ready) < READY_MS, ready.join(' '));
  assert.ok(Math.min(...answered) < ANSWERED_MS, answered.join(' '));
});

test('the banner: addresses to click, and one command to paste', async () => {
  const server = await Server.start();
  const banner = server.program.stdout();
  const command = /^ {2}(curl .*)$/m.exec(banner)[1];
  const answer = JSON.parse(await bash(command));
  const { stdout } = await server.stop();
  assert.match(stdout, new RegExp(`^  API +${server.url}/auth/v1$`, 'm'));
  assert.match(stdout, new RegExp(`^  Inbox +${server.url}/dev/inbox `, 'm'));
  assert.match(stdout, /^ {2}Control +\/\S+\/otpd-control-\d+\.sock {3}/m);
  assert.match(stdout, /^ {2}Brand +DocDemo$/m);
  assert.ok(stdout.split('\n').length <= 20);
  assert.equal(answer.status.code, 200);
});

test('a port in use: who has it is found by the command in the message', async () => {
  const server = await Server.start();
  const args = ['serve', '--dev', '--listen', server.address];
  const wanted = `${server.address} is in use; .*: ss -ltnp 'sport = :${server.port}'`;
  try {
    await assertRefused(args, EXIT.unavailable, [new RegExp(wanted)]);
  } finally {
    await server.stop();
  }
});

describe('--dev is for this machine alone', () => {
  for (const address of ['0.0.0.0:0', '[::]:0', '192.0.2.1:8480']) {
    test(`--listen ${address}`, () =>
      assertRefused(['serve', '--dev', '--listen', address], EXIT.config, [/loopback/, /--dev/]));
  }

  test('the address of the environment or the file is looked at too', () =>
    withFolder(async (folder) => {
      const args = ['serve', '--dev'];
      const env = { OTPD_LISTEN: '0.0.0.0:0' };
      await assertRefused(args, EXIT.config, [/^OTPD_LISTEN: .*loopback/], { env });
      const file = folder.write('otpd.yaml', 'listen: 0.0.0.0:0\n');
      await assertRefused([...args, '--config', file], EXIT.config, [/otpd\.yaml:1:9: .*loopback/]);
    }));

  for (const address of ['localhost:0', '[::1]:0', '127.1.2.3:0']) {
    test(`${address} is on it`, async () => {
      const { stderr } = await runOtpd(['serve', '--dev', '--listen', address, '--no-such-flag']);
      assert.doesNotMatch(stderr, /loopback/);
      assert.match(stderr, /no-such-flag/);
    });
  }
});

describe('without --dev it refuses to start', () => {
  test('without a key file', async () => {
    await assertRefused(['serve', ...LISTEN], EXIT.config, [/otpd init --key-file FILE/]);
  });

  test('without a data directory', () =>
    withFolder(async (folder) => {
      const keyFile = folder.join('keys');
      await runOtpd(['init', '--key-file', keyFile]);
      const args = ['serve', ...LISTEN, '--key-file', keyFile];
      await assertRefused(args, EXIT.config, [/no data directory is set/, /dataDir/, /--dev/]);
    }));

  const goodSecret = 'x4Ks9vQ2mZ7wB1nT6rY3cF8hJ5gD0pLaEuIoRiWq';
  const hasKeys = (file) => runOtpd(['init', '--key-file', file]);
  const faults = [
    {
      what: 'when the key file is not there',
      status: EXIT.config,
      command: /with: (otpd init --key-file \S+)/,
      spoil: async () => {},
    },
    {
      what: 'when others may read the key file',
      status: EXIT.permission,
      command: /with: (chmod 600 \S+)/,
      spoil: async ({ keyFile }) => {
        await hasKeys(keyFile);
        fs.chmodSync(keyFile, 0o644);
      },
    },
    {
      what: 'on a placeholder as token key',
      status: EXIT.config,
      command: /: (head -c 48 .*)$/m,
      tokenKey: 'changeme-changeme-changeme-changeme',
      spoil: ({ keyFile }) => hasKeys(keyFile),
    },
    {
      what: 'on a short token key',
      status: EXIT.config,
      command: /: (head -c 48 .*)$/m,
      tokenKey: goodSecret.slice(0, 31),
      spoil: ({ keyFile }) => hasKeys(keyFile),
    },
    {
      what: 'when the token key is not there',
      status: EXIT.config,
      command: /: (head -c 48 .*)$/m,
      tokenKey: null,
      spoil: ({ keyFile }) => hasKeys(keyFile),
    },
    {
      what: 'when others may read the token key',
      status: EXIT.config,
      command: /(chmod 600 \S+)/,
      spoil: async ({ keyFile, tokenKeyFile }) => {
        await hasKeys(keyFile);
        fs.chmodSync(tokenKeyFile, 0o644);
      },
    },
  ];

  for (const { what, status, command, tokenKey = goodSecret, spoil } of faults) {
    test(`${what}, and the command that it names mends it`, () =>
      withFolder(async (folder) => {
        const keyFile = folder.join('keys');
        const tokenKeyFile = folder.join('token-key');
        if (tokenKey !== null) {
          folder.write('token-key', tokenKey);
        }
        await spoil({ keyFile, tokenKeyFile });
        const dataDir = folder.join('data');
        const config = configText({ Shop: { tokenKeyFile } }, { keyFile, dataDir });
        const args = ['serve', ...LISTEN, '--config', folder.write('otpd.yaml', config)];
        const said = await assertRefused(args, status, [command]);
        assert.ok(!said.includes(String(tokenKey)));
        await bash(command.exec(said)[1].replace(/^otpd /, `${OTPD} `));
        await (await Server.start({ isDev: false, config })).stop();
      }));
  }
});

test('without a brand it starts, and says how to add one', () =>
  withFolder(async (folder) => {
    const keyFile = folder.join('keys');
    await runOtpd(['init', '--key-file', keyFile]);
    const server = await Server.start({ isDev: false, args: ['--key-file', keyFile] });
    assert.match((await server.awaitEvent('brand.none')).what, /otpd brand add NAME/);
    await server.stop();
  }));

describe('otpd init', () => {
  test('makes keys for the owner alone, never twice, and a configuration that works', () =>
    withFolder(async (folder) => {
      const keyFile = folder.join('keys');
      const { status, stdout } = await runOtpd(['init', '--key-file', keyFile]);
      const keys = fs.readFileSync(keyFile);
      assert.deepEqual([status, fs.statSync(keyFile).mode & 0o777], [0, 0o600]);
      const again = ['init', '--key-file', keyFile];
      await assertRefused(again, EXIT.cannotCreate, [/never overwritten/]);
      assert.deepEqual(fs.readFileSync(keyFile), keys);
      for (const [, command] of stdout.matchAll(/\botpd ([a-z]+) --/g)) {
        assert.equal((await runOtpd([command, '--help'])).status, 0, `otpd ${command}`);
      }
      const config = `${stdout}\n${configText(BRAND)}`;
      await (await Server.start({ isDev: false, config })).stop();
    }));

  test('without the option: how it is used', async () => {
    const { status, stdout } = await runOtpd(['init']);
    assert.equal(status, EXIT.usage);
    assert.match(stdout, /^usage: otpd init --key-file FILE/);
  });
});

describe('slips of the pen', () => {
  test('a flag', () =>
    assertRefused(['serve', '--dev', '--lisen=127.0.0.1:0'], EXIT.config, [
      /unknown option "--lisen"; did you mean "--listen"\?/,
    ]));

  test('a command', () => assertRefused(['serv'], EXIT.usage, [/no command "serv".*otpd help/]));

  test('several in a file, all told in one run with line and column', () =>
    withFolder(async (folder) => {
      const text = [
        'lisen: 127.0.0.1:0', 'loops: 99', 'brands:', '  - name: Shop', '    otpLenght: 6',
        '    otpMaxCount: 0', '',
      ].join('\n');
      const args = ['serve', '--config', folder.write('otpd.yaml', text)];
      await assertRefused(args, EXIT.config, [
        /otpd\.yaml:1:1: error: unknown option "lisen"; did you mean "listen"\?/,
        /otpd\.yaml:2:8: error: loops/,
        /otpd\.yaml:5:5: error: .*"otpLenght"; did you mean "otpLength"\?/,
        /otpd\.yaml:6:18: error: .*otpMaxCount/,
      ]);
    }));

  test('help and version end well', async () => {
    for (const words of ['help', '--help', 'serve --help', 'init --help', 'version']) {
      const { status, stdout, stderr } = await runOtpd(words.split(' '));
      assert.deepEqual([status, stderr], [0, ''], words);
      assert.match(stdout, /otpd/);
    }
  });
});
