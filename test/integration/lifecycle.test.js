// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A server's life after its start: without development mode, through reloads, to its end; and what
// it has written into its log by then.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { after, before, describe, test } = require('node:test');

const { Api, email, mobile, wrong } = require('./lib/api');
const { configText } = require('./lib/config');
const { Folder } = require('./lib/folder');
const { Client } = require('./lib/http');
const { postBytes } = require('./lib/lane');
const { runOtpd } = require('./lib/program');
const { RawConnection } = require('./lib/raw');
const { Secrets } = require('./lib/secrets');
const { Server } = require('./lib/server');
const { until } = require('./lib/wait');

const SOON_MS = 10000;
const DRAIN_SECONDS = 1;

describe('without development mode', () => {
  const folder = new Folder();
  let server;
  let api;

  before(async () => {
    const keyFile = folder.join('keys');
    await runOtpd(['init', '--key-file', keyFile]);
    server = await Server.start({ isDev: false, config: configText({ Shop: {} }, { keyFile }) });
    api = new Api(server);
  });

  after(async () => {
    api.close();
    await server.stop();
    folder.remove();
  });

  for (const path of ['/dev/inbox', '/dev/inbox.js', '/dev/inbox.css', '/dev/']) {
    test(`${path} does not exist`, async () => {
      for (const method of ['GET', 'DELETE', 'OPTIONS']) {
        assert.equal((await api.client.request({ method, path })).status, 404);
      }
    });
  }

  test('no message can be sent: otp/generate answers 1503', async () => {
    const who = mobile('919999999993', { brand: 'Shop' });
    const reply = await api.generate(who, await api.open(who));
    assert.deepEqual([reply.status, reply.text], [
      200, '{"status":{"success":false,"code":1503,"message":"Unable to generate OTP"}}',
    ]);
  });

  test('there is no DocDemo', async () => {
    assert.equal((await api.call('token/generate', mobile('919999999993'))).code, 1504);
  });

  test('its log says what is missing; its output is empty', async () => {
    await server.awaitEvent('otp.generate');
    const warnings = server.log().filter(({ level }) => level === 'warning');
    assert.deepEqual(warnings.map(({ event }) => event), ['channel.none', 'otp.generate']);
    assert.equal(server.program.stdout(), '');
  });
});

describe('SIGHUP', () => {
  const who = mobile('12025550140', { brand: 'Shop' });
  let server;
  let api;

  before(async () => {
    server = await Server.start({ config: configText({ Shop: {}, Cafe: {} }) });
    api = new Api(server);
  });

  after(async () => {
    api.close();
    await server.stop();
  });

  async function reload(text, event) {
    const count = server.events(event).length;
    server.configure(text);
    server.program.signal('SIGHUP');
    await server.awaitEvent(event, count + 1);
  }

  const limited = { Shop: { otpMaxCount: 2, otpTimeOut: 60 } };

  test('a changed setting holds from the next request on, for open sessions too', async () => {
    const { sessionId, code } = await api.begin(who);
    assert.equal((await api.generate(who, sessionId)).code, 200);
    await reload(configText({ ...limited, Cafe: {} }), 'config.reloaded');
    assert.equal((await api.generate(who, sessionId)).code, 1534);
    assert.equal((await api.validate(who, sessionId, code)).code, 200);
  });

  test('brands come, and one that the file drops stays, as the log says', async () => {
    await reload(configText({ ...limited, Bar: {} }), 'config.reloaded');
    const codes = [];
    for (const brand of ['Shop', 'Cafe', 'Bar', 'DocDemo']) {
      codes.push((await api.call('token/generate', mobile('12025550141', { brand }))).code);
    }
    assert.deepEqual(codes, [200, 200, 200, 200]);
    assert.deepEqual(server.events('brand.not_in_file').map(({ brand }) => brand), ['Cafe']);
  });

  const wrongFiles = [
    ['an unknown setting', 'brands:\n  - name: Shop\n    otpLenght: 6\n', /:3:5: .*otpLength/],
    ['a value out of bounds', 'brands:\n  - name: Shop\n    otpLength: 3\n', /:3:16: .*otpLength/],
    ['no YAML', 'brands: [\n', /:\d+:\d+: /],
  ];
  for (const [what, text, pattern] of wrongFiles) {
    test(`a wrong file changes nothing, and the log says why: ${what}`, async () => {
      const count = server.events('config.wrong').length;
      await reload(text, 'config.not_reloaded');
      const story = server.events('config.wrong')[count].what;
      assert.ok(story.startsWith(`${server.configFile}:`), story);
      assert.match(story, pattern);
      assert.equal((await api.generate(who, await api.open(who))).code, 1534);
    });
  }

  test('nor does one that is gone', async () => {
    const count = server.events('config.not_reloaded').length;
    fs.rmSync(server.configFile);
    server.program.signal('SIGHUP');
    await server.awaitEvent('config.not_reloaded', count + 1);
    assert.equal((await api.generate(who, await api.open(who))).code, 1534);
  });

  test('what only a restart can change is named', async () => {
    await reload(configText(limited, { loops: 3 }), 'config.reloaded');
    assert.equal((await server.awaitEvent('config.needs_restart')).options, 'loops');
  });

  test('log level', async () => {
    await reload(configText(limited, { logLevel: 'warning', loops: 3 }), 'config.needs_restart');
    const count = server.events('otp.generate').length;
    assert.equal((await api.generate(who, await api.open(who))).code, 1534);
    await reload(configText(limited), 'config.reloaded');
    assert.equal(server.events('otp.generate').length, count);
  });
});

