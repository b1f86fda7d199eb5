// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What providers report about messages, in every order, signed by their own rules as node:crypto
// computes them: what a report does to its message, and that nobody else's does anything.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { after, before, describe, test } = require('node:test');

const { Api, mobile } = require('./lib/api');
const { Authority } = require('./lib/certificate');
const { configText } = require('./lib/config');
const { parseExposition, valueOf } = require('./lib/exposition');
const { Folder } = require('./lib/folder');
const { Client } = require('./lib/http');
const { runOtpd } = require('./lib/program');
const { Server } = require('./lib/server');
const { Vendor } = require('./lib/vendor');
const { until } = require('./lib/wait');

const PUBLIC_URL = 'https://otp.example.com/in';
const TOKEN = 'token-of-the-provider';
const APP_SECRET = 'secret-of-the-app';
const VERIFY_TOKEN = 'verify-token-of-ours';
const SIGNING_KEY = Buffer.alloc(32, 7);
const CODE = /\b\d{6}\b/;
const FORM = 'application/x-www-form-urlencoded';
const NEXT_MS = 10000;
const OLD_SECONDS = 400;

const folder = new Folder();
let right;
let keyFile;
let config;
let vendors; // texts: first for SMS; hook: second for SMS; chats: for WhatsApp
let server;
let api;
let client;

const hmac = (hash, key, text, encoding) =>
  crypto.createHmac(hash, key).update(text).digest(encoding);

function providers(authority) {
  const common = { caFile: authority.file, allowPrivate: true };
  const secret = (name, text) => folder.write(name, `${text}\n`);
  return [
    {
      name: 'texts', kind: 'twilio', endpoint: vendors.texts.url, accountSid: 'AC01',
      authTokenFile: secret('token', TOKEN), sender: '+12025550100', ...common,
    },
    {
      name: 'hook', kind: 'webhook', url: vendors.hook.url, channels: 'SMS',
      signingSecretFile: secret('signing', `whsec_${SIGNING_KEY.toString('base64')}`), ...common,
    },
    {
      name: 'chats', kind: 'whatsapp-cloud', endpoint: vendors.chats.url, phoneNumberId: '1',
      accessTokenFile: secret('token', TOKEN), template: 'login', language: 'en',
      appSecretFile: secret('app', APP_SECRET), verifyTokenFile: secret('verify', VERIFY_TOKEN),
      ...common,
    },
  ];
}

before(async () => {
  const authority = new Authority(folder);
  right = authority.sign('IP:127.0.0.1');
  keyFile = folder.join('keys');
  await runOtpd(['init', '--key-file', keyFile]);
  vendors = {
    texts: await Vendor.start({ ...right, taken: { status: 201, json: { status: 'queued' } } }),
    hook: await Vendor.start({ ...right }),
    chats: await Vendor.start({ ...right, taken: { json: { messages: [{ id: 'wamid.1' }] } } }),
  };
  const brands = { Shop: {}, Chat: { mobileChannel: 'WHATSAPP' } };
  config = configText(brands, {
    keyFile, dataDir: folder.join('data'), logFormat: 'json', publicUrl: `${PUBLIC_URL}/`,
    providers: providers(authority),
  });
  await startServer();
});

async function startServer() {
  const args = ['--data-dir', folder.join('data')];
  server = await Server.start({ isDev: false, config, args });
  [TOKEN, APP_SECRET, VERIFY_TOKEN].forEach((secret) => server.secrets.addCode(secret));
  api = new Api(server);
  client = new Client(server.port);
}

async function stopServer() {
  client?.close();
  api?.close();
  await server?.stop();
}

after(async () => {
  await stopServer();
  await Promise.all(Object.values(vendors ?? {}).map((vendor) => vendor.stop()));
  folder.remove();
});

/** Where that public URL leads behind the proxy that takes its prefix off. */
function pathOf(url) {
  assert.ok(url.startsWith(`${PUBLIC_URL}/receipts/`), url);
  server.secrets.addCode(url.split('/').pop());
  return url.slice(PUBLIC_URL.length);
}

