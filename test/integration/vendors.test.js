// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Every provider with an HTTP interface, played by a fake over TLS, and one server that sends by
// all of them: the bytes of each request; what each answer of test/data/providers does; providers
// that hang, cut and break off; receipts early, twice and never. What counts is what the fakes were
// asked: none gets a message twice but one that asked for it. Behind each there is a spare
// provider, which gets what goes on to the next one, with the same code.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { after, before, describe, test } = require('node:test');

const { Api, mobile, wrong } = require('./lib/api');
const { Authority } = require('./lib/certificate');
const { configText } = require('./lib/config');
const { Control } = require('./lib/control');
const { readData } = require('./lib/data');
const { Folder } = require('./lib/folder');
const { Client } = require('./lib/http');
const { runOtpd } = require('./lib/program');
const { Server } = require('./lib/server');
const { Vendor } = require('./lib/vendor');
const { SIGNING_KEY, VENDORS } = require('./lib/vendors');
const { until } = require('./lib/wait');

const PUBLIC_URL = 'https://otp.example.com';
const SOON_MS = 15000;
const TIMEOUT_MS = 2000;
const FALLBACK_SECONDS = 1;

const folder = new Folder();
let stations; // by kind: a vendor's row, its fake, and the next number that nobody has
let spare;
let stranger; // whose certificate is signed by somebody else
let server;
let api;
let client;
let control;

// --- the server and its providers ---------------------------------------------------------------

const channelOf = (row) => row.channel ?? 'SMS';
const brandOf = (row) => row.kind;
const lateOf = (row) => `${row.kind} late`; // its messages go on to the spare without a receipt

class Station {
  static async start(row, index, certificate) {
    const station = new Station();
    Object.assign(station, { row, index, used: 0, others: [], taken: 0, pairs: 0 });
    station.fake = await Vendor.start({
      ...certificate,
      taken: () => row.taken(`${row.kind}-${++station.taken}`),
      others: { '/v4/oa/access_token': () => ({ json: station.nextPair() }) },
    });
    return station;
  }

  nextPair() {
    this.pairs++;
    const [access, refresh] = [`access-${this.pairs}`, `refresh-${this.pairs}`];
    return { access_token: access, refresh_token: refresh, expires_in: '90000' };
  }

  /** For Zalo in Vietnam, else in India. */
  numberAt(place) {
    const [prefix, digits] = channelOf(this.row) === 'ZALO' ? ['8490', 7] : ['9199', 8];
    return prefix + String(this.index * 10 ** 6 + place).padStart(digits, '0').slice(-digits);
  }

  nextNumber() {
    return this.numberAt(this.used++);
  }

  provider(common) {
    const { kind, settings, secrets } = this.row;
    const { url } = this.fake;
    const files = Object.entries(secrets).map(([name, text]) =>
      [`${name}File`, folder.write(`${kind}-${name}`, `${text}\n`)]);
    const where = kind === 'webhook' ? { url } : { endpoint: url };
    const tokens = kind === 'zalo' ? { tokenEndpoint: url } : {};
    return { name: kind, kind, ...where, ...tokens, ...settings, ...Object.fromEntries(files),
      ...common };
  }

  routes() {
    const { kind } = this.row;
    const route = { channel: channelOf(this.row), providers: `${kind} spare` };
    return [
      { ...route, brand: brandOf(this.row) },
      { ...route, brand: lateOf(this.row), fallbackAfterSeconds: FALLBACK_SECONDS },
    ];
  }
}

function config(authority, keyFile) {
  const common = { caFile: authority.file, allowPrivate: true, timeoutMs: TIMEOUT_MS };
  const rows = Object.values(stations);
  const secret = folder.write('secret', `whsec_${SIGNING_KEY.toString('base64')}\n`);
  const hook = (name, vendor, channels) =>
    ({ name, kind: 'webhook', url: vendor.url, channels, signingSecretFile: secret, ...common });
  const providers = [
    ...rows.map((station) => station.provider(common)),
    hook('spare', spare, 'SMS WHATSAPP ZALO'), hook('stranger', stranger, 'SMS'),
  ];
  const routes = [
    ...rows.flatMap((station) => station.routes()),
    { channel: 'SMS', brand: 'Stranger', providers: 'stranger spare' },
  ];
  const brands = rows.flatMap(({ row }) => [brandOf(row), lateOf(row)].map((name) =>
    [name, { mobileChannel: channelOf(row) }]));
  return configText({ ...Object.fromEntries(brands), Stranger: {} },
    { keyFile, dataDir: folder.join('data'), logFormat: 'json', publicUrl: PUBLIC_URL, providers,
      routes });
}

