// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The development inbox as test suites use it.
'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');

const { Api, email, mobile } = require('./lib/api');
const { issueCodes, numbers, openSessions } = require('./lib/crowd');
const { Lane, spread } = require('./lib/lane');
const { RawConnection } = require('./lib/raw');
const { Server } = require('./lib/server');
const { until } = require('./lib/wait');

const KEPT_MAX = 10000;
const SENT = 10050;
const WAITERS = 200;
const SOON_MS = 10000;

let server;
let api;

before(async () => {
  server = await Server.start();
  api = new Api(server);
});

after(async () => {
  api.close();
  await server.stop();
});

async function inbox(query) {
  const reply = await api.client.get(`/dev/inbox?${query}`);
  assert.equal(reply.status, 200, reply.text);
  server.secrets.addAnswer(reply.json);
  return reply.json.messages;
}

test('a message: members, order, values', async () => {
  const began = Date.now();
  const { message } = await api.begin(mobile('+91 99999 99993'));
  assert.deepEqual(Object.keys(message), ['id', 'brand', 'channel', 'to', 'text', 'otp', 'sentAt']);
  const { id, brand, channel, to, text, otp, sentAt } = message;
  assert.deepEqual([brand, channel, to], ['DocDemo', 'SMS', '919999999993']);
  assert.match(id, /^[1-9]\d*$/);
  assert.match(otp, /^\d{6}$/);
  const said = `${otp} is your DocDemo code, valid for 20 minutes. Never share it with anyone.`;
  assert.equal(text, said);
  assert.ok(sentAt >= began && sentAt <= Date.now());
  const { message: mail } = await api.begin(email('Some.Body@Example.COM'));
  assert.deepEqual([mail.channel, mail.to], ['EMAIL', 'some.body@example.com']);
});

describe('to takes any spelling', () => {
  const spellings = {
    '12025550130': [
      '12025550130', '%2B12025550130', '+12025550130', '0012025550130', '%2B1%20(202)%20555-0130',
      '1.202.555.0130', '%EF%BC%912025550130',
    ],
    'any.one@example.com': ['Any.One@EXAMPLE.com', 'any.one%40example.com'],
  };
  for (const [address, values] of Object.entries(spellings)) {
    test(address, async () => {
      const who = address.includes('@') ? email(address) : mobile(address);
      const { message } = await api.begin(who);
      for (const value of values) {
        assert.deepEqual(await inbox(`to=${value}`), [message], value);
      }
    });
  }
});

test('newest first; limit and after', async () => {
  const who = mobile('12025550131');
  const { sessionId, message: first } = await api.begin(who);
  await api.generate(who, sessionId);
  await api.messages(who.identifierValue, first.id);
  const all = await inbox('to=12025550131');
  assert.equal(all.length, 2);
  assert.ok(Number(all[0].id) > Number(all[1].id));
  assert.deepEqual(all[1], first);
  assert.deepEqual(await inbox('to=12025550131&limit=1'), [all[0]]);
  assert.deepEqual(await inbox(`to=12025550131&after=${first.id}`), [all[0]]);
  assert.deepEqual(await inbox(`to=12025550131&after=${all[0].id}`), []);
  assert.deepEqual(await inbox('to=12025550131&after=999999999'), all);
});

describe('waiting', () => {
  test('ends when a message for that address comes, and not for another', async () => {
    const waiting = inbox('to=12025550132&wait=30s');
    await api.begin(mobile('12025550133'));
    const began = performance.now();
    const { message } = await api.begin(mobile('12025550132'));
    assert.deepEqual(await waiting, [message]);
    assert.ok(performance.now() - began < SOON_MS);
  });

  test('with after ends when a newer one comes', async () => {
    const who = mobile('12025550132');
    const { message } = await api.begin(who);
    const waiting = inbox(`to=12025550132&after=${message.id}&wait=30s`);
    const { message: newer } = await api.begin(who);
    assert.deepEqual(await waiting, [newer]);
  });

  test('ends with nothing after its time', async () => {
    const began = performance.now();
    assert.deepEqual(await inbox('to=12025550134&wait=300ms'), []);
    const tookMs = performance.now() - began;
    assert.ok(tookMs >= 299 && tookMs < SOON_MS, `${tookMs} ms`);
  });

  test('does not begin when there is something to show', async () => {
    await api.begin(mobile('12025550135'));
    const began = performance.now();
    assert.equal((await inbox('to=12025550135&wait=60s')).length, 1);
    assert.ok(performance.now() - began < SOON_MS);
  });

  test(`${WAITERS} wait at once, and all are told`, async () => {
    const waiting = Array.from({ length: WAITERS }, () => inbox('to=12025550136&wait=30s'));
    const { message } = await api.begin(mobile('12025550136'));
    const told = await Promise.all(waiting);
    assert.deepEqual(told.filter((messages) => messages[0]?.id !== message.id), []);
  });
});

