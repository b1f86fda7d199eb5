// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Where codes must not be: the test knows every code that was sent, from the messages, and looks
// for it, and for whole addresses and the providers' secrets, in every byte that the server left
// or told: the data directory, the log at its lowest level, as JSON and as text, answers, metrics,
// and what all commands print. The providers are the worst there are: they repeat whatever they are
// given, in their refusals, their receipts and their names for messages.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');

const { Api, email, mobile, wrong } = require('./lib/api');
const { Authority } = require('./lib/certificate');
const { configText } = require('./lib/config');
const { Folder } = require('./lib/folder');
const { Client } = require('./lib/http');
const { runOtpd } = require('./lib/program');
const { Relay, parseMail } = require('./lib/relay');
const { Server } = require('./lib/server');
const { Vendor } = require('./lib/vendor');
const { until } = require('./lib/wait');

const PUBLIC_URL = 'https://otp.example.com';
const TWILIO_TOKEN = 'token-of-twilio-1f0c';
const CHAT_TOKEN = 'token-of-whatsapp-7e1d';
const MAIL_PASSWORD = 'password-of-the-relay-93ab';
const SIGNING_KEY = crypto.createHash('sha256').update('canary').digest();
const DIGITS = 10; // no code of so many is anywhere by chance
const CODE = new RegExp(`(?<!\\d)\\d{${DIGITS}}(?!\\d)`);
const SOON_MS = 15000;

const folder = new Folder();
const codes = new Set();
const numbers = new Set();
const mailboxes = new Set();
const usernames = new Set();
const told = []; // [where, bytes]: all that anybody was told
let config;
let texts; // Twilio
let chats; // WhatsApp
let hook; // the next for both
let relay;
let server;
let api;

// --- the providers ------------------------------------------------------------------------------

const textOf = ({ body }) => new URLSearchParams(body).get('Body');

/** The code of a request to any of them. */
function codeOf({ body }) {
  const text = new URLSearchParams(body).get('Body') ?? body;
  const found = JSON.parse(body.startsWith('{') ? body : '{}').data?.otp ??
    /"type":"text","text":"(\d+)"/.exec(text)?.[1] ?? CODE.exec(text)[0];
  codes.add(found);
  return found;
}

/** A refusal that has in it all that it was given. */
const repeats = (status, code) => (request) => ({
  status,
  json: {
    code, status: `failed ${codeOf(request)}`,
    message: `no: ${textOf(request)} (${codeOf(request)}) to ${request.body} by ${TWILIO_TOKEN}`,
  },
});

const codeAsName = (request) => ({
  status: 201, json: { status: 'queued', sid: `SM-${codeOf(request)}` },
});

const numberAsName = (request) => ({
  status: 201, json: { status: 'queued', sid: new URLSearchParams(request.body).get('To') },
});

before(async () => {
  const authority = new Authority(folder);
  const right = authority.sign('IP:127.0.0.1');
  const keyFile = folder.join('keys');
  await runOtpd(['init', '--key-file', keyFile]);
  texts = await Vendor.start({
    ...right, taken: { status: 201, json: { sid: 'SM-canary', status: 'queued' } },
  });
  chats = await Vendor.start({ ...right, taken: { json: { messages: [{ id: 'wamid.1' }] } } });
  hook = await Vendor.start(right);
  const login = { user: 'codes', pass: MAIL_PASSWORD };
  relay = await Relay.start({ ...right, login });
  const common = { caFile: authority.file, timeoutMs: 1000 };
  const http = { ...common, allowPrivate: true };
  const file = (name, text) => folder.write(name, `${text}\n`);
  const providers = [
    { name: 'texts', kind: 'twilio', endpoint: texts.url, accountSid: 'AC01',
      authTokenFile: file('texts', TWILIO_TOKEN), sender: '+12025550100', ...http },
    { name: 'chats', kind: 'whatsapp-cloud', endpoint: chats.url, phoneNumberId: '1',
      accessTokenFile: file('chats', CHAT_TOKEN), template: 'login', language: 'en', ...http },
    { name: 'hook', kind: 'webhook', url: hook.url, channels: 'SMS WHATSAPP',
      signingSecretFile: file('hook', `whsec_${SIGNING_KEY.toString('base64')}`), ...http },
    { name: 'mail', kind: 'smtp', host: '127.0.0.1', port: relay.port, from: 'codes@example.com',
      user: 'codes', passwordFile: file('mail', MAIL_PASSWORD), ...common },
  ];
  const own = { otpLength: DIGITS, otpMaxCount: null };
  const brands = { Shop: own, Chat: { ...own, mobileChannel: 'WHATSAPP' } };
  config = (logFormat) => configText(brands, {
    keyFile, dataDir: folder.join('data'), logFormat, logLevel: 'debug', publicUrl: PUBLIC_URL,
    providers,
  });
  await start('json');
});