before(async () => {
  const authority = new Authority(folder);
  const right = authority.sign('IP:127.0.0.1');
  const other = new Authority(folder, 'other').sign('IP:127.0.0.1');
  const keyFile = folder.join('keys');
  await runOtpd(['init', '--key-file', keyFile]);
  spare = await Vendor.start(right);
  stranger = await Vendor.start(other);
  const started = await Promise.all(VENDORS.map((row, i) => Station.start(row, i, right)));
  stations = Object.fromEntries(started.map((station) => [station.row.kind, station]));
  server = await Server.start({ isDev: false, config: config(authority, keyFile) });
  api = new Api(server);
  client = new Client(server.port);
  control = await Control.of(server);
  const set = await otpd(['provider', 'tokens', 'set', 'zalo', 'refreshToken=-'], 'refresh-0\n');
  assert.match(set, /^zalo: ready/);
});

after(async () => {
  client?.close();
  control?.close();
  api?.close();
  await server?.stop();
  const fakes = Object.values(stations ?? {}).map(({ fake }) => fake);
  await Promise.all([...fakes, spare, stranger].map((fake) => fake?.stop()));
  folder.remove();
});

async function otpd(words, input) {
  const args = [...words, '--socket', await server.controlSocket()];
  const { status, stdout, stderr } = await runOtpd(args, { input });
  assert.equal(status, 0, stderr);
  server.secrets.assertNoneIn(stdout);
  return stdout;
}

// --- messages -----------------------------------------------------------------------------------

const HOLES = {
  brand: '[a-z0-9-]+(?:[ +]late)?', code: '\\d{6}', id: '[0-9a-f]{16}', pair: '\\d+',
  url: '[^&"]+', echo: '[^"]+', life: '1[12]\\d\\d', end: '\\d{10}', day: '\\d{8}',
  time: '[\\dTZ]{10,16}', signature: '[A-Za-z0-9+/=]{44,64}',
};

/** That text with a group for each hole; a hole that comes again stands for the same. */
function patternOf(text, number) {
  const seen = new Set();
  const quoted = text.replaceAll('<number>', number).replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  const source = quoted.replace(/<(\w+)>/g, (_, name) => {
    const isNew = !seen.has(name);
    seen.add(name);
    return isNew ? `(?<${name}>${HOLES[name]})` : `\\k<${name}>`;
  });
  return new RegExp(`^${source}$`);
}

function textOf({ method, url, rawHeaders, body }) {
  const lines = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  }
  return [`${method} ${url}`, ...lines, '', body].join('\n');
}

/** The request is, byte by byte, what the row says; what stands in its holes. */
function read({ row, fake }, number, asked) {
  const [line, headers, body] = row.request;
  const wanted = [
    line, `Host: 127.0.0.1:${fake.port}`, ...headers,
    `Content-Length: ${Buffer.byteLength(asked.body)}`, '', body,
  ].join('\n');
  const found = patternOf(wanted, number).exec(textOf(asked));
  assert.ok(found, `${textOf(asked)}\nis not\n${wanted}`);
  const { url, ...holes } = found.groups;
  server.secrets.addCode(holes.code);
  return { ...holes, url: url && decodeURIComponent(url) };
}

/** A code for `number`, whose message meets those steps. */
async function send(station, brand, ...steps) {
  const number = station.nextNumber();
  station.fake.plan(number, ...steps);
  const who = mobile(number, { brand });
  const sessionId = await api.open(who);
  assert.equal((await api.generate(who, sessionId)).code, 200);
  return { number, who, sessionId };
}

/** The breaker of a provider that always fails would open, so most of its messages are taken. */
async function sendAmongOthers(station, brand, ...steps) {
  const sent = await send(station, brand, ...steps);
  for (let i = 0; i < 2; i++) {
    station.others.push((await send(station, brandOf(station.row))).number);
  }
  return sent;
}

