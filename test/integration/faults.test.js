// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A server that is killed at a system call, or whose call fails, for each call in a flow through
// all endpoints: strace counts the calls of each thread and strikes at the n-th. After it, a new
// start has all that was answered.
//
// FAULTS in the environment is "all" for every point; otherwise some are taken.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { spawn, spawnSync } = require('node:child_process');
const { describe, test } = require('node:test');

const { Api, mobile } = require('./lib/api');
const { Folder } = require('./lib/folder');
const { Lane } = require('./lib/lane');
const { Mailbox, Person, assertDelivered, assertKept } = require('./lib/ledger');
const { runOtpd } = require('./lib/program');
const { Server } = require('./lib/server');
const { until } = require('./lib/wait');

const hasAll = process.env.FAULTS === 'all';
const STEP = hasAll ? 1 : 5;
const CODE_MS = 3000;
const ATTACH_MS = 3000;
const STOP_MS = 30000;
const EXIT_OS = 71;
const WRITING = ['pwrite64', 'pwritev', 'fdatasync', 'fsync', 'renameat', 'unlinkat'];
const OTHERS = ['openat', 'close', 'pread64', 'ftruncate', 'mmap', 'munmap', 'futex', 'write',
  'writev', 'read', 'epoll_ctl', 'accept4', 'mkdir', 'fcntl'];
const KILLED_AT = hasAll ? [...WRITING, ...OTHERS] : WRITING;
const FAILED_AT = ['pwrite64', 'pwritev', 'fdatasync', 'fsync', 'renameat'];

const hasStrace = spawnSync('strace', ['-V']).error === undefined;
const skip = hasStrace ? false : 'there is no strace';

const keyFolder = new Folder();

/** Made before, by a command that nobody strikes. */
async function keys() {
  const file = keyFolder.join('keys');
  if (!fs.existsSync(file)) {
    assert.equal((await runOtpd(['init', '--key-file', file])).status, 0);
  }
  return ['--key-file', file];
}

/** Three people: one has a code, one has guessed, one is in. False: it could not go on. */
async function flow(server, people) {
  const api = new Api(server);
  const lane = await Lane.open(server.port);
  const mailbox = new Mailbox(api);
  for (let i = 0; i < 3; i++) {
    const person = new Person(mobile(`9199000000${i}0`));
    people.push(person);
    await person.open(lane);
    await person.generate(lane);
    await until(CODE_MS, 'a code', async () => {
      await mailbox.read();
      return mailbox.code(person) !== undefined;
    });
    person.code = mailbox.code(person);
    if (i > 0) {
      assert.equal(await person.guessWrong(lane), 1506);
    }
    if (i > 1) {
      assert.equal(await person.logIn(lane), 200);
    }
  }
  lane.close();
  api.close();
}

/** strace on a server that serves already: its counts begin now. */
async function attach(server, words) {
  const tracer = spawn('strace', ['-f', '-p', String(server.pid), ...words]);
  let text = '';
  tracer.stderr.on('data', (chunk) => (text += chunk));
  await until(ATTACH_MS, 'strace', () => text.includes('attached'));
  return tracer;
}

/** The flow under strace: whether it went through, and what people were told. */
async function trace({ data, isServing }, output, ...options) {
  const words = ['-o', output, ...options];
  const wrapper = isServing ? [] : ['strace', '-D', '-f', '-qqq', ...words];
  const people = [];
  const args = ['--data-dir', data, '--journal-mib', '4', '--loops', '1', ...(await keys())];
  let isThrough = false;
  let server = null;
  let tracer = null;
  try {
    server = await Server.start({ args, wrapper });
    tracer = isServing ? await attach(server, words) : null;
    await flow(server, people);
    isThrough = true;
  } catch {
    // struck
  }
  await server?.kill();
  tracer?.kill('SIGKILL');
  return { isThrough, people };
}

/** How often each call is made, by the thread that makes it most often. */
async function countPoints(calls, isServing) {
  const folder = new Folder();
  const output = folder.join('trace');
  const place = { data: folder.join('data'), isServing };
  const { isThrough } = await trace(place, output, '-e', `trace=${calls.join(',')}`);
  assert.ok(isThrough);
  const counts = new Map();
  for (const [, thread, call] of fs.readFileSync(output, 'utf8').matchAll(/^(\d+) +(\w+)\(/gm)) {
    counts.set(`${call} ${thread}`, (counts.get(`${call} ${thread}`) ?? 0) + 1);
  }
  folder.remove();
  const most = (call) => Math.max(0, ...[...counts].filter(([key]) => key.startsWith(`${call} `))
    .map(([, count]) => count));
  return calls.map((call) => [call, most(call)]);
}

async function checkKept(data, people) {
  const args = ['--data-dir', data, '--journal-mib', '4', ...(await keys())];
  const server = await Server.start({ args });
  const api = new Api(server);
  const lane = await Lane.open(server.port);
  const issued = people.filter((person) => person.isIssued);
  await assertDelivered(lane, issued, new Mailbox(api));
  for (const [i, person] of issued.entries()) {
    await assertKept(lane, person, i);
  }
  lane.close();
  api.close();
  await server.kill();
}

async function strike(place, injection, facts) {
  const { isThrough, people } = await trace(place, '/dev/null', '-e', `inject=${injection}`);
  await checkKept(place.data, people);
  facts.covered++;
  facts.ended += isThrough ? 0 : 1;
  facts.told += people.filter((person) => person.isIssued).length;
}

async function sweep(t, calls, injectionOf) {
  const facts = { existing: 0, covered: 0, ended: 0, told: 0 };
  for (const isServing of [false, true]) {
    for (const [call, count] of await countPoints(calls, isServing)) {
      facts.existing += count;
      for (let n = 1 + (count % STEP); n <= count; n += STEP) {
        const folder = new Folder();
        await strike({ data: folder.join('data'), isServing }, injectionOf(call, n), facts);
        folder.remove();
      }
    }
  }
  t.diagnostic(`points ${facts.covered} of ${facts.existing}, ended by it ${facts.ended}, ` +
    `codes acknowledged ${facts.told}: lost 0, wrong successes 0`);
  assert.ok(facts.ended > 0 && facts.told > 0);
}

describe('faults of the data directory', { skip, timeout: 3600000 }, () => {
  test('killed at each call', (t) => {
    return sweep(t, KILLED_AT, (call, n) => `${call}:signal=KILL:when=${n}`);
  });

  test('a failed sync ends the server, and it says why', async () => {
    const folder = new Folder();
    const args = ['--data-dir', folder.join('data'), '--journal-mib', '4', ...(await keys())];
    const server = await Server.start({ args });
    const words = ['-o', '/dev/null', '-e', 'inject=fdatasync:error=EIO:when=1+'];
    const tracer = await attach(server, words);
    const lane = await Lane.open(server.port);
    const person = new Person(mobile('91990000009'));
    await person.open(lane);
    assert.notEqual(await lane.code(person.bytes('otp/generate')), 200);
    const end = await server.program.end(STOP_MS);
    assert.equal(end.status, EXIT_OS);
    const [failed] = server.events('store.failed');
    assert.equal(failed.what, 'Input/output error');
    assert.equal(server.events('server.failed').length, 1);
    lane.close();
    tracer.kill('SIGKILL');
    await server.kill();
    folder.remove();
  });

  test('each call fails once', (t) => {
    return sweep(t, FAILED_AT, (call, n) => `${call}:error=EIO:when=${n}`);
  });
});
