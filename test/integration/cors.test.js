// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What browsers and proxies see: origins, preflights, request ids, and the answers of HTTP itself.
'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');

const { Client } = require('./lib/http');
const { configText } = require('./lib/config');
const { Server } = require('./lib/server');

const SHOP = 'https://shop.example.com';
const CAFE = 'https://cafe.example.com:8443';
const STRANGER = 'https://evil.example.net';
const CALLS = ['token/generate', 'otp/generate', 'otp/validate'];
const PATHS = CALLS.flatMap((call) => [`/auth/v1/${call}`, `/auth/v1/web/${call}`]);
const WEB = '/auth/v1/web/token/generate';
const MOBILE = '/auth/v1/token/generate';

// DocDemo of development allows any origin; here it is told not to.
const brands = { Shop: { corsOrigins: SHOP }, Cafe: { corsOrigins: CAFE }, DocDemo: {} };
const body = (brand) => ({ identifierType: 'MOBILE', identifierValue: '12025550147', brand });

let server;
let client;

before(async () => {
  server = await Server.start({ config: configText(brands) });
  client = new Client(server.port);
});

after(async () => {
  client.close();
  await server.stop();
});

const corsFields = (reply) =>
  Object.fromEntries(Object.entries(reply.headers).filter(([name]) => name.startsWith('access-')));

function preflight(path, origin, wanted = 'content-type') {
  const headers = {
    Origin: origin,
    'Access-Control-Request-Method': 'POST',
    'Access-Control-Request-Headers': wanted,
  };
  return client.request({ method: 'OPTIONS', path, headers });
}

describe('preflight', () => {
  for (const path of PATHS) {
    test(`${path} of a listed origin`, async () => {
      const reply = await preflight(path, SHOP, 'content-type, cap_brand');
      assert.deepEqual([reply.status, reply.text, reply.headers.vary], [204, '', 'Origin']);
      const isWeb = path.includes('/web/');
      assert.deepEqual(corsFields(reply), {
        'access-control-allow-origin': SHOP,
        ...(isWeb ? { 'access-control-allow-credentials': 'true' } : {}),
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': 'content-type, cap_brand',
        'access-control-max-age': '7200',
      });
    });
  }

  for (const origin of [STRANGER, 'null', `${SHOP}:443`, SHOP.replace('https', 'http')]) {
    test(`none for ${origin}`, async () => {
      const reply = await preflight(WEB, origin);
      assert.deepEqual([reply.status, corsFields(reply)], [204, {}]);
    });
  }
});

describe('the answer itself', () => {
  test('goes to the origins of its own brand alone', async () => {
    const toShop = await client.post(WEB, body('Shop'), { Origin: SHOP });
    const toCafe = await client.post(WEB, body('Shop'), { Origin: CAFE });
    assert.deepEqual([toShop.code, toCafe.code], [200, 200]);
    assert.deepEqual(corsFields(toShop), {
      'access-control-allow-origin': SHOP,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'Retry-After, X-Request-Id',
    });
    assert.deepEqual(corsFields(toCafe), {});
  });

  test('a refusal too', async () => {
    const reply = await client.post(
      '/auth/v1/web/otp/generate', { ...body('Cafe'), sessionId: 'P-1' }, { Origin: CAFE });
    assert.equal(reply.code, 1505);
    assert.equal(reply.headers['access-control-allow-origin'], CAFE);
  });

  test('without an origin, or of a brand without origins: none', async () => {
    const plain = await client.post(WEB, body('Shop'));
    const closed = await client.post(WEB, body('DocDemo'), { Origin: SHOP });
    assert.deepEqual([plain.code, closed.code], [200, 200]);
    assert.deepEqual([corsFields(plain), corsFields(closed)], [{}, {}]);
  });

  test('development allows every origin its brand, without credentials', async () => {
    const open = await Server.start();
    const reply = await new Client(open.port).post(WEB, body('DocDemo'), { Origin: STRANGER });
    await open.stop();
    assert.equal(reply.headers['access-control-allow-origin'], STRANGER);
    assert.ok(!('access-control-allow-credentials' in reply.headers));
  });
});

