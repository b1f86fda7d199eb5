// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// otpd outbox: what it asks a server, what it prints and how it ends; then what a server makes of
// it: a message that nobody took is sent again, once, and one that is dropped is not sent.
'use strict';

const assert = require('node:assert/strict');
const { after, afterEach, before, beforeEach, describe, test } = require('node:test');

const { Api, mobile } = require('./lib/api');
const { Authority } = require('./lib/certificate');
const { configText } = require('./lib/config');
const { FakeControl } = require('./lib/fake_control');
const { Folder } = require('./lib/folder');
const { runOtpd } = require('./lib/program');
const { Server } = require('./lib/server');
const { Vendor } = require('./lib/vendor');
const { until } = require('./lib/wait');

const EXIT = { ok: 0, usage: 64, data: 65, tryAgain: 75 };
const SOON_MS = 10000;
const CODE = /\b\d{6}\b/;
const NOW = '2026-11-23T10:00:00.000Z';
const MESSAGE = {
  handle: 12, brand: 'Shop', channel: 'SMS', to: '+12•••••147', state: 'failed',
  what: 'nobody took it', isOpen: false, createdAt: '2026-11-23T09:56:00.000Z', dueAt: null,
  codeEndsAt: '2026-11-23T10:16:00.000Z', tries: 1, provider: 'texts', words: null,
  reference: null, attempts: [],
};
const ROW = /^12 +4 min +Shop +SMS +\+12•••••147 +failed +texts +1 +$/m;

const folder = new Folder();
after(() => folder.remove());

describe('what is asked and printed', () => {
  let fake = null;

  /** Does as it is told, but for number 13. */
  function agree({ url, body }) {
    if (url.startsWith('/admin/v1/outbox/message')) {
      return { status: 200, json: { now: NOW, message: MESSAGE } };
    }
    if (url.startsWith('/admin/v1/outbox?') || url === '/admin/v1/outbox') {
      return { status: 200, json: { now: NOW, messages: [MESSAGE], next: null } };
    }
    const results = body.handles.map((handle) => (handle === 13
      ? { handle, isDone: false, why: 'it was delivered already' }
      : { handle, isDone: true, why: null }));
    return { status: 200, json: { results } };
  }

  beforeEach(async () => {
    fake?.stop();
    fake = await FakeControl.start(agree);
  });

  afterEach(() => {
    fake?.stop();
    fake = null;
  });

  const run = (words) => runOtpd(['outbox', ...words.split(' '), '--socket', fake.path]);

  async function assertEnds(words, status, stdout, stderr = /^$/) {
    const end = await run(words);
    assert.equal(end.status, status, `${words}: ${end.stderr}`);
    assert.match(end.stdout, stdout, words);
    assert.match(end.stderr, stderr, words);
  }

  test('list', async () => {
    await assertEnds('list', EXIT.ok, ROW);
    await assertEnds('list --troubled', EXIT.ok, ROW);
    await assertEnds('list --all --brand Corner\u00a0Shop --limit 7 --after 5', EXIT.ok, ROW);
    assert.deepEqual(fake.calls(), [
      'GET /admin/v1/outbox', 'GET /admin/v1/outbox',
      'GET /admin/v1/outbox?all=true&brand=Corner%C2%A0Shop&limit=7&after=5',
    ]);
  });

  test('show', async () => {
    await assertEnds('show 12', EXIT.ok, /^message 12: SMS to \+12•••••147, .* \(4 min ago\)$/m);
    assert.deepEqual(fake.calls(), ['GET /admin/v1/outbox/message?handle=12']);
  });

  test('retry and drop, several at once', async () => {
    await assertEnds('retry 12 14', EXIT.ok, /^12 {2}is tried again\n14 {2}is tried again\n$/);
    await assertEnds('drop 12 13', EXIT.data,
      /^12 {2}is dropped\n13 {2}not done: it was delivered already\n$/);
    assert.deepEqual(fake.requests.map(({ method, url, body }) => [method, url, body]), [
      ['POST', '/admin/v1/outbox/retry', { handles: [12, 14] }],
      ['POST', '/admin/v1/outbox/drop', { handles: [12, 13] }],
    ]);
  });

  test('--json is the answer as it is', async () => {
    const list = await run('list --json');
    assert.deepEqual(JSON.parse(list.stdout), { now: NOW, messages: [MESSAGE], next: null });
    const orders = await run('retry 13 --json');
    assert.equal(orders.status, EXIT.data);
    assert.equal(JSON.parse(orders.stdout).results[0].why, 'it was delivered already');
  });

  test('what is wrong is not asked', async () => {
    await assertEnds('list --limit 101', EXIT.data, /^$/, /--limit: 101: a number of 1 to 100/);
    await assertEnds('list --after x', EXIT.data, /^$/, /--after: x: a number/);
    await assertEnds('list --all --troubled', EXIT.usage, /^$/, /one of the two/);
    await assertEnds('show 0', EXIT.data, /^$/, /HANDLE: 0: a number/);
    await assertEnds('retry 12 it', EXIT.data, /^$/, /HANDLE: it: a number/);
    await assertEnds('drop', EXIT.usage, /^$/, /usage: otpd outbox drop HANDLE\.\.\./);
    await assertEnds('show 12 --all', EXIT.usage, /^$/, /usage: otpd outbox show HANDLE/);
    await assertEnds('lst', EXIT.usage, /^$/, /did you mean otpd outbox list\?/);
    assert.deepEqual(fake.calls(), []);
  });

  test('refusals', async () => {
    const json = { title: 'No such message', status: 404, detail: 'there is no such message' };
    fake.answer = () => ({ status: 404, json });
    await assertEnds('show 12', EXIT.data, /^$/,
      /^otpd: there is no such message; otpd outbox list --all shows what there is\n$/);
    fake.answer = () => ({ status: 503, json: { title: 'Not possible now', status: 503 } });
    await assertEnds('list', EXIT.tryAgain, /^$/, /try again\n$/);
  });
});