async function start(logFormat) {
  const args = ['--data-dir', folder.join('data')];
  server = await Server.start({ isDev: false, config: config(logFormat), args });
  api = new Api(server);
  const { request } = api.client;
  api.client.request = async function asked(...words) {
    const reply = await request.apply(this, words);
    told.push([`answer to ${JSON.stringify(words[0].path)}`, reply.body]);
    told.push(['its headers', Buffer.from(reply.rawHeaders.join('\n'))]);
    return reply;
  };
}

/** Ends the server; what it wrote is kept. */
async function end(how) {
  api.close();
  const { program } = server;
  await server[how]();
  told.push([`log until ${how}`, Buffer.concat(program.errors)]);
  told.push([`output until ${how}`, Buffer.concat(program.out)]);
}

after(async () => {
  server?.program.signal('SIGKILL');
  await Promise.all([texts, chats, hook, relay].map((one) => one?.stop()));
  folder.remove();
});

// --- what people do -----------------------------------------------------------------------------

let people = 0;

function nextNumber() {
  const number = `91998${String(1000 + people++).padStart(7, '0')}`;
  numbers.add(number);
  return number;
}

function nextMailbox() {
  const mailbox = `canary.person${people++}@example.net`;
  mailboxes.add(mailbox);
  return mailbox;
}

async function issue(who) {
  const sessionId = await api.open(who);
  assert.equal((await api.generate(who, sessionId)).code, 200);
  return { who, sessionId };
}

/** A code by SMS that meets those steps at the first provider. */
async function text(...steps) {
  const number = nextNumber();
  texts.plan(number, ...steps);
  const session = await issue(mobile(number, { brand: 'Shop' }));
  codeOf(await texts.await(number));
  return { number, ...session };
}

/** Clients, too, put codes where they do not belong. */
async function misuse({ who, sessionId }, code) {
  const body = { ...who, sessionId };
  const requests = [
    { path: `/auth/v1/otp/validate?otp=${code}` },
    { path: `/${code}` },
    { method: 'POST', path: `/receipts/texts/${code}`, body: `code=${code}` },
    { method: 'POST', path: '/auth/v1/otp/validate', body: `{"otp": "${code}"`,
      headers: { 'Content-Type': 'application/json', 'X-Otp': code } },
  ];
  for (const request of requests) {
    await api.client.request(request);
  }
  for (const member of ['sessionId', 'brand', 'deviceId', 'identifierType', 'channel']) {
    await api.call('otp/validate', { ...body, otp: wrong(code), [member]: code });
  }
}

async function logIn({ number, who, sessionId }) {
  const code = codeOf(texts.requestsTo(number)[0]);
  await api.validate(who, sessionId, wrong(code));
  await misuse({ who, sessionId }, code);
  assert.equal((await api.validate(who, sessionId, code)).code, 200);
}

const otpHook = ({ body }) => JSON.parse(body).data;

