// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A crowd guesses at one person's codes: from thousands of addresses, in a thousand sessions, each
// with a device of its own. It gets lockAfterFailures guesses and no more, and the person still
// gets in.
'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');

const { Api, mobile, wrong } = require('./lib/api');
const { configText } = require('./lib/config');
const { Lane, postBytes, spread } = require('./lib/lane');
const { Server } = require('./lib/server');

const SESSIONS = 1000;
const ADDRESSES = 5000;
const WAVES = 5;
const LANES = 16;
const TRIES_MAX = 5;
const LOCK_AFTER = 20;
const FOR_STRANGERS = LOCK_AFTER - TRIES_MAX; // the rest is kept for the owner's device

// 200 is a code that was sent; 1505 and 1537 say that it was dropped for newer ones, lately or long
// ago.
const ANSWERS = new Set([200, 1505, 1506, 1518, 1537]);

// With ten digits no guess of this test will ever be right by chance.
const guarded = { otpLength: 10, lockAfterFailures: LOCK_AFTER, otpMaxAttempts: TRIES_MAX };

let server;
let api;

before(async () => {
  server = await Server.start({
    args: ['--loops', '2'],
    config: configText({ Guarded: guarded, GuardedAnew: { ...guarded, resend: 'new' } }),
  });
  api = new Api(server);
});

after(async () => {
  api.close();
  await server.stop();
});

/** 127.0.1.1 and on: all of 127.0.0.0/8 is this machine. */
const sourceAddress = (i) => `127.0.${1 + Math.floor(i / 250)}.${1 + (i % 250)}`;

async function logIn(who) {
  const { sessionId, code } = await api.begin(who);
  assert.equal((await api.validate(who, sessionId, code)).code, 200);
}

async function openSessions(people) {
  const lanes = await Lane.openMany(server.port, LANES);
  const sessions = await spread(lanes, people, async (lane, who) =>
    JSON.parse(await lane.send(postBytes('token/generate', who))).user.sessionId);
  lanes.forEach((lane) => lane.close());
  return sessions;
}

/** A connection from an address of its own: asks for a code, and guesses at it. */
async function attack(from, who, sessionId) {
  const lane = await Lane.open(server.port, from);
  const codes = [await lane.code(postBytes('otp/generate', { ...who, sessionId }))];
  for (let otp = 1; otp <= 2; otp++) {
    codes.push(await lane.code(postBytes('otp/validate', { ...who, sessionId, otp })));
  }
  lane.close();
  return codes;
}

class Crowd {
  static async gather(target) {
    const crowd = new Crowd();
    crowd.people = Array.from({ length: SESSIONS }, (_, i) => ({
      ...target,
      deviceId: `stranger-${i}`,
    }));
    crowd.sessions = await openSessions(crowd.people);
    crowd.next = 0;
    return crowd;
  }

  /** As many at once as there are addresses in a wave; all codes that they were answered. */
  async wave(count) {
    const attackers = Array.from({ length: count }, () => this.next++);
    const codes = await Promise.all(attackers.map((i) =>
      attack(sourceAddress(i), this.people[i % SESSIONS], this.sessions[i % SESSIONS])));
    return codes.flat();
  }
}

const countOf = (codes, wanted) => codes.filter((code) => code === wanted).length;

/** Nothing is evaluated: the session was dropped for newer ones, or there are no tries left. */
const assertLockedOut = (codes) =>
  assert.deepEqual(codes.filter((code) => ![1505, 1518].includes(code)), []);

test(`${SESSIONS} sessions from ${ADDRESSES} addresses guess at one person`, async () => {
  const owner = mobile('919999999993', { brand: 'Guarded', deviceId: 'owner' });
  await logIn(owner);
  const crowd = await Crowd.gather(owner);
  const held = await api.begin(owner); // a code that is waiting to be typed all the while
  for (let rounds = 0; rounds < 2; rounds++) {
    const codes = [];
    for (let i = 0; i < WAVES; i++) {
      codes.push(await crowd.wave(ADDRESSES / (2 * WAVES)));
    }
    assert.deepEqual(codes.flat().filter((code) => !ANSWERS.has(code)), []);
    assert.equal(countOf(codes.flat(), 1506), FOR_STRANGERS);
    assertLockedOut(codes.at(-1));
    // A success ends the row of failures, so that strangers may begin anew.
    await logIn(owner);
  }
  assert.equal((await api.validate(owner, held.sessionId, held.code)).code, 200);
});

