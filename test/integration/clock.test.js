// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The wall clock is set forward and back, while the server runs and while it is dead: no limit is
// emptied early, none is frozen, and codes neither die nor live on. The kernel's monotonic clock
// stays as it is, as on a real machine.
'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');

const { Api, mobile } = require('./lib/api');
const { FakeClock } = require('./lib/clock');
const { configText } = require('./lib/config');
const { Folder } = require('./lib/folder');
const { Server } = require('./lib/server');

const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;
const CODE_LIFE_S = 20 * 60;
const LIMIT = 3;
const BRAND = { Shop: { otpMaxCount: LIMIT, otpTimeOut: 60 } };

const folder = new Folder();
const wall = new FakeClock(folder);

after(() => folder.remove());

function start() {
  const args = ['--data-dir', folder.join('data')];
  return Server.start({ args, config: configText(BRAND), env: wall.env });
}

/** A session's code, for somebody of whom nothing is known yet. */
async function assertFresh(api, number) {
  const who = mobile(number, { brand: 'Shop' });
  const { sessionId, code } = await api.begin(who);
  assert.equal((await api.validate(who, sessionId, code)).code, 200);
}

describe('a clock that is set', () => {
  const who = mobile('12025550140', { brand: 'Shop' });
  let server;
  let api;
  let first;
  let sentAt;

  async function restart(clock) {
    api.close();
    await server.kill();
    wall.set(clock);
    server = await start();
    api = new Api(server);
  }

  /** The limit's end is what it was, by the time that has really passed. */
  async function assertLimited() {
    const reply = await api.generate(who, await api.open(who));
    assert.equal(reply.code, 1534);
    const passed = (performance.now() - sentAt) / 1000;
    const wait = Number(reply.headers['retry-after']);
    const error = Math.abs(HOUR_S - passed - wait);
    assert.ok(error <= 2 + passed / 50, `wait ${wait}, passed ${passed}`);
  }

  before(async () => {
    wall.set(0);
    server = await start();
    api = new Api(server);
    sentAt = performance.now();
    first = await api.begin(who);
    for (let i = 1; i < LIMIT; i++) {
      assert.equal((await api.generate(who, first.sessionId)).code, 200);
    }
    await assertLimited();
  });

  after(async () => {
    api.close();
    await server.stop();
  });

  const steps = [
    ['an hour forward', HOUR_S],
    ['a day back', -DAY_S],
    ['right again', 0],
  ];
  for (const [what, clock] of steps) {
    test(`${what}, while it runs`, async () => {
      wall.set(clock);
      await assertLimited();
      await assertFresh(api, `1202555015${steps.findIndex((step) => step[1] === clock)}`);
    });
  }

  for (const [what, clock] of steps) {
    test(`${what}, while it is dead`, async () => {
      await restart(clock);
      await assertLimited();
      await assertFresh(api, `1202555016${steps.findIndex((step) => step[1] === clock)}`);
    });
  }

  test('a code lives on though the clock is ten days ahead at a restart', async () => {
    const other = mobile('12025550170', { brand: 'Shop' });
    const { sessionId, code } = await api.begin(other);
    await restart(10 * DAY_S);
    assert.equal((await api.validate(other, sessionId, code)).code, 200);
    await restart(0);
  });

  test('tokens say the time of the wall clock, whatever the rules go by', async () => {
    await restart(0);
    wall.set(2 * HOUR_S);
    const reply = await api.call('token/generate', who);
    const { iat } = JSON.parse(Buffer.from(reply.json.auth.token.split('.')[1], 'base64url'));
    assert.ok(Math.abs(iat - (Date.now() / 1000 + 2 * HOUR_S)) <= 2, `iat ${iat}`);
  });

  test(`a code of ${CODE_LIFE_S} s has lived through all of it`, async () => {
    assert.equal((await api.validate(who, first.sessionId, first.code)).code, 200);
    assert.equal((await api.validate(who, first.sessionId, first.code)).code, 1505);
  });
});
