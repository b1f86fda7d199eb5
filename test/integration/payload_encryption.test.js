// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// otp/generate of a brand with payload encryption: the clients that the documentation shows, keys
// that change, hashes that come twice, and what is told to whom.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { after, before, describe, test } = require('node:test');

const { email } = require('./lib/api');
const { Folder } = require('./lib/folder');
const { HashSite } = require('./lib/hash_site');
const { byJava, byNode, byPython, byWebCrypto, encrypt, lacks } = require('./lib/hasher');
const { runOtpd } = require('./lib/program');

const SECOND = 1000;
const EXIT_DATA = 65;
const JAVA_PKCS1 = 'RSA/ECB/PKCS1Padding';
const JAVA_OAEP = 'RSA/ECB/OAEPWithSHA-256AndMGF1Padding';

describe('clients', () => {
  let site;
  const keys = new Map(); // bits: public half

  before(async () => {
    site = await HashSite.start();
    for (const bits of [2048, 3072, 4096]) {
      keys.set(bits, await site.addKey(`bits=${bits}`));
    }
    await site.switchOn();
  });
  after(() => site.end());

  const assertSent = async (members, hash, options) => {
    const reply = await site.send(members, hash, options);
    assert.equal(reply.code, 200, reply.text);
  };

  for (const bits of [2048, 3072, 4096]) {
    test(`Node and a browser's WebCrypto, ${bits} bits`, async () => {
      const key = keys.get(bits);
      const one = await site.members();
      await assertSent(one, byNode(key, one));
      await assertSent(one, byNode(key, one, { isOaep: true }), { isOaep: true });
      await assertSent(one, await byWebCrypto(key, one), { isOaep: true });
      const [message] = await site.api.messages(one.identifierValue);
      const { sessionId, ...who } = one;
      assert.equal((await site.api.validate(who, sessionId, message.otp)).code, 200);
    });
  }

  const noPython = lacks('python3', ['-c', 'import cryptography']);
  test('Python, both paddings, three lengths', { skip: noPython }, async () => {
    const calls = [];
    for (const publicKey of keys.values()) {
      for (const isOaep of [false, true]) {
        calls.push({ publicKey, isOaep, members: await site.members() });
      }
    }
    const hashes = byPython(calls);
    for (const [i, { members, isOaep }] of calls.entries()) {
      await assertSent(members, hashes[i], { isOaep });
    }
  });

  const noJava = lacks('javac', ['-version']);
  test('Java, whose OAEP has SHA-1 in its MGF1', { skip: noJava }, async () => {
    const folder = new Folder();
    const calls = [];
    for (const transformation of [JAVA_PKCS1, JAVA_OAEP]) {
      calls.push({ transformation, members: await site.members() });
    }
    const hashes = byJava(folder, keys.get(4096), calls);
    for (const [i, { transformation, members }] of calls.entries()) {
      await assertSent(members, hashes[i], { isOaep: transformation === JAVA_OAEP });
    }
    folder.remove();
  });

  test('the web family, legacy bodies, usernames, a batch', async () => {
    const key = keys.get(4096);
    const { deviceId, ...web } = email('asha@example.com');
    const ofWeb = await site.members(web, 'web/');
    await assertSent(ofWeb, byNode(key, ofWeb), { family: 'web/' });
    const ofNull = { ...ofWeb, deviceId: null };
    await assertSent(ofWeb, byNode(key, ofNull), { family: 'web/' });
    const legacy = await site.members({ brand: 'DocDemo', deviceId, mobile: '12025550141' });
    await assertSent(legacy, byNode(key, legacy));
    const user = await site.members({ identifierType: 'USERNAME', identifierValue: 'asha',
      brand: 'DocDemo', deviceId, mobile: '12025550142' });
    await assertSent(user, byNode(key, user));
    const items = [];
    for (let i = 0; i < 3; i++) {
      const members = await site.members();
      items.push({ ...members, hash: i === 1 ? 'AAAA' : byNode(key, members) });
    }
    const reply = await site.api.calls.post('/auth/v1/otp/generate', items);
    assert.deepEqual(reply.json.map(({ status }) => status.code), [200, 5004, 200]);
  });
});