describe('request ids', () => {
  const sent = async (id) => {
    const headers = id === null ? {} : { 'X-Request-Id': id };
    const reply = await client.post(MOBILE, body('Shop'), headers);
    return reply.headers['x-request-id'];
  };

  for (const id of ['a', 'req-1_2.3', '0b13f1d0-962d-d615', 'x'.repeat(128)]) {
    test(`${id.slice(0, 20)} is kept`, async () => assert.equal(await sent(id), id));
  }

  for (const id of [null, '', 'two words', 'x'.repeat(129), 'a"b', 'caf\u00e9']) {
    test(`${JSON.stringify(id)?.slice(0, 20)} is replaced`, async () => {
      assert.match(await sent(id), /^[0-9a-f]{32}$/);
    });
  }

  test('those made are all different', async () => {
    const ids = new Set();
    for (let i = 0; i < 100; i++) {
      ids.add(await sent(null));
    }
    assert.equal(ids.size, 100);
  });

  test('are in the log, so that a report can be followed', async () => {
    const path = '/auth/v1/otp/generate';
    await client.post(MOBILE, body('Shop'));
    const session = (await client.post(MOBILE, body('Shop'))).json.user.sessionId;
    const request = { ...body('Shop'), sessionId: session };
    await client.post(path, request, { 'X-Request-Id': 'find-me' });
    server.secrets.addAddress('12025550147');
    const event = await server.awaitEvent('otp.generate');
    assert.equal(event.requestId, 'find-me');
  });
});

describe('the answers of HTTP', () => {
  const json = JSON.stringify(body('Shop'));
  const post = (path, text, headers) => client.post(path, text, headers);
  const head = { method: 'HEAD', path: '/dev/inbox', headers: { Accept: 'application/json' } };
  const answers = [
    ['an unknown path', 404, () => post('/auth/v1/nothing', json)],
    ['the root', 404, () => client.get('/')],
    ['a slash at the end', 404, () => post(`${MOBILE}/`, json)],
    ['text/plain', 415, () => post(MOBILE, json, { 'Content-Type': 'text/plain' })],
    ['no type', 415, () => post(MOBILE, json, { 'Content-Type': '' })],
    ['65,537 bytes of body', 413, () => post(MOBILE, ' '.repeat(65537))],
    ['9,000 bytes of head', 431, () => client.get(MOBILE, { 'X-Long': 'x'.repeat(9000) })],
  ];
  for (const [what, status, send] of answers) {
    test(`${what}: ${status}`, async () => {
      const reply = await send();
      const { success, code } = reply.json.status;
      assert.deepEqual([reply.status, success, code], [status, false, status]);
      assert.equal(reply.headers['content-type'], 'application/json');
      assert.match(reply.headers['x-request-id'], /^[0-9a-f]{32}$/);
    });
  }

  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'TRACE']) {
    test(`${method} of a call: 405 with Allow`, async () => {
      const reply = await client.request({ method, path: MOBILE });
      assert.deepEqual([reply.status, reply.headers.allow], [405, 'POST, OPTIONS']);
      assert.equal(reply.body.length > 0, method !== 'HEAD');
    });
  }

  const types = ['APPLICATION/JSON', 'application/json; charset=UTF-8', 'application/json ;x'];
  for (const type of types) {
    test(`${type} is JSON`, async () => {
      assert.equal((await post(MOBILE, json, { 'Content-Type': type })).code, 200);
    });
  }

  test('HEAD of the inbox is GET without the body', async () => {
    const full = await client.request({ ...head, method: 'GET' });
    const reply = await client.request(head);
    assert.deepEqual([reply.status, reply.body.length], [200, 0]);
    assert.equal(reply.headers['content-length'], String(full.body.length));
  });
});
