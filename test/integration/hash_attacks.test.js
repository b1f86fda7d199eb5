// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Payload encryption against those who have no right hash: they guess, they send again what was
// sent before, and they send a lot.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const { after, before, describe, test } = require('node:test');

const { mobile } = require('./lib/api');
const { FakeClock } = require('./lib/clock');
const { parseExposition, valueOf } = require('./lib/exposition');
const { Folder } = require('./lib/folder');
const { HashSite, TAMPERED, somebody } = require('./lib/hash_site');
const { OAEP_HEADER, byNode, malformed } = require('./lib/hasher');
const { Lane, postBytes, spread } = require('./lib/lane');
const { RawConnection } = require('./lib/raw');

const SOON_MS = 10000;

async function counted(site, result) {
  const page = parseExposition((await site.api.client.get('/metrics')).text);
  return valueOf(page, 'otpd_hashes_total', { result });
}

describe('guesses', () => {
  let site;
  let key;

  before(async () => {
    site = await HashSite.start();
    key = await site.addKey('bits=2048');
    await site.switchOn();
  });
  after(() => site.end());

  /** All bytes of the answer, but for those of the time and of the request's name. */
  async function answer(members, hash, isOaep) {
    const headers = isOaep ? OAEP_HEADER : {};
    const connection = await RawConnection.open(site.server.port);
    await connection.write(postBytes('otp/generate', { ...members, hash }, headers));
    await connection.when(SOON_MS, 'an answer', () => connection.answers.length === 1);
    connection.close();
    return connection.received.replace(/^(Date|X-Request-Id): .*/gim, (line) =>
      line.replace(/(?<=: .*)[0-9A-Za-z]/g, '?'));
  }

  test('of every class get one answer, byte by byte', async () => {
    const members = await site.members();
    const used = byNode(key, members);
    assert.match(await answer(members, used), /"code":200/);
    const late = (age) => byNode(key, { ...members, timeStamp: Date.now() - age });
    const rows = [
      ...malformed(key),
      ['used', used], ['old', late(121000)], ['early', late(-40000)],
      ['of another session', byNode(key, { ...members, sessionId: 'P-1' })],
    ];
    const first = await answer(members, 'AAAA');
    assert.ok(first.endsWith(`\r\n\r\n${TAMPERED}`), first);
    for (const [name, hash, isOaep] of rows) {
      assert.equal(await answer(members, hash, isOaep), first, name);
    }
    const fresh = byNode(key, members);
    assert.match(await answer(members, fresh), /"code":200/);
    assert.equal(await counted(site, 'right'), 2);
    assert.equal(await counted(site, 'used'), 1);
    assert.equal(await counted(site, 'time'), 2);
    assert.equal(await counted(site, 'missing'), 2);
  });
});

describe('a hash that comes again', () => {
  const folder = new Folder();
  const wall = new FakeClock(folder);
  const args = ['--data-dir', folder.join('data')];
  const AGES_S = [0, 1, 10, 60, 119, 121, 130];
  let site;
  let key;

  before(async () => {
    site = await HashSite.start(args, wall.env);
    key = await site.addKey('bits=2048');
    await site.switchOn();
  });
  after(async () => {
    await site.end();
    folder.remove();
  });

  for (const how of ['stop', 'kill']) {
    test(`0 to 130 s later, over restarts by ${how}: it works once`, async () => {
      wall.set(0);
      const members = await site.members();
      const madeAt = Date.now();
      const [used, saved] = [1, 2].map(() => byNode(key, { ...members, timeStamp: madeAt }));
      const ageTo = (age) => wall.set((age - (Date.now() - madeAt) / 1000).toFixed(3));
      assert.equal((await site.send(members, used)).code, 200);
      for (const age of AGES_S) {
        const reason = age < 120 ? /used before/ : /older than/;
        ageTo(age);
        await site.assertRefused(await site.send(members, used), reason);
        await site.end(how);
        ageTo(age);
        site = await HashSite.start(args, wall.env);
        ageTo(age);
        await site.assertRefused(await site.send(members, used), reason);
        if (age === 119) {
          assert.equal((await site.send(members, saved)).code, 200);
        }
      }
      await site.assertRefused(await site.send(members, saved), /older than/);
    });
  }
});

describe('strangers who keep the keys busy', () => {
  const LANES = 200; // more than may wait of one client, which is 128
  const STRANGERS = '127.0.0.9';
  let site;
  let key;

  before(async () => {
    site = await HashSite.start();
    key = await site.addKey();
    await site.switchOn();
    await site.done('brand add Open');
  });
  after(() => site.end());

  const garbage = (members) => {
    const cipher = Buffer.concat([Buffer.from([1]), crypto.randomBytes(511)]);
    return postBytes('otp/generate', { ...members, hash: cipher.toString('base64') });
  };
  const threads = () => fs.readdirSync(`/proc/${site.server.pid}/task`).length;
  const codeOf = ({ body }) => Number(/"code":(\d+)/.exec(body)[1]);

  /** Codes of those of Open, and of those of DocDemo, whose hashes are right. */
  async function people() {
    const others = await Promise.all(Array.from({ length: 40 }, async (_, i) => {
      const who = mobile(`917777${String(100000 + i)}`, { brand: 'Open' });
      return { ...who, sessionId: await site.api.open(who) };
    }));
    const sealed = await Promise.all([1, 2, 3, 4].map(() => site.members()));
    const replies = Promise.all([
      ...others.map((members) => site.send(members)),
      ...sealed.map((members) => site.send(members, byNode(key, members))),
    ]);
    return (await replies).map(({ code }) => code);
  }

  test('refuse nobody else, and have no more than their share', async () => {
    const members = await site.members(somebody());
    const lanes = await Lane.openMany(site.server.port, LANES, STRANGERS);
    const held = threads();
    const volley = await Promise.all(lanes.map((lane) => lane.exchange(garbage(members))));
    const codes = volley.map(codeOf);
    assert.ok(codes.filter((code) => code === 503).length >= 40, String(codes));
    let isOver = false;
    const load = spread(lanes, Array(LANES), async (lane) => {
      while (!isOver) {
        codes.push(codeOf(await lane.exchange(garbage(members))));
      }
    });
    assert.deepEqual([...new Set(await people())], [200]);
    assert.equal(threads(), held);
    isOver = true;
    await load;
    lanes.forEach((lane) => lane.close());
    assert.deepEqual([...new Set(codes)].sort(), [5004, 503]);
    const busy = codes.filter((code) => code === 503).length;
    assert.equal(await counted(site, 'busy'), busy);
    assert.equal(await counted(site, 'unreadable'), codes.length - busy);
  });
});
