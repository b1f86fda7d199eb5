// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// kill -9 at random under load, over and over on one data directory. After each restart: every
// acknowledged code is delivered and validates, every spent one stays spent, no wrong try is
// refunded, limits hold, and settings are as they were set.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');

const { Api, mobile } = require('./lib/api');
const { Folder } = require('./lib/folder');
const { Lane, postBytes, spread } = require('./lib/lane');
const { Mailbox, Person, assertDelivered, assertKept } = require('./lib/ledger');
const { runOtpd } = require('./lib/program');
const { Server } = require('./lib/server');

const KILLS = Number(process.env.KILLS ?? 20);
const LANES = 16;
const LOAD_MS_MIN = 30;
const LOAD_MS_MAX = 200;
const BATCH_ITEMS = 10;
const LIMITED = 'Limited';
const LIMIT = 3;
const WINDOW_MS = 60000;
const TICK_MS = 1; // T is in whole milliseconds

const folder = new Folder();
const dataDir = folder.join('data');
const facts = { issued: 0, spent: 0, unsure: 0, limited: 0, late: 0, changed: 0 };
const sends = new Map(); // of the limited brand: number → [{sentAt, answeredAt}] that were accepted
let number = 0;
let issuer = 'otpd'; // as it was when somebody was told so

const start = () => Server.start({ args: ['--data-dir', dataDir, '--loops', '2'] });
const nextNumber = () => `91990${String(number++).padStart(7, '0')}`;

async function brand(...words) {
  const end = await runOtpd(['brand', ...words, '--data-dir', dataDir]);
  assert.equal(end.status, 0, end.stderr);
  return end.stdout;
}

before(async () => {
  const server = await start();
  await brand('set', 'DocDemo', 'otpLength=8');
  await brand('add', LIMITED, `otpMaxCount=${LIMIT}`, 'otpTimeOut=1');
  await server.kill();
});

after(() => folder.remove());

