// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// otpd check --online against every provider with an HTTP interface, played by a fake over TLS:
// what it asks, and what it says of each answer of test/data/providers, of silence and of cuts. All
// providers are asked by one run, each answering with its next row. Zalo is in zalo.test.js, mail
// in providers.test.js.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { after, before, describe, test } = require('node:test');

const { Authority } = require('./lib/certificate');
const { configText } = require('./lib/config');
const { readData } = require('./lib/data');
const { Folder } = require('./lib/folder');
const { runOtpd } = require('./lib/program');
const { Vendor } = require('./lib/vendor');
const { SIGNING_KEY, VENDORS } = require('./lib/vendors');

const EXIT = { ok: 0, unavailable: 69 };
const TIMEOUT_MS = 500;
const ROWS = VENDORS.filter(({ kind }) => kind !== 'zalo');

const folder = new Folder();
let stations; // {row, fake, provider}

function providerOf({ kind, settings, secrets }, fake, authority) {
  const files = Object.entries(secrets).map(([name, text]) =>
    [`${name}File`, folder.write(`${kind}-${name}`, `${text}\n`)]);
  const where = kind === 'webhook' ? { url: fake.url } : { endpoint: fake.url };
  const common = { caFile: authority.file, allowPrivate: true, timeoutMs: TIMEOUT_MS };
  return { name: kind, kind, ...where, ...settings, ...Object.fromEntries(files), ...common };
}

before(async () => {
  const authority = new Authority(folder);
  const right = authority.sign('IP:127.0.0.1');
  stations = await Promise.all(ROWS.map(async (row) => {
    const fake = await Vendor.start(right);
    return { row, fake, provider: providerOf(row, fake, authority) };
  }));
  await runOtpd(['init', '--key-file', folder.join('keys')]);
});

after(async () => {
  await Promise.all((stations ?? []).map(({ fake }) => {
    fake.taken = { json: {} };
    return fake.stop();
  }));
  folder.remove();
});

/** What is said of each provider: {kind: lines}. */
async function check(...changes) {
  const options = { dataDir: folder.join('data'), keyFile: folder.join('keys') };
  const providers = stations.map(({ provider }, i) => ({ ...provider, ...changes[i] }));
  const config = folder.write('otpd.yaml', configText({ Shop: {} }, { ...options, providers }));
  const { status, stdout } = await runOtpd(['check', '--online', '--config', config]);
  for (const { secrets } of ROWS) {
    Object.values(secrets).forEach((secret) => assert.ok(!stdout.includes(secret), stdout));
  }
  const parts = stdout.split(/^(?=\S)/m).map((part) => part.trimEnd().split('\n'));
  const said = Object.fromEntries(parts.map((lines) => [lines[0].split(': ')[0], lines]));
  return { status, said };
}

const REASONS = {
  auth_failed: 'the provider refused the credentials',
  sender_not_registered: 'the sender is not registered with the provider or the carrier',
  throttled: 'the provider asks to send more slowly',
  unclassified: 'the provider gave a reason that is not known here',
  vendor_down: 'the provider cannot be reached or failed',
};

/** The lines for an answer as a row of test/data/providers has it. */
function linesFor({ kind, probe }, { outcome, reason, words }) {
  const bad = reason === 'unclassified' ? 'not understood' : 'not ready';
  const verdict = outcome === 'accepted' ? 'ready' : `${bad}: ${REASONS[reason]} (${reason})`;
  const shown = reason === 'auth_failed' ? probe.shown.split(' ') : [];
  return [`${kind}: ${verdict}`, ...(words ? [`  it says: ${words}`] : []),
    ...shown.map((name) => `  look at ${name}: `)];
}

function assertSays(said, station, answer) {
  const { row } = station;
  const lines = said[row.kind].map((line) => line.replace(/^( {2}look at \w+: ).+$/, '$1'));
  assert.deepEqual(lines, linesFor(row, answer), answer.name);
}

/** A vendor that repeats a secret repeats the one that it was shown, not that of the data file. */
function stepOf({ kind, secrets }, { status, body, hang }) {
  const { settings } = readData(`providers/${kind}.json`);
  const text = Object.entries(secrets).reduce((said, [name, secret]) =>
    said?.replaceAll(settings[name] ?? secret, secret), body);
  return { status, text, hang };
}

