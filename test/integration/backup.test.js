// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A backup under load, a kill, a restore: no code and no message of before, everything else.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');

const { Api, mobile } = require('./lib/api');
const { Folder } = require('./lib/folder');
const { Lane } = require('./lib/lane');
const { Mailbox, Person } = require('./lib/ledger');
const { runOtpd } = require('./lib/program');
const { Server } = require('./lib/server');

const EXIT = { usage: 64, data: 65, noInput: 66, cannotCreate: 73, config: 78 };
const LANES = 8;
const PEOPLE = 400; // before the backup, and while it is made
const LIMIT = 2;

const folder = new Folder();
const dataDir = folder.join('data');
const backup = folder.join('backup');
const restored = folder.join('restored');

/** The person's number in the token of an answer. */
function uidOf(text) {
  const [, claims] = /"[\w-]+\.([\w-]+)\.[\w-]+"/.exec(text);
  return JSON.parse(Buffer.from(claims, 'base64url')).uid;
}

const start = (dir) => Server.start({ args: ['--data-dir', dir, '--journal-mib', '4'] });

async function otpd(...words) {
  const end = await runOtpd(words);
  assert.equal(end.status, 0, end.stderr);
  return end.stdout;
}

describe('backup and restore', () => {
  let server;
  let api;
  let number = 0;
  const people = [];
  const known = mobile('919999999801'); // has logged in
  const waiting = mobile('919999999802'); // has a code that is not used until after the backup
  const limited = mobile('919999999803', { brand: 'Limited' });
  const made = {};

  function expectCut(error) {
    const cut = /connection closed|ECONNRE(SET|FUSED)|socket hang up|EPIPE/;
    assert.match(String(error.message), cut);
  }

  async function live(lane, mailbox) {
    for (;;) {
      const person = new Person(mobile(`91990${String(number++).padStart(7, '0')}`));
      await person.open(lane);
      await person.generate(lane);
      people.push(person);
      while (mailbox.code(person) === undefined) {
        await mailbox.read();
      }
      person.code = mailbox.code(person);
      if (number % 3 === 0) {
        await person.logIn(lane);
      }
    }
  }

  async function reach(count) {
    while (people.length < count) {
      await new Promise(setImmediate);
    }
  }

  before(async () => {
    server = await start(dataDir);
    api = new Api(server);
    await otpd('brand', 'add', 'Limited', `otpMaxCount=${LIMIT}`, 'otpTimeOut=10',
      '--data-dir', dataDir);
    const first = await api.begin(known);
    made.uid = uidOf((await api.validate(known, first.sessionId, first.code)).text);
    made.spent = first;
    made.waiting = await api.begin(waiting);
    for (let i = 0; i < LIMIT; i++) {
      await api.begin(limited);
    }
    const lanes = await Lane.openMany(server.port, LANES);
    const mailbox = new Mailbox(api);
    const lives = lanes.map((lane) => live(lane, mailbox).catch(expectCut));
    await reach(PEOPLE);
    const told = otpd('backup', backup, '--data-dir', dataDir);
    made.told = await told;
    await reach(2 * PEOPLE);
    const used = await api.validate(waiting, made.waiting.sessionId, made.waiting.code);
    assert.equal(used.code, 200, 'used after the backup');
    await server.program.signal('SIGKILL');
    await Promise.all(lives);
    await server.kill();
    lanes.forEach((lane) => lane.close());
    api.close();
    await otpd('restore', backup, '--data-dir', restored);
    fs.copyFileSync(path.join(dataDir, 'keys'), path.join(restored, 'keys')); // no backup has them
    server = await start(restored);
    api = new Api(server);
  });

  after(async () => {
    api.close();
    await server.stop();
    folder.remove();
  });

  test('the backup has people, settings and messages, and says so', () => {
    const [, many, settings, messages] =
      /people (\d+), settings (\d+), messages (\d+)/.exec(made.told).map(Number);
    assert.ok(many >= PEOPLE && messages >= PEOPLE && settings >= 2, made.told);
  });

  test('nobody else can read it, and it has no keys', () => {
    for (const dir of [backup, restored]) {
      assert.equal(fs.statSync(dir).mode & 0o777, 0o700);
    }
    const names = fs.readdirSync(backup);
    assert.ok(!names.includes('keys') && names.includes('table.mdb'), String(names));
    for (const name of names) {
      assert.equal(fs.statSync(path.join(backup, name)).mode & 0o777, 0o600, name);
    }
  });

  test('no code of before validates, whether it was used or not', async () => {
    const lane = await Lane.open(server.port);
    const { sessionId, code } = made.waiting;
    assert.notEqual((await api.validate(waiting, sessionId, code)).code, 200);
    const again = await api.validate(known, made.spent.sessionId, made.spent.code);
    assert.notEqual(again.code, 200);
    for (const person of people.filter(({ code }) => code !== null)) {
      assert.notEqual(await person.logIn(lane), 200, person.who.identifierValue);
    }
    lane.close();
  });

  test('nothing of before is sent', async () => {
    const { json } = await api.client.get('/dev/inbox?limit=100');
    assert.deepEqual(json.messages, []);
    const list = await otpd('outbox', 'list', '--all', '--json', '--data-dir', restored);
    assert.deepEqual(JSON.parse(list).messages, []);
  });

  test('who was known is the same person, and logs in with a new code', async () => {
    const { sessionId, code } = await api.begin(known);
    const reply = await api.validate(known, sessionId, code);
    assert.equal(reply.code, 200, reply.text);
    assert.equal(uidOf(reply.text), made.uid);
  });

  test('a session of before gets a new code', async () => {
    const person = people.find(({ isIn }) => !isIn);
    const lane = await Lane.open(server.port);
    assert.equal(await lane.code(person.bytes('otp/generate')), 200);
    lane.close();
  });

  test('settings are there, and what was sent still counts', async () => {
    const shown = await otpd('brand', 'show', 'Limited', '--json', '--data-dir', restored);
    assert.equal(JSON.parse(shown).settings.otpMaxCount, LIMIT);
    const sessionId = await api.open(limited);
    const { code } = await api.generate(limited, sessionId);
    assert.equal(code, 1534);
  });

  test('a new message has the handle of none of before', async () => {
    await api.begin(mobile('919999999804'));
    const list = await otpd('outbox', 'list', '--all', '--json', '--data-dir', restored);
    const { messages } = JSON.parse(list);
    assert.ok(messages.length > 0);
    assert.ok(messages.every(({ handle }) => Number(handle) > 2 ** 32), list);
  });

  test('a backup is no data directory, until it is restored', async () => {
    const { status, stderr } = await runOtpd(['serve', '--dev', '--data-dir', backup,
      '--key-file', path.join(dataDir, 'keys')]);
    assert.equal(status, EXIT.config, stderr);
    assert.match(stderr, /is a backup; otpd restore/);
    const other = folder.join('again');
    await otpd('restore', backup, '--data-dir', other);
    assert.match(await otpd('fsck', '--data-dir', other), /^faults: 0$/m);
  });

  test('what is there is not overwritten, and what is no backup is refused', async () => {
    const taken = await runOtpd(['backup', backup, '--data-dir', restored]);
    assert.equal(taken.status, EXIT.cannotCreate, taken.stderr);
    const used = await runOtpd(['restore', backup, '--data-dir', dataDir]);
    assert.equal(used.status, EXIT.cannotCreate, used.stderr);
    const none = await runOtpd(['restore', dataDir, '--data-dir', folder.join('new')]);
    assert.equal(none.status, EXIT.data, none.stderr);
    assert.match(none.stderr, /is no backup/);
    const missing = await runOtpd(['backup', folder.join('b2'), '--data-dir', folder.join('no')]);
    assert.equal(missing.status, EXIT.noInput, missing.stderr);
    assert.equal((await runOtpd(['backup', folder.join('b3')])).status, EXIT.usage);
  });
});