async function issue(number, brand = 'Shop') {
  const who = mobile(number, { brand });
  const sessionId = await api.open(who);
  assert.equal((await api.generate(who, sessionId)).code, 200);
  return { who, sessionId };
}

/** A message to `number` that the first provider has: its code, and where to report. */
async function text(number) {
  const session = await issue(number);
  const { body } = await vendors.texts.await(number);
  const form = new URLSearchParams(body);
  const [code] = CODE.exec(form.get('Body'));
  server.secrets.addCode(code);
  return { number, session, code, url: form.get('StatusCallback') };
}

function twilioSignature(url, members) {
  const names = Object.keys(members).sort();
  return hmac('sha1', TOKEN, url + names.map((name) => name + members[name]).join(''), 'base64');
}

/** Reports as Twilio does; what is in `change` as somebody else would. */
function reportText(url, state, change = {}) {
  const members = { MessageSid: 'SM01', MessageStatus: state, ...change.members };
  const signature = change.signature ?? twilioSignature(url, members);
  return client.request({
    method: 'POST', path: change.path ?? pathOf(url), body: String(new URLSearchParams(members)),
    headers: { 'Content-Type': FORM, 'X-Twilio-Signature': signature },
  });
}

/** Events of that name about the message to that number, of which logs show the end alone. */
const about = (name, number) =>
  server.events(name).filter(({ to }) => to?.endsWith(number.slice(-3)));

const awaitAbout = (name, number, count = 1) =>
  until(NEXT_MS, `${name} of ${number}`, () => about(name, number)[count - 1]);

async function assertLogsIn({ session, code }) {
  assert.equal((await api.validate(session.who, session.sessionId, code)).code, 200);
}

