// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Codes by SMS, WhatsApp and a webhook, from a server as it runs in production to providers that
// answer rightly, wrongly, late or not at all: what each request has in it, and how often it comes.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { after, before, describe, test } = require('node:test');

const { Api, email, mobile } = require('./lib/api');
const { Authority } = require('./lib/certificate');
const { configText } = require('./lib/config');
const { Folder } = require('./lib/folder');
const { runOtpd } = require('./lib/program');
const { Server } = require('./lib/server');
const { Vendor } = require('./lib/vendor');

const TOKEN = 'token-of-the-provider';
const SIGNING_KEY = Buffer.alloc(32, 7);
const EXIT = { ok: 0, unavailable: 69, config: 78 };
const TWILIO_TAKES = { status: 201, json: { sid: 'SM0123', status: 'queued' } };
const CODE = /\b\d{6}\b/;
const HUNG = 700; // more than the courier has places for
const GOOD_MS_MAX = 2000; // for messages beside a provider that hangs

const folder = new Folder();
let authority;
let right; // certificate and key of 127.0.0.1
let keyFile;
let tokenFile;
let signingSecretFile;

before(async () => {
  authority = new Authority(folder);
  right = authority.sign('IP:127.0.0.1');
  keyFile = folder.join('keys');
  tokenFile = folder.write('token', `${TOKEN}\n`);
  signingSecretFile = folder.write('secret', `whsec_${SIGNING_KEY.toString('base64')}`);
  await runOtpd(['init', '--key-file', keyFile]);
});

after(() => folder.remove());

const common = () => ({ caFile: authority.file, allowPrivate: true, timeoutMs: 1000 });

function twilio(vendor, settings) {
  return {
    name: 'texts', kind: 'twilio', endpoint: vendor.url, accountSid: 'AC01',
    authTokenFile: tokenFile, sender: '+12025550100', ...common(), ...settings,
  };
}

function whatsapp(vendor) {
  return {
    name: 'chats', kind: 'whatsapp-cloud', endpoint: vendor.url, phoneNumberId: '1',
    accessTokenFile: tokenFile, template: 'login', language: 'en', ...common(),
  };
}

function webhook(vendor, settings) {
  return {
    name: 'hook', kind: 'webhook', url: `${vendor.url}/otp`, signingSecretFile, ...common(),
    ...settings,
  };
}

function production(providers) {
  const own = {
    language: 'pt-BR', smsSender: 'BRNDCO', whatsappSender: '2', whatsappTemplateId: 'entrar',
    smsTemplate: '{otp} é seu código', emailSubject: '{otp}',
    translations: { es: { smsTemplate: '{otp} es tu código' } },
  };
  const brands = {
    Shop: {},
    Chat: { mobileChannel: 'WHATSAPP' },
    Own: own,
    OwnChat: { ...own, mobileChannel: 'WHATSAPP' },
  };
  const dataDir = folder.join('data');
  return configText(brands, { keyFile, dataDir, logFormat: 'json', providers });
}

/** Runs `job` with a server that sends by those providers. */
async function withServer(providers, job) {
  const server = await Server.start({ isDev: false, config: production(providers) });
  server.secrets.addCode(TOKEN);
  const api = new Api(server);
  try {
    await job({ server, api });
  } finally {
    api.close();
    await server.stop();
  }
}

async function withVendor(options, job) {
  const vendor = await Vendor.start({ ...right, ...options });
  try {
    await job(vendor);
  } finally {
    await vendor.stop();
  }
}

async function issue(api, who) {
  const sessionId = await api.open(who);
  assert.equal((await api.generate(who, sessionId)).code, 200);
  return { who, sessionId };
}

/** That code, of a request, is the right one. */
async function assertLogsIn({ server, api }, { who, sessionId }, code) {
  server.secrets.addCode(code);
  assert.equal((await api.validate(who, sessionId, code)).code, 200);
}

/** The last event about the message to that number, of which logs show the end alone. */
const ofNumber = (number) => ({ to }) => to?.endsWith(number.slice(-3));

