// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Two providers for one channel, and messages that go by the one, the other, or both: what is
// refused, not answered, put off or not reported in time goes by the next one, with the same code.
'use strict';

const assert = require('node:assert/strict');
const { after, afterEach, before, beforeEach, describe, test } = require('node:test');

const { Api, mobile } = require('./lib/api');
const { Authority } = require('./lib/certificate');
const { configText } = require('./lib/config');
const { Folder } = require('./lib/folder');
const { runOtpd } = require('./lib/program');
const { Server } = require('./lib/server');
const { Vendor } = require('./lib/vendor');
const { until } = require('./lib/wait');

const TAKES = { status: 201, json: { sid: 'SM0123', status: 'queued' } };
const REFUSES = { status: 400, json: { code: 30007, message: 'filtered' } };
const DOWN = { status: 503, json: {} };
const HUNG = 200; // more than a provider has places for
const GOOD_MS_MAX = 2000;
const ARRIVES_MS = 15000;

const folder = new Folder();
let authority;
let right;
let keyFile;
let tokenFile;
let first;
let second;

before(async () => {
  authority = new Authority(folder);
  right = authority.sign('IP:127.0.0.1');
  keyFile = folder.join('keys');
  tokenFile = folder.write('token', 'token-of-the-provider\n');
  await runOtpd(['init', '--key-file', keyFile]);
});

beforeEach(async () => {
  first = await Vendor.start({ ...right, taken: TAKES });
  second = await Vendor.start({ ...right, taken: TAKES });
});

afterEach(async () => {
  await first.stop();
  await second.stop();
});

after(() => folder.remove());

const texts = (name, vendor) => ({
  name, kind: 'twilio', endpoint: vendor.url, accountSid: 'AC01', authTokenFile: tokenFile,
  sender: '+12025550100', caFile: authority.file, allowPrivate: true, timeoutMs: 1000,
});

function production(routes) {
  return configText({ Shop: {}, Bank: {} }, {
    keyFile, dataDir: folder.join(`data${Math.random()}`), logFormat: 'json',
    providers: [texts('first', first), texts('second', second)], routes,
  });
}

/** Runs `job` with a server that has those routes. */
async function withServer(routes, job) {
  const server = await Server.start({ isDev: false, config: production(routes) });
  const api = new Api(server);
  try {
    await job({ server, api });
  } finally {
    api.close();
    await server.stop();
  }
}

async function issue(api, number, brand = 'Shop') {
  const who = mobile(number, { brand });
  const sessionId = await api.open(who);
  assert.equal((await api.generate(who, sessionId)).code, 200);
  return { who, sessionId };
}

const codeOf = ({ body }) => /\d{6}/.exec(new URLSearchParams(body).get('Body'))[0];

async function assertLogsIn({ server, api }, { who, sessionId }, code) {
  server.secrets.addCode(code);
  assert.equal((await api.validate(who, sessionId, code)).code, 200);
}

async function metric(api, line) {
  const { text } = await api.client.get('/metrics');
  return Number(new RegExp(`^${line.replace(/[{}]/g, '\\$&')} (\\d+)`, 'm').exec(text)?.[1]);
}

describe('the next provider gets the same code', () => {
  test('when the first one refuses', () => withServer([], async ({ server, api }) => {
    first.plan('12025550101', REFUSES);
    const session = await issue(api, '12025550101');
    const refused = await first.await('12025550101');
    const taken = await second.await('12025550101');
    assert.equal(codeOf(taken), codeOf(refused));
    await assertLogsIn({ server, api }, session, codeOf(taken));
    const { why, provider, next } = await server.awaitEvent('otp.rerouted');
    assert.deepEqual([why, provider, next], ['a carrier filtered it', 'first', 'second']);
    const sent = await server.awaitEvent('otp.sent');
    assert.deepEqual([sent.provider, sent.tries], ['second', 2]);
    assert.equal(first.requestsTo('12025550101').length, 1);
  }));

  test('when no receipt has come in time', () => withServer(
    [{ channel: 'SMS', providers: 'first second', fallbackAfterSeconds: 1 }],
    async ({ server, api }) => {
      const session = await issue(api, '12025550102');
      const taken = await first.await('12025550102');
      const again = await second.await('12025550102');
      assert.equal(codeOf(again), codeOf(taken));
      assert.ok(again.at - taken.at >= 900, `after ${again.at - taken.at} ms`);
      await assertLogsIn({ server, api }, session, codeOf(again));
    }));

  test('but not when the code has been used meanwhile', () => withServer(
    [{ channel: 'SMS', providers: 'first second', fallbackAfterSeconds: 1 }],
    async ({ server, api }) => {
      const session = await issue(api, '12025550103');
      await assertLogsIn({ server, api }, session, codeOf(await first.await('12025550103')));
      await until(ARRIVES_MS, 'an empty outbox', async () =>
        await metric(api, 'otpd_outbox_messages{state="queued"}') === 0);
      assert.equal(second.requests.length, 0);
    }));
});

