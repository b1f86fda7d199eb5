// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A code validates once, and is guessed at no oftener than its limit, however many ask at the same
// instant. Every client has a connection of its own, and all of them write before any reads.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');

const { Api, mobile, wrong } = require('./lib/api');
const { configText } = require('./lib/config');
const { beginMany } = require('./lib/crowd');
const { Lane, postBytes } = require('./lib/lane');
const { Server } = require('./lib/server');
const { within } = require('./lib/wait');

const ROUNDS = Number(process.env.ROUNDS ?? 1000);
const CLIENTS = 64;
const GUESSES = 200;
const TRIES_MAX = 5;
const LIMIT = 3;
const ROUNDS_MS = 120000;

let server;
let api;

before(async () => {
  const config = configText({ Limited: { otpMaxCount: LIMIT, otpTimeOut: 60 } });
  server = await Server.start({ args: ['--loops', '4'], config });
  api = new Api(server);
});

after(async () => {
  api.close();
  await server.stop();
});

const validation = ({ who, sessionId }, otp) =>
  postBytes('otp/validate', { ...who, sessionId, otp });

/** How often each code was answered, as "200: 1, 1505: 63". */
function tally(codes) {
  const counts = new Map();
  codes.forEach((code) => counts.set(code, (counts.get(code) ?? 0) + 1));
  const sorted = [...counts].sort(([a], [b]) => a - b);
  return sorted.map(([code, count]) => `${code}: ${count}`).join(', ');
}

const sendAll = (lanes, bytes) => Promise.all(lanes.map((lane) => lane.code(bytes)));

async function withLanes(count, job) {
  const lanes = await Lane.openMany(server.port, count);
  try {
    await job(lanes);
  } finally {
    lanes.forEach((lane) => lane.close());
  }
}

async function runRounds(lanes, requests) {
  const tallies = [];
  for (const bytes of requests) {
    tallies.push(tally(await sendAll(lanes, bytes)));
  }
  return tallies;
}

test(`${CLIENTS} clients, the same right code, ${ROUNDS} rounds: one success each`, () =>
  withLanes(CLIENTS, async (lanes) => {
    const begun = await beginMany(api, lanes, ROUNDS);
    const requests = begun.map((person) => validation(person, person.code));
    const tallies = await within(ROUNDS_MS, 'rounds', runRounds(lanes, requests));
    const wanted = `200: 1, 1505: ${CLIENTS - 1}`;
    assert.equal(tallies.length, ROUNDS);
    assert.deepEqual(tallies.filter((found) => found !== wanted), []);
  }));

test(`${GUESSES} wrong guesses at once: ${TRIES_MAX} are evaluated, and nothing after them`, () =>
  withLanes(GUESSES, async (lanes) => {
    const who = mobile('919999999993');
    const begun = { who, ...(await api.begin(who)) };
    const guesses = lanes.map((lane, i) => lane.code(validation(begun, wrong(begun.code, i + 1))));
    const found = tally(await Promise.all(guesses));
    assert.equal(found, `1506: ${TRIES_MAX}, 1518: ${GUESSES - TRIES_MAX}`);
    assert.equal((await api.validate(who, begun.sessionId, begun.code)).code, 1518);
    assert.equal((await api.generate(who, begun.sessionId)).code, 1518);
  }));

test(`${CLIENTS} clients ask for codes at once: as many are sent as the limit lets`, () =>
  withLanes(CLIENTS, async (lanes) => {
    const who = mobile('12025550148', { brand: 'Limited' });
    const sessions = await Promise.all(lanes.map(() => api.open(who)));
    const asked = lanes.map((lane, i) =>
      lane.code(postBytes('otp/generate', { ...who, sessionId: sessions[i] })));
    assert.equal(tally(await Promise.all(asked)), `200: ${LIMIT}, 1534: ${CLIENTS - LIMIT}`);
  }));

test('the right code among wrong ones: at most one success, and no more than the tries', () =>
  withLanes(CLIENTS, async (lanes) => {
    const who = mobile('12025550147');
    const begun = { who, ...(await api.begin(who)) };
    const isRight = (i) => i % 2 === 0;
    const otp = (i) => (isRight(i) ? begun.code : wrong(begun.code, i));
    const sent = lanes.map((lane, i) => lane.code(validation(begun, otp(i))));
    const codes = await Promise.all(sent);
    const count = (code) => codes.filter((each) => each === code).length;
    assert.equal(codes.filter((code, i) => code === 200 && !isRight(i)).length, 0);
    assert.ok(count(200) <= 1);
    assert.ok(count(1506) <= TRIES_MAX);
    assert.equal(count(200) + count(1505) + count(1506) + count(1518), CLIENTS);
    assert.equal(count(1505) > 0, count(200) === 1);
  }));
