// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// otpd explain: what became of somebody's code, for each way in which it can end, in words; also
// after a restart, and never with a code or an address in it.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { after, before, describe, test } = require('node:test');

const { Api, mobile } = require('./lib/api');
const { Authority } = require('./lib/certificate');
const { configText } = require('./lib/config');
const { FakeControl } = require('./lib/fake_control');
const { Folder } = require('./lib/folder');
const { Client } = require('./lib/http');
const { runOtpd } = require('./lib/program');
const { Server } = require('./lib/server');
const { Vendor } = require('./lib/vendor');
const { until } = require('./lib/wait');

const EXIT = { ok: 0, usage: 64, data: 65 };
const SOON_MS = 10000;
const CODES = /\b\d{6}\b/g;
const PUBLIC_URL = 'https://otp.example.com';
const TOKEN = 'token-of-the-provider';
const REFUSES = { status: 400, json: { code: 30003, message: 'Unreachable handset' } };
const TAKES = { status: 201, json: { sid: 'SM0123', status: 'queued' } };

const folder = new Folder();
let first; // the provider that is asked first
let second;
let options; // of the server
let server;
let api;

function twilio(name, vendor, authority) {
  return {
    name, kind: 'twilio', endpoint: vendor.url, accountSid: 'AC01',
    authTokenFile: folder.write('token', `${TOKEN}\n`), sender: '+12025550100',
    caFile: authority.file, allowPrivate: true, timeoutMs: 1000,
  };
}

before(async () => {
  const authority = new Authority(folder);
  const keyFile = folder.join('keys');
  await runOtpd(['init', '--key-file', keyFile]);
  const certificate = authority.sign('IP:127.0.0.1');
  first = await Vendor.start({ ...certificate, taken: TAKES });
  second = await Vendor.start({ ...certificate, taken: TAKES });
  const providers = [twilio('first', first, authority), twilio('second', second, authority)];
  const brands = { Shop: { otpMaxCount: 2, otpTimeOut: 10 }, Other: {} };
  const config = configText(brands,
    { keyFile, logFormat: 'json', publicUrl: PUBLIC_URL, providers });
  options = { isDev: false, config, args: ['--data-dir', folder.join('data')] };
  server = await Server.start(options);
  api = new Api(server);
});

after(async () => {
  api.close();
  await server.stop();
  await first.stop();
  await second.stop();
  folder.remove();
});

/** Its output has nothing of what has been sent so far. */
async function explain(words, status = EXIT.ok) {
  const args = ['explain', ...words, '--socket', await server.controlSocket()];
  const end = await runOtpd(args, { env: { TZ: 'CET-1' } });
  assert.equal(end.status, status, end.stderr + end.stdout);
  for (const { body } of [...first.requests, ...second.requests]) {
    const [code] = new URLSearchParams(body).get('Body').match(CODES);
    server.secrets.addCode(code);
  }
  server.secrets.assertNoneIn(end.stdout);
  return end;
}

async function issue(number, brand = 'Shop') {
  const who = mobile(number, { brand });
  const sessionId = await api.open(who);
  assert.equal((await api.generate(who, sessionId)).code, 200);
  return { who, sessionId };
}

/** What is told of that number once it has come to that. */
function explainedAs(number, state) {
  return until(SOON_MS, `${number} is ${state}`, async () => {
    const { stdout } = await explain([number, '--json']);
    const { people: [person] } = JSON.parse(stdout);
    return person?.messages.at(-1)?.state === state && person;
  });
}

async function assertTells(words, ...lines) {
  const { stdout } = await explain(words);
  let at = 0;
  for (const line of lines) {
    const found = new RegExp(`^${line}$`, 'm').exec(stdout.slice(at));
    assert.ok(found, `${line}\nis not in\n${stdout.slice(at)}`);
    at += found.index;
  }
}

const AT = '\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d CET';
const TRY = '  \\d\\d:\\d\\d:\\d\\d ';

test('the first provider refused, the second took it', async () => {
  const number = '12025550101';
  first.plan(number, REFUSES);
  const { sessionId } = await issue(number);
  await explainedAs(number, 'accepted');
  await assertTells([`+${number}`],
    'Shop: \\+12•••••101',
    '  sends     1 of 2 in 10 minutes',
    '  failures  0 wrong codes in a row \\(\\d+ lock\\)',
    `  code      SMS, ends ${AT} \\(in \\d+ min\\), 5 tries left`,
    `message \\d+: SMS to \\+12•••••101, ${AT} \\(.* ago\\)`,
    '  route     first, second',
    `${TRY} first +refused it after \\d.*: the phone or mailbox is not reachable`,
    '    to do   .*',
    `${TRY} second +took it after \\d.*`,
    '  reference SM0123',
    '=> second took it after \\d.* and has not reported that it arrived');
  await assertTells([sessionId], `session: open; .*${AT} .*`, 'Shop: \\+12•••••101',
    `${TRY} first +refused it .*`, '=> second took it .*');
});