test('a dead provider is left alone after five failures', () => withServer([],
  async ({ server, api }) => {
    for (let i = 0; i < 5; i++) {
      first.plan(`1202555011${i}`, DOWN, DOWN, DOWN);
      await issue(api, `1202555011${i}`);
      await first.await(`1202555011${i}`);
    }
    await until(ARRIVES_MS, 'an open breaker', async () =>
      await metric(api, 'otpd_provider_circuit_state{provider="first",state="open"}') === 1);
    for (let i = 20; i < 40; i++) {
      await issue(api, `120255501${i}`);
      const taken = await second.await(`120255501${i}`);
      server.secrets.addCode(codeOf(taken));
    }
    assert.ok(first.requests.length <= 11, `${first.requests.length} to the dead one`);
    const { why } = await server.awaitEvent('otp.rerouted');
    assert.equal(why, 'its provider is left alone for a while');
    assert.ok(await metric(api, 'otpd_provider_attempts_total{provider="second",result="accepted"}')
      >= 20);
  }));

test('prefix and brand choose the provider', () => withServer([
  { channel: 'SMS', prefix: '91', providers: 'second' },
  { channel: 'SMS', brand: 'bank', providers: 'second first' },
], async ({ api }) => {
  await issue(api, '12025550150');
  await issue(api, '919999999993');
  await issue(api, '12025550151', 'Bank');
  await first.await('12025550150');
  await second.await('919999999993');
  await second.await('12025550151');
  assert.deepEqual([first.requests.length, second.requests.length], [1, 2]);
}));

test('a provider that hangs holds up nobody else', () => withServer([
  { channel: 'SMS', prefix: '91', providers: 'first' },
  { channel: 'SMS', prefix: '1', providers: 'second' },
], async ({ api }) => {
  first.taken = { hang: true };
  for (let i = 0; i < HUNG; i++) {
    await issue(api, `9199000${String(i).padStart(5, '0')}`);
  }
  const begun = performance.now();
  await issue(api, '12025550160');
  const { at } = await second.await('12025550160');
  assert.ok(at - begun < GOOD_MS_MAX, `after ${at - begun} ms`);
  first.taken = TAKES;
  first.release();
}));

describe('commands', () => {
  const check = (routes, ...args) => {
    const config = folder.write('otpd.yaml', production(routes));
    return runOtpd(['check', '--config', config, ...args]);
  };

  test('otpd check says which way messages go', async () => {
    const { status, stdout } = await check([
      { channel: 'SMS', prefix: '91', brand: 'Bank', providers: 'second first',
        fallbackAfterSeconds: 8 },
    ]);
    assert.equal(status, 0);
    assert.equal(stdout, 'configuration: ok (brands: 2, providers: 2)\n' +
      'route SMS to 91... of Bank: second, first (the next after 8 s without a receipt)\n' +
      'route SMS: first, second\n');
  });

  test('otpd check knows what was meant', async () => {
    const { status, stderr } = await check([{ channel: 'SMS', providers: 'frst' }]);
    assert.equal(status, 78);
    assert.match(stderr, /there is no provider "frst"; did you mean "first"\?/);
  });

  test('otpd send-test wants to know by whom', async () => {
    const config = folder.write('otpd.yaml', production([]));
    const common = ['--config', config, '--channel', 'sms', '--to', '+12025550170'];
    const send = (...args) => runOtpd(['send-test', ...common, ...args]);
    const unsaid = await send();
    assert.equal(unsaid.status, 78);
    assert.match(unsaid.stderr, /several providers carry that channel; --provider NAME says which/);
    assert.equal((await send('--provider', 'second')).status, 0);
    assert.deepEqual([first.requests.length, second.requests.length], [0, 1]);
    assert.match((await send('--provider', 'third')).stderr, /no provider of that name/);
  });
});