describe('refusals', () => {
  let site;
  let key;

  before(async () => {
    site = await HashSite.start();
    key = await site.addKey('bits=2048');
    await site.switchOn();
  });
  after(() => site.end());

  const CHANGES = [
    ['brand', 'docdemo', /brand differs/],
    ['deviceId', 'device-2', /deviceId differs/],
    ['identifierType', 'EMAIL', /identifierType differs/],
    ['identifierValue', '917777799999', /identifierValue differs/],
    ['sessionId', 'P-7df5e433-17bb-4f02-9ce0-7420ba69c7b4', /sessionId differs/],
    ['mobile', '12025550143', /mobile differs/],
    ['email', 'a@example.com', /email differs/],
    ['timeStamp', 'soon', /no key .* opens it/],
    ['timeStamp', undefined, /no key .* opens it/],
  ];
  for (const [member, value, reason] of CHANGES) {
    test(`${member} changed to ${value}`, async () => {
      const members = await site.members();
      const reply = await site.send(members, byNode(key, { ...members, [member]: value }));
      await site.assertRefused(reply, reason);
      assert.equal((await site.send(members, byNode(key, members))).code, 200);
    });
  }

  test('the clock of a device', async () => {
    const members = await site.members();
    const at = (age) => byNode(key, { ...members, timeStamp: Date.now() - age });
    for (const age of [-28 * SECOND, -5 * SECOND, 60 * SECOND, 118 * SECOND]) {
      assert.equal((await site.send(members, at(age))).code, 200, String(age));
    }
    await site.assertRefused(await site.send(members, at(121 * SECOND)), /older than/);
    await site.assertRefused(await site.send(members, at(-33 * SECOND)), /ahead of/);
    const beside = { more: { timeStamp: Date.now() - 121 * SECOND } };
    await site.assertRefused(await site.send(members, at(0), beside), /older than/);
  });

  test('what is no hash', async () => {
    const members = await site.members();
    const { publicKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
    const foreign = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    const rows = [
      [undefined, /missing/], [null, /missing/], ['', /missing/], [7, /missing/],
      ['%%%', /base64/], ['A'.repeat(2000), /base64/], ['AAAA', /not as long/],
      [Buffer.alloc(256, 1).toString('base64'), /no key/],
      [Buffer.alloc(256, 255).toString('base64'), /no key/],
      [byNode(foreign, members), /no key/], [encrypt(key, '[]'), /no key/],
      [byNode(key, members, { isOaep: true }), /no key/],
    ];
    for (const [hash, reason] of rows) {
      await site.assertRefused(await site.send(members, hash), reason);
    }
  });

  test('without PKCS#1, and without encryption', async () => {
    const members = await site.members();
    await site.done('brand set DocDemo encryption.pkcs1=false');
    await site.assertRefused(await site.send(members, byNode(key, members)), /pkcs1 is off/);
    const oaep = byNode(key, members, { isOaep: true });
    assert.equal((await site.send(members, oaep, { isOaep: true })).code, 200);
    await site.done('brand unset DocDemo encryption.pkcs1 encryption.endpoints');
    assert.equal((await site.send(members, 'whatever')).code, 200);
    await site.switchOn();
    await site.assertRefused(await site.send(members, 'whatever'), /not as long/);
  });

  test('the log has the reason and the network, and neither hash nor person', async () => {
    const members = await site.members();
    const hash = byNode(key, { ...members, brand: 'X' });
    const line = JSON.stringify(await site.refusalOf(await site.send(members, hash)));
    assert.match(line, /"brand":"DocDemo"/);
    assert.doesNotMatch(line, new RegExp(`${members.identifierValue}|127\\.0\\.0\\.1"`));
    assert.ok(!line.includes(hash.slice(0, 20)));
  });
});

describe('once', () => {
  const folder = new Folder();
  const args = ['--data-dir', folder.join('data')];
  let site;
  let key;

  before(async () => {
    site = await HashSite.start(args);
    key = await site.addKey('bits=2048');
    await site.switchOn();
  });
  after(async () => {
    await site.end();
    folder.remove();
  });

  const restart = async (how) => {
    await site.end(how);
    site = await HashSite.start(args);
  };

  for (const how of ['stop', 'kill']) {
    test(`over a restart by ${how}`, async () => {
      const members = await site.members();
      const hash = byNode(key, members);
      assert.equal((await site.send(members, hash)).code, 200);
      await site.assertRefused(await site.send(members, hash), /used before/);
      await restart(how);
      await site.assertRefused(await site.send(members, hash), /used before/);
      assert.equal((await site.send(members, byNode(key, members))).code, 200);
    });
  }

  test('of many at once, one', async () => {
    const members = await site.members();
    const hash = byNode(key, members);
    const replies = await Promise.all(Array.from({ length: 30 }, () => site.send(members, hash)));
    const codes = replies.map(({ code }) => code).sort();
    assert.deepEqual(codes, [200, ...Array(29).fill(5004)]);
  });

  test('40 in any order, each of them once', async () => {
    const members = await site.members();
    const now = Date.now();
    const hashes = Array.from({ length: 40 }, (_, i) =>
      byNode(key, { ...members, timeStamp: now + ((i * 7) % 13) }));
    const tally = async () => {
      const replies = await Promise.all(hashes.map((hash) => site.send(members, hash)));
      return replies.filter(({ code }) => code === 200).length;
    };
    assert.ok(await tally() >= 32);
    assert.equal(await tally(), 0);
  });
});

describe('keys', () => {
  let site;

  before(async () => {
    site = await HashSite.start();
  });
  after(() => site.end());

  test('change while people log in', async () => {
    const old = await site.addKey('bits=2048');
    await site.switchOn();
    const stages = [];
    let isOver = false;
    const load = async (keyOf) => {
      while (!isOver) {
        const members = await site.members();
        stages.push((await site.send(members, byNode(keyOf(), members))).code);
      }
    };
    let latest = old;
    const crowd = [load(() => old), load(() => latest), load(() => latest)];
    latest = await site.addKey('bits=2048');
    await site.done('brand set DocDemo encryption.validSeconds=60');
    isOver = true;
    await Promise.all(crowd);
    assert.ok(stages.length > 3);
    assert.deepEqual([...new Set(stages)], [200]);
    await site.done('brand encryption retire DocDemo 1');
    const members = await site.members();
    await site.assertRefused(await site.send(members, byNode(old, members)), /no key/);
    assert.equal((await site.send(members, byNode(latest, members))).code, 200);
  });

  test('come from a file, and go', async () => {
    const { publicKey, privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
    const der = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    for (const type of ['pkcs8', 'pkcs1']) {
      const file = site.server.folder.write(type, privateKey.export({ type, format: 'pem' }));
      const run = await site.otpd(`brand encryption add DocDemo privateKey=@${file}`);
      assert.equal(run.status, type === 'pkcs8' ? 0 : EXIT_DATA, run.stderr);
      if (type === 'pkcs1') {
        assert.match(run.stderr, /has that key already/);
      }
    }
    assert.equal((await site.done('brand encryption list DocDemo')).split('\n').length, 3);
    const shown = await site.done('brand encryption list DocDemo 3');
    assert.equal(shown.trim().split('\n').at(-1), der);
    const members = await site.members();
    assert.equal((await site.send(members, byNode(der, members))).code, 200);
    assert.doesNotMatch(await site.done('brands export'), /PRIVATE|encryptionKeys|sealed/);
  });

  const REFUSED = [
    ['brand encryption add DocDemo bits=1024', /2048, 3072 or 4096/],
    ['brand encryption add DocDemo privateKey=MIIEvQ', /seen by every user/],
    ['brand encryption add Nobody bits=2048', /no brand "Nobody"/],
    ['brand encryption retire DocDemo 9', /no encryption key 9/],
    ['brand encryption list DocDemo 9', /no encryption key 9/],
    ['brand set DocDemo encryption.endpoints=otp/validate', /is not otp\/generate/],
    ['brand set DocDemo encryption.validSeconds=0', /1 to 3600/],
  ];
  for (const [line, story] of REFUSED) {
    test(`${line}: refused`, async () => {
      const run = await site.otpd(line);
      assert.equal(run.status, EXIT_DATA);
      assert.match(run.stderr, story);
    });
  }

  test('the last one stays while encryption is on, and must be there before', async () => {
    await site.done('brand add Other');
    const early = await site.otpd('brand set Other encryption.endpoints=otp/generate');
    assert.match(early.stderr, /add one first: otpd brand encryption add Other/);
    await site.done('brand encryption add Other bits=2048');
    await site.done('brand set Other encryption.endpoints=otp/generate');
    const late = await site.otpd('brand encryption retire Other 1');
    assert.equal(late.status, EXIT_DATA);
    await site.done('brand unset Other encryption.endpoints');
    assert.equal(await site.done('brand encryption retire Other 1'), '');
  });
});

describe('otpd hash-debug', () => {
  let site;
  let key;
  let members;
  let privateFile;
  let own;

  before(async () => {
    site = await HashSite.start();
    key = await site.addKey('bits=2048');
    members = await site.members();
    const pair = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
    privateFile = site.server.folder.write('own.pem',
      pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    own = pair.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  });
  after(() => site.end());

  const debug = async (body, flags, isOnline = true) => {
    const file = site.server.folder.write('request.json', JSON.stringify(body));
    const ofServer = `--brand DocDemo --socket ${site.socket}`;
    const where = isOnline ? ofServer : `--private-key ${privateFile}`;
    return runOtpd(`hash-debug --file ${file} ${where}${flags}`.split(' '));
  };

  const ROWS = [
    ['a right one', () => ({}), '', 0, /This hash is right/],
    ['a device', () => ({ deviceId: 'other' }), '', EXIT_DATA, /5004: deviceId differs/],
    ['an old one', () => ({ timeStamp: Date.now() - 121 * SECOND }), '', EXIT_DATA, /older than/],
    ['a header too many', () => ({}), ' --oaep', EXIT_DATA, /PKCS#1 v1\.5, but the header/],
  ];
  for (const [name, change, flags, status, words] of ROWS) {
    test(`${name}, with the server and without`, async () => {
      for (const isOnline of [true, false]) {
        const hash = byNode(isOnline ? key : own, { ...members, ...change() });
        const run = await debug({ ...members, hash }, flags, isOnline);
        assert.equal(run.status, status, run.stderr);
        assert.match(run.stdout, words);
      }
    });
  }

  test('what cannot be opened or read', async () => {
    const oaep = byNode(key, members, { isOaep: true });
    assert.match((await debug({ ...members, hash: oaep }, '')).stdout, /OAEP, but the header/);
    assert.match((await debug({ ...members, hash: oaep }, ' --oaep')).stdout, /hash is right/);
    assert.match((await debug({ ...members, hash: byNode(own, members) }, '')).stdout, /no key/);
    assert.match((await debug(members, '')).stdout, /hash is missing/);
    assert.match((await debug({ ...members, hash: 'AAAA' }, '')).stdout, /not as long/);
    assert.match((await debug({ hash: 'AAAA' }, '')).stderr, /is missing/);
    assert.equal((await runOtpd(['hash-debug'])).status, 64);
    assert.match((await runOtpd(['hash-debug', '--fil', 'x'])).stderr, /did you mean --file/);
  });
});
