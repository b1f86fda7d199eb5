// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The send limit on a data directory while the server is killed over and over, restarted, and its
// wall clock set to anything: no span of otpTimeOut has more than otpMaxCount accepted sends to a
// number, by whatever way they are asked for; and the limit ends to the millisecond, after a kill
// too.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');

const { Api, mobile } = require('./lib/api');
const { configText } = require('./lib/config');
const { Folder } = require('./lib/folder');
const { Lane, postBytes } = require('./lib/lane');
const { Random } = require('./lib/random');
const { Server } = require('./lib/server');
const { StillClock } = require('./lib/still_clock');

const KILLS = Number(process.env.LIMIT_KILLS ?? 50);
const SEED = Number(process.env.LIMIT_SEED ?? 1);
const LIMIT = 3;
const WINDOW_MS = 10 * 60 * 1000;
const HOUR_MS = 60 * 60 * 1000;
const LANES = 8;
const LOAD_MS_MAX = 40;
const BATCH_ITEMS = LIMIT + 2;

const numbers = ['12025550160', '12025550161', '12025550162'];
const ERRORS_MS = [0, 0, 300, -300, HOUR_MS, -HOUR_MS, 30 * 24 * HOUR_MS, -30 * 24 * HOUR_MS];
const PAUSES_MS = [0, 1, 999, 60000, WINDOW_MS / 3, WINDOW_MS - 1, WINDOW_MS];

const folder = new Folder();
const clock = new StillClock(folder);
const random = new Random(SEED);
const accepted = new Map(numbers.map((number) => [number, []])); // times of acknowledged sends
const facts = { kills: 0, stops: 0, refused: 0, unanswered: 0 };
let server;
let name = 0;

async function start() {
  const config = configText({ Shop: { otpMaxCount: LIMIT, otpTimeOut: WINDOW_MS / 60000 } });
  const args = ['--data-dir', folder.join('data'), '--loops', '2'];
  server = await Server.start({ args, config, env: clock.env });
}

before(start);

after(async () => {
  await server.stop();
  clock.close();
  folder.remove();
});

const plain = (number) => ['', mobile(number, { brand: 'Shop', deviceId: `device-${name++ % 5}` })];

const web = (number) => ['web/', mobile(number, { brand: 'Shop', deviceId: null })];

const named = (number) => {
  const [, who] = plain(number);
  const identifierValue = `${number}-${name++ % 4}`;
  return ['', { ...who, identifierType: 'USERNAME', identifierValue, mobile: number }];
};

const WAYS = [plain, web, named];

/** Codes of otp/generate in a new session; of a batch, as many as it has items. */
async function ask(lane, number, way, items) {
  const [family, who] = way(number);
  const opened = await lane.send(postBytes(`${family}token/generate`, who));
  const { sessionId } = JSON.parse(opened).user;
  const one = { ...who, sessionId };
  const body = items === 1 ? one : Array.from({ length: items }, () => one);
  facts.unanswered += items;
  const replies = [JSON.parse(await lane.send(postBytes(`${family}otp/generate`, body)))].flat();
  facts.unanswered -= items;
  return replies.map(({ status }) => status.code);
}

function note(number, codes) {
  assert.deepEqual(codes.filter((code) => code !== 200 && code !== 1534), []);
  const sent = codes.filter((code) => code === 200).length;
  facts.refused += codes.length - sent;
  accepted.get(number).push(...new Array(sent).fill(clock.passedMs));
}

async function flood(lane, index) {
  const items = index === 0 ? BATCH_ITEMS : 1;
  for (;;) {
    const number = random.of(numbers);
    note(number, await ask(lane, number, random.of(WAYS), items));
  }
}

/** A connection that ends is what is wanted here; any other failure is not. */
function expectCut(error) {
  assert.match(String(error.message), /connection closed|ECONNRE(SET|FUSED)|socket hang up|EPIPE/);
}

