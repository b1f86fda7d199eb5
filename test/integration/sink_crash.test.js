// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// kill -9 at random under load, while a provider and a mail relay go on. Every code that was
// promised arrives there, once; what was under way at a kill may or may not have arrived, is not
// sent again, and is told in the log.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');

const { Api, email, mobile } = require('./lib/api');
const { Authority } = require('./lib/certificate');
const { configText } = require('./lib/config');
const { Folder } = require('./lib/folder');
const { Lane } = require('./lib/lane');
const { Person } = require('./lib/ledger');
const { runOtpd } = require('./lib/program');
const { Relay, parseMail } = require('./lib/relay');
const { Server } = require('./lib/server');
const { Vendor } = require('./lib/vendor');
const { until } = require('./lib/wait');

const KILLS = Number(process.env.KILLS ?? 10);
const LANES = 8;
const LOAD_MS_MIN = 30;
const LOAD_MS_MAX = 200;
const ARRIVES_MS = 60000;
const LOGINS = 40;
const CODE = /\b\d{6}\b/;

const folder = new Folder();
const people = [];
const unknown = new Set(); // entries of which the log says that nobody knows
let config;
let vendor;
let relay;

before(async () => {
  const authority = new Authority(folder);
  const right = authority.sign('IP:127.0.0.1');
  vendor = await Vendor.start({ ...right, thinksMs: 10 });
  relay = await Relay.start(right);
  const common = { caFile: authority.file };
  const secret = Buffer.alloc(32, 7).toString('base64');
  const signingSecretFile = folder.write('secret', `whsec_${secret}`);
  const keyFile = folder.join('keys');
  await runOtpd(['init', '--key-file', keyFile]);
  const providers = [
    { name: 'hook', kind: 'webhook', url: vendor.url, signingSecretFile, channels: 'SMS',
      allowPrivate: true, ...common },
    { name: 'mail', kind: 'smtp', host: '127.0.0.1', port: relay.port, from: 'codes@example.com',
      ...common },
  ];
  config = configText({ Shop: {} }, { keyFile, logFormat: 'json', providers });
});

after(async () => {
  await vendor.stop();
  await relay.stop();
  folder.remove();
});

const start = () =>
  Server.start({ isDev: false, config, args: ['--data-dir', folder.join('kept')] });

function nextPerson() {
  const number = people.length;
  const options = { brand: 'Shop' };
  const isMail = number % 2 === 0;
  const person = new Person(isMail ? email(`person${number}@example.net`, options)
    : mobile(`91990${String(number).padStart(7, '0')}`, options));
  people.push(person);
  return person;
}

async function work(lane) {
  for (;;) {
    const person = nextPerson();
    await person.open(lane);
    await person.generate(lane);
  }
}

/** A connection that ends is what is wanted here; any other failure is not. */
function expectCut(error) {
  assert.match(String(error.message), /connection closed|ECONNRE(SET|FUSED)|socket hang up|EPIPE/);
}

function noteUnknown(server) {
  server.events('otp.unknown').forEach(({ entry }) => unknown.add(entry));
}

async function loadAndKill(server) {
  const lanes = await Lane.openMany(server.port, LANES);
  const workers = lanes.map((lane) => work(lane).catch(expectCut));
  const ms = LOAD_MS_MIN + Math.random() * (LOAD_MS_MAX - LOAD_MS_MIN);
  setTimeout(() => server.program.signal('SIGKILL'), ms);
  await Promise.all(workers);
  await server.kill();
  noteUnknown(server);
  lanes.forEach((lane) => lane.close());
}

/** All that has arrived, by address: [{id, code, isLate}]. */
function arrivals() {
  const sent = new Map();
  const add = (to, message) => sent.set(to, [...(sent.get(to) ?? []), message]);
  for (const { body, arrivedAt } of vendor.requests) {
    const { id, data } = JSON.parse(body);
    const isLate = arrivedAt / 1000 > data.expires_at;
    add(data.to.slice(1), { id, code: data.otp, isLate });
  }
  for (const { to, raw } of relay.mails) {
    const { headers, text } = parseMail(raw);
    add(to[0], { id: headers['Message-ID'], code: CODE.exec(text.body)[0], isLate: false });
  }
  return sent;
}

/** Each message came once, and in time. */
function assertOnce(sent) {
  for (const [address, messages] of sent) {
    assert.equal(messages.length, 1, `${address} was sent ${messages.length} messages`);
    assert.ok(!messages[0].isLate);
  }
}

/** Of everything that was promised it is known what became of it, or that nobody knows. */
async function awaitEmptyOutbox(api) {
  await until(ARRIVES_MS, 'an empty outbox', async () => {
    const { text } = await api.client.get('/metrics');
    return /^otpd_outbox_messages\S* 0$/m.test(text);
  });
}

async function assertCodesAreRight(server, sent) {
  const [lane] = await Lane.openMany(server.port, 1);
  const some = people.filter(({ isIssued, who }) => isIssued && sent.has(who.identifierValue))
    .slice(-LOGINS);
  for (const person of some) {
    person.code = sent.get(person.who.identifierValue)[0].code;
    assert.equal(await person.logIn(lane), 200);
  }
  lane.close();
}

async function check(server) {
  const api = new Api(server);
  const promised = people.filter(({ isIssued }) => isIssued);
  await awaitEmptyOutbox(api);
  api.close();
  noteUnknown(server);
  const sent = arrivals();
  const missing = promised.filter(({ who }) => !sent.has(who.identifierValue)).length;
  assertOnce(sent);
  for (const [address, messages] of sent) {
    server.secrets.addAddress(address);
    messages.forEach(({ code }) => server.secrets.addCode(code));
  }
  await assertCodesAreRight(server, sent);
  return { promised: promised.length, missing };
}

test(`${KILLS} kills under load: every promised message arrives or is told`, { timeout: 1800000 },
  async (t) => {
    let server = await start();
    for (let i = 0; i < KILLS; i++) {
      await loadAndKill(server);
      server = await start();
    }
    try {
      const { promised, missing } = await check(server);
      t.diagnostic(`kills ${KILLS}, promised ${promised}, twice 0, unknown ${unknown.size}, ` +
        `of which ${missing} did not arrive`);
      assert.ok(promised > KILLS);
      assert.ok(missing <= unknown.size, `${missing} missing, ${unknown.size} unknown`);
    } finally {
      await server.stop();
    }
  });
