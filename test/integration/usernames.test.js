// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Logging in by a username: by which number, who else cannot, and that a number's limit is one
// limit however its codes are asked for.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');

const { Api, email, mobile, wrong } = require('./lib/api');
const { configText } = require('./lib/config');
const { Lane, postBytes, spread } = require('./lib/lane');
const { Server } = require('./lib/server');

const LIMIT = 3;
const CROWD = 200;
const RACES = 30;
const OWNERS = '12025550101';
const STRANGERS = '12025550102';

let server;
let api;

before(async () => {
  const config = configText({ Limited: { otpMaxCount: LIMIT, otpTimeOut: 60 } });
  server = await Server.start({ config, args: ['--loops', '4'] });
  api = new Api(server);
});

after(async () => {
  api.close();
  await server.stop();
});

/** Somebody who logs in by that username with that number or e-mail address. */
function username(name, address, { brand = 'DocDemo' } = {}) {
  server.secrets.addCode(name);
  const where = address.includes('@') ? { email: address } : { mobile: address };
  return { ...mobile(name, { brand }), identifierType: 'USERNAME', ...where };
}

async function begin(who) {
  const newest = await api.lastId();
  const sessionId = await api.open(who);
  assert.equal((await api.generate(who, sessionId)).code, 200);
  const [message] = await api.messages(who.mobile ?? who.email, newest);
  return { sessionId, code: message.otp };
}

async function logIn(who) {
  const { sessionId, code } = await begin(who);
  const reply = await api.validate(who, sessionId, code);
  assert.equal(reply.code, 200, reply.text);
  return reply.json;
}

const headerOf = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url').toString());

async function withLanes(count, job) {
  const lanes = await Lane.openMany(server.port, count);
  try {
    return await job(lanes);
  } finally {
    lanes.forEach((lane) => lane.close());
  }
}

test('a username logs in by its number, and tokens name both', async () => {
  const who = username('Walter-Walk', OWNERS);
  const view = await api.call('token/generate', who);
  const idv = [`MOBILE|${OWNERS}`, 'USERNAME|walter-walk'];
  assert.deepEqual(headerOf(view.json.auth.token).idv, idv);
  const { auth } = await logIn(who);
  assert.deepEqual(headerOf(auth.token).idv, idv);
  assert.deepEqual(headerOf(auth.key).idv, idv);
});

test('a username logs in by its e-mail address', async () => {
  const { auth } = await logIn(username('erika-mail', 'Erika@Example.com'));
  const idv = ['EMAIL|erika@example.com', 'USERNAME|erika-mail'];
  assert.deepEqual(headerOf(auth.token).idv, idv);
});

test('an address is needed to open a session, and not once it is known', async () => {
  const who = username('nora-names', OWNERS);
  const { mobile: number, ...nameless } = who;
  assert.equal((await api.call('token/generate', nameless)).code, 1540);
  const { sessionId, code } = await begin(who);
  assert.equal((await api.generate(nameless, sessionId)).code, 200);
  const reply = await api.validate(nameless, sessionId, code);
  assert.equal(reply.code, 200, reply.text);
  assert.equal(headerOf(reply.json.auth.token).idv[0], `MOBILE|${number}`);
});

test('a stranger with a phone of his own gets nothing, and his number is not charged', async () => {
  const owner = username('olga-owner', OWNERS, { brand: 'Limited' });
  const stranger = { ...owner, mobile: STRANGERS };
  await logIn(owner);
  const sessionId = await api.open(stranger);
  for (let i = 0; i <= LIMIT; i++) {
    assert.equal((await api.generate(stranger, sessionId)).code, 1543);
    assert.equal((await api.generate(owner, sessionId)).code, 1541);
  }
  assert.equal((await api.validate(stranger, sessionId, '123456')).code, 1543);
  const own = mobile(STRANGERS, { brand: 'Limited' });
  const ownSession = await api.open(own);
  for (let i = 0; i < LIMIT; i++) {
    assert.equal((await api.generate(own, ownSession)).code, 200);
  }
  assert.equal((await api.generate(own, ownSession)).code, 1534);
});

test('of two who claim a name at the same instant one gets it', async () => {
  await withLanes(2, async (lanes) => {
    for (let i = 0; i < RACES; i++) {
      const first = username(`race-${i}`, `12025550${110 + i}`);
      const second = { ...first, mobile: `12025550${150 + i}` };
      const claims = [];
      for (const who of [first, second]) {
        const { sessionId, code } = await begin(who);
        claims.push(postBytes('otp/validate', { ...who, sessionId, otp: code }));
      }
      const codes = await Promise.all(claims.map((bytes, k) => lanes[k].code(bytes)));
      assert.deepEqual(codes.sort((a, b) => a - b), [200, 1543]);
    }
  });
});

test('a number has one limit over its own logins and usernames, for 200 at once', async () => {
  const brand = 'Limited';
  const number = '919999999993';
  const people = Array.from({ length: CROWD }, (_, i) =>
    i % 3 === 0 ? mobile(number, { brand }) : username(`crowd-${i % 7}`, number, { brand }),
  );
  const codes = await withLanes(CROWD, async (lanes) => {
    const open = (lane, who) => lane.send(postBytes('token/generate', who));
    const bodies = await spread(lanes, people, open);
    const requests = bodies.map((body, i) =>
      postBytes('otp/generate', { ...people[i], sessionId: JSON.parse(body).user.sessionId }),
    );
    return Promise.all(requests.map((bytes, i) => lanes[i].code(bytes)));
  });
  const accepted = codes.filter((code) => code === 200).length;
  assert.equal(accepted, LIMIT);
  assert.equal(codes.filter((code) => code === 1534).length, CROWD - LIMIT);
  const sent = await api.messages(number);
  assert.equal(sent.filter((message) => message.brand === brand).length, LIMIT);
});

test('guesses at a name are counted like those at a number', async () => {
  const who = username('gina-guess', 'gina@example.com');
  const { sessionId, code } = await begin(who);
  for (let i = 1; i <= 5; i++) {
    assert.equal((await api.validate(who, sessionId, wrong(code, i))).code, 1506);
  }
  assert.equal((await api.validate(who, sessionId, code)).code, 1518);
  assert.equal((await api.generate(who, sessionId)).code, 1518);
  const other = email('gina@example.com');
  assert.equal((await api.generate(other, await api.open(other))).code, 200);
});
