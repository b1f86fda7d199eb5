// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Issuing and typing codes: resends, limits, locks, and the many ways in which people and apps
// write numbers, codes and bodies.
'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');

const { Api, email, mobile, wrong } = require('./lib/api');
const { configText } = require('./lib/config');
const { Server } = require('./lib/server');
const { until } = require('./lib/wait');

const TRIES_MAX = 5;
const WINDOW_MINUTES = 60;
const RESEND_MS = 15000;
const LEADING_ZERO_TRIES = 500;

const brands = {
  Limited: { otpMaxCount: 3, otpTimeOut: WINDOW_MINUTES },
  ShortLived: { otpTtlSeconds: 6 },
  AlwaysNew: { resend: 'new' },
  Strict: { lockAfterFailures: 5 },
  Long: { otpLength: 10 },
};

let server;
let api;

before(async () => {
  server = await Server.start({ config: configText(brands) });
  api = new Api(server);
});

after(async () => {
  api.close();
  await server.stop();
});

const digitsFrom = (zero) => (text) =>
  text.replace(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)));
const fullWidth = digitsFrom(0xff10);
const devanagari = digitsFrom(0x966);

/** Sends again and answers the code in that message. */
async function resend(who, sessionId) {
  const newest = await api.lastId();
  const reply = await api.generate(who, sessionId);
  assert.equal(reply.code, 200, reply.text);
  const [message] = await api.messages(who.identifierValue, newest);
  return message.otp;
}

describe('resend', () => {
  test('the same code while half of its life is left; tries count on', async () => {
    const who = mobile('12025550110');
    const { sessionId, code } = await api.begin(who);
    for (let i = 1; i <= TRIES_MAX; i++) {
      assert.equal((await api.validate(who, sessionId, wrong(code, i))).code, 1506);
      assert.equal((await api.generate(who, sessionId)).code, i < TRIES_MAX ? 200 : 1518);
    }
    assert.equal((await api.validate(who, sessionId, code)).code, 1518);
    const [last] = await api.messages(who.identifierValue);
    assert.equal(last.otp, code);
  });

  test('a new code after that, and the old one is wrong', async () => {
    const who = mobile('12025550111', { brand: 'ShortLived' });
    const { sessionId, code } = await api.begin(who);
    assert.equal(await resend(who, sessionId), code);
    const fresh = await until(RESEND_MS, 'a new code', async () => {
      const sent = await resend(who, sessionId);
      return sent !== code && sent;
    });
    assert.equal((await api.validate(who, sessionId, code)).code, 1506);
    assert.equal((await api.validate(who, sessionId, fresh)).code, 200);
  });

  test('always a new one where the brand wants that', async () => {
    const who = mobile('12025550112', { brand: 'AlwaysNew' });
    const { sessionId, code } = await api.begin(who);
    const codes = [code, await resend(who, sessionId), await resend(who, sessionId)];
    assert.ok(new Set(codes).size > 1);
    assert.equal((await api.validate(who, sessionId, codes[2])).code, 200);
  });
});

test('a code validates only in the session that issued it', async () => {
  const who = email('two@example.com');
  const [first, second] = [await api.begin(who), await api.begin(who)];
  assert.equal((await api.validate(who, second.sessionId, first.code)).code, 1506);
  assert.equal((await api.validate(who, second.sessionId, second.code)).code, 200);
  assert.equal((await api.validate(who, first.sessionId, first.code)).code, 200);
});

describe('the limit', () => {
  const spellings = {
    number: ['919999999993', '+91 99999 99993', '00919999999993', fullWidth('919999999993')],
    'e-mail address': ['One@Example.com', 'one@example.COM', 'ONE@EXAMPLE.COM', 'one@example.com'],
  };
  for (const [what, values] of Object.entries(spellings)) {
    test(`counts all spellings of a ${what} together`, async () => {
      const make = what === 'number' ? mobile : email;
      const codes = [];
      for (const value of values) {
        const who = make(value, { brand: 'Limited' });
        const reply = await api.generate(who, await api.open(who));
        codes.push(reply.code);
        assert.equal(reply.status, 200);
        assert.equal('retry-after' in reply.headers, reply.code === 1534);
        if (reply.code === 1534) {
          const seconds = Number(reply.headers['retry-after']);
          assert.ok(seconds > WINDOW_MINUTES * 60 - 30 && seconds <= WINDOW_MINUTES * 60);
        }
      }
      assert.deepEqual(codes, [200, 200, 200, 1534]);
    });
  }

  test('counts on the web URI, in other sessions and for resends too', async () => {
    const { deviceId, ...who } = mobile('12025550113', { brand: 'Limited' });
    const { sessionId, code } = await api.begin({ ...who, deviceId });
    assert.equal((await api.generate({ ...who, deviceId }, sessionId)).code, 200);
    const web = await api.open(who, 'web/');
    assert.equal((await api.generate(who, web, 'web/')).code, 200);
    assert.equal((await api.generate(who, web, 'web/')).code, 1534);
    assert.equal((await api.generate({ ...who, deviceId }, sessionId)).code, 1534);
    assert.equal((await api.validate({ ...who, deviceId }, sessionId, code)).code, 200);
  });
});