function hookSignature(body, at = Date.now()) {
  const [id, seconds] = ['msg_r1', String(Math.floor(at / 1000))];
  const mac = hmac('sha256', SIGNING_KEY, `${id}.${seconds}.${body}`, 'base64');
  return { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': `v1,${mac}` };
}

function reportHook(url, data, at) {
  const body = JSON.stringify(data);
  return client.request({
    method: 'POST', path: pathOf(url), body, headers: hookSignature(body, at),
  });
}

async function receiptUrl(name) {
  const file = folder.write('otpd.yaml', config);
  const end = await runOtpd(['provider', 'receipt-url', name, '--config', file]);
  return { ...end, url: end.stdout.trim() };
}

function reportChat(url, status, { key = APP_SECRET } = {}) {
  const value = { messaging_product: 'whatsapp', statuses: [status] };
  const body = JSON.stringify({ entry: [{ id: '1', changes: [{ field: 'messages', value }] }] });
  const signature = `sha256=${hmac('sha256', key, body, 'hex')}`;
  return client.request({
    method: 'POST', path: pathOf(url), body, headers: { 'X-Hub-Signature-256': signature },
  });
}

describe('by the URL of a message', () => {
  test('delivered, and measured', async () => {
    const message = await text('12025550101');
    const reply = await reportText(message.url, 'delivered');
    assert.deepEqual([reply.status, reply.text], [200, '']);
    const { channel, provider, ms } = await awaitAbout('otp.delivered', message.number);
    assert.deepEqual([channel, provider], ['SMS', 'texts']);
    assert.ok(ms >= 0 && ms < NEXT_MS);
    const families = parseExposition((await client.request({ path: '/metrics' })).text);
    const labels = { provider: 'texts', channel: 'SMS' };
    assert.ok(valueOf(families, 'otpd_delivery_latency_seconds_count', labels) >= 1);
    await assertLogsIn(message);
  });

  test('failed: the same code by the next provider', async () => {
    const message = await text('12025550102');
    const members = { ErrorCode: '30003' };
    assert.equal((await reportText(message.url, 'undelivered', { members })).status, 200);
    const { data } = JSON.parse((await vendors.hook.await(message.number)).body);
    assert.equal(data.otp, message.code);
    const { reason, words } = await awaitAbout('otp.undelivered', message.number);
    assert.deepEqual([reason, words], ['unreachable', '30003']);
    assert.equal((await reportHook(data.receipt_url, { type: 'otp.delivered' })).status, 200);
    assert.equal((await awaitAbout('otp.delivered', message.number)).provider, 'hook');
    assert.equal(vendors.texts.requestsTo(message.number).length, 1);
    await assertLogsIn(message);
  });

  test('earlier than the answer to the message', async () => {
    const number = '12025550103';
    vendors.texts.plan(number, { hang: true });
    const message = await text(number);
    assert.equal((await reportText(message.url, 'delivered')).status, 200);
    await awaitAbout('otp.delivered', number);
    vendors.texts.release();
    await assertLogsIn(message);
    assert.equal(vendors.texts.requestsTo(number).length, 1);
    assert.equal(vendors.hook.requestsTo(number).length, 0);
  });

  test('in any order, and twice', async () => {
    const message = await text('12025550104');
    for (const state of ['delivered', 'sent', 'delivered', 'queued', 'failed', 'failed']) {
      assert.equal((await reportText(message.url, state)).status, 200);
    }
    const last = await text('12025550105');
    assert.equal((await reportText(last.url, 'delivered')).status, 200);
    await awaitAbout('otp.delivered', last.number);
    assert.equal(about('otp.delivered', message.number).length, 1);
    assert.equal(vendors.hook.requestsTo(message.number).length, 0);
    await assertLogsIn(message);
  });
});

test('a server that was started again knows its messages', async () => {
  const message = await text('12025550106');
  await awaitAbout('otp.sent', message.number);
  await stopServer();
  await startServer();
  const members = { ErrorCode: '30003' };
  assert.equal((await reportText(message.url, 'failed', { members })).status, 200);
  const { data } = JSON.parse((await vendors.hook.await(message.number)).body);
  assert.equal(data.otp, message.code);
  await assertLogsIn(message);
});

describe('by a registered URL', () => {
  test('the challenge, and reports by the provider\'s name for a message', async () => {
    const { status, url, stderr } = await receiptUrl('chats');
    assert.equal(status, 0, stderr);
    assert.match(stderr, /Configuration, Webhook/);
    const challenge = (token) => client.request({
      path: `${pathOf(url)}?hub.mode=subscribe&hub.challenge=4711&hub.verify_token=${token}`,
    });
    const reply = await challenge(VERIFY_TOKEN);
    assert.deepEqual([reply.status, reply.text], [200, '4711']);
    assert.equal((await challenge('another')).status, 403);
    const number = '12025550111';
    vendors.chats.plan(number, { json: { messages: [{ id: 'wamid.A' }] } });
    await issue(number, 'Chat');
    await awaitAbout('otp.sent', number);
    assert.equal((await reportChat(url, { id: 'wamid.A', status: 'read' })).status, 200);
    assert.equal((await awaitAbout('otp.delivered', number)).channel, 'WHATSAPP');
  });

  test('earlier than anybody knows that name', async () => {
    const { url } = await receiptUrl('chats');
    const number = '12025550112';
    vendors.chats.plan(number, { hang: true });
    vendors.chats.taken.json.messages[0].id = 'wamid.B';
    await issue(number, 'Chat');
    await vendors.chats.await(number);
    assert.equal((await reportChat(url, { id: 'wamid.B', status: 'delivered' })).status, 200);
    vendors.chats.release();
    await awaitAbout('otp.delivered', number);
  });

  test('by the URL that the message took along', async () => {
    const { url } = await receiptUrl('chats');
    const number = '12025550113';
    vendors.chats.plan(number, { hang: true });
    await issue(number, 'Chat');
    const echo = JSON.parse((await vendors.chats.await(number)).body).biz_opaque_callback_data;
    pathOf(echo);
    const status = { id: 'wamid.C', status: 'delivered', biz_opaque_callback_data: echo };
    assert.equal((await reportChat(url, status)).status, 200);
    await awaitAbout('otp.delivered', number);
    vendors.chats.release();
  });

  test('a message that nobody knows', async () => {
    const { url } = await receiptUrl('chats');
    assert.equal((await reportChat(url, { id: 'wamid.Z', status: 'failed' })).status, 200);
  });

  test('nothing has to be registered where messages say it', async () => {
    const { status, stderr } = await receiptUrl('texts');
    assert.equal(status, 0);
    assert.match(stderr, /each message says where to report/);
    const unknown = await receiptUrl('nobody');
    assert.equal(unknown.status, 78);
    assert.match(unknown.stderr, /no provider of that name/);
  });

  test('otpd check says which, and tells no URL', async () => {
    const file = folder.write('otpd.yaml', config);
    const { stdout } = await runOtpd(['check', '--config', file]);
    assert.match(stdout, /^texts: receipts: each message says where to report; signatures are c/m);
    assert.match(stdout, /^chats: receipts: register what is printed by otpd provider receipt-u/m);
    assert.ok(!stdout.includes('/receipts/'));
  });
});

describe('what is not the provider\'s', () => {
  test('forged, changed, or to another URL', async () => {
    const message = await text('12025550121');
    const other = await text('12025550122');
    const signature = twilioSignature(message.url, { MessageSid: 'SM01', MessageStatus: 'sent' });
    const elsewhere = twilioSignature(other.url, { MessageSid: 'SM01', MessageStatus: 'failed' });
    for (const wrong of ['', 'x', signature, elsewhere]) {
      const reply = await reportText(message.url, 'failed', { signature: wrong });
      assert.equal(reply.status, 403, wrong);
    }
    const { why } = await until(NEXT_MS, 'receipt.refused', () =>
      server.events('receipt.refused').find(({ provider }) => provider === 'texts'));
    assert.equal(why, 'its signature is missing or wrong');
    await assertLogsIn(message);
    assert.equal(about('otp.undelivered', message.number).length, 0);
    assert.equal(vendors.hook.requestsTo(message.number).length, 0);
  });

  test('a URL that was never given', async () => {
    const message = await text('12025550123');
    const path = pathOf(message.url);
    const last = path.endsWith('0') ? '1' : '0';
    const paths = [
      path.slice(0, -1) + last, path.slice(0, -1), `${path}0`, path.replace('/texts/', '/hook/'),
      path.replace('/texts/', '/nobody/'), '/receipts/texts/', '/receipts/',
    ];
    const bodies = new Set();
    for (const wrong of paths) {
      const reply = await reportText(message.url, 'failed', { path: wrong });
      assert.equal(reply.status, 404, wrong);
      bodies.add(reply.text);
    }
    assert.equal(bodies.size, 1);
    assert.equal((await client.request({ method: 'PUT', path })).status, 405);
    await assertLogsIn(message);
    assert.equal(vendors.hook.requestsTo(message.number).length, 0);
  });

  test('an old one again', async () => {
    vendors.texts.plan('12025550124', { status: 400, json: { code: 21614 } });
    await issue('12025550124');
    const { data } = JSON.parse((await vendors.hook.await('12025550124')).body);
    server.secrets.addCode(data.otp);
    const failed = { type: 'otp.failed', data: { reason: 'unreachable' } };
    const old = await reportHook(data.receipt_url, failed, Date.now() - OLD_SECONDS * 1000);
    assert.equal(old.status, 403);
    assert.equal((await reportHook(data.receipt_url, { type: 'otp.delivered' })).status, 200);
    await awaitAbout('otp.delivered', '12025550124');
    assert.equal(about('otp.undelivered', '12025550124').length, 0);
  });

  test('rubbish, and more than fits', async () => {
    const { url } = await text('12025550125');
    const send = (body) => client.request({
      method: 'POST', path: pathOf(url), body, headers: { 'Content-Type': FORM },
    });
    assert.equal((await send('MessageSid=%')).status, 400);
    assert.equal((await send('x'.repeat(70000))).status, 413);
  });
});