describe('a code arrives', () => {
  test('by a form: Twilio', () => withVendor({ taken: TWILIO_TAKES }, (vendor) =>
    withServer([twilio(vendor)], async ({ server, api }) => {
      const session = await issue(api, mobile('12025550101', { brand: 'Shop' }));
      const { method, url, headers, body } = await vendor.await('12025550101');
      const { Body, ValidityPeriod, ...form } = Object.fromEntries(new URLSearchParams(body));
      assert.deepEqual([method, url], ['POST', '/2010-04-01/Accounts/AC01/Messages.json']);
      assert.equal(headers.authorization,
        `Basic ${Buffer.from(`AC01:${TOKEN}`).toString('base64')}`);
      assert.deepEqual(form, { To: '+12025550101', From: '+12025550100' });
      assert.ok(Number(ValidityPeriod) > 60);
      const { at, level, entry, ms, ...sent } = await server.awaitEvent('otp.sent');
      assert.deepEqual(sent, {
        event: 'otp.sent', brand: 'Shop', channel: 'SMS', to: '+12•••••101', tries: 1,
        provider: 'texts', providerRef: 'SM0123',
      });
      await assertLogsIn({ server, api }, session, CODE.exec(Body)[0]);
      assert.equal(vendor.requests.length, 1);
    })));

  test('by JSON: WhatsApp', () =>
    withVendor({ taken: { json: { messages: [{ id: 'wamid.1' }] } } }, (vendor) =>
      withServer([whatsapp(vendor)], async ({ server, api }) => {
        const session = await issue(api, mobile('12025550102', { brand: 'Chat' }));
        const { url, headers, body } = await vendor.await('12025550102');
        const { to, template } = JSON.parse(body);
        assert.equal(url, '/v23.0/1/messages');
        assert.equal(headers.authorization, `Bearer ${TOKEN}`);
        assert.equal(to, '+12025550102');
        const [text, button] = template.components.map(({ parameters }) => parameters[0].text);
        assert.equal(text, button);
        await assertLogsIn({ server, api }, session, text);
      })));

  test('by what the brand has set of its own', () =>
    withVendor({ taken: { json: { messages: [{ id: 'wamid.1' }], sid: 'SM1' } } }, (vendor) =>
      withServer([twilio(vendor), whatsapp(vendor)], async ({ server, api }) => {
        const session = await issue(api, mobile('12025550104', { brand: 'Own' }));
        const sms = await vendor.await('12025550104');
        const form = Object.fromEntries(new URLSearchParams(sms.body));
        assert.equal(form.From, 'BRNDCO');
        assert.match(form.Body, /^\d{6} é seu código$/);
        await assertLogsIn({ server, api }, session, CODE.exec(form.Body)[0]);
        await issue(api, mobile('12025550105', { brand: 'OwnChat' }));
        const { url, body } = await vendor.await('12025550105');
        const { template } = JSON.parse(body);
        assert.equal(url, '/v23.0/2/messages');
        assert.deepEqual([template.name, template.language], ['entrar', { code: 'pt_BR' }]);
        server.secrets.addCode(template.components[0].parameters[0].text);
      })));

  test('in the language that the request asks for', () =>
    withVendor({ taken: TWILIO_TAKES }, (vendor) =>
      withServer([twilio(vendor)], async ({ server, api }) => {
        const who = mobile('12025550106', { brand: 'Own' });
        const sessionId = await api.open(who);
        const headers = { 'Accept-Language': 'vi, es-MX;q=0.9, pt;q=0.1' };
        assert.equal((await api.call('otp/generate', { ...who, sessionId }, headers)).code, 200);
        const sms = await vendor.await('12025550106');
        const text = new URLSearchParams(sms.body).get('Body');
        assert.match(text, /^\d{6} es tu código$/);
        await assertLogsIn({ server, api }, { who, sessionId }, CODE.exec(text)[0]);
      })));

  test('an e-mail by a webhook: with its subject', () => withVendor({}, (vendor) =>
    withServer([webhook(vendor, { channels: 'EMAIL' })], async ({ server, api }) => {
      const session = await issue(api, email('b@example.net', { brand: 'Own' }));
      const { data } = JSON.parse((await vendor.await('b@example.net')).body);
      assert.equal(data.subject, data.otp);
      assert.equal(data.language, 'pt-BR');
      assert.equal('sender' in data, false);
      await assertLogsIn({ server, api }, session, data.otp);
    })));

  test('by a webhook whose signature is right, for two channels', () => withVendor({}, (vendor) =>
    withServer([webhook(vendor, { channels: 'EMAIL SMS' })], async ({ server, api }) => {
      for (const who of [email('a@example.net', { brand: 'Shop' }),
        mobile('12025550103', { brand: 'Shop' })]) {
        const session = await issue(api, who);
        const { url, headers, body } = await vendor.await(who.identifierValue);
        const { type, id, data } = JSON.parse(body);
        const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
        const mac = crypto.createHmac('sha256', SIGNING_KEY).update(signed).digest('base64');
        assert.equal(headers['webhook-signature'], `v1,${mac}`);
        assert.equal(url, '/otp');
        assert.deepEqual([type, id, data.brand], ['otp.send', headers['webhook-id'], 'Shop']);
        assert.ok(data.text.includes(data.otp));
        await assertLogsIn({ server, api }, session, data.otp);
      }
      assert.equal(vendor.requests.length, 2);
      const chat = mobile('12025550104', { brand: 'Chat' });
      assert.equal((await api.generate(chat, await api.open(chat))).code, 1503);
    })));
});