test('wrong tries over several sessions lock the person, and nobody else', async () => {
  const who = mobile('12025550114', { brand: 'Strict' });
  const [first, second] = [await api.begin(who), await api.begin(who)];
  for (let i = 1; i <= TRIES_MAX; i++) {
    const { sessionId, code } = i % 2 ? first : second;
    assert.equal((await api.validate(who, sessionId, wrong(code, i))).code, 1506);
  }
  assert.equal((await api.validate(who, second.sessionId, second.code)).code, 1518);
  assert.equal((await api.generate(who, await api.open(who))).code, 1518);
  const other = mobile('12025550115', { brand: 'Strict' });
  const { sessionId, code } = await api.begin(other);
  assert.equal((await api.validate(other, sessionId, code)).code, 200);
});

describe('a code as people type it', () => {
  const spellings = {
    'with spaces': (code) => ` ${code.slice(0, 3)} ${code.slice(3)} `,
    'with a dash': (code) => `${code.slice(0, 3)}-${code.slice(3)}`,
    'in full-width digits': fullWidth,
    'in Devanagari digits': devanagari,
  };
  for (const [what, spell] of Object.entries(spellings)) {
    test(what, async () => {
      const who = mobile('12025550116');
      const { sessionId, code } = await api.begin(who);
      assert.equal((await api.validate(who, sessionId, spell(code))).code, 200);
    });
  }

  test('malformed ones answer 1506 and count as tries', async () => {
    const who = mobile('12025550117');
    const { sessionId, code } = await api.begin(who);
    for (const otp of ['abcdef', '', code.slice(1), `${code}0`, '1'.repeat(1000)]) {
      const reply = await api.validate(who, sessionId, otp);
      assert.deepEqual([reply.status, reply.code], [200, 1506], otp);
    }
    assert.equal((await api.validate(who, sessionId, code)).code, 1518);
  });

  test('a JSON number is padded with zeros to the length of a code', async () => {
    const who = mobile('12025550118', { brand: 'AlwaysNew' });
    let { sessionId, code } = await api.begin(who);
    for (let i = 0; i < LEADING_ZERO_TRIES && !code.startsWith('0'); i++) {
      code = await resend(who, sessionId);
    }
    assert.equal(code[0], '0');
    assert.equal((await api.validate(who, sessionId, Number(code))).code, 200);
  });

  test('ten digits are one JSON number too', async () => {
    const who = mobile('12025550119', { brand: 'Long' });
    const { sessionId, code } = await api.begin(who);
    assert.match(code, /^\d{10}$/);
    assert.equal((await api.validate(who, sessionId, Number(code))).code, 200);
  });

  const malformed = { missing: undefined, null: null, 'an object': {}, 'a fraction': 1.5 };
  for (const [what, otp] of Object.entries(malformed)) {
    test(`${what}: HTTP 400, and no try is counted`, async () => {
      const who = mobile('12025550120');
      const { sessionId, code } = await api.begin(who);
      for (let i = 0; i <= TRIES_MAX; i++) {
        const reply = await api.validate(who, sessionId, otp);
        assert.deepEqual([reply.status, reply.code], [400, 1519]);
      }
      assert.equal((await api.validate(who, sessionId, code)).code, 200);
    });
  }
});

describe('bodies', () => {
  test('deviceId as a JSON number is the device of its digits', async () => {
    const who = mobile('12025550121', { deviceId: 123456785 });
    const { sessionId, code } = await api.begin(who);
    const text = { ...who, deviceId: '123456785' };
    assert.equal((await api.generate(text, sessionId)).code, 200);
    assert.equal((await api.validate(text, sessionId, code)).code, 200);
  });

  test('the legacy ones of real apps', async () => {
    const who = { brand: 'DocDemo', deviceId: 'device-2', mobile: '12025550122' };
    const { sessionId, code } = await api.begin(who);
    const display = { mobile_temp: '+1 (202) 555-0122', mobileTemp: '12', otp: null };
    assert.equal((await api.generate({ ...who, ...display }, sessionId)).code, 200);
    assert.equal((await api.validate({ ...who, ...display }, sessionId, code)).code, 200);
  });

  test('the legacy one with an e-mail address', async () => {
    const who = { brand: 'DocDemo', deviceId: 'device-2', email: 'legacy@example.com', mobile: '' };
    const { sessionId, code } = await api.begin(who);
    const modern = email('legacy@example.com', { deviceId: 'device-2' });
    assert.equal((await api.validate(modern, sessionId, code)).code, 200);
  });

  test('an Authorization header and unknown members change nothing', async () => {
    const who = { ...mobile('12025550123'), hash: '!', timeStamp: 'x', cap: [1] };
    const headers = { Authorization: 'Basic eDp5', cap_brand: 'Other', cap_mobile: '1' };
    const reply = await api.call('token/generate', who, headers);
    assert.equal(reply.code, 200);
  });
});