async function loadAndEnd() {
  const isKill = random.below(4) > 0;
  const lanes = await Lane.openMany(server.port, LANES);
  const workers = lanes.map((lane, i) => flood(lane, i).catch(expectCut));
  const signal = isKill ? 'SIGKILL' : 'SIGTERM';
  setTimeout(() => server.program.signal(signal), random.below(LOAD_MS_MAX));
  await Promise.all(workers);
  facts.kills += isKill ? 1 : 0;
  facts.stops += isKill ? 0 : 1;
  await (isKill ? server.kill() : server.awaitStop());
  lanes.forEach((lane) => lane.close());
}

/** The wall clock is set, and time passes, before a start, after it, or both. */
function disturb() {
  clock.step(random.of(ERRORS_MS));
  clock.pass(random.of(PAUSES_MS));
}

function assertWindows() {
  for (const [number, times] of accepted) {
    for (let i = LIMIT; i < times.length; i++) {
      const span = times[i] - times[i - LIMIT];
      assert.ok(span >= WINDOW_MS, `${LIMIT + 1} sends to ${number} in ${span} ms`);
    }
  }
}

test(`${KILLS} kills, restarts and clock steps: no window has too many`, async (t) => {
  while (facts.kills < KILLS) {
    await loadAndEnd();
    disturb();
    await start();
    if (random.below(2) === 0) {
      disturb();
    }
  }
  assertWindows();
  const sent = [...accepted.values()].flat().length;
  t.diagnostic(`limits: kills ${facts.kills}, orderly restarts ${facts.stops}, accepted ${sent}, ` +
    `refused ${facts.refused}, unanswered ${facts.unanswered}: windows with too many 0`);
  assert.ok(sent > KILLS && facts.refused > KILLS && facts.stops > 0);
});

test('the limit ends with the last millisecond of the window', async () => {
  const api = new Api(server);
  const who = mobile('12025550163', { brand: 'Shop' });
  const sessionId = await api.open(who);
  const send = () => api.generate(who, sessionId);
  clock.step(HOUR_MS);
  for (let i = 0; i < LIMIT; i++) {
    assert.equal((await send()).code, 200);
    clock.pass(1000);
  }
  clock.pass(WINDOW_MS - LIMIT * 1000 - 1);
  for (let i = 0; i < LIMIT; i++) {
    const early = await send();
    assert.deepEqual([early.code, early.headers['retry-after']], [1534, '1']);
    clock.pass(1);
    assert.equal((await send()).code, 200);
    clock.pass(999);
  }
  api.close();
});

async function assertEdgeAfterKills(number, pauses, errorMs) {
  const who = mobile(number, { brand: 'Shop' });
  let api = new Api(server);
  const sends = async () => {
    const sessionId = await api.open(who);
    return (await api.generate(who, sessionId)).code;
  };
  for (let i = 0; i < LIMIT; i++) {
    assert.equal(await sends(), 200);
  }
  api.close();
  for (const ms of pauses) {
    clock.step(errorMs);
    await server.kill();
    clock.pass(ms);
    await start();
  }
  api = new Api(server);
  assert.equal(await sends(), 1534);
  clock.pass(1);
  for (let i = 0; i < LIMIT; i++) {
    assert.equal(await sends(), 200);
  }
  assert.equal(await sends(), 1534);
  api.close();
}

test('the edge is where it was after a kill, wherever the wall clock is set', async () => {
  await assertEdgeAfterKills('12025550164', [WINDOW_MS - 1], -HOUR_MS);
  await assertEdgeAfterKills('12025550165', [WINDOW_MS - 1], HOUR_MS);
});

test('it is where it was after many kills, the wall clock a little ahead or behind', async () => {
  const pauses = [...new Array(19).fill(WINDOW_MS / 20), WINDOW_MS / 20 - 1];
  await assertEdgeAfterKills('12025550166', pauses, 300);
  await assertEdgeAfterKills('12025550167', pauses, -300);
});