const RETRIED = 2; // requests: one that failed, one that was taken
const ROWS = [
  ['nobody has the number', { status: 400, json: { code: 21211, message: 'no' } },
    'otp.failed', 'invalid_number', 1],
  ['the password is wrong', { status: 401, json: { code: 20003, message: 'no' } },
    'otp.failed', 'auth_failed', 1],
  ['a code that nobody knows', { status: 400, json: { code: 99999, message: 'so what' } },
    'otp.failed', 'unclassified', 1],
  ['a failure in a 200', { status: 200, json: { status: 'failed', error_code: 30008 } },
    'otp.retry', 'vendor_down', RETRIED],
  ['an error of the server', { status: 503, json: {} }, 'otp.retry', 'vendor_down', RETRIED],
  ['a redirect', { status: 302, json: {}, headers: { Location: '/elsewhere' } },
    'otp.failed', 'unclassified', 1],
  ['throttled', { status: 429, json: { code: 20429 }, headers: { 'Retry-After': '2' } },
    'otp.retry', 'throttled', RETRIED],
  ['no answer', { hang: true }, 'otp.unknown', undefined, 1],
  ['a cut', { cut: true }, 'otp.unknown', undefined, 1],
  ['half an answer', { text: '{"sid": "SM01", "sta' }, 'otp.unknown', undefined, 1],
];

test('what the provider says decides whether it is asked again', () =>
  withVendor({ taken: TWILIO_TAKES }, (vendor) =>
    withServer([twilio(vendor)], async ({ server, api }) => {
      const numbers = ROWS.map((_, i) => `120255501${10 + i}`);
      ROWS.forEach(([, step], i) => vendor.plan(numbers[i], step));
      await Promise.all(numbers.map((number) => issue(api, mobile(number, { brand: 'Shop' }))));
      await server.awaitEvent('otp.sent', ROWS.filter((row) => row[4] === RETRIED).length);
      await server.awaitEvent('otp.unknown', 3);
      // Two seconds have passed: whoever was to be asked again has been asked.
      for (const [i, [what, , event, reason, count]] of ROWS.entries()) {
        const told = server.events(event).filter(ofNumber(numbers[i]));
        assert.equal(told.length, 1, what);
        assert.ok(told[0].why, what);
        assert.equal(reason ?? told[0].reason, told[0].reason, what);
        const requests = vendor.requestsTo(numbers[i]);
        assert.equal(requests.length, count, what);
        const codes = requests.map(({ body }) => CODE.exec(new URLSearchParams(body).get('Body')));
        assert.ok(codes.every(([code]) => code === codes[0][0]), what);
        server.secrets.addCode(codes[0][0]);
      }
      const [first, second] = vendor.requestsTo(numbers[6]);
      assert.ok(second.at - first.at >= 1990, 'Retry-After is kept');
      assert.equal(server.events('otp.failed').filter(ofNumber(numbers[2]))[0].words,
        'HTTP 400, 99999: so what');
    })));