/** The next provider takes it and then repeats all of it in its receipts, signed and not. */
async function report({ number }) {
  const request = await hook.await(number);
  const code = codeOf(request);
  const { receipt_url: url } = otpHook(request);
  const detail = `${code} to +${number}: ${request.body}`;
  const body = JSON.stringify({ type: 'otp.failed', data: { id: code, reason: code, detail } });
  const seconds = Math.floor(Date.now() / 1000);
  const signed = crypto.createHmac('sha256', SIGNING_KEY).update(`r.${seconds}.${body}`);
  const signature = `v1,${signed.digest('base64')}`;
  for (const right of [signature, code]) {
    const headers = {
      'webhook-id': 'r', 'webhook-timestamp': seconds, 'webhook-signature': right,
    };
    await api.client.request({ method: 'POST', path: url.slice(PUBLIC_URL.length), headers, body });
  }
}

async function chat(...steps) {
  const number = nextNumber();
  chats.plan(number, ...steps);
  await issue(mobile(number, { brand: 'Chat' }));
  codeOf(await chats.await(number));
  return number;
}

const repeatsChat = (request) => ({
  status: 400, json: { error: { code: codeOf(request), message: request.body } },
});

/** All that can go wrong with a message, and a login that goes well; that one's session. */
async function live() {
  const session = await text();
  await logIn(session);
  for (const steps of [
    [repeats(400, 21211)], [repeats(400, 99999)], [repeats(503, 1)], [repeats(201, 30008)],
    [{ hang: true }], [{ cut: true }], [codeAsName], [numberAsName],
  ]) {
    await text(...steps);
  }
  await report(await text(repeats(400, 30007)));
  await chat();
  await hook.await(await chat(repeatsChat));
  const name = `canary_user_${people++}`;
  usernames.add(name);
  const number = nextNumber();
  await issue({ ...mobile(name, { brand: 'Shop' }), identifierType: 'USERNAME', mobile: number });
  codeOf(await texts.await(number));
  await sendMails();
  return session.sessionId;
}

function codeOfMail(raw) {
  const [code] = CODE.exec(parseMail(raw).text.body);
  codes.add(code);
  return code;
}

const refusesMail = (line) => (raw) =>
  `${line} ${codeOfMail(raw)} to ${parseMail(raw).headers.To} (${MAIL_PASSWORD})`;

const refusesAddress = (line) => (address) => `${line} <${address}> of ${address}`;

/** Of three mails one is refused for good, and one at first. */
async function sendMails() {
  const arrived = relay.mails.length;
  for (const line of ['550 5.7.1', '451 4.3.0']) {
    relay.plan.push({ at: 'body', reply: refusesMail(line) });
  }
  for (let i = 0; i < 3; i++) {
    await issue(email(nextMailbox(), { brand: 'Shop' }));
  }
  await relay.await(arrived + 2);
  relay.plan.push({ at: 'rcpt', reply: refusesAddress('550 5.1.1') });
  await issue(email(nextMailbox(), { brand: 'Shop' }));
  await until(SOON_MS, 'the refusal', () => relay.plan.length === 0);
  relay.mails.forEach(({ raw }) => codeOfMail(raw));
}

// --- what operators ask -------------------------------------------------------------------------

async function run(words) {
  const { stdout, stderr } = await runOtpd(words);
  told.push([`otpd ${words[0]} ${words[1] ?? ''}`, Buffer.from(stdout + stderr)]);
  return stdout;
}