/** What otpd explain --json tells, without the program in between. */
async function toldOf(number) {
  const { json } = await control.post('/admin/v1/explain', { who: number });
  const messages = json.people.flatMap((person) => person.messages);
  assert.equal(messages.length, 1);
  return messages[0];
}

/**
 * The vendor was asked so often, the spare so often, always with the same code; what is told of the
 * message is its state and what became of each attempt: [provider, state, reason].
 */
async function assertBecame(station, { number }, { asked, spared, state, attempts, name = '' }) {
  const { fake } = station;
  await until(SOON_MS, `${name} ${number}: ${asked} requests, ${spared} to the spare`, () =>
    fake.requestsTo(number).length >= asked && spare.requestsTo(number).length >= spared);
  const told = await until(SOON_MS, `${name} ${number}: ${state}`, async () => {
    const message = await toldOf(number);
    return message.state === state && !message.isOpen && message;
  });
  assert.deepEqual([name, ...told.attempts.map((one) => [one.provider, one.state, one.reason])],
    [name, ...attempts]);
  const reads = fake.requestsTo(number).map((request) => read(station, number, request));
  const codes = reads.map(({ code }) => code);
  const spareCodes = spare.requestsTo(number).map(({ body }) => JSON.parse(body).data.otp);
  assert.deepEqual([codes.length, spareCodes.length], [asked, spared], number);
  assert.equal(new Set([...codes, ...spareCodes]).size, 1);
  return reads[0];
}

// --- what becomes of them -----------------------------------------------------------------------

/** What a reply of that outcome leads to; `kind`: the provider that gives it. */
const became = {
  accepted: (kind) => ({
    asked: 1, spared: 0, state: 'accepted', attempts: [[kind, 'accepted', null]],
  }),
  refused: (kind, reason) => ({
    asked: 1, spared: 1, state: 'accepted',
    attempts: [[kind, 'failed', reason], ['spare', 'accepted', null]],
  }),
  retry: (kind, reason) => ({
    asked: 2, spared: 0, state: 'accepted',
    attempts: [[kind, 'retry', reason], [kind, 'accepted', null]],
  }),
  unknown: (kind, reason) => ({
    asked: 1, spared: 1, state: 'accepted',
    attempts: [[kind, 'unknown', reason], ['spare', 'accepted', null]],
  }),
};

const RETRY_AFTER_MS_MAX = 2000;

/** Rows {name, step, outcome, reason}: the provider's replies, and what is no reply. */
function scenariosOf({ kind, taken }) {
  const isSoon = ({ retryAfterMs = 0 }) => retryAfterMs <= RETRY_AFTER_MS_MAX;
  const replies = readData(`providers/${kind}.json`).replies.filter(isSoon);
  const { json, text: body = JSON.stringify(json) } = taken('x');
  return [
    ...replies.map(({ name, status, body: text, retryAfter, outcome, reason = null }) => {
      const headers = retryAfter ? { 'Retry-After': retryAfter } : {};
      return { name, step: { status, text, headers }, outcome, reason };
    }),
    { name: 'hangs', step: { hang: true }, outcome: 'unknown', reason: 'vendor_down' },
    { name: 'cuts', step: { cut: true }, outcome: 'unknown', reason: 'vendor_down' },
    { name: 'breaks off', step: { half: body }, outcome: 'unknown', reason: 'vendor_down' },
  ];
}

/** Whatever comes while an access token is renewed waits for that, so such a reply comes alone. */
async function checkEndedTokens(station, scenarios) {
  for (const { step, outcome, reason } of scenarios) {
    const sent = await send(station, brandOf(station.row), step);
    await assertBecame(station, sent, became[outcome](station.row.kind, reason));
  }
}

async function checkReplies(station) {
  const { row, fake } = station;
  const scenarios = scenariosOf(row);
  const isOfToken = ({ reason }) => reason === 'token_ended';
  await checkEndedTokens(station, scenarios.filter(isOfToken));
  const sent = [];
  for (const scenario of scenarios.filter((one) => !isOfToken(one))) {
    const brand = scenario.outcome === 'unknown' ? lateOf(row) : brandOf(row);
    sent.push([scenario, await sendAmongOthers(station, brand, scenario.step)]);
  }
  for (const [{ name, outcome, reason }, message] of sent) {
    await assertBecame(station, message, { ...became[outcome](row.kind, reason), name });
  }
  for (const number of station.others) {
    assert.deepEqual([fake.requestsTo(number).length, spare.requestsTo(number).length], [1, 0]);
  }
}

