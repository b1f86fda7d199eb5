// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A data directory: what was answered is there after a restart, and the directory is one server's.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { after, before, describe, test } = require('node:test');

const { Api, mobile, wrong } = require('./lib/api');
const { configText } = require('./lib/config');
const { Folder } = require('./lib/folder');
const { runOtpd } = require('./lib/program');
const { Server } = require('./lib/server');

/** The person's number in the first token of an answer. */
function uidOf(reply) {
  const [, claims] = /"[\w-]+\.([\w-]+)\.[\w-]+"/.exec(reply.text);
  return JSON.parse(Buffer.from(claims, 'base64url')).uid;
}

const EXIT = { unavailable: 69, config: 78 };

describe('a data directory', () => {
  let folder;
  let args;
  let server;
  let api;

  const start = async () => {
    server = await Server.start({ args });
    api = new Api(server);
  };
  const restart = async (end) => {
    api.close();
    await server[end]();
    await start();
  };

  before(async () => {
    folder = new Folder();
    args = ['--data-dir', folder.join('data')];
    await start();
  });
  after(async () => {
    api.close();
    await server.stop();
    folder.remove();
  });

  for (const end of ['stop', 'kill']) {
    test(`a code validates once, and only once, over a restart by ${end}`, async () => {
      const who = mobile(end === 'stop' ? '919999999901' : '919999999902');
      const { sessionId, code } = await api.begin(who);
      await restart(end);
      const first = await api.validate(who, sessionId, code);
      assert.equal(first.code, 200, first.text);
      await restart(end);
      assert.notEqual((await api.validate(who, sessionId, code)).code, 200);
    });
  }

  test('a code is committed, and commits are counted and timed', async () => {
    const page = async () => (await api.client.get('/metrics')).text;
    const commits = async () => Number(/^otpd_store_commits_total (\d+)$/m.exec(await page())[1]);
    const who = mobile('919999999904');
    const sessionId = await api.open(who);
    const start = await commits();
    assert.equal((await api.generate(who, sessionId)).code, 200);
    assert.ok((await commits()) > start);
    assert.match(await page(), /^otpd_store_duration_seconds_count\{op="commit"\} [1-9]\d*$/m);
  });

  test('a person stays the same one, and guesses stay counted', async () => {
    const who = mobile('919999999903');
    const ids = [];
    for (let i = 0; i < 2; i++) {
      const { sessionId, code } = await api.begin(who);
      const reply = await api.validate(who, sessionId, code);
      assert.equal(reply.code, 200, reply.text);
      ids.push(uidOf(reply));
      await restart('kill');
    }
    assert.ok(ids[0] !== undefined);
    assert.equal(ids[0], ids[1]);
    const { sessionId, code } = await api.begin(who);
    const codes = [];
    for (let i = 1; i <= 6; i++) {
      codes.push((await api.validate(who, sessionId, wrong(code, i))).code);
      await restart('kill');
    }
    assert.notEqual(codes[5], codes[0], codes.join(' '));
    assert.notEqual((await api.validate(who, sessionId, code)).code, 200);
  });

  test('is for one server at a time, and says which', async () => {
    const again = await runOtpd(['serve', '--dev', '--listen', '127.0.0.1:0', ...args]);
    assert.equal(again.status, EXIT.unavailable);
    const holder = `process ${server.pid} \\(otpd\\)`;
    const wanted = `in use by ${holder}; stop it, or choose another --data-dir`;
    assert.match(again.stderr, new RegExp(wanted));
  });

  test("is its owner's alone", () => {
    const modeOf = (path) => fs.statSync(path).mode & 0o777;
    const inFolder = (path) => fs.readdirSync(path).map((name) => `${path}/${name}`);
    const folders = [folder.join('data'), folder.join('data/journal')];
    const files = folders.flatMap(inFolder).filter((path) => !folders.includes(path));
    assert.ok(files.length >= 5);
    assert.deepEqual([...new Set(files.map(modeOf))], [0o600]);
    assert.deepEqual(folders.map(modeOf), [0o700, 0o700]);
  });

  test('belongs to the keys that it was made with', async () => {
    const keyFile = folder.join('other-keys');
    await runOtpd(['init', '--key-file', keyFile]);
    api.close();
    await server.stop();
    const config = folder.write('otpd.yaml', configText({ Shop: {} }, { keyFile }));
    const flags = ['--listen', '127.0.0.1:0', '--config', config];
    const refused = await runOtpd(['serve', ...flags, ...args]);
    assert.equal(refused.status, EXIT.config);
    assert.match(refused.stderr, /was made with other keys than the ones given; give the key file/);
    await start();
  });
});