/** Says as Twilio does what became of the message that it was given. */
async function report({ body }, members) {
  const url = new URLSearchParams(body).get('StatusCallback');
  const whole = { MessageSid: 'SM0123', ...members };
  const text = url + Object.keys(whole).sort().map((name) => name + whole[name]).join('');
  const client = new Client(server.port);
  const { status } = await client.request({
    method: 'POST', path: url.slice(PUBLIC_URL.length), body: String(new URLSearchParams(whole)),
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded',
      'X-Twilio-Signature': crypto.createHmac('sha1', TOKEN).update(text).digest('base64'),
    },
  });
  client.close();
  assert.equal(status, 200);
}

test('it was delivered', async () => {
  const number = '12025550107';
  await issue(number);
  await explainedAs(number, 'accepted');
  await report(await first.await(number), { MessageStatus: 'delivered' });
  await explainedAs(number, 'delivered');
  await assertTells([number],
    `${TRY} first +took it after \\d.*, and reported after \\d.* that it arrived`,
    '  now       delivered: it arrived', '=> delivered after \\d.*');
});

test('the first provider took it and reports that it did not arrive', async () => {
  const number = '12025550108';
  await issue(number);
  await explainedAs(number, 'accepted');
  await report(await first.await(number), { MessageStatus: 'undelivered', ErrorCode: '30003' });
  await second.await(number);
  await explainedAs(number, 'accepted');
  await assertTells([number],
    `${TRY} first +took it after .*, and reported after .* that it did not arrive: the phone .*`,
    '=> second took it after .*');
});

test('nobody took it', async () => {
  const number = '12025550102';
  first.plan(number, REFUSES);
  second.plan(number, { status: 400, json: { code: 21211, message: 'no such number' } });
  await issue(number);
  await explainedAs(number, 'failed');
  await assertTells([number], '  it said   HTTP 400, 21211: no such number',
    '  now       failed: nobody took it', '=> nobody took it: there is no such address');
});

test('nobody knows, and another provider is asked later', async () => {
  const number = '12025550103';
  first.plan(number, { cut: true });
  await issue(number);
  await explainedAs(number, 'unknown');
  await assertTells([number], `${TRY} first +gave no answer.*`,
    '=> it may have arrived or not: first did not answer; another provider is asked soon');
});

test('the limit is reached, and too many wrong codes', async () => {
  const number = '12025550104';
  const { who, sessionId } = await issue(number);
  assert.equal((await api.generate(who, sessionId)).code, 200);
  assert.equal((await api.generate(who, sessionId)).code, 1534);
  assert.equal((await api.validate(who, sessionId, 'nonsense')).code, 1506);
  await explainedAs(number, 'accepted');
  await assertTells([number],
    `  sends     2 of 2 in 10 minutes; none before ${AT} \\(in \\d+ .*\\)`,
    '  failures  1 wrong code in a row \\(.*', '=> .*; the limit of sends is reached');
});

test('one brand of several, and nobody at all', async () => {
  const number = '12025550105';
  await issue(number);
  await issue(number, 'Other');
  await explainedAs(number, 'accepted');
  const both = JSON.parse((await explain([number, '--json'])).stdout);
  assert.deepEqual(both.people.map(({ brand }) => brand).sort(), ['Other', 'Shop']);
  await assertTells([number, '--brand', 'other'], 'Other: \\+12•••••105', '  sends     no limit');
  await assertTells(['12025550199'], '\\+12•••••199',
    '=> nobody of that name has asked for a code in the last day');
  const { stderr } = await explain([number, '--brand', 'Nobody'], EXIT.data);
  assert.match(stderr, /there is no brand "Nobody"; otpd brand list shows what there is/);
  await explain([], EXIT.usage);
  await explain(['P-00000000-0000-4000-8000-000000000000'], EXIT.data);
});

test('all of it is known after a restart', async () => {
  const number = '12025550106';
  first.plan(number, REFUSES);
  second.plan(number, REFUSES);
  await issue(number);
  const told = await explainedAs(number, 'failed');
  const old = server;
  old.program.signal('SIGKILL');
  await old.program.end();
  server = await Server.start(options);
  server.secrets = old.secrets;
  const again = await explainedAs(number, 'failed');
  assert.deepEqual(again.messages, told.messages);
  assert.equal(again.conclusion, told.conclusion);
  api.close();
  old.folder.remove();
  api = new Api(server);
});

describe('what is asked', () => {
  test('nobody\'s name is in a URL', async () => {
    const json = { now: '2026-11-23T10:00:00.000Z', asked: 'x', people: [], conclusion: 'nobody' };
    const fake = await FakeControl.start(() => ({ status: 200, json }));
    const words = ['--socket', fake.path, '--brand', 'A', '--', '--b'];
    const { stdout } = await runOtpd(['explain', ...words]);
    fake.stop();
    assert.deepEqual(fake.calls(), ['POST /admin/v1/explain']);
    assert.deepEqual(fake.requests[0].body, { who: '--b', brand: 'A' });
    assert.equal(stdout, 'x\n=> nobody\n');
  });
});