/** One person's way, until the connection ends; what happens next is drawn. */
async function live(lane, people, mailbox) {
  const person = new Person(mobile(nextNumber()));
  people.push(person);
  await person.open(lane);
  await person.generate(lane);
  if (Math.random() < 0.3) {
    return; // the code may still be on its way when the server is killed
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

/** Codes for one of a few numbers, in ever new sessions: the fourth in a minute is refused. */
async function flood(lane) {
  const who = mobile(`91991000000${number++ % 5}`, { brand: LIMITED });
  const body = await lane.send(postBytes('token/generate', who));
  const { sessionId } = JSON.parse(body).user;
  const sentAt = performance.now();
  const code = await lane.code(postBytes('otp/generate', { ...who, sessionId }));
  assert.ok([200, 1534].includes(code), `code ${code}`);
  facts.limited += code === 1534 ? 1 : 0;
  if (code === 200) {
    const own = sends.get(who.identifierValue) ?? [];
    sends.set(who.identifierValue, [...own, { sentAt, answeredAt: performance.now() }]);
  }
}

/** Ten people's codes in one request: all of them are answered for, or nobody is told anything. */
async function batch(lane, people) {
  const some = Array.from({ length: BATCH_ITEMS }, () => new Person(mobile(nextNumber())));
  const opened = JSON.parse(await lane.send(postBytes('token/generate', some.map((p) => p.who))));
  some.forEach((person, i) => (person.sessionId = opened[i].user.sessionId));
  const bodies = some.map(({ who, sessionId }) => ({ ...who, sessionId }));
  const replies = JSON.parse(await lane.send(postBytes('otp/generate', bodies)));
  some.forEach((person, i) => (person.isIssued = replies[i].status.code === 200));
  people.push(...some);
}

async function work(lane, i, people, mailbox) {
  for (;;) {
    if (i === 0) {
      await flood(lane);
    } else if (i === 1) {
      await batch(lane, people);
    } else {
      await live(lane, people, mailbox);
    }
  }
}

/** A change of a setting that may be cut short: {value, isTold}. */
async function change(ms) {
  await new Promise((resolve) => setTimeout(resolve, ms));
  const value = `issuer-${number++}`;
  const words = ['brand', 'set', 'DocDemo', `issuer=${value}`, '--data-dir', dataDir];
  const { status } = await runOtpd(words);
  facts.changed += status === 0 ? 1 : 0;
  return { value, isTold: status === 0 };
}

/** A change that was told is there; one that was not may be. */
async function assertSetting({ value, isTold }) {
  const { settings } = JSON.parse(await brand('show', 'DocDemo', '--json'));
  const possible = isTold ? [value] : [issuer, value];
  assert.ok(possible.includes(settings.issuer), `${settings.issuer}, not ${possible.join(' or ')}`);
  assert.equal(settings.otpLength, 8);
  issuer = settings.issuer;
}

/** A connection that ends is what is wanted here; any other failure is not. */
function expectCut(error) {
  assert.match(String(error.message), /connection closed|ECONNRE(SET|FUSED)|socket hang up|EPIPE/);
}

async function loadAndKill(server) {
  const api = new Api(server);
  const people = [];
  const mailbox = new Mailbox(api);
  const lanes = await Lane.openMany(server.port, LANES);
  const workers = lanes.map((lane, i) => work(lane, i, people, mailbox).catch(expectCut));
  const ms = LOAD_MS_MIN + Math.random() * (LOAD_MS_MAX - LOAD_MS_MIN);
  setTimeout(() => server.program.signal('SIGKILL'), ms);
  const changing = change(Math.random() * ms);
  await Promise.all(workers);
  await server.kill();
  const setting = await changing;
  lanes.forEach((lane) => lane.close());
  api.close();
  return { people, setting };
}

/** The flood goes on beside it: the edges of the windows are come across wherever they are. */
async function floodBeside(server, body) {
  const [lane] = await Lane.openMany(server.port, 1);
  let isOver = false;
  const flooding = (async () => {
    while (!isOver) {
      await flood(lane);
    }
  })();
  try {
    await body();
  } finally {
    isOver = true;
    await flooding;
    lane.close();
  }
}

async function check(server, { people, setting }) {
  await assertSetting(setting);
  const api = new Api(server);
  const lanes = await Lane.openMany(server.port, 4);
  const issued = people.filter((person) => person.isIssued);
  facts.late += await assertDelivered(lanes[0], issued, new Mailbox(api));
  assert.deepEqual(issued.filter(({ code }) => code.length !== 8), [], 'otpLength was set to 8');
  facts.issued += issued.length;
  facts.spent += issued.filter((person) => person.isIn).length;
  await spread(lanes, issued, assertKept);
  facts.unsure += people.length - issued.length;
  lanes.forEach((lane) => lane.close());
  api.close();
}

async function checkAndGoOn(load) {
  const server = await start();
  await floodBeside(server, () => check(server, load));
  return server;
}

/**
 * T of each lies between its sending and its answer, and runs as fast as time does, over restarts
 * too (docs/adr/0025). Runs that take longer than a window come across its edge.
 */
function assertWindows() {
  for (const own of sends.values()) {
    for (let i = LIMIT; i < own.length; i++) {
      const span = own[i].answeredAt - own[i - LIMIT].sentAt;
      assert.ok(span > WINDOW_MS - TICK_MS, `${LIMIT + 1} codes in ${span} ms`);
    }
  }
}

test(`${KILLS} kills under load: nothing acknowledged is lost`, { timeout: 1800000 }, async (t) => {
  let server = await start();
  for (let i = 0; i < KILLS; i++) {
    server = await checkAndGoOn(await loadAndKill(server));
  }
  assertWindows();
  await server.stop();
  t.diagnostic(`kills ${KILLS}, acknowledged codes ${facts.issued}, spent ${facts.spent}, ` +
    `delivered after the restart ${facts.late}, unanswered ${facts.unsure}, ` +
    `refused by the limit ${facts.limited}, settings changed ${facts.changed}: lost 0`);
  assert.ok(facts.changed > 0);
  assert.ok(facts.issued > KILLS && facts.spent > 0 && facts.late > 0 && facts.limited > 0);
});
