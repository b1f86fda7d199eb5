// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Requests as real clients, proxies and careless scripts send them: whole logins in odd bodies,
// queries and paths on every endpoint, and batches.
'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');

const { Api, email, mobile, wrong } = require('./lib/api');
const { configText } = require('./lib/config');
const { numbers } = require('./lib/crowd');
const { RawConnection } = require('./lib/raw');
const { Server } = require('./lib/server');

const CALLS = ['token/generate', 'otp/generate', 'otp/validate'];
const PATHS = CALLS.flatMap((call) => [call, `web/${call}`]).map((call) => `/auth/v1/${call}`);
const ANSWER_MS = 5000;
const BATCH_MAX = 100;
const ORIGIN = 'https://shop.example.com';

let server;
let api;

before(async () => {
  const brands = { Limited: { otpMaxCount: 64, otpTimeOut: 60 }, Shop: { corsOrigins: ORIGIN } };
  server = await Server.start({ config: configText(brands) });
  api = new Api(server);
});

after(async () => {
  api.close();
  await server.stop();
});

/** A login in which each call has a body of its own; answers what otp/validate did. */
async function logIn(address, [opened, sent, typed], family = '') {
  server.secrets.addAddress(address);
  const newest = await api.lastId();
  const sessionId = await api.open(opened, family);
  const generated = await api.call(`${family}otp/generate`, { ...sent, sessionId });
  assert.equal(generated.text, '{"status":{"success":true,"code":200,"message":"SUCCESS"}}');
  const [{ otp }] = await api.messages(address, newest);
  return api.call(`${family}otp/validate`, { ...typed(otp), sessionId });
}

const headerOf = (reply) =>
  JSON.parse(Buffer.from(reply.json.auth.token.split('.')[0], 'base64url'));

describe('a login whose calls write the person differently', () => {
  const legacy = { brand: 'DocDemo', deviceId: 'd', mobile: '12025550160' };
  const modern = mobile('12025550160', { deviceId: 'd' });
  const post = (body) => (otp) => ({ ...body, otp });
  const logins = [
    ['legacy with a display form', [
      { ...legacy, mobile_temp: '+1 (202) 555-0160' },
      { ...legacy, mobile_temp: '(202) 555-0160', mobileTemp: '12' },
      post({ ...legacy, mobile_temp: null }),
    ]],
    ['legacy, then modern', [legacy, modern, post(legacy)]],
    ['modern with its own mobile beside it', [
      modern,
      { ...modern, mobile: '+1 202 555 0160', email: '' },
      post({ ...modern, mobile: '12025550160' }),
    ]],
    ['modern without a type, the mobile beside it', [
      { ...modern, identifierType: null, mobile: '12025550160' },
      { ...legacy, identifierValue: 'whatever' },
      post(modern),
    ]],
    ['a number as device, with a code that lost its type', [
      { ...modern, deviceId: 5550160 },
      { ...modern, deviceId: '5550160', otp: '', hash: '', timeStamp: 0 },
      (otp) => ({ ...modern, deviceId: 5550160, otp: ` ${otp}\n` }),
    ], '5550160'],
    ['members of null', [
      { ...modern, email: null, mobile: null, sessionId: null, otp: null },
      { ...modern, otp: null, hash: null, timeStamp: null, key: null },
      post({ ...modern, password: null, confirmPassword: null }),
    ]],
    ['an address beside it, bound when the session is opened', [
      { ...modern, email: 'p160@example.com' },
      { ...modern, email: 'P160@EXAMPLE.com' },
      post(modern),
    ]],
    ['a brand in another case each time', [
      { ...modern, brand: 'docdemo' },
      { ...modern, brand: 'DOCDEMO' },
      post({ ...modern, brand: 'dOcDeMo' }),
    ]],
  ];
  for (const [what, bodies, device = 'd'] of logins) {
    test(what, async () => {
      const reply = await logIn('12025550160', bodies);
      assert.equal(reply.code, 200, reply.text);
      assert.deepEqual(headerOf(reply),
        { idv: ['MOBILE|12025550160'], dev: device, org: 'DOCDEMO', alg: 'HS256' });
    });
  }

  test('on the web URI, the device of every call another one', async () => {
    const who = email('p161@example.com');
    const [opened, sent, typed] = ['x'.repeat(200), [1], 7].map((deviceId) => ({
      ...who,
      deviceId,
    }));
    const bodies = [opened, sent, post(typed)];
    const reply = await logIn('p161@example.com', bodies, 'web/');
    assert.deepEqual([reply.code, headerOf(reply).dev], [200, null]);
  });
});