// --- receipts -----------------------------------------------------------------------------------

/** Where that provider reports: what the message said, or what was registered. */
async function receiptPath({ row }, url) {
  const words = ['provider', 'receipt-url', row.kind, '--config', server.configFile];
  const registered = async () => {
    const { stdout, stderr } = await runOtpd(words);
    assert.notEqual(stdout, '', stderr);
    return stdout.trim();
  };
  const whole = url ?? await registered();
  assert.ok(whole.startsWith(`${PUBLIC_URL}/receipts/${row.kind}/`), whole);
  server.secrets.addCode(whole.split('/').pop());
  return whole;
}

async function report(station, ref, state, url) {
  const whole = await receiptPath(station, url);
  const { query = '', ...request } = station.row.reports[state](ref, whole);
  const reply = await client.request({ ...request, path: whole.slice(PUBLIC_URL.length) + query });
  assert.equal(reply.status, 200, `${state}: ${reply.text}`);
}

/** A message that was taken under that name. */
async function sendTaken(station, ref) {
  const sent = await send(station, brandOf(station.row), station.row.taken(ref));
  const { url } = await assertBecame(station, sent, became.accepted(station.row.kind));
  return { ...sent, url };
}

const deliveredEvents = ({ row }, { number }) =>
  server.events('otp.delivered').filter(({ to, provider }) =>
    provider === row.kind && to.endsWith(number.slice(-3)));

const becameDelivered = (kind) => ({
  asked: 1, spared: 0, state: 'delivered', attempts: [[kind, 'delivered', null]],
});

async function checkDelivered(station) {
  const sent = await sendTaken(station, 'ref-delivered');
  await report(station, 'ref-delivered', 'delivered', sent.url);
  await report(station, 'ref-delivered', 'delivered', sent.url);
  await assertBecame(station, sent, becameDelivered(station.row.kind));
  await until(SOON_MS, 'otp.delivered', () => deliveredEvents(station, sent).length > 0);
  assert.equal(deliveredEvents(station, sent).length, 1);
}

/** The provider reports before it answers to the request. */
async function checkEarly(station) {
  let answer;
  const answered = new Promise((resolve) => (answer = resolve));
  const sent = await send(station, brandOf(station.row), () => answered);
  const { url } = read(station, sent.number, await station.fake.await(sent.number));
  await report(station, 'ref-early', 'delivered', url);
  answer(station.row.taken('ref-early'));
  await assertBecame(station, sent, becameDelivered(station.row.kind));
}

/** It took the message, and reports twice that it did not arrive. */
async function checkFailed(station) {
  const sent = await sendTaken(station, 'ref-failed');
  await report(station, 'ref-failed', 'failed', sent.url);
  await report(station, 'ref-failed', 'failed', sent.url);
  await spare.await(sent.number);
  await report(station, 'ref-failed', 'failed', sent.url);
  const { attempts } = await toldOf(sent.number);
  const { reason } = attempts[0];
  assert.ok(reason, 'a reason');
  await assertBecame(station, sent, {
    asked: 1, spared: 1, state: 'accepted',
    attempts: [[station.row.kind, 'failed', reason], ['spare', 'accepted', null]],
  });
}

/** It took the message, and nothing is ever heard of it. */
async function checkSilent(station) {
  const sent = await send(station, lateOf(station.row));
  await assertBecame(station, sent, {
    asked: 1, spared: 1, state: 'accepted',
    attempts: [[station.row.kind, 'accepted', null], ['spare', 'accepted', null]],
  });
  const { attempts: [first, second] } = await toldOf(sent.number);
  const ms = Date.parse(second.at) - Date.parse(first.at);
  assert.ok(ms >= FALLBACK_SECONDS * 1000, `after ${ms} ms`);
}