describe('a server', () => {
  let vendor;
  let server;
  let api;

  before(async () => {
    const authority = new Authority(folder);
    const keyFile = folder.join('keys');
    await runOtpd(['init', '--key-file', keyFile]);
    vendor = await Vendor.start({
      ...authority.sign('IP:127.0.0.1'),
      taken: { status: 201, json: { sid: 'SM1', status: 'queued' } },
    });
    const texts = {
      name: 'texts', kind: 'twilio', endpoint: vendor.url, accountSid: 'AC01',
      authTokenFile: folder.write('token', 'token-of-the-provider\n'), sender: '+12025550100',
      caFile: authority.file, allowPrivate: true, timeoutMs: 1000,
    };
    const config = configText({ Shop: {} },
      { keyFile, logFormat: 'json', providers: [texts] });
    server = await Server.start({ isDev: false, config });
    api = new Api(server);
  });

  after(async () => {
    api.close();
    await server.stop();
    await vendor.stop();
  });

  /** Its output has nothing of what has been sent so far. */
  async function outbox(words, status = EXIT.ok) {
    const args = ['outbox', ...words.split(' '), '--socket', await server.controlSocket()];
    const end = await runOtpd(args);
    assert.equal(end.status, status, end.stderr + end.stdout);
    for (const { body } of vendor.requests) {
      server.secrets.addCode(CODE.exec(new URLSearchParams(body).get('Body'))[0]);
    }
    server.secrets.assertNoneIn(end.stdout);
    return end.stdout;
  }

  const list = async () => JSON.parse(await outbox('list --json')).messages;

  async function issue(number) {
    const who = mobile(number, { brand: 'Shop' });
    const sessionId = await api.open(who);
    assert.equal((await api.generate(who, sessionId)).code, 200);
    return { who, sessionId };
  }

  const inState = (state) => until(SOON_MS, `a message that is ${state}`, async () =>
    (await list()).find((message) => message.state === state));

  const otpOf = ({ body }) => CODE.exec(new URLSearchParams(body).get('Body'))[0];

  test('sends again what nobody took, once, while its code lives', async () => {
    const number = '12025550147';
    vendor.plan(number, { status: 401, json: { code: 20003, message: 'Authenticate' } });
    const { who, sessionId } = await issue(number);
    const { handle } = await inState('failed');
    assert.match(await outbox('list'),
      /Shop +SMS +\+12•••••147 +failed +texts +1 +the provider refused the credentials\n/);
    assert.match(await outbox(`show ${handle}`), new RegExp([
      'texts +refused it after .*: the provider refused the credentials',
      ' +to do +check accountSid and the auth token in the Twilio console',
      ' +it said +HTTP 401, 20003: Authenticate',
      ' +now +failed: nobody took it',
    ].join('\n')));
    assert.equal(await outbox(`retry ${handle}`), `${handle}  is tried again\n`);
    const [first, second] = [await vendor.await(number), await vendor.await(number, 2)];
    assert.equal(otpOf(first), otpOf(second));
    await server.awaitEvent('otp.sent');
    assert.deepEqual(await list(), []);
    const { messages, next } = JSON.parse(await outbox('list --all --limit 1 --json'));
    assert.deepEqual([messages.length, next], [1, null]);
    assert.equal(await outbox(`retry ${handle}`, EXIT.data),
      `${handle}  not done: a provider has taken it already\n`);
    assert.equal((await api.validate(who, sessionId, otpOf(second))).code, 200);
    assert.equal(vendor.requestsTo(number).length, 2);
    await server.awaitEvent('outbox.retried', 2);
  });

  test('does not send what was dropped, nor a code that was used', async () => {
    const number = '12025550148';
    const later = { status: 429, json: { code: 20429 }, headers: { 'Retry-After': '1' } };
    vendor.plan(number, later);
    const { who, sessionId } = await issue(number);
    const otp = otpOf(await vendor.await(number));
    const { handle } = await inState('queued');
    assert.equal(await outbox(`drop ${handle}`), `${handle}  is dropped\n`);
    assert.match(await outbox('list'), / dropped +texts +1 +the provider asks to send more slowly/);
    assert.equal((await api.validate(who, sessionId, otp)).code, 200);
    assert.match(await outbox(`retry ${handle}`, EXIT.data), /its code was used or replaced/);
    assert.match(await outbox(`drop ${handle} 999`, EXIT.data),
      /it is over already\n999 {2}not done: there is no such message/);
    // A message that is due later than the dropped one was.
    vendor.plan('12025550149', later);
    await issue('12025550149');
    await vendor.await('12025550149', 2);
    assert.equal(vendor.requestsTo(number).length, 1);
  });
});