async function askEverything(sessionId) {
  const socket = ['--socket', await server.controlSocket()];
  const ask = (...words) => run([...words, ...socket]);
  const file = ['--config', server.configFile];
  const { messages } = JSON.parse(await ask('outbox', 'list', '--all', '--limit', '100', '--json'));
  assert.ok(messages.length > 10);
  for (const { handle } of messages) {
    await ask('outbox', 'show', `${handle}`);
  }
  const everybody = [...numbers, ...mailboxes, ...usernames, sessionId];
  for (const [i, who] of everybody.entries()) {
    await ask('explain', who, ...(i % 2 === 0 ? [] : ['--json']));
  }
  await ask('outbox', 'list');
  await ask('outbox', 'list', '--troubled');
  await ask('outbox', 'drop', `${messages.find(({ isOpen }) => isOpen).handle}`);
  await ask('outbox', 'retry', `${messages.find(({ state }) => state === 'failed').handle}`);
  await ask('brand', 'list');
  await ask('brand', 'show', 'Shop');
  await ask('brands', 'export');
  await run(['check', ...file]);
  await run(['check', '--online', ...file]);
  await api.client.get('/metrics');
  await api.client.get('/healthz');
}

// --- the search ---------------------------------------------------------------------------------

/** Without the zeros at its end, where the journal has room: they are nobody's code. */
function usedPart(bytes) {
  let len = bytes.length;
  while (len > 0 && bytes[len - 1] === 0) {
    len--;
  }
  return bytes.subarray(0, len);
}

/** Each file of the data directory as it is now. */
function keepData(when) {
  const home = folder.join('data');
  for (const name of fs.readdirSync(home, { recursive: true })) {
    const file = path.join(home, name);
    if (fs.statSync(file).isFile()) {
      told.push([`${name} ${when}`, usedPart(fs.readFileSync(file))]);
    }
  }
}

/** Ways to write a code down. */
function formsOf(code) {
  const number = Buffer.alloc(8);
  number.writeBigUInt64LE(BigInt(code));
  return {
    text: Buffer.from(code),
    'text of two bytes': Buffer.from(code, 'utf16le'),
    'hexadecimal text': Buffer.from(Buffer.from(code).toString('hex')),
    base64: Buffer.from(Buffer.from(code).toString('base64').slice(0, -3)),
    'packed digits': Buffer.from(code, 'hex'),
    'a number': number,
    'a number, the other way': Buffer.from(number).reverse(),
  };
}

function assertNowhere(what, forms) {
  for (const [form, bytes] of Object.entries(forms)) {
    for (const [where, held] of told) {
      const at = held.indexOf(bytes);
      const around = () => held.subarray(Math.max(0, at - 200), at + 100).toString('latin1');
      assert.ok(at < 0, `${what} as ${form} in ${where}: ${at < 0 || around()}`);
    }
  }
}

const isTold = (word, where) =>
  told.some(([name, held]) => where.test(name) && held.includes(word));

test('no code, address or secret is anywhere but in the messages', async () => {
  const first = await live();
  keepData('while the server runs');
  await askEverything(first);
  await end('kill');
  keepData('after a kill');
  await start('json');
  await askEverything(await live());
  await end('stop');
  await start('text');
  await live();
  await end('stop');
  keepData('at the end');
  assert.ok(codes.size > 30 && numbers.size > 30 && mailboxes.size >= 12, `${codes.size} codes`);
  // What may be there is found, so that the search sees what there is.
  assert.ok(isTold('SM-canary', /while the server runs/));
  assert.ok(isTold('http.answer', /^log until kill/) && isTold('otp.failed', /^log until kill/));
  assert.ok(isTold('+91•••••', /^otpd explain/) && isTold('***', /^otpd outbox show/));
  codes.forEach((code) => assertNowhere(`code ${code}`, formsOf(code)));
  for (const number of numbers) {
    assertNowhere(number, { text: Buffer.from(number.slice(2)) });
  }
  for (const name of [...mailboxes, ...usernames]) {
    assertNowhere(name, { text: Buffer.from(name) });
  }
  const key = SIGNING_KEY.toString('base64');
  for (const secret of [TWILIO_TOKEN, CHAT_TOKEN, MAIL_PASSWORD, key]) {
    assertNowhere(secret, { text: Buffer.from(secret), bytes: Buffer.from(secret, 'base64') });
  }
});
