// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Real pairs of request and answer, byte by byte, against a server that has been brought into the
// state which each of them tells of.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { test } = require('node:test');

const { Api, wrong } = require('./lib/api');
const { configText } = require('./lib/config');
const { readData } = require('./lib/data');
const { Folder } = require('./lib/folder');
const { runOtpd } = require('./lib/program');
const { Server } = require('./lib/server');

const TRIES_MAX = 5;
const TOKEN_SECRET = crypto.randomBytes(36).toString('base64');

const cases = readData('corpus.json').filter(({ name }) =>
  /^(token_generate|otp_generate|otp_validate)_/.test(name));

const brandSettings = {
  issuer: 'CAPILLARY TECHNOLOGIES',
  ogc: '100001|example.till',
};

const familyOf = (path) => (path.startsWith('/auth/v1/web/') ? 'web/' : '');

function personOf({ identifierType, identifierValue, mobile: number, brand, deviceId }) {
  return { identifierType, identifierValue, mobile: number, brand, deviceId };
}

async function withSession(api, { path, request }) {
  return { ...request, sessionId: await api.open(personOf(request), familyOf(path)) };
}

async function withCode(api, { path, request }) {
  for (;;) {
    const begun = await api.begin(personOf(request), familyOf(path));
    if (begun.code !== '000000') {
      return { ...request, sessionId: begun.sessionId, otp: begun.code };
    }
  }
}

async function withWrongCode(api, sample) {
  return { ...(await withCode(api, sample)), otp: sample.request.otp };
}

async function withTriesSpent(api, sample) {
  const request = await withCode(api, sample);
  for (let i = 1; i <= TRIES_MAX; i++) {
    const body = { ...request, otp: wrong(request.otp, i) };
    const reply = await api.call(`${familyOf(sample.path)}otp/validate`, body);
    assert.equal(reply.code, 1506, reply.text);
  }
  return { ...request, otp: sample.request.otp };
}

async function withLimitSpent(api, sample) {
  const { sessionId } = await withCode(api, sample);
  return { ...sample.request, sessionId };
}

/** Its hash is as long as the brand's key makes one, and of a time that is long over. */
async function withKey(api, sample) {
  const socket = await api.server.controlSocket();
  const words = ['brand', 'encryption', 'add', sample.request.brand, 'bits=4096'];
  const end = await runOtpd([...words, '--socket', socket]);
  assert.equal(end.status, 0, end.stderr);
  return withSession(api, sample);
}

const limited = { otpMaxCount: 1, otpTimeOut: 1440 };
const encrypted = { 'encryption.endpoints': 'otp/generate' };
const preparations = {
  otp_generate_mobile: { prepare: withSession },
  otp_generate_web_email: { prepare: withSession },
  otp_generate_fallback_channel: { prepare: withSession },
  otp_generate_daily_limit: { prepare: withLimitSpent, settings: limited },
  otp_generate_hash_expired: { prepare: withKey, settings: encrypted },
  otp_validate_mobile: { prepare: withCode },
  otp_validate_web_email: { prepare: withCode },
  otp_validate_wrong_code: { prepare: withWrongCode },
  otp_validate_max_retries: { prepare: withTriesSpent },
};

/** Puts what differs on each run from the answer into the sample. */
function expectedOf(sample, answer) {
  const expected = structuredClone(sample.response);
  for (const pointer of sample.vary) {
    const names = pointer.split('/').slice(1);
    const last = names.pop();
    const at = (root) => names.reduce((value, name) => value[name], root);
    assert.equal(typeof at(answer)[last], typeof at(expected)[last], pointer);
    at(expected)[last] = at(answer)[last];
  }
  return expected;
}

const decode = (part) => JSON.parse(Buffer.from(part, 'base64url').toString());

/** Names and types in their order. The sample's refresh key is older than `mfa`. */
function shapeOf(payload) {
  const members = Object.entries(payload).map(([name, value]) => [name, typeof value]);
  if (payload.rol === 'AUTH' && payload.mfa === undefined) {
    members.splice(2, 0, ['mfa', 'boolean']);
  }
  return members;
}

function checkToken(token, sample) {
  const [header, payload, signature] = token.split('.');
  const [wantedHeader, wantedPayload] = sample.split('.');
  const mac = crypto.createHmac('sha256', TOKEN_SECRET).update(`${header}.${payload}`);
  assert.equal(header, wantedHeader);
  assert.deepEqual(shapeOf(decode(payload)), shapeOf(decode(wantedPayload)));
  for (const name of ['iss', 'ogc', 'isc', 'rol']) {
    assert.deepEqual(decode(payload)[name], decode(wantedPayload)[name], name);
  }
  assert.equal(signature, mac.digest('base64url'));
}

function check(sample, reply) {
  assert.equal(reply.status, sample.response_status);
  assert.equal(reply.headers['content-type'], 'application/json');
  assert.equal(reply.text, JSON.stringify(expectedOf(sample, reply.json)));
  for (const member of ['token', 'key']) {
    const wanted = sample.response.auth?.[member];
    if (wanted) {
      checkToken(reply.json.auth[member], wanted);
    }
  }
}

async function replay(sample) {
  const { prepare = (_, { request }) => request, settings = {} } = preparations[sample.name] ?? {};
  const folder = new Folder();
  const tokenKeyFile = folder.write('token-key', `${TOKEN_SECRET}\n`);
  const config = configText({ ExampleBrand: { ...brandSettings, tokenKeyFile, ...settings } });
  const server = await Server.start({ config });
  const api = new Api(server);
  try {
    const request = await prepare(api, sample);
    const body = JSON.stringify(request);
    check(sample, await api.client.post(sample.path, body, sample.headers));
  } finally {
    api.close();
    await server.stop();
    folder.remove();
  }
}

for (const sample of cases) {
  test(sample.name, () => replay(sample));
}

test('every case is there', () => {
  const names = cases.map(({ name }) => name);
  assert.equal(names.length, 15);
  assert.deepEqual(Object.keys(preparations).filter((name) => !names.includes(name)), []);
});
