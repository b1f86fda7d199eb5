// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Brands that are changed while the server runs: what the next request sees of it, what stays as it
// was, and who may do it.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');

const { Api, mobile, wrong } = require('./lib/api');
const { configText } = require('./lib/config');
const { Control } = require('./lib/control');
const { ROOT } = require('./lib/data');
const { Folder } = require('./lib/folder');
const { runOtpd } = require('./lib/program');
const { Server } = require('./lib/server');
const { until } = require('./lib/wait');
const { assertPrinted, runWalk, walkOf } = require('./lib/walk');

const EXIT_UNAVAILABLE = 69;
const BRAND = '/admin/v1/brand?name=DocDemo';
const SECRET = 'x4Ks9vQ2mZ7wB1nT6rY3cF8hJ5gD0pLaEuIoRiWq';
const SOON_MS = 10000;

const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

function isSignedWith(token, secret) {
  const [header, payload, signature] = token.split('.');
  const mac = crypto.createHmac('sha256', secret).update(`${header}.${payload}`);
  return mac.digest('base64url') === signature;
}

describe('a running server', () => {
  let server;
  let api;
  let control;

  before(async () => {
    server = await Server.start();
    api = new Api(server);
    control = await Control.of(server);
    server.secrets.addCode(SECRET);
  });

  after(async () => {
    api.close();
    control.close();
    await server.stop();
  });

  const token = async (who) => {
    const reply = await api.call('token/generate', who);
    assert.equal(reply.code, 200, reply.text);
    return reply.json.auth.token;
  };

  test('a limit holds from the next request on, in open sessions too', async () => {
    const who = mobile('919999900001');
    const { sessionId } = await api.begin(who);
    await control.change({ otpMaxCount: 1, otpTimeOut: 60 });
    assert.equal((await api.generate(who, sessionId)).code, 1534);
    await control.change({ otpMaxCount: 2 });
    assert.equal((await api.generate(who, sessionId)).code, 200);
    assert.equal((await api.generate(who, sessionId)).code, 1534);
    await control.change({}, ['otpMaxCount', 'otpTimeOut']);
    assert.equal((await api.generate(who, sessionId)).code, 200);
  });

  test('a code keeps the tries that it was issued with', async () => {
    const [early, late] = [mobile('919999900002'), mobile('919999900003')];
    const issued = await api.begin(early);
    await control.change({ otpMaxAttempts: 2 });
    const next = await api.begin(late);
    for (let i = 1; i <= 4; i++) {
      assert.equal((await api.validate(early, issued.sessionId, wrong(issued.code, i))).code, 1506);
    }
    assert.equal((await api.validate(early, issued.sessionId, issued.code)).code, 200);
    for (let i = 1; i <= 2; i++) {
      await api.validate(late, next.sessionId, wrong(next.code, i));
    }
    assert.notEqual((await api.validate(late, next.sessionId, next.code)).code, 200);
    await control.change({}, ['otpMaxAttempts']);
  });

  test('and its length and life', async () => {
    const [early, late] = [mobile('919999900004'), mobile('919999900005')];
    const issued = await api.begin(early);
    await control.change({ otpTtlSeconds: 1, otpLength: 8 });
    const next = await api.begin(late);
    const end = Date.now() + 1000;
    assert.deepEqual([issued.code.length, next.code.length], [6, 8]);
    await until(SOON_MS, 'end of the code', () => Date.now() > end);
    assert.equal((await api.validate(late, next.sessionId, next.code)).code, 1506);
    assert.equal((await api.validate(early, issued.sessionId, issued.code)).code, 200);
    await control.change({}, ['otpTtlSeconds', 'otpLength']);
  });

  test('what people may log in by, and the channels that they may ask for', async () => {
    const who = mobile('919999900006');
    const asked = (sessionId) => api.call(
      'otp/generate?fallbackChannel=SMS', { ...who, sessionId });
    const { sessionId, code } = await api.begin(who);
    assert.equal((await asked(sessionId)).code, 200);
    await control.change({ fallbackChannels: 'EMAIL WHATSAPP' });
    assert.equal((await asked(sessionId)).code, 1603);
    await control.change({ identifierTypes: 'EMAIL' });
    const refused = await api.validate(who, sessionId, code);
    assert.deepEqual([refused.status, refused.code], [400, 1546]);
    await control.change({}, ['identifierTypes', 'fallbackChannels']);
    assert.equal((await asked(sessionId)).code, 200);
    assert.equal((await api.validate(who, sessionId, code)).code, 200);
  });

  test('a header that a CDN adds, without which no code is sent', async () => {
    const who = mobile('919999900007');
    const { sessionId, code } = await api.begin(who);
    const send = async (headers) => {
      const { status, json } = await api.call('otp/generate', { ...who, sessionId }, headers);
      return [status, json.status.code];
    };
    const shown = await control.change(
      { rejectWithoutHeader: 'X-Cdn-Key', rejectWithoutHeaderValue: SECRET });
    assert.equal(shown.settings.rejectWithoutHeader, 'X-Cdn-Key');
    assert.equal(shown.settings.rejectWithoutHeaderValue, '***');
    assert.deepEqual(await send(), [403, 403]);
    assert.deepEqual(await send({ 'X-Cdn-Key': `${SECRET}0` }), [403, 403]);
    assert.deepEqual(await send({ 'X-Cdn-Key': SECRET }), [200, 200]);
    await control.change({ rejectWithoutHeaderValue: null });
    assert.deepEqual(await send({ 'x-cdn-key': 'any' }), [200, 200]);
    await control.change({}, ['rejectWithoutHeader']);
    assert.deepEqual(await send(), [200, 200]);
    assert.equal((await api.validate(who, sessionId, code)).code, 200);
  });

  test('in the middle of a load every answer is of one state or of the other', async () => {
    const states = [
      { issuer: 'first', ogc: '1|first', tokenTtlSeconds: 100 },
      { issuer: 'second', ogc: '2|second', tokenTtlSeconds: 200 },
    ];
    const seen = new Map();
    let isOver = false;
    const ask = async (lane) => {
      while (!isOver) {
        const { iss, ogc, iat, exp } = claimsOf(await token(mobile(`91999990010${lane}`)));
        const text = JSON.stringify({ issuer: iss, ogc: ogc[0], tokenTtlSeconds: exp - iat });
        seen.set(text, (seen.get(text) ?? 0) + 1);
      }
    };
    await control.change(states[0]);
    const load = [0, 1, 2, 3].map(ask);
    for (let i = 1; i <= 60; i++) {
      await control.change(states[i % 2]);
    }
    isOver = true;
    await Promise.all(load);
    await control.change({}, Object.keys(states[0]));
    assert.deepEqual([...seen.keys()].sort(), states.map((state) => JSON.stringify(state)).sort());
  });

  test('a new token key signs from the next token on', async () => {
    const keys = '/admin/v1/brand/keys?name=DocDemo';
    const rotated = await control.post(keys, { secret: SECRET });
    assert.deepEqual([rotated.status, rotated.json.tokenKeys[0].number], [200, 2]);
    assert.ok(isSignedWith(await token(mobile('919999900006')), SECRET));
    await control.post(keys, {});
    assert.ok(!isSignedWith(await token(mobile('919999900006')), SECRET));
    const retired = await control.request({ method: 'DELETE', path: `${keys}&number=2` });
    assert.deepEqual(retired.json.tokenKeys.map(({ number }) => number), [3, 1]);
  });

  test('a brand that is added serves at once, and one that is removed no more', async () => {
    const who = mobile('12025550143', { brand: 'New One' });
    const target = '/admin/v1/brand?name=New+One';
    assert.equal((await api.call('token/generate', who)).code, 1504);
    assert.equal((await control.post(target, {})).status, 201);
    assert.equal((await api.call('token/generate', who)).code, 200);
    await control.remove(target);
    assert.equal((await api.call('token/generate', who)).code, 1504);
  });

  test('each change is logged with the names of its settings', async () => {
    await control.change({ issuer: 'never logged', otpLength: 7 });
    await control.change({}, ['issuer', 'otpLength']);
    const events = () =>
      server.events('brand.changed').filter(({ settings }) => settings === 'otpLength issuer');
    await until(SOON_MS, 'both events', () => events().length === 2);
    assert.deepEqual(events().map(({ brand, what }) => [brand, what]), [
      ['DocDemo', 'changed'], ['DocDemo', 'changed'],
    ]);
    assert.ok(!server.program.stderr().includes('never logged'));
  });

  test('metrics and health are behind the same door', async () => {
    assert.match((await control.get('/metrics')).text, /^otpd_build_info\{/m);
    assert.equal((await control.get('/readyz')).status, 200);
  });

  test('the API has no such door', async () => {
    for (const target of ['/admin/v1/brands', '/admin/v1/export', BRAND]) {
      assert.equal((await api.client.get(target)).status, 404);
    }
  });

  test('docs/admin.md: its examples print what they say', async () => {
    const steps = walkOf(fs.readFileSync(path.join(ROOT, 'docs/admin.md'), 'utf8'));
    const socket = await server.controlSocket();
    assert.ok(steps.length >= 5);
    assertPrinted(steps, await runWalk(steps, (script) => `SOCKET=${socket}\n${script}`));
  });
});

describe('the configuration file', () => {
  const shop = '/admin/v1/brand?name=Shop';
  let server;
  let control;

  before(async () => {
    server = await Server.start({ config: configText({ Shop: { otpMaxCount: 5 } }) });
    control = await Control.of(server);
  });

  after(async () => {
    control.close();
    await server.stop();
  });

  const settings = async () => (await control.get(shop)).json.settings;

  async function reload(brands) {
    const count = server.events('config.reloaded').length;
    server.configure(configText(brands));
    server.program.signal('SIGHUP');
    await server.awaitEvent('config.reloaded', count + 1);
  }

  test('rules what it names, and says where', async () => {
    const reply = await control.put(shop, { settings: { otpMaxCount: 3 } });
    assert.equal(reply.status, 409);
    assert.equal(reply.headers['content-type'], 'application/problem+json');
    assert.equal(
      reply.json.detail,
      `otpMaxCount of Shop is set in ${server.configFile}:3; ` +
        `change it there and reload (kill -HUP ${server.pid})`,
    );
  });

  test('leaves the rest as it was set at run time, over a reload too', async () => {
    await control.change({ otpLength: 8 }, [], 'Shop');
    await control.change({ otpLength: 7, corsOrigins: null });
    await reload({ Shop: { otpMaxCount: 6 } });
    const { otpMaxCount, otpLength } = await settings();
    assert.deepEqual([otpMaxCount, otpLength], [6, 8]);
    const docDemo = (await control.get(BRAND)).json;
    assert.deepEqual(docDemo.changed, ['otpLength', 'defaultCountry']);
  });

  test('does not make people others by itself: a country changes by force alone', async () => {
    const count = server.events('config.not_reloaded').length;
    server.configure(configText({ Shop: { otpMaxCount: 6, defaultCountry: 'US' } }));
    server.program.signal('SIGHUP');
    await server.awaitEvent('config.not_reloaded', count + 1);
    const told = server.log().map((event) => event.what ?? '').join('\n');
    assert.match(told, /brand Shop: defaultCountry: .* only by force/);
    assert.equal((await settings()).defaultCountry, null);
  });

  test('and what it no longer names keeps its value and is free', async () => {
    await reload({ Shop: {} });
    assert.equal((await settings()).otpMaxCount, 6);
    assert.deepEqual((await control.get(shop)).json.ruledByFile, []);
    await control.change({ otpMaxCount: 3 }, [], 'Shop');
    const refused = await control.remove(shop);
    assert.equal(refused.status, 409);
    await reload({});
    assert.equal((await settings()).otpMaxCount, 3);
    const removed = await control.remove(shop);
    assert.deepEqual(removed.json, { removed: 'Shop' });
  });

  test('rules a secret of a header too, from a file of its own', async () => {
    const file = path.join(path.dirname(server.configFile), 'header-value');
    fs.writeFileSync(file, `${SECRET}\n`, { mode: 0o600 });
    server.secrets.addCode(SECRET);
    const header = { rejectWithoutHeader: 'X-Cdn', rejectWithoutHeaderValueFile: file };
    await reload({ Shop: { otpMaxCount: 6, ...header } });
    const shown = await settings();
    assert.deepEqual([shown.rejectWithoutHeader, shown.rejectWithoutHeaderValue], ['X-Cdn', '***']);
    const reply = await control.put(shop, { settings: { rejectWithoutHeaderValue: null } });
    assert.equal(reply.status, 409);
    assert.match(reply.json.detail, /^rejectWithoutHeaderValue of Shop is set in .*:5;/);
    const api = new Api(server);
    const who = mobile('919999900041', { brand: 'Shop' });
    const sessionId = await api.open(who);
    const send = async (value) => (await api.call(
      'otp/generate', { ...who, sessionId }, { 'X-Cdn': value })).status;
    assert.deepEqual([await send('other'), await send(SECRET)], [403, 200]);
    api.close();
    await reload({ Shop: { otpMaxCount: 6 } });
    await control.change({}, Object.keys(shown).filter((name) => /^reject/.test(name)), 'Shop');
    fs.rmSync(file);
  });

  test('a reload that fails leaves its rules', async () => {
    await reload({ Shop: { otpMaxCount: 5 } });
    const events = server.events('config.not_reloaded').length;
    await control.change({ lockAfterFailures: 5 }, [], 'Shop');
    server.configure(configText({ Shop: { otpMaxAttempts: 6 } }));
    server.program.signal('SIGHUP');
    const { what } = await server.awaitEvent('config.not_reloaded', events + 1);
    assert.match(what, /^brand Shop: otpMaxAttempts: 6 is more than lockAfterFailures/);
    assert.deepEqual((await control.get(shop)).json.ruledByFile, ['otpMaxCount']);
  });
});

describe('the socket', () => {
  const folder = new Folder();
  const dataDir = folder.join('data');
  const socket = path.join(dataDir, 'control.sock');
  const args = ['--data-dir', dataDir];

  after(() => folder.remove());

  test('is in the data directory, its owner\'s alone, and goes with the server', async () => {
    const server = await Server.start({ args });
    assert.equal(await server.controlSocket(), socket);
    assert.equal(fs.statSync(socket).mode & 0o777, 0o600);
    await server.stop();
    assert.ok(!fs.existsSync(socket));
  });

  test('one server has it, and the next is told so', async () => {
    const server = await Server.start({ args });
    const second = await runOtpd(['serve', '--dev', '--listen', '127.0.0.1:0', ...args]);
    assert.equal(second.status, EXIT_UNAVAILABLE);
    assert.ok(second.stderr.includes(`${dataDir} is in use by process ${server.pid}`));
    const control = await Control.of(server);
    assert.equal((await control.get('/livez')).status, 200);
    control.close();
    await server.stop();
  });

  test('one that a killed server left behind is replaced', async () => {
    const killed = await Server.start({ args });
    killed.program.signal('SIGKILL');
    await killed.program.end();
    killed.folder.remove();
    assert.ok(fs.existsSync(socket));
    await (await Server.start({ args })).stop();
  });

  test('what was set is there after a kill, and a stop says nothing of it', async () => {
    const first = await Server.start({ args });
    const before = await Control.of(first);
    await before.change({ otpLength: 8 });
    before.close();
    await first.kill();
    const second = await Server.start({ args });
    const after = await Control.of(second);
    const shown = await after.get('/admin/v1/brand?name=DocDemo');
    assert.equal(shown.json.settings.otpLength, 8);
    after.close();
    const api = new Api(second);
    assert.equal((await api.begin(mobile('12025550138'))).code.length, 8);
    api.close();
    const { stderr } = await second.stop();
    assert.ok(stderr.split('\n').every((line) => line === '' || line.startsWith('{')), stderr);
  });

  test('a path that is too long is told', async () => {
    const long = folder.join('x'.repeat(120));
    const { status, stderr } = await runOtpd(['serve', '--dev', '--data-dir', long]);
    assert.equal(status, 78);
    assert.match(stderr, /control socket: a socket's path has 1 to 107 bytes, and this one has /);
  });
});