describe('nothing is sent', () => {
  test('to who has another certificate', () => withVendor({}, async (vendor) => {
    const stranger = new Authority(folder, 'stranger');
    await withServer([twilio(vendor, { caFile: stranger.file })], async ({ server, api }) => {
      await issue(api, mobile('12025550130', { brand: 'Shop' }));
      const { reason, words } = await server.awaitEvent('otp.retry');
      assert.equal(reason, 'vendor_down');
      assert.match(words, /certificate/);
      assert.equal(vendor.requests.length, 0);
      assert.ok(vendor.connections > 0);
    });
  }));

  test('to a private address that was not allowed', () => withVendor({}, (vendor) =>
    withServer([twilio(vendor, { allowPrivate: false })], async ({ server, api }) => {
      await issue(api, mobile('12025550131', { brand: 'Shop' }));
      assert.match((await server.awaitEvent('otp.retry')).words, /private address/);
      assert.equal(vendor.connections, 0);
    })));
});

test('a provider that hangs holds up no other channel', () =>
  withVendor({ taken: TWILIO_TAKES }, (slow) => withVendor({}, (good) => {
    const providers = [twilio(slow, { timeoutMs: 20000 }), webhook(good, { channels: 'EMAIL' })];
    return withServer(providers, async ({ api }) => {
      const hung = Array.from({ length: HUNG }, (_, i) => `91990${String(i).padStart(7, '0')}`);
      hung.forEach((number) => slow.plan(number, { hang: true }));
      await Promise.all(hung.map((number) => issue(api, mobile(number, { brand: 'Shop' }))));
      const people = Array.from({ length: 50 }, (_, i) => `person${i}@example.net`);
      const began = performance.now();
      await Promise.all(people.map((address) => issue(api, email(address, { brand: 'Shop' }))));
      await Promise.all(people.map((address) => good.await(address)));
      assert.ok(performance.now() - began < GOOD_MS_MAX);
      assert.ok(slow.hanging.length > 0);
      slow.release();
      await Promise.all(hung.map((number) => slow.await(number)));
      assert.equal(slow.requests.length, hung.length);
    });
  })));