describe('SIGTERM', () => {
  const start = (...args) => Server.start({ args });
  const body = JSON.stringify(mobile('12025550142'));
  const bytes = postBytes('token/generate', body);
  const half = bytes.length - 20;

  /** A connection on which half of a request has been read. */
  async function begun(server) {
    const connection = await RawConnection.open(server.port);
    await connection.write(bytes.subarray(0, half));
    await answered(server); // a later connection is served: the earlier bytes have arrived
    return connection;
  }

  async function answered(server) {
    const client = new Client(server.port);
    assert.equal((await client.get('/dev/inbox')).status, 200);
    client.close();
  }

  const refused = async (server) => {
    try {
      (await RawConnection.open(server.port)).close();
      return false;
    } catch {
      return true;
    }
  };

  test('a request that has begun is answered, nobody else is let in, and it exits 0', async () => {
    const server = await start();
    const connection = await begun(server);
    server.program.signal('SIGTERM');
    await until(SOON_MS, 'no more connections', () => refused(server));
    await connection.write(bytes.subarray(half));
    await connection.when(SOON_MS, 'answer', () => connection.hasEnded);
    connection.close();
    const [answer] = connection.answers;
    assert.deepEqual([answer.status, answer.headers.connection], [200, 'close']);
    server.secrets.addAnswer(JSON.parse(answer.body));
    await server.awaitStop();
  });

  test('who waits for a message is answered', async () => {
    const server = await start();
    const client = new Client(server.port);
    const waiting = client.get('/dev/inbox?wait=60s');
    await answered(server);
    await server.stop();
    assert.equal((await waiting).text, '{"messages":[]}');
    client.close();
  });

  test('a connection that is idle ends at once', async () => {
    const server = await start();
    const connection = await RawConnection.open(server.port);
    await connection.write(bytes);
    await connection.when(SOON_MS, 'answer', () => connection.answers.length === 1);
    const began = performance.now();
    await server.stop();
    await connection.when(SOON_MS, 'end', () => connection.hasEnded);
    connection.close();
    assert.ok(performance.now() - began < SOON_MS);
  });

  test('a request that never ends is cut when the time to drain is over', async () => {
    const server = await start('--drain-timeout-seconds', String(DRAIN_SECONDS));
    const connection = await begun(server);
    const began = performance.now();
    await server.stop();
    const tookMs = performance.now() - began;
    connection.close();
    assert.ok(tookMs >= DRAIN_SECONDS * 1000 - 10 && tookMs < SOON_MS, `${tookMs} ms`);
  });

  test('a second one ends it now', async () => {
    const server = await start();
    const connection = await begun(server);
    server.program.signal('SIGTERM');
    await server.awaitEvent('server.stopping');
    await until(SOON_MS, 'no more connections', () => refused(server));
    server.program.signal('SIGTERM');
    const { status, signal } = await server.program.end();
    connection.close();
    server.folder.remove();
    assert.deepEqual([status, signal], [null, 'SIGTERM']);
  });

  test('SIGINT is the same', async () => {
    const server = await start();
    server.program.signal('SIGINT');
    await server.awaitStop();
    assert.equal(server.events('server.stopped').length, 1);
  });
});

describe('the log', () => {
  async function flow(api) {
    for (const who of [mobile('919999999993'), email('captest@example.com')]) {
      const { sessionId, code } = await api.begin(who);
      await api.validate(who, sessionId, wrong(code));
      await api.validate({ ...who, deviceId: 'other' }, sessionId, code);
      await api.validate(who, sessionId, code);
      await api.validate(who, sessionId, code);
    }
  }

  for (const format of ['json', 'text']) {
    test(`as ${format}, with everything in it, has no code, token or whole address`, async () => {
      const server = await Server.start({ args: ['--log-level=debug', `--log-format=${format}`] });
      const api = new Api(server);
      await flow(api);
      api.close();
      const { stderr } = await server.stop();
      const found = ['+91•••••993', 'c•••@example.com', 'otp.sent', 'otp.validate', 'wrong'];
      assert.deepEqual(found.filter((text) => !stderr.includes(text)), []);
    });
  }

  test('every secret would be found in it', () => {
    const secrets = new Secrets();
    secrets.addAnswer({ auth: { token: 'eyJh.eyJi.c2ln', key: null } });
    secrets.addAnswer({ messages: [{ otp: '276889', to: '12025550147' }] });
    secrets.addAddress('Captest@example.com');
    const texts = ['otp=276889', '"+12025550147"', '2025550147', '<captest@example.com>', 'eyJi'];
    for (const text of texts) {
      assert.throws(() => secrets.assertNoneIn(`before ${text} after`), /secrets in the log/, text);
    }
    secrets.assertNoneIn('276889a 12025550 c•••@example.com');
  });
});