/** It fails whenever it is asked: twice, and then the next one is. */
async function checkPatience(station) {
  const { kind } = station.row;
  const down = { status: 503, json: {} };
  const sent = await sendAmongOthers(station, brandOf(station.row), down, down);
  await assertBecame(station, sent, {
    asked: 2, spared: 1, state: 'accepted',
    attempts: [
      [kind, 'retry', 'vendor_down'], [kind, 'retry', 'vendor_down'], ['spare', 'accepted', null],
    ],
  });
}

/** What arrived is the code that logs in, and no other is. */
async function checkLogin(station) {
  const { number, who, sessionId } = await send(station, brandOf(station.row));
  const { code } = read(station, number, await station.fake.await(number));
  assert.equal((await api.validate(who, sessionId, wrong(code))).code, 1506);
  assert.equal((await api.validate(who, sessionId, code)).code, 200);
}

describe('vendors', { concurrency: true }, () => {
  for (const row of VENDORS) {
    describe(row.kind, { concurrency: 1 }, () => {
      const check = (what, job, isPossible = true) =>
        isPossible && test(what, () => job(stations[row.kind]));
      check('a login', checkLogin);
      check('each reply, a hang, a cut and half a reply', checkReplies);
      check('down, twice', checkPatience);
      check('delivered, told twice', checkDelivered, row.reports.delivered !== null);
      check('delivered, told before the reply', checkEarly, row.reports.delivered !== null);
      check('did not arrive, told three times', checkFailed, row.reports.failed !== null);
      check('no receipt', checkSilent);
    });
  }
});

test('the commands tell it', async () => {
  for (const { row, used } of Object.values(stations)) {
    assert.ok(used > 0);
    const number = stations[row.kind].numberAt(0);
    const told = await toldOf(number);
    const { people } = JSON.parse(await otpd(['explain', number, '--json']));
    assert.deepEqual(people.flatMap(({ messages }) => messages), [told]);
    const shown = JSON.parse(await otpd(['outbox', 'show', `${told.handle}`, '--json'])).message;
    const { route, ...message } = told;
    assert.deepEqual([shown, route], [message, [row.kind, 'spare']]);
  }
});

// --- who is asked -------------------------------------------------------------------------------

test('who has the certificate of somebody else is told nothing', async () => {
  const number = '919999000001';
  const who = mobile(number, { brand: 'Stranger' });
  assert.equal((await api.generate(who, await api.open(who))).code, 200);
  await spare.await(number);
  const { attempts } = await toldOf(number);
  assert.deepEqual(attempts.map(({ provider, reason }) => [provider, reason]).slice(0, 2),
    [['stranger', 'vendor_down'], ['stranger', 'vendor_down']]);
  assert.deepEqual([stranger.requests.length, stranger.connections > 0], [0, true]);
  assert.equal(spare.requestsTo(number).length, 1);
});

// --- signatures, computed a second time ---------------------------------------------------------

const sha256 = (text) => crypto.createHash('sha256').update(text).digest('hex');
const mac = (key, text) => crypto.createHmac('sha256', key).update(text).digest();

/** AWS Signature Version 4 of that request. */
function awsSignature({ url, headers, body }, secret, service) {
  const [, names] = /SignedHeaders=([^,]+),/.exec(headers.authorization);
  const [, scope] = /Credential=[^/]+\/([^,]+),/.exec(headers.authorization);
  const signed = names.split(';').map((name) => `${name}:${headers[name]}\n`).join('');
  const canonical = ['POST', url, '', signed, names, sha256(body)].join('\n');
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  const day = headers['x-amz-date'].slice(0, 8);
  const key = [day, 'ap-south-1', service, 'aws4_request'].reduce(mac, `AWS4${secret}`);
  return mac(key, text).toString('hex');
}

test('signatures', () => {
  const own = { 'aws-eum': ['eum-secret', 'sms-voice'], 'aws-sns': ['sns-secret', 'sns'] };
  for (const [kind, [secret, service]] of Object.entries(own)) {
    const [request] = stations[kind].fake.requests;
    assert.ok(request.headers.authorization.endsWith(
      `Signature=${awsSignature(request, secret, service)}`), kind);
  }
  for (const { headers, body } of [...stations.webhook.fake.requests, ...spare.requests]) {
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
    assert.equal(headers['webhook-signature'], `v1,${mac(SIGNING_KEY, signed).toString('base64')}`);
  }
});