test('after the last try a new session works at once', async () => {
  const who = mobile('12025550162');
  const spent = await api.begin(who);
  for (let i = 1; i <= 5; i++) {
    assert.equal((await api.validate(who, spent.sessionId, wrong(spent.code, i))).code, 1506);
  }
  assert.equal((await api.generate(who, spent.sessionId)).code, 1518);
  const { sessionId, code } = await api.begin(who);
  assert.equal((await api.validate(who, spent.sessionId, code)).code, 1518);
  assert.equal((await api.validate(who, sessionId, code)).code, 200);
});

describe('paths and queries', () => {
  const who = { ...mobile('12025550163'), sessionId: 'P-', otp: '123456' };
  const statusOf = async (path) => (await api.client.post(path, who)).status;

  for (const path of PATHS) {
    const others = [
      path.toUpperCase(), path.replace('auth', 'Auth'), path.replace('/v1/', '/v1//'),
      path.replace('/v1/', '/v1/./'), path.replace('auth', '%61uth'), path.replace('v1/', 'v1%2F'),
      `${path}/`, `${path}%20`, `${path};a=b`, `/${path}`, path.replace('v1', 'v2'), `${path}.json`,
    ];
    test(`${path}: no other spelling is that path`, async () => {
      for (const other of others) {
        assert.equal(await statusOf(other), 404, other);
      }
    });

    test(`${path}: a query that means nothing changes nothing`, async () => {
      const plain = await api.client.post(path, who);
      const code = path.endsWith('token/generate') ? 200 : 1505;
      assert.deepEqual([plain.status, plain.code], [200, code]);
      for (const query of ['?', '?a', '?a=b&c', '?%', '?=', '?brand=x', '?a=%00', '??', '?&&']) {
        const reply = await api.client.post(path + query, who);
        assert.deepEqual([reply.status, reply.code], [200, code], query);
      }
    });
  }

  test('fallbackChannel is looked at by otp/generate alone', async () => {
    for (const path of PATHS) {
      const reply = await api.client.post(`${path}?fallbackChannel=FAX`, who);
      assert.equal(reply.status, path.endsWith('otp/generate') ? 400 : 200, path);
    }
  });
});

describe('preflights', () => {
  const ask = async (path, headers) => {
    const { status, headers: answered } = await api.client.request({
      method: 'OPTIONS', path, headers: { Origin: ORIGIN, ...headers } });
    return [status, answered['access-control-allow-origin'],
      answered['access-control-allow-headers']];
  };
  const wanted = 'Access-Control-Request-Headers';
  const method = { 'Access-Control-Request-Method': 'POST' };
  const asked = [
    ['none', {}, 'content-type'],
    ['an empty list', { ...method, [wanted]: '' }, 'content-type'],
    ['capitals', { ...method, [wanted]: 'Content-Type,X-Requested-With' },
      'Content-Type,X-Requested-With'],
    ['odd bytes', { ...method, [wanted]: 'a"b<script>' }, 'content-type'],
    ['a long list', { ...method, [wanted]: 'x-a,'.repeat(200) }, 'content-type'],
    ['another method', { 'Access-Control-Request-Method': 'DELETE' }, 'content-type'],
  ];
  for (const [what, headers, allowed] of asked) {
    test(what, async () => {
      for (const path of PATHS) {
        assert.deepEqual(await ask(path, headers), [204, ORIGIN, allowed]);
      }
    });
  }

  test('without an origin, or at a path that does not exist', async () => {
    assert.deepEqual(await ask(PATHS[0], { Origin: '' }), [204, undefined, undefined]);
    assert.deepEqual(await ask('/auth/v1/nothing', method), [404, undefined, undefined]);
  });
});

test('a whole login over HTTP/1.0, chunks and one pipelined connection', async () => {
  const who = mobile('12025550164');
  const { sessionId, code } = await api.begin(who);
  const body = JSON.stringify({ ...who, sessionId, otp: code });
  const chunks = [...body].map((byte) => `1\r\n${byte}\r\n`).join('');
  const head = (rest) =>
    `POST /auth/v1/otp/validate HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n` +
    `accept: application/json\r\nContent-Type: application/json;charset=utf-8\r\n${rest}\r\n\r\n`;
  const connection = await RawConnection.open(server.port);
  await connection.write(`${head('Transfer-Encoding: chunked')}${chunks}0\r\n\r\n` +
    `${head(`Content-Length: ${body.length}`)}${body}`);
  await connection.write(head(`Content-Length: ${body.length}`).replace('1.1', '1.0') + body);
  await connection.when(ANSWER_MS, 'end', () => connection.hasEnded);
  const codes = connection.answers.map((answer) => {
    const json = JSON.parse(answer.body);
    server.secrets.addAnswer(json);
    return json.status.code;
  });
  connection.close();
  assert.deepEqual(codes, [200, 1505, 1505]);
});

