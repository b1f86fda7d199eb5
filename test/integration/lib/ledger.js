// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What clients were told before their server was killed, and what must therefore hold after it has
// started again. Only answers that arrived count; what was asked without an answer may or may not
// have happened.
'use strict';

const assert = require('node:assert/strict');

const { postBytes } = require('./lane');
const { until } = require('./wait');

const TRIES_MAX = 5;
const DELIVERY_MS = 10000;

class Person {
  constructor(who) {
    this.who = who;
    this.sessionId = null;
    this.isIssued = false; // otp/generate was answered with 200
    this.code = null; // as it was delivered
    this.wrongSent = 0;
    this.wrongTold = 0;
    this.rightSent = 0;
    this.isIn = false; // otp/validate was answered with 200
  }

  bytes(call, members = {}) {
    const session = this.sessionId === null ? {} : { sessionId: this.sessionId };
    return postBytes(call, { ...this.who, ...session, ...members });
  }

  /** Not the code, and another one each time. */
  wrongGuess() {
    const other = (Number(this.code) + 1 + this.wrongSent) % 10 ** this.code.length;
    return String(other).padStart(this.code.length, '0');
  }

  async open(lane) {
    const body = JSON.parse(await lane.send(this.bytes('token/generate')));
    assert.equal(body.status.code, 200);
    this.sessionId = body.user.sessionId;
  }

  async generate(lane) {
    assert.equal(await lane.code(this.bytes('otp/generate')), 200);
    this.isIssued = true;
  }

  async guessWrong(lane) {
    const otp = this.wrongGuess();
    this.wrongSent++;
    const code = await lane.code(this.bytes('otp/validate', { otp }));
    this.wrongTold += code === 1506 ? 1 : 0;
    return code;
  }

  async logIn(lane) {
    this.rightSent++;
    const code = await lane.code(this.bytes('otp/validate', { otp: this.code }));
    this.isIn = this.isIn || code === 200;
    return code;
  }
}

/** The codes that an inbox has got so far, by address. */
class Mailbox {
  constructor(api) {
    this.api = api;
    this.after = '0';
    this.codes = new Map();
  }

  async read() {
    const reply = await this.api.client.get(`/dev/inbox?limit=10000&after=${this.after}`);
    const { messages } = reply.json;
    this.api.server.secrets.addAnswer({ messages });
    messages.reverse().forEach((message) => this.codes.set(message.to, message.otp));
    this.after = messages.at(-1)?.id ?? this.after;
  }

  code(person) {
    return this.codes.get(person.who.identifierValue);
  }
}

/**
 * Everybody who was promised a code has got it, before the kill or after the restart. The inbox
 * dies with its server: whose message had arrived there, and had not been read, asks for it again.
 */
async function assertDelivered(lane, people, mailbox) {
  const waiting = people.filter((person) => person.code === null);
  await until(DELIVERY_MS, 'an empty outbox', async () => {
    const { text } = await mailbox.api.client.get('/metrics');
    return /^otpd_outbox_messages\S* 0$/m.test(text);
  });
  await mailbox.read();
  const unread = waiting.filter((person) => mailbox.code(person) === undefined);
  for (const person of unread) {
    await person.generate(lane);
  }
  await until(DELIVERY_MS, `codes of ${waiting.length} people`, async () => {
    await mailbox.read();
    return waiting.every((person) => mailbox.code(person) !== undefined);
  });
  waiting.forEach((person) => (person.code = mailbox.code(person)));
  return waiting.length - unread.length;
}

async function assertSpent(lane, person) {
  assert.equal(await person.logIn(lane), 1505, 'a spent code is spent');
}

/** Its login may have happened or not: at most this once, and not again. */
async function assertOnce(lane, person) {
  const code = await person.logIn(lane);
  assert.ok([200, 1505].includes(code), `code ${code}`);
  await assertSpent(lane, person);
}

/** As many wrong tries are left as were not made. */
async function assertNoRefund(lane, person) {
  const told = person.wrongTold;
  const sent = person.wrongSent;
  let evaluated = 0;
  while ((await person.guessWrong(lane)) === 1506) {
    evaluated++;
    assert.ok(evaluated <= TRIES_MAX - told, `${told} tries told, ${evaluated} more evaluated`);
  }
  assert.ok(evaluated >= TRIES_MAX - sent, `${sent} wrong tries made, only ${evaluated} were left`);
  assert.equal(await person.logIn(lane), 1518);
}

async function assertValidates(lane, person) {
  assert.equal(await person.logIn(lane), 200, 'an acknowledged code validates');
  await assertSpent(lane, person);
}

/** Checks, and uses up, what the server knows of that person. */
function assertKept(lane, person, index) {
  if (person.isIn) {
    return assertSpent(lane, person);
  }
  if (person.rightSent > 0) {
    return assertOnce(lane, person);
  }
  const mayValidate = person.wrongSent < TRIES_MAX && index % 2 === 0;
  return mayValidate ? assertValidates(lane, person) : assertNoRefund(lane, person);
}

module.exports = { Mailbox, Person, assertDelivered, assertKept };
