// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A disk without room: no code is promised, codes that were promised still validate and guesses
// are still counted, nothing is lost, and all is well again once there is room. The disk is one of
// memory in a mount namespace of the server's own, which is gone with it.
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { after, before, describe, test } = require('node:test');

const { Api, mobile } = require('./lib/api');
const { numbers } = require('./lib/crowd');
const { Folder } = require('./lib/folder');
const { Lane, postBytes } = require('./lib/lane');
const { Server } = require('./lib/server');

const PEOPLE_MAX = 20000;
const AFTER_FULL = 300;
const LANES = 8;
const TRIES_MAX = 5;
const VALIDATED = 200;
const ROOM_MS_MAX = 10000;
const DISK = 'size=3m';
const LARGER_DISK = 'size=32m';

const hasNamespaces = spawnSync('unshare', ['--mount', 'true']).status === 0;
const skip = hasNamespaces ? false : 'no mount namespace can be made here';

describe('a full disk', { skip }, () => {
  let folder;
  let server;
  let api;
  const sessions = []; // of people whose code was promised: {who, sessionId}

  before(async () => {
    folder = new Folder();
    const mount = `mount -t tmpfs -o ${DISK} tmpfs ${folder.path} && exec "$@"`;
    const wrapper = ['unshare', '--mount', 'sh', '-c', mount, 'sh'];
    const args = ['--data-dir', folder.join('data'), '--journal-mib', '4'];
    server = await Server.start({ args, wrapper });
    api = new Api(server);
  });

  after(async () => {
    api.close();
    await server.stop();
    folder.remove();
  });

  function growDisk() {
    const larger = ['--target', String(server.pid), '--mount', 'mount', '-o'];
    const { status, stderr } = spawnSync('nsenter',
      [...larger, `remount,${LARGER_DISK}`, folder.path]);
    assert.equal(status, 0, String(stderr));
  }

  async function ask(lane, number) {
    const who = mobile(number);
    const { user } = JSON.parse(await lane.send(postBytes('token/generate', who)));
    const code = await lane.code(postBytes('otp/generate', { ...who, sessionId: user.sessionId }));
    assert.ok([200, 1503].includes(code), `code ${code}`);
    if (code === 200) {
      sessions.push({ who, sessionId: user.sessionId });
    }
    return code;
  }

  /** Codes for new people until so many could not be had. */
  async function fill() {
    const lanes = await Lane.openMany(server.port, LANES);
    const people = numbers(PEOPLE_MAX, 40000);
    let refused = 0;
    await Promise.all(lanes.map(async (lane) => {
      while (refused < AFTER_FULL && people.length > 0) {
        refused += (await ask(lane, people.pop())) === 1503 ? 1 : 0;
      }
    }));
    lanes.forEach((lane) => lane.close());
    return refused;
  }

  test('codes are refused with 1503, and the store does not fail', async () => {
    assert.ok((await fill()) >= AFTER_FULL);
    assert.equal((await api.client.get('/readyz')).status, 200);
    assert.equal(server.events('store.failed').length, 0);
    assert.ok(server.events('store.full').length > 0);
  });

  /** Wrong guesses until they are refused, `most` of them; how many were evaluated. */
  async function guess({ who, sessionId }, most) {
    const codes = [];
    while (codes.length < most && codes.at(-1) !== 1518) {
      codes.push((await api.validate(who, sessionId, 'none')).code);
    }
    assert.deepEqual(codes.filter((code) => ![1506, 1518].includes(code)), []);
    return codes.filter((code) => code === 1506).length;
  }

  async function logIn({ who, sessionId }) {
    const [message] = await api.messages(who.identifierValue);
    assert.equal((await api.validate(who, sessionId, message.otp)).code, 200);
    assert.equal((await api.validate(who, sessionId, message.otp)).code, 1505);
  }

  let evaluated = 0;
  test('a guess is counted', async () => {
    evaluated = await guess(sessions[0], 3);
    assert.equal(evaluated, 3);
  });

  test('a code that was promised validates, once', async () => {
    for (const session of sessions.splice(-VALIDATED)) {
      await logIn(session);
    }
    assert.equal(await ask(await Lane.open(server.port), '12025550103'), 1503);
  });

  test('sessions are opened, and what is refused anyway is refused as ever', async () => {
    const who = mobile('12025550101');
    const sessionId = await api.open(who);
    assert.equal((await api.validate(who, sessionId, '123456')).code, 1537);
  });

  test('with room again, what was evaluated has been counted', async () => {
    growDisk();
    assert.equal(evaluated + (await guess(sessions[0], 20)), TRIES_MAX);
  });

  test('with room again, every code that was promised validates once', async () => {
    const lane = await Lane.open(server.port);
    const deadline = performance.now() + ROOM_MS_MAX;
    while ((await ask(lane, '12025550102')) !== 200) {
      assert.ok(performance.now() < deadline, 'the room is not noticed');
    }
    lane.close();
    for (const session of sessions.slice(-50)) {
      await logIn(session);
    }
  });
});
