// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Hostile and odd HTTP, as bytes on a socket: what is answered, whether the connection stays, and
// that none outlives its deadline. test/data/http-raw.json has the conversations, and says at its
// top how they are written.
'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');

const { readData } = require('./lib/data');
const { RawConnection } = require('./lib/raw');
const { Server } = require('./lib/server');

const { cases, plain } = readData('http-raw.json');
const CASES_MIN = 60;
const WITHIN_MS = 2000;
const PATIENCE_MS = 30000; // for measuring how late something is
const LAST_ID = 'last-request';

const latin1 = (text) => Buffer.from(text, 'latin1');
const lastRequest = latin1(plain.replace('Host:', `X-Request-Id: ${LAST_ID}\r\nHost:`));
const pause = (ms) =>
  new Promise((resolve) => (ms ? setTimeout(resolve, ms) : setImmediate(resolve)));

async function drip(connection, { drip: text, everyMs }) {
  for (let i = 0; i < text.length && !connection.hasEnded; i++) {
    await connection.write(latin1(text[i]));
    await pause(everyMs);
  }
}

function awaitStatus(connection, { await: status }) {
  const isThere = () => connection.answers.some((answer) => answer.status === status);
  return connection.when(PATIENCE_MS, `${status}`, () => isThere() || connection.hasEnded);
}

const takers = {
  repeat: (connection, step) => connection.write(latin1(step.repeat.repeat(step.times))),
  drip,
  waitMs: (connection, step) => pause(step.waitMs),
  await: awaitStatus,
  fin: (connection) => connection.finish(),
};

async function takeSteps(connection, steps) {
  for (const step of steps) {
    if (typeof step === 'string') {
      await connection.write(latin1(step));
    } else {
      const kind = Object.keys(takers).find((name) => name in step);
      await takers[kind](connection, step);
    }
  }
}

/** The connection still serves: the next request is answered, and nothing was before it. */
async function checkOpen(connection, count) {
  await connection.write(lastRequest);
  await connection.when(PATIENCE_MS, 'one more answer', () => connection.answers.length > count);
  const last = connection.answers[count];
  assert.deepEqual([last.status, last.headers['x-request-id']], [200, LAST_ID]);
}

function checkAnswers(sample, answers) {
  assert.deepEqual(answers.map((answer) => answer.status), sample.statuses);
  for (const answer of answers.filter(({ status }) => status >= 200)) {
    assert.match(answer.headers['x-request-id'], /^[0-9a-f]{32}$|^[!-~]{1,128}$/);
  }
  for (const { status, body } of sample.isBodiless ? [] : answers) {
    if (status >= 400) {
      const told = JSON.parse(body).status;
      assert.deepEqual([told.success, told.code], [false, status]);
    }
  }
  for (const name of sample.hasHeaders ?? []) {
    assert.ok(name in answers.at(-1).headers, name);
  }
}

async function converse(connection, sample) {
  const began = performance.now();
  const steps = takeSteps(connection, sample.send);
  const isDone = sample.closes
    ? () => connection.hasEnded
    : () => connection.answers.length >= sample.statuses.length || connection.hasEnded;
  await connection.when(PATIENCE_MS, 'end of the conversation', isDone);
  const tookMs = performance.now() - began;
  await steps;
  checkAnswers(sample, connection.answers);
  assert.ok(tookMs >= (sample.notBeforeMs ?? 0), `after ${tookMs} ms`);
  assert.ok(tookMs <= (sample.withinMs ?? WITHIN_MS), `after ${tookMs} ms`);
  assert.equal(connection.hasEnded, sample.closes);
  assert.equal(connection.rest, '');
}

async function replay(port, sample) {
  const connection = await RawConnection.open(port, sample.isBodiless ? sample.statuses.length : 0);
  try {
    await converse(connection, sample);
    if (!sample.closes) {
      await checkOpen(connection, sample.statuses.length);
    }
  } finally {
    connection.close();
  }
}

function flags({ headMs, bodyMs, idleMs }) {
  const pairs = { 'head-timeout-ms': headMs, 'body-timeout-ms': bodyMs, 'idle-timeout-ms': idleMs };
  return Object.entries(pairs).map(([name, value]) => `--${name}=${value}`);
}

function group(title, samples, args, concurrency) {
  describe(title, { concurrency }, () => {
    let server;
    before(async () => (server = await Server.start({ args })));
    after(() => server.stop());
    for (const sample of samples) {
      test(sample.name, () => replay(server.port, sample));
    }
  });
}

const hurried = cases.filter((sample) => sample.limits);
const limits = [...new Set(hurried.map((sample) => JSON.stringify(sample.limits)))];
group('at the usual limits', cases.filter((sample) => !sample.limits), [], 16);
for (const text of limits) {
  const samples = hurried.filter((sample) => JSON.stringify(sample.limits) === text);
  group(`at the limits ${text}`, samples, flags(JSON.parse(text)), samples.length);
}

test(`there are at least ${CASES_MIN} conversations, each with a name of its own`, () => {
  assert.ok(cases.length >= CASES_MIN);
  assert.equal(new Set(cases.map(({ name }) => name)).size, cases.length);
});
