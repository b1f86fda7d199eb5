// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Power cuts under load: a file system of its own in a file, cut off from its device by the kernel,
// so that whatever was not synced is gone. What was answered before the cut must be there after it;
// answers that were read later do not count: a sync that was under way may then have said "done".
//
// At three starts of four a record is written page by page (BY_PAGES), so that cuts tear some.
//
// CUTS in the environment says how many for each file system: 3 unless set.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync, spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const { describe, test } = require('node:test');

const { Api, mobile } = require('./lib/api');
const { Folder } = require('./lib/folder');
const { Lane, spread } = require('./lib/lane');
const { Mailbox, Person, assertDelivered, assertKept } = require('./lib/ledger');
const { Server } = require('./lib/server');
const { until } = require('./lib/wait');

const CUTS = Number(process.env.CUTS ?? 3);
const CUTS_FOR_TORN = 100; // so many tear a record for sure
const CONTROL_CUTS = 4;
const LANES = 64;
const ARM_MS = 60000;
const LOAD_MS_MIN = 40;
const LOAD_MS_MAX = 160;
const DISK_BYTES = 320 << 20; // XFS takes 300 MiB at least
// Waits for a file, then cuts at once: there has to be something under way.
const SHUTDOWN = `import fcntl, os, struct, sys, time
mounted, ready, go, done = sys.argv[1:]
disk = os.open(mounted, 0)
open(ready, 'w').close()
while not os.path.exists(go):
    time.sleep(0.0002)
fcntl.ioctl(disk, 0x8004587d, struct.pack('I', 2))
open(done, 'w').close()
`;
const NO_SYNC = 'int fdatasync(int f);int fsync(int f);' +
  'int fdatasync(int f){return f<0;}int fsync(int f){return f<0;}';

// A slow disk: syncs take a while, so that records get long, and each goes to the device page by
// page, forwards or backwards, so that a cut finds some of it there and some not.
const BY_PAGES = `#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
ssize_t pwrite64(int file, const void *bytes, size_t len, off64_t at)
{
    size_t pages = (len + 4095) / 4096;
    for (size_t i = 0; i < pages; i++) {
        size_t from = 4096 * (at / 4096 % 4 == 0 ? pages - 1 - i : i);
        size_t piece = len - from < 4096 ? len - from : 4096;
        if (i > 0)
            usleep(8000);
        if (syscall(SYS_pwrite64, file, (const char *)bytes + from, piece, at + from) < 0)
            return -1;
        if (pages > 1 && sync_file_range(file, at + from, piece, SYNC_FILE_RANGE_WRITE |
                                                                 SYNC_FILE_RANGE_WAIT_AFTER) != 0)
            return -1;
    }
    return (ssize_t)len;
}
int fdatasync(int file)
{
    usleep(4000);
    return (int)syscall(SYS_fdatasync, file);
}
`;

const run = (command, ...args) => spawnSync(command, args, { encoding: 'utf8' });

/** Why it cannot be done here; false: it can. */
function reasonToSkip(type) {
  if (run(`mkfs.${type}`, '-V').error) {
    return `there is no mkfs.${type}`;
  }
  return run('losetup', '-f').status === 0 ? false : 'there are no loop devices';
}

/** What makes a server behave as that source says. */
function preload(folder, name, source) {
  const library = folder.join(`${name}.so`);
  const file = folder.write(`${name}.c`, source);
  execFileSync('cc', ['-D_GNU_SOURCE', '-shared', '-fPIC', '-o', library, file]);
  return { LD_PRELOAD: library };
}

class Disk {
  constructor(type, folder) {
    this.file = folder.join(`${type}.img`);
    this.mounted = folder.join(type);
    fs.mkdirSync(this.mounted);
    fs.closeSync(fs.openSync(this.file, 'w'));
    fs.truncateSync(this.file, DISK_BYTES);
    execFileSync(`mkfs.${type}`, ['-q', this.file], { stdio: 'ignore' });
    this.mount();
  }

  mount() {
    execFileSync('mount', ['-o', 'loop', this.file, this.mounted]);
  }

  /** Makes ready for a cut. */
  async arm() {
    this.marks = ['ready', 'go', 'done'].map((name) => `${this.file}.${name}`);
    this.marks.forEach((mark) => fs.rmSync(mark, { force: true }));
    this.cutter = spawn('python3', ['-c', SHUTDOWN, this.mounted, ...this.marks]);
    this.cutterEnd = once(this.cutter, 'exit');
    await until(ARM_MS, 'the cutter', () => fs.existsSync(this.marks[0]));
  }

  /** No answer is read before it is over. */
  cut() {
    const [, go, done] = this.marks;
    const deadline = Date.now() + ARM_MS;
    fs.writeFileSync(go, '');
    while (!fs.existsSync(done)) {
      assert.ok(Date.now() < deadline, 'the power does not go');
    }
  }

  async unmount() {
    await this.cutterEnd;
    execFileSync('umount', [this.mounted]);
  }
}

