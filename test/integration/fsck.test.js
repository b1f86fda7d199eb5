// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// otpd fsck over what servers leave: whole after kills under load, and damage is told.
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

const EXIT = { usage: 64, data: 65, noInput: 66, unavailable: 69, config: 78 };
const KILLS = 4;
const LANES = 8;
const PEOPLE = 150; // begun before each kill
const BLOCK_BYTES = 4096;
const RECORD_MAGIC = 'oJr1';

const folder = new Folder();
const dataDir = folder.join('data');
let number = 0;
let copies = 0;

const fsck = (dir, ...more) => runOtpd(['fsck', '--data-dir', dir, ...more]);
const start = () => Server.start({ args: ['--data-dir', dataDir, '--journal-mib', '4'] });

/** People who log in, or not, until the connection ends. */
async function live(lane, mailbox, onPerson) {
  for (;;) {
    onPerson();
    const person = new Person(mobile(`91990${String(number++).padStart(7, '0')}`));
    await person.open(lane);
    await person.generate(lane);
    if (number % 3 === 0) {
      continue;
    }
    while (mailbox.code(person) === undefined) {
      await mailbox.read();
    }
    person.code = mailbox.code(person);
    await person.guessWrong(lane);
    await person.logIn(lane);
  }
}

/** A connection that ends is what is wanted here; any other failure is not. */
function expectCut(error) {
  assert.match(String(error.message), /connection closed|ECONNRE(SET|FUSED)|socket hang up|EPIPE/);
}

async function loadAndKill() {
  const server = await start();
  const api = new Api(server);
  const mailbox = new Mailbox(api);
  const lanes = await Lane.openMany(server.port, LANES);
  const last = number + PEOPLE;
  const lives = lanes.map((lane) => live(lane, mailbox, () => {
    if (number >= last) {
      server.program.signal('SIGKILL');
    }
  }).catch(expectCut));
  await Promise.all(lives);
  await server.kill();
  lanes.forEach((lane) => lane.close());
  api.close();
}

/** A copy of the data to damage, without what only a running server has. */
function copy() {
  const to = folder.join(`copy-${++copies}`);
  fs.cpSync(dataDir, to, {
    recursive: true,
    filter: (name) => !name.endsWith('control.sock'),
  });
  return to;
}

/** Records of a copy's segments: {file, at, sequence}, in their order. */
function recordsOf(dir) {
  const journal = path.join(dir, 'journal');
  const records = [];
  for (const name of fs.readdirSync(journal).filter((each) => /^[0-9a-f]{16}$/.test(each))) {
    const file = path.join(journal, name);
    const bytes = fs.readFileSync(file);
    for (let at = BLOCK_BYTES; at < bytes.length; at += BLOCK_BYTES) {
      const isHere = bytes.readBigUInt64BE(at + 24) === BigInt(`0x${name}`) &&
        bytes.readUInt32BE(at + 12) === at; // else it is what a segment was before
      if (isHere && bytes.toString('latin1', at, at + 4) === RECORD_MAGIC) {
        records.push({ file, at, sequence: Number(bytes.readBigUInt64BE(at + 16)) });
      }
    }
  }
  return records.sort((a, b) => a.sequence - b.sequence);
}

function flip(file, at) {
  const bytes = fs.readFileSync(file);
  bytes[at] ^= 1;
  fs.writeFileSync(file, bytes);
}

function stateOf(dir) {
  const names = fs.readdirSync(dir, { recursive: true }).sort();
  return names.map((name) => {
    const file = path.join(dir, name);
    return fs.statSync(file).isFile() ? [name, fs.readFileSync(file).toString('base64')] : [name];
  });
}