describe('commands', () => {
  async function run(command, providers) {
    const config = folder.write('otpd.yaml', production(providers));
    const end = await runOtpd([...command.split(' '), '--config', config]);
    assert.ok(![end.stdout, end.stderr].join().includes(TOKEN));
    return end;
  }

  test('otpd check --online without a probe connects, and says so', () =>
    withVendor({}, async (vendor) => {
      const { status, stdout } = await run('check --online', [ownRecipe(vendor)]);
      assert.deepEqual([status, stdout], [
        EXIT.ok, 'configuration: ok (brands: 4, providers: 1)\nown: connected; the credentials ' +
          'were not tried, since its recipe has no "probe"\n',
      ]);
      assert.deepEqual([vendor.connections, vendor.requests.length], [1, 0]);
    }));

  test('otpd check --online asks what costs nothing', () =>
    withVendor({ taken: { json: { sid: 'AC01' } } }, async (vendor) => {
      const { status, stdout } = await run('check --online', [twilio(vendor)]);
      assert.deepEqual([status, stdout], [
        EXIT.ok, 'configuration: ok (brands: 4, providers: 1)\ntexts: ready\n',
      ]);
      const { method, url, rawHeaders, body } = vendor.requests[0];
      assert.deepEqual([method, url, body], ['GET', '/2010-04-01/Accounts/AC01.json', '']);
      assert.deepEqual(rawHeaders, [
        'Host', `127.0.0.1:${vendor.port}`,
        'Authorization', `Basic ${Buffer.from(`AC01:${TOKEN}`).toString('base64')}`,
        'Accept', 'application/json',
      ]);
      assert.equal(vendor.requests.length, 1);
    }));

  const ANSWERS = [
    [{ status: 401, json: { code: 20003, message: `not ${TOKEN}` } }, EXIT.unavailable,
      /^texts: not ready: .*\(auth_failed\)\n {2}it says: HTTP 401, 20003: not \*\*\* \(check /m],
    [{ status: 403, json: { code: 1, message: 'not for you' } }, EXIT.ok,
      /^texts: ready\n {2}it says: HTTP 403, 1: not for you/m],
    [{ status: 503, json: {} }, EXIT.unavailable, /^texts: not ready: .*\(vendor_down\)$/m],
    [{ cut: true }, EXIT.unavailable, /^texts: not ready: .*\(vendor_down\)$/m],
    [{ hang: true }, EXIT.unavailable, /^texts: not ready: .*\(vendor_down\)$/m],
  ];

  for (const [taken, wanted, story] of ANSWERS) {
    test(`otpd check --online, answered ${JSON.stringify(taken)}`, () =>
      withVendor({ taken }, async (vendor) => {
        const { status, stdout } = await run('check --online', [twilio(vendor)]);
        assert.equal(status, wanted, stdout);
        assert.match(stdout, story);
      }));
  }

  test('otpd check --online with nobody there', () => withVendor({}, async (vendor) => {
    const settings = { endpoint: 'https://127.0.0.1:1' };
    const { status, stdout } = await run('check --online', [twilio(vendor, settings)]);
    assert.equal(status, EXIT.unavailable);
    assert.match(stdout, /^texts: not ready: .* \(vendor_down\)$/m);
  }));

  test('otpd send-test', () => withVendor({ taken: TWILIO_TAKES }, async (vendor) => {
    const command = 'send-test --channel sms --to +12025550140';
    const { status, stdout } = await run(command, [twilio(vendor)]);
    assert.deepEqual([status, stdout], [EXIT.ok, 'SMS: sent\n  it calls it: SM0123\n']);
    assert.match(new URLSearchParams(vendor.requests[0].body).get('Body'), /000000 is no code/);
    vendor.plan('12025550140', { status: 400, json: { code: 21211, message: 'not a number' } });
    const refused = await run(command, [twilio(vendor)]);
    assert.equal(refused.status, EXIT.unavailable);
    assert.match(refused.stdout, /\(invalid_number\)\n {2}it says: HTTP 400, 21211: not a number/);
  }));

  function ownRecipe(vendor) {
    const recipeFile = folder.write('own.yaml', [
      'recipe: own', 'title: Our own', 'channels: SMS', 'parameters:', '  endpoint:',
      '    help: Where it is', 'request:', '  url: "{endpoint|url}/send"', 'form:',
      '  number: "{to}"', '  words: "{text}"', 'reply:', '  format: nothing', '',
    ].join('\n'));
    return { name: 'own', kind: 'custom', recipeFile, endpoint: vendor.url, ...common() };
  }

  test('a recipe of one\'s own', () => withVendor({}, async (vendor) => {
    const own = ownRecipe(vendor);
    const { status } = await run('send-test --channel sms --to +12025550141', [own]);
    assert.equal(status, EXIT.ok);
    assert.equal(new URLSearchParams(vendor.requests[0].body).get('number'), '+12025550141');
  }));

  test('mistakes, all at once', async () => {
    const wrong = { name: 'x', kind: 'twilio', authToken: 'secret', sendr: 'x' };
    const { status, stderr } = await run('check', [wrong]);
    assert.equal(status, EXIT.config);
    assert.match(stderr, /:\d+:\d+: error: unknown option "authToken"; did you mean "authTokenF/);
    assert.match(stderr, /unknown option "sendr"; did you mean "sender"/);
    assert.match(stderr, /: accountSid: it is missing: Account SID/);
  });
});