describe('what is not understood is refused', () => {
  const queries = [
    'wait=61s', 'wait=soon', 'wait=-1s', 'limit=0', 'limit=10001', 'limit=ten', 'after=x',
    'after=-1', 'to=', 'to=nobody', 'to=%zz', 'to=99999999999999999999',
  ];
  for (const query of queries) {
    test(query, async () => {
      const reply = await api.client.get(`/dev/inbox?${query}`);
      assert.deepEqual([reply.status, reply.code], [400, 400]);
    });
  }
});

describe('who may look', () => {
  const ask = async (...fields) => {
    const connection = await RawConnection.open(server.port);
    const head = ['GET /dev/inbox?limit=1 HTTP/1.1', ...fields, 'Connection: close'];
    await connection.write(Buffer.from(`${head.join('\r\n')}\r\n\r\n`));
    await connection.when(SOON_MS, 'answer', () => connection.hasEnded);
    connection.close();
    return connection.answers[0].status;
  };

  for (const host of ['127.0.0.1', 'localhost:8480', '[::1]:1', 'LocalHost', '127.1.2.3:80']) {
    test(`${host} is this machine`, async () => assert.equal(await ask(`Host: ${host}`), 200));
  }

  const foreign = ['otp.example.com', 'localhost.example.com', '127.0.0.1.example.com', '0.0.0.0',
    '192.0.2.1:8480', '[::2]', '127.1', '0x7f000001', '127.0.0.1:x'];
  for (const host of foreign) {
    test(`${host} is not: 403`, async () => assert.equal(await ask(`Host: ${host}`), 403));
  }

  test('nor a page of another origin: 403', async () => {
    const host = 'Host: 127.0.0.1:8480';
    assert.equal(await ask(host, 'Origin: https://example.com'), 403);
    assert.equal(await ask(host, 'Origin: null'), 403);
    assert.equal(await ask(host, 'Origin: http://127.0.0.1:8480'), 200);
  });
});

test('a browser gets the page, anybody else JSON', async () => {
  const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
  const page = await api.client.get('/dev/inbox', { Accept: accept });
  const json = await api.client.get('/dev/inbox', { Accept: '*/*' });
  assert.equal(page.headers['content-type'], 'text/html; charset=utf-8');
  assert.equal(json.headers['content-type'], 'application/json');
  assert.match(page.headers['content-security-policy'], /^default-src 'none';/);
});

test('DELETE forgets all, and ids go on', async () => {
  const { message } = await api.begin(mobile('12025550137'));
  const reply = await api.client.request({ method: 'DELETE', path: '/dev/inbox' });
  assert.deepEqual([reply.status, reply.text], [204, '']);
  assert.deepEqual(await inbox(''), []);
  const { message: next } = await api.begin(mobile('12025550137'));
  assert.equal(Number(next.id), Number(message.id) + 1);
  assert.deepEqual(await inbox('to=12025550137'), [next]);
});

test(`of ${SENT} messages the last ${KEPT_MAX} are kept`, async () => {
  const first = Number((await api.begin(mobile('12025550138'))).message.id) + 1;
  const lanes = await Lane.openMany(server.port, 16);
  const people = numbers(SENT).map((number) => mobile(number));
  const sessions = await openSessions(lanes, people);
  const codes = await issueCodes(lanes, people, sessions);
  lanes.forEach((lane) => lane.close());
  assert.deepEqual([...new Set(codes)], [200]);
  const last = first + SENT - 1;
  await until(SOON_MS, 'the last message', async () => (await api.lastId()) === String(last));
  const ids = (await inbox(`limit=${KEPT_MAX}`)).map((message) => Number(message.id));
  assert.deepEqual(ids, Array.from({ length: KEPT_MAX }, (_, i) => last - i));
});