test('the owner types wrong codes too, and then the right one', async () => {
  const owner = mobile('12025550147', { brand: 'Guarded', deviceId: 'owner' });
  await logIn(owner);
  const crowd = await Crowd.gather(owner);
  const codes = [await crowd.wave(SESSIONS / 2), await crowd.wave(SESSIONS / 2)];
  assert.equal(countOf(codes.flat(), 1506), FOR_STRANGERS);
  const { sessionId, code } = await api.begin(owner);
  for (let i = 1; i < TRIES_MAX; i++) {
    assert.equal((await api.validate(owner, sessionId, wrong(code, i))).code, 1506);
    assertLockedOut(await crowd.wave(SESSIONS / 10));
  }
  assert.equal((await api.validate(owner, sessionId, code)).code, 200);
});

test('somebody who never logged in is guessed at no oftener', async () => {
  const nobody = mobile('12025550148', { brand: 'Guarded', deviceId: 'first-phone' });
  const crowd = await Crowd.gather(nobody);
  let evaluated = 0;
  for (let i = 0; i < 3; i++) {
    evaluated += countOf(await crowd.wave(SESSIONS / 2), 1506);
  }
  assert.equal(evaluated, LOCK_AFTER);
  const sessionId = await api.open(nobody);
  assert.equal((await api.generate(nobody, sessionId)).code, 1518);
});

describe('the code of somebody else', () => {
  test('is not burned by guesses with another device, number, brand or URI', async () => {
    const owner = mobile('12025550149', { brand: 'Guarded', deviceId: 'owner' });
    const { sessionId, code } = await api.begin(owner);
    const strangers = [
      [{ ...owner, deviceId: 'stranger' }, ''],
      [{ ...owner, identifierValue: '12025550150' }, ''],
      [{ ...owner, brand: 'DocDemo' }, ''],
      [owner, 'web/'],
    ];
    for (let i = 1; i <= LOCK_AFTER; i++) {
      for (const [who, family] of strangers) {
        const reply = await api.validate(who, sessionId, wrong(code, i), family);
        assert.ok([1507, 1508, 1509, 1537].includes(reply.code), reply.text);
      }
    }
    assert.equal((await api.validate(owner, sessionId, code)).code, 200);
  });

  test('is not dropped for those of strangers, once its device has logged in', async () => {
    const owner = mobile('12025550151', { brand: 'Guarded', deviceId: 'owner' });
    await logIn(owner);
    const { sessionId, code } = await api.begin(owner);
    for (let i = 0; i < 20; i++) {
      const stranger = { ...owner, deviceId: `stranger-${i}` };
      assert.equal((await api.generate(stranger, await api.open(stranger))).code, 200);
    }
    assert.equal((await api.validate(owner, sessionId, code)).code, 200);
  });
});

describe('the counts of failures', () => {
  for (const brand of ['Guarded', 'GuardedAnew']) {
    test(`are not lowered by resends, new codes or new sessions (${brand})`, async () => {
      const who = mobile('12025550152', { brand });
      const codes = [];
      for (let i = 0; i < LOCK_AFTER; i++) {
        const sessionId = await api.open(who);
        for (let n = 0; n < 2; n++) {
          const isSent = (await api.generate(who, sessionId)).code === 200;
          codes.push((await api.validate(who, sessionId, 1)).code);
          assert.equal(isSent, codes.at(-1) !== 1518);
        }
      }
      assert.equal(countOf(codes, 1506), LOCK_AFTER);
      assert.equal(countOf(codes, 1518), LOCK_AFTER);
    });
  }
});
