// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Every code at every endpoint, byte by byte. lib/ways.js says how to get each, or why it cannot be
// had; a pair of which it says nothing is a failure.
'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');

const { Caller } = require('./lib/caller');
const { configText } = require('./lib/config');
const { Folder } = require('./lib/folder');
const { Lane } = require('./lib/lane');
const { runOtpd } = require('./lib/program');
const { Server } = require('./lib/server');
const { MESSAGES, ROWS } = require('./lib/ways');

const CALLS = ['token/generate', 'otp/generate', 'otp/validate'];
const FAMILIES = ['', 'web/'];

const brands = { DocDemo: {}, Other1: {}, Other2: {}, Other3: {} };
const limited = { Once: { otpMaxCount: 1, otpTimeOut: 1 } };
const narrow = { ByMail: { identifierTypes: 'EMAIL' }, NoZalo: { fallbackChannels: 'SMS' } };
const guarded = { Guarded: { rejectWithoutHeader: 'X-Cdn' } };
const sealed = { Sealed: { 'encryption.endpoints': 'otp/generate' } };

const sites = {};
const folder = new Folder();
let occupant;

before(async () => {
  const config = configText({ ...brands, ...limited, ...narrow, ...guarded, ...sealed });
  const keyFile = folder.join('keys');
  await runOtpd(['init', '--key-file', keyFile]);
  // Nothing can send without a channel, and only development has one of its own.
  const silent = { isDev: false, config: configText(brands, { keyFile }) };
  sites.usual = await Server.start({ config });
  sites.silent = await Server.start(silent);
  sites.hurried = await Server.start({ args: ['--body-timeout-ms', '100'] });
  sites.crowded = await Server.start({ args: ['--loops', '1', '--connections-max', '1'] });
  occupant = await Lane.open(sites.crowded.port);
});

after(async () => {
  occupant.close();
  const { apis, ...servers } = sites;
  [...apis.values()].forEach((api) => api.close());
  await Promise.all(Object.values(servers).map((server) => server.stop()));
  folder.remove();
});

const successOf = {
  'token/generate': () => `,"auth":{"token":"T","key":null},"user":${userOf('"S"', 'VIEW')}`,
  'otp/generate': () => '',
  'otp/validate': (isWeb) =>
    isWeb
      ? ',"auth":{"token":"T","key":null},"user":null'
      : `,"auth":{"token":"T","key":"T"},"user":${userOf('null', 'USER')}`,
};

const userOf = (sessionId, role) =>
  `{"appRegistered":false,"sessionId":${sessionId},"role":"${role}",` +
  '"userRegisteredForPassword":false}';

/** What differs on each run, replaced: T is a token, S a session. */
const withoutValues = (text) =>
  text
    .replace(/"[\w-]+\.[\w-]+\.[\w-]{43}"/g, '"T"')
    .replace(/"P-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"/g, '"S"');

function bytesOf({ code, fault }, call, isWeb) {
  const message = fault ? `${MESSAGES[code]}: ${fault}` : MESSAGES[code];
  const status = `{"success":${code === 200},"code":${code},"message":"${message}"}`;
  return `{"status":${status}${code === 200 ? successOf[call](isWeb) : ''}}`;
}

function check(row, reply, caller) {
  const wanted = bytesOf(row, caller.call, caller.isWeb);
  assert.equal(withoutValues(reply.text), wanted);
  assert.equal(reply.status, row.status ?? 200);
  assert.equal(reply.headers['content-type'], 'application/json');
  assert.equal(reply.headers['content-length'], String(Buffer.byteLength(reply.text)));
  assert.match(reply.headers['x-request-id'], /^[0-9a-f]{32}$/);
  assert.equal('retry-after' in reply.headers, 'retry-after' in (row.headers ?? {}));
  for (const [name, pattern] of Object.entries(row.headers ?? {})) {
    assert.match(reply.headers[name], pattern, name);
  }
}

const titleOf = ({ code, status = 200, fault }) =>
  `${code} at HTTP ${status}${fault ? `: ${fault}` : ''}`;

for (const family of FAMILIES) {
  for (const call of CALLS) {
    describe(`${family}${call}`, () => {
      for (const row of ROWS.filter(({ ways }) => typeof ways[call] === 'function')) {
        test(titleOf(row), async () => {
          const caller = new Caller(sites, call, family);
          check(row, await row.ways[call](caller), caller);
        });
      }
    });
  }
}

test('each endpoint has a way to each code, or a reason why there is none', () => {
  const missing = [];
  for (const code of Object.keys(MESSAGES).map(Number)) {
    for (const call of CALLS) {
      const ways = ROWS.filter((row) => row.code === code).map((row) => row.ways[call]);
      if (ways.length === 0 || ways.some((way) => !way)) {
        missing.push(`${code} at ${call}`);
      }
    }
  }
  assert.deepEqual(missing, []);
  assert.deepEqual(ROWS.filter(({ code }) => !(code in MESSAGES)), []);
});