/** Each provider gives its answer. */
async function checkRound(answers) {
  stations.forEach(({ row, fake }, i) => {
    fake.requests = [];
    fake.taken = stepOf(row, answers[i]);
  });
  const { status, said } = await check();
  stations.forEach((station, i) => assertSays(said, station, answers[i]));
  const areReady = answers.every(({ outcome }) => outcome === 'accepted');
  assert.equal(status, areReady ? EXIT.ok : EXIT.unavailable);
  stations.forEach(({ row, fake }) => assert.equal(fake.requests.length, 1, row.kind));
}

const repliesOf = ({ row: { kind } }) => readData(`providers/${kind}.json`).probe.replies;

test('it asks what costs nothing, once, with the credentials', async () => {
  await checkRound(stations.map((station) => repliesOf(station)[0]));
  for (const { row: { kind, probe }, fake } of stations) {
    const { method, url, headers, body } = fake.requests[0];
    const [, id] = /"id":"msg_([0-9a-f]{16})"/.exec(body) ?? [];
    assert.deepEqual([`${method} ${url}`, body], [probe.line, probe.body.replace('<id>', id)]);
    if (probe.header) {
      assert.equal(headers[probe.header[0]], probe.header[1], kind);
    }
  }
});

test('AWS\'s questions are signed', async () => {
  await check();
  for (const [kind, service] of [['aws-sns', 'sns'], ['aws-eum', 'sms-voice']]) {
    const { fake } = stations.find(({ row }) => row.kind === kind);
    const { authorization } = fake.requests.at(-1).headers;
    const [, scope] =
      /^AWS4-HMAC-SHA256 Credential=(\S+), SignedHeaders=\S+, Signature=[0-9a-f]{64}$/
        .exec(authorization);
    assert.match(scope, new RegExp(`^AKIAEXAMPLE/\\d{8}/ap-south-1/${service}/aws4_request$`));
  }
});

test('a webhook\'s ping is signed as messages are, and has an id of its own', async () => {
  const { fake } = stations.find(({ row }) => row.kind === 'webhook');
  fake.requests = [];
  await check();
  await check();
  const ids = fake.requests.map(({ headers, body }) => {
    const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = headers;
    const mac = crypto.createHmac('sha256', SIGNING_KEY).update(`${id}.${at}.${body}`);
    assert.equal(signature, `v1,${mac.digest('base64')}`);
    assert.ok(Math.abs(Date.now() / 1000 - Number(at)) < 60);
    assert.equal(JSON.parse(body).id, id);
    return id;
  });
  assert.equal(new Set(ids).size, 2);
});

describe('what it says', () => {
  const rounds = Math.max(...ROWS.map((row) => repliesOf({ row }).length));

  for (let i = 1; i < rounds; i++) {
    test(`to answer ${i} of each provider`, () => {
      const rows = stations.map((station) => repliesOf(station));
      return checkRound(rows.map((replies) => replies[Math.min(i, replies.length - 1)]));
    });
  }

  test('to silence', () => {
    const words = 'Timeout was reached';
    const answer = { name: 'hangs', outcome: 'retry', reason: 'vendor_down', words, hang: true };
    return checkRound(stations.map(() => answer));
  });

  test('to a connection that ends', async () => {
    stations.forEach(({ fake }) => (fake.taken = { cut: true }));
    const { status, said } = await check();
    assert.equal(status, EXIT.unavailable);
    for (const { row } of stations) {
      assert.match(said[row.kind][0], /: not ready: .* \(vendor_down\)$/);
      assert.match(said[row.kind][1], /^ {2}it says: /);
    }
  });

  test('to nobody, and asks nothing', async () => {
    stations.forEach(({ fake }) => (fake.requests = []));
    const nowhere = 'https://127.0.0.1:1';
    const { status, said } = await check(...ROWS.map(({ kind }) =>
      (kind === 'webhook' ? { url: nowhere } : { endpoint: nowhere })));
    assert.equal(status, EXIT.unavailable);
    for (const { row, fake } of stations) {
      assert.match(said[row.kind][0], /: not ready: .* \(vendor_down\)$/);
      assert.equal(fake.requests.length, 0);
    }
  });
});
