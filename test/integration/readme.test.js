// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What README.md tells a newcomer to type is typed here, and has to print what it says; its server
// for production is checked, and sends. So are the two calls of the API's own documentation.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');

const { Api, email, mobile } = require('./lib/api');
const { Authority } = require('./lib/certificate');
const { ROOT, dataFile } = require('./lib/data');
const { Folder } = require('./lib/folder');
const { runOtpd } = require('./lib/program');
const { Relay, parseMail } = require('./lib/relay');
const { Server } = require('./lib/server');
const { bash } = require('./lib/shell');
const { Vendor } = require('./lib/vendor');
const { assertPrinted, runWalk, walkOf } = require('./lib/walk');

const README = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');
const CALLS = fs.readFileSync(dataFile('generate-otp.sh'), 'utf8');
const DOCUMENT_SESSIONS = CALLS.match(/P-[0-9a-f-]{36}/g);
const DOCUMENT_EMAIL = '[email\u00a0protected]';
const OUR_EMAIL = 'captest@example.com';
const SUCCESS = '{"status":{"success":true,"code":200,"message":"SUCCESS"}}';
const INVALID_SESSION = '{"status":{"success":false,"code":1505,"message":"Invalid session"}}';

const someone = mobile('919999999993', { deviceId: '123456785' });
const somebody = email(OUR_EMAIL, { deviceId: null });

let server;
let api;

before(async () => {
  server = await Server.start();
  api = new Api(server);
});

after(async () => {
  api.close();
  await server.stop();
});

test('the walk of README.md prints what it says', async () => {
  const steps = walkOf(README);
  const newest = await api.lastId();
  const here = (script) => script.replaceAll('127.0.0.1:8480', server.address);
  const printed = await runWalk(steps, here);
  await api.messages(OUR_EMAIL, newest);
  await api.messages(someone.identifierValue, newest);
  assert.ok(steps.length >= 5);
  assertPrinted(steps, printed);
});

/** The calls of a script with what differs by nature made equal. */
function documentCalls(script) {
  const calls = script.match(/^curl [^\n]*otp\/generate' .*?^}'/gms) ?? [];
  return calls.map((call) =>
    call
      .replace(/--silent /, '')
      .replace(/("\$HOST"'|'http:\/\/127\.0\.0\.1:8480)/, "'")
      .replace(/"sessionId": .*/, '')
      .replace(OUR_EMAIL, DOCUMENT_EMAIL),
  );
}

test("README.md has the two calls of the API's documentation", () => {
  assert.equal(documentCalls(CALLS).length, 2);
  assert.deepEqual(documentCalls(README), documentCalls(CALLS));
});

/** Runs the document's calls; answers what each of them printed. */
async function runCalls(sessions, address) {
  let script = CALLS.replace(DOCUMENT_EMAIL, address);
  sessions.forEach((session, i) => (script = script.replace(DOCUMENT_SESSIONS[i], session)));
  const printed = await bash(script, { HOST: server.url });
  return printed.match(/{.*?}}/g);
}

test("the documentation's calls with a session just opened, then the code", async () => {
  const sessions = [await api.open(someone), await api.open(somebody, 'web/')];
  const newest = await api.lastId();
  assert.deepEqual(await runCalls(sessions, OUR_EMAIL), [SUCCESS, SUCCESS]);
  const [toPhone] = await api.messages(someone.identifierValue, newest);
  const [toMailbox] = await api.messages(OUR_EMAIL, newest);
  const onPhone = await api.validate(someone, sessions[0], toPhone.otp);
  const onWeb = await api.validate(somebody, sessions[1], toMailbox.otp, 'web/');
  assert.deepEqual([onPhone.code, onPhone.json.user.role], [200, 'USER']);
  assert.deepEqual([onWeb.code, onWeb.json.user], [200, null]);
});

test("the documentation's own session ids were not issued here: 1505", async () => {
  assert.deepEqual(await runCalls([], OUR_EMAIL), [INVALID_SESSION, INVALID_SESSION]);
});

// --- a server in production ---------------------------------------------------------------------

const PRODUCTION = /^```yaml\n(listen: .*?)^```$/ms.exec(README)[1];

/** The example, with its files in that folder. */
async function prepare(folder) {
  await runOtpd(['init', '--key-file', folder.join('keys')]);
  folder.write('mail-password', 'password\n');
  folder.write('twilio-token', 'token\n');
  return PRODUCTION.replaceAll('/etc/otpd', folder.path)
    .replace('/var/lib/otpd', folder.join('data'));
}

test("README.md's server for production is right", async () => {
  const folder = new Folder();
  const file = folder.write('otpd.yaml', await prepare(folder));
  const { status, stdout, stderr } = await runOtpd(['check', '--config', file]);
  folder.remove();
  assert.deepEqual([status, stdout, stderr], [0, 'configuration: ok (brands: 1, providers: 2)\n' +
    'texts: receipts: each message says where to report; signatures are checked\n', '']);
});

test("README.md's server for production sends both ways", async () => {
  const folder = new Folder();
  const authority = new Authority(folder);
  const right = authority.sign('IP:127.0.0.1');
  const taken = { status: 201, json: { sid: 'SM1', status: 'queued' } };
  const vendor = await Vendor.start({ ...right, taken });
  const login = { user: 'codes@example.com', pass: 'password' };
  const relay = await Relay.start({ ...right, login });
  const config = (await prepare(folder))
    .replace('host: smtp.example.com', `host: 127.0.0.1\n    port: ${relay.port}\n` +
      `    caFile: ${authority.file}`)
    .replace('kind: twilio', `kind: twilio\n    endpoint: ${vendor.url}\n` +
      `    caFile: ${authority.file}\n    allowPrivate: true`) + 'logFormat: json\n';
  const own = await Server.start({ isDev: false, config });
  const shop = new Api(own);
  const options = { brand: 'Shop' };
  for (const who of [mobile('12025550147', options), email('a@example.net', options)]) {
    assert.equal((await shop.generate(who, await shop.open(who))).code, 200);
  }
  const { body } = await vendor.await('12025550147');
  assert.match(new URLSearchParams(body).get('Body'), /^\d{6} is your Shop code/);
  const { text } = parseMail((await relay.await()).raw);
  assert.match(text.body, /\d{6}/);
  shop.close();
  await own.stop();
  await Promise.all([vendor.stop(), relay.stop()]);
  folder.remove();
});