/** One person's way, over and over, until the connection ends. */
async function live(lane, people, mailbox, nextNumber) {
  for (;;) {
    const person = new Person(mobile(nextNumber()));
    people.push(person);
    await person.open(lane);
    await person.generate(lane);
    if (Math.random() < 0.3) {
      continue;
    }
    while (mailbox.code(person) === undefined) {
      await mailbox.read();
    }
    person.code = mailbox.code(person);
    for (let tries = Math.floor(Math.random() * 4); tries > 0; tries--) {
      await person.guessWrong(lane);
    }
    if (Math.random() < 0.5) {
      await person.logIn(lane);
    }
  }
}

class Machine {
  /** envOf: a start's number, from 0 → environment */
  constructor(type, envOf) {
    this.folder = new Folder();
    this.disk = new Disk(type, this.folder);
    this.envOf = envOf;
    this.starts = 0;
    this.number = 0;
    this.facts = { acknowledged: 0, spent: 0, torn: 0 };
  }

  async start() {
    const data = path.join(this.disk.mounted, 'data');
    const args = ['--data-dir', data, '--journal-mib', '4'];
    this.server = await Server.start({ args, env: this.envOf(this.starts++) });
    return this.server;
  }

  /** What people had been told when the power went. */
  async loadAndCut(server) {
    const api = new Api(server);
    const people = [];
    const mailbox = new Mailbox(api);
    const lanes = await Lane.openMany(server.port, LANES);
    const next = () => `91990${String(this.number++).padStart(7, '0')}`;
    await this.disk.arm();
    const workers = lanes.map((lane) => live(lane, people, mailbox, next).catch(() => {}));
    const ms = LOAD_MS_MIN + Math.random() * (LOAD_MS_MAX - LOAD_MS_MIN);
    await new Promise((resolve) => setTimeout(resolve, ms));
    const told = people.map((person) => Object.assign(new Person(person.who), person));
    this.disk.cut();
    server.program.signal('SIGKILL');
    await Promise.all(workers);
    await server.kill();
    lanes.forEach((lane) => lane.close());
    api.close();
    return told;
  }

  async check(server, told) {
    const api = new Api(server);
    const lanes = await Lane.openMany(server.port, 4);
    const issued = told.filter((person) => person.isIssued);
    await assertDelivered(lanes[0], issued, new Mailbox(api));
    await spread(lanes, issued, assertKept);
    this.facts.acknowledged += issued.length;
    this.facts.spent += issued.filter((person) => person.isIn).length;
    this.facts.torn += server.events('store.replayed').filter(({ torn }) => torn > 0).length;
    lanes.forEach((lane) => lane.close());
    api.close();
  }

  async round(server) {
    const told = await this.loadAndCut(server);
    await this.disk.unmount();
    this.disk.mount();
    const next = await this.start();
    await this.check(next, told);
    return next;
  }

  async remove() {
    await this.server?.kill();
    this.disk.cutter?.kill('SIGKILL');
    await this.disk.cutterEnd;
    run('umount', this.disk.mounted);
    this.folder.remove();
  }
}

async function cutOver(t, type) {
  const tools = new Folder();
  const byPages = preload(tools, 'by_pages', BY_PAGES);
  const machine = new Machine(type, (start) => (start % 4 === 3 ? {} : byPages));
  t.after(() => machine.remove());
  t.after(() => tools.remove());
  let server = await machine.start();
  for (let i = 0; i < CUTS; i++) {
    server = await machine.round(server);
  }
  await server.stop();
  const { acknowledged, spent, torn } = machine.facts;
  t.diagnostic(`${type}: cuts ${CUTS}, acknowledged codes ${acknowledged}, spent ${spent}, ` +
    `torn tails ${torn}: lost 0, wrongly revived 0`);
  assert.ok(acknowledged > CUTS && spent > 0);
  assert.ok(torn > 0 || CUTS < CUTS_FOR_TORN, 'no cut has torn a record');
}

/** The same without syncs: it does lose. */
async function cutWithoutSyncs(t) {
  const tools = new Folder();
  t.after(() => tools.remove());
  const env = preload(tools, 'no_sync', NO_SYNC);
  let lost = 0;
  for (let i = 0; i < CONTROL_CUTS; i++) {
    const machine = new Machine('ext4', () => env);
    try {
      run('sync', '-f', machine.disk.mounted);
      const server = await machine.start();
      run('sync', '-f', machine.disk.mounted); // all of it is there, but for what comes now
      await machine.round(server);
    } catch {
      lost++;
    } finally {
      await machine.remove();
    }
  }
  t.diagnostic(`without syncs: cuts ${CONTROL_CUTS}, of them with losses ${lost}`);
  assert.ok(lost > 0);
}

describe('power cuts', { timeout: 4 * 3600000 }, () => {
  for (const type of ['ext4', 'xfs']) {
    test(`on ${type}: nothing acknowledged is lost`, { skip: reasonToSkip(type) }, (t) => {
      return cutOver(t, type);
    });
  }

  test('without syncs something is', { skip: reasonToSkip('ext4') }, cutWithoutSyncs);
});
