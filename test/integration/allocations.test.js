// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Once it is warm, the server asks the heap for nothing in otp/generate and otp/validate: not in
// its own code, not in a library, on no thread. docs/adr/0007-allocations.md names the exceptions.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');

const { CountedServer } = require('./lib/allocations');
const { Api, email, mobile, wrong } = require('./lib/api');
const { issueCodes, numbers, openSessions, readCodes } = require('./lib/crowd');
const { Lane, postBytes, spread } = require('./lib/lane');
const { until } = require('./lib/wait');

const LANES = 16;
const PEOPLE = 1000;
const ROUNDS = 5; // of one login each
const SENT_MS = 20000;

let counted;
let api;
let lanes;

before(async () => {
  counted = await CountedServer.start(['--loops', '2']);
  api = new Api(counted.server);
  lanes = await Lane.openMany(counted.server.port, LANES);
});

after(async () => {
  lanes.forEach((lane) => lane.close());
  api.close();
  await counted.stop();
});

const people = [
  ...numbers(PEOPLE / 2).map((number) => mobile(number)),
  ...numbers(PEOPLE / 2).map((number) => email(`Person.${number}@example.com`)),
];

/** Answers how many allocations `job` took, and who made them. */
async function measure(job) {
  const start = counted.count();
  const result = await job();
  const count = counted.count() - start;
  return { result, count, callers: count > 0 ? counted.callers(count) : [] };
}

/**
 * Asks for the newest message until that is the one with `id`; answers how often it has asked. Each
 * answer of the inbox allocates, which is one of the exceptions.
 */
async function awaitMessage(id) {
  const request = 'GET /dev/inbox?limit=1 HTTP/1.1\r\nHost: localhost\r\n\r\n';
  let asked = 0;
  await until(SENT_MS, `message ${id}`, async () => {
    asked += 1;
    return (await lanes[0].send(request)).includes(`"id":"${id}"`);
  });
  return asked;
}

async function generateAll(sessions, lastId) {
  const codes = await issueCodes(lanes, people, sessions);
  return { codes, asked: await awaitMessage(lastId) };
}

/** One wrong try each, then the right one. */
function validateAll(sessions, otps) {
  return spread(lanes, people, async (lane, who, i) => {
    const otp = otps.get(who.identifierValue.toLowerCase());
    const body = { ...who, sessionId: sessions[i] };
    const attempt = (guess) => lane.code(postBytes('otp/validate', { ...body, otp: guess }));
    return [await attempt(wrong(otp)), await attempt(otp)].join(' ');
  });
}

async function loginAll() {
  const newest = Number(await api.lastId());
  const opened = await measure(() => openSessions(lanes, people));
  const generated = await measure(() => generateAll(opened.result, newest + PEOPLE));
  const otps = await readCodes(api, PEOPLE, String(newest));
  const validated = await measure(() => validateAll(opened.result, otps));
  assert.deepEqual([...new Set(generated.result.codes)], [200]);
  assert.deepEqual([...new Set(validated.result)], ['1506 200']);
  return { opened, generated, validated };
}

test(`${ROUNDS * PEOPLE} logins of people it knows cost no heap allocation`, async () => {
  for (let i = 0; i < ROUNDS; i++) {
    await loginAll();
  }
  const lastId = Number(await api.lastId());
  const look = await measure(() => awaitMessage(lastId));
  assert.equal(look.result, 1);
  assert.ok(look.count >= 1 && look.count <= 2, 'the inbox allocates its answer, and is seen to');
  for (let i = 0; i < ROUNDS; i++) {
    const { opened, generated, validated } = await loginAll();
    assert.deepEqual([opened.count, opened.callers], [0, []], 'token/generate');
    const looking = generated.result.asked * look.count;
    assert.equal(generated.count, looking, `otp/generate: ${generated.callers}`);
    assert.deepEqual([validated.count, validated.callers], [0, []], 'otp/validate');
  }
});