describe('otpd fsck', () => {
  before(async () => {
    for (let i = 0; i < KILLS; i++) {
      await loadAndKill();
    }
  });
  after(() => folder.remove());

  test('finds nothing wrong after kills under load, and says what there is', async () => {
    const { status, stdout } = await fsck(dataDir);
    assert.equal(status, 0, stdout);
    const [, messages] = /^table: messages (\d+) \(open \d+\), people (\d+),/m.exec(stdout);
    assert.ok(Number(messages) >= KILLS * PEOPLE / 2, stdout);
    assert.match(stdout, /^journal: segments \d+, spares \d+; a start reads \d+ records/m);
    assert.match(stdout, /^keys: compared$/m); // a development server's own
    assert.match(stdout, /^faults: 0$/m);
  });

  test('changes nothing', async () => {
    const dir = copy();
    const was = stateOf(dir);
    assert.equal((await fsck(dir)).status, 0);
    assert.deepEqual(stateOf(dir), was);
  });

  test('a torn record at the end is no fault, and the server starts with the rest', async () => {
    const dir = copy();
    const { file, at } = recordsOf(dir).at(-1);
    flip(file, at + 40);
    const { status, stdout } = await fsck(dir);
    assert.equal(status, 0, stdout);
    assert.match(stdout, /as a crash leaves it/);
  });

  test('a damaged record before the end is told, as the server tells it', async () => {
    const dir = copy();
    const { file, at } = recordsOf(dir).at(-3);
    flip(file, at + 40);
    const { status, stdout } = await fsck(dir);
    assert.equal(status, EXIT.data);
    assert.match(stdout, /^fault: the journal is damaged \(journal segment/m);
    const server = await runOtpd(['serve', '--dev', '--data-dir', dir]);
    assert.equal(server.status, EXIT.config);
    assert.match(server.stderr, /is damaged \(journal segment/);
  });

  test('a journal that is gone is told', async () => {
    const dir = copy();
    fs.rmSync(path.join(dir, 'journal'), { recursive: true });
    const { status, stdout } = await fsck(dir);
    assert.equal(status, EXIT.data);
    assert.match(stdout, /^fault: the journal is missing/m);
  });

  test('damaged rows and pages of the table are told', async () => {
    const dir = copy();
    const file = path.join(dir, 'table.mdb');
    const { size } = fs.statSync(file);
    const bytes = fs.readFileSync(file);
    for (let at = 2 * BLOCK_BYTES + 3000; at < size; at += BLOCK_BYTES) {
      bytes[at] ^= 1;
    }
    fs.writeFileSync(file, bytes);
    const { status, stdout } = await fsck(dir);
    assert.equal(status, EXIT.data);
    assert.match(stdout, /^fault: /m);
  });

  test('a table that is cut short, or is none, is told', async () => {
    const dir = copy();
    const file = path.join(dir, 'table.mdb');
    fs.truncateSync(file, 2 * BLOCK_BYTES);
    const short = await fsck(dir);
    assert.equal(short.status, EXIT.data);
    assert.match(short.stdout, /^fault: the table cannot be read to its end/m);
    fs.writeFileSync(file, 'this is not a table\n'.repeat(1000));
    const none = await fsck(dir);
    assert.equal(none.status, EXIT.data);
    assert.match(none.stderr, /cannot open .*table\.mdb/);
  });

  test('other keys are told', async () => {
    const keys = folder.join('other-keys');
    assert.equal((await runOtpd(['init', '--key-file', keys])).status, 0);
    const { status, stdout } = await fsck(dataDir, '--key-file', keys);
    assert.equal(status, EXIT.data);
    assert.match(stdout, /^fault: row of META identity says .* other keys than these/m);
  });

  test('without keys it says so', async () => {
    const dir = copy();
    fs.rmSync(path.join(dir, 'keys'));
    const { status, stdout } = await fsck(dir);
    assert.equal(status, 0);
    assert.match(stdout, /^keys: not compared/m);
  });

  test('waits for no running server', async () => {
    const server = await start();
    const { status, stderr } = await fsck(dataDir);
    await server.stop();
    assert.equal(status, EXIT.unavailable);
    assert.match(stderr, /is in use by process \d+/);
  });

  test('wants a data directory', async () => {
    assert.equal((await runOtpd(['fsck'])).status, EXIT.usage);
    assert.equal((await runOtpd(['fsck', '--data-dir'])).status, EXIT.usage);
    assert.equal((await runOtpd(['fsck', '--data'])).status, EXIT.usage);
    const missing = folder.join('none');
    const { status, stderr } = await fsck(missing);
    assert.equal(status, EXIT.noInput);
    assert.match(stderr, /is no data directory/);
    assert.ok(!fs.existsSync(missing));
  });

  test('takes it from the environment too', async () => {
    const { status } = await runOtpd(['fsck'], { env: { OTPD_DATA_DIR: dataDir } });
    assert.equal(status, 0);
  });
});