describe('batches', () => {
  /** Posts an array and answers the codes of its items. */
  async function batch(call, items, expected = 200) {
    items.forEach((item) => api.remember(item ?? {}));
    const reply = await api.client.post(`/auth/v1/${call}`, items);
    assert.equal(reply.status, expected, reply.text);
    const replies = reply.json;
    assert.equal(reply.text, JSON.stringify(replies));
    [replies].flat().forEach((each) => server.secrets.addAnswer(each));
    return replies;
  }
  const codesOf = (replies) => replies.map(({ status }) => status.code);

  const spoilt = [
    null, 7, 'x', [], [[]], {}, { brand: 'DocDemo' }, { identifierType: 'FAX' },
    { ...mobile('12'), sessionId: 'P-' }, { ...mobile('12025550147'), brand: 'Nobody' },
  ];
  const codesOfSpoilt = (index) => [
    1519, 1519, 1519, 1519, 1519, 1519, 1519, 1546, 1519, 1504][index];

  for (const family of ['', 'web/']) {
    test(`${family}: a hundred people log in by three of them, ten items malformed`, async () => {
      const first = family === '' ? 0 : BATCH_MAX;
      const people = numbers(BATCH_MAX, first).map((number) => mobile(number));
      const isSpoilt = (i) => i % 10 === 3;
      const spoil = (items, members) => items.map((item, i) => {
        const bad = spoilt[(i - 3) / 10];
        const isPerson = bad?.identifierValue !== undefined;
        return isSpoilt(i) ? (isPerson ? { ...members, ...bad } : bad) : item;
      });
      const wantedCodes = people.map((_, i) => (isSpoilt(i) ? codesOfSpoilt((i - 3) / 10) : 200));
      const newest = await api.lastId();

      const opened = await batch(`${family}token/generate`, spoil(people, {}));
      assert.deepEqual(codesOf(opened), wantedCodes);
      const sessions = opened.map((reply) => reply.user?.sessionId);
      const withSession = people.map((who, i) => ({ ...who, sessionId: sessions[i] }));
      const sent = await batch(`${family}otp/generate`, spoil(withSession, { sessionId: 'P-' }));
      assert.deepEqual(codesOf(sent), wantedCodes);

      const codes = new Map();
      for (const who of people.filter((_, i) => !isSpoilt(i))) {
        const [{ otp }] = await api.messages(who.identifierValue, newest);
        codes.set(who.identifierValue, otp);
      }
      const typed = withSession.map((who) => ({ ...who, otp: codes.get(who.identifierValue) }));
      const done = await batch(
        `${family}otp/validate`, spoil(typed, { sessionId: 'P-', otp: '1' }));
      assert.deepEqual(codesOf(done), wantedCodes);
      const again = await batch(`${family}otp/validate`, typed.filter((_, i) => !isSpoilt(i)));
      assert.deepEqual(new Set(codesOf(again)), new Set([1505]));
    });
  }

  test('seventy sends to one person: as many as the limit lets', async () => {
    const who = mobile('12025550165', { brand: 'Limited' });
    const sessionId = await api.open(who);
    const replies = await batch('otp/generate', Array(70).fill({ ...who, sessionId }));
    assert.deepEqual(codesOf(replies), [...Array(64).fill(200), ...Array(6).fill(1534)]);
  });

  test('seventy guesses at one code: five are evaluated', async () => {
    const who = mobile('12025550166');
    const { sessionId, code } = await api.begin(who);
    const guesses = Array.from({ length: 70 }, (_, i) => ({
      ...who, sessionId, otp: i < 69 ? wrong(code, i + 1) : code }));
    const replies = await batch('otp/validate', guesses);
    assert.deepEqual(codesOf(replies), [...Array(5).fill(1506), ...Array(65).fill(1518)]);
  });

  test('none and too many are HTTP 400; a batch of batches has malformed items', async () => {
    const who = mobile('12025550167');
    for (const call of CALLS) {
      for (const items of [[], Array(BATCH_MAX + 1).fill(who)]) {
        assert.equal((await batch(call, items, 400)).status.code, 1519);
      }
      assert.deepEqual(codesOf(await batch(call, [[who], [[who]], []])), [1519, 1519, 1519]);
    }
  });
});
